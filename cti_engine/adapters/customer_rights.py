"""What a customer may ask for: all that is known of them; and who has asked for what, kept without names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from cti_engine.adapters.customer_schema import TABLES_OF_A_CUSTOMER
from cti_engine.adapters.sql_database import Statements

_JSON = ("body", "hints", "undo")


def table_rows(db: Statements, table: str, where: str, of: object) -> list[dict[str, Any]]:
    """Whole rows by column name; what is JSON is read."""
    columns = db.columns(table)
    return [
        {
            name: json.loads(value) if name in _JSON and value else value
            for name, value in zip(columns, row, strict=True)
        }
        for row in db.rows(f"SELECT {', '.join(columns)} FROM {table} WHERE {where}", (of,))
    ]


def export(db: Statements, customer: str) -> dict[str, Any] | None:
    """Every row of this customer by table; None when there is no such customer."""
    found = {"customers": table_rows(db, "customers", "customer=?", customer)}
    if not found["customers"]:
        return None
    for table in TABLES_OF_A_CUSTOMER:
        found[table] = table_rows(db, table, "customer=?", customer)
    found["ticket_steps"] = table_rows(
        db, "ticket_steps", "ticket IN (SELECT ticket FROM tickets WHERE customer=?)", customer
    )
    found["merges"] = table_rows(db, "merges", "kept=?", customer)
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """Who did what with a customer's data: `what` is export, erase, merge or unmerge. Of the erased `customer` is the
    pseudonym that their figures have, and `told` what is gone and what stays. `done_at` None: not all of it yet.
    """

    number: int
    at: float
    author: str
    what: str
    customer: str
    done_at: float | None
    told: dict[str, Any]


def note(db: Statements, at: float, author: str, what: str, customer: str) -> None:
    """In the transaction of what was done."""
    db.run(
        "INSERT INTO rights(at, author, what, customer, body, done_at) VALUES(?,?,?,?,'{}',?)",
        (at, author, what, customer, at),
    )


def asked(db: Statements, limit: int = 100) -> list[Asked]:
    """The newest first."""
    rows = db.rows(
        f"SELECT number, at, author, what, customer, done_at, body FROM rights ORDER BY number DESC LIMIT {limit}"
    )
    return [
        Asked(number, at, author, what, customer, done_at, json.loads(body).get("told", {}))
        for number, at, author, what, customer, done_at, body in rows
    ]
