"""A child that speaks stdin with hibari-tts into a WAV on stdout: US English, neural, and 0.5 s to begin with."""

from __future__ import annotations

import io
import sys
import wave

import numpy as np
from hibari import SAMPLE_RATE, Hibari


def main(voice: str) -> None:
    spoken = Hibari(voice=voice)(sys.stdin.buffer.read().decode(), seed=1)  # the same words, the same sound
    wav = io.BytesIO()
    with wave.open(wav, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(np.clip(spoken * 32767, -32768, 32767).astype("<i2").tobytes())
    sys.stdout.buffer.write(wav.getvalue())


if __name__ == "__main__":
    main(sys.argv[1])
