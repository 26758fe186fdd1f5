"""Who is logged in: random tokens in cookies, their hashes in a file that only this process writes.

A restart of the console logs nobody out, and who reads the file cannot log in with it.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path

WRITE_EVERY = 60.0  # seconds; how stale the stored `seen_at` may be


@dataclass(slots=True)
class Session:
    """One log-in of one user. `seen_at` is when a human was last at the page, in wall seconds."""

    id: str
    user: str
    csrf: str
    seen_at: float
    written_at: float


class Sessions:
    """The table of sessions. Small and local: each write is one row, each read is from memory.

    `idle` is the seconds after which a session that nobody used is over.
    """

    def __init__(self, path: Path, idle: float) -> None:
        self._idle = idle
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS sessions(id TEXT PRIMARY KEY, user TEXT, csrf TEXT, seen_at REAL)"
        )
        rows = self._db.execute("SELECT id, user, csrf, seen_at FROM sessions")
        self._sessions = {id_: Session(id_, user, csrf, seen, seen) for id_, user, csrf, seen in rows}

    def open(self, user: str, now: float) -> tuple[str, Session]:
        """A new session and the token for its cookie; the token itself is kept nowhere."""
        self._forget_expired(now)
        token = secrets.token_urlsafe(32)
        session = Session(_id_of(token), user, secrets.token_urlsafe(24), now, now)
        self._db.execute(
            "INSERT INTO sessions VALUES(?, ?, ?, ?)", (session.id, user, session.csrf, session.seen_at)
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
        return session.id not in self._sessions or now - session.seen_at > self._idle

    def touch(self, session: Session, now: float) -> None:
        """A human did something at the page."""
        session.seen_at = now
        if now - session.written_at >= WRITE_EVERY:
            session.written_at = now
            self._db.execute("UPDATE sessions SET seen_at = ? WHERE id = ?", (now, session.id))

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
