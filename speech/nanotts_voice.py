"""A child that speaks stdin with py-nanotts into a WAV on stdout: it may hang, so nobody else imports it."""

from __future__ import annotations

import io
import sys
import wave

from py_nanotts import NanoTTS

RATE = 16_000


def main(voice: str) -> None:
    pcm = NanoTTS().speak(sys.stdin.buffer.read().decode(), voice=voice)
    # nanotts prints to stdout when it pleases: the WAV is made whole before any byte of ours goes out.
    wav = io.BytesIO()
    with wave.open(wav, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(pcm)
    sys.stdout.buffer.write(wav.getvalue())


if __name__ == "__main__":
    main(sys.argv[1])
