"""What callers say in tests: human recordings of Debian's packages, synthetic Korean, noise and tones, at 8 kHz."""

from __future__ import annotations

import io
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from speech.recognition.engine import FRAME, RATE

SOUNDS = {
    "en": Path("/usr/share/asterisk/sounds/en_US_f_Allison"),
    "es": Path("/usr/share/asterisk/sounds/es_MX_f_Allison"),
}
FULL_SCALE = 32767.0

Samples = NDArray[np.float64]


def recorded(language: str, name: str) -> Samples:
    """A human recording, e.g. `digits/1`."""
    return _samples((SOUNDS[language] / f"{name}.wav").read_bytes())


def synthetic(text: str, language: str) -> Samples:
    """Spoken by espeak-ng."""
    wav = subprocess.run(
        ["espeak-ng", "-v", language, "-s", "140", "--stdin", "--stdout"],
        input=text.encode(),
        capture_output=True,
        check=True,
    ).stdout
    return _samples(wav)


def _samples(wav: bytes) -> Samples:
    with wave.open(io.BytesIO(wav)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
        rate = file.getframerate()
    return samples if rate == RATE else resample_poly(samples, RATE, rate)


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE))


def noise(seconds: float, level: float, seed: int = 1) -> Samples:
    """White, at `level` dBFS."""
    return np.random.default_rng(seed).normal(0, 10 ** ((level + 90.3) / 20), int(seconds * RATE))


def tones(seconds: float, level: float, *hertz: float) -> Samples:
    time = np.arange(int(seconds * RATE)) / RATE
    wave_ = sum((np.sin(2 * np.pi * f * time) for f in hertz), np.zeros(len(time)))
    return np.asarray(at_level(wave_, level))


def at_level(samples: Samples, level: float) -> Samples:
    """Scaled so that what is not silent in it has `level` dBFS."""
    loud = samples[np.abs(samples) > 0.02 * np.abs(samples).max()]
    return samples * float(10 ** ((level + 90.3) / 20) / np.sqrt((loud**2).mean()))


def frames(*parts: Samples) -> Iterator[bytes]:
    """The parts one after the other in frames of 20 ms."""
    pcm = np.clip(np.concatenate(parts), -FULL_SCALE, FULL_SCALE).astype("<i2").tobytes()
    for start in range(0, len(pcm) - FRAME + 1, FRAME):
        yield pcm[start : start + FRAME]


def written(path: Path, *parts: Samples) -> str:
    """The parts as a WAV file; its name."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(frames(*parts)))
    return str(path)
