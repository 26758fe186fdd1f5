"""Keys in a caller's audio: windows of 25 ms each 5 ms, whose two strongest DTMF tones must be nearly all there is.

Tones are ITU-T Q.23's, limits Q.24's (annex A gives each Administration's; taken here are AT&T's, the most cited).
Pure and streaming; levels in dBm0, where a sine of full scale has +3.14 (G.711).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 8000
LOW = (697.0, 770.0, 852.0, 941.0)
HIGH = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = ("123A", "456B", "789C", "*0#D")

WINDOW, HOP = 200, 40
FULL_SCALE_DBM0 = 3.14
LEVEL_MIN = -30.0
"""dBm0 of each tone. Q.24: operate from 0 to -25 dBm0; below -55 it must not."""
HIGH_ABOVE_LOW_MAX, LOW_ABOVE_HIGH_MAX = 5.0, 9.5
"""Twist in dB. Q.24: the high tone may be 4 dB above the low one ("reverse") or 8 dB below ("normal"); and a margin."""
OFFSET_MAX = 0.025
"""Of the frequency. Q.24: operate within 1.5 % + 2 Hz, do not beyond 3.5 %."""
SHARE_MIN = 0.82
"""Of the window's energy, in the two tones. It is what tells keys from speech and music, which have more than two."""
HARMONIC_MAX = 0.05
"""The second harmonic of the high tone over the tone, in power: voices and strings have it. That of the low tone falls
between the high tones, where it cannot be told from them; the share of the energy covers it."""
TONE_HOPS = 6
"""Hops with both tones before it is a key: some 30 ms. Q.24: 40 ms are a key, 23 ms (here 20) are none."""
SURE_HOPS = 3
"""Of them with every check passed; at the edges of a tone the checks cannot pass."""
GAP_HOPS = 5
"""Hops without the tones that end a key: 25 ms. Q.24: an interruption of 10 ms is bridged, a pause of 40 ms is not."""
EDGE = 0.25
"""A tone begins and ends where its windowed power is a quarter, i.e. where the window is half filled."""

_WINDOW = np.hanning(WINDOW + 1)[:WINDOW]
_TONES = np.array(LOW + HIGH)
_STEP = np.array([20.0] * 4 + [30.0] * 4)
"""Hz between the three places at which each tone is looked for; a parabola through them finds its true frequency."""
_PLACES = np.concatenate([_TONES - _STEP, _TONES, _TONES + _STEP, 2 * _TONES[4:]])
_PHASES = 2 * np.pi * np.outer(np.arange(WINDOW), _PLACES) / RATE
_KERNEL = np.hstack([np.cos(_PHASES), np.sin(_PHASES)]) * _WINDOW[:, None]
_POWER = 2 / (_WINDOW.sum() ** 2)
"""From a squared sum to the mean power of the sine that made it."""
_ENERGY = 1 / (_WINDOW**2).sum()
_FLOOR = 10 ** ((LEVEL_MIN - FULL_SCALE_DBM0) / 10) / 2 * 32768.0**2
"""Mean power of a sine of `LEVEL_MIN`, in squared sample values."""
_HIGH_MAX, _LOW_MAX = 10 ** (HIGH_ABOVE_LOW_MAX / 10), 10 ** (LOW_ABOVE_HIGH_MAX / 10)

_Powers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KeyTone:
    """`start` in seconds of the audio fed; `seconds` is 0 when it has just been recognised, and how long it was
    when it is over: each key is told at both moments."""

    key: str
    start: float
    seconds: float = 0.0


class DtmfDetector:
    """One caller's. Feed it every frame in turn: what is left out shortens its time."""

    def __init__(self) -> None:
        self._tail = np.zeros(WINDOW - HOP)
        self._hops = 0
        self._recent: list[_Powers] = []
        self._key: tuple[int, int] | None = None  # row and column, while its tones are there
        self._told = False

    @property
    def fed(self) -> float:
        """Seconds of audio so far."""
        return self._hops * HOP / RATE

    def feed(self, pcm: bytes) -> list[KeyTone]:
        """8 kHz mono s16le, a multiple of 5 ms (frames of 20 ms are). Raises ValueError for other lengths."""
        if len(pcm) % (2 * HOP):
            raise ValueError(f"{len(pcm)} bytes are not a multiple of 5 ms")
        if not pcm:
            return []
        audio = np.concatenate([self._tail, np.frombuffer(pcm, "<i2")])
        self._tail = audio[-(WINDOW - HOP) :]
        windows = np.lib.stride_tricks.sliding_window_view(audio, WINDOW)[::HOP]
        energy = (windows * _WINDOW) ** 2 @ np.full(WINDOW, _ENERGY)
        if self._key is None and energy.max() < 2 * _FLOOR * EDGE:
            self._hops += len(windows)
            self._recent.clear()
            return []
        found = windows @ _KERNEL
        half = found.shape[1] // 2
        powers = (found[:, :half] ** 2 + found[:, half:] ** 2) * _POWER
        told: list[KeyTone] = []
        for hop, window_energy in zip(powers, energy.tolist(), strict=True):
            self._hop(hop[:24].reshape(3, 8), hop[24:], window_energy, told)
        return told

    def _hop(self, place: _Powers, harmonics: _Powers, energy: float, told: list[KeyTone]) -> None:
        self._hops += 1
        tones = place[1]
        sure = _sure_key(place, harmonics, energy)
        if self._key is not None and sure is not None and sure != self._key:
            self._over(told)
        if self._key is None and sure is not None:
            self._begin(sure, tones)
        elif self._key is not None:
            self._go_on(self._key, tones, sure is not None, told)
        self._recent = [*self._recent[-(TONE_HOPS - 1) :], tones]

    def _begin(self, key: tuple[int, int], tones: _Powers) -> None:
        row, column = key[0], 4 + key[1]
        self._key, self._told = key, False
        self._low, self._high = float(tones[row]), float(tones[column])
        self._first = self._last = self._hops
        self._sure, self._present = 1, 1
        for before in reversed(self._recent):  # the edge, in which nothing could be sure yet
            if before[row] < EDGE * self._low or before[column] < EDGE * self._high:
                break
            self._first -= 1
            self._present += 1

    def _go_on(self, key: tuple[int, int], tones: _Powers, sure: bool, told: list[KeyTone]) -> None:
        low, high = float(tones[key[0]]), float(tones[4 + key[1]])
        if low >= EDGE * self._low and high >= EDGE * self._high:
            self._low, self._high = max(low, self._low), max(high, self._high)
            self._last = self._hops
            self._present += 1
            self._sure += sure
            if not self._told and self._present >= TONE_HOPS and self._sure >= SURE_HOPS:
                self._told = True
                told.append(KeyTone(KEYS[key[0]][key[1]], self._at(self._first)))
        elif self._hops - self._last >= GAP_HOPS:
            self._over(told)

    def _over(self, told: list[KeyTone]) -> None:
        assert self._key is not None
        if self._told:
            seconds = (self._last - self._first) * HOP / RATE
            told.append(KeyTone(KEYS[self._key[0]][self._key[1]], self._at(self._first), seconds))
        self._key = None

    def _at(self, hop: int) -> float:
        """The middle of a hop's window, in seconds of the audio; never before it began."""
        return max(0.0, (hop * HOP - WINDOW / 2) / RATE)


def _sure_key(place: _Powers, harmonics: _Powers, energy: float) -> tuple[int, int] | None:
    """Row and column when this window holds a key's two tones and hardly anything else.

    `place`: power at the three places around each tone; `harmonics`: at twice each high tone.
    """
    if energy < 2 * _FLOOR:
        return None
    row, column = int(place[1, :4].argmax()), int(place[1, 4:].argmax())
    low, low_off = _peak(place[:, row].tolist(), float(_STEP[row]))
    high, high_off = _peak(place[:, 4 + column].tolist(), float(_STEP[4 + column]))
    if low + high < SHARE_MIN * energy or min(low, high) < _FLOOR:
        return None
    if high > _HIGH_MAX * low or low > _LOW_MAX * high:
        return None
    if abs(low_off) > OFFSET_MAX * LOW[row] or abs(high_off) > OFFSET_MAX * HIGH[column]:
        return None
    if harmonics[column] > HARMONIC_MAX * high:
        return None
    return row, column


def _peak(powers: list[float], step: float) -> tuple[float, float]:
    """Power and offset in Hz of the maximum of the parabola through three logarithmic powers `step` Hz apart."""
    left, middle, right = np.log(np.maximum(powers, 1e-9)).tolist()
    curve = left - 2 * middle + right
    shift = 0.5 * (left - right) / curve if curve < 0 else np.inf
    if abs(shift) > 2:
        return powers[1], np.inf  # no tone near here
    return float(np.exp(middle - 0.25 * (left - right) * shift)), shift * step
