"""Which WAV files the workers' player takes as they are: 16-bit PCM, mono, 8 kHz, long enough."""

from __future__ import annotations

import wave
from pathlib import Path

RATE = 8_000
"""Hz: the rate of G.711 and of the workers' conference bridge."""

SHORTEST = 400
"""Samples. pjmedia's player refuses shorter files (PJMEDIA_EWAVETOOSHORT)."""


def not_spoken_note(path: Path) -> Path:
    """Says that the engine of this file has failed at its text, and need not be asked again."""
    return path.with_suffix(".failed")


def seconds(path: Path) -> float:
    """Length of a WAV. Raises OSError, wave.Error or EOFError when it is none."""
    with wave.open(str(path), "rb") as file:
        return file.getnframes() / file.getframerate()


def unplayable(path: Path) -> str:
    """Why the player would refuse or distort this file; empty when it will play."""
    try:
        with wave.open(str(path), "rb") as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            length = file.getnframes()
        cut = path.stat().st_size < length * channels * width
    except (OSError, wave.Error, EOFError) as error:
        return str(error) or "it is empty"
    if (rate, channels, width) != (RATE, 1, 2):
        return f"{rate} Hz, {channels} channels, {8 * width} bits instead of {RATE} Hz, mono, 16 bits"
    if cut:
        return "it is cut short"
    return "it is too short" if length < SHORTEST else ""
