"""What a customer may ask for: all that is known of them, and that it is forgotten. Figures stay without the person."""

from __future__ import annotations

import json
from typing import Any

from cti_engine.adapters.customer_schema import TABLES_OF_A_CUSTOMER
from cti_engine.adapters.sql_database import Statements

COUNTED_ON = {"surveys": "agent and queue reports", "offer_answers": "what offers bring"}
"""Tables whose rows stay without the customer's id, for what; an answer in words goes all the same."""
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


def erase(db: Statements, customer: str) -> dict[str, int] | None:
    """How many rows went, and of COUNTED_ON how many stay without a name; None when there is no such customer."""
    if db.row("SELECT 1 FROM customers WHERE customer=?", (customer,)) is None:
        return None
    numbers = [number for (number,) in db.rows("SELECT number FROM numbers WHERE customer=?", (customer,))]
    done = {
        "ticket_steps": db.run(
            "DELETE FROM ticket_steps WHERE ticket IN (SELECT ticket FROM tickets WHERE customer=?)",
            (customer,),
        )
    }
    db.run("DELETE FROM surveys WHERE customer=? AND answer IS NULL", (customer,))
    for table in TABLES_OF_A_CUSTOMER:
        if table in COUNTED_ON:
            sql = f"UPDATE {table} SET customer='', contact='' WHERE customer=?"
        else:
            sql = f"DELETE FROM {table} WHERE customer=?"
        done[table] = db.run(sql, (customer,))
    for number in numbers:
        done["contacts"] += db.run("DELETE FROM contacts WHERE number=?", (number,))
        done["tickets"] += db.run("DELETE FROM tickets WHERE number=?", (number,))
    named = json.dumps({"customer": customer}, ensure_ascii=False)[1:-1]
    for wild in "\\%_":
        named = named.replace(wild, f"\\{wild}")
    db.run("DELETE FROM outbox WHERE body LIKE ? ESCAPE '\\'", (f"%{named}%",))
    done["merges"] = db.run("DELETE FROM merges WHERE kept=? OR gone=?", (customer, customer))
    done["customers"] = db.run("DELETE FROM customers WHERE customer=?", (customer,))
    return done
