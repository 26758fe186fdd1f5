"""How loud a frame of a caller's audio is, and whether somebody speaks in a recording: by level alone."""

from __future__ import annotations

import asyncio
import sys
from array import array
from collections.abc import Callable
from math import sqrt
from operator import mul
from pathlib import Path

from cti_engine.sip_worker.stereo import HEADER_BYTES

VOICE = 300.0
"""RMS of 16-bit samples from which a frame of 20 ms counts as a voice: -41 dBFS, under the quietest human prompts."""
SAID = 1.0
"""Seconds of voice below which a message says nothing."""
FRAME_SAMPLES = 160
FRAMES_A_SECOND = 50


def rms(pcm: bytes) -> float:
    """Of 16-bit samples, low byte first; without numpy, which a worker that records no message does not pay for."""
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return sqrt(sum(map(mul, samples, samples)) / len(samples)) if samples else 0.0


def voice_seconds(path: Path) -> float:
    """How long somebody speaks in a mono file of 8 kHz. Blocking. Raises OSError."""
    raw = path.read_bytes()[HEADER_BYTES:]
    size = 2 * FRAME_SAMPLES
    frames = (raw[place : place + size] for place in range(0, len(raw) - size + 1, size))
    return sum(rms(frame) >= VOICE for frame in frames) / FRAMES_A_SECOND


class MessageEnd:
    """Ends a message after `longest` seconds, or `silence` seconds without a voice (0: not by that).

    By the clock: a leg on hold may have no frames at all.
    """

    def __init__(self, longest: float, silence: float, over: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._longest = longest or float("inf")
        self._silence = silence or float("inf")
        self._over = over
        self._began = self._voiced = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._look()

    def audio(self, pcm: bytes) -> None:
        """One frame of 20 ms."""
        if rms(pcm) >= VOICE:
            self._voiced = self._loop.time()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        left = min(self._began + self._longest, self._voiced + self._silence) - now
        if left <= 0:
            self._over()
        elif left < float("inf"):
            self._timer = self._loop.call_later(left, self._look)
