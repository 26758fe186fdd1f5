"""Fetching a Vosk model from a list, with a real HTTP server and a real model's files."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from speech.recognition.install import CannotInstall, find, install
from speech.recognition.installed import choose, is_vosk_model


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a server, and the folder it serves."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", folder
    server.shutdown()
    thread.join()
    server.server_close()


def _offer(
    site: tuple[str, Path], md5: str = "", names: tuple[str, ...] = ("am/final.mdl", "conf/mfcc.conf")
) -> str:
    """Put a model and a list on the site; returns the list's address."""
    address, folder = site
    archive = folder / "vosk-model-small-es-0.42.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for name in names:
            zipped.writestr(f"vosk-model-small-es-0.42/{name}", b"x" * 5000)
    entry = {
        "lang": "es",
        "name": "vosk-model-small-es-0.42",
        "type": "small",
        "obsolete": "false",
        "version": "0.42",
        "size": archive.stat().st_size,
        "url": f"{address}/{archive.name}",
        "md5": md5 or hashlib.md5(archive.read_bytes(), usedforsecurity=False).hexdigest(),
    }
    others = [
        {**entry, "type": "big"},
        {**entry, "obsolete": "true", "version": "0.9"},
        {**entry, "lang": "pt"},
    ]
    (folder / "list.json").write_text(json.dumps([*others, entry]))
    return f"{address}/list.json"


def test_a_model_is_fetched_and_then_answers(site: tuple[str, Path], tmp_path: Path) -> None:
    """The small current model of the language is unpacked, and from then on its engine is chosen."""
    told: list[tuple[int, int]] = []
    offer = find("es", _offer(site))
    folder = install(offer, "es", tmp_path / "models", lambda done, total: told.append((done, total)))
    assert is_vosk_model(folder)
    assert told[-1] == (offer.size, offer.size)
    (choice,) = choose(["es"], tmp_path / "models", {}, tmp_path)
    assert (choice.engine, choice.model) == ("vosk", str(folder))
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["vosk-es"]


@pytest.mark.parametrize(
    ("md5", "names", "complaint"),
    [("0" * 32, ("am/final.mdl", "conf/mfcc.conf"), "damaged"), ("", ("README",), "holds no Vosk model")],
)
def test_a_bad_download_leaves_nothing(
    site: tuple[str, Path], tmp_path: Path, md5: str, names: tuple[str, ...], complaint: str
) -> None:
    """A wrong checksum or something else than a model is told, and what was there stays."""
    offer = find("es", _offer(site, md5, names))
    old = tmp_path / "models" / "vosk-es" / "am"
    old.mkdir(parents=True)
    with pytest.raises(CannotInstall, match=complaint):
        install(offer, "es", tmp_path / "models", lambda done, total: None)
    assert old.is_dir()
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["vosk-es"]


def test_offline_is_told_with_what_to_do(tmp_path: Path) -> None:
    """Without internet the message says how to go on without it."""
    with pytest.raises(CannotInstall, match=r"Without internet.*config/speech\.yaml"):
        find("es", "http://127.0.0.1:9/list.json")


def test_a_language_that_vosk_lacks_is_told(site: tuple[str, Path]) -> None:
    """The message names the languages that there are."""
    with pytest.raises(CannotInstall, match="it has es, pt"):
        find("xx", _offer(site))
