"""The SQLite store when its file is locked, damaged, foreign, too new, or the disk is full."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cti_engine.adapters.sqlite_store import SqliteStore
from cti_engine.ports import Batch, StoredEvent, StoreTaken, StoreUnavailable


def event(seq: int, text: str = "") -> StoredEvent:
    return StoredEvent(seq, float(seq), "CallQueued", "c1", {"text": text})


def _hold(path: Path, held: Any) -> None:
    store = SqliteStore(path)
    held.send(os.getpid())
    held.recv()
    store.close()


def test_a_second_engine_on_the_same_file_is_refused(tmp_path: Path) -> None:
    """While one process has the file, another gets a line that names it; when it has ended, the file is free."""
    ours, theirs = multiprocessing.Pipe()
    holder = multiprocessing.get_context("spawn").Process(
        target=_hold, args=(tmp_path / "engine.db", theirs), daemon=True
    )
    holder.start()
    pid = ours.recv()
    with pytest.raises(StoreTaken, match=f"in use by process {pid}: only one engine"):
        SqliteStore(tmp_path / "engine.db")
    ours.send("go")
    holder.join()
    SqliteStore(tmp_path / "engine.db").close()


def test_a_failed_opening_leaves_no_lock(tmp_path: Path) -> None:
    """After a refusal the lock is free again, so that a corrected start in the same process succeeds."""
    path = tmp_path / "engine.db"
    path.write_bytes(b"not a database" * 100)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="not a SQLite file"):
            SqliteStore(path)
    path.unlink()
    SqliteStore(path).close()


def test_damage_is_told_in_one_line(tmp_path: Path) -> None:
    """A file with pages overwritten gives one line that says to move it away or restore it, no traceback text."""
    path = tmp_path / "engine.db"
    with closing(SqliteStore(path)) as store:
        store.write(Batch({("leg", f"l{n}"): {"pad": "x" * 500} for n in range(200)}))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xde\xad\xbe\xef" * 1024 * 20)
    with pytest.raises(StoreUnavailable, match=r"damaged.*move it away") as told:
        SqliteStore(path).load()
    assert "\n" not in str(told.value)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    """A SQLite file with foreign tables is refused, not written into."""
    path = tmp_path / "engine.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")
        db.commit()
    with pytest.raises(StoreUnavailable, match="another program's database"):
        SqliteStore(path)


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    """A file of a later schema says so, instead of being misread."""
    path = tmp_path / "engine.db"
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailable, match="newer cti-engine"):
        SqliteStore(path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A path through a file instead of a folder gives a clear line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        SqliteStore(tmp_path / "file" / "engine.db")


def test_a_full_disk_refuses_the_batch_whole_and_heals(tmp_path: Path) -> None:
    """On a full disk `write` raises StoreUnavailable and nothing of it is kept; with space again it works."""
    store = SqliteStore(tmp_path / "engine.db")
    store.write(Batch({("leg", "l1"): {"s": 1}}, [event(1)]))
    # SQLite's own limit stands for the disk: it gives the same SQLITE_FULL at the same place.
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    big = Batch({("leg", "l1"): {"s": 2}}, [event(2, "x" * 100_000)])
    with pytest.raises(StoreUnavailable, match="disk is full"):
        store.write(big)
    assert store.load().rows == {("leg", "l1"): {"s": 1}}
    assert [e.seq for e in store.events_since(0)] == [1]
    store._db.execute("PRAGMA max_page_count = 1073741823")
    store.write(big)
    assert store.load().rows == {("leg", "l1"): {"s": 2}}
    assert [e.seq for e in store.events_since(0)] == [1, 2]
    store.close()


def test_a_foreign_write_lock_is_told_and_passes(tmp_path: Path) -> None:
    """Someone who locks the file with a tool delays us for two seconds at most, and is then named as the fault."""
    path = tmp_path / "engine.db"
    store = SqliteStore(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as tool:
        tool.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            store.write(Batch(events=[event(1)]))
        tool.execute("ROLLBACK")
    store.write(Batch(events=[event(1)]))
    assert store.load().last_seq == 1
    store.close()


def test_synchronous_is_a_setting(tmp_path: Path) -> None:
    """FULL asks SQLite to sync each commit; anything unknown is refused."""
    store = SqliteStore(tmp_path / "full.db", synchronous="FULL")
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()
    store = SqliteStore(tmp_path / "normal.db")
    assert store._db.execute("PRAGMA synchronous").fetchone() == (1,)
    store.close()
    with pytest.raises(ValueError, match="OFF"):
        SqliteStore(tmp_path / "off.db", synchronous="OFF")


def test_a_file_of_the_schema_before_is_taken_over(tmp_path: Path) -> None:
    """The engine's first opening learns whose the stored contacts were; who only reads is told to start it once."""
    path = tmp_path / "engine.db"
    store = SqliteStore(path)
    record = {"contact": "c1", "ended_at": 7.0, "agent": "maria", "segments": [{"agent": "john"}]}
    store.write(Batch({("cdr", "c1"): record}))
    store.close()
    with closing(sqlite3.connect(path)) as db:
        db.executescript("DROP TABLE cdrs_of; PRAGMA user_version = 1;")
    with pytest.raises(StoreUnavailable, match="start the engine once"):
        SqliteStore(path, read_only=True)
    with closing(SqliteStore(path)) as again:
        assert [again.cdrs_of(agent, 0.0, (8.0, "")) for agent in ("maria", "john", "ana")] == [
            [record],
            [record],
            [],
        ]
    SqliteStore(path, read_only=True).close()


def test_what_was_replaced_is_in_no_file(tmp_path: Path) -> None:
    """Neither in free pages nor in the log of writes, also where a reader has the file open; an engine that ended
    before it came to that leaves it to the next."""
    file = tmp_path / "engine.db"

    def told() -> bool:
        return any(b"34600000101" in file.read_bytes() for file in tmp_path.iterdir())

    with closing(SqliteStore(file)) as first:
        first.open_epoch()
        long = "+34600000101" * 500
        first.write(
            Batch({("cdr", "c1"): {"ended_at": 1.0, "ani": long}}, [event(n, text=long) for n in (1, 2, 3)])
        )
        with closing(SqliteStore(file, read_only=True)) as reader:
            assert reader.events_since(0) and told()
            first.replace_events([event(n, text="") for n in (1, 2, 3)])
            first.write(Batch({("cdr", "c1"): {"ended_at": 1.0, "ani": ""}}))
            assert first.to_compact and told()
            first.compact()
            assert not told() and reader.events_since(0)
        first.write(Batch(events=[event(4, text=long)]))
        first.replace_events([event(4, text="")])
    with closing(SqliteStore(file)) as second:
        assert second.to_compact
        second.compact()
        assert not second.to_compact and not told()
