"""Offers: match, reserve, pop before ring, dial, answer. One offer joins one waiting call and one free agent.

The match reserves and publishes the pop; the phone is dialled when the pop has been painted, when `pop_wait` is over,
or at once when the agent has no page open (architecture decision 3).
"""

from __future__ import annotations

from cti_engine.core import (
    bridging,
    callbacks,
    endings,
    hints,
    legless,
    messages,
    outbound,
    parties,
    pop,
    transfers,
    waiting,
)
from cti_engine.core import end_causes as causes
from cti_engine.core import events as ev
from cti_engine.core.agent import Agent
from cti_engine.core.center import Center
from cti_engine.core.commands import DialLeg, PlayPrompts, Prompt
from cti_engine.core.contact import CONTACT, VOICEMAIL, Contact
from cti_engine.core.end_causes import OfferOutcome
from cti_engine.core.leg import Leg
from cti_engine.core.reservation import RESERVATION, Reservation
from cti_engine.core.routing.build import milliseconds
from cti_engine.core.routing.decision_record import KEPT_OFF, DecisionRecord
from cti_engine.core.routing.model import Decision
from cti_engine.core.routing.wording import shortened

BY_ITSELF = {
    "Call-Info": "<sip:cti>;answer-after=0",
    "Alert-Info": "<http://127.0.0.1>;info=alert-autoanswer;delay=0",
}
"""What desk phones of several makes take for: answer at once."""


def match_all(center: Center) -> None:
    """Serve whoever asked to be matched during this signal, in the order of asking."""
    now = milliseconds(center.now)
    _to_their_own(center)
    if center.definitions.burst and len(center.to_match) > 1:
        _offer(center, center.matcher.burst(now))
    while center.to_match:
        _to_their_own(center)
        side, id_ = center.to_match.pop(0)
        if side == "call":
            waits = id_ in center.contacts and center.contacts[id_].state == "queued"
            _offer(center, center.matcher.agents_for(id_, now) if waits else [])
        elif center.agents[id_].available and id_ in center.definitions.agents:
            decision = center.matcher.call_for(id_, now)
            _offer(center, [decision] if decision is not None else [])


def _to_their_own(center: Center) -> None:
    """Callbacks that their agents have promised to make: to them when they are free, to all when they have left."""
    for contact in list(center.held.values()):
        agent = callbacks.own_agent(center, contact)
        if "grace" not in contact.deadlines:  # it is over
            del center.held[contact.id]
        elif agent is None:
            callbacks.to_queue(center, contact)
        elif agent.available and callbacks.to_own_agent(center, contact):
            _reserve(center, contact, agent, contact.queue, {"side": "appointment"})


def _offer(center: Center, decisions: list[Decision]) -> None:
    """Offer calls to agents: one agent each, or several at once for one call, of whom the first to answer has it."""
    records = center.matcher.records(decisions, milliseconds(center.now))
    for decision, record in zip(decisions, records, strict=True):
        contact, agent = center.contacts[decision.contact], center.agents[decision.agent]
        if not messages.can_show(contact, agent):
            messages.kept_from(center, contact, agent)
            continue
        if contact.state == "queued":
            if not center.fire(CONTACT, contact, "reserved"):
                continue
            center.schedule(contact, "wait", None)
            waiting.rings(center, contact, decision.queue)
        elif contact.state != "offered":  # the phone of its first agent could not be rung
            continue
        center.matcher.took(decision)
        _reserve(center, contact, agent, decision.queue, _why(decision, record))


def _why(decision: Decision, record: DecisionRecord) -> dict[str, object]:
    """The decision's record as it is stored (docs/routing.md, 10); `kept_off` names only who there was."""
    kept_off = {name: getattr(record, name) for name in KEPT_OFF}
    second = record.runner_up
    return {
        "side": decision.side,
        "step": decision.step,
        "order": list(record.order),
        "terms": list(decision.terms),
        "condition": shortened(record.pool),
        "pool": record.size,
        "free": record.size - record.not_free,
        "kept_off": {name: count for name, count in kept_off.items() if count},
        "runner_up": None if second is None else second._asdict() | {"terms": list(second.terms)},
        "lost_by": record.lost_by,
        "rules": decision.rules,
        "source": record.source,
    }


def direct(center: Center, contact: Contact, agent: Agent, side: str = "transfer") -> None:
    """A flow or another agent wants this agent and no other, or the agent calls somebody; there is no queue."""
    _reserve(center, contact, agent, "", {"side": side})


def _reserve(center: Center, contact: Contact, agent: Agent, queue: str, why: dict[str, object]) -> None:
    limits = center.definitions.limits
    offer = Reservation(center.new_id("o"), contact.id, agent.id, queue, center.now)
    center.add(offer)
    contact.offers.append(offer.id)
    agent.contact, agent.offer = contact.id, offer.id
    offered = pop.of_offer(center, contact, offer.id, agent, queue)
    agent.shown = pop.shown(offered)
    center.agent_enters(agent, "reserve")
    center.emit(ev.AgentReserved(contact.id, agent.id, offer.id, queue, limits.pop_wait, why))
    center.emit(offered)
    if contact.kind == VOICEMAIL:
        messages.show(center, offer)
    elif agent.pages:
        center.schedule(offer, "pop", center.now + limits.pop_wait)
    else:
        dial(center, offer, shown=False)


def dial(center: Center, offer: Reservation, *, shown: bool) -> None:
    """Ring the agent's phone, on the worker where the caller is, or where it will be."""
    contact = center.contacts[offer.contact]
    if not contact.has_call and offer.state == "popping" and not legless.worker_for(center, contact):
        no_worker(center, offer)
        return
    if not center.fire(RESERVATION, offer, "dial"):
        return
    leg = Leg(center.new_id("l"), contact.worker, contact.id, "agent", "dialling", offer.agent, offer.id)
    center.add(leg)
    offer.leg, offer.dialled_at = leg.id, center.now
    center.schedule(offer, "pop", None)
    queue = center.queue_definition(offer.queue)
    seconds = contact.transfer.seconds if contact.transfer is not None else queue.ring_timeout
    center.schedule(offer, "ring", center.now + seconds)
    headers = dict(BY_ITSELF) if auto_answers(center, offer.agent, offer.queue) else {}
    fresh = not contact.has_call
    center.command(
        DialLeg(
            leg.worker,
            leg.id,
            contact.id,
            offer.agent,
            contact.ani,
            contact.name,
            headers,
            fresh,
            transfers=True,
        )
    )
    center.emit(ev.AgentDialled(contact.id, offer.agent, offer.id, leg.id, shown))


def shown(center: Center, agent_id: str, offer_id: str) -> None:
    """The page painted the pop; late, or of another agent, it changes nothing."""
    offer = center.reservations.get(offer_id)
    if offer is None or offer.agent != agent_id:
        center.late += 1
        return
    dial(center, offer, shown=True)


def ringing(center: Center, leg: Leg) -> None:
    offer = center.reservations.get(leg.offer)
    if offer is not None and center.fire(RESERVATION, offer, "ringing"):
        offer.ringing_at = center.at
        contact = center.contacts[offer.contact]
        guest = contact.guest_called(offer.agent)
        if contact.transfer is not None:
            contact.transfer.ringing_at = center.at
            center.touch(contact)
        elif guest is not None:
            parties.ringing(center, contact, guest)
        center.agent_enters(center.agents[offer.agent], "ring")


def failed(center: Center, leg: Leg, sip_code: int) -> None:
    """The agent's phone refused or could not be reached."""
    offer = center.reservations.get(leg.offer)
    if offer is not None and offer.leg == leg.id:
        give_up(center, offer, causes.offer_outcome(sip_code), sip_code)


def lost(center: Center, leg: Leg) -> None:
    """The leg is gone without a word: not the agent's doing."""
    offer = center.reservations.get(leg.offer)
    if offer is not None and offer.leg == leg.id:
        give_up(center, offer, OfferOutcome.WORKER_LOST)


def no_worker(center: Center, offer: Reservation) -> None:
    """There is no worker for a contact without a call: it comes up again in a moment, and the agent is free."""
    contact = center.contacts[offer.contact]
    leg = center.legs.get(offer.leg)
    if leg is not None:
        center.drop(leg)
    endings.offer_over(center, offer, OfferOutcome.WORKER_LOST)
    if contact.state == "dialling":
        outbound.no_line(center, contact)
    elif not contact.offers:
        legless.put_off(center, contact, legless.NO_WORKER_PAUSE)


def not_answered(center: Center, offer: Reservation) -> None:
    """The ring time is over: RONA if it rang, unreachable if it never did."""
    give_up(center, offer, OfferOutcome.NO_ANSWER if offer.ringing_at else OfferOutcome.UNREACHABLE)


def give_up(center: Center, offer: Reservation, outcome: OfferOutcome, sip_code: int = 0) -> None:
    """This agent does not take it. Back to waiting, unless another agent's phone rings for the same call; or to the
    flow that wanted no other.
    """
    contact = center.contacts[offer.contact]
    endings.offer_over(center, offer, outcome, sip_code)
    guest = contact.guest_called(offer.agent)
    if contact.transfer is not None:
        transfers.not_reached(center, contact, outcome, sip_code)
    elif guest is not None:
        parties.not_reached(center, contact, guest, outcome)
    elif contact.state == "dialling":
        outbound.agent_not_there(center, contact, outcome)
    elif not contact.offers:
        endings.requeue(center, contact)


def answered(center: Center, leg: Leg) -> None:
    """The agent answered: join the caller, who is there already or is dialled now."""
    offer = center.reservations.get(leg.offer)
    contact = center.contacts.get(leg.contact)
    guest = contact.guest_called(leg.agent) if contact is not None else None
    if offer is not None and contact is not None and guest is not None:
        _taken(center, contact, offer)
        parties.agent_answered(center, contact, guest, leg)
        _zip(center, contact, leg.id, guest.agent, "")
        return
    input_ = "bridged" if contact is None or contact.has_call else "agent_answered"
    if offer is None or contact is None or not center.fire(CONTACT, contact, input_):
        endings.end_leg(center, leg, OfferOutcome.CALLER_GONE)
        return
    contact.agent_leg, contact.message = leg.id, None  # who speaks to an agent needs no message
    accepted(center, contact, offer)


def accepted(center: Center, contact: Contact, offer: Reservation) -> None:
    """The agent has it now, and nobody else."""
    agent = _taken(center, contact, offer)
    rang = center.at - offer.ringing_at if offer.ringing_at else 0.0
    for other in list(contact.offers):
        endings.offer_over(center, center.reservations[other], OfferOutcome.ANSWERED_ELSEWHERE)
    contact.agent = agent.id
    hints.taken(center, contact, offer.hints)
    if contact.transfer is not None:
        transfers.answered(center, contact)
    if contact.callback is not None and not contact.has_call:
        contact.callback.queue = offer.queue
        callbacks.agent_answered(center, contact, agent, center.legs[contact.agent_leg])
    elif contact.state == "dialling":
        outbound.agent_answered(center, contact, agent)
    else:
        contact.queue = offer.queue or contact.queue  # who hands a call over does so as one of its queue
        bridging.bridge(center, contact, agent, offer.queue, max(0.0, rang))
    _zip(center, contact, contact.agent_leg, agent.id, offer.queue)


def _zip(center: Center, contact: Contact, leg: str, agent: str, queue: str) -> None:
    """Who has not picked up hears a short tone as it begins, whatever it is: a caller, a colleague who asks, music
    until who is called is there.
    """
    if leg and auto_answers(center, agent, queue):
        tone = (Prompt("tone", "zip"),)
        center.command(PlayPrompts(contact.worker, leg, center.new_id("p"), tone))


def auto_answers(center: Center, agent: str, queue: str) -> bool:
    """Whether the agent's phone answers calls of this queue (empty: of none) by itself."""
    definition = center.definitions.agents.get(agent)
    by_queue = queue in center.definitions.queues and center.definitions.queues[queue].auto_answer
    return by_queue or (definition is not None and definition.auto_answer)


def _taken(center: Center, contact: Contact, offer: Reservation) -> Agent:
    """The offer is answered."""
    center.fire(RESERVATION, offer, "over")
    agent = center.agents[offer.agent]
    contact.offers.remove(offer.id)
    agent.offer, agent.missed = "", 0
    center.drop(offer)
    return agent
