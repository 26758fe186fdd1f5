"""Makes tone files and measures tones in recordings (Goertzel by numpy), in dB relative to full scale."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
RATE = 8000


def write(path: Path, hz: float, seconds: float, level: float = 0.3) -> str:
    """A mono 8 kHz 16-bit file with one tone; `hz` 0 is silence."""
    at = np.arange(int(seconds * RATE)) / RATE
    samples = (level * 32767 * np.sin(2 * np.pi * hz * at)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return str(path)


def read(path: str | Path) -> list[Samples]:
    """Each channel's samples, -1 to 1."""
    with wave.open(str(path), "rb") as file:
        assert file.getframerate() == RATE and file.getsampwidth() == 2
        flat = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        return [flat[n :: file.getnchannels()] for n in range(file.getnchannels())]


def level(samples: Samples, hz: float) -> float:
    """The tone's level in dB; -120 for none."""
    if not len(samples):
        return -120.0
    turn = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / RATE)
    amplitude = 2 * abs(np.vdot(turn.conj(), samples)) / len(samples)
    return float(20 * np.log10(max(amplitude, 1e-6)))


def heard(samples: Samples, hz: float, *, window: float = 0.05, above: float = -30.0) -> float:
    """Seconds in which the tone is louder than `above` dB, counted in windows."""
    size = int(window * RATE)
    return sum(
        window for start in range(0, len(samples) - size + 1, size)
        if level(samples[start : start + size], hz) > above
    )  # fmt: skip
