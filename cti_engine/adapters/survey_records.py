"""Surveys as they stand beside the customers, for reports; and what was said in them, to be listened to."""

from __future__ import annotations

from dataclasses import dataclass

from cti_engine.adapters.sql_database import Database
from cti_engine.core.reporting import surveys
from cti_engine.core.reporting.surveys import Asked, Given, SurveyReport

MOST_COMMENTS = 200


@dataclass(frozen=True, slots=True)
class Comment:
    """A spoken answer; `recording` is the file's name. `customer` and `name` are empty for a stranger; `answers`: those
    on scales of the same call, by question.
    """

    at: float
    contact: str
    question: str
    seconds: float
    recording: str
    customer: str
    name: str
    agent: str
    queue: str
    answers: dict[str, float]


def report(
    database: Database, since: float, until: float, *, question: str = "", weighted: bool = False
) -> SurveyReport:
    """`question`: answers to it alone. Raises DatabaseFault."""
    asked: list[Asked] = []
    given: list[Given] = []
    if database.there:
        with database.reading() as db:
            asked = [
                Asked(agent, queue, bool(answered), value)
                for agent, queue, answered, value in db.rows(
                    "SELECT agent, queue, answered, value FROM surveys_asked WHERE at>=? AND at<?",
                    (since, until),
                )
            ]
            given = [
                Given(*row)
                for row in db.rows(
                    "SELECT agent, queue, scale, answer, value FROM surveys"
                    " WHERE answer IS NOT NULL AND at>=? AND at<? AND (?='' OR question=?)",
                    (since, until, question, question),
                )
            ]
    return surveys.report(asked, given, since, until, weighted=weighted)


def comments(database: Database, since: float, until: float) -> list[Comment]:
    """The newest first, at most MOST_COMMENTS. Raises DatabaseFault."""
    if not database.there:
        return []
    with database.reading() as db:
        rows = db.rows(
            "SELECT surveys.at, contact, question, seconds, recording, surveys.customer, COALESCE(customers.name, ''),"
            " agent, queue FROM surveys LEFT JOIN customers ON customers.customer=surveys.customer"
            " WHERE recording<>'' AND surveys.at>=? AND surveys.at<? ORDER BY surveys.at DESC"
            f" LIMIT {MOST_COMMENTS}",
            (since, until),
        )
        found = []
        for at, contact, asked, seconds, path, customer, name, agent, queue in rows:
            answers: dict[str, float] = dict(
                db.rows(
                    "SELECT question, answer FROM surveys WHERE contact=? AND answer IS NOT NULL AND at>=?",
                    (contact, since),
                )
            )
            found.append(Comment(at, contact, asked, seconds, path, customer, name, agent, queue, answers))
    return found


def recording(database: Database, contact: str, question: str) -> str:
    """Where it lies; empty when there is none. Raises DatabaseFault."""
    if not database.there:
        return ""
    with database.reading() as db:
        row = db.row(
            "SELECT recording FROM surveys WHERE contact=? AND question=? AND recording<>'' ORDER BY at DESC",
            (contact, question),
        )
    return "" if row is None else str(row[0])
