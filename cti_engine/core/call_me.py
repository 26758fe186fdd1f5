"""Asked for on the web: a callback that joins its queue like a call that comes now, for numbers the admin allows.

Who asks is looked up by the number as a caller is. A number has one callback open at a time: asked twice, it is told of
the one that there is.
"""

from __future__ import annotations

from cti_engine.core import callbacks, intake, places
from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.commands import Reply
from cti_engine.core.contact import Callback, Contact
from cti_engine.core.definitions import CallMeRules
from cti_engine.core.expressions.values import BOOLEAN, TEXT, Type
from cti_engine.core.hours import value_of
from cti_engine.core.refusals import REFUSALS
from cti_engine.core.routing.wait_estimate import AT_ONCE
from cti_engine.core.signals import CallMeRequested

LONGEST_TEXT = 200


def asked(center: Center, signal: CallMeRequested) -> None:
    """The reply's `result`: `contact`, `queue`, `already` (it was open before) and `wait_s`, the quantiles 50, 80 and
    95 % in seconds or None. Refused as `off`, `unknown_queue`, `bad_number`, `bad_attributes` or `closed`, with
    `opens_date` and `opens_time` where they are known.
    """
    rules, number = center.definitions.call_me, callbacks.dialled(signal.number)
    if rules is None:
        _refuse(center, signal, "off")
    elif signal.queue not in rules.queues or signal.queue not in center.definitions.queues:
        _refuse(center, signal, "unknown_queue")
    elif not callbacks.allowed(center, number):
        _refuse(center, signal, "bad_number")
    elif wrong := _wrong_attribute(rules, signal.attributes):
        _refuse(center, signal, "bad_attributes", text=wrong)
    elif is_closed(center, rules.hours):
        _refuse(center, signal, "closed", opens(center, rules.hours))
    else:
        found = open_one(center, number)
        contact = found or _begin(center, signal, number, rules.number)
        queue = contact.callback.queue if contact.callback is not None else contact.queue
        wait = _wait(center, contact, queue)
        result = {"contact": contact.id, "queue": queue, "already": found is not None, "wait_s": wait}
        center.command(Reply(signal.request, True, result=result))


def _refuse(
    center: Center,
    signal: CallMeRequested,
    code: str,
    result: dict[str, object] | None = None,
    text: str = "",
) -> None:
    center.command(Reply(signal.request, False, code, text or REFUSALS[code], result or {}))


def _wrong_attribute(rules: CallMeRules, given: dict[str, object]) -> str:
    for name, value in given.items():
        type_ = rules.attributes.get(name)
        if type_ is None:
            return f"{name[:64]} is no attribute that may be given"
        if not _fits(value, type_):
            wanted = f"one of {', '.join(type_.choices)}" if type_.choices else f"a {type_}"
            return f"{name} has to be {wanted}"
    return ""


def _fits(value: object, type_: Type) -> bool:
    if type_ == BOOLEAN:
        return isinstance(value, bool)
    if type_ == TEXT:
        return isinstance(value, str) and (
            value in type_.choices if type_.choices else len(value) <= LONGEST_TEXT and value.isprintable()
        )
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_closed(center: Center, hours: str) -> bool:
    """By the calendar of that name; without one it is always open."""
    calendar = center.definitions.calendars.get(hours)
    return calendar is not None and value_of(calendar, "", center.now) != "open"


def opens(center: Center, hours: str) -> dict[str, object]:
    """When it opens next: `opens_date` and `opens_time`, where they are known."""
    calendar = center.definitions.calendars[hours]
    details = {name: value_of(calendar, name, center.now) for name in ("opens_date", "opens_time")}
    return {name: value for name, value in details.items() if value is not None}


def open_one(center: Center, number: str) -> Contact | None:
    """The callback of this number that is not over, in whatever queue; an appointment is one when it is due."""
    found = (
        contact
        for contact in center.contacts.values()
        if contact.kind == callbacks.KIND
        and contact.ani == number
        and contact.state not in ("ended", "scheduled")
    )
    return next(found, None)


def _begin(center: Center, signal: CallMeRequested, number: str, shown: str) -> Contact:
    rules = center.definitions.callbacks
    contact = Contact(
        center.new_id("c"),
        "",
        "",
        number,
        shown,
        signal.name,
        "web",
        signal.language,
        0,
        kind=callbacks.KIND,
        definitions=center.definitions.version,
        callback=Callback(center.at, number, rules.trunk, rules.tries, rules.retry_after),
    )
    callbacks.begin(center, contact, signal.queue, rules.within, None)
    facts = {**places.attributes_of(number, center.definitions), **signal.attributes}
    if facts:
        contact.attributes.update(facts)
        center.emit(ev.CallAttributesSet(contact.id, facts))
    intake.look_up(center, contact)
    return contact


def _wait(center: Center, contact: Contact, queue: str) -> dict[str, float] | None:
    """What a caller in its place may expect; None when there is nothing to go by."""
    position = center.matcher.position(contact.id, queue)
    promise = center.estimate(queue, max(0, position - 1) if position else None)
    if any(agent.available for agent in center.members(queue)):
        promise = AT_ONCE
    return None if promise is None else dict(zip(("p50", "p80", "p95"), promise.seconds, strict=True))
