"""The pipe to the supervisor: heartbeats out, `drain` and `stop` in; its end means the supervisor is gone."""

from __future__ import annotations

import asyncio
import logging
import select
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

_log = logging.getLogger("cti.worker")


class ControlPipe:
    """`on_order(do)` gets `drain` or `stop`; a broken pipe counts as `drain`."""

    def __init__(self, pipe: Connection, on_order: Callable[[str], None]) -> None:
        self._pipe = pipe
        self._on_order = on_order
        self._writable = select.poll()
        self._writable.register(pipe.fileno(), select.POLLOUT)
        asyncio.get_running_loop().add_reader(pipe.fileno(), self._readable)

    def beat(self, heartbeat: dict[str, Any]) -> None:
        """Send, unless the supervisor has not read for so long that sending would block the calls."""
        if self._pipe.closed or not self._writable.poll(0):
            return
        try:
            self._pipe.send(heartbeat)
        except OSError:
            self._lost()

    def _readable(self) -> None:
        try:
            order = self._pipe.recv()
        except (EOFError, OSError):
            self._lost()
            return
        do = order.get("do") if isinstance(order, dict) else None
        if do in ("drain", "stop"):
            self._on_order(do)
        else:
            _log.error("the supervisor sent %r, which is not an order", order)

    def _lost(self) -> None:
        if not self._pipe.closed:
            asyncio.get_running_loop().remove_reader(self._pipe.fileno())
            self._pipe.close()
            _log.warning("the supervisor is gone; finishing the interaction, then ending")
            self._on_order("drain")
