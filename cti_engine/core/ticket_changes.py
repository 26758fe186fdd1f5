"""Tickets are the console's; each change is an event once, so webhooks and the bus tell it like any other.

A call of that customer knows it at once, for the next offer and for hints that must go now.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from cti_engine.core import hints
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact
from cti_engine.core.customer_events import TicketChanged
from cti_engine.core.customers.offer_facts import rows
from cti_engine.core.customers.tickets import RESOLVED
from cti_engine.core.signals import TicketWritten

_FIELDS = frozenset(field.name for field in fields(TicketChanged))
_OF_PROFILE = ("ticket", "category", "subject", "state", "priority", "due_at", "owner")
_TOLD = "tickets told"


def told_to(center: Center) -> int:
    """The last change that is in the event log."""
    return center.counters.next.get(_TOLD, 0)


def written(center: Center, signal: TicketWritten) -> None:
    """How far the outbox has been told is stored with the event. Without `told` the count begins anew there."""
    if signal.told and signal.seq <= told_to(center):
        center.late += 1
        return
    center.counters.next[_TOLD] = signal.seq
    center.changed[("counter", "ids")] = center.counters
    if signal.told:
        told: dict[str, Any] = {name: value for name, value in signal.told.items() if name in _FIELDS}
        told["steps"] = tuple(told.get("steps", ()))
        changed = TicketChanged(**told)
        center.emit(changed)
        for contact in list(center.contacts.values()):
            if _is_about(changed, contact):
                _know(center, contact, changed)


def _is_about(ticket: TicketChanged, contact: Contact) -> bool:
    if contact.state in ("ended", "closed"):
        return False
    mine = contact.profile.get("customer")
    return ticket.contact == contact.id or bool(mine and mine == ticket.customer)


def _know(center: Center, contact: Contact, ticket: TicketChanged) -> None:
    known = {str(row.get("ticket")): row for row in rows(contact.profile, "tickets")}
    number = str(ticket.ticket)
    before = known.get(number, {"opened_at": center.at})
    now = {number: {**before, **{name: getattr(ticket, name) for name in _OF_PROFILE}}}
    told = known | now if number in known else now | known  # the newest first
    contact.profile["tickets"] = [
        row for each, row in told.items() if (each, ticket.state) != (number, RESOLVED)
    ]
    center.touch(contact)
    hints.reconsider(center, contact)
