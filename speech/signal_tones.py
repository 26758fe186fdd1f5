"""Tones that a phone gives itself elsewhere: it rings at the other end, and somebody comes without having rung."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from speech.wav_check import RATE

if TYPE_CHECKING:
    from speech.prompt_audio import Samples

TONES = {"ringing": (425.0, 1.5, 3.0), "zip": (1400.0, 0.3, 0.1)}
"""Hertz, seconds of tone, seconds of silence; `ringing` as in Spain (ITU-T E.180)."""
_LEVEL = 0.1  # -20 dBFS
_RAMP_S = 0.01  # or it would click


def signal_tone(name: str) -> Samples:
    """-1 to 1 at 8 kHz; played over and over it keeps its rhythm."""
    hertz, on, off = TONES[name]
    time = np.arange(round(on * RATE)) / RATE
    ramp = np.clip(np.minimum(time, on - time) / _RAMP_S, 0, 1)
    return np.concatenate([_LEVEL * ramp * np.sin(2 * np.pi * hertz * time), np.zeros(round(off * RATE))])
