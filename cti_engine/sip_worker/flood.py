"""A brake on rejected INVITEs: each costs two of pjmedia's 64 sockets for half a second, and running out aborts."""

from __future__ import annotations

import time
from collections.abc import Callable

REJECTS_A_WINDOW = 8
WINDOW = 0.6
"""Seconds; pjlib frees a closed socket's place after PJ_IOQUEUE_KEY_FREE_DELAY, 500 ms."""


class FloodBrake:
    """Pauses the pump for the rest of the window when too many INVITEs in it have been rejected."""

    def __init__(self, pause: Callable[[float], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._pause = pause
        self._clock = clock
        self._window_ends = 0.0
        self._rejects = 0

    def rejected(self) -> None:
        now = self._clock()
        if now >= self._window_ends:
            self._window_ends = now + WINDOW
            self._rejects = 0
        self._rejects += 1
        if self._rejects >= REJECTS_A_WINDOW:
            self._pause(self._window_ends - now)
