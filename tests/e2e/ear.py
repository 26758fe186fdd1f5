"""An ear at a phone: waits until a prompt's beginning comes in, by its sound, and remembers how far it has listened."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate

from tests.phones.baresip import Baresip
from tests.phones.tones import RATE, read_wav
from tests.phones.waiting import until

WAV_HEADER = 44  # bytes; the file is read while it grows, when its header does not say its length yet
BEGINNING = 0.8  # seconds of a prompt that are looked for
LEAST = 0.15
ALIKE = 0.8  # correlation of what is heard with what it should be; G.711 and jitter leave over 0.9
SILENT = 10 ** (-45 / 20)
AT_ONCE = 20 * RATE  # samples that are looked through in one piece

Samples = NDArray[np.float64]


def beginning(wav: Path) -> Samples:
    """The first sounds of a prompt."""
    pcm, _ = read_wav(wav)
    loud = np.flatnonzero(np.abs(pcm) > SILENT)
    return pcm[loud[0] : loud[0] + int(BEGINNING * RATE)] if len(loud) else pcm[:0]


class Ear:
    """Of one call; `at` is how far in samples it has listened."""

    def __init__(self, caller: Baresip) -> None:
        self._caller = caller
        self.at = 0

    def _heard(self, start: int) -> Samples:
        made = self._caller.recordings()
        if not made:
            return np.zeros(0)
        with made[-1].heard.open("rb") as file:
            file.seek(WAV_HEADER + 2 * start)
            raw = file.read(2 * AT_ONCE)
        return np.frombuffer(raw[: len(raw) // 2 * 2], "<i2") / 32768.0

    def _found(self, wanted: list[Samples], start: int) -> tuple[int, int]:
        """Where the first of these ends, -1 if nowhere, and from where on the rest has to be looked through."""
        heard = self._heard(start)
        longest = max(len(one) for one in wanted)
        places = [place for one in wanted if (place := _place(one, heard)) >= 0]
        if places:
            return start + min(places), start
        return -1, start + max(0, len(heard) - longest)

    async def hears(self, prompts: Iterable[Path], what: str, *, within: float) -> None:
        """Wait until one of these prompts begins, after what was heard before."""
        wanted = [one for path in prompts if len(one := beginning(path)) >= LEAST * RATE]
        assert wanted, f"{what}: no sound to listen for"
        begun = time.monotonic()

        def look() -> bool:
            place = 0
            while place >= 0:
                before = self.at
                place, go_on = self._found(wanted, self.at)
                if place >= 0:
                    self.at = place
                    return True
                self.at = go_on
                if go_on - before < AT_ONCE // 2:
                    return False
            return False

        place = self.at
        try:
            await until(look, f"“{what}” at {self._caller.user}", within=within, every=0.3)
        except AssertionError as error:
            heard = self._caller.heard_s
            waited = time.monotonic() - begun
            raise AssertionError(
                f"{error}; listened from {place / RATE:.1f} s of {heard:.1f} s, for {waited:.0f} s"
            ) from None

    def has_heard(self, prompt: Path) -> bool:
        """Anywhere in the call."""
        wanted, start = beginning(prompt), 0
        while len(heard := self._heard(start)) >= len(wanted) > 0:
            if _place(wanted, heard) >= 0:
                return True
            start += max(1, len(heard) - len(wanted) + 1)
        return False


def _place(wanted: Samples, heard: Samples) -> int:
    """The end of the first place that sounds alike, -1 if none: normalised cross-correlation."""
    if len(heard) < len(wanted):
        return -1
    likeness = correlate(heard, wanted, "valid", "fft")
    energy = np.concatenate([[0.0], np.cumsum(heard**2)])
    power = energy[len(wanted) :] - energy[: -len(wanted)]
    floor = 0.01 * float(wanted @ wanted)  # what is so much quieter is not it
    likeness /= np.sqrt(np.maximum(power, floor) * float(wanted @ wanted))
    places = np.flatnonzero(likeness > ALIKE)
    return int(places[0]) + len(wanted) if len(places) else -1
