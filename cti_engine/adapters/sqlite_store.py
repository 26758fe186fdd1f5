"""The Store port on one SQLite file in WAL mode: one `write` is one transaction, one process writes.

A batch may be repeated: rows and commands are whole values, and events that are stored already are passed
over when they are the same. An event that would leave a gap in the numbers, or change one, is a ValueError.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from cti_engine.core.reporting.cdr import agents_in
from cti_engine.ports import (
    Batch,
    Loaded,
    StoredCommand,
    StoredEvent,
    StoreOfOtherVersion,
    StoreTaken,
    StoreUnavailable,
)

SCHEMA_VERSION = 2
_CDRS_OF = """CREATE TABLE cdrs_of (
    agent TEXT, ended_at REAL, id TEXT, PRIMARY KEY (agent, ended_at, id)
) WITHOUT ROWID;"""
_SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('epoch', 0), ('last_command', 0), ('published_to', 0);
CREATE TABLE rows (kind TEXT, id TEXT, doc BLOB NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, event TEXT NOT NULL, contact TEXT NOT NULL, data BLOB NOT NULL
);
CREATE INDEX events_of_contact ON events (contact) WHERE contact != '';
CREATE TABLE commands (seq INTEGER PRIMARY KEY, peer TEXT NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE cdrs (id TEXT PRIMARY KEY, ended_at REAL NOT NULL, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX cdrs_by_time ON cdrs (ended_at);
{_CDRS_OF}
PRAGMA user_version = {SCHEMA_VERSION};
"""
_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space; nothing else is needed",
    sqlite3.SQLITE_IOERR: "the disk fails: see the kernel's log (dmesg), then move the file to another disk",
    sqlite3.SQLITE_BUSY: "another program holds it locked: close what has it open (fuser shows who)",
    sqlite3.SQLITE_READONLY: "it may not be written: check the owner and mode of the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check the folder, its owner and its mode",
    sqlite3.SQLITE_CORRUPT: "it is damaged: stop the engine, move it away together with its -wal and -shm "
    "(`sqlite3 FILE .recover` saves what can be read) and start again, or put a copy back",
    sqlite3.SQLITE_NOTADB: "it is not a SQLite file: move it away, or name another one in CTI_STORE_URL",
}
_BUSY_SECONDS = 2.0
MANY_ROWS = (32, 16, 8, 4, 2, 1)
"""Rows of one INSERT, largest first."""

_T = TypeVar("_T")
_EventRow = tuple[int, float, str, str, bytes]
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class SqliteStore:
    """Opens or makes the file at `path`.

    `synchronous`: NORMAL (what is written survives the death of the process) or FULL (loss of power too).
    Raises StoreTaken when another engine has the file, StoreUnavailable when it cannot be used; the texts say
    what to do. `read_only` is for any number of other processes, beside the engine.
    """

    def __init__(self, path: Path, *, read_only: bool = False, synchronous: str = "NORMAL") -> None:
        self._path = path
        self._lock: int | None = None
        if synchronous not in ("NORMAL", "FULL"):
            raise ValueError(f"synchronous is NORMAL or FULL, not {synchronous!r}")
        if read_only and not path.exists():
            raise StoreUnavailable(f"no store at {path} yet: start the engine first")
        if not read_only:
            self._lock = self._take_lock()
        try:
            self._db = self._guard(lambda: self._open(read_only, synchronous))
            self._last_seq = self._guard(self._read_last_seq)
        except BaseException:
            self._release_lock()
            raise

    @property
    def where(self) -> str:
        return f"store {self._path}"

    @property
    def to_move_away(self) -> str:
        name = self._path.name
        return (
            f"Stop all, `mv {name} {name}-wal {name}-shm` elsewhere (the last two may be missing), and start."
        )

    def _take_lock(self) -> int:
        """A lock on a file of its own: closing a second handle of the database would drop SQLite's locks."""
        lock = self._path.with_name(self._path.name + ".lock")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"store {self._path}: {_ADVICE[sqlite3.SQLITE_CANTOPEN]} ({error})"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(handle, 20, 0).decode().strip() or "unknown"
            os.close(handle)
            raise StoreTaken(
                f"store {self._path} is in use by process {holder}: only one engine may write it; "
                "stop that one, or give this one another CTI_VAR or CTI_STORE_URL"
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        return handle

    def _release_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _open(self, read_only: bool, synchronous: str) -> sqlite3.Connection:
        mode = "ro" if read_only else "rwc"
        uri = f"{self._path.absolute().as_uri()}?mode={mode}"
        db = sqlite3.connect(
            uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            if version > SCHEMA_VERSION:
                raise StoreOfOtherVersion(
                    f"store {self._path} was made by a newer cti-engine (schema {version}, this one knows "
                    f"{SCHEMA_VERSION}): run that version, or move the file away"
                )
            if not read_only:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute(f"PRAGMA synchronous = {synchronous}")
                db.execute("PRAGMA journal_size_limit = 67108864")
            if version == 0:
                self._make(db, read_only)
            elif version == 1:
                self._upgrade(db, read_only)
        except BaseException:
            db.close()
            raise
        return db

    def _make(self, db: sqlite3.Connection, read_only: bool) -> None:
        if db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise StoreUnavailable(f"store {self._path}: it is another program's database: name another file")
        if read_only:
            raise StoreUnavailable(f"store {self._path} is empty: start the engine first")
        db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")

    def _upgrade(self, db: sqlite3.Connection, read_only: bool) -> None:
        """From 1: whose contacts they were is found by a table of its own."""
        if read_only:
            raise StoreUnavailable(f"store {self._path} is of an older cti-engine: start the engine once")
        db.execute("BEGIN IMMEDIATE")
        db.execute(_CDRS_OF)
        for id_, ended_at, doc in db.execute("SELECT id, ended_at, doc FROM cdrs"):
            rows = [(agent, ended_at, id_) for agent in agents_in(_decode(doc))]
            db.executemany("INSERT OR IGNORE INTO cdrs_of VALUES (?, ?, ?)", rows)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")

    def _guard(self, work: Callable[[], _T]) -> _T:
        """Run `work`; what SQLite complains of becomes one line that says what to do."""
        try:
            return work()
        except sqlite3.DatabaseError as error:
            advice = _ADVICE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "it cannot be used")
            raise StoreUnavailable(f"store {self._path}: {advice} ({error})") from error

    def _read_last_seq(self) -> int:
        return int(self._db.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])

    def _meta(self, key: str) -> int:
        return int(self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0])

    def open_epoch(self) -> int:
        def work() -> int:
            sql = "UPDATE meta SET value = value + 1 WHERE key = 'epoch' RETURNING value"
            return int(self._db.execute(sql).fetchall()[0][0])

        return self._guard(work)

    def load(self) -> Loaded:
        def work() -> Loaded:
            rows = self._db.execute("SELECT kind, id, doc FROM rows")
            commands = self._db.execute("SELECT seq, peer, type, body FROM commands ORDER BY seq")
            return Loaded(
                rows={(kind, id_): _decode(doc) for kind, id_, doc in rows},
                commands=[
                    StoredCommand(seq, peer, type_, _decode(body)) for seq, peer, type_, body in commands
                ],
                last_seq=self._read_last_seq(),
                last_command=self._meta("last_command"),
                published_to=self._meta("published_to"),
            )

        return self._guard(work)

    def write(self, batch: Batch) -> None:
        self._guard(lambda: self._transaction(lambda: self._put(batch)))
        if batch.events:
            self._last_seq = max(self._last_seq, batch.events[-1].seq)

    def _transaction(self, work: Callable[[], _T]) -> _T:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            result = work()
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite has rolled back by itself after some errors
                self._db.execute("ROLLBACK")
            raise
        return result

    def _put(self, batch: Batch) -> None:
        if batch.rows:
            self._put_rows(batch)
        new = self._new_events(batch.events)
        if new:
            self._insert("INSERT INTO events", new)
        if batch.commands:
            self._insert(
                "INSERT OR REPLACE INTO commands",
                [(c.seq, c.peer, c.type, _encode(c.body)) for c in batch.commands],
            )
            last = max(c.seq for c in batch.commands)
            self._db.execute("UPDATE meta SET value = max(value, ?) WHERE key = 'last_command'", (last,))
        if batch.commands_done:
            done = ",".join(str(int(seq)) for seq in batch.commands_done)
            self._db.execute(f"DELETE FROM commands WHERE seq IN ({done})")
        if batch.published_to is not None:
            self._db.execute("UPDATE meta SET value = ? WHERE key = 'published_to'", (batch.published_to,))

    def _put_rows(self, batch: Batch) -> None:
        kept: list[tuple[str, str, bytes]] = []
        gone: list[tuple[str, str]] = []
        cdrs: list[tuple[str, float, bytes]] = []
        of_agents: list[tuple[str, float, str]] = []
        for (kind, id_), doc in batch.rows.items():
            if kind == "cdr":
                if doc is None:
                    raise ValueError(f"cdr {id_} may not be deleted")
                ended_at = float(doc["ended_at"])
                cdrs.append((id_, ended_at, _encode(doc)))
                of_agents += [(agent, ended_at, id_) for agent in agents_in(doc)]
            elif doc is None:
                gone.append((kind, id_))
            else:
                kept.append((kind, id_, _encode(doc)))
        if kept:
            self._insert("INSERT OR REPLACE INTO rows", kept)
        if gone:
            self._db.executemany("DELETE FROM rows WHERE kind = ? AND id = ?", gone)
        if cdrs:
            self._insert("INSERT OR REPLACE INTO cdrs", cdrs)
        if of_agents:
            self._insert("INSERT OR IGNORE INTO cdrs_of", of_agents)

    def _insert(self, what: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Many rows a statement: at each the interpreter is given up, and a busy loop gives it back late. Few lengths,
        so that the statements stay prepared.
        """
        begin = 0
        for length in MANY_ROWS:
            while len(rows) - begin >= length:
                some = rows[begin : begin + length]
                values = ",".join([f"({','.join('?' * len(some[0]))})"] * length)
                self._db.execute(f"{what} VALUES {values}", [*itertools.chain.from_iterable(some)])
                begin += length

    def _new_events(self, events: Sequence[StoredEvent]) -> list[_EventRow]:
        """Those not stored yet. Raises ValueError when the numbers would not stay gap-free and unchanged."""
        if not events:
            return []
        rows = [(e.seq, e.at, e.event, e.contact, _encode(e.data)) for e in events]
        expected = min(rows[0][0], self._last_seq + 1)
        for row, seq in zip(rows, itertools.count(expected), strict=False):
            if row[0] != seq:
                raise ValueError(f"event {row[0]} stands where {seq} is due")
        known = [row for row in rows if row[0] <= self._last_seq]
        if known:
            sql = "SELECT seq, at, event, contact, data FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq"
            if self._db.execute(sql, (known[0][0], known[-1][0])).fetchall() != known:
                raise ValueError(f"events {known[0][0]} to {known[-1][0]} are stored already, and differ")
        return rows[len(known) :]

    def _events(self, where: str, values: tuple[Any, ...], limit: int = -1) -> list[StoredEvent]:
        sql = f"SELECT seq, at, event, contact, data FROM events WHERE {where} ORDER BY seq LIMIT ?"
        return [
            StoredEvent(seq, at, event, contact, _decode(data))
            for seq, at, event, contact, data in self._db.execute(sql, (*values, limit))
        ]

    def events_since(self, seq: int, limit: int = 1000) -> list[StoredEvent]:
        return self._guard(lambda: self._events("seq > ?", (seq,), limit))

    def events_of(self, contact: str) -> list[StoredEvent]:
        return self._guard(lambda: self._events("contact = ? AND contact != ''", (contact,)))

    def cdrs(self, since: float = 0.0, until: float | None = None, limit: int = 1000) -> list[dict[str, Any]]:
        sql = "SELECT doc FROM cdrs WHERE ended_at >= ? AND ended_at < ? ORDER BY ended_at, id LIMIT ?"
        values = (since, float("inf") if until is None else until, limit)
        return self._guard(lambda: [_decode(doc) for (doc,) in self._db.execute(sql, values)])

    def cdrs_of(
        self, agent: str, since: float, before: tuple[float, str], limit: int = 1000
    ) -> list[dict[str, Any]]:
        sql = (
            "SELECT doc FROM cdrs_of JOIN cdrs USING (id) WHERE agent = ? AND cdrs_of.ended_at >= ? "
            "AND (cdrs_of.ended_at, id) < (?, ?) ORDER BY cdrs_of.ended_at DESC, id DESC LIMIT ?"
        )
        values = (agent, since, *before, limit)
        return self._guard(lambda: [_decode(doc) for (doc,) in self._db.execute(sql, values)])

    def replace_events(self, events: Sequence[StoredEvent]) -> None:
        def work() -> None:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('to_compact', 1)")
            self._db.executemany(
                "UPDATE events SET data = ? WHERE seq = ?", [(_encode(e.data), e.seq) for e in events]
            )

        self._guard(lambda: self._transaction(work))

    @property
    def to_compact(self) -> bool:
        sql = "SELECT value FROM meta WHERE key = 'to_compact'"
        return self._guard(lambda: self._db.execute(sql).fetchone() is not None)

    def compact(self) -> None:
        """Deleted text is left in free pages and in the log of writes: the file is written anew, the log emptied."""

        def work() -> None:
            self._db.execute("VACUUM")
            (busy, *_) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise StoreUnavailable(f"{self.where}: somebody reads it at this moment")
            self._db.execute("DELETE FROM meta WHERE key = 'to_compact'")

        self._guard(work)

    def prune_events(self, before: float, limit: int = 5000) -> int:
        """Never forgets an event that is not yet published, nor the last one, which carries the number."""

        def work() -> int:
            bound = min(self._meta("published_to"), self._last_seq - 1)
            sql = "SELECT seq, at FROM events WHERE seq <= ? ORDER BY seq LIMIT ?"
            oldest = self._db.execute(sql, (bound, limit)).fetchall()
            old = [seq for seq, at in itertools.takewhile(lambda row: row[1] < before, oldest)]
            if old:
                self._db.execute("DELETE FROM events WHERE seq <= ?", (old[-1],))
            return len(old)

        return self._guard(lambda: self._transaction(work))

    def close(self) -> None:
        """Close the file; the engine's last close folds the WAL into it."""
        self._db.close()
        self._release_lock()
