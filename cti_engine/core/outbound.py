"""Calls that agents make: the agent's phone rings first, and who is called only when the agent is on the line.

Nobody is called by a machine who would then wait. One that is not reached is over, and the agent is free at once.
"""

from __future__ import annotations

from cti_engine.core import bridging, endings, second_leg
from cti_engine.core import end_causes as causes
from cti_engine.core import events as ev
from cti_engine.core.agent import Agent
from cti_engine.core.center import Center
from cti_engine.core.commands import PlayPrompts, Prompt, StopPlayback
from cti_engine.core.contact import CONTACT, Contact, Outbound
from cti_engine.core.end_causes import EndCause, OfferOutcome
from cti_engine.core.leg import Leg

RINGING = (Prompt("tone", "ringing"),)
CAUSES: dict[str, EndCause] = {
    OfferOutcome.BUSY: causes.CALLED_BUSY,
    OfferOutcome.NO_ANSWER: causes.CALLED_NO_ANSWER,
    OfferOutcome.REJECTED: causes.CALLED_REJECTED,
}
"""Of what came of the other's phone; all others: not reached."""
NOT_THERE_NOW = (408, 480)
"""What carriers say of a phone that is off or does not answer (RFC 3261, 21.4.9 and 21.4.18)."""


def agent_answered(center: Center, contact: Contact, agent: Agent) -> None:
    """Now who is called is dialled; the agent hears it ring when it does."""
    state = contact.outbound
    assert state is not None
    state.dialled_at = center.at
    center.agent_enters(agent, "ring")
    leg = second_leg.ring(center, contact, "caller", state.target, state.trunk, state.seconds, fresh=True)
    contact.caller_leg = leg.id


def ringing(center: Center, contact: Contact, leg: Leg) -> None:
    state = contact.outbound
    if state is None or leg.id != contact.caller_leg or contact.state != "dialling" or state.ringing_at:
        return
    state.ringing_at = center.at
    state.playback = center.new_id("p")
    center.touch(contact)
    center.command(PlayPrompts(contact.worker, contact.agent_leg, state.playback, RINGING, repeat=True))


def answered(center: Center, contact: Contact, leg: Leg) -> None:
    """Both talk."""
    state = contact.outbound
    if state is None or leg.id != contact.caller_leg or not center.fire(CONTACT, contact, "bridged"):
        endings.end_leg(center, leg, OfferOutcome.CALLER_GONE)
        return
    center.schedule(contact, "dial", None)
    center.schedule(contact, "length", center.now + center.definitions.limits.maximum_length)
    if state.playback:
        center.command(StopPlayback(contact.worker, contact.agent_leg, state.playback))
    rang = endings.rang(center, state)
    center.emit(ev.DialEnded(contact.id, state.agent, state.target, "answered", rang))
    bridging.bridge(center, contact, center.agents[state.agent], "", rang)


def failed(center: Center, contact: Contact, sip_code: int) -> None:
    """The other's phone is busy, refuses, or cannot be reached."""
    outcome = causes.offer_outcome(sip_code)
    _not_reached(center, contact, OfferOutcome.NO_ANSWER if sip_code in NOT_THERE_NOW else outcome, sip_code)


def no_answer(center: Center, contact: Contact) -> None:
    _not_reached(center, contact, OfferOutcome.NO_ANSWER, 0)


def _not_reached(center: Center, contact: Contact, outcome: OfferOutcome, sip_code: int) -> None:
    _end(center, contact, outcome, CAUSES.get(outcome, causes.CALLED_NOT_REACHED), sip_code)


def agent_gone(center: Center, contact: Contact) -> None:
    """The agent hung up before anybody had answered: at the phone or in the page, or the phone has vanished."""
    _end(center, contact, "agent_gone", causes.AGENT_HANG_UP)


def agent_not_there(center: Center, contact: Contact, outcome: str) -> None:
    """The agent's own phone was not picked up, refused or is not there."""
    _end(center, contact, f"agent_{outcome}", causes.AGENT_NO_ANSWER)


def no_line(center: Center, contact: Contact) -> None:
    """The worker serves another call already (the edge was faster)."""
    _end(center, contact, causes.NO_LINE.name, causes.NO_LINE)


def leg_ended(center: Center, contact: Contact, leg: Leg, sip_code: int) -> None:
    """Before both talk."""
    if leg.id == contact.caller_leg:
        failed(center, contact, sip_code)
    else:
        agent_gone(center, contact)


def _end(center: Center, contact: Contact, outcome: str, cause: EndCause, sip_code: int = 0) -> None:
    state: Outbound | None = contact.outbound
    if state is None or contact.state != "dialling":
        center.late += 1
        return
    state.outcome, state.sip_code = outcome, sip_code
    endings.end_contact(center, contact, cause)
