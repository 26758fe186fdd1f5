"""What agents granted a customer and found out by a guide, noted from events: one row each, a corrected answer in the
place of the first.
"""

from __future__ import annotations

import json
from typing import Any

from cti_engine.adapters.customer_merge import current_id
from cti_engine.adapters.sql_database import Row, Statements
from cti_engine.core.customers.guides import TICKET
from cti_engine.ports import StoredEvent

NOTED = ("GrantMade", "GuideAnswered")
ANSWERED = "at, agent, field || ': ' || answer, said"


def note(db: Statements, event: StoredEvent) -> str:
    """Whose it is. Of a customer who is gone (erased) nothing is kept, and of strangers only what belongs to their
    ticket: empty.
    """
    data = event.data
    customer = current_id(db, str(data["customer"]))
    strangers_ticket = not customer and data.get("into") == TICKET
    if not strangers_ticket and db.row("SELECT 1 FROM customers WHERE customer=?", (customer,)) is None:
        return ""
    if event.event == "GrantMade":
        db.run(
            "INSERT INTO grants VALUES(?,?,?,?,?,?,?,?)",
            (customer, event.at, event.contact, data["agent"], data["amount"], data["currency"], data["reason"],
             data["approved_by"]),
        )  # fmt: skip
        return customer
    db.run(
        "DELETE FROM guide_answers WHERE contact=? AND guide=? AND step=?",
        (event.contact, data["guide"], data["step"]),
    )
    db.run(
        "INSERT INTO guide_answers VALUES(?,?,?,?,?,?,?,?,?,?)",
        (customer, event.at, event.contact, data["agent"], data["guide"], data["step"], data["field"], data["into"],
         data["answer"], json.dumps(data.get("said", {}), ensure_ascii=False)),
    )  # fmt: skip
    return customer


def found_out(db: Statements, contact: str, into: str) -> list[dict[str, Any]]:
    """What the guides of a contact have answered, in the order of the answers. `texts` is by language."""
    rows = db.rows(
        f"SELECT {ANSWERED} FROM guide_answers WHERE contact=? AND target=? ORDER BY at", (contact, into)
    )
    return [as_said(row) for row in rows]


def as_said(row: Row) -> dict[str, Any]:
    """Of the columns ANSWERED; `text` is for who has no language, and of rows older than the words."""
    at, author, text, said = row
    texts = json.loads(said)
    return {"at": at, "author": author, "text": text, **({"texts": texts} if texts else {})}
