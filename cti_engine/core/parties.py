"""The parties of a conversation: guests answer, are not reached, leave; the call goes from one hand into another.

When the agent who has the call leaves, it goes to whoever they consult, else to another of the conference; only
without anybody is it over. When the caller leaves it is over for all.
"""

from __future__ import annotations

from cti_engine.core import audio_paths, endings, holding, party_events
from cti_engine.core import events as ev
from cti_engine.core.agent import Agent
from cti_engine.core.center import Center
from cti_engine.core.commands import AnswerLeg, PlayPrompts, Prompt
from cti_engine.core.contact import CONFEREE, CONSULTED, CONTACT, Contact, Guest, Handed, Transfer
from cti_engine.core.end_causes import AGENT_HANG_UP, OfferOutcome
from cti_engine.core.leg import LEG, Leg

RING = 20.0
"""Seconds that the phone of somebody whom an agent wants is rung."""


def moved_on(center: Center, contact: Contact) -> None:
    """What a page has seen of this call is old."""
    contact.version += 1
    center.touch(contact)
    center.seen_agents.update(contact.agents)


def back_to_caller(center: Center, contact: Contact) -> None:
    """Whom the agent wanted is gone: the caller is off hold."""
    was = holding.on_hold(center, contact)
    holding.set_caller(center, contact, False)
    holding.tell(center, contact, was)


# --- guests ----------------------------------------------------------------------------------------


def ringing(center: Center, contact: Contact, guest: Guest) -> None:
    """The phone of a guest rings; who asked hears that, unless their phone's second line says so by itself."""
    if guest.ringing_at:
        return
    guest.ringing_at = center.at
    center.touch(contact)
    if contact.controls.held and not (contact.conferees or guest.line or guest.refer):
        guest.ringback = center.new_id("p")
        ringing_tone = (Prompt("tone", "ringing"),)
        center.command(
            PlayPrompts(contact.worker, contact.agent_leg, guest.ringback, ringing_tone, repeat=True)
        )


def agent_answered(center: Center, contact: Contact, guest: Guest, leg: Leg) -> None:
    agent = center.agents[guest.agent]
    agent.bridged_at = center.at
    center.agent_enters(agent, "bridge")
    _talks(center, contact, guest, leg)


def outside_answered(center: Center, contact: Contact, guest: Guest, leg: Leg) -> None:
    center.schedule(contact, "dial", None)
    _talks(center, contact, guest, leg)


def _talks(center: Center, contact: Contact, guest: Guest, leg: Leg) -> None:
    """With the agent at once, who waits for it; with music when they have taken the caller back meanwhile."""
    guest.leg, guest.talks_at = leg.id, center.at
    holding.stop_ringback(center, contact, guest)
    if guest.refer:
        take_over(center, contact, guest, "blind")
        return
    line = center.legs.get(guest.line)
    if line is not None and center.fire(LEG, line, "answer"):
        center.command(AnswerLeg(line.worker, line.id))
    elif not contact.controls.held and not contact.conferees:
        holding.set_guest(center, contact, guest, True)
    audio_paths.connect(center, contact)
    moved_on(center, contact)


def not_reached(center: Center, contact: Contact, guest: Guest, outcome: OfferOutcome) -> None:
    """The caller stays on hold until the agent takes them back: who knows what they are told then. At the phone the
    agent does that there.
    """
    endings.guest_over(center, contact, guest, outcome)
    if guest.refer:
        contact.refer_failed_at = center.at
    if guest.line or guest.refer:
        back_to_caller(center, contact)
    moved_on(center, contact)


def guest_gone(center: Center, contact: Contact, guest: Guest) -> None:
    """A guest has hung up, or their phone is gone."""
    if not guest.talks:
        not_reached(center, contact, guest, OfferOutcome.UNREACHABLE)
        return
    endings.guest_over(center, contact, guest, "left")
    if guest.line:
        back_to_caller(center, contact)
    else:
        audio_paths.connect(center, contact)
    moved_on(center, contact)


def line_gone(center: Center, contact: Contact, leg: Leg) -> None:
    """The agent has hung up the second line, or cancelled what it called; or given it up for a transfer."""
    guest = next((each for each in contact.guests if each.line == leg.id), None)
    if guest is None:
        return
    if guest.refer:
        guest.line = ""
        center.touch(contact)
        return
    cancel(center, contact, guest)
    back_to_caller(center, contact)


def cancel(center: Center, contact: Contact, guest: Guest) -> None:
    """The agent hangs up on whoever they consult, or call."""
    for offer in [center.reservations[each] for each in contact.offers]:
        if offer.agent == guest.agent:
            endings.offer_over(center, offer, OfferOutcome.CALLER_GONE)
    endings.guest_over(center, contact, guest, "cancelled")
    audio_paths.connect(center, contact)
    moved_on(center, contact)


def drop(center: Center, contact: Contact, guest: Guest) -> None:
    """The agent hangs up on one of the conference."""
    endings.guest_over(center, contact, guest, "dropped", by=contact.holder)
    audio_paths.connect(center, contact)
    moved_on(center, contact)


def join(center: Center, contact: Contact, guest: Guest) -> None:
    """Who is consulted and the caller hear each other too."""
    was = holding.on_hold(center, contact)
    _consult_over(center, contact, guest, "joined")
    endings.line_over(center, guest, "joined")
    guest.role, guest.talks_at, guest.line = CONFEREE, center.at, ""
    holding.set_guest(center, contact, guest, False)
    holding.set_caller(center, contact, False)
    center.emit(party_events.PartyJoined(contact.id, guest.agent, guest.number, guest.by))
    holding.tell(center, contact, was)
    moved_on(center, contact)


# --- from hand to hand -------------------------------------------------------------------------------


def agent_leaves(center: Center, contact: Contact) -> bool:
    """Who has the call hangs up, or their phone is gone; whether it goes on with others."""
    guest = contact.consulted
    heirs = sorted(contact.conferees, key=lambda one: one.agent == "")
    if guest is not None and guest.talks:
        take_over(center, contact, guest)
    elif heirs:
        if guest is not None:
            cancel(center, contact, guest)
        take_over(center, contact, heirs[0])
    elif guest is not None and contact.holder:
        hand_over_ringing(center, contact, guest)
    else:
        return False
    return True


def take_over(center: Center, contact: Contact, guest: Guest, how: str = "") -> None:
    """A guest gets the call from who has it. `how`: `blind` of one who was called for that and has just answered."""
    consulted = guest.role == CONSULTED
    contact.guests.remove(guest)
    holding.set_guest(center, contact, guest, False)
    endings.tell_transfer(center, guest.refer, 200)
    endings.line_over(center, guest, "transferred")
    rang = max(0.0, guest.talks_at - guest.ringing_at) if guest.ringing_at else 0.0
    if consulted and not how:
        _consult_over(center, contact, guest, "transferred")
    how = how or ("attended" if consulted else "left")
    out(center, contact, how, to_agent=guest.agent, to_number=guest.number)
    if how == "blind":
        center.schedule(contact, "dial", None)
        center.emit(ev.TransferEnded(contact.id, guest.agent, guest.number, "answered", rang))
    contact.agent, contact.agent_leg = guest.agent, guest.leg
    holding.new_hands(center, contact, muted=guest.muted)
    holding.caller_is_back(center, contact)
    audio_paths.connect(center, contact)
    if consulted and guest.agent:
        center.agents[guest.agent].bridged_at = center.at
        center.touch(center.agents[guest.agent])
        center.emit(ev.CallBridged(contact.id, guest.agent, "", 0.0, rang))
    holding.tell(center, contact, False)
    moved_on(center, contact)


def hand_over_ringing(center: Center, contact: Contact, guest: Guest) -> None:
    """Who was to be consulted, or to have it by the phone's wish, gets the call when they answer; it rings on."""
    if not center.fire(CONTACT, contact, "transfer"):
        return
    contact.guests.remove(guest)
    by = contact.holder
    holding.stop_ringback(center, contact, guest)
    endings.line_over(center, guest, "handed_over")
    if not guest.refer:
        _consult_over(center, contact, guest, "handed_over")
    out(center, contact, "blind", to_agent=guest.agent, to_number=guest.number)
    contact.transfer = Transfer(
        guest.agent, guest.number, guest.trunk, RING, guest.begun_at, guest.ringing_at, guest.leg, by
    )
    if not guest.refer:
        _transfer_begins(center, contact, guest)
    holding.caller_waits(center, contact)
    audio_paths.connect(center, contact)


def wanted_blindly(center: Center, contact: Contact, guest: Guest) -> None:
    """It was to be a consult, and is a transfer now."""
    _consult_over(center, contact, guest, "handed_over")
    _transfer_begins(center, contact, guest)


def _consult_over(center: Center, contact: Contact, guest: Guest, outcome: str) -> None:
    talked = max(0.0, center.at - guest.talks_at) if guest.talks else 0.0
    center.emit(party_events.ConsultEnded(contact.id, guest.by, guest.agent, guest.number, outcome, talked))


def _transfer_begins(center: Center, contact: Contact, guest: Guest) -> None:
    center.emit(ev.TransferStarted(contact.id, guest.agent, guest.number, guest.trunk, RING))


def out(
    center: Center,
    contact: Contact,
    how: str,
    *,
    to_agent: str = "",
    to_number: str = "",
    to_queue: str = "",
    slot: int = 0,
    note: str = "",
) -> None:
    """Who has the call is out of it, and one of ours wraps up; nobody has it until another takes it."""
    leg, agent = center.legs.get(contact.agent_leg), contact.agent
    if contact.holder:
        center.emit(
            party_events.CallHandedOver(
                contact.id, agent, how, to_agent, to_number, to_queue, slot, note, contact.supervisor
            )
        )
        contact.handed = Handed(contact.holder, how, note)
    else:
        center.emit(party_events.PartyLeft(contact.id, "", leg.number if leg is not None else ""))
    if holding.on_hold(center, contact):
        center.emit(ev.CallHeld(contact.id, agent, False))
    contact.agent = contact.agent_leg = ""
    holding.new_hands(center, contact)
    if leg is not None:
        endings.end_leg(center, leg, AGENT_HANG_UP.name)
    if agent:
        endings.after_talk(center, contact, center.agents[agent])
    endings.supervisor_out(center, contact)


def phone_gone(center: Center, contact: Contact, leg: Leg) -> bool:
    """A leg of the conversation, and not the caller's, is gone; whether the conversation goes on."""
    guest = contact.guest_on(leg.id)
    if guest is not None:
        guest_gone(center, contact, guest)
        return True
    return contact.agent_leg == leg.id and agent_leaves(center, contact)


def free_for_calls(agent: Agent) -> bool:
    """Whether a colleague may ring this agent: not ready is no reason against it."""
    return agent.state == "idle" and agent.phone and agent.status != "logged_out"
