"""What has come and waits its turn: what belongs to a call goes first, new calls when there is time for them.

An edge that is behind (a flood, a machine that stood still) would otherwise answer everything too late, be sent
everything again, and fall further behind. So a new INVITE that has waited longer than its sender's patience is
handed out as `late`, to be refused at little cost, and the calls that have begun get what the edge can do.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from cti_engine.sip_edge.hop import Hop
from cti_engine.wire.tokens import TOKEN_HEADER

_SLICE = 0.01  # seconds of work until timers, links and the sockets get their turn
_ROOM = 4000  # messages; what is more stays in the sockets, where the kernel bounds it
# A worker dials for a caller who is in the house already: no new call, whatever the token proves later.
_FROM_WORKER = f"\r\n{TOKEN_HEADER}:".encode()


class Receive(Protocol):
    """Takes one whole message; never raises."""

    def __call__(self, data: bytes, source: Hop, late: bool = False) -> None: ...


class Intake:
    """`put` what has come, then `work`. `patience` is seconds."""

    def __init__(self, receive: Receive, patience: float) -> None:
        self._receive = receive
        self._patience = patience
        self._first: deque[tuple[bytes, Hop] | Callable[[], None]] = deque()
        self._new: deque[tuple[float, bytes, Hop]] = deque()
        self._next: asyncio.Handle | None = None
        self._closed = False

    @property
    def full(self) -> bool:
        return len(self._first) + len(self._new) >= _ROOM

    def put(self, data: bytes, source: Hop) -> None:
        if data.startswith(b"INVITE ") and _FROM_WORKER not in data:
            self._new.append((time.monotonic(), data, source))
        else:
            self._first.append((data, source))

    def put_callback(self, callback: Callable[[], None]) -> None:
        """To be called after all that came first."""
        self._first.append(callback)

    def work(self) -> None:
        """Do what waits, for one slice; the rest follows in the loop's next turns."""
        if self._next is None:
            self._slice()

    def _slice(self) -> None:
        self._next = None
        end = time.monotonic() + _SLICE
        while not self._closed and (self._first or self._new):
            now = time.monotonic()
            if now > end:
                self._next = asyncio.get_running_loop().call_soon(self._slice)
                return
            if self._first:
                first = self._first.popleft()
                if isinstance(first, tuple):
                    self._receive(*first)
                else:
                    first()
            else:
                came, data, source = self._new.popleft()
                self._receive(data, source, now - came > self._patience)

    def close(self) -> None:
        """Nothing more is handed out."""
        self._closed = True
        if self._next is not None:
            self._next.cancel()
