"""Whether a sound file of the admin can become a prompt, by its first bytes; what is wrong with it, in words."""

from __future__ import annotations

from pathlib import Path

_OTHERS = (
    (b"ID3", "MP3"),
    (b"\xff\xfb", "MP3"),
    (b"OggS", "Ogg"),
    (b"fLaC", "FLAC"),
    (b"FORM", "AIFF"),
    (b".snd", "AU"),
)
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_CODINGS = {2: "ADPCM", 6: "A-law", 7: "mu-law", 0x11: "ADPCM", 0x31: "GSM", 0x55: "MP3"}
RATES = range(4_000, 192_001)
SHORTEST = 0.05
LONGEST = 600.0
"""Seconds."""
_FORM = "save it as WAV: PCM, any rate, mono or stereo"
_LENGTH = "a prompt takes 0.05 s to 10 minutes"
_HEAD = 64 * 1024


def sound_fault(home: Path, file: str) -> tuple[str, str] | None:
    """What is wrong with `file`, which is relative to `home`, and what to do; None when it will do."""
    path = (home / file).resolve()
    if not path.is_relative_to(home.resolve()):
        return f"{file} is outside of CTI_HOME", "copy it into it"
    if not path.is_file():
        return f"there is no file {file}", f"looked in {home}"
    try:
        with path.open("rb") as opened:
            head = opened.read(_HEAD)
        size = path.stat().st_size
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}", ""
    fault = _wav_fault(head, size)
    if not fault:
        return None
    return f"{file} {fault}", (_LENGTH if fault.endswith("long") else _FORM)


def _wav_fault(head: bytes, size: int) -> str:
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        other = next((kind for start, kind in _OTHERS if head.startswith(start)), "")
        return f"is not a WAV file but {other}" if other else "is not a WAV file"
    at, form = 12, b""
    while at + 8 <= len(head):
        name, length = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        if name == b"fmt ":
            form = head[at + 8 : at + 8 + length]
        elif name == b"data":
            return _form_fault(form, min(length, size - at - 8))
        at += 8 + length + length % 2
    return "is a WAV file without sound"


def _form_fault(form: bytes, length: int) -> str:
    if len(form) < 16:
        return "is a WAV file that does not say what is in it"
    coding, channels, rate, per_second = (
        int.from_bytes(form[start:end], "little") for start, end in ((0, 2), (2, 4), (4, 8), (8, 12))
    )
    if coding == _EXTENSIBLE and len(form) >= 26:
        coding = int.from_bytes(form[24:26], "little")
    if coding not in (_PCM, _FLOAT):
        return f"is a WAV file, but of {_CODINGS.get(coding, f'an unknown coding ({coding})')}"
    if rate not in RATES or not channels or not per_second:
        return f"has {rate} Hz and {channels} channels"
    seconds = length / per_second
    if not SHORTEST <= seconds <= LONGEST:
        return f"is {seconds:.2f} s long" if seconds < SHORTEST else f"is {seconds / 60:.0f} minutes long"
    return ""
