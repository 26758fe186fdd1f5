"""customers.db: who has which number. Written by imports and the console, read by the engine on every call.

Implements the CustomerLookup port. Numbers are kept as E.164, so any notation finds the customer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from cti_engine.definitions.customer_csv import CustomerRow, RefusedRow, read_customers
from cti_engine.definitions.phone_numbers import areas, e164

LAST_CONTACTS = 5
"""As many as a screen pop shows."""

_WRITERS_WAIT = 5.0  # seconds that one writer waits for the other

_SCHEMA = """
CREATE TABLE IF NOT EXISTS customers(
  customer TEXT PRIMARY KEY, name TEXT NOT NULL, segment TEXT NOT NULL, language TEXT NOT NULL,
  value REAL NOT NULL, hints TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS numbers(number TEXT PRIMARY KEY, customer TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS numbers_of ON numbers(customer);
CREATE TABLE IF NOT EXISTS contacts(
  customer TEXT NOT NULL, at REAL NOT NULL, source TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS contacts_of ON contacts(customer, at);
CREATE TABLE IF NOT EXISTS noted(one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS areas(prefix TEXT PRIMARY KEY, place TEXT, languages TEXT) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact that has closed: `told` is e.g. queue, agent, disposition, note. `at` in wall seconds."""

    customer: str
    at: float
    told: Mapping[str, str | float]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """`taken` rows are in the store; each refused one names its line and reason."""

    taken: int
    refused: tuple[RefusedRow, ...]


class CustomerStore:
    """One open customers.db, for all threads of a process. `region`: see phone_numbers.e164.

    With `read_only` the file may come later: until then nobody is known.
    """

    def __init__(self, path: Path, region: str = "US", *, read_only: bool = False) -> None:
        self._path = path
        self._region = region
        self._read_only = read_only
        self._lock = Lock()
        self._db: sqlite3.Connection | None = None
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
            db = self._opened()
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(_SCHEMA)

    def profile(self, number: str) -> dict[str, Any] | None:
        """Keys: customer, name, segment, language, value, numbers, contacts (newest first), hints.

        For a number that nobody has, `customer` is empty, `segment` is `unknown`, and `region` and `languages`
        tell what is likely there. None for what is no number (anonymous callers). Raises sqlite3.Error.
        """
        wanted = e164(number, self._region)
        if wanted is None or (self._read_only and self._db is None and not self._path.exists()):
            return None
        with self._lock:
            db = self._opened()
            row = db.execute(
                "SELECT customer, name, segment, language, value, hints"
                " FROM numbers JOIN customers USING (customer) WHERE number=?",
                (wanted,),
            ).fetchone()
            if row is None:
                return self._stranger(db, wanted)
            numbers = [n for (n,) in db.execute("SELECT number FROM numbers WHERE customer=?", row[:1])]
            contacts = db.execute(
                "SELECT at, body FROM contacts WHERE customer=? ORDER BY at DESC LIMIT ?",
                (row[0], LAST_CONTACTS),
            ).fetchall()
        return {
            "customer": row[0],
            "name": row[1],
            "segment": row[2],
            "language": row[3],
            "value": row[4],
            "numbers": numbers,
            "contacts": [{"at": at, **json.loads(body)} for at, body in contacts],
            "hints": json.loads(row[5]),
        }

    def _stranger(self, db: sqlite3.Connection, number: str) -> dict[str, Any]:
        digits = number.removeprefix("+")
        prefixes = [digits[:length] for length in range(1, 8)]
        area = db.execute(
            f"SELECT place, languages FROM areas WHERE prefix IN ({','.join('?' * len(prefixes))})"
            " ORDER BY length(prefix) DESC LIMIT 1",
            prefixes,
        ).fetchone()
        place, languages = (area[0], area[1].split()) if area else ("", [])
        likely = f"{place} ({'/'.join(languages)})" if languages else place
        return {
            "customer": "",
            "name": "",
            "segment": "unknown",
            "language": languages[0] if languages else "",
            "value": 0.0,
            "region": place,
            "languages": languages,
            "contacts": [],
            "hints": [{"kind": "region", "text": likely}] if likely else [],
        }

    def import_csv(self, path: Path, now: float) -> ImportReport:
        """Take the good rows of a file in one transaction; known customers are replaced, the others stay.

        Contacts recorded here are kept; those from an earlier file are replaced. `now`: wall seconds. Raises
        UnusableFile, and sqlite3.Error (disk full ...): then nothing has changed.
        """
        refused: list[RefusedRow] = []
        taken: dict[str, int] = {}
        with self._change() as db:
            self._know_areas(db)
            for row in read_customers(path, self._region, now):
                if isinstance(row, CustomerRow):
                    fault = _conflict(db, row, taken)
                    if fault:
                        row = RefusedRow(row.line, fault)
                    else:
                        taken[row.customer] = row.line
                        _put(db, row)
                if isinstance(row, RefusedRow):
                    refused.append(row)
        return ImportReport(len(taken), tuple(refused))

    def note_contacts(self, contacts: Iterable[Contact], seq: int) -> None:
        """Remember contacts and that all events up to `seq` have been seen; those of nobody we know are left out."""
        with self._change() as db:
            for contact in contacts:
                if db.execute("SELECT 1 FROM customers WHERE customer=?", (contact.customer,)).fetchone():
                    body = json.dumps(contact.told, ensure_ascii=False)
                    row = (contact.customer, contact.at, body)
                    db.execute("INSERT INTO contacts VALUES(?,?,'call',?)", row)
            db.execute("INSERT OR REPLACE INTO noted VALUES(1, ?)", (seq,))

    def noted_to(self) -> int:
        """The last event whose contact has been noted; 0 before the first."""
        with self._lock:
            row = self._opened().execute("SELECT seq FROM noted").fetchone()
        return int(row[0]) if row else 0

    def count(self) -> int:
        """How many customers there are."""
        with self._lock:
            return int(self._opened().execute("SELECT count(*) FROM customers").fetchone()[0])

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode={'ro' if self._read_only else 'rwc'}",
                uri=True,
                check_same_thread=False,
                isolation_level=None,
                timeout=_WRITERS_WAIT,
            )
        return self._db

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """All or nothing."""
        with self._lock:
            db = self._opened()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def _know_areas(self, db: sqlite3.Connection) -> None:
        """Once per file, so that the engine can tell where a stranger calls from without any geodata."""
        if db.execute("SELECT 1 FROM areas LIMIT 1").fetchone() is None:
            db.executemany(
                "INSERT OR REPLACE INTO areas VALUES(?,?,?)",
                ((area.prefix, area.place, " ".join(area.languages)) for area in areas()),
            )


def _conflict(db: sqlite3.Connection, row: CustomerRow, taken: dict[str, int]) -> str:
    if row.customer in taken:
        return f"customer {row.customer!r} stands in line {taken[row.customer]} already"
    for number in row.numbers:
        holder = db.execute(
            "SELECT customer FROM numbers WHERE number=? AND customer<>?", (number, row.customer)
        ).fetchone()
        if holder:
            return f"{number} belongs to customer {holder[0]!r} already"
    return ""


def _put(db: sqlite3.Connection, row: CustomerRow) -> None:
    db.execute(
        "INSERT OR REPLACE INTO customers VALUES(?,?,?,?,?,?)",
        (row.customer, row.name, row.segment, row.language, row.value, json.dumps(row.hints)),
    )
    db.execute("DELETE FROM numbers WHERE customer=?", (row.customer,))
    db.executemany("INSERT INTO numbers VALUES(?,?)", [(number, row.customer) for number in row.numbers])
    db.execute("DELETE FROM contacts WHERE customer=? AND source='import'", (row.customer,))
    db.executemany(
        "INSERT INTO contacts VALUES(?,?,'import',?)",
        [
            (row.customer, c["at"], json.dumps({key: value for key, value in c.items() if key != "at"}))
            for c in row.contacts
        ],
    )
