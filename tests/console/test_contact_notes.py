"""Closed contacts reach the customer's history once each, also those of the time without a console."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from agent_console.contact_notes import ContactNotes
from agent_console.event_log import EventLog
from agent_console.survey_notes import SurveyNotes
from agent_console.ticket_book import TicketBook, TicketBooks
from cti_engine.adapters import survey_records
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.ticket_store import Kept, TicketStore
from cti_engine.core.customers.ticket_rules import SUPERVISOR, Category, DueRule, SurveyRule, TicketRules
from cti_engine.core.customers.tickets import Notice
from cti_engine.ports import Batch, StoredEvent
from cti_engine.runtime.stores import open_store
from cti_engine.wire.catalogue import envelope_of
from cti_engine.wire.tasks import spawn
from tests.phones.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

CUSTOMERS = "customer,name,numbers,segment,language,value,hints,contacts\nx1,Ana,+34600000201,gold,es,,,\n"


def closed(seq: int, customer: str, note: str) -> StoredEvent:
    cdr = {
        "customer": customer,
        "ended_at": 1000.0 + seq,
        "agent": "maria",
        "note": note,
        "disposition": "solved",
    }
    return StoredEvent(seq, 1000.0 + seq, "ContactClosed", f"c{seq}", {"cdr": cdr})


RULES = TicketRules(
    categories={"complaint": Category("complaint", {}, 2)},
    priorities={1: {}, 2: {}},
    due=(DueRule(3600.0),),
    surveys=(SurveyRule({"1-5": 2}, "complaint", 1, segments=("gold",), call_back=600.0),),
)


def answered(
    seq: int, contact: str, customer: str, answer: int | None, question: str = "satisfied"
) -> StoredEvent:
    data = {
        "survey": "survey", "question": question, "scale": "1-5" if answer else "", "answer": answer, "way": "key",
        "agent": "maria", "queue": "sales_es", "customer": customer, "number": "+34600000201",
        "recording": "" if answer else f"/var/recordings/{contact}-2.wav", "seconds": 0.0 if answer else 8.0,
    }  # fmt: skip
    return StoredEvent(seq, 1000.0 + seq, "SurveyAnswered", contact, data)


def surveys_of(customers: CustomerStore, told: list[tuple[Kept, list[Notice]]] | None = None) -> SurveyNotes:
    def tell(kept: Kept, notices: Sequence[Notice]) -> None:
        if told is not None:
            told.append((kept, list(notices)))

    books = TicketBooks(lambda: TicketBook(RULES))
    return SurveyNotes(TicketStore(customers.database), books, tell)


async def test_a_bad_answer_of_a_valued_customer_opens_one_ticket(tmp_path: Path) -> None:
    """Every answer is in the profile; of a call with two bad ones one ticket comes, for who served, and supervisors are
    told once; good answers, comments, strangers and others open none. A log that is read again changes nothing.
    """
    (tmp_path / "customers.csv").write_text(CUSTOMERS + "x2,Ben,+34600000202,silver,es,,,\n")
    store = open_store("sqlite:", folder=tmp_path)
    store.open_epoch()
    events = [
        answered(1, "c1", "x1", 5),
        answered(2, "c2", "x1", 1),
        answered(3, "c2", "x1", 2, "again"),
        answered(4, "c2", "x1", None, "comment"),
        answered(5, "c3", "x2", 1),
        answered(6, "c4", "", 1),
    ]
    store.write(Batch(events=events))
    log = EventLog(lambda: open_store("sqlite:", folder=tmp_path, read_only=True))
    customers = CustomerStore(tmp_path / "customers.db")
    customers.import_csv(tmp_path / "customers.csv", 1000.0)
    told: list[tuple[Kept, list[Notice]]] = []
    for _ in range(2):
        running = spawn(ContactNotes(log, customers, surveys_of(customers, told)).run(), "notes")
        await until(lambda: customers.noted_to() == 6, "the answers to be noted")
        await until(lambda: len(told) == 1, "the supervisors to be told")
        running.cancel()
    profile = customers.profile("+34600000201")
    assert profile is not None
    assert [(one["question"], one["answer"]) for one in profile["surveys"]] == [
        ("again", 2), ("satisfied", 1), ("satisfied", 5),
    ]  # fmt: skip
    (ticket,) = profile["tickets"]
    assert (ticket["owner"], ticket["priority"], ticket["category"]) == ("maria", 1, "complaint")
    assert ticket["due_at"] == 1002.0 + 3600.0
    ((opened, notices),) = told
    assert notices == [Notice("open", SUPERVISOR)]
    assert (opened.ticket.call_back_at, opened.number) == (1002.0 + 600.0, "+34600000201")
    other = customers.profile("+34600000202")
    assert other is not None and other["tickets"] == [] and len(other["surveys"]) == 1
    log.close()
    customers.close()
    store.close()


async def test_who_was_asked_is_noted_with_what_they_were_worth(tmp_path: Path) -> None:
    """Asked and answered, asked and silent, a stranger; the spoken answer keeps its recording. What a customer is worth
    later changes nothing of it.
    """
    (tmp_path / "customers.csv").write_text(
        "customer,name,numbers,segment,value\nx1,Ann,+34600000201,gold,700\n"
    )
    store = open_store("sqlite:", folder=tmp_path)
    store.open_epoch()

    def asked(seq: int, contact: str, customer: str) -> StoredEvent:
        told = {
            "agent": "maria",
            "queue": "sales_es",
            "flow": "survey",
            "customer": customer,
            "number": "+34",
        }
        return StoredEvent(seq, 1000.0 + seq, "AfterCallStarted", contact, told)

    events = [
        asked(1, "c1", "x1"), answered(2, "c1", "x1", 4), answered(3, "c1", "x1", None, "comment"),
        asked(4, "c2", "x1"), asked(5, "c3", ""), answered(6, "c3", "", 1),
    ]  # fmt: skip
    store.write(Batch(events=events))
    log = EventLog(lambda: open_store("sqlite:", folder=tmp_path, read_only=True))
    customers = CustomerStore(tmp_path / "customers.db")
    customers.import_csv(tmp_path / "customers.csv", 1000.0)
    running = spawn(ContactNotes(log, customers, surveys_of(customers)).run(), "notes")
    await until(lambda: customers.noted_to() == 6, "the answers to be noted")
    running.cancel()
    found = survey_records.report(customers.database, 0.0, 5000.0)
    assert (found.total.asked, found.total.answered, found.total.csat_answers) == (3, 2, 2)
    weighted = survey_records.report(customers.database, 0.0, 5000.0, weighted=True)
    assert weighted.total.csat is not None and weighted.total.csat.value == 4.0, "the stranger counts nothing"
    (comment,) = survey_records.comments(customers.database, 0.0, 5000.0)
    assert (comment.contact, comment.recording, comment.seconds) == ("c1", "/var/recordings/c1-2.wav", 8.0)
    assert (comment.name, comment.agent, comment.answers) == ("Ann", "maria", {"satisfied": 4})
    log.close()
    customers.close()
    store.close()


async def test_each_contact_is_noted_once(tmp_path: Path) -> None:
    """What closed before the console started, and what closes while it runs, is in the profile once; not strangers."""
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    store = open_store("sqlite:", folder=tmp_path)
    store.open_epoch()
    store.write(Batch(events=[closed(1, "x1", "first"), closed(2, "", "a stranger")]))
    log = EventLog(lambda: open_store("sqlite:", folder=tmp_path, read_only=True))
    customers = CustomerStore(tmp_path / "customers.db")
    assert customers.import_csv(tmp_path / "customers.csv", 1000.0).taken == 1

    def noted() -> list[str]:
        profile = customers.profile("+34600000201")
        return [contact["note"] for contact in profile["contacts"]] if profile else []

    async def noted_to(seq: int) -> None:
        await until(lambda: customers.noted_to() == seq, f"event {seq} to be noted")

    for last in (2, 4):  # the second round is a console that starts again
        notes = ContactNotes(log, customers, surveys_of(customers))
        running = spawn(notes.run(), "notes")
        await noted_to(last)
        third = closed(last + 1, "x1", f"number {last + 1}")
        store.write(Batch(events=[third]))
        notes.on_event(envelope_of(third))
        await noted_to(last + 1)
        running.cancel()
        store.write(Batch(events=[closed(last + 2, "x1", f"number {last + 2}")]))
    assert noted() == ["number 5", "number 4", "number 3", "first"]
    log.close()
    customers.close()
    store.close()


async def test_an_answer_to_a_hint_wakes_the_notes(tmp_path: Path) -> None:
    """It is in the profile at once, not only when the contact closes; a console that starts again changes nothing."""
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    store = open_store("sqlite:", folder=tmp_path)
    store.open_epoch()
    log = EventLog(lambda: open_store("sqlite:", folder=tmp_path, read_only=True))
    customers = CustomerStore(tmp_path / "customers.db")
    customers.import_csv(tmp_path / "customers.csv", 1000.0)
    told = {"customer": "x1", "segment": "gold", "agent": "maria", "offer": "fibre", "answer": "accepted"}
    answered = StoredEvent(1, 1001.0, "HintAnswered", "c1", {**told, "affinity": 0.2})
    for _ in range(2):
        notes = ContactNotes(log, customers, surveys_of(customers))
        running = spawn(notes.run(), "notes")
        if not customers.noted_to():
            store.write(Batch(events=[answered]))
            notes.on_event(envelope_of(answered))
        await until(lambda: customers.noted_to() == 1, "the answer to be noted")
        running.cancel()
    profile = customers.profile("+34600000201")
    assert profile is not None and profile["offer_counts"] == {"fibre": [1.0, 0.0, 0.2]}
    log.close()
    customers.close()
    store.close()
