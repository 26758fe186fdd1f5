"""What every recogniser is: an engine holds a model, a recogniser hears one utterance of one caller.

Audio is mono, 16-bit little-endian, 8 kHz. Recognisers of one engine may run in several threads, each in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

RATE = 8000
FRAME = 320
"""Bytes of 20 ms."""

Phrases = Mapping[str, tuple[str, ...]]
"""By choice what may be said for it; empty: open speech."""


@dataclass(frozen=True, slots=True)
class Word:
    """`start` and `end` in seconds of the utterance; `confidence` 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What an utterance was taken for.

    `confidence` 0 to 1 is the engine's own; `text` is empty when it heard nothing.
    """

    text: str
    confidence: float
    words: tuple[Word, ...] = ()


NOTHING = Heard("", 0.0)


class Recogniser(Protocol):
    def feed(self, pcm: bytes) -> str:
        """Take more of the utterance; returns what it seems to be so far, empty if the engine does not say."""
        ...

    def final(self) -> Heard:
        """The utterance is over; called last, and once by whoever `streams`."""
        ...


class Engine(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def languages(self) -> tuple[str, ...]: ...

    @property
    def streams(self) -> bool:
        """Whether it recognises while it is fed. One that does not may be asked early, and again with more."""
        ...

    def start(self, language: str, phrases: Phrases) -> Recogniser:
        """Begin an utterance. Raises NoWords when nothing in `phrases` can be heard."""
        ...

    def unknown(self, phrases: Phrases) -> tuple[str, ...]:
        """Words that this engine can never hear, e.g. because its model does not have them."""
        ...


class NoWords(ValueError):
    """No phrase of a grammar can be recognised; the text names the words."""


class NoEngine(RuntimeError):
    """An engine or its model cannot be used; the text says why."""
