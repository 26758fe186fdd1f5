"""How long a log-in lasts, with times as arguments: idle, at most so long, and never over in a contact."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from agent_console.sessions import Sessions

IDLE, LONGEST = 3600.0, 12 * 3600.0


def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "sessions.db", IDLE, LONGEST)


def test_idle_ends_it(tmp_path: Path) -> None:
    """A session that nobody has touched for its idle time is over; each touch gives it the whole time again."""
    of = sessions(tmp_path)
    token, session = of.open("maria", 0.0)
    of.touch(session, 3000.0)
    assert of.find(token, 3000.0 + IDLE) is session
    assert of.find(token, 3001.0 + IDLE) is None
    of.shut()


def test_it_ends_in_any_case(tmp_path: Path) -> None:
    """However busy its human, a session is over so long after the log-in."""
    of = sessions(tmp_path)
    token, session = of.open("maria", 0.0)
    for minutes in range(0, 12 * 60, 30):
        of.touch(session, 60.0 * minutes)
    assert of.find(token, LONGEST) is session
    of.touch(session, LONGEST)
    assert of.find(token, LONGEST + 1.0) is None
    of.shut()


def test_a_contact_in_progress_goes_on(tmp_path: Path) -> None:
    """Told again and again of a contact, the session outlives its hours, a restart too, and ends after the contact."""
    of = sessions(tmp_path)
    token, session = of.open("maria", 0.0)
    at = LONGEST - 100.0
    for _ in range(60):
        of.touch(session, at, in_contact=True)
        at += 10.0
    of.shut()
    again = sessions(tmp_path)
    assert again.find(token, at) is not None
    assert again.find(token, at + 120.0) is None
    again.shut()


def test_a_file_of_an_older_version(tmp_path: Path) -> None:
    """Whoever was logged in by the rules of an older version logs in anew."""
    with sqlite3.connect(tmp_path / "sessions.db") as db:
        db.execute("CREATE TABLE sessions(id TEXT PRIMARY KEY, user TEXT, csrf TEXT, seen_at REAL)")
        db.execute("INSERT INTO sessions VALUES('x', 'maria', 'y', 0.0)")
    of = sessions(tmp_path)
    token, _ = of.open("maria", 1.0)
    assert of.find(token, 2.0) is not None
    of.shut()
    with sqlite3.connect(tmp_path / "sessions.db") as db:
        assert db.execute("SELECT COUNT(*) FROM sessions").fetchone() == (1,)
