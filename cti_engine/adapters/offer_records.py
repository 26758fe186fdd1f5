"""What `cti-engine offers` reads of the customers and writes: purchases, affinities, how calls with hints went."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from cti_engine.adapters.sql_database import Database


@dataclass(frozen=True, slots=True)
class OfferedCall:
    """One call: its `offers` with what was answered (empty: nothing), by offer."""

    contact: str
    customer: str
    segment: str
    at: float
    held_out: bool
    answers: dict[str, str]
    disposition: str
    handle_s: float | None
    survey: float | None
    bought: tuple[tuple[str, float], ...]


def purchases(database: Database) -> list[tuple[str, float, str]]:
    """Customer, wall seconds, product. Raises DatabaseFault, as all here."""
    with database.reading() as db:
        return [
            (customer, at, product)
            for customer, at, product in db.rows(
                "SELECT customer, at, product FROM purchases ORDER BY at, customer"
            )
        ]


def segments(database: Database) -> dict[str, str]:
    """As a look-up tells them: the computed one before the imported."""
    with database.reading() as db:
        return dict(
            db.rows(
                "SELECT customer, COALESCE(scores.segment, customers.segment) FROM customers"
                " LEFT JOIN scores USING (customer)"
            )
        )


def put_affinities(database: Database, rows: Iterable[tuple[str, str, float]]) -> int:
    """In the place of all there were; how many."""
    new = list(rows)
    with database.writing() as db:
        db.run("DELETE FROM affinities")
        db.run_many("INSERT INTO affinities VALUES(?,?,?)", new)
    return len(new)


def offered_calls(database: Database, since: float) -> list[OfferedCall]:
    """Calls with hints, shown or held out, since then (wall seconds), in the order of time; not of erased customers."""
    with database.reading() as db:
        answers = db.rows(
            "SELECT contact, customer, segment, at, held_out, offer, answer FROM offer_answers"
            " WHERE at>=? AND contact<>'' ORDER BY at, contact, offer",
            (since,),
        )
        closed = {
            contact: json.loads(body)
            for contact, body in db.rows(
                "SELECT contact, body FROM contacts WHERE contact<>'' AND at>=?", (since,)
            )
        }
        surveyed = {
            contact: share
            for contact, scale, answer in db.rows(
                "SELECT contact, scale, answer FROM surveys WHERE answer IS NOT NULL AND at>=? ORDER BY at",
                (since,),
            )
            if (share := _share(scale, answer)) is not None
        }
        bought: dict[str, list[tuple[str, float]]] = {}
        for customer, product, at in db.rows(
            "SELECT customer, product, at FROM purchases WHERE at>=?", (since,)
        ):
            bought.setdefault(customer, []).append((product, at))
    calls: dict[str, OfferedCall] = {}
    for contact, customer, segment, at, held_out, offer, answer in answers:
        if contact not in calls:
            told = closed.get(contact, {})
            calls[contact] = OfferedCall(
                contact,
                customer,
                segment,
                at,
                bool(held_out),
                {},
                str(told.get("disposition", "")),
                told.get("handle_s"),
                surveyed.get(contact),
                tuple(bought.get(customer, ())),
            )
        calls[contact].answers[offer] = answer
    return list(calls.values())


def _share(scale: str, answer: float) -> float | None:
    """An answer of 4 on `1-5` is 0.75 of the scale."""
    least, _, most = scale.partition("-")
    if not (least.isdigit() and most.isdigit()) or int(most) <= int(least):
        return None
    return (answer - int(least)) / (int(most) - int(least))
