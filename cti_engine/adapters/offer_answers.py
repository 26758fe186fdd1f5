"""What was offered and how it was taken, one row a call and offer; the counts that offers are ranked by follow from it.

Events may be noted again: the same twice changes nothing.
"""

from __future__ import annotations

from typing import Any

from cti_engine.adapters.customer_merge import current_id
from cti_engine.adapters.sql_database import Statements
from cti_engine.ports import StoredEvent

NOTED = ("HintsGiven", "HintAnswered")


def note(db: Statements, event: StoredEvent) -> str:
    """Whose it was; empty, and nothing is kept, of a customer who is gone (erased)."""
    data = event.data
    customer = current_id(db, str(data.get("customer", "")))
    if db.row("SELECT 1 FROM customers WHERE customer=?", (customer,)) is None:
        return ""
    if event.event == "HintsGiven":
        for each in data["offers"]:
            _put(db, event, customer, each, answer="", then="NOTHING")
    else:
        then = "UPDATE SET answer=excluded.answer, at=excluded.at, agent=excluded.agent"
        _put(db, event, customer, data, answer=str(data["answer"]), then=then)
        _count(db, str(data["segment"]), str(data["offer"]))
    return customer


def _put(
    db: Statements, event: StoredEvent, customer: str, offer: dict[str, Any], *, answer: str, then: str
) -> None:
    data = event.data
    db.run(
        "INSERT INTO offer_answers(customer, at, contact, offer, answer, agent, held_out, segment, affinity)"
        f" VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(customer, contact, offer) WHERE contact<>'' DO {then}",
        (
            customer,
            event.at,
            event.contact,
            offer["offer"],
            answer,
            data["agent"],
            int(bool(data.get("held_out"))),
            data["segment"],
            offer.get("affinity", 0.0),
        ),
    )


def _count(db: Statements, segment: str, offer: str) -> None:
    """Anew from the answers: a corrected one leaves no trace."""
    db.run(
        "INSERT INTO offer_counts(segment, offer, accepted, declined, affinity)"
        " SELECT segment, offer, SUM(CASE WHEN answer='accepted' THEN 1 ELSE 0 END),"
        " SUM(CASE WHEN answer='declined' THEN 1 ELSE 0 END),"
        " SUM(CASE WHEN answer IN ('accepted', 'declined') THEN affinity ELSE 0 END)"
        " FROM offer_answers WHERE segment=? AND offer=? GROUP BY segment, offer"
        " ON CONFLICT(segment, offer) DO UPDATE SET accepted=excluded.accepted, declined=excluded.declined,"
        " affinity=excluded.affinity",
        (segment, offer),
    )
