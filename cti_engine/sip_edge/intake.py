"""What has come and waits its turn: what belongs to a call goes first, new calls when there is time for them.

An edge that is behind (a flood, a machine that stood still) would otherwise answer everything too late, be sent
everything again, and fall further behind. So a new INVITE that has waited longer than its sender's patience is
handed out as `late`, to be refused at little cost, and the calls that have begun get what the edge can do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from cti_engine.sip_edge.counters import Counters
from cti_engine.sip_edge.hop import Hop
from cti_engine.wire.tokens import TOKEN_HEADER

_SLICE = 0.01  # seconds of work until timers, links and the sockets get their turn
_ROOM = 2000  # messages of each kind
# A worker dials for a caller who is in the house already: no new call, whatever the token proves later.
_FROM_WORKER = f"\r\n{TOKEN_HEADER}:".encode()


class Receive(Protocol):
    """Takes one whole message; never raises."""

    def __call__(self, data: bytes, source: Hop, late: bool = False) -> None: ...


class Intake:
    """`put` what has come, then `work`. `patience` is seconds, `clock` tells them."""

    def __init__(
        self, receive: Receive, patience: float, counters: Counters, clock: Callable[[], float]
    ) -> None:
        self._receive = receive
        self._patience = patience
        self._counters = counters
        self._clock = clock
        self._first: deque[tuple[bytes, Hop] | Callable[[], None]] = deque()
        self._new: dict[tuple[bytes, Hop], float] = {}  # when each came; a dict, so that none waits twice
        self._next: asyncio.Handle | None = None
        self._closed = False

    @property
    def full(self) -> bool:
        """Leave the rest in the socket, where the kernel bounds it."""
        return len(self._first) >= _ROOM

    def put(self, data: bytes, source: Hop) -> None:
        if not data.startswith(b"INVITE ") or _FROM_WORKER in data:
            self._first.append((data, source))
        elif (data, source) in self._new:
            self._counters.add("retransmission.absorbed")
        elif len(self._new) < _ROOM:
            self._new[data, source] = self._clock()
        else:
            self._counters.add("dropped.invite")  # a flood that not even refusing keeps up with

    def put_callback(self, callback: Callable[[], None]) -> None:
        """To be called after all that came first."""
        self._first.append(callback)

    def work(self) -> None:
        """Do what waits, for one slice; the rest follows in the loop's next turns."""
        if self._next is None:
            self._slice()

    def _slice(self) -> None:
        self._next = None
        end = self._clock() + _SLICE
        while not self._closed and (self._first or self._new):
            now = self._clock()
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
                data, source = next(iter(self._new))
                came = self._new.pop((data, source))
                self._receive(data, source, now - came > self._patience)

    def close(self) -> None:
        """Nothing more is handed out."""
        self._closed = True
        if self._next is not None:
            self._next.cancel()
