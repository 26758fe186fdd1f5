"""Files of a recording: two mono WAVs become one stereo WAV, whole or not at all; headers a crash left are mended.

Blocking: call from a thread. pjmedia writes the lengths into a WAV header only when it closes the file.
"""

from __future__ import annotations

import os
import struct
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

HEADER_BYTES = 44
CHUNK_SAMPLES = 32_768


def header(channels: int, rate: int, data_bytes: int) -> bytes:
    """A canonical 16-bit PCM header, rate in Hz. Lengths above 4 GiB are capped, as players expect."""
    size = min(data_bytes, 0xFFFFFFFF - 36)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16),
        *(b"data", size),
    )


def is_closed(path: Path) -> bool:
    """Whether the writer has finished: the header's length agrees with the file's."""
    size = path.stat().st_size
    if size < HEADER_BYTES:
        return False
    with path.open("rb") as file:
        return int.from_bytes(file.read(8)[4:], "little") == size - 8


def repair(path: Path) -> float:
    """Make a mono 16-bit file's header agree with its data, in place; the seconds it holds.

    Raises ValueError when not even the header was written.
    """
    size = path.stat().st_size
    with path.open("r+b") as file:
        start = file.read(HEADER_BYTES)
        if len(start) < HEADER_BYTES or start[:4] != b"RIFF" or start[36:40] != b"data":
            raise ValueError(f"{path} has no WAV header")
        rate = int.from_bytes(start[24:28], "little")
        data = (size - HEADER_BYTES) // 2 * 2
        if int.from_bytes(start[40:44], "little") != data:
            file.seek(0)
            file.write(header(1, rate, data))
            file.truncate(HEADER_BYTES + data)
    return data / 2 / rate


def wait_closed(paths: tuple[Path, ...], timeout: float = 1.0) -> bool:
    """Wait for the media thread to close the files, which it does within a few frames of 20 ms."""
    deadline = time.monotonic() + timeout
    while not all(is_closed(path) for path in paths):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def interleave(left: Path, right: Path, target: Path) -> float:
    """Write `left` and `right` (mono, 8 kHz, 16 bit) as one stereo file and return its seconds.

    The shorter one is filled up with silence. `target` appears whole or not at all. Raises OSError.
    """
    frames = max((path.stat().st_size - HEADER_BYTES) // 2 for path in (left, right))
    with left.open("rb") as file:
        rate = int.from_bytes(file.read(HEADER_BYTES)[24:28], "little")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as out:
            out.write(header(2, rate, frames * 4))
            for one, other in zip(_samples(left, frames), _samples(right, frames), strict=True):
                both = array("h", bytes(4 * len(one)))
                both[0::2], both[1::2] = one, other
                out.write(both)
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return frames / rate


def publish(mono: Path, target: Path) -> float:
    """Give one mono file its place, whole or not at all, and return its seconds. Raises OSError."""
    with mono.open("rb") as file:
        rate = int.from_bytes(file.read(HEADER_BYTES)[24:28], "little")
    target.parent.mkdir(parents=True, exist_ok=True)
    seconds = (mono.stat().st_size - HEADER_BYTES) / 2 / rate
    with mono.open("rb") as file:
        os.fsync(file.fileno())
    mono.replace(target)
    return seconds


def _samples(path: Path, frames: int) -> Iterator[array[int]]:
    with path.open("rb") as file:
        file.seek(HEADER_BYTES)
        while frames > 0:
            take = min(frames, CHUNK_SAMPLES)
            samples = array("h")
            raw = file.read(2 * take)
            samples.frombytes(raw[: len(raw) // 2 * 2].ljust(2 * take, b"\0"))
            yield samples
            frames -= take
