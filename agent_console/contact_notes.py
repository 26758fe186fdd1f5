"""Closed contacts and answers to surveys and hints flow into the customer's history, for the next pop. Exactly once.
An erasure ends here: the engine has told that the records name nobody any more.

How far the event log has been noted stands beside the customers, in the same transaction as the contacts; so a console
that was away catches up. One console process of a center does this (no file has two writers).
"""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import Any

from agent_console import survey_notes
from agent_console.event_log import EventLog
from agent_console.survey_notes import SurveyNotes
from cti_engine.adapters import customer_erasure, help_given, offer_answers
from cti_engine.adapters.customer_store import Contact, CustomerStore
from cti_engine.adapters.sql_database import DatabaseFault, Statements
from cti_engine.ports import StoredEvent, StoreUnavailable
from cti_engine.wire.envelope import Envelope, StateMessage

RETRY = 5.0
HANDLE = ("talk_s", "hold_s", "wrap_up_s")
ERASED = "CustomerErased"
NOTED = ("ContactClosed", *survey_notes.NOTED, ERASED, *help_given.NOTED, *offer_answers.NOTED)
TOLD = ("queue", "agent", "disposition", "note", "outcome")

_log = logging.getLogger("cti.notes")


class ContactNotes:
    """Listens to the live feed only to know when to look into the log."""

    def __init__(self, log: EventLog, customers: CustomerStore, surveys: SurveyNotes) -> None:
        self._log = log
        self._customers = customers
        self._surveys = surveys
        self._to_compact = True  # a console before this one may not have come to it
        self._something = asyncio.Event()
        self._something.set()

    def on_event(self, message: Envelope) -> None:
        if message.event in NOTED:
            self._something.set()

    def on_state(self, kind: str, id_: str, message: StateMessage | None) -> None:
        """Views are of no interest here."""

    def on_engine(self, up: bool) -> None:
        if up:
            self._something.set()

    async def run(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            try:
                await self._catch_up()
                if self._to_compact:
                    await asyncio.to_thread(self._customers.compact)
                    self._to_compact = False
            except (StoreUnavailable, DatabaseFault) as error:
                _log.warning("contacts are noted later: %s", error)
                await asyncio.sleep(RETRY)
                self._something.set()

    async def _catch_up(self) -> None:
        noted = await asyncio.to_thread(self._customers.noted_to)
        while events := await self._log.since(noted):
            self._surveys.begins()
            contacts = [contact for event in events if (contact := _contact(event)) is not None]
            answers = [
                functools.partial(self._surveys.note, event=each)
                for each in events
                if each.event in survey_notes.NOTED
            ]
            noted = events[-1].seq
            told = [
                functools.partial(module.note, event=each)
                for each in events
                for module in (offer_answers, help_given)
                if each.event in module.NOTED
            ]
            erased = [functools.partial(_erased, event=each) for each in events if each.event == ERASED]
            await asyncio.to_thread(
                self._customers.note_contacts, contacts, noted, [*answers, *told, *erased]
            )
            self._surveys.noted()
            if erased:
                self._customers.forget_cached()
                self._to_compact = True


def _erased(db: Statements, event: StoredEvent) -> str:
    """After all else, so that what calls have brought since the erasure began goes too. Whose it was is forgotten."""
    told = {name: value for name, value in event.data.items() if name not in ("erasure", "pseudonym")}
    customer_erasure.finish(db, int(event.data["erasure"]), told, event.at)
    return ""


def _contact(event: StoredEvent) -> Contact | None:
    """What the history keeps of a closed contact; None for other events."""
    if event.event != "ContactClosed":
        return None
    cdr: dict[str, Any] = event.data["cdr"]
    told = {key: cdr[key] for key in TOLD if cdr.get(key)}
    if handled := sum(float(cdr.get(key, 0.0)) for key in HANDLE):
        told["handle_s"] = round(handled, 1)
    return Contact(
        str(cdr.get("customer", "")),
        float(cdr["ended_at"]),
        told,
        str(cdr.get("ani", "")),
        str(cdr.get("kind", "voice")),
        event.contact,
    )
