"""Who an account is to the console: its role, its permissions, and whether it is an agent.

accounts.db is the engine's and only read here; the catalogue's roles are the only list of what they may do.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cti_engine.wire.catalogue import ROLES, Permission

PASSWORDS_AT_ONCE = 2  # argon2 takes 64 MB and some 30 ms of a core; a flood of log-ins has to queue


class AccountsUnavailable(Exception):
    """The accounts cannot be read now; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """`permissions` are those of the role and what the account has of its own."""

    user: str
    role: str
    display: str
    permissions: frozenset[Permission]

    @property
    def agent(self) -> str | None:
        """The agent who this account is, if it may take calls."""
        return self.user if Permission.TAKE_CALLS in self.permissions else None


class Accounts:
    """Reads the file at `path`, each time anew: it is small, and a disabled account is out at once.

    All methods raise AccountsUnavailable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hasher = PasswordHasher()
        # Verified in place of a hash that does not exist: an unknown user takes as long as a wrong password.
        self._nobody = self._hasher.hash("nobody has this password")
        self._passwords = asyncio.Semaphore(PASSWORDS_AT_ONCE)

    async def find(self, user: str) -> Account | None:
        """The account of this name, if it may use the console."""
        row = await asyncio.to_thread(self._row, user)
        return None if row is None else _account(row)

    async def log_in(self, user: str, password: str) -> Account | None:
        """The account, when the password is right; takes as long when there is no such user."""
        row = await asyncio.to_thread(self._row, user)
        hash_ = self._nobody if row is None else row["password_hash"]
        async with self._passwords:
            right = await asyncio.to_thread(self._right, hash_, password)
        return _account(row) if right and row is not None else None

    def _right(self, hash_: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash_, password)
        except (VerificationError, InvalidHashError):
            return False

    def _row(self, user: str) -> sqlite3.Row | None:
        """Disabled accounts and those without a password for pages (callers, trunks) are nobody here."""
        try:
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as db:
                db.row_factory = sqlite3.Row
                found: sqlite3.Row | None = db.execute(
                    "SELECT user, role, display, password_hash, permissions FROM accounts"
                    " WHERE user = ? AND disabled = 0 AND password_hash <> ''",
                    (user,),
                ).fetchone()
        except sqlite3.Error as error:
            raise AccountsUnavailable(f"{self._path}: {error}; has the engine been started?") from error
        return found


def _account(row: sqlite3.Row) -> Account | None:
    if row["role"] not in ROLES:
        return None
    known = set(Permission)  # what an older version does not know gives nothing
    own = frozenset(Permission(name) for name in row["permissions"].split() if name in known)
    return Account(row["user"], row["role"], row["display"] or row["user"], ROLES[row["role"]] | own)
