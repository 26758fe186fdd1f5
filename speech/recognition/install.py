"""Fetches a Vosk model: from Vosk's own list, checked, unpacked beside its place and renamed into it.

What is there already is kept until the new one is whole; a download that breaks leaves nothing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech.recognition.installed import is_vosk_model

LIST = "https://alphacephei.com/vosk/models/model-list.json"
WITHIN = 20.0
BLOCK = 1 << 18
SIZE_MAX = 4 << 30

Progress = Callable[[int, int], None]
"""Told (bytes so far, bytes in all)."""


class CannotInstall(Exception):
    """The text says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model in the list. `md5` is the checksum that the list has."""

    name: str
    url: str
    md5: str
    size: int


def find(language: str, list_url: str = LIST) -> Offer:
    """The newest small model of a language. Raises CannotInstall."""
    try:
        with urllib.request.urlopen(list_url, timeout=WITHIN) as answer:
            entries = json.loads(answer.read(8 << 20))
    except (OSError, ValueError) as error:
        raise CannotInstall(
            f"the list of models at {list_url} cannot be read: {error}. Without internet, unpack a model of "
            f"https://alphacephei.com/vosk/models yourself and name its folder under models: in config/speech.yaml"
        ) from None
    offers = [one for one in entries if _is_of(one, language)]
    if not offers:
        known = sorted(
            {str(one.get("lang", "")).partition("-")[0] for one in entries if isinstance(one, dict)}
        )
        raise CannotInstall(
            f"Vosk has no small model of {language!r}; it has {', '.join(filter(None, known))}"
        )
    newest = max(offers, key=lambda one: (one["lang"] in _FIRST, str(one.get("version", ""))))
    return Offer(newest["name"], newest["url"], newest["md5"], int(newest.get("size", 0)))


_FIRST = ("en-us", "es", "fr", "de", "it", "pt")


def _is_of(entry: Any, language: str) -> bool:
    return (
        isinstance(entry, dict)
        and {"lang", "url", "md5", "name"} <= entry.keys()
        and str(entry["lang"]).partition("-")[0] == language
        and entry.get("type") == "small"
        and str(entry.get("obsolete", "false")) == "false"
    )


def install(offer: Offer, language: str, models: Path, progress: Progress) -> Path:
    """Fetch and place it; returns its folder. Raises CannotInstall."""
    models.mkdir(parents=True, exist_ok=True)
    place = models / f"vosk-{language}"
    with tempfile.TemporaryDirectory(dir=models, prefix=".fetching-") as folder:
        archive = Path(folder) / "model.zip"
        _fetch(offer, archive, progress)
        unpacked = Path(folder) / "model"
        try:
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(unpacked)  # names that lead outside are made harmless by zipfile
        except (zipfile.BadZipFile, OSError) as error:
            raise CannotInstall(f"{offer.url} cannot be unpacked: {error}") from None
        model = next((path.parent.parent for path in unpacked.rglob("am/final.mdl")), unpacked)
        if not is_vosk_model(model):
            raise CannotInstall(f"{offer.url} holds no Vosk model")
        if place.exists():
            shutil.rmtree(place)
        model.rename(place)
    return place


def _fetch(offer: Offer, archive: Path, progress: Progress) -> None:
    digest, fetched = hashlib.md5(usedforsecurity=False), 0
    try:
        with urllib.request.urlopen(offer.url, timeout=WITHIN) as answer, archive.open("wb") as file:
            total = int(answer.headers.get("Content-Length") or offer.size)
            while block := answer.read(BLOCK):
                fetched += len(block)
                if fetched > SIZE_MAX:
                    raise CannotInstall(f"{offer.url} is larger than {SIZE_MAX >> 30} GiB")
                digest.update(block)
                file.write(block)
                progress(fetched, total)
    except (OSError, urllib.error.ContentTooShortError) as error:
        raise CannotInstall(f"{offer.url} cannot be fetched: {error}; run the same command again") from None
    if digest.hexdigest() != offer.md5:
        raise CannotInstall(f"{offer.url} is damaged: its checksum is {digest.hexdigest()}, not {offer.md5}")
