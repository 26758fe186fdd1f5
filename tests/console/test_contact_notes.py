"""Closed contacts reach the customer's history once each, also those of the time without a console."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_console.contact_notes import ContactNotes
from agent_console.event_log import EventLog
from cti_engine.adapters.customer_store import CustomerStore
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
        notes = ContactNotes(log, customers)
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
