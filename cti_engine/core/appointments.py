"""Appointments: callbacks that an agent has promised for a time, to make himself or for a queue.

Until then they stand nowhere; due, they come up as any callback does (`callbacks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cti_engine.core import callbacks, dial_permissions, emergency, places
from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.contact import CONTACT, Callback, Contact
from cti_engine.core.definitions import AgentDefinition
from cti_engine.core.hours import DAY, Zone, value_of

SOONEST = 60.0
"""Seconds: so much before now still counts as now."""
CENTER, CUSTOMER = "center", "customer"


@dataclass(frozen=True, slots=True)
class Appointment:
    """What `by` promises: to call `way.number` at `due_at` (wall seconds), `own` to do it himself; `queue` is where it
    goes otherwise. `origin`: the contact in which it was promised, if it was one.
    """

    by: str
    way: Way
    queue: str
    due_at: float
    own: bool = True
    note: str = ""
    name: str = ""
    origin: Contact | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """How `number` is reached: `target` is dialled, by `trunk` if there is one, and shown the number `shows`."""

    number: str
    target: str
    trunk: str
    shows: str


# --- promised ----------------------------------------------------------------------------------------


def promise(center: Center, appointment: Appointment) -> Contact:
    """The contact that it becomes; the same as before for what is promised twice."""
    for known in center.appointments.get(appointment.way.number, {}).values():
        if _same(known, appointment):
            return known
    rules, origin = center.definitions.callbacks, appointment.origin
    way = appointment.way
    contact = Contact(
        center.new_id("c"),
        "",
        "",
        way.number,
        way.shows,
        appointment.name or (origin.name if origin is not None else ""),
        origin.source if origin is not None else f"agent:{appointment.by}",
        origin.language if origin is not None else "",
        origin.priority if origin is not None else 0,
        kind=callbacks.KIND,
        definitions=center.definitions.version,
        attributes=dict(origin.attributes) if origin is not None else {},
        callback=Callback(
            center.at,
            way.target,
            way.trunk,
            rules.tries,
            rules.retry_after,
            due_at=appointment.due_at,
            by=appointment.by,
            own=appointment.own,
            note=appointment.note,
        ),
    )
    callbacks.begin(center, contact, appointment.queue, rules.within, origin)
    center.fire(CONTACT, contact, "scheduled")
    _set_for(center, contact, appointment.due_at)
    return contact


def _same(contact: Contact, appointment: Appointment) -> bool:
    state = contact.callback
    return (
        state is not None
        and contact.state == "scheduled"
        and (state.by, state.due_at, state.own) == (appointment.by, appointment.due_at, appointment.own)
    )


def move(center: Center, contact: Contact, due_at: float) -> None:
    """To another time; only as long as it is not due."""
    _set_for(center, contact, due_at)


def _set_for(center: Center, contact: Contact, due_at: float) -> None:
    state, grace = contact.callback, center.definitions.callbacks.grace
    assert state is not None
    state.due_at = due_at
    center.schedule(contact, "due", max(due_at, center.now))
    center.emit(
        ev.CallbackScheduled(
            contact.id, state.by, state.queue, contact.ani, contact.name, due_at, state.own, grace, state.note
        )
    )


def waits_for_its_time(contact: Contact) -> bool:
    return contact.state == "scheduled" and "due" in contact.deadlines


# --- whom, and when ------------------------------------------------------------------------------------


def way_to(center: Center, agent: AgentDefinition, number: str, origin: Contact | None) -> Way | None:
    """How to reach it: back the way it came, or as the admin lets callbacks or this agent call. None: not at all."""
    rules, outbound = center.definitions.callbacks, center.definitions.outbound
    number = dial_permissions.written(number) if number else (origin.ani if origin is not None else "")
    if emergency.is_one(center, number):
        return None
    if origin is not None and number == origin.ani and (way := _way_back(origin)) is not None:
        return way
    shown = (origin.dnis if origin is not None else "") or outbound.shows
    if number.startswith(outbound.never):
        return None
    if callbacks.allowed(center, number):
        return Way(number, number, rules.trunk, shown)
    permission = dial_permissions.permission(outbound, agent, number)
    if permission is None or not callbacks.is_number(number):
        return None
    return Way(number, number, outbound.trunk, permission.shows or outbound.shows)


def _way_back(origin: Contact) -> Way | None:
    """To who is in this contact, as a call of theirs has come or ours has gone."""
    known = origin.callback or origin.outbound
    if known is not None:
        return Way(origin.ani, known.target, known.trunk, origin.dnis)
    kind, _, name = origin.source.partition(":")
    if kind == "account":
        return Way(origin.ani, name, "", origin.dnis)
    if kind == "trunk" and callbacks.is_number(origin.ani):
        return Way(origin.ani, origin.ani, name, origin.dnis)
    return None


@dataclass(frozen=True, slots=True)
class NotThen:
    """Why not at this time: a code of `refusals`, and what is known beside it."""

    code: str
    details: dict[str, object]


def moment_of(center: Center, at: str, zone: str, number: str) -> float | NotThen:
    """When `at` (as 2026-12-01T10:30) is by the center's or the customer's clock, in wall seconds, if it may be."""
    rules = center.definitions.callbacks
    theirs = places.zone_of(number, center.definitions)
    clock = rules.zone if zone == CENTER else theirs if zone == CUSTOMER else None
    wall = _wall(at)
    if wall is None:
        return NotThen("bad_date", {})
    if clock is None:
        return NotThen("unknown_zone", {})
    moment = clock.moment_of(wall)
    if moment + clock.at(moment)[0] != wall:
        return NotThen("no_such_time", {"zone": clock.name})
    if moment < center.now - SOONEST:
        return NotThen("time_is_past", {})
    if moment > center.now + rules.ahead:
        return NotThen("too_far_ahead", {"days": int(rules.ahead // DAY)})
    calendar = center.definitions.calendars.get(rules.hours)
    if calendar is not None and value_of(calendar, "", moment) != "open":
        known = {name: value_of(calendar, name, moment) for name in ("opens_date", "opens_time")}
        return NotThen("outside_hours", {name: value for name, value in known.items() if value is not None})
    if theirs is not None and not _in_customer_hours(center, theirs, moment):
        return NotThen("outside_customer_hours", {"customer_time": local(theirs, moment)})
    return moment


def _wall(at: str) -> float | None:
    """Seconds since 1970-01-01 00:00 on that clock."""
    try:
        read = datetime.fromisoformat(at) if len(at) >= len("2026-12-01T10:30") else None
    except ValueError:
        return None
    return None if read is None or read.tzinfo is not None else read.replace(tzinfo=UTC).timestamp()


def _in_customer_hours(center: Center, theirs: Zone, moment: float) -> bool:
    spans = center.definitions.callbacks.customer_hours
    second = (moment + theirs.at(moment)[0]) % DAY
    return not spans or any(begin <= at < end for begin, end in spans for at in (second, second + DAY))


def local(zone: Zone, moment: float) -> str:
    """As that clock shows it."""
    return datetime.fromtimestamp(moment + zone.at(moment)[0], UTC).strftime("%Y-%m-%d %H:%M")


# --- told ------------------------------------------------------------------------------------------------


def of_number(center: Center, number: str, but: str = "") -> tuple[dict[str, object], ...]:
    """Those promised to this number that nobody has kept yet, soonest first."""
    found = center.appointments.get(number, {}).values() if number else ()
    return tuple(
        row(center, contact)
        for contact in sorted(found, key=lambda contact: (_due(contact), contact.id))
        if contact.id != but and is_open(contact)
    )


def of_agent(center: Center, agent: str) -> list[dict[str, object]]:
    """All that this agent has promised and nobody has kept yet, soonest first."""
    theirs = [
        contact
        for of_number_ in center.appointments.values()
        for contact in of_number_.values()
        if contact.callback is not None and contact.callback.by == agent and is_open(contact)
    ]
    return [_whole(center, contact) for contact in sorted(theirs, key=lambda each: (_due(each), each.id))]


def is_open(contact: Contact) -> bool:
    """Nobody has reached the customer yet, nor given it up."""
    return contact.state in ("scheduled", "queued", "offered", "calling", "resting")


def _due(contact: Contact) -> float:
    return contact.callback.due_at if contact.callback is not None else 0.0


def row(center: Center, contact: Contact) -> dict[str, object]:
    state = contact.callback
    assert state is not None
    known = center.definitions.agents.get(state.by)
    return {
        "callback": contact.id,
        "due_at": state.due_at,
        "by": state.by,
        "by_name": known.name if known is not None else state.by,
        "own": state.own,
        "queue": state.queue,
        "note": state.note,
    }


def _whole(center: Center, contact: Contact) -> dict[str, object]:
    """With the clocks of both sides; `customer_time` empty where theirs is not known or shows the same."""
    due_at, zone = _due(contact), center.definitions.callbacks.zone
    theirs = places.zone_of(contact.ani, center.definitions)
    center_time = local(zone, due_at)
    customer_time = local(theirs, due_at) if theirs is not None else ""
    return {
        **row(center, contact),
        "number": contact.ani,
        "name": contact.name,
        "state": "due" if contact.state == "scheduled" and not waits_for_its_time(contact) else contact.state,
        "center_time": center_time,
        "customer_time": "" if customer_time == center_time else customer_time,
    }
