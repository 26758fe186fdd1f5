"""What was written of scores and lists, as the console reads it: without what computes them (numpy)."""

from __future__ import annotations

from typing import Any

import msgspec

from cti_engine.adapters.sql_database import Database


def scored_at(database: Database) -> float:
    """When scores were written last; 0: never."""
    with database.reading() as db:
        row = db.row("SELECT MAX(at) FROM scores")
    return float(row[0]) if row and row[0] is not None else 0.0


def campaign_customers(database: Database, campaign: str = "") -> list[dict[str, Any]]:
    """Of one campaign or of all, in their order: campaign, customer, name, segment, kind, language, numbers, `at` (when
    they were chosen) and the figures.
    """
    where, values = (" WHERE campaign=?", (campaign,)) if campaign else ("", ())
    with database.reading() as db:
        rows = db.rows(
            "SELECT campaign, c.customer, c.name, COALESCE(NULLIF(s.segment, ''), c.segment), c.kind, c.language,"
            " l.body, l.at FROM campaign_customers l JOIN customers c ON c.customer=l.customer"
            f" LEFT JOIN scores s ON s.customer=l.customer{where} ORDER BY l.place",
            values,
        )
        numbers: dict[str, list[str]] = {}
        for customer, number in db.rows(
            "SELECT customer, number FROM numbers WHERE customer IN (SELECT customer FROM campaign_customers)"
            " ORDER BY number"
        ):
            numbers.setdefault(customer, []).append(number)
    names = ("campaign", "customer", "name", "segment", "kind", "language")
    return [
        {**dict(zip(names, row, strict=False)), "numbers": numbers.get(row[1], []), "at": row[7]}
        | msgspec.json.decode(row[6])
        for row in rows
    ]
