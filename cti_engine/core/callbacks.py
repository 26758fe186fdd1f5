"""Callbacks: the caller's place in the queue goes over to a contact that waits without a call, and is dialled in turn.

The agent's phone is rung first and then the caller's, so that nobody is called who then has to wait. Who is not
reached is tried again later from the same place; the agent is free at once. One that an agent has promised to make
himself (`appointments`) is his as long as he is there and the grace lasts, then anybody's who serves its queue.
"""

from __future__ import annotations

import re

from cti_engine.core import bridging, endings, legless, second_leg, waiting
from cti_engine.core import end_causes as causes
from cti_engine.core import events as ev
from cti_engine.core.agent import LOGGED_OUT, Agent
from cti_engine.core.center import Center
from cti_engine.core.commands import PlayPrompts, Prompt, StopPlayback
from cti_engine.core.contact import CONTACT, Callback, Contact
from cti_engine.core.end_causes import OfferOutcome
from cti_engine.core.leg import Leg
from cti_engine.core.routing.model import Standing

KIND = "callback"
_NUMBER = re.compile(r"\+?[0-9]{3,15}")


# --- asked for -------------------------------------------------------------------------------------


def dialled(number: str) -> str:
    """As a phone's keys write it: 00 is the + of a number with its country."""
    return f"+{number[2:]}" if number.startswith("00") else number


def possible(center: Center, caller: Contact, queue: str, number: str) -> bool:
    """Whether this caller may be called back at `number`: never anybody's number at our expense.

    Not while an agent's phone rings for the call already. The own number goes back the way it came; any other has to
    begin as `callbacks.numbers` allows.
    """
    number = dialled(number)
    target = queue or (caller.queue if caller.in_queue else "")
    if caller.state not in ("queued", "in_flow") or target not in center.definitions.queues:
        return False
    if number == caller.ani and caller.source.startswith("account:"):
        return True
    if number == caller.ani and caller.source.startswith("trunk:"):
        return is_number(number)
    return allowed(center, number)


def is_number(number: str) -> bool:
    return _NUMBER.fullmatch(number) is not None


def allowed(center: Center, number: str) -> bool:
    """Whether it is a number, and one that the admin lets us call at our expense."""
    return is_number(number) and number.startswith(center.definitions.callbacks.numbers)


def _way(center: Center, caller: Contact, number: str) -> tuple[str, str]:
    """What is dialled, and by which trunk; without a trunk a phone that is registered at the edge."""
    kind, _, name = caller.source.partition(":")
    if number == caller.ani and kind == "account":
        return name, ""
    return number, name if kind == "trunk" else center.definitions.callbacks.trunk


def request(
    center: Center, caller: Contact, queue: str, number: str, within: float, tries: int, retry_after: float
) -> None:
    """Of a caller: who waits in that queue leaves the place to the callback. Who has one there already keeps that."""
    queue, number = queue or caller.queue, dialled(number)
    place = list(caller.standings) if caller.state == "queued" and caller.queue == queue else []
    if caller.state == "queued":
        waiting.leave_for(center, caller, "callback")
    if _pending(center, queue, number):
        return
    target, trunk = _way(center, caller, number)
    contact = Contact(
        center.new_id("c"),
        "",
        "",
        number,
        caller.dnis,
        caller.name,
        caller.source,
        caller.language,
        caller.priority,
        kind=KIND,
        definitions=center.definitions.version,
        attributes=dict(caller.attributes),
        profile=dict(caller.profile),
        looked_up=True,
        path=[*caller.path, *(caller.flow.path if caller.flow is not None else [])],
        queued_at=caller.queued_at,
        head_start=caller.head_start,
        callback=Callback(center.at, target, trunk, tries, retry_after),
    )
    begin(center, contact, queue, within, caller)
    if place:
        _take_place(center, contact, queue, place, caller)
    else:
        line_up(center, contact)


def _pending(center: Center, queue: str, number: str) -> Contact | None:
    return next(
        (
            contact
            for contact in center.waiting_in(queue).values()
            if contact.kind == KIND and contact.ani == number
        ),
        None,
    )


def begin(center: Center, contact: Contact, queue: str, within: float, caller: Contact | None) -> None:
    """It exists from now on, and stands nowhere yet. `caller`: the contact of which it came."""
    assert contact.callback is not None
    contact.callback.queue = queue
    center.add(contact)
    if not contact.callback.due_at:
        center.schedule(contact, "within", center.now + within)
    center.emit(
        ev.CallbackRequested(
            contact.id,
            queue,
            contact.ani,
            contact.name,
            contact.dnis,
            contact.source,
            caller.id if caller is not None else "",
            max(0.0, center.at - contact.queued_at) if contact.queued_at else 0.0,
            within,
            contact.callback.tries,
        )
    )
    facts: dict[str, object] = {"language": contact.language}
    for name in ("customer", "segment"):
        if name in contact.attributes:
            facts[name] = contact.attributes[name]
    center.emit(ev.CallAttributesSet(contact.id, facts))


def line_up(center: Center, contact: Contact) -> None:
    """It is known who is called: an appointment that is due comes up, any other stands in its queue as the last."""
    if contact.state == "arriving":
        _join(center, contact)
    elif contact.state == "scheduled":
        comes_up(center, contact)


def _join(center: Center, contact: Contact) -> bool:
    """Without its queue, which a reload may have taken away meanwhile, an appointment goes to one that its agent
    serves; where there is none, the promise cannot be kept.
    """
    state, queues = contact.callback, center.definitions.queues
    assert state is not None
    if state.queue not in queues and state.by:
        state.queue = next(iter(center.matcher.queues_of(state.by)), state.queue)
    definition = queues.get(state.queue)
    if definition is None:
        endings.end_contact(center, contact, causes.FLOW_FAULT)
        return False
    if not center.fire(CONTACT, contact, "enqueued"):
        return False
    waiting.join(center, contact, definition, 0)
    return True


def _take_place(center: Center, contact: Contact, queue: str, place: list[Standing], caller: Contact) -> None:
    center.fire(CONTACT, contact, "enqueued")
    contact.queue, contact.queue_seq = queue, caller.queue_seq
    contact.queue_entered_at, contact.queue_priority = caller.queue_entered_at, caller.queue_priority
    contact.excluded = dict(caller.excluded)
    waiting.take_place(center, contact, place)


# --- whose own it is -----------------------------------------------------------------------------


def own_agent(center: Center, contact: Contact) -> Agent | None:
    """Who has promised to make it himself, if he is there and has not just missed it."""
    state = contact.callback
    agent = center.agents.get(state.by) if state is not None and state.own else None
    if agent is None or agent.id not in center.definitions.agents:
        return None
    missed = contact.excluded.get(agent.id, 0.0) > center.now
    return agent if agent.phone and agent.status != LOGGED_OUT and not missed else None


def comes_up(center: Center, contact: Contact) -> None:
    """Its own agent has it first, free or not; `offers` gives it to him as soon as he is."""
    if own_agent(center, contact) is None:
        to_queue(center, contact)
    else:
        center.held[contact.id] = contact
        center.schedule(contact, "grace", center.now + center.definitions.callbacks.grace)


def to_queue(center: Center, contact: Contact) -> None:
    """Whoever serves its queue may have it from now on."""
    _held_no_longer(center, contact)
    if contact.state == "scheduled":
        _join(center, contact)
    elif center.fire(CONTACT, contact, "rested"):
        waiting.back(center, contact)
        position = center.matcher.position(contact.id, contact.queue)
        waited = max(0.0, center.at - contact.queued_at)
        center.emit(ev.CallRequeued(contact.id, contact.queue, position, waited))


def to_own_agent(center: Center, contact: Contact) -> bool:
    """It stands in its queue as a call does that is offered the moment it comes."""
    _held_no_longer(center, contact)
    if contact.state != "scheduled":
        return center.fire(CONTACT, contact, "reserved")
    if not _join(center, contact) or not center.fire(CONTACT, contact, "reserved"):
        return False
    waiting.rings(center, contact, contact.queue)
    return True


def _held_no_longer(center: Center, contact: Contact) -> None:
    center.held.pop(contact.id, None)
    center.schedule(contact, "grace", None)


# --- its turn ----------------------------------------------------------------------------------------


def agent_answered(center: Center, contact: Contact, agent: Agent, phone: Leg) -> None:
    """The agent is on the line, and hears music until the caller is too."""
    state = contact.callback
    assert state is not None
    state.tried += 1
    state.dialled_at = center.at
    agent.offer = ""
    center.agent_enters(agent, "ring")
    seconds = center.definitions.callbacks.ring_timeout
    leg = second_leg.ring(center, contact, "caller", state.target, state.trunk, seconds, fresh=True)
    contact.caller_leg = leg.id
    state.playback = center.new_id("p")
    music = (Prompt("music", "default"),)
    center.command(PlayPrompts(phone.worker, phone.id, state.playback, music, repeat=True))


def caller_answered(center: Center, leg: Leg) -> None:
    contact = center.contacts[leg.contact]
    state = contact.callback
    if state is None or contact.caller_leg != leg.id or contact.state != "calling":
        endings.end_leg(center, leg, OfferOutcome.CALLER_GONE)
        return
    agent = center.agents[contact.agent]
    center.schedule(contact, "dial", None)
    center.schedule(contact, "within", None)
    center.schedule(contact, "length", center.now + center.definitions.limits.maximum_length)
    center.command(StopPlayback(contact.worker, contact.agent_leg, state.playback))
    rang = max(0.0, center.at - state.dialled_at)
    center.emit(ev.CallbackAttempted(contact.id, agent.id, state.tried, "answered", rang))
    center.fire(CONTACT, contact, "bridged")
    contact.queue = state.queue
    bridging.bridge(center, contact, agent, contact.queue, rang)
    waited = max(0.0, center.at - state.asked_at)
    center.emit(ev.CallbackEnded(contact.id, contact.queue, "reached", state.tried, waited, state.by))


def not_reached(center: Center, contact: Contact, outcome: str) -> None:
    """The caller's phone did not answer, is busy, refused. After the last try it is given up."""
    state = contact.callback
    if state is None or contact.state != "calling":
        center.late += 1
        return
    _attempt_over(center, contact, outcome)
    if state.tried >= state.tries or "within" not in contact.deadlines:
        endings.end_contact(center, contact, causes.CALLBACK_NOT_REACHED)
    else:
        legless.put_off(center, contact, state.retry_after)


def no_answer(center: Center, contact: Contact) -> None:
    not_reached(center, contact, OfferOutcome.NO_ANSWER)


def failed(center: Center, contact: Contact, sip_code: int) -> None:
    not_reached(center, contact, causes.offer_outcome(sip_code))


def agent_gone(center: Center, contact: Contact) -> None:
    """The agent hung up before the caller answered: no try of the caller's, and not for this agent again soon."""
    state = contact.callback
    assert state is not None
    contact.excluded[contact.agent] = center.now + center.definitions.limits.rona_cool_down
    _attempt_over(center, contact, "agent_gone")
    state.tried -= 1
    legless.put_off(center, contact, legless.NO_WORKER_PAUSE)


def worker_lost(center: Center, contact: Contact) -> None:
    """Its phones are gone with the worker, its place is not."""
    for offer in list(contact.offers):
        endings.offer_over(center, center.reservations[offer], OfferOutcome.WORKER_LOST)
    if contact.state == "calling":
        assert contact.callback is not None
        _attempt_over(center, contact, OfferOutcome.WORKER_LOST)
        contact.callback.tried -= 1
    legless.put_off(center, contact, legless.NO_WORKER_PAUSE)


def _attempt_over(center: Center, contact: Contact, outcome: str) -> None:
    """Both phones are hung up and the agent is free."""
    state, agent = contact.callback, center.agents[contact.agent]
    assert state is not None
    rang = max(0.0, center.at - state.dialled_at)
    center.emit(ev.CallbackAttempted(contact.id, agent.id, state.tried, outcome, rang))
    center.schedule(contact, "dial", None)
    for leg in center.legs_of(contact):
        endings.end_leg(center, leg, outcome)
    contact.agent = contact.agent_leg = contact.caller_leg = ""
    agent.idle_since = center.at
    endings.free_agent(center, agent)


def rested(center: Center, contact: Contact) -> None:
    """Its pause is over: up again where it stood."""
    comes_up(center, contact)


def expired(center: Center, contact: Contact) -> None:
    """The time within which the call was promised is over; a try that runs is still let come to its end."""
    if contact.state != "calling":
        endings.end_contact(center, contact, causes.CALLBACK_EXPIRED)
