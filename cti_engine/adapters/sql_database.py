"""One SQL database, SQLite or PostgreSQL: statements in the SQL that both know, parameters written `?`.

Each thread has a connection of its own, so that no look-up waits for a write in another thread. Whatever the driver
raises comes out as DatabaseFault.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

WRITERS_WAIT = 5.0
"""Seconds that one writer waits for the other."""
READ_WITHIN = 2.0
"""Seconds after which PostgreSQL gives up a look-up: its caller has gone on long ago."""

Row = tuple[Any, ...]
Step = str | Mapping[str, Sequence[str]]
"""A script of statements that all databases know, or by dialect the statements of each."""

LAST_WORDS = 5.0
"""Seconds that closing waits for transactions under way."""


class DatabaseFault(Exception):
    """The database cannot do it (disk full, file broken, server away); whatever was begun has not happened."""


class Statements:
    """What one transaction may do."""

    def __init__(self, cursor: Any, translated: Any) -> None:
        self._cursor = cursor
        self._translated = translated

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        self._cursor.execute(self._translated(sql), tuple(values))
        return list(self._cursor.fetchall())

    def row(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        self._cursor.execute(self._translated(sql), tuple(values))
        found: Row | None = self._cursor.fetchone()
        return found

    def columns(self, table: str) -> list[str]:
        """The names of a table's columns."""
        self._cursor.execute(f"SELECT * FROM {table} LIMIT 0")
        return [column[0] for column in self._cursor.description]

    def each(self, sql: str, values: Sequence[object] = (), at_a_time: int = 1000) -> Iterator[list[Row]]:
        """The rows of a large answer, some at a time; no other statement until the end."""
        self._cursor.execute(self._translated(sql), tuple(values))
        while some := self._cursor.fetchmany(at_a_time):
            yield list(some)

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        """How many rows it has changed."""
        self._cursor.execute(self._translated(sql), tuple(values))
        return int(self._cursor.rowcount)

    def run_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        given = [tuple(row) for row in rows]
        if given:
            self._cursor.executemany(self._translated(sql), given)


class Database:
    """`steps` are each done once and in order; how many have been is the schema's version.

    With `read_only` nobody makes anything: a file may come later (`there`).
    """

    dialect: ClassVar[str]
    key: ClassVar[str]
    """What `{KEY}` in a step stands for: a number that the database counts up."""
    _faults: tuple[type[Exception], ...]
    _begin_read: str
    _begin_write: str

    def __init__(self, steps: Sequence[Step] = (), *, read_only: bool = False) -> None:
        self._steps = steps
        self.read_only = read_only
        self._mine = threading.local()
        self._open: list[Any] = []
        self._one_writer = threading.Lock()
        self._under_way = 0
        self._quiet = threading.Condition()
        self._made = read_only

    @property
    def there(self) -> bool:
        """Whether there is anything to read."""
        return True

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        """All that is read inside is of one moment."""
        self._make_once()
        with self._transaction(self._begin_read) as statements:
            yield statements

    @contextmanager
    def writing(self) -> Iterator[Statements]:
        """All or nothing."""
        self._make_once()
        with self._one_writer, self._transaction(self._begin_write) as statements:
            yield statements

    def close(self) -> None:
        """Waits for transactions of other threads: a connection closed under a statement takes the process with it."""
        with self._one_writer, self._quiet:
            if not self._quiet.wait_for(lambda: self._under_way == 0, LAST_WORDS):
                return  # one hangs; its connection ends with the process
            for connection in self._open:
                connection.close()
            self._open.clear()
            self._mine = threading.local()

    def _make_once(self) -> None:
        if not self._made:
            self.make()

    def make(self) -> None:
        """Do the steps that have not been done yet."""
        with self._one_writer, self._transaction(self._begin_write) as db:
            self._lock_schema(db)
            db.run(
                "CREATE TABLE IF NOT EXISTS schema_version(one INTEGER PRIMARY KEY, version INTEGER NOT NULL)"
            )
            row = db.row("SELECT version FROM schema_version WHERE one=1")
            done = int(row[0]) if row else 0
            if done > len(self._steps):
                raise DatabaseFault(f"the customers are of a newer version ({done}, here {len(self._steps)})")
            for step in self._steps[done:]:
                for statement in self._statements(step):
                    db.run(statement)
            db.run(
                "INSERT INTO schema_version VALUES(1, ?) ON CONFLICT(one) DO UPDATE SET version=excluded.version",
                (len(self._steps),),
            )
        self._made = True

    def compact(self) -> None:
        """What was deleted is in no file of the database any more; as long as a copy of it takes. Reading goes on."""
        raise NotImplementedError

    def _statements(self, step: Step) -> list[str]:
        if not isinstance(step, str):
            return list(step[self.dialect])
        return [text for text in step.replace("{KEY}", self.key).split(";") if text.strip()]

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Statements]:
        with self._quiet:
            self._under_way += 1
        try:
            cursor = self._begun(begin)
            try:
                yield Statements(cursor, self._translated)
            except BaseException:
                self._roll_back(cursor)
                raise
            cursor.execute("COMMIT")
        except self._faults as error:
            raise DatabaseFault(str(error).strip().partition("\n")[0] or type(error).__name__) from error
        finally:
            with self._quiet:
                self._under_way -= 1
                self._quiet.notify_all()

    def _begun(self, begin: str) -> Any:
        cursor = self._connection().cursor()
        cursor.execute(begin)
        return cursor

    def _connection(self) -> Any:
        connection = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = self._connect()
            self._open.append(connection)
        return connection

    def _roll_back(self, cursor: Any) -> None:
        cursor.execute("ROLLBACK")

    def _connect(self) -> Any:
        raise NotImplementedError

    def _lock_schema(self, db: Statements) -> None:
        """Two processes that start at once must not both make it."""

    @staticmethod
    def _translated(sql: str) -> str:
        return sql


class SqliteDatabase(Database):
    """A file in WAL mode: readers see what was before a write until it is done."""

    dialect = "sqlite"
    key = "INTEGER PRIMARY KEY AUTOINCREMENT"
    _faults = (sqlite3.Error,)
    _begin_read = "BEGIN"
    _begin_write = "BEGIN IMMEDIATE"

    def __init__(self, path: Path, steps: Sequence[Step] = (), *, read_only: bool = False) -> None:
        super().__init__(steps, read_only=read_only)
        self.path = path
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.make()

    @property
    def there(self) -> bool:
        return bool(self._open) or not self.read_only or self.path.exists()

    def compact(self) -> None:
        """Deleted text is left in free pages and in the log of writes: the file is written anew, the log emptied."""
        with self._one_writer:
            try:
                connection = self._connection()
                connection.execute("VACUUM")
                (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except self._faults as error:
                raise DatabaseFault(str(error)) from error
        if busy:
            raise DatabaseFault("somebody reads at this moment")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={'ro' if self.read_only else 'rwc'}",
            uri=True,
            check_same_thread=False,  # closed by another thread than its own
            isolation_level=None,
            timeout=WRITERS_WAIT,
        )
        if not self.read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
        return connection


class PostgresDatabase(Database):
    """By psycopg 3 (the extra `postgres`). A lost connection is made anew at the next transaction."""

    dialect = "postgresql"
    key = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    _begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    _begin_write = "BEGIN"

    def __init__(self, url: str, steps: Sequence[Step] = (), *, read_only: bool = False) -> None:
        super().__init__(steps, read_only=read_only)
        try:
            import psycopg  # 8 MB, and only some have it
        except ImportError as error:
            raise DatabaseFault(
                "postgresql:// needs the extra: pip install 'cti-engine[postgres]'"
            ) from error
        self._url = url
        self._psycopg = psycopg
        self._faults = (psycopg.Error,)

    def _connect(self) -> Any:
        limit = f"-c statement_timeout={READ_WITHIN:.0f}s" if self.read_only else ""
        return self._psycopg.connect(
            self._url,
            autocommit=True,  # transactions are begun and ended by us
            connect_timeout=2,
            tcp_user_timeout=5000,
            options=limit,
            application_name="cti-engine",
        )

    def compact(self) -> None:
        """Its own log of writes, and copies of it, are the operator's."""
        with self._one_writer:
            try:
                self._connection().execute("VACUUM")
            except self._faults as error:
                raise DatabaseFault(str(error).strip().partition("\n")[0]) from error

    def _begun(self, begin: str) -> Any:
        """The server may have been away since the last transaction: then once more."""
        try:
            return super()._begun(begin)
        except self._psycopg.OperationalError:
            self._forget()
            return super()._begun(begin)

    def _roll_back(self, cursor: Any) -> None:
        try:
            super()._roll_back(cursor)
        except self._psycopg.Error:  # the connection is gone, and the transaction with it
            self._forget()

    def _forget(self) -> None:
        connection = getattr(self._mine, "connection", None)
        if connection is not None:
            connection.close()
            if connection in self._open:
                self._open.remove(connection)
            self._mine.connection = None

    def _lock_schema(self, db: Statements) -> None:
        db.run("SELECT pg_advisory_xact_lock(6060)")

    @staticmethod
    @lru_cache(512)
    def _translated(sql: str) -> str:
        return sql.replace("%", "%%").replace("?", "%s")


def open_database(where: str | Path, steps: Sequence[Step] = (), *, read_only: bool = False) -> Database:
    """`where`: a file, `sqlite:PATH` or `postgresql://...`. Raises DatabaseFault."""
    if isinstance(where, Path):
        return SqliteDatabase(where, steps, read_only=read_only)
    scheme, _, rest = where.partition(":")
    if scheme == "sqlite":
        return SqliteDatabase(Path(rest.removeprefix("//")), steps, read_only=read_only)
    if scheme in ("postgresql", "postgres"):
        return PostgresDatabase(where, steps, read_only=read_only)
    raise DatabaseFault(f"{scheme[:20]!r} is no database: sqlite: and postgresql:// are known")
