"""What the console has written beside the customers and the event log shall tell: put in with the change, in order."""

from __future__ import annotations

import json
from typing import Any

from cti_engine.adapters.sql_database import Statements

KEPT = 100_000
"""Changes; an engine that was away for more of them misses the oldest."""


def put(db: Statements, kind: str, told: dict[str, Any], at: float) -> None:
    """In the transaction of the change itself."""
    row = db.row(
        "INSERT INTO outbox(kind, body, at) VALUES(?,?,?) RETURNING seq",
        (kind, json.dumps(told, ensure_ascii=False), at),
    )
    assert row is not None
    db.run("DELETE FROM outbox WHERE seq<=?", (row[0] - KEPT,))


def after(db: Statements, seq: int, limit: int = 100) -> list[tuple[int, dict[str, Any]]]:
    """Number and what is told, in order."""
    rows = db.rows(f"SELECT seq, body FROM outbox WHERE seq>? ORDER BY seq LIMIT {limit}", (seq,))
    return [(number, json.loads(body)) for number, body in rows]


def last(db: Statements) -> int:
    """The newest number; 0 before the first."""
    row = db.row("SELECT MAX(seq) FROM outbox")
    return int(row[0] or 0) if row else 0
