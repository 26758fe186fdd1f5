"""Test tones: written as WAV, measured in recordings. A tone survives G.711, so it proves who heard whom."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8000
_FULL_SCALE = 32767.0
_SILENT_DB = -100.0
_WINDOW_S = 0.1


def tone(hertz: float, seconds: float, *, level_db: float = -10.0) -> NDArray[np.int16]:
    """A sine at 8 kHz, `level_db` relative to full scale."""
    t = np.arange(int(seconds * RATE)) / RATE
    return np.asarray(np.round(_FULL_SCALE * 10 ** (level_db / 20) * np.sin(2 * np.pi * hertz * t)), np.int16)


def write_wav(path: Path, pcm: NDArray[np.int16], *, channels: int = 1) -> Path:
    """16-bit PCM at 8 kHz; several channels are interleaved already."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(pcm.tobytes())
    return path


def tone_wav(path: Path, hertz: float, *, seconds: float = 120.0) -> Path:
    """A WAV for a phone to play; long, because a phone's source does not loop."""
    return write_wav(path, tone(hertz, seconds))


def read_wav(path: Path, *, channel: int = 0) -> tuple[NDArray[np.float64], int]:
    """One channel as -1..1 and the sample rate in Hz. Raises ValueError when it is not 16-bit PCM."""
    with wave.open(str(path), "rb") as source:
        if source.getsampwidth() != 2:
            raise ValueError(f"{path} has {source.getsampwidth() * 8}-bit samples, not 16")
        frames = np.frombuffer(source.readframes(source.getnframes()), np.int16)
        return frames[channel :: source.getnchannels()] / (_FULL_SCALE + 1), source.getframerate()


def tone_level_db(pcm: NDArray[np.float64], rate: int, hertz: float) -> float:
    """The level of one frequency in dB of full scale: the mean power of its bin over windows of 100 ms.

    A Hann window, so that a loud tone does not leak into its neighbours; -100 for silence.
    """
    size = int(rate * _WINDOW_S)
    count = len(pcm) // size
    if count == 0:
        return _SILENT_DB
    window = np.hanning(size)
    kernel = window * np.exp(-2j * np.pi * hertz * np.arange(size) / rate)
    bins = np.abs(pcm[: count * size].reshape(count, size) @ kernel) * 2 / window.sum()
    power = float(np.mean(bins**2))
    return max(_SILENT_DB, 10 * float(np.log10(power))) if power > 0 else _SILENT_DB


def tone_margin_db(
    wav: Path,
    wanted: float,
    unwanted: float,
    *,
    channel: int = 0,
    start: float = 0.0,
    end: float | None = None,
) -> float:
    """How many dB `wanted` Hz stands over `unwanted` Hz between `start` and `end` seconds of a recording."""
    pcm, rate = read_wav(wav, channel=channel)
    part = pcm[int(start * rate) : None if end is None else int(end * rate)]
    return tone_level_db(part, rate, wanted) - tone_level_db(part, rate, unwanted)
