"""Similar past cases by full text: what has been resolved, best first, with the resolution that worked.

SQLite ranks by bm25 (FTS5). PostgreSQL by `ts_rank`, which knows nothing of how rare a word is. A few rare words of
what was asked decide, so that a long note is as quick as a short one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cti_engine.adapters.case_words import words_of
from cti_engine.adapters.sql_database import Database, Row, Statements

MOST_WORDS = 8
MOST_LOOKED_AT = 6_000
"""Cases with one of the words; beyond it the more common words are left out. 5,000 cost some 10 ms."""
CANDIDATES = 20
SUBJECT_COUNTS = 3.0
SAME_CATEGORY = 1.5


@dataclass(frozen=True, slots=True)
class Case:
    """A resolved ticket; `score` is comparable within one answer only, larger is better."""

    ticket: int
    category: str
    subject: str
    resolution: str
    closed_at: float
    score: float


def keep(db: Statements, database: Database, ticket: int, category: str, subject: str, text: str) -> None:
    """What the ticket is found by from now on. `text`: its comments and the resolution."""
    forget(db, database, ticket)
    title, body = " ".join(words_of(subject)), " ".join(words_of(text))
    if database.dialect == "sqlite":
        db.run(
            "INSERT INTO cases(rowid, subject, body, category) VALUES(?,?,?,?)",
            (ticket, title, body, category),
        )
    else:
        db.run(
            "INSERT INTO cases(ticket, words) VALUES(?, setweight(to_tsvector('simple', ?), 'A')"
            " || setweight(to_tsvector('simple', ?), 'D'))",
            (ticket, title, body),
        )


def forget(db: Statements, database: Database, ticket: int) -> None:
    """It is open again."""
    column = "rowid" if database.dialect == "sqlite" else "ticket"
    db.run(f"DELETE FROM cases WHERE {column}=?", (ticket,))


def forget_deleted(db: Statements) -> None:
    """FTS5 keeps the words of what was deleted until its parts are put together."""
    db.run("INSERT INTO cases(cases) VALUES('optimize')")


def similar(database: Database, text: str, category: str = "", most: int = 5) -> list[Case]:
    """The best first; those of `category` count half as much again. Raises DatabaseFault."""
    asked = list(dict.fromkeys(words_of(text)))
    if not asked or not database.there:
        return []
    with database.reading() as db:
        ranked = _by_bm25(db, asked) if database.dialect == "sqlite" else _by_ts_rank(db, asked)
        scores = dict(ranked)
        marks = ",".join("?" * len(scores))
        rows = (
            db.rows(
                "SELECT ticket, category, subject, resolution, closed_at FROM tickets"
                f" WHERE closed_at IS NOT NULL AND ticket IN ({marks})",
                tuple(scores),
            )
            if scores
            else []
        )
    cases = [_case(row, scores[row[0]], category) for row in rows]
    return sorted(cases, key=lambda case: (-case.score, -case.closed_at, case.ticket))[:most]


def _case(row: Row, score: float, category: str) -> Case:
    ticket, kind, subject, resolution, closed_at = row
    better = SAME_CATEGORY if category and kind == category else 1.0
    return Case(ticket, kind, subject, resolution, closed_at, score * better)


def _by_bm25(db: Statements, asked: list[str]) -> list[tuple[Any, float]]:
    marks = ",".join("?" * len(asked))
    known = db.rows(f"SELECT term, doc FROM case_words WHERE term IN ({marks})", asked)
    chosen: list[str] = []
    looked_at = 0
    for term, cases in sorted(known, key=lambda each: (each[1], each[0]))[:MOST_WORDS]:
        looked_at += cases
        if chosen and looked_at > MOST_LOOKED_AT:
            break
        chosen.append(f'"{term}"')
    if not chosen:
        return []
    rows = db.rows(
        "SELECT rowid, -rank FROM cases WHERE cases MATCH ? AND rank MATCH ? ORDER BY rank LIMIT ?",
        (" OR ".join(chosen), f"bm25({SUBJECT_COUNTS}, 1.0)", CANDIDATES),
    )
    return [(row[0], row[1]) for row in rows]


def _by_ts_rank(db: Statements, asked: list[str]) -> list[tuple[Any, float]]:
    """Long words tell more; weights as for bm25."""
    chosen = " | ".join(sorted(asked, key=len, reverse=True)[:MOST_WORDS])
    rows = db.rows(
        f"SELECT ticket, ts_rank('{{{1 / SUBJECT_COUNTS:.3f}, 0, 0, 1}}', words, asked, 1) AS score"
        " FROM cases, to_tsquery('simple', ?) AS asked WHERE words @@ asked ORDER BY score DESC LIMIT ?",
        (chosen, CANDIDATES),
    )
    return [(row[0], float(row[1])) for row in rows]
