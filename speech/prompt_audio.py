"""What every prompt goes through: 8 kHz, telephone band, trimmed, one loudness, faded so that joins are silent.

Samples are float64 in -1..1. Loudness is that of the human recordings, so that both may stand in one sentence.
"""

from __future__ import annotations

import io
import os
import secrets
import warnings
import wave
from collections.abc import Sequence
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import firwin, resample_poly

from speech.wav_check import RATE

Samples = NDArray[np.float64]

LOUDNESS = -19.0
"""dBFS of active speech: the median of Debian's human recordings (1,100 files measured)."""

MUSIC_LOUDNESS = -25.0
"""dBFS: 6 dB under speech, so that an announcement stands out."""

PEAK = -1.5
"""dBFS; a prompt with higher peaks at the common loudness is made softer instead of clipped."""

_BAND_EDGE = 3_550.0  # Hz, half power; nothing is left at 3.8 kHz, where G.711's own filters begin to fold
_LOW_PASS = firwin(129, _BAND_EDGE, fs=RATE, window=("kaiser", 6.0))
_FRAME = RATE // 100
_SILENCE = 40.0  # dB under the loudest frame
_LEAD, _TAIL = 0.02, 0.05  # seconds of quiet kept before and after speech
_FADE = 0.006
_UNHEARD = -52.0  # dBFS; below it hold music is silence to a caller
_LONGEST_REST = 0.7  # seconds of it that are kept


class BadAudio(Exception):
    """A sound file cannot be used; the text says why."""


def read_wav(source: Path | bytes) -> tuple[int, Samples]:
    """(rate, mono samples) of any PCM or float WAV. Raises BadAudio."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", wavfile.WavFileWarning
            )  # espeak-ng streams: its lengths are made up
            rate, raw = wavfile.read(io.BytesIO(source) if isinstance(source, bytes) else source)
    except Exception as error:  # scipy's parser lets struct.error and others through on damaged files
        raise BadAudio(f"not a WAV that can be read: {error}") from error
    samples = _as_float(raw)
    if samples.ndim > 1:
        samples = samples.mean(axis=1)
    if not 4_000 <= rate <= 192_000 or samples.size < rate // 50:
        raise BadAudio(f"{samples.size} samples at {rate} Hz are no prompt")
    return rate, samples


def _as_float(raw: NDArray[Any]) -> Samples:
    if raw.dtype.kind == "f":
        return np.nan_to_num(raw.astype(np.float64))
    if raw.dtype == np.uint8:
        return (raw.astype(np.float64) - 128) / 128
    return raw.astype(np.float64) / float(-np.iinfo(raw.dtype).min)


def telephone_band(rate: int, samples: Samples) -> Samples:
    """At 8 kHz, without DC and without anything above the telephone band (so nothing folds back)."""
    samples = samples - samples.mean()
    if rate != RATE:
        common = gcd(rate, RATE)
        samples = resample_poly(samples, RATE // common, rate // common)
    return np.convolve(samples, _LOW_PASS, mode="same")


def trimmed(samples: Samples) -> Samples:
    """Without the silence around it, but for the short quiet that keeps soft beginnings and ends whole."""
    level = _frame_levels(samples)
    loud = np.flatnonzero(level > level.max(initial=0.0) * 10 ** (-_SILENCE / 20))
    if not loud.size:
        raise BadAudio("it is silent")
    start = max(0, loud[0] * _FRAME - round(_LEAD * RATE))
    return samples[start : (loud[-1] + 1) * _FRAME + round(_TAIL * RATE)]


def loudness(samples: Samples) -> float:
    """dBFS over the frames where somebody speaks (within 35 dB of the loudest frame)."""
    level = _frame_levels(samples)
    active = level[level > level.max(initial=0.0) * 10 ** (-35 / 20)]
    return float(20 * np.log10(np.sqrt(np.mean(active**2)))) if active.size else -120.0


def levelled(samples: Samples) -> Samples:
    """At the common loudness, softer where its peaks would pass PEAK."""
    return _levelled_to(LOUDNESS, samples)


def _levelled_to(target: float, samples: Samples) -> Samples:
    gain = 10 ** ((target - loudness(samples)) / 20)
    peak = float(np.abs(samples).max())
    return samples * min(gain, 10 ** (PEAK / 20) / max(peak, 1e-9))


def faded(samples: Samples) -> Samples:
    """Rising from and falling to zero, so that whatever comes before or after makes no click."""
    ramp = (1 - np.cos(np.linspace(0, np.pi, min(round(_FADE * RATE), samples.size // 2)))) / 2
    samples = samples.copy()
    samples[: ramp.size] *= ramp
    samples[samples.size - ramp.size :] *= ramp[::-1]
    return samples


def prompt_of(parts: Sequence[tuple[Path | bytes, float]]) -> Samples:
    """One finished prompt of WAVs, each with the seconds of silence after it. Raises BadAudio."""
    spoken = [
        piece
        for wav, pause in parts
        for piece in (faded(trimmed(telephone_band(*read_wav(wav)))), np.zeros(round(pause * RATE)))
    ]
    return levelled(np.concatenate(spoken))


def recording_of(path: Path) -> Samples:
    """An admin's own WAV at 8 kHz and the common loudness, its silences left as they were meant. Raises BadAudio."""
    return faded(levelled(telephone_band(*read_wav(path))))


def music_of(path: Path) -> Samples:
    """Hold music at 8 kHz: softer than speech, its silences shortened, for a caller takes them for a lost line."""
    samples = telephone_band(*read_wav(path))
    samples = _levelled_to(MUSIC_LOUDNESS, samples)
    frames = np.concatenate([samples, np.zeros(-samples.size % _FRAME)]).reshape(-1, _FRAME)
    quiet = _frame_levels(samples) < 10 ** (_UNHEARD / 20)
    kept, run = np.ones(quiet.size, dtype=bool), 0
    for index, silent in enumerate(quiet):
        run = run + 1 if silent else 0
        kept[index] = run <= _LONGEST_REST * RATE / _FRAME
    return faded(frames[kept].ravel())


def write_prompt(path: Path, samples: Samples) -> None:
    """As a WAV that the players take, there whole or not at all. Raises OSError."""
    pcm = np.clip(np.rint(samples * 32767), -32768, 32767).astype("<i2")
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with wave.open(str(draft), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(pcm.tobytes())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _frame_levels(samples: Samples) -> Samples:
    """RMS of each 10 ms."""
    frames = np.concatenate([samples, np.zeros(-samples.size % _FRAME)]).reshape(-1, _FRAME)
    levels: Samples = np.sqrt((frames**2).mean(axis=1))
    return levels
