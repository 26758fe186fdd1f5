"""Tickets and past cases in customers.db: numbers, history, what lists hold, and what is found with which words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cti_engine.adapters.case_words import words_of
from cti_engine.adapters.customer_schema import open_customers
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.ticket_store import Kept, Step, TicketStore
from cti_engine.core.customers.tickets import RESOLVED, Ticket

NOW = 1_795_000_000.0
BILL = Ticket(
    0, "c01", "invoice", "Factura duplicada", 2, segment="gold", queue="support_es", opened_by="ana", opened_at=NOW,
    counts_from=NOW, nobodys_since=NOW, within=7200.0,
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TicketStore]:
    with closing(open_customers(tmp_path / "customers.db")) as database:
        yield TicketStore(database)


def _opened(store: TicketStore, text: str = "cobro doble", **fields: Any) -> Kept:
    kept = Kept(replace(BILL, **fields), due_at=NOW + 7200.0, next_at=NOW + 1800.0, number="+34600000101")
    return store.open(kept, [Step(NOW, "ana", "open", {"text": text})])


def _resolved(store: TicketStore, subject: str, text: str, resolution: str, category: str = "invoice") -> int:
    over = {"state": RESOLVED, "owner": "ana", "closed_at": NOW, "resolution": resolution}
    kept = _opened(store, text, subject=subject, category=category, **over)
    return kept.ticket.ticket


def test_numbers_that_people_can_say(store: TicketStore) -> None:
    """They count up from four digits, and what is read back is what was written."""
    first, second = _opened(store), _opened(store, told=("75%",))
    assert (first.ticket.ticket, second.ticket.ticket) == (1001, 1002)
    found = store.one(1002)
    assert found is not None
    assert found[0] == second
    assert found[1] == [Step(NOW, "ana", "open", {"text": "cobro doble"})]


def test_a_number_is_never_given_twice(store: TicketStore) -> None:
    """Also when the last ticket has been erased with its customer: its history and its words are gone with it."""
    last = _resolved(store, "Factura duplicada", "cobro doble", "abono")
    with store.database.writing() as db:
        db.run("DELETE FROM tickets WHERE ticket=?", (last,))
    assert _opened(store).ticket.ticket == last + 1
    with store.database.reading() as db:
        assert db.rows("SELECT count(*) FROM ticket_steps WHERE ticket=?", (last,)) == [(0,)]
        assert db.rows("SELECT count(*) FROM cases") == [(0,)]


def test_a_change_that_fails_changes_nothing(store: TicketStore) -> None:
    """The ticket and its history stay as they were; a ticket that is not there is None."""
    number = _opened(store).ticket.ticket

    def refuse(kept: Kept) -> tuple[Kept, list[Step]]:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.change(number, refuse)
    found = store.one(number)
    assert found is not None
    assert len(found[1]) == 1
    assert store.change(4711, refuse) is None


def test_lists(store: TicketStore) -> None:
    """Mine, nobody's of my queues, late ones, a customer's with the resolved, a stranger's by number; timers."""
    mine = _opened(store, owner="ana", state="taken").ticket.ticket
    nobodys = _opened(store).ticket.ticket
    elsewhere = _opened(store, queue="sales_es", customer="c02").ticket.ticket
    strangers = _opened(store, customer="", queue="").ticket.ticket
    done = _resolved(store, "Router", "sin luz", "cambiado")

    def numbers(found: list[Kept]) -> list[int]:
        return [kept.ticket.ticket for kept in found]

    assert numbers(store.of_owner("ana")) == [mine]
    assert numbers(store.of_nobody(["support_es"])) == [nobodys]
    assert numbers(store.of_nobody(None)) == [nobodys, elsewhere, strangers]
    assert numbers(store.of_customer("c01", "")) == [mine, nobodys, done]
    assert numbers(store.of_customer("", "+34600000101")) == [strangers]
    assert numbers(store.late(NOW)) == []
    assert numbers(store.late(NOW + 7200.0)) == [mine, nobodys, elsewhere, strangers]
    assert store.next_timer() == NOW + 1800.0
    assert store.to_look_at(NOW + 1800.0)[:2] == [mine, nobodys]


def test_open_tickets_are_in_the_profile(tmp_path: Path) -> None:
    """What the engine looks up has number, owner and state of each open ticket, of a stranger's number too."""
    customers = CustomerStore(tmp_path / "customers.db")
    (tmp_path / "c.csv").write_text(
        "customer,name,numbers,segment\nc01,Lucía,+34600000101,gold\n", encoding="utf-8"
    )
    customers.import_csv(tmp_path / "c.csv", NOW)
    store = TicketStore(customers.database)
    number = _opened(store, owner="ana", state="taken").ticket.ticket
    stranger = store.open(Kept(replace(BILL, customer=""), number="+34600000999"), []).ticket.ticket
    profile = customers.profile("+34600000101")
    assert profile is not None
    assert [(t["ticket"], t["owner"], t["state"]) for t in profile["tickets"]] == [(number, "ana", "taken")]
    profile = customers.profile("+34600000999")
    assert profile is not None
    assert [t["ticket"] for t in profile["tickets"]] == [stranger]
    customers.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Las FACTURAS de la conexión", ["factura", "conexion"]),
        ("two lines, one line", ["two", "lin", "one", "lin"]),
        ("n.º 2291 — pagó 30€", ["2291", "pago", "30"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    """Accents, capitals and plurals make no difference; words that are everywhere are none."""
    assert list(words_of(text)) == words


def test_similar_cases_best_first_with_what_worked(store: TicketStore) -> None:
    """By the rarer words of what was typed, the subject before the notes; only what has been resolved."""
    router = _resolved(
        store, "Router sin conexión", "luz roja, reinicio no ayuda", "restaurar de fábrica", "fault"
    )
    bill = _resolved(
        store, "Factura duplicada", "cobro doble de la conexión", "abono en la siguiente factura"
    )
    _opened(store, "el router pierde la conexión", subject="Router apagado")
    found = store.similar("el cliente dice que su ROUTER no tiene conexion")
    assert [(case.ticket, case.resolution) for case in found] == [
        (router, "restaurar de fábrica"),
        (bill, "abono en la siguiente factura"),
    ]
    assert [case.ticket for case in store.similar("facturas")] == [bill]
    assert store.similar("de la que no") == store.similar("") == store.similar("xyzzy") == []
    assert store.similar('"router" AND (', most=1)[0].ticket == router


def test_the_same_category_comes_first(store: TicketStore) -> None:
    """Of two cases with the same words the one of the ticket's own category."""
    _resolved(store, "cambio de titular", "papel", "a", "order")
    same = _resolved(store, "cambio de titular", "papel", "b", "invoice")
    assert store.similar("cambio titular", "invoice")[0].ticket == same


def test_what_is_opened_again_is_no_example(store: TicketStore) -> None:
    """A case whose resolution did not hold is not shown, until it is resolved again."""
    number = _resolved(store, "Router sin conexión", "luz roja", "reinicio")

    def again(kept: Kept) -> tuple[Kept, list[Step]]:
        return replace(kept, ticket=replace(kept.ticket, state="taken", closed_at=None)), []

    store.change(number, again)
    assert store.similar("router") == []
