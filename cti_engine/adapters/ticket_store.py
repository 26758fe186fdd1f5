"""Tickets beside the customers: each change and its step of the history in one transaction. The console writes them.

What the rules need (core/customers/tickets.py) stands in columns where it is looked for, the rest in `body`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from cti_engine.adapters import case_search, customer_outbox, help_given
from cti_engine.adapters.case_search import Case
from cti_engine.adapters.sql_database import Database, Row, Statements
from cti_engine.core.customers import tickets
from cti_engine.core.customers.guides import TICKET
from cti_engine.core.customers.ticket_rules import TicketRules
from cti_engine.core.customers.tickets import RESOLVED, Ticket
from cti_engine.core.hours import Calendar

_COLUMNS = (
    "ticket", "customer", "category", "subject", "priority", "queue", "state", "owner", "opened_by", "contact",
    "opened_at", "closed_at", "resolution",
)  # fmt: skip
_READ = f"SELECT {', '.join(_COLUMNS)}, due_at, next_at, number, body FROM tickets"
_IN_BODY = tuple(field.name for field in fields(Ticket) if field.name not in _COLUMNS)
MOST_LISTED = 200
_TOLD = (
    "contact", "ticket", "customer", "category", "subject", "state", "priority", "owner", "queue", "resolution",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """A ticket with what the store keeps beside it: when it is due and looked at next, the caller's number (E.164),
    the customer's name.
    """

    ticket: Ticket
    due_at: float | None = None
    next_at: float | None = None
    number: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the history. `author` is empty for what the rules did."""

    at: float
    author: str
    step: str
    body: dict[str, Any]


Change = Callable[[Kept], tuple[Kept, Sequence[Step]]]
"""What becomes of a ticket; whatever it raises undoes everything."""


class TicketStore:
    """`changed(customer, number)` is told whose tickets are not as before. All raise DatabaseFault."""

    def __init__(
        self, database: Database, changed: Callable[[str, str], None] = lambda customer, number: None
    ) -> None:
        self.database = database
        self._changed = changed

    def open(self, kept: Kept, steps: Sequence[Step]) -> Kept:
        """It gets the next number."""
        with self.database.writing() as db:
            kept = self.open_in(db, kept, steps)
        self._changed(kept.ticket.customer, kept.number)
        return kept

    def open_in(self, db: Statements, kept: Kept, steps: Sequence[Step], number: int = 0) -> Kept:
        """The same in a transaction of the caller's, who tells whose tickets have changed. `number`: one that it has
        already, and nobody here; later ones are larger.
        """
        row = db.row(
            "UPDATE ticket_numbers SET last=CASE WHEN ?=0 THEN last+1 WHEN ?>last THEN ? ELSE last END"
            " WHERE one=1 RETURNING CASE WHEN ?=0 THEN last ELSE ? END",
            (number,) * 5,
        )
        assert row is not None  # the schema has put it there
        kept = replace(kept, ticket=replace(kept.ticket, ticket=int(row[0])))
        self._write(db, kept, steps)
        if not number:
            _tell(db, kept, steps)
        return kept

    def change(self, number: int, change: Change) -> Kept | None:
        """None: there is no such ticket."""
        with self.database.writing() as db:
            before = _one(db, number)
            if before is None:
                return None
            after, steps = change(before)
            self._write(db, after, steps)
            _tell(db, after, steps)
        self._changed(after.ticket.customer, after.number)
        return after

    def _write(self, db: Statements, kept: Kept, steps: Sequence[Step]) -> None:
        ticket = kept.ticket
        body = {name: getattr(ticket, name) for name in _IN_BODY}
        row = {
            **{name: getattr(ticket, name) for name in _COLUMNS},
            "due_at": kept.due_at,
            "next_at": kept.next_at,
            "number": kept.number,
            "body": json.dumps({**body, "name": kept.name}, ensure_ascii=False),
        }
        db.run(
            f"INSERT INTO tickets({', '.join(row)}) VALUES({','.join('?' * len(row))})"
            " ON CONFLICT(ticket) DO UPDATE SET "
            + ", ".join(f"{name}=excluded.{name}" for name in row if name != "ticket"),
            tuple(row.values()),
        )
        db.run_many(
            "INSERT INTO ticket_steps VALUES(?,?,?,?,?)",
            [
                (ticket.ticket, step.at, step.author, step.step, json.dumps(step.body, ensure_ascii=False))
                for step in steps
            ],
        )
        if ticket.state == RESOLVED:
            said = (step.body.get("text", "") for step in _steps(db, ticket.ticket))
            text = " ".join((*said, ticket.resolution))
            case_search.keep(db, self.database, ticket.ticket, ticket.category, ticket.subject, text)
        else:
            case_search.forget(db, self.database, ticket.ticket)

    def one(self, number: int) -> tuple[Kept, list[Step]] | None:
        """With its history, the oldest step first."""
        with self.database.reading() as db:
            kept = _one(db, number)
            return None if kept is None else (kept, _steps(db, number))

    def found_out(self, contact: str) -> list[dict[str, Any]]:
        """What a guide has asked for the ticket, while it was opened or later in the same contact."""
        if not contact:
            return []
        with self.database.reading() as db:
            return help_given.found_out(db, contact, TICKET)

    def of_owner(self, owner: str) -> list[Kept]:
        """Open ones, as they are due; likewise below."""
        return self._open("owner=?", (owner,))

    def of_nobody(self, queues: Sequence[str] | None) -> list[Kept]:
        """That nobody has taken, of these queues (None: of all)."""
        if queues is None:
            return self._open("owner=''", ())
        return self._open(f"owner='' AND queue IN ({','.join('?' * len(queues))})", tuple(queues))

    def of_customer(self, customer: str, number: str) -> list[Kept]:
        """Also the resolved ones of a customer; of a stranger (`customer` empty) those of the number."""
        which, value = ("customer=?", customer) if customer else ("customer='' AND number=?", number)
        return self._listed(f"{which} ORDER BY closed_at IS NOT NULL, opened_at DESC", (value,))

    def late(self, now: float) -> list[Kept]:
        """Due before now."""
        return self._open("due_at<=?", (now,))

    def all_open(self) -> list[Kept]:
        return self._open("1=1", ())

    def to_look_at(self, now: float) -> list[int]:
        """Whose timers are due."""
        with self.database.reading() as db:
            rows = db.rows("SELECT ticket FROM tickets WHERE next_at<=? ORDER BY next_at LIMIT 500", (now,))
        return [int(row[0]) for row in rows]

    def next_timer(self) -> float | None:
        with self.database.reading() as db:
            row = db.row("SELECT min(next_at) FROM tickets")
        return None if row is None or row[0] is None else float(row[0])

    def similar(self, text: str, category: str = "", most: int = 5) -> list[Case]:
        return case_search.similar(self.database, text, category, most)

    def _open(self, which: str, values: Sequence[object]) -> list[Kept]:
        return self._listed(
            f"closed_at IS NULL AND {which} ORDER BY due_at IS NULL, due_at, priority, ticket", values
        )

    def _listed(self, which: str, values: Sequence[object]) -> list[Kept]:
        if not self.database.there:
            return []
        with self.database.reading() as db:
            return [_kept(row) for row in db.rows(f"{_READ} WHERE {which} LIMIT {MOST_LISTED}", values)]


def _tell(db: Statements, kept: Kept, steps: Sequence[Step]) -> None:
    """The event log, and so webhooks: TicketChanged. Not what came from elsewhere with a number of its own."""
    if not steps:
        return
    told = {name: getattr(kept.ticket, name) for name in _TOLD}
    happened = [{"at": step.at, "author": step.author, "step": step.step} for step in steps]
    customer_outbox.put(
        db, "TicketChanged", {**told, "due_at": kept.due_at or 0.0, "steps": happened}, steps[-1].at
    )


def in_time(rules: TicketRules, calendar: Calendar | None, kept: Kept, ticket: Ticket) -> Kept:
    """The ticket as it is now, with the moments at which it is due and looked at next."""
    return replace(
        kept,
        ticket=ticket,
        due_at=tickets.due_at(calendar, ticket),
        next_at=tickets.next_timer(rules, calendar, ticket),
    )


def _one(db: Statements, number: int) -> Kept | None:
    row = db.row(f"{_READ} WHERE ticket=?", (number,))
    return None if row is None else _kept(row)


def _kept(row: Row) -> Kept:
    *columns, due_at, next_at, number, body = row
    more: dict[str, Any] = json.loads(body)
    name = str(more.pop("name", ""))
    known = {**dict(zip(_COLUMNS, columns, strict=True)), **more, "told": tuple(more.get("told", ()))}
    return Kept(Ticket(**known), due_at, next_at, number, name)


def _steps(db: Statements, ticket: int) -> list[Step]:
    rows = db.rows("SELECT at, author, step, body FROM ticket_steps WHERE ticket=? ORDER BY at", (ticket,))
    return [Step(at, author, step, json.loads(body)) for at, author, step, body in rows]
