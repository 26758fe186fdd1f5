"""Timer E for requests that the edge sends over UDP in its own name, or takes over from TCP (RFC 3261 17.1.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from cti_engine.sip_edge.hop import Hop
from cti_engine.sip_edge.transports import Transports

T1 = 0.5
T2 = 4.0
TRANSACTION_LIFE = 64 * T1


@dataclass(slots=True)
class _Pending:
    hop: Hop
    data: bytes
    pause: float
    timer: asyncio.TimerHandle
    ends: float


class Retransmissions:
    """Sends until `answered` is called with the same key, or 32 s are over. Keys are (branch, method)."""

    def __init__(self, transports: Transports) -> None:
        self._transports = transports
        self._pending: dict[tuple[str, str], _Pending] = {}

    def start(
        self, key: tuple[str, str], hop: Hop, data: bytes, on_failure: Callable[[], None] | None = None
    ) -> None:
        """Send `data` now and, on UDP, again. The same key a second time is only sent once more."""
        self._transports.send(hop, data, on_failure)
        if hop.transport == "udp" and key not in self._pending:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(T1, self._again, key)
            self._pending[key] = _Pending(hop, data, T1, timer, loop.time() + TRANSACTION_LIFE)

    def answered(self, key: tuple[str, str]) -> bool:
        """Stop. False if nothing was being sent under this key."""
        pending = self._pending.pop(key, None)
        if pending is not None:
            pending.timer.cancel()
        return pending is not None

    def _again(self, key: tuple[str, str]) -> None:
        pending = self._pending[key]
        loop = asyncio.get_running_loop()
        if loop.time() >= pending.ends:
            del self._pending[key]
            return
        self._transports.send(pending.hop, pending.data)
        pending.pause = min(pending.pause * 2, T2)
        pending.timer = loop.call_later(pending.pause, self._again, key)

    def close(self) -> None:
        for pending in self._pending.values():
            pending.timer.cancel()
        self._pending.clear()
