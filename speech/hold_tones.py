"""Music on hold for a machine without any: slow soft chords of our own, made so that they loop without a seam."""

from __future__ import annotations

import numpy as np

from speech.prompt_audio import Samples
from speech.wav_check import RATE

_CHORDS = (
    (220.00, 277.18, 329.63),
    (246.94, 293.66, 369.99),
    (196.00, 246.94, 293.66),
    (220.00, 277.18, 329.63),
)
_CHORD_SECONDS = 4.0
_LEVEL = 0.06  # per note; about -25 dBFS together, as quiet as the human music


def hold_tones() -> Samples:
    """16 s of arpeggiated chords; each note swells and dies inside its own chord, so the end meets the start."""
    length = round(_CHORD_SECONDS * RATE)
    time = np.arange(length) / RATE
    bars = []
    for chord in _CHORDS:
        bar = np.zeros(length)
        for step, pitch in enumerate(chord):
            start = step * 0.5
            swell = np.clip((time - start) / (_CHORD_SECONDS - start), 0, 1)
            note = np.sin(2 * np.pi * pitch * time) + 0.3 * np.sin(4 * np.pi * pitch * time)
            bar += _LEVEL * np.sin(np.pi * swell) ** 2 * note
        bars.append(bar)
    return np.concatenate(bars)
