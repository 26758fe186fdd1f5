"""asyncio drives pjsua2: its SIP socket wakes the loop, a tick serves its timers and pending jobs.

No thread of pjsua2 runs our callbacks (`threadCnt=0`, `mainThreadOnly`), except `onEof2`.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVENTS_A_TURN = 32
"""A flood must not keep the loop from its links and its control pipe."""
CALM_TICK = 0.5
"""Seconds between ticks when only SIP is awaited, which wakes us by itself: idle, or in a conversation. A tick costs
0.2 ms of CPU, and most workers are calm most of the time."""


def sip_socket(host: str, port: int) -> int:
    """The file descriptor of the UDP socket that pjsua2 bound to host:port. Raises OSError if none is."""
    for entry in Path("/proc/self/fd").iterdir():
        fd = int(entry.name)
        try:
            copy = socket.socket(fileno=os.dup(fd))
        except OSError:  # not a socket, or the directory's own descriptor, closed by now
            continue
        with copy:
            udp = copy.family == socket.AF_INET and copy.type == socket.SOCK_DGRAM
            if udp and copy.getsockname() == (host, port):
                return fd
    raise OSError(f"no UDP socket is bound to {host}:{port}")


class Pump:
    """Calls `libHandleEvents` when there is something to do, and every `tick` seconds; seldom while `calm()`."""

    def __init__(self, endpoint: Any, fd: int, tick: float, calm: Callable[[], bool]) -> None:
        self._endpoint = endpoint
        self._fd = fd
        self._socket = socket.socket(fileno=os.dup(fd))
        self._tick = tick
        self._calm = calm
        self._seldom = False
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False

    def start(self) -> None:
        self._loop.add_reader(self._fd, self._turn)
        self._on_tick()

    def _on_tick(self) -> None:
        self._arm()
        self._turn()

    def _arm(self) -> None:
        self._seldom = self._calm()
        self._timer = self._loop.call_later(CALM_TICK if self._seldom else self._tick, self._on_tick)

    def _turn(self) -> None:
        """Serve what is due, up to a bound; what is left wakes the loop again."""
        for _ in range(EVENTS_A_TURN):
            if self._paused or self._endpoint.libHandleEvents(0) <= 0:
                break
        if self._seldom and self._timer is not None and not self._calm():
            self._timer.cancel()
            self._arm()

    def pause(self, seconds: float) -> None:
        """Serve nothing for a moment, and drop what waits: pjsip reads on, up to 50 packets, before we are back.

        SIP sends again what was meant for us (RFC 3261 section 17).
        """
        try:
            while True:
                self._socket.recv(1, socket.MSG_DONTWAIT)
        except OSError:
            pass  # EAGAIN: nothing waits any more
        if not self._paused:
            self._paused = True
            self._loop.remove_reader(self._fd)
            self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._paused = False
        if self._timer is not None:
            self._loop.add_reader(self._fd, self._turn)
            self._turn()

    def stop(self) -> None:
        self._loop.remove_reader(self._fd)
        self._socket.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
