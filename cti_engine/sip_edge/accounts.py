"""The edge's read-only view of accounts.db: who may register and call, with which HA1. The engine writes it."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_LOOK_AGAIN = 1.0  # seconds between looks for a change

_log = logging.getLogger("cti.edge.accounts")


@dataclass(frozen=True, slots=True)
class Account:
    """`algorithm` is `md5` or `sha-256`, `ha1` its hex digest of user:realm:password (RFC 7616 3.4.2)."""

    user: str
    algorithm: str
    ha1: str
    disabled: bool


class Accounts:
    """All accounts in memory; the file is looked at, at most once a second, when an account is asked for."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._accounts: dict[str, Account] = {}
        self._db: sqlite3.Connection | None = None
        self._seen: tuple[int, int] = (0, 0)
        self._next_look = 0.0
        self._told = ""

    def get(self, user: str) -> Account | None:
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + _LOOK_AGAIN
            self._look()
        return self._accounts.get(user)

    def _look(self) -> None:
        try:
            inode = self._path.stat().st_ino
            if self._db is None or inode != self._seen[0]:
                self.close()
                self._db = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)
                self._seen = (0, 0)
            version = int(self._db.execute("PRAGMA data_version").fetchone()[0])
            if (inode, version) != self._seen:
                rows = self._db.execute("SELECT user, algorithm, ha1, disabled FROM accounts").fetchall()
                self._accounts = {
                    row[0]: Account(row[0], row[1].lower(), row[2], bool(row[3])) for row in rows
                }
                self._seen = (inode, version)
            self._told = ""
        except (OSError, sqlite3.Error) as error:
            if str(error) != self._told:  # the accounts read before stay in force
                self._told = str(error)
                _log.error("cannot read the accounts in %s: %s", self._path, error)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
