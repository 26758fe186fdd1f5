"""A customer is forgotten, in two steps: here at once, then in the records of calls by whoever writes those.

Between them stands a row of `rights` with what the person is known by, for records cannot be found without it. It is
emptied in the end, with all that calls under way have brought meanwhile. Figures stay without the person.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cti_engine.adapters import case_search
from cti_engine.adapters.customer_schema import TABLES_OF_A_CUSTOMER
from cti_engine.adapters.sql_database import Database, Statements
from cti_engine.adapters.traces import Traces

COUNTED_ON = {
    "surveys": "agent and queue reports",
    "surveys_asked": "agent and queue reports",
    "offer_answers": "what offers bring",
    "grants": "what was granted",
}
"""Tables whose rows stay without the customer's id, for what; an answer in words goes all the same."""

STAYS = {
    "call_records": "figures and times, for reports: the customer and the numbers are the pseudonym",
    "surveys, offer answers, grants": "figures, without a customer",
    "outside": "your CRM, backups, exports and files of customers are yours: a later import brings them back",
}


@dataclass(frozen=True, slots=True)
class Erasure:
    """`erased`: rows gone by table, and of COUNTED_ON how many stay without a name."""

    number: int
    pseudonym: str
    erased: dict[str, int]


def erase(
    db: Statements, customer: str, author: str, now: float, *, keep_recordings: bool = False
) -> Erasure | None:
    """None when there is no such customer. Records of calls follow: see `pending`."""
    if db.row("SELECT 1 FROM customers WHERE customer=?", (customer,)) is None:
        return None
    numbers = [number for (number,) in db.rows("SELECT number FROM numbers WHERE customer=?", (customer,))]
    ids = [customer]
    for each in ids:  # which grows
        merged = db.rows("SELECT gone FROM merges WHERE kept=? AND undone_at IS NULL", (each,))
        ids += [gone for (gone,) in merged if gone not in ids]
    erased = _forget(db, ids, numbers)
    erased["merges"] = sum(db.run("DELETE FROM merges WHERE kept=? OR gone=?", (each, each)) for each in ids)
    erased["customers"] = db.run("DELETE FROM customers WHERE customer=?", (customer,))
    pseudonym = f"erased-{secrets.token_hex(4)}"
    for each in ids:
        db.run("UPDATE rights SET customer=? WHERE customer=? AND what<>'erase'", (pseudonym, each))
    body = {"ids": ids, "numbers": numbers, "keep_recordings": keep_recordings, "told": {"erased": erased}}
    row = db.row(
        "INSERT INTO rights(at, author, what, customer, body) VALUES(?,?,'erase',?,?) RETURNING number",
        (now, author, pseudonym, json.dumps(body, ensure_ascii=False)),
    )
    assert row is not None
    return Erasure(int(row[0]), pseudonym, erased)


def pending(db: Statements, region: str) -> list[tuple[int, Traces]]:
    """Erasures that are not through the records of calls yet, the oldest first."""
    rows = db.rows(
        "SELECT number, customer, body FROM rights WHERE what='erase' AND done_at IS NULL ORDER BY number"
    )
    return [(number, _traces(pseudonym, json.loads(body), region)) for number, pseudonym, body in rows]


def finish(db: Statements, number: int, told: dict[str, Any], now: float) -> bool:
    """The records name them no more, as `told` says; what calls have brought since `erase` goes too. False when it was
    finished already. Once `compact` has been, nothing here names them either.
    """
    row = db.row("SELECT body FROM rights WHERE number=? AND what='erase' AND done_at IS NULL", (number,))
    if row is None:
        return False
    body = json.loads(row[0])
    late = _forget(db, body["ids"], body["numbers"])
    erased = {name: count + late.get(name, 0) for name, count in body["told"]["erased"].items()}
    emptied = json.dumps({"told": {**told, "erased": erased}}, ensure_ascii=False)
    db.run("UPDATE rights SET body=?, done_at=?, compacted=0 WHERE number=?", (emptied, now, number))
    return True


def to_compact(db: Statements) -> bool:
    """Whether what was erased may still stand in the database's files."""
    return db.row("SELECT 1 FROM rights WHERE compacted=0 LIMIT 1") is not None


def compact(database: Database) -> None:
    """What was erased is in no file any more. Raises DatabaseFault when that cannot be now."""
    if database.dialect == "sqlite":
        with database.writing() as db:
            case_search.forget_deleted(db)
    database.compact()
    with database.writing() as db:
        db.run("UPDATE rights SET compacted=1 WHERE compacted=0")


def _traces(pseudonym: str, body: dict[str, Any], region: str) -> Traces:
    ids, numbers = frozenset(body["ids"]), frozenset(body["numbers"])
    return Traces(pseudonym, ids, numbers, region, bool(body["keep_recordings"]))


def _forget(db: Statements, ids: Sequence[str], numbers: Sequence[str]) -> dict[str, int]:
    """Rows gone, or without a name, by table."""
    done = dict.fromkeys(("ticket_steps", *TABLES_OF_A_CUSTOMER), 0)
    theirs = [("customer", each) for each in ids] + [("number", each) for each in numbers]
    for column, value in theirs:
        done["ticket_steps"] += db.run(
            f"DELETE FROM ticket_steps WHERE ticket IN (SELECT ticket FROM tickets WHERE {column}=?)",
            (value,),
        )
        for table in ("contacts", "tickets"):
            done["guide_answers"] += db.run(  # for a ticket, given while they were a stranger
                "DELETE FROM guide_answers WHERE customer='' AND contact IN"
                f" (SELECT contact FROM {table} WHERE {column}=?)",
                (value,),
            )
            done[table] += db.run(f"DELETE FROM {table} WHERE {column}=?", (value,))
    for customer in ids:
        db.run("DELETE FROM surveys WHERE customer=? AND answer IS NULL", (customer,))
        db.run("UPDATE grants SET reason='' WHERE customer=?", (customer,))
        for table in TABLES_OF_A_CUSTOMER:
            if table in COUNTED_ON:
                sql = f"UPDATE {table} SET customer='', contact='' WHERE customer=?"
            else:
                sql = f"DELETE FROM {table} WHERE customer=?"
            done[table] += db.run(sql, (customer,))
        named = json.dumps({"customer": customer}, ensure_ascii=False)[1:-1]
        for wild in "\\%_":
            named = named.replace(wild, f"\\{wild}")
        db.run("DELETE FROM outbox WHERE body LIKE ? ESCAPE '\\'", (f"%{named}%",))
    return done
