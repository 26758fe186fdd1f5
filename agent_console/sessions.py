"""Who is logged in: random tokens in cookies, their hashes in a file that only this process writes.

A restart of the console logs nobody out, and who reads the file cannot log in with it. A session ends when nobody has
used it for its idle time, and in any case some hours after the log-in; never in the middle of a contact.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path

WRITE_EVERY = 60.0  # seconds; how stale the stored times may be
LAST_MOMENTS = 2 * WRITE_EVERY  # that a contact in progress adds when the hours are over
COLUMNS = {"id", "user", "csrf", "seen_at", "ends_at"}


@dataclass(slots=True)
class Session:
    """One log-in of one user, in wall seconds: a human was last there at `seen_at`, and at `ends_at` it is over."""

    id: str
    user: str
    csrf: str
    seen_at: float
    ends_at: float
    written_at: float


class Sessions:
    """The table of sessions. Small and local: each write is one row, each read is from memory.

    Seconds: after `idle` a session that nobody used is over, after `longest` any.
    """

    def __init__(self, path: Path, idle: float, longest: float) -> None:
        self._idle = idle
        self._longest = longest
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        if {name for _, name, *_ in self._db.execute("PRAGMA table_info(sessions)")} != COLUMNS:
            self._db.execute("DROP TABLE IF EXISTS sessions")  # of an older version: all log in anew
            self._db.execute(
                "CREATE TABLE sessions(id TEXT PRIMARY KEY, user TEXT, csrf TEXT, seen_at REAL, ends_at REAL)"
            )
        rows = self._db.execute("SELECT id, user, csrf, seen_at, ends_at FROM sessions")
        self._sessions = {
            id_: Session(id_, user, csrf, seen, ends, seen) for id_, user, csrf, seen, ends in rows
        }

    def open(self, user: str, now: float) -> tuple[str, Session]:
        """A new session and the token for its cookie; the token itself is kept nowhere."""
        self._forget_expired(now)
        token = secrets.token_urlsafe(32)
        session = Session(_id_of(token), user, secrets.token_urlsafe(24), now, now + self._longest, now)
        self._db.execute(
            "INSERT INTO sessions VALUES(?, ?, ?, ?, ?)",
            (session.id, user, session.csrf, session.seen_at, session.ends_at),
        )
        self._sessions[session.id] = session
        return token, session

    def find(self, token: str, now: float) -> Session | None:
        """The living session of a cookie's token."""
        session = self._sessions.get(_id_of(token))
        if session is None or self.expired(session, now):
            return None
        return session

    def expired(self, session: Session, now: float) -> bool:
        return session.id not in self._sessions or now - session.seen_at > self._idle or now > session.ends_at

    def touch(self, session: Session, now: float, *, in_contact: bool = False) -> None:
        """A human is there; who is `in_contact` also stays until it is over."""
        session.seen_at = now
        if in_contact:
            session.ends_at = max(session.ends_at, now + LAST_MOMENTS)
        if now - session.written_at >= WRITE_EVERY:
            session.written_at = now
            self._db.execute(
                "UPDATE sessions SET seen_at = ?, ends_at = ? WHERE id = ?",
                (now, session.ends_at, session.id),
            )

    def close(self, session: Session) -> None:
        """Log out: the token is worth nothing from now on."""
        self._sessions.pop(session.id, None)
        self._db.execute("DELETE FROM sessions WHERE id = ?", (session.id,))

    def _forget_expired(self, now: float) -> None:
        for session in [s for s in self._sessions.values() if self.expired(s, now)]:
            self.close(session)

    def shut(self) -> None:
        self._db.close()


def _id_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
