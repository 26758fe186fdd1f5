"""Where phones are: registrations in memory for routing, and in edge.db so that they survive the edge.

A REGISTER is answered when its change is in the file. Changes that come together are committed together, in
a thread of their own. If the file cannot be written, registrations go on in memory and the log says so.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sipmessage import URI

from cti_engine.sip_edge.hop import Hop, hop_of
from cti_engine.wire.tasks import spawn

_SCHEMA = """
CREATE TABLE IF NOT EXISTS bindings(
  user TEXT NOT NULL, contact TEXT NOT NULL, hop TEXT NOT NULL, expires_at REAL NOT NULL, call_id TEXT NOT NULL,
  cseq INTEGER NOT NULL, instance TEXT NOT NULL, updated_at REAL NOT NULL, PRIMARY KEY(user, contact))
"""
_log = logging.getLogger("cti.edge.bindings")


@dataclass(frozen=True, slots=True)
class Binding:
    """One phone of `user`. `hop` is how it was heard; `contact` is what its Request-URI must be.

    Times are seconds since the epoch. `instance` is its +sip.instance, or "".
    """

    user: str
    contact: str
    hop: Hop
    expires_at: float
    call_id: str
    cseq: int
    instance: str
    updated_at: float

    @property
    def contact_hop(self) -> Hop | None:
        """Where the phone says it listens: the second choice when its connection is gone."""
        try:
            return hop_of(URI.parse(self.contact))
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Change:
    """Write `binding`, or delete it."""

    binding: Binding
    gone: bool = False


class BindingFile:
    """edge.db, of which the edge is the only writer."""

    def __init__(self, path: Path) -> None:
        """Raises sqlite3.Error or OSError if the file cannot be opened."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._thread = ThreadPoolExecutor(1, "edge.db")
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(_SCHEMA)
        self._changes: list[Change] = []
        self._written: asyncio.Future[None] | None = None
        self._failing = False

    def load(self, now: float) -> list[Binding]:
        """Those that still live, longest registered first."""
        self._db.execute("DELETE FROM bindings WHERE expires_at <= ?", (now,))
        rows = self._db.execute("SELECT * FROM bindings ORDER BY updated_at").fetchall()
        return [Binding(row[0], row[1], Hop.parse(row[2]), *row[3:]) for row in rows]

    def write(self, changes: list[Change]) -> asyncio.Future[None]:
        """A future that is done when the changes are in the file (or could not be written)."""
        self._changes += changes
        if self._written is None:
            self._written = asyncio.get_running_loop().create_future()
            spawn(self._commit_all(), "edge.db")
        return self._written

    async def _commit_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._changes:
            changes, self._changes = self._changes, []
            written, self._written = self._written, loop.create_future()
            assert written is not None
            try:
                await loop.run_in_executor(self._thread, self._commit, changes)
                self._failing = False
            except sqlite3.Error as error:
                if not self._failing:
                    _log.error("edge.db cannot be written, registrations live in memory only: %s", error)
                self._failing = True
            written.set_result(None)
        idle, self._written = self._written, None
        if idle is not None:
            idle.set_result(None)

    def _commit(self, changes: list[Change]) -> None:
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for change in changes:
                one = change.binding
                if change.gone:
                    self._db.execute(
                        "DELETE FROM bindings WHERE user=? AND contact=?", (one.user, one.contact)
                    )
                else:
                    row = (one.user, one.contact, str(one.hop), one.expires_at, one.call_id, one.cseq)
                    self._db.execute(
                        "INSERT OR REPLACE INTO bindings VALUES(?,?,?,?,?,?,?,?)",
                        (*row, one.instance, one.updated_at),
                    )

    async def close(self) -> None:
        while self._written is not None:
            await self._written
        self._thread.shutdown()
        self._db.close()
