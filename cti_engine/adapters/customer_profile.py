"""All that a look-up tells of a customer, or of a number that nobody has; read in one moment of the database."""

from __future__ import annotations

import json
import time
from typing import Any

from cti_engine.adapters import help_given
from cti_engine.adapters.sql_database import Row, Statements

Profile = dict[str, Any]

LAST_CONTACTS = 5
"""As many as a screen pop shows; likewise below."""
LAST_PURCHASES = 10
LAST_SURVEYS = 3
LAST_NOTES = 3
LAST_OFFER_ANSWERS = 20
LAST_GRANTS = 20
MOST_AFFINITIES = 50


def of_number(db: Statements, number: str) -> Profile:
    """`number` in E.164. Its own way of answering goes before its customer's."""
    row = db.row("SELECT customer, answer_by FROM numbers WHERE number=?", (number,))
    found = of_customer(db, row[0]) if row else None
    if row is None or found is None:
        return _stranger(db, number)
    found["answer_by"] = row[1] or found["answer_by"]
    return found


def of_customer(db: Statements, customer: str) -> Profile | None:
    """None when there is no such customer."""
    row = db.row(
        "SELECT kind, name, customers.segment, language, answer_by, channel, customers.value, preferred_agents, hints,"
        " scores.segment, scores.value, scores.body, imports.at"
        " FROM customers LEFT JOIN scores USING (customer) LEFT JOIN imports USING (import) WHERE customer=?",
        (customer,),
    )
    if row is None:
        return None
    kind, name, segment, language, answer_by, channel, value, agents, hints, scored, worth, scores, at = row
    segment = scored or segment
    products = db.rows(
        "SELECT product, since, until FROM products WHERE customer=? ORDER BY product", (customer,)
    )
    return {
        "customer": customer,
        "kind": kind,
        "name": name,
        "language": language,
        "languages": [language] if language else [],
        "answer_by": answer_by,
        "channel": channel,
        "segment": segment,
        "value": value if worth is None else worth,
        "numbers": [n for (n,) in db.rows("SELECT number FROM numbers WHERE customer=? ORDER BY number", (customer,))],
        "consent": {
            purpose: bool(given)
            for purpose, given in db.rows("SELECT purpose, given FROM consents WHERE customer=?", (customer,))
        },
        "products": [
            {"product": product, "since": since} | ({} if until is None else {"until": until})
            for product, since, until in products
        ],
        "purchases": _last(
            db, "purchases", ("at", "product", "amount"), "customer=?", customer, LAST_PURCHASES
        ),
        "contacts": _contacts(db, "customer=?", customer),
        "tickets": _open_tickets(db, "customer=?", customer),
        "surveys": _last(
            db, "surveys", ("at", "question", "scale", "answer"), "answer IS NOT NULL AND customer=?", customer,
            LAST_SURVEYS,
        ),
        "notes": _notes(db, customer),
        "preferred_agents": agents.split(),
        "scores": json.loads(scores) if scores else {},
        "granted": _last(db, "grants", ("at", "amount"), "customer=?", customer, LAST_GRANTS),
        "offer_answers": _last(
            db, "offer_answers", ("at", "offer", "answer"), "answer<>'' AND customer=?", customer, LAST_OFFER_ANSWERS
        ),
        "affinities": _affinities(db, customer, segment),
        "offer_counts": {
            offer: counts
            for offer, *counts in db.rows(
                "SELECT offer, accepted, declined, affinity FROM offer_counts WHERE segment=?", (segment,)
            )
        },
        "hints": json.loads(hints),
        "imported_at": at or 0.0,
    }  # fmt: skip


def _last(
    db: Statements, table: str, columns: tuple[str, ...], where: str, of: str, most: int
) -> list[dict[str, Any]]:
    """The newest rows first."""
    found = db.rows(
        f"SELECT {', '.join(columns)} FROM {table} WHERE {where} ORDER BY at DESC, {columns[1]} LIMIT {most}",
        (of,),
    )
    return [dict(zip(columns, row, strict=True)) for row in found]


def _notes(db: Statements, customer: str) -> list[dict[str, Any]]:
    """Written by hand, and answered by a guide."""
    rows = db.rows(
        "SELECT at, author, text, '{}' FROM notes WHERE customer=? UNION ALL"
        f" SELECT {help_given.ANSWERED} FROM guide_answers WHERE customer=? AND target='note'"
        f" ORDER BY 1 DESC LIMIT {LAST_NOTES}",
        (customer, customer),
    )
    return [help_given.as_said(row) for row in rows]


def _contacts(db: Statements, where: str, of: str) -> list[dict[str, Any]]:
    rows = _last(db, "contacts", ("at", "channel", "body"), where, of, LAST_CONTACTS)
    return [{"at": row["at"], "channel": row["channel"], **json.loads(row["body"])} for row in rows]


def _open_tickets(db: Statements, where: str, of: str) -> list[dict[str, Any]]:
    columns = ("ticket", "category", "subject", "state", "priority", "due_at", "owner", "opened_at")
    return [
        {name: value for name, value in zip(columns, row, strict=True) if value is not None}
        for row in db.rows(
            f"SELECT {', '.join(columns)} FROM tickets WHERE {where} AND closed_at IS NULL"
            " ORDER BY opened_at DESC, ticket DESC",
            (of,),
        )
    ]


def _affinities(db: Statements, customer: str, segment: str) -> dict[str, float]:
    """How much what they have, their segment and the month speak for each product (`learning/affinities`): a sum."""
    found: list[Row] = db.rows(
        "WITH known AS (SELECT product FROM products WHERE customer=?"
        " UNION SELECT product FROM purchases WHERE customer=?)"
        " SELECT other, SUM(score) FROM affinities WHERE product IN (SELECT product FROM known)"
        f" OR product IN (?,?) GROUP BY other ORDER BY SUM(score) DESC, other LIMIT {MOST_AFFINITIES}",
        (customer, customer, f"segment:{segment}", f"month:{time.gmtime().tm_mon:02d}"),
    )
    return dict(found)


def _stranger(db: Statements, number: str) -> Profile:
    digits = number.removeprefix("+")
    prefixes = [digits[:length] for length in range(1, 8)]
    area = db.row(
        f"SELECT place, languages FROM areas WHERE prefix IN ({','.join('?' * len(prefixes))})"
        " ORDER BY length(prefix) DESC LIMIT 1",
        prefixes,
    )
    place, languages = (area[0], area[1].split()) if area else ("", [])
    return {
        "customer": "",
        "name": "",
        "segment": "unknown",
        "language": languages[0] if languages else "",
        "value": 0.0,
        "region": place,
        "languages": languages,
        "contacts": _contacts(db, "customer='' AND number=?", number),
        "tickets": _open_tickets(db, "customer='' AND number=?", number),
        "hints": [],
    }
