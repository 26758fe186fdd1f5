"""Frames of the worker's links that are neither signals nor commands of the core: files resolved, slots free."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlayFiles:
    """`PlayPrompts` as a worker gets it: the runtime has turned the prompts into sound files.

    `files`: absolute paths of mono 16-bit WAV files of one sample rate (8 kHz), at most 62.
    """

    leg: str
    playback: str
    files: tuple[str, ...]
    stop_on_digit: bool = False
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Slots:
    """Worker to edge, on each change: whether an INVITE may be placed at `sip` (`ip:port`, UDP) now; and the `agents`
    who are in a call there, whose second line belongs to it.
    """

    free: bool
    sip: str
    agents: tuple[str, ...] = ()
