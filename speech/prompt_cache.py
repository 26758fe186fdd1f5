"""Prompts to sound files. All are made before a flow goes live; while callers wait, this only looks them up.

A file is named by all that made it, so a change makes a new one; none is ever removed while it may play.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cti_engine.core.commands import Prompt
from speech.engines import DEADLINE, ENGINES, IMPORTED_FROM, Engine
from speech.phrases import PHRASES
from speech.signal_tones import TONES
from speech.wav_check import not_spoken_note, seconds, unplayable

RULES_VERSION = 2
"""Raise it when prompt_audio, the splitting of texts or an engine's voice changes: all prompts are made anew."""

MADE_BY = {
    "sound": "recording",
    "recording": "recording",
    "music": "recording",
    "pause": "silence",
    "hold_tones": "hold tones",
    "tone": "tone",
}
"""Who makes what no engine speaks."""

SHORTEST_PAUSE, LONGEST_PAUSE = 50, 10_000
"""Milliseconds; the player takes no shorter file."""

Recordings = Mapping[str, Mapping[str, str]]
NO_RECORDINGS: Recordings = {}

SOUNDS = Path("/usr/share/asterisk/sounds")
MUSIC = {"default": Path("/usr/share/asterisk/moh")}


@dataclass(frozen=True, slots=True)
class PromptFault:
    """A prompt that could not be made, and why."""

    prompt: Prompt
    reason: str


@dataclass(frozen=True, slots=True)
class BuildReport:
    """`by` counts the files made by whom: `nanotts`, `espeak-ng`, `recording`, `hold tones` or `silence`."""

    made: int = 0
    present: int = 0
    seconds: float = 0.0
    faults: tuple[PromptFault, ...] = ()
    by: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromptState:
    """`missing` files are not made yet; `by` as in BuildReport; `seconds` of sound; `fault`: it cannot be made."""

    prompt: Prompt
    missing: int = 0
    by: str = ""
    seconds: float = 0.0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    """One sound file of a prompt: `options`, best first, where it may stand; `order`: how to make it.

    `instead`: what is played where that cannot be made.
    """

    options: tuple[Path, ...]
    order: dict[str, Any]
    instead: _Piece | None = None

    @property
    def everywhere(self) -> tuple[Path, ...]:
        return self.options if self.instead is None else (*self.options, *self.instead.options)


class PromptCache:
    """The PromptFiles port. `directory` is ours alone; `base` is what `file` prompts are relative to.

    `files` may be called by any thread; it touches the disk at the first use of a prompt only. `sounds` holds
    a folder per language (`es`, or `es_MX_f_Allison` as Debian names it); `music` a folder of WAVs per class;
    `recordings` by language and sentence a file of the admin, which is played instead of what an engine speaks.
    """

    def __init__(
        self,
        directory: Path,
        *,
        base: Path = Path(),
        sounds: Path = SOUNDS,
        music: Mapping[str, Path] = MUSIC,
        engines: Sequence[Engine] = ENGINES,
        recordings: Recordings = NO_RECORDINGS,
        deadline: float = DEADLINE,
    ) -> None:
        self.directory = directory.absolute()
        self._base = base.absolute()
        self._sounds = sounds.absolute()
        self._music = {name: folder.absolute() for name, folder in music.items()}
        self._engines = engines
        self._recordings = recordings
        self._deadline = deadline
        self._known: dict[Prompt, tuple[Path, ...]] = {}
        self._folders: dict[str, Path | None] = {}

    def use(self, recordings: Recordings) -> None:
        """From now on these, with the files as they are now."""
        self._recordings = recordings
        self._known = {}

    def files(self, prompt: Prompt) -> tuple[Path, ...]:
        """8 kHz 16-bit mono WAVs to play in order. Raises KeyError naming the prompt when it was never built."""
        known = self._known.get(prompt)
        if known is None:
            try:
                found = tuple(_standing(piece) for piece in self._pieces(prompt))
            except _Unmakeable as fault:
                raise KeyError(f"{_named(prompt)}: {fault}") from None
            if None in found:
                raise KeyError(
                    f"{_named(prompt)} was never built: save its flow again, or restart the center"
                )
            known = self._known[prompt] = tuple(path for path in found if path is not None)
        return known

    def build(
        self, prompts: Iterable[Prompt], progress: Callable[[int, int], None] | None = None
    ) -> BuildReport:
        """Make every file that is missing; `progress(done, of)` after each. Blocking, seconds: use a thread.

        A fault of one prompt stops no other. Raises OSError when the cache directory cannot be written.
        """
        began = time.monotonic()
        self.directory.mkdir(parents=True, exist_ok=True)
        faults: list[PromptFault] = []
        wanted: dict[Path, tuple[_Piece, Prompt]] = {}
        present: set[Path] = set()
        available = {engine.name for engine in self._engines if engine.available}
        for prompt in dict.fromkeys(prompts):
            try:
                for piece in self._pieces(prompt):
                    standing = _undamaged(piece)
                    if standing is not None and not _could_be_better(piece, standing, available):
                        present.add(standing)
                    else:
                        wanted.setdefault(piece.options[0], (piece, prompt))
            except _Unmakeable as fault:
                faults.append(PromptFault(prompt, str(fault)))
        by: Counter[str] = Counter()
        pieces = list(wanted.values())
        done = 0
        while pieces:
            instead: list[tuple[_Piece, Prompt]] = []
            for result in self._make([piece for piece, _ in pieces]):
                if "fault" in result:
                    piece, prompt = pieces[int(result["id"])]
                    faults.append(PromptFault(prompt, result["fault"]))
                    if piece.instead is not None and _undamaged(piece.instead) is None:
                        instead.append((piece.instead, prompt))
                else:
                    by[result["by"]] += 1
                done += 1
                if progress is not None:
                    progress(done, max(done, len(wanted)))
            pieces = instead
        return BuildReport(by.total(), len(present), time.monotonic() - began, tuple(faults), dict(by))

    def inventory(self, prompts: Iterable[Prompt]) -> list[PromptState]:
        """What there is of each prompt, in their order. Makes nothing."""
        states = []
        for prompt in dict.fromkeys(prompts):
            try:
                pieces = self._pieces(prompt)
            except _Unmakeable as fault:
                states.append(PromptState(prompt, fault=str(fault)))
                continue
            found = [
                path for piece in pieces if (path := _standing(piece)) is not None and not unplayable(path)
            ]
            missing = len(pieces) - len(found)
            by = sorted({_maker_of(piece, path) for piece, path in zip(pieces, found, strict=False)})
            length = sum(seconds(path) for path in found)
            states.append(PromptState(prompt, missing, "" if missing else ", ".join(by), length))
        return states

    def _make(self, pieces: list[_Piece]) -> Iterator[dict[str, str]]:
        """Have the maker make them; one result for each, even if the maker dies."""
        if not pieces:
            return
        settings = {"engines": [asdict(engine) for engine in self._engines], "deadline": self._deadline}
        orders = [{"id": str(number), **piece.order} for number, piece in enumerate(pieces)]
        left = {order["id"] for order in orders}
        with subprocess.Popen(
            [sys.executable, "-m", "speech.prompt_maker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=IMPORTED_FROM,
        ) as maker:
            assert maker.stdin and maker.stdout
            try:
                with maker.stdin:
                    maker.stdin.writelines(json.dumps(line) + "\n" for line in [settings, *orders])
            except BrokenPipeError:
                pass  # it died at once: told below, for each order
            try:
                for line in maker.stdout:
                    result: dict[str, str] = json.loads(line)
                    left.discard(result["id"])
                    yield result
            finally:
                maker.kill()
        for missing in sorted(left, key=int):
            yield {"id": missing, "fault": f"the prompt maker died (code {maker.returncode})"}

    # --- which files a prompt consists of -------------------------------------------------------

    def _pieces(self, prompt: Prompt) -> list[_Piece]:
        """Raises _Unmakeable."""
        try:
            match prompt.kind:
                case "text":
                    return [self._text(prompt.value, prompt.language)]
                case "sound":
                    return [self._sound(prompt.value, prompt.language)]
                case "pause":
                    return [self._pause(prompt.value)]
                case "file":
                    return [self._recording(self._base / prompt.value, "recording")]
                case "tone":
                    return [self._tone(prompt.value)]
                case "music":
                    return self._music_class(prompt.value)
                case _:
                    raise _Unmakeable(f"there is no kind of prompt called {prompt.kind!r}")
        except OSError as fault:
            raise _Unmakeable(str(fault)) from fault

    def _text(self, text: str, language: str) -> _Piece:
        own = self._recordings.get(language, {}).get(text)
        if own is None:
            return self._speech(text, language)
        spoken = self._speech(text, language)
        try:
            return replace(self._recording(self._base / own, "recording"), instead=spoken)
        except OSError:  # the file went away after it was checked
            return spoken

    def _speech(self, text: str, language: str) -> _Piece:
        files = {
            engine.name: self._path(
                f"{language}-{text}", "text", text, language, engine.name, *engine.command, voice
            )
            for engine in self._engines
            if (voice := engine.voices.get(language)) is not None
        }
        if not files:
            raise _Unmakeable(f"no text-to-speech engine has a voice for language {language!r}")
        order = {
            "make": "speech",
            "text": text,
            "language": language,
            "files": {name: str(path) for name, path in files.items()},
        }
        return _Piece(tuple(files.values()), order)

    def _sound(self, name: str, language: str) -> _Piece:
        """A human recording where installed, else its phrase spoken by an engine."""
        folder = self._sound_folder(language)
        source = None if folder is None else (folder / f"{name}.wav").resolve()
        if source is not None and folder is not None and source.is_relative_to(folder) and source.is_file():
            return self._recording(source, "sound", f"{language}-{name}")
        phrase = PHRASES.get(language, {}).get(name)
        if phrase is None:
            raise _Unmakeable(
                f"there is no sound {name!r} for language {language!r} under {self._sounds}: "
                f"apt-get install asterisk-core-sounds-{language}-wav, or check the name"
            )
        return self._speech(phrase, language)

    def _pause(self, milliseconds: str) -> _Piece:
        if not (milliseconds.isdecimal() and SHORTEST_PAUSE <= int(milliseconds) <= LONGEST_PAUSE):
            raise _Unmakeable(f"a pause is {SHORTEST_PAUSE} to {LONGEST_PAUSE} ms, not {milliseconds!r}")
        path = self._path(f"pause-{milliseconds}", "pause", milliseconds)
        return _Piece((path,), {"make": "pause", "milliseconds": int(milliseconds), "file": str(path)})

    def _tone(self, name: str) -> _Piece:
        if name not in TONES:
            raise _Unmakeable(f"there is no tone {name!r}: known are {', '.join(TONES)}")
        path = self._path(f"tone-{name}", "tone", name)
        return _Piece((path,), {"make": "tone", "name": name, "file": str(path)})

    def _sound_folder(self, language: str) -> Path | None:
        if language not in self._folders:
            found = sorted(self._sounds.glob(f"{language}_*")) if language.isalpha() else []
            plain = self._sounds / language
            has_wavs = language.isalpha() and any(plain.glob("*.wav"))  # asterisk-prompt-es-co has GSM alone
            chosen = plain if has_wavs else next(iter(found), None)
            self._folders[language] = None if chosen is None else chosen.resolve()
        return self._folders[language]

    def _recording(self, source: Path, make: str, name: str = "") -> _Piece:
        """A copy in the cache, so that it never changes or vanishes while it plays."""
        stat = source.stat()
        path = self._path(name or source.stem, make, str(source), stat.st_size, stat.st_mtime_ns)
        return _Piece((path,), {"make": make, "source": str(source), "file": str(path)})

    def _music_class(self, name: str) -> list[_Piece]:
        """All its files in order of name."""
        folder = self._music.get(name)
        if folder is None:
            raise _Unmakeable(f"there is no music class {name!r}: known are {', '.join(self._music)}")
        pieces = [self._recording(source, "music") for source in sorted(folder.glob("*.wav"))]
        if not pieces:
            path = self._path("hold-tones", "hold_tones")
            pieces = [_Piece((path,), {"make": "hold_tones", "file": str(path)})]
        return pieces

    def _path(self, name: str, *key: object) -> Path:
        digest = hashlib.sha256(repr((RULES_VERSION, *key)).encode()).hexdigest()[:20]
        readable = re.sub(r"[^a-z0-9]+", "-", name.lower())[:32].strip("-")
        return self.directory / f"{readable}-{digest}.wav"


class _Unmakeable(Exception):
    """This prompt cannot be made of anything; the text says why."""


def _standing(piece: _Piece) -> Path | None:
    return next((path for path in piece.everywhere if path.exists()), None)


def _maker_of(piece: _Piece, path: Path) -> str:
    if piece.instead is not None and path not in piece.options:
        return _maker_of(piece.instead, path)
    if piece.order["make"] != "speech":
        return MADE_BY[piece.order["make"]]
    files: dict[str, str] = piece.order["files"]
    return next(engine for engine, file in files.items() if file == str(path))


def _undamaged(piece: _Piece) -> Path | None:
    """The standing file, once damaged ones (a full disk, a crash) have been taken out of the way."""
    for path in piece.options:
        if path.exists() and unplayable(path):
            path.unlink()
    return next((path for path in piece.options if path.exists()), None)


def _could_be_better(piece: _Piece, standing: Path, available: Container[str]) -> bool:
    """Whether an engine that comes before the one that made it is there now, and has not failed at this text."""
    for engine, file in piece.order.get("files", {}).items():
        if Path(file) == standing:
            return False
        if engine in available and not not_spoken_note(Path(file)).exists():
            return True
    return False


def _named(prompt: Prompt) -> str:
    return f"{prompt.kind} prompt {prompt.value!r} ({prompt.language})"
