"""Offers: match, reserve, pop before ring, dial, answer. One offer joins one waiting call and one free agent.

The match reserves and publishes the pop; the phone is dialled when the pop has been painted, when `pop_wait` is over,
or at once when the agent has no page open (architecture decision 3).
"""

from __future__ import annotations

from dataclasses import fields

from cti_engine.core import end_causes as causes
from cti_engine.core import endings
from cti_engine.core import events as ev
from cti_engine.core.agent import Agent
from cti_engine.core.center import Center
from cti_engine.core.commands import DialLeg, SetAudioPaths, StartRecording
from cti_engine.core.contact import CONTACT, Contact
from cti_engine.core.end_causes import OfferOutcome
from cti_engine.core.leg import Leg
from cti_engine.core.reservation import RESERVATION, Reservation

_SHOWN = tuple(f.name for f in fields(ev.CallOffered))


def match_all(center: Center) -> None:
    """Serve whoever asked to be matched during this signal, in the order of asking."""
    while center.to_match:
        side, id_ = center.to_match.pop(0)
        if side == "call":
            contact_id: str | None = id_
            waits = id_ in center.contacts and center.contacts[id_].state == "queued"
            agent_id = center.matcher.agent_for(id_) if waits else None
        else:
            agent_id = id_
            contact_id = center.matcher.call_for(id_) if center.agents[id_].available else None
        if agent_id is not None and contact_id is not None:
            _reserve(center, center.contacts[contact_id], center.agents[agent_id])


def _reserve(center: Center, contact: Contact, agent: Agent) -> None:
    limits = center.definitions.limits
    offer = Reservation(center.new_id("o"), contact.id, agent.id, contact.queue, center.now)
    if not center.fire(CONTACT, contact, "reserved"):
        return
    center.add(offer)
    contact.offer, contact.agent = offer.id, agent.id
    center.schedule(contact, "wait", None)
    agent.contact, agent.offer = contact.id, offer.id
    offered = ev.CallOffered(
        contact.id,
        offer.id,
        agent.id,
        number=contact.ani,
        name=contact.name,
        segment=str(contact.profile.get("segment", "")),
        language=contact.language,
        queue=contact.queue,
        waited_s=max(0.0, center.now - contact.queued_at),
        path=tuple(contact.path),
        contacts=_rows(contact.profile.get("contacts")),
        hints=_rows(contact.profile.get("hints")),
    )
    agent.shown = {name: getattr(offered, name) for name in _SHOWN}
    center.agent_enters(agent, "reserve")
    center.emit(ev.AgentReserved(contact.id, agent.id, offer.id, contact.queue, limits.pop_wait))
    center.emit(offered)
    if agent.pages:
        center.schedule(offer, "pop", center.now + limits.pop_wait)
    else:
        dial(center, offer, shown=False)


def _rows(value: object) -> tuple[dict[str, object], ...]:
    """A profile's list of maps; anything else an outside system may have put there is left out."""
    return tuple(row for row in value if isinstance(row, dict)) if isinstance(value, list) else ()


def dial(center: Center, offer: Reservation, *, shown: bool) -> None:
    """Ring the agent's phone, on the worker where the caller is."""
    if not center.fire(RESERVATION, offer, "dial"):
        return
    contact = center.contacts[offer.contact]
    leg = Leg(center.new_id("l"), contact.worker, contact.id, "agent", "dialling", offer.agent, offer.id)
    center.add(leg)
    offer.leg, offer.dialled_at = leg.id, center.now
    contact.agent_leg = leg.id
    center.schedule(offer, "pop", None)
    center.schedule(offer, "ring", center.now + center.queue_definition(contact.queue).ring_timeout)
    center.command(DialLeg(leg.worker, leg.id, contact.id, offer.agent, contact.ani, contact.name))
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


def not_answered(center: Center, offer: Reservation) -> None:
    """The ring time is over: RONA if it rang, unreachable if it never did."""
    give_up(center, offer, OfferOutcome.NO_ANSWER if offer.ringing_at else OfferOutcome.UNREACHABLE)


def give_up(center: Center, offer: Reservation, outcome: OfferOutcome, sip_code: int = 0) -> None:
    endings.offer_over(center, offer, outcome, sip_code)
    endings.requeue(center, center.contacts[offer.contact])


def answered(center: Center, leg: Leg) -> None:
    """The agent answered: bridge, record, and stop the queue's treatment."""
    offer = center.reservations.get(leg.offer)
    contact = center.contacts.get(leg.contact)
    if offer is None or contact is None or not center.fire(CONTACT, contact, "bridged"):
        endings.end_leg(center, leg, OfferOutcome.CALLER_GONE)
        return
    center.fire(RESERVATION, offer, "over")
    agent = center.agents[offer.agent]
    rang = center.at - offer.ringing_at if offer.ringing_at else 0.0
    contact.offer = ""
    agent.offer, agent.missed, agent.bridged_at = "", 0, center.at
    endings.leave_queue(center, contact)
    endings.stop_prompts(center, contact)
    caller, phone = contact.caller_leg, leg.id
    center.command(SetAudioPaths(contact.worker, ((caller, phone), (phone, caller))))
    if center.definitions.record_calls:
        contact.recording = center.new_id("r")
        center.command(StartRecording(contact.worker, contact.recording, contact.id, caller, phone))
    center.drop(offer)
    center.agent_enters(agent, "bridge")
    waited = max(0.0, center.at - contact.queued_at)
    center.emit(ev.CallBridged(contact.id, agent.id, contact.queue, waited, max(0.0, rang)))


def cool_down_over(center: Center, contact: Contact) -> None:
    """An agent who missed this call may get it again."""
    endings.watch_cool_down(center, contact)
    if contact.state == "queued":
        center.to_match.append(("call", contact.id))
