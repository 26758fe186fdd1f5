"""accounts.db: who may register a phone or log in at pages. The engine writes, edge and console read.

Passwords are made here once, told in accounts.txt, and kept only as HA1 (for SIP) and argon2 (for pages).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from argon2 import PasswordHasher

from cti_engine.wire.private_files import readable_password, write_private

ROLES = ("agent", "supervisor", "admin", "caller", "trunk")
_CONSOLE_ROLES = ("agent", "supervisor", "admin")
_DIGESTS = {"md5": hashlib.md5, "sha-256": hashlib.sha256}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts(
  user TEXT PRIMARY KEY, role TEXT NOT NULL, display TEXT NOT NULL, algorithm TEXT NOT NULL,
  ha1 TEXT NOT NULL, password_hash TEXT NOT NULL, permissions TEXT NOT NULL DEFAULT '',
  disabled INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS settings(name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class AccountProblem(Exception):
    """An account cannot be kept as asked; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the admin declares. `user` is the SIP user and the log-in name; `role` is one of ROLES."""

    user: str
    role: str
    display: str = ""
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """What is known of an account, without secrets except `ha1` = H(user:realm:password), RFC 7616 3.4.2."""

    user: str
    role: str
    display: str
    algorithm: str
    ha1: str
    permissions: tuple[str, ...]
    disabled: bool


def ha1(user: str, realm: str, password: str, algorithm: str = "md5") -> str:
    """HA1 of RFC 7616 3.4.2 in hex; `algorithm` is `md5` or `sha-256`."""
    return _DIGESTS[algorithm](f"{user}:{realm}:{password}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ToldAccount:
    """One line of accounts.txt."""

    user: str
    role: str
    password: str = field(repr=False)


def read_accounts_file(path: Path) -> list[ToldAccount]:
    """The accounts whose passwords accounts.txt still tells. Raises OSError when there is no such file."""
    rows = (line.split() for line in path.read_text().splitlines() if not line.startswith("#"))
    return [ToldAccount(*row) for row in rows if len(row) == 3]


class AccountStore:
    """One open accounts.db; safe to call from several threads of a process.

    `realm` is fixed for the life of the file, because every HA1 contains it. With `read_only` a change
    raises sqlite3.OperationalError. Each account has its own algorithm, so a later change of the default
    touches only accounts made or rotated from then on.
    """

    def __init__(self, path: Path, realm: str, algorithm: str = "md5", *, read_only: bool = False) -> None:
        if algorithm not in _DIGESTS:
            raise AccountProblem(f"digest {algorithm!r} is not known: use one of {', '.join(_DIGESTS)}")
        if read_only and not path.exists():
            raise AccountProblem(f"there is no {path} yet: start the engine first (cti-engine run)")
        self.path = path
        self.realm = realm
        self.algorithm = algorithm
        self._lock = Lock()
        self._hasher = PasswordHasher()
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        self._db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
            uri=True,
            check_same_thread=False,
            isolation_level=None,
        )
        if not read_only:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(_SCHEMA)
        self._keep_realm(read_only)

    @property
    def accounts_file(self) -> Path:
        """Where the generated passwords stand until the operator removes them."""
        return self.path.with_name("accounts.txt")

    def _keep_realm(self, read_only: bool) -> None:
        row = self._db.execute("SELECT value FROM settings WHERE name='realm'").fetchone()
        if row is None and not read_only:
            self._db.execute("INSERT INTO settings VALUES('realm', ?)", (self.realm,))
        elif row is not None and row[0] != self.realm:
            self._db.close()
            raise AccountProblem(
                f"{self.path} was made for the realm {row[0]!r}, but sip.realm is {self.realm!r}: "
                "set it back, or remove the file to make all passwords anew"
            )

    def ensure(self, accounts: Iterable[Account]) -> list[tuple[str, str]]:
        """Make the accounts that are missing; (user, password) of those, also put into accounts.txt.

        Known accounts keep their password and state; their role, display and permissions follow the argument.
        """
        made: list[tuple[str, str]] = []
        with self._change():
            for account in accounts:
                _check(account)
                display, permissions = account.display or account.user, " ".join(account.permissions)
                known = self._db.execute(
                    "UPDATE accounts SET role=?, display=?, permissions=? WHERE user=?",
                    (account.role, display, permissions, account.user),
                )
                if not known.rowcount:
                    password = readable_password()
                    made.append((account.user, password))
                    self._db.execute(
                        "INSERT INTO accounts VALUES(?,?,?,?,?,?,?,0)",
                        (
                            account.user, account.role, display, self.algorithm,
                            ha1(account.user, self.realm, password, self.algorithm),
                            self._password_hash(account.role, password), permissions,
                        ),
                    )  # fmt: skip
            self._tell(made)
        return made

    def rotate(self, users: Iterable[str] | None = None) -> list[tuple[str, str]]:
        """New passwords for `users` (all when None), also put into accounts.txt. Raises AccountProblem."""
        made: list[tuple[str, str]] = []
        with self._change():
            roles = dict(self._db.execute("SELECT user, role FROM accounts ORDER BY rowid"))
            for user in roles if users is None else users:
                if user not in roles:
                    raise AccountProblem(f"there is no account {user!r}")
                password = readable_password()
                made.append((user, password))
                self._db.execute(
                    "UPDATE accounts SET algorithm=?, ha1=?, password_hash=? WHERE user=?",
                    (
                        self.algorithm, ha1(user, self.realm, password, self.algorithm),
                        self._password_hash(roles[user], password), user,
                    ),
                )  # fmt: skip
            self._tell(made)
        return made

    def disable(self, user: str, disabled: bool = True) -> None:
        """Refuse this account's registrations and log-ins from now on (or allow them again)."""
        with self._change():
            if not self._db.execute("UPDATE accounts SET disabled=? WHERE user=?", (disabled, user)).rowcount:
                raise AccountProblem(f"there is no account {user!r}")

    def get(self, user: str) -> StoredAccount | None:
        with self._lock:
            row = self._db.execute(f"{_SELECT} WHERE user=?", (user,)).fetchone()
        return None if row is None else _stored(row)

    def all(self) -> list[StoredAccount]:
        """Every account, in the order in which they were made."""
        with self._lock:
            return [_stored(row) for row in self._db.execute(f"{_SELECT} ORDER BY rowid")]

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _change(self) -> Iterator[None]:
        """All or nothing: passwords are committed only once accounts.txt tells them."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _password_hash(self, role: str, password: str) -> str:
        """argon2 for who logs in at pages; callers and trunks have no page, so they get none."""
        return self._hasher.hash(password) if role in _CONSOLE_ROLES else ""

    def _tell(self, made: list[tuple[str, str]]) -> None:
        """Put new passwords into accounts.txt beside those that still stand there."""
        if not made:
            return
        try:
            passwords = {told.user: told.password for told in read_accounts_file(self.accounts_file)}
        except FileNotFoundError:
            passwords = {}
        passwords.update(made)
        lines = ["# user, role and password; written by cti-engine, renewed by: cti-engine accounts --rotate"]
        for user, role in self._db.execute("SELECT user, role FROM accounts ORDER BY rowid"):
            if user in passwords:
                lines.append(f"{user:<16} {role:<11} {passwords[user]}")
        write_private(self.accounts_file, ("\n".join(lines) + "\n").encode())


_SELECT = "SELECT user, role, display, algorithm, ha1, permissions, disabled FROM accounts"


def _stored(row: tuple[str, str, str, str, str, str, int]) -> StoredAccount:
    user, role, display, algorithm, digest, permissions, disabled = row
    return StoredAccount(user, role, display, algorithm, digest, tuple(permissions.split()), bool(disabled))


def _check(account: Account) -> None:
    if account.role not in ROLES:
        raise AccountProblem(
            f"account {account.user!r} has role {account.role!r}: use one of {', '.join(ROLES)}"
        )
    if not account.user or any(c.isspace() or c in ':@"#<>' for c in account.user):
        raise AccountProblem(
            f'account name {account.user!r} cannot be a SIP user: no spaces and none of : @ " # < >'
        )
