"""What agents granted a customer and found out by a guide, noted from events: one row each, a corrected answer in the
place of the first.
"""

from __future__ import annotations

from cti_engine.adapters.customer_merge import current_id
from cti_engine.adapters.sql_database import Statements
from cti_engine.ports import StoredEvent

NOTED = ("GrantMade", "GuideAnswered")


def note(db: Statements, event: StoredEvent) -> str:
    """Whose it is. Of a customer who is gone (erased) nothing is kept, and of strangers neither: empty."""
    data = event.data
    customer = current_id(db, str(data["customer"]))
    if db.row("SELECT 1 FROM customers WHERE customer=?", (customer,)) is None:
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
        "INSERT INTO guide_answers VALUES(?,?,?,?,?,?,?,?,?)",
        (customer, event.at, event.contact, data["agent"], data["guide"], data["step"], data["field"], data["into"],
         data["answer"]),
    )  # fmt: skip
    return customer
