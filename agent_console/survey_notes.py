"""Who was asked, and the answers, become rows of the customer; a bad one of a valued customer opens a ticket, by the
admin's rules.

Written in the transaction that moves how far the event log has been noted, so each answer is there once, and one call
opens one ticket however many of its answers are bad.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from agent_console.ticket_book import TicketBook, TicketBooks
from agent_console.ticket_desk import About, UnknownCategory, Wanted, opened
from cti_engine.adapters import customer_profile
from cti_engine.adapters.customer_merge import current_id
from cti_engine.adapters.sql_database import Statements
from cti_engine.adapters.ticket_store import Kept, TicketStore, in_time
from cti_engine.core.customers.ticket_rules import SUPERVISOR, SurveyRule
from cti_engine.core.customers.tickets import Notice
from cti_engine.ports import StoredEvent

NOTED = ("AfterCallStarted", "SurveyAnswered")


class SurveyNotes:
    """`told(ticket, notices)` is called in the event loop, once what was written stands."""

    def __init__(
        self, tickets: TicketStore, books: TicketBooks, told: Callable[[Kept, Sequence[Notice]], None]
    ) -> None:
        self._tickets = tickets
        self._books = books
        self._told = told
        self._opened: list[Kept] = []

    def note(self, db: Statements, event: StoredEvent) -> str:
        """Whose it was. To be called in the thread of the transaction, which may fail after it."""
        customer = current_id(db, str(event.data.get("customer", "")))
        profile = customer_profile.of_customer(db, customer) if customer else None
        value = float(profile["value"]) if profile is not None else 0.0
        if event.event == "AfterCallStarted":
            _asked(db, event, customer, value)
            return customer
        _answered(db, event, customer, value)
        if profile is not None and event.data["answer"] is not None:
            self._judge(db, event, profile)
        return customer

    def _judge(self, db: Statements, event: StoredEvent, profile: dict[str, Any]) -> None:
        book, data = self._books.now(), event.data
        answer, scale = int(data["answer"]), str(data["scale"])
        rule = next(
            (
                rule
                for rule in book.rules.surveys
                if rule.opens(scale, answer, str(profile["segment"]), float(profile["value"]))
            ),
            None,
        )
        already = db.row("SELECT 1 FROM tickets WHERE contact=? AND opened_by=''", (event.contact,))
        if rule is not None and already is None:
            self._open(db, book, rule, event, profile)

    def _open(
        self, db: Statements, book: TicketBook, rule: SurveyRule, event: StoredEvent, profile: dict[str, Any]
    ) -> None:
        data = event.data
        about = About(
            str(profile["customer"]),
            str(data.get("number", "")),
            str(profile["name"]),
            str(profile["segment"]),
            str(data["queue"]),
            event.contact,
        )
        said = f"{data['survey']}, {data['question']}: {data['answer']} ({data['scale']})"
        wanted = Wanted(rule.category, said, "", "", str(data["agent"]), rule.priority)
        try:
            kept, steps = opened(book, about, wanted, event.at)
        except UnknownCategory:  # the admin is changing the file
            return
        if rule.call_back and kept.ticket.owner:
            at = event.at + rule.call_back
            if book.calendar is not None:
                at = book.calendar.after(event.at, rule.call_back) or at
            kept = in_time(book.rules, book.calendar, kept, replace(kept.ticket, call_back_at=at))
        self._opened.append(self._tickets.open_in(db, kept, steps))

    def begins(self) -> None:
        """A transaction: what one that failed had opened is not there."""
        self._opened = []

    def noted(self) -> None:
        """All that was written stands now: supervisors are told of the tickets."""
        tickets, self._opened = self._opened, []
        for kept in tickets:
            self._told(kept, (Notice("open", SUPERVISOR),))


def _asked(db: Statements, event: StoredEvent, customer: str, value: float) -> None:
    data = event.data
    db.run(
        "INSERT INTO surveys_asked(customer, at, contact, flow, agent, queue, value, answered)"
        " VALUES(?,?,?,?,?,?,?,0)",
        (customer, event.at, event.contact, data["flow"], data["agent"], data["queue"], value),
    )


def _answered(db: Statements, event: StoredEvent, customer: str, value: float) -> None:
    """A spoken answer has its recording, and none on a scale."""
    data = event.data
    names = ("survey", "question", "scale", "answer", "agent", "queue", "recording", "seconds")
    db.run(
        "INSERT INTO surveys(customer, at, contact, value, flow, question, scale, answer, agent, queue, recording,"
        " seconds) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
        (customer, event.at, event.contact, value, *(data[name] for name in names)),
    )
    db.run("UPDATE surveys_asked SET answered=1 WHERE contact=?", (event.contact,))
