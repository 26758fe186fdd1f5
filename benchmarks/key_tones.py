"""Synthetic keys as ITU-T Q.24 varies them, and what the detector makes of them; for bench-dtmf and the tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cti_engine.sip_worker.dtmf_detector import FULL_SCALE_DBM0, HIGH, KEYS, LOW, RATE, DtmfDetector, KeyTone

Samples = NDArray[np.int16]
ALL_KEYS = "".join(KEYS)
FRAME = 160


@dataclass(frozen=True, slots=True)
class Press:
    """`level` dBm0 of the louder tone; `twist` dB of the high tone over the low one; `offset` of both frequencies
    as a factor and `offset_hz` in its direction; `noise` dB below the signal, None for none."""

    seconds: float = 0.05
    level: float = -10.0
    twist: float = 0.0
    offset: float = 0.0
    offset_hz: float = 0.0
    noise: float | None = None
    gap_at: float = 0.0
    gap: float = 0.0
    law: str = ""


def pressed(key: str, press: Press, rng: np.random.Generator) -> Samples:
    """One press between silences, at a random place of the 20 ms grid and with random phases."""
    row = next(n for n, keys in enumerate(KEYS) if key in keys)
    column = KEYS[row].index(key)
    at = np.arange(round(press.seconds * RATE)) / RATE
    extra = np.sign(press.offset) * press.offset_hz
    tones = np.zeros(len(at))
    for hertz, below in ((LOW[row], max(press.twist, 0)), (HIGH[column], max(-press.twist, 0))):
        amplitude = 32768 * 10 ** ((press.level - below - FULL_SCALE_DBM0) / 20)
        turn = rng.uniform(0, 2 * np.pi)
        tones += amplitude * np.sin(2 * np.pi * (hertz * (1 + press.offset) + extra) * at + turn)
    power = float(np.mean(tones**2))
    if press.gap:
        tones[round(press.gap_at * RATE) : round((press.gap_at + press.gap) * RATE)] = 0
    audio = np.concatenate([np.zeros(400 + int(rng.integers(FRAME))), tones, np.zeros(600)])
    audio = np.concatenate([audio, np.zeros(-len(audio) % FRAME)])
    if press.noise is not None:
        audio += rng.normal(0, np.sqrt(power / 10 ** (press.noise / 10)), len(audio))
    samples = np.clip(np.round(audio), -32768, 32767).astype("<i2")
    return companded(samples, press.law) if press.law else samples


def companded(samples: Samples, law: str) -> Samples:
    """Through G.711 and back, `u` or `a` law, by the continuous formula of each and 8 bits."""
    x = samples / 32768
    size, sign = np.abs(x), np.sign(x)
    if law == "u":
        coded = np.round(127 * np.log1p(255 * size) / np.log(256)) / 127
        back = np.expm1(coded * np.log(256)) / 255
    else:
        a, log = 87.6, 1 + np.log(87.6)
        coded = np.where(size < 1 / a, a * size / log, (1 + np.log(np.maximum(a * size, 1))) / log)
        coded = np.round(127 * coded) / 127
        back = np.where(coded < 1 / log, coded * log / a, np.exp(coded * log - 1) / a)
    return np.asarray(np.clip(np.round(sign * back * 32768), -32768, 32767), np.int16)


def heard(samples: Samples) -> list[KeyTone]:
    """All that a fresh detector tells of this audio, fed in frames of 20 ms."""
    detector = DtmfDetector()
    told: list[KeyTone] = []
    for at in range(0, len(samples) - FRAME + 1, FRAME):
        told += detector.feed(samples[at : at + FRAME].astype("<i2").tobytes())
    return told


def keys(samples: Samples) -> str:
    """The keys that were recognised, each once."""
    return "".join(tone.key for tone in heard(samples) if not tone.seconds)
