"""Customers' histories out of the database and their scores back into it, all at once.

Scores are written some thousand customers a transaction, so that nobody who notes a contact waits long; a customer's
row is whole, and the list of campaigns is replaced as a whole at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from cti_engine.adapters.sql_database import Database, Statements
from cti_engine.core.customers.campaigns import chosen, figures
from cti_engine.core.customers.histories import Facts, Histories
from cti_engine.core.customers.segment_rules import Campaign, SegmentRules
from cti_engine.core.customers.segments import Scores

AT_A_TIME = 5_000
FIGURES = ("score", "recency", "frequency", "monetary", "retention_risk", "growth")
"""In the profile's `scores`, beside `why`."""

Progress = Callable[[str, int, int], None]
"""What is done, how much of it, of how many."""


def read_histories(database: Database, rules: SegmentRules) -> Histories:
    """Raises DatabaseFault."""
    with database.reading() as db:
        people = db.rows("SELECT customer, kind, segment, language, value FROM customers ORDER BY customer")
        places = {row[0]: index for index, row in enumerate(people)}
        products = np.zeros(len(people), np.int64)
        ends = np.full(len(people), np.nan)
        for customer, count, until in db.rows(
            "SELECT customer, COUNT(*), MIN(until) FROM products GROUP BY customer"
        ):
            if customer in places:
                products[places[customer]] = count
                ends[places[customer]] = np.nan if until is None else until
        still_open = np.zeros(len(people), np.bool_)
        tickets = _marked("category", rules.complaint_categories)
        for (customer,) in db.rows(
            f"SELECT customer FROM tickets WHERE closed_at IS NULL AND {tickets}", rules.complaint_categories
        ):
            if customer in places:
                still_open[places[customer]] = True
        return Histories(
            customers=tuple(places),
            kind=[row[1] for row in people],
            language=[row[3] for row in people],
            segment=[row[2] for row in people],
            value=np.fromiter((row[4] for row in people), np.float64, len(people)),
            products=products,
            contract_ends=ends,
            open_complaint=still_open,
            purchases=_purchases(db, places),
            complaints=_facts(places, _complaints(db, rules)),
            surveys=_facts(places, _surveys(db)),
        )


def _marked(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({','.join('?' * len(values))})" if values else "1=0"


def _facts(places: Mapping[str, int], rows: Iterable[tuple[str, float, float]]) -> Facts:
    """Rows of nobody who is here are left out."""
    found = [(place, at, amount) for who, at, amount in rows if (place := places.get(who)) is not None]
    return Facts.of(found)


def _purchases(db: Statements, places: Mapping[str, int]) -> Facts:
    """By column, for there are many."""
    owner: list[int] = []
    at: list[float] = []
    amount: list[float] = []
    sql = "SELECT customer, at, SUM(amount) FROM purchases GROUP BY customer, at"
    for rows in db.each(sql, at_a_time=20_000):
        owners, times, amounts = zip(*rows, strict=True)
        owner += [places.get(who, -1) for who in owners]
        at += times
        amount += amounts
    of = np.array(owner, np.int64)
    facts = Facts(of, np.array(at, np.float64), np.array(amount, np.float64))
    return facts.where(of >= 0)


def _complaints(db: Statements, rules: SegmentRules) -> Iterable[tuple[str, float, float]]:
    wanted = set(rules.complaint_dispositions)
    if wanted:  # contacts are JSON; LIKE spares reading the most of them
        likely = " OR ".join("body LIKE ?" for _ in wanted)
        like = [f'%"disposition": "{each}"%' for each in wanted]
        for customer, at, body in db.rows(f"SELECT customer, at, body FROM contacts WHERE {likely}", like):
            if msgspec.json.decode(body).get("disposition") in wanted:
                yield customer, at, 1.0
    tickets = _marked("category", rules.complaint_categories)
    for customer, at in db.rows(
        f"SELECT customer, opened_at FROM tickets WHERE {tickets}", rules.complaint_categories
    ):
        yield customer, at, 1.0


def _surveys(db: Statements) -> Iterable[tuple[str, float, float]]:
    """As shares of their scale, such as `1-5`."""
    for customer, at, scale, answer in db.rows(
        "SELECT customer, at, scale, answer FROM surveys WHERE answer IS NOT NULL"
    ):
        least, dash, most = str(scale).partition("-")
        if dash and least.isdigit() and most.isdigit() and int(most) > int(least):
            yield customer, at, (answer - int(least)) / (int(most) - int(least))


def write_scores(
    database: Database, scores: Scores, campaigns: Mapping[str, Campaign], now: float, progress: Progress
) -> dict[str, int]:
    """How many customers each campaign has. Raises DatabaseFault; what was written before stays, and is right."""
    encode = msgspec.json.Encoder().encode
    columns = [scores.columns[name] for name in FIGURES]
    values = scores.columns["value"]
    rows = (
        (
            customer,
            scores.segment[index],
            values[index],
            encode(_body([column[index] for column in columns], why)).decode(),
            now,
        )
        for index, (customer, why) in enumerate(zip(scores.customers, scores.reasons(), strict=True))
    )
    done, count = 0, len(scores.customers)
    while some := list(islice(rows, AT_A_TIME)):
        with database.writing() as db:
            db.run_many(
                "INSERT INTO scores VALUES(?,?,?,?,?) ON CONFLICT(customer) DO UPDATE SET segment=excluded.segment,"
                " value=excluded.value, body=excluded.body, at=excluded.at",
                some,
            )
        done += len(some)
        progress("written", done, count)
    found = list(chosen(scores, campaigns))
    with database.writing() as db:
        db.run("DELETE FROM campaign_customers")
        db.run_many(
            "INSERT INTO campaign_customers VALUES(?,?,?,?,?)",
            (
                (campaign, place, scores.customers[index], encode(figures(scores, index)).decode(), now)
                for place, (campaign, index) in enumerate(found)
            ),
        )
    return {id_: sum(campaign == id_ for campaign, _ in found) for id_ in campaigns}


def _body(figures: list[Any], why: list[dict[str, Any]]) -> dict[str, Any]:
    return {**{name: round(value, 4) for name, value in zip(FIGURES, figures, strict=True)}, "why": why}
