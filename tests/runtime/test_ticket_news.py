"""Tickets that the console writes become events of the log, once each, whoever was away meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cti_engine.adapters import customer_outbox
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.ticket_store import Kept, Step, TicketStore
from cti_engine.core.customer_events import TicketChanged
from cti_engine.core.customers.tickets import Ticket
from cti_engine.core.signals import TicketWritten
from cti_engine.core.ticket_changes import told_to
from cti_engine.runtime import ticket_news
from cti_engine.runtime.ticket_news import tell_tickets
from cti_engine.wire.tasks import spawn
from tests.phones.waiting import until
from tests.scenarios.playbook import Restart, Scenario, the

OPENED = Kept(Ticket(0, "c01", "billing", "charged twice", 2, owner="maria", contact="k1"), due_at=99.0)


@pytest.fixture
def customers(tmp_path: Path) -> Iterator[CustomerStore]:
    opened = CustomerStore(tmp_path / "customers.db")
    yield opened
    opened.close()


def changes(store: TicketStore, number: int, subject: str) -> None:
    def change(kept: Kept) -> tuple[Kept, list[Step]]:
        return replace(kept, ticket=replace(kept.ticket, subject=subject)), [
            Step(11.0, "maria", "changed", {})
        ]

    assert store.change(number, change) is not None


async def test_each_change_is_told_once_and_in_order(
    customers: CustomerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From opening on, also what was written while the engine was away; what leaves no step is not told."""
    monkeypatch.setattr(ticket_news, "LOOK_EVERY", 0.005)
    store = TicketStore(customers.database)
    number = store.open(OPENED, [Step(10.0, "maria", "opened", {})]).ticket.ticket
    s = Scenario()

    def take(signal: TicketWritten) -> None:
        nonlocal s
        s = s >> signal

    def told() -> list[TicketChanged]:
        return [event for _, event in s.facts if isinstance(event, TicketChanged)]

    async def life(subject: str) -> None:
        """Of an engine, which is then away."""
        nonlocal s
        running = spawn(tell_tickets(customers.database, lambda: told_to(s.center), take), "tickets")
        before = len(told())
        changes(store, number, subject)
        await until(lambda: len(told()) > before and told()[-1].subject == subject, f"{subject} to be told")
        running.cancel()
        store.change(number, lambda kept: (kept, []))
        changes(store, number, f"while away, {subject}")
        s = s >> Restart()

    await life("first")
    await life("second")
    assert [event.subject for event in told()] == ["charged twice", "first", "while away, first", "second"]
    first = told()[0]
    assert (first.ticket, first.customer, first.owner, first.due_at) == (number, "c01", "maria", 99.0)
    assert first.steps == ({"at": 10.0, "author": "maria", "step": "opened"},)


def test_what_was_told_is_not_told_again() -> None:
    """A number that has been, by a repeated reading or after a restart, is late; other customers begin anew."""
    body = {"contact": "", "ticket": 1, "customer": "c", "category": "x", "subject": "s", "state": "new", "priority": 1,
            "owner": "", "unknown": 5}  # fmt: skip
    s = Scenario() >> TicketWritten(7, body) << the.TicketChanged(ticket=1, subject="s")
    (s >> TicketWritten(7, body)).quiet()
    s = s >> Restart()
    (s >> TicketWritten(6, body)).quiet()
    assert told_to(s.center) == 7
    (s >> TicketWritten(2)).quiet()
    s >> TicketWritten(3, body) << the.TicketChanged(ticket=1)


def test_other_customers_begin_anew(customers: CustomerStore) -> None:
    """An outbox that ends before what has been told is another one: the count begins at its end."""
    with customers.database.writing() as db:
        customer_outbox.put(db, "TicketChanged", {"ticket": 1}, 5.0)
    assert ticket_news._news(customers.database, 0) == [TicketWritten(1, {"ticket": 1})]
    assert ticket_news._news(customers.database, 1) == []
    assert ticket_news._news(customers.database, 50) == [TicketWritten(1)]
