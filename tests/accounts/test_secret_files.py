"""Secrets that the center gives itself: made once, private, the same for everybody who asks."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from cti_engine.adapters.secret_files import ensure_password, ensure_secret


def test_a_secret_is_made_once_and_private(tmp_path: Path) -> None:
    """The same 32 bytes come back for ever, from a file that only its owner reads."""
    path = tmp_path / "var" / "edge.key"
    secret = ensure_secret(path)
    assert len(secret) == 32 and len(set(secret)) > 8
    assert ensure_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["edge.key"], "no draft is left behind"


def test_passwords_differ_by_file(tmp_path: Path) -> None:
    """Each broker user gets a password of its own, the same at every start."""
    engine, console = ensure_password(tmp_path / "engine"), ensure_password(tmp_path / "console")
    assert engine != console
    assert ensure_password(tmp_path / "engine") == engine


def test_starting_together_gives_one_secret(tmp_path: Path) -> None:
    """Processes that start at the same moment all get the same secret."""
    start = threading.Barrier(8)
    seen: list[bytes] = []

    def ask() -> None:
        start.wait()
        seen.append(ensure_secret(tmp_path / "edge.key"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8 and len(set(seen)) == 1


def test_a_damaged_secret_is_told(tmp_path: Path) -> None:
    """A cut or empty file gives a clear line, never a weak secret."""
    (tmp_path / "edge.key").write_bytes(b"short")
    with pytest.raises(ValueError, match="holds 5 bytes instead of 32: remove it"):
        ensure_secret(tmp_path / "edge.key")
    (tmp_path / "password").write_bytes(b"\n")
    with pytest.raises(ValueError, match="is empty"):
        ensure_password(tmp_path / "password")
