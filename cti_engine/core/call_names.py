"""The names of one call: what conditions and texts about it may ask."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cti_engine.core.agent import LOGGED_OUT
from cti_engine.core.contact import Contact
from cti_engine.core.hours import value_of

if TYPE_CHECKING:
    from cti_engine.core.center import Center


def _precedence(contact: Contact, rate: float) -> tuple[float, int]:
    """Smaller comes first: priority and waiting time, without what steps have raised."""
    return rate * (contact.queued_at - contact.head_start) - contact.queue_priority, contact.queue_seq


_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Names:
    """What a flow or a rule may ask of a contact at this moment (`core/ivr/names.py`); None where there is no value.

    `queue`: the one that `queue.*` is about, by default the contact's.
    """

    def __init__(self, center: Center, contact: Contact, queue: str = "") -> None:
        self._center = center
        self._contact = contact
        self._asked = queue

    def __call__(self, name: str) -> object:
        scope, _, field = name.partition(".")
        match scope:
            case "call":
                return self._call(field)
            case "queue":
                queue = self._asked or (self._contact.queue if self._contact.in_queue else "")
                return self._queue(queue, field) if queue else None
            case "now":
                return self._now(field)
            case "hours":
                name, _, detail = field.partition(".")
                calendar = self._center.definitions.calendars.get(name)
                return None if calendar is None else value_of(calendar, detail, self._center.now)
            case _:
                return None

    def _call(self, field: str) -> object:
        contact = self._contact
        match field:
            case "ani" | "dnis" | "name" | "source" | "language" | "priority":
                return getattr(contact, field)
            case "age":
                return self._center.now - contact.cdr.arrived_at
            case "customer_language":
                return (contact.profile.get("customer") and contact.profile.get("language")) or None
            case "region_languages":
                return contact.attributes.get(field) or contact.profile.get("languages") or None
            case "re_caller":
                return contact.re_caller or contact.ani in self._center.recallers
            case "open_ticket" | "ticket" | "ticket_category" | "ticket_state" | "ticket_owner":
                return self._ticket(field)
            case "score" | "retention_risk":
                scores = contact.profile.get("scores")
                return scores.get(field) if isinstance(scores, dict) else None
            case "last_agent" | "last_contact":
                return self._last(field)
            case "known":
                return bool(contact.profile.get("customer"))
            case _:
                return contact.attributes.get(field, contact.profile.get(field))

    def _ticket(self, field: str) -> object:
        """Of the newest open one. An owner who is no agent has no name that could be said."""
        found = self._contact.profile.get("tickets")
        ticket = found[0] if isinstance(found, list | tuple) and found else None
        if field == "open_ticket":
            return ticket is not None
        if not isinstance(ticket, dict):
            return None
        if field == "ticket_owner":
            owner = self._center.definitions.agents.get(str(ticket.get("owner", "")))
            return None if owner is None else owner.name
        return ticket.get(field.removeprefix("ticket_"))

    def _last(self, field: str) -> object:
        """Who of us spoke with them last; how long ago their last contact is, whoever they reached."""
        found = self._contact.profile.get("contacts")
        past = [row for row in found if isinstance(row, dict)] if isinstance(found, list | tuple) else []
        if field == "last_agent":
            return next((str(row["agent"]) for row in past if row.get("agent")), None)
        at = past[0].get("at") if past else None
        return self._center.now - at if isinstance(at, int | float) else None

    def _queue(self, queue: str, field: str) -> object:
        center, contact = self._center, self._contact
        match field:
            case "id":
                return queue
            case "name":
                return center.queue_definition(queue).name
            case "position":
                return self._ahead(queue) + 1
            case "ahead":
                return self._ahead(queue)
            case "ewt" | "ewt_minutes":
                return self._ewt(queue, field)
            case "waiting":
                return len(center.waiting_in(queue))
            case "waited":
                return center.now - contact.queued_at
            case "longest_wait":
                return center.longest_wait(queue)
            case "service_level":
                counts = center.queues.get(queue)
                return counts.service_level(len(center.calls_in(queue))) if counts else None
            case "agents_ready":
                return sum(agent.available for agent in center.members(queue))
            case "agents_logged_in":
                return sum(agent.status != LOGGED_OUT for agent in center.members(queue))
            case _:
                return None

    def _ahead(self, queue: str) -> int:
        """While a phone rings for it a call stands in no order: it is the next. Nor does it stand at the moment when
        it enters a step: then those are ahead who came earlier, or with a higher priority.
        """
        center, contact = self._center, self._contact
        position = center.matcher.position(contact.id, queue)
        if position or contact.state == "offered":
            return max(0, position - 1)
        rate = center.queue_definition(queue).ageing
        return sum(
            other.state == "queued" and _precedence(other, rate) < _precedence(contact, rate)
            for other in center.waiting_in(queue).values()
        )

    def _ewt(self, queue: str, field: str) -> object:
        """Seconds within which four of five callers are answered, 0 while an agent is free or a phone rings."""
        center, contact = self._center, self._contact
        free = contact.state == "offered" or center.matcher.pool_size(contact.id, queue)[1] > 0
        promise = None if free else center.estimate(queue, self._ahead(queue))
        if not free and promise is None:
            return None
        seconds = promise.p80 / 1000 if promise is not None else 0.0
        return seconds if field == "ewt" else max(1, math.ceil(seconds / 60.0))

    def _now(self, field: str) -> object:
        local = datetime.fromtimestamp(self._center.now + self._center.utc_offset, UTC)
        match field:
            case "hour" | "minute":
                return getattr(local, field)
            case "time":
                return local.strftime("%H:%M")
            case "date":
                return local.strftime("%Y-%m-%d")
            case "weekday":
                return _WEEKDAYS[local.weekday()]
            case _:
                return None
