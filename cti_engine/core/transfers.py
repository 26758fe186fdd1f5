"""Transfers: another phone is rung on the caller's worker. Who answers has the call, else a flow's goes on in the flow,
and an agent's goes back to its queue.

An agent is offered the call as any other, only without a queue. Outside, only numbers are dialled that stand in the
flow or begin as the admin allows: whatever a caller types could be a call at our expense.
"""

from __future__ import annotations

import re

from cti_engine.core import bridging, callbacks, endings, parties, second_leg, waiting
from cti_engine.core import end_causes as causes
from cti_engine.core import events as ev
from cti_engine.core.agent import LOGGED_OUT, Agent
from cti_engine.core.center import Center
from cti_engine.core.contact import CONTACT, Contact, Transfer
from cti_engine.core.end_causes import OfferOutcome
from cti_engine.core.ivr import session
from cti_engine.core.leg import Leg

_NUMBER = re.compile(r"\+?[0-9]{2,15}")
WAYS = {
    OfferOutcome.BUSY: "busy",
    OfferOutcome.REJECTED: "busy",
    OfferOutcome.NO_ANSWER: "no_answer",
}
"""Of a phone's outcome the way on that the flow takes; all others: failed."""
NOT_THERE_NOW = (408, 480)
"""What carriers say of a phone that is off or does not answer (RFC 3261, 21.4.9 and 21.4.18)."""


def agent_of(center: Center, name: str) -> Agent | None:
    """By id, or by the extension that callers know."""
    known = center.definitions.agents
    found = (
        name if name in known else next((a.id for a in known.values() if name and a.extension == name), "")
    )
    return center.agents.get(found)


def refusal(center: Center, contact: Contact, agent: str, number: str, written: bool) -> str:
    """The way on when it cannot even be tried, empty when it can. `written`: the number stands in the flow itself."""
    if contact.state == "after_call":  # its agent has hung up: it is served
        return "failed"
    if number in center.definitions.dialled_numbers:
        return ""
    if number:
        number = callbacks.dialled(number)
        allowed = written or number.startswith(center.definitions.transfers.numbers)
        return "" if allowed and _NUMBER.fullmatch(number) else "failed"
    found = agent_of(center, agent)
    if found is None or not found.phone or found.status == LOGGED_OUT:
        return "failed"
    return "" if found.available else "busy"


def begin(
    center: Center, contact: Contact, agent: str, number: str, trunk: str, seconds: float
) -> Agent | None:
    """The phone outside is rung now, an agent is given back to be offered the call. Who waits in a queue leaves it."""
    if contact.state == "queued":
        waiting.leave_for(center, contact, "flow")
    found = agent_of(center, agent) if agent else None
    if not center.fire(CONTACT, contact, "transfer"):
        return None
    if contact.flow is not None:  # what the caller chose is for whoever answers
        contact.path += contact.flow.path
        contact.flow.path = []
    number, trunk = callbacks.dialled(number), trunk or center.definitions.transfers.trunk
    contact.queue = ""
    _ring(center, contact, found, number, trunk, seconds, "")
    return found


def ring(center: Center, contact: Contact, agent: Agent | None, number: str, by: str) -> None:
    """The same for an agent, who has let the call go."""
    _ring(center, contact, agent, number, center.definitions.transfers.trunk, parties.RING, by)


def _ring(
    center: Center, contact: Contact, agent: Agent | None, number: str, trunk: str, seconds: float, by: str
) -> None:
    state = Transfer(agent.id if agent else "", number, "" if agent else trunk, seconds, center.at, by=by)
    contact.transfer = state
    center.emit(ev.TransferStarted(contact.id, state.agent, number, state.trunk, seconds))
    if agent is None:
        state.leg = second_leg.ring(center, contact, "outside", number, state.trunk, seconds).id


def ringing(center: Center, leg: Leg) -> None:
    contact = center.contacts.get(leg.contact)
    if contact is not None and contact.transfer is not None and contact.transfer.leg == leg.id:
        contact.transfer.ringing_at = center.at
        center.touch(contact)


def outside_answered(center: Center, leg: Leg) -> None:
    """Both talk: the flow is over. Too late, the phone is hung up."""
    contact = center.contacts.get(leg.contact)
    state = contact.transfer if contact is not None else None
    if (
        contact is None
        or state is None
        or state.leg != leg.id
        or not center.fire(CONTACT, contact, "bridged")
    ):
        endings.end_leg(center, leg, OfferOutcome.CALLER_GONE)
        return
    answered(center, contact)
    contact.agent_leg = leg.id
    bridging.join(center, contact)


def answered(center: Center, contact: Contact) -> None:
    """Of an agent too."""
    _over(center, contact, "answered", 0)


def not_reached(center: Center, contact: Contact, outcome: OfferOutcome, sip_code: int = 0) -> None:
    """The flow goes on by what came of it; a caller whom an agent has handed over waits in the queue again."""
    if contact.transfer is None or not center.fire(CONTACT, contact, "not_reached"):
        center.late += 1
        return
    leg, outside = center.legs.get(contact.transfer.leg), not contact.transfer.agent
    if contact.transfer.by:
        center.schedule(contact, "back", center.now)
    if leg is not None:
        endings.end_leg(center, leg, outcome)
    _over(center, contact, outcome, sip_code)
    if contact.flow is not None:
        way = WAYS.get(outcome, "failed")
        if outside and sip_code in NOT_THERE_NOW:
            way = "no_answer"
        session.not_reached(contact.flow, way, center.now)
        center.schedule(contact, "flow", contact.flow.deadline)


def outside_failed(center: Center, leg: Leg, sip_code: int) -> None:
    contact = center.contacts.get(leg.contact)
    if contact is not None and contact.transfer is not None and contact.transfer.leg == leg.id:
        not_reached(center, contact, causes.offer_outcome(sip_code), sip_code)


def no_answer(center: Center, contact: Contact) -> None:
    not_reached(center, contact, OfferOutcome.NO_ANSWER)


def _over(center: Center, contact: Contact, outcome: str, sip_code: int) -> None:
    endings.transfer_over(center, contact, outcome, sip_code)
