"""Grants and answers of guides out of the event log into the customer's profile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cti_engine.adapters import help_given
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.ticket_store import TicketStore
from cti_engine.ports import StoredEvent
from tests.definitions.homes import ROOT

NOW = 1_790_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CustomerStore]:
    opened = CustomerStore(tmp_path / "customers.db")
    opened.import_csv(ROOT / "config" / "customers.csv", NOW)
    yield opened
    opened.close()


def noted(store: CustomerStore, event: str, at: float = NOW, **data: Any) -> dict[str, Any]:
    """The profile of c01 after this event of the contact k1."""
    told = {"customer": "c01", "agent": "maria", **data}
    with store.database.writing() as db:
        help_given.note(db, StoredEvent(1, at, event, "k1", told))
    return store.customer("c01") or {}


def answered(store: CustomerStore, answer: str, at: float, **more: Any) -> dict[str, Any]:
    about: dict[str, Any] = {
        "guide": "retention",
        "step": "ask_why",
        "field": "reason",
        "into": "note",
        "said": {"es": f"Motivo: {answer}", "en": f"Reason: {answer}"},
        **more,
    }
    return noted(store, "GuideAnswered", at, answer=answer, **about)


def test_a_grant_counts_against_the_next_one(store: CustomerStore) -> None:
    """The profile of the next call has when and how much, which is what the core counts."""
    grant: dict[str, Any] = {"amount": 12.5, "currency": "EUR", "reason": "late", "approved_by": ""}
    assert noted(store, "GrantMade", **grant)["granted"] == [{"at": NOW, "amount": 12.5}]


def test_answers_for_notes_are_among_the_notes(store: CustomerStore) -> None:
    """The newest first with who wrote it; a corrected answer takes the first one's place; those for tickets are not."""
    answered(store, "price", NOW)
    found = answered(store, "service", NOW + 1)
    said = {"es": "Motivo: service", "en": "Reason: service"}
    assert found["notes"] == [{"at": NOW + 1, "author": "maria", "text": "reason: service", "texts": said}]
    assert (
        answered(store, "bill", NOW + 2, step="listen", field="about", into="ticket")["notes"]
        == found["notes"]
    )
    with store.database.reading() as db:
        assert db.rows("SELECT field, target, answer FROM guide_answers ORDER BY at") == [
            ("reason", "note", "service"),
            ("about", "ticket", "bill"),
        ]


def test_a_ticket_has_what_was_found_out_in_its_contact(store: CustomerStore) -> None:
    """Whether it was opened before or after, and of a stranger's too; not what belongs to the customer's notes."""
    answered(store, "price", NOW)
    answered(store, "red", NOW + 1, step="lights", field="lights", into="ticket", customer="")
    tickets = TicketStore(store.database)
    assert tickets.found_out("k2") == [] == tickets.found_out("")
    assert tickets.found_out("k1") == [
        {
            "at": NOW + 1,
            "author": "maria",
            "text": "lights: red",
            "texts": {"es": "Motivo: red", "en": "Reason: red"},
        }
    ]


def test_of_strangers_and_erased_customers_nothing_is_kept(store: CustomerStore) -> None:
    """A grant to somebody who is not there any more stands in the event log alone."""
    for customer in ("", "gone"):
        noted(store, "GrantMade", customer=customer, amount=1.0, currency="EUR", reason="x", approved_by="")
        answered(store, "price", NOW, customer=customer)
    with store.database.reading() as db:
        assert db.rows("SELECT * FROM grants") == [] == db.rows("SELECT * FROM guide_answers")
