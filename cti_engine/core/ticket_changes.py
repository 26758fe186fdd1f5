"""Tickets are the console's; each change is an event once, so webhooks and the bus tell it like any other."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from cti_engine.core.center import Center
from cti_engine.core.customer_events import TicketChanged
from cti_engine.core.signals import TicketWritten

_FIELDS = frozenset(field.name for field in fields(TicketChanged))
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
        center.emit(TicketChanged(**told))
