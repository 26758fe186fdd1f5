"""Wait estimates: tells each queue's model what its callers live through, and keeps each caller's promise.

A wait is promised when a call begins to wait; it came out when an agent answers, or is cut short by any other end.
"""

from __future__ import annotations

from cti_engine.core.center import Center
from cti_engine.core.contact import VOICEMAIL, Contact
from cti_engine.core.routing.build import milliseconds
from cti_engine.core.routing.model import Standing
from cti_engine.core.routing.wait_estimate import AT_ONCE, WaitModel


def joins(center: Center, contact: Contact, queue: str, position: int) -> tuple[float, float, float] | None:
    """A call begins to wait: what it is promised, seconds by quantiles 50, 80 and 95 %; None: nothing to go by."""
    model = _model(center, queue)
    model.joins(milliseconds(center.now), center.staff.of(queue))
    if center.matcher.pool_size(contact.id, queue)[1]:
        return AT_ONCE.seconds
    ahead = max(0, position - 1)
    promise = model.promise(center.staff.of(queue), ahead, model.line - 1 - ahead)
    if promise is None or promise.law is None:
        return None
    if contact.kind == VOICEMAIL:  # nobody is told, and nothing is learnt of a wait that nobody breaks off
        return promise.seconds
    contact.laws[queue] = promise.law
    return promise.seconds


def taken(center: Center, contact: Contact) -> None:
    """An agent takes it: out of all its lines."""
    now = milliseconds(center.now)
    for standing in contact.standings:
        if standing.offered_at is None:
            stood = now > standing.joined_at
            _model(center, standing.queue).takes(now, center.staff.of(standing.queue), stood=stood)


def back(center: Center, contact: Contact) -> None:
    """The offer came to nothing: back into all its lines."""
    for standing in contact.standings:
        _model(center, standing.queue).joins(milliseconds(center.now), center.staff.of(standing.queue))


def leaves(center: Center, contact: Contact, standing: Standing, *, answered: bool) -> None:
    """Out of a queue for good, from its line or while a phone rings; asked before the matcher forgets the call."""
    now = milliseconds(center.now)
    model = _model(center, standing.queue)
    law = contact.laws.pop(standing.queue, None)
    if law is not None:
        model.learn(law, max(0, now - standing.joined_at), answered=answered)
    if standing.offered_at is None:
        model.leaves(now, center.staff.of(standing.queue))


def handled(center: Center, contact: Contact, agent: str) -> None:
    """The conversation of an agent and its wrap-up are over."""
    segment = contact.cdr.last_of(agent)
    if segment is None or not segment.queue:  # a flow or another agent has given the call to this one
        return
    _model(center, segment.queue).handles(milliseconds(segment.handled_s), milliseconds(segment.ring_s))


def _model(center: Center, queue: str) -> WaitModel:
    model = center.waits.get(queue)
    if model is None:
        model = center.waits[queue] = WaitModel(queue)
    center.touch(model)
    return model
