"""Text to speech by commands: text on stdin, a WAV on stdout, each call in a child that may be killed.

An engine that fails or hangs is left for the next one in order; nothing native ever runs in our own process.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

DEADLINE = 5.0
"""Seconds an engine may take for one call before it is killed."""

IMPORTED_FROM = Path(__file__).parent.parent
"""Where our own children start, so that `-m speech...` works from a checkout too."""

LONGEST_CALL = 200
"""Characters an engine gets at once: nanotts hangs on some longer texts."""

HANGS_TOLERATED = 2
"""After so many hangs an engine is left out for the rest of a build, or every prompt would wait for it."""


@dataclass(frozen=True, slots=True)
class Engine:
    """`command` has `{voice}` replaced; `voices` maps a language to the engine's voice for it.

    `package` is what must be there: a Python module when `command` runs Python, else the command itself.
    """

    name: str
    command: tuple[str, ...]
    voices: dict[str, str]
    package: str
    advice: str

    @property
    def available(self) -> bool:
        if self.command[0] == sys.executable:
            return find_spec(self.package) is not None
        return shutil.which(self.command[0]) is not None


NANOTTS = Engine(
    name="nanotts",
    command=(sys.executable, "-m", "speech.nanotts_voice", "{voice}"),
    voices={"es": "es-ES", "en": "en-US", "fr": "fr-FR", "de": "de-DE", "it": "it-IT"},
    package="py_nanotts",
    advice="pip install py-nanotts",
)
ESPEAK = Engine(
    name="espeak-ng",
    command=("espeak-ng", "-v", "{voice}", "-s", "150", "--stdin", "--stdout"),
    voices={"es": "es-419", "en": "en-us", "fr": "fr-fr", "de": "de", "it": "it", "ko": "ko"},
    package="espeak-ng",
    advice="apt-get install espeak-ng",
)
HIBARI = Engine(
    name="hibari",
    command=(sys.executable, "-m", "speech.hibari_voice", "{voice}"),
    voices={"en": "heart"},
    package="hibari",
    advice="pip install hibari-tts",
)
PIPER = Engine(
    name="piper",
    command=(sys.executable, "-m", "piper", "-m", "{voice}", "-f", "-"),
    voices={},
    package="piper",
    advice="pip install piper-tts",
)
"""It has the voices that the operator has downloaded."""
ALL = (PIPER, HIBARI, NANOTTS, ESPEAK)
ENGINES = (NANOTTS, ESPEAK)


def engines_in_order(names: Sequence[str], piper: Mapping[str, Path]) -> tuple[Engine, ...]:
    """Those of ALL, in this order. `piper`: its voice (an .onnx file) by language."""
    known = {engine.name: engine for engine in ALL}
    known["piper"] = replace(PIPER, voices={language: str(voice) for language, voice in piper.items()})
    return tuple(known[name] for name in names)


@dataclass(frozen=True, slots=True)
class EngineState:
    """What `doctor` tells of an engine; `advice` is the line that would install it."""

    name: str
    available: bool
    languages: tuple[str, ...]
    advice: str


def available_engines(engines: Sequence[Engine] = ENGINES) -> list[EngineState]:
    """Every engine in the order of use, there or not."""
    return [EngineState(e.name, e.available, tuple(e.voices), e.advice) for e in engines]


class NotSpoken(Exception):
    """No engine could speak a text; the message names each engine and its fault."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One stretch of speech as the engine's WAV, and the silence (seconds) that belongs after it."""

    wav: bytes
    pause: float


class Speaker:
    """Speaks texts with the first engine that can; remembers which ones hang. Used from several threads."""

    def __init__(self, engines: Sequence[Engine], deadline: float = DEADLINE) -> None:
        self._engines = engines
        self._deadline = deadline
        self._hangs: dict[str, int] = {}
        self.failed: set[tuple[str, str]] = set()
        """Engines and the texts at which they failed; not one that was not asked."""

    def speak(self, text: str, language: str) -> tuple[str, list[Utterance]]:
        """The engine's name and the utterances in order. Raises NotSpoken."""
        faults = []
        for engine in self._engines:
            voice = engine.voices.get(language)
            if voice is None:
                continue
            if not engine.available:
                faults.append(f"{engine.name} is not installed ({engine.advice})")
            elif self._hangs.get(engine.name, 0) >= HANGS_TOLERATED:
                faults.append(f"{engine.name} hung too often")
            else:
                try:
                    return engine.name, [
                        Utterance(self._call(engine, voice, part), pause) for part, pause in split(text)
                    ]
                except _Failed as failed:
                    self.failed.add((engine.name, text))
                    faults.append(f"{engine.name} {failed}")
        raise NotSpoken(
            "; ".join(faults) or f"no text-to-speech engine has a voice for language {language!r}"
        )

    def _call(self, engine: Engine, voice: str, text: str) -> bytes:
        command = [part.replace("{voice}", voice) for part in engine.command]
        # A session of its own: when it hangs, whatever it has started dies with it.
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd=IMPORTED_FROM,
        ) as child:
            try:
                wav, complaint = child.communicate(text.encode(), timeout=self._deadline)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                self._hangs[engine.name] = self._hangs.get(engine.name, 0) + 1
                raise _Failed(f"hung for {self._deadline:g} s and was killed") from None
        if child.returncode:
            last = complaint.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise _Failed(f"ended with code {child.returncode}: {last[0]}")
        if not wav.startswith(b"RIFF"):
            raise _Failed("gave no WAV")
        return wav


class _Failed(Exception):
    """One engine's fault with one text."""


_PAUSES = {".": 0.30, "!": 0.30, "?": 0.30, "…": 0.30, ":": 0.20, ";": 0.20, ",": 0.12}
_SENTENCE = re.compile(r"(?<=[.!?…;:])\s+")
_COMMA = re.compile(r"(?<=,)\s+")
_WORD = re.compile(r"\s+")


def plain(text: str) -> str:
    """`text` without what an engine would take for markup or phonemes, spaces collapsed."""
    return " ".join(re.sub(r"[<>\[\]{}|\\^~*_#]", " ", text.replace("&", " + ")).split())


def split(text: str, longest: int = LONGEST_CALL) -> list[tuple[str, float]]:
    """(part, pause after it in seconds): sentences joined up to `longest` characters, else cut at a comma or word.

    Raises NotSpoken when there is nothing to say.
    """
    text = plain(text)
    if not any(c.isalnum() for c in text):
        raise NotSpoken("there is nothing to say in it")
    parts = _parts(text, longest, [_SENTENCE, _COMMA, _WORD])
    return [
        (part, _PAUSES.get(part[-1], 0.0) if number < len(parts) else 0.0)
        for number, part in enumerate(parts, start=1)
    ]


def _parts(text: str, longest: int, cuts: list[re.Pattern[str]]) -> list[str]:
    if len(text) <= longest:
        return [text]
    if not cuts:  # one endless word
        return [text[start : start + longest] for start in range(0, len(text), longest)]
    parts: list[str] = []
    for piece in cuts[0].split(text):
        for part in _parts(piece, longest, cuts[1:]):
            if parts and len(parts[-1]) + 1 + len(part) <= longest:
                parts[-1] += " " + part
            else:
                parts.append(part)
    return parts
