"""Which store a URL opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti_engine.adapters.sqlite_store import SqliteStore
from cti_engine.ports import StoreUnavailable
from cti_engine.runtime.stores import open_store


def test_sqlite_without_a_path_is_in_the_folder(tmp_path: Path) -> None:
    """`sqlite:` is engine.db in CTI_VAR; a path names another file."""
    for url, file in (
        ("sqlite:", "engine.db"),
        (f"sqlite:{tmp_path}/a.db", "a.db"),
        (f"sqlite://{tmp_path}/b.db", "b.db"),
    ):
        store = open_store(url, folder=tmp_path)
        assert isinstance(store, SqliteStore)
        assert (tmp_path / file).exists()
        store.close()


@pytest.mark.parametrize("url", ["postgres://user:secret@host/db", "", "engine.db"])
def test_an_unknown_url_is_refused_with_the_known_ones(url: str, tmp_path: Path) -> None:
    """Anything else names the schemes that are known, and shows no password."""
    with pytest.raises(StoreUnavailable, match="sqlite:, redis://") as told:
        open_store(url, folder=tmp_path)
    assert "secret" not in str(told.value)


def test_a_redis_url_with_a_bad_port_is_refused(tmp_path: Path) -> None:
    """A URL that does not parse is one clear line."""
    with pytest.raises(StoreUnavailable, match="not one of Redis"):
        open_store("redis://localhost:many/0", folder=tmp_path)
