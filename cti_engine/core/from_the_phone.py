"""What an agent does with the phone's own keys: transfers (REFER, RFC 3515 and 5589), and a second line to consult.

The same is done, and by the same rules, as when the page asks. But the phone stays in the call until a blind transfer
has been answered, and is told how it came out, for that is what its human waits for.
"""

from __future__ import annotations

from cti_engine.core import consulting, endings, hand_overs, parties, targets
from cti_engine.core.center import Center
from cti_engine.core.commands import RejectLeg
from cti_engine.core.contact import Contact
from cti_engine.core.leg import LEG, Leg
from cti_engine.core.signals import InviteReceived, TransferAsked

CODES = {
    "unknown_target": 404,
    "target_busy": 486,
    "others_in_call": 486,
    "no_leg_left": 503,
}
"""What a phone is told of a refusal; all else: 403."""


def transfer_asked(center: Center, signal: TransferAsked) -> None:
    """REFER. A phone that has hung up meanwhile is told nothing: then nothing is transferred either."""
    leg = center.legs.get(signal.leg)
    if leg is None or leg.worker != signal.worker or leg.state != "connected":
        center.late += 1
        return
    refusal = _transfer(center, leg, signal)
    if refusal:
        center.anomalies.append(f"leg {leg.id}: no transfer to {signal.target[:100]!r}: {refusal}")
        endings.tell_transfer(center, leg.id, CODES.get(refusal, 403))


def _transfer(center: Center, leg: Leg, signal: TransferAsked) -> str:
    contact = center.contacts.get(leg.contact)
    if contact is None or contact.state != "talking" or not leg.agent or contact.agent != leg.agent:
        return "not_your_call"
    if signal.replaces:
        return _attended(center, contact, leg, signal.replaces)
    if contact.guests:
        return "others_in_call"
    if leg.id != contact.agent_leg:
        return "wrong_state"
    agent, number = targets.named(center, signal.target)
    queue = number if number in center.definitions.queues else ""
    return hand_overs.give(center, contact, agent, queue, "" if queue else number, "", refer=leg.id)


def _attended(center: Center, contact: Contact, leg: Leg, other: str) -> str:
    """Caller and whoever the second line has called are joined; while that one's phone rings, when it answers."""
    guest = contact.consulted
    if guest is None or {leg.id, other} != {contact.agent_leg, guest.line}:
        return "nobody_consulted"
    if guest.talks:
        endings.tell_transfer(center, leg.id, 200)
        parties.take_over(center, contact, guest)
    elif contact.conferees:
        return "wrong_state"
    else:
        parties.wanted_blindly(center, contact, guest)
        guest.refer = leg.id
        parties.moved_on(center, contact)
    return ""


def is_second_line(center: Center, signal: InviteReceived) -> bool:
    """Whether the agent who calls has a phone in a call on this worker already."""
    return _in_call(center, signal) is not None


def _in_call(center: Center, signal: InviteReceived) -> Leg | None:
    agent = signal.source.removeprefix("account:") if signal.source.startswith("account:") else ""
    legs = (leg for leg in center.legs.values() if leg.worker == signal.worker and leg.role == "agent")
    return next((leg for leg in legs if agent and leg.agent == agent), None)


def second_line(center: Center, signal: InviteReceived) -> None:
    """A consult, which the phone begins: whom it calls is rung, and this leg answered when they answer."""
    first = _in_call(center, signal)
    assert first is not None
    leg = Leg(signal.leg, signal.worker, first.contact, "line", "offered", first.agent)
    center.add(leg)
    contact = center.contacts[first.contact]
    mine = contact.state == "talking" and contact.agent_leg == first.id and first.state == "connected"
    refusal = "wrong_state"
    if mine:
        agent, number = targets.named(center, signal.dnis)
        refusal = consulting.ask(center, contact, agent, number, "", line=leg.id)
    if refusal:
        center.anomalies.append(f"leg {first.id}: no second call to {signal.dnis[:100]!r}: {refusal}")
        center.fire(LEG, leg, "end")
        center.command(RejectLeg(leg.worker, leg.id, CODES.get(refusal, 403), refusal))
