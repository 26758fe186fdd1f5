"""A supervisor beside an agent in a call: who `listen`s is heard by nobody, who `whisper`s by that agent alone, who
`barge`s in by all who hear the agent; and takes the call over.

The supervisor is wherever the agent is, with the caller or with whom they consult, and hears what the agent hears: not
a caller on hold, nor a muted agent. When the call goes to another agent, the supervisor goes with it; when it goes back
to a queue, a flow or out of the center, the listening is over. It never changes what the others hear of each other.
"""

from __future__ import annotations

from cti_engine.core import audio_paths, endings, holding, parties, party_events, requests, targets
from cti_engine.core.center import Center
from cti_engine.core.commands import DialLeg
from cti_engine.core.contact import Contact, Monitor
from cti_engine.core.end_causes import OfferOutcome
from cti_engine.core.leg import Leg
from cti_engine.core.party_signals import (
    MonitorEndRequested,
    MonitorModeRequested,
    MonitorRequested,
    TakeOverRequested,
)

MODES = ("listen", "whisper", "barge")
_FOLLOWED = ("talking", "transferring")


def monitor(center: Center, signal: MonitorRequested) -> None:
    """The phone of whoever asks is rung on the contact's worker; listening begins when it answers."""
    contact = center.contacts.get(signal.contact)
    refusal = _why_not(center, signal, contact)
    if refusal or contact is None:
        requests.refuse(center, signal.request, refusal)
        return
    listened = signal.listened or contact.agent
    leg = Leg(center.new_id("l"), contact.worker, contact.id, "supervisor", "dialling", number=signal.agent)
    center.add(leg)
    contact.monitor = Monitor(signal.agent, listened, signal.mode, leg.id, center.at)
    center.schedule(contact, "monitor", center.now + parties.RING)
    name = center.definitions.agents[listened].name if listened in center.definitions.agents else listened
    center.command(DialLeg(leg.worker, leg.id, contact.id, signal.agent, contact.dnis or contact.queue, name))
    requests.accept_request(center, signal.request)


def _why_not(center: Center, signal: MonitorRequested, contact: Contact | None) -> str:
    """The code of the refusal; empty: nothing speaks against it."""
    if contact is None:
        return "unknown_contact"
    if signal.mode not in MODES:
        return "unknown_mode"
    if signal.agent in center.definitions.agents:
        return "takes_calls"
    if signal.agent not in center.other_phones:
        return "phone_not_registered"
    if not _talks(contact, signal.listened or contact.agent):
        return "nobody_to_listen_to"
    if contact.monitor is not None or len(center.legs_of(contact)) >= targets.LEGS:
        return "no_leg_left"
    rung = {"supervisor", "outside"}
    if any(leg.number == signal.agent and leg.role in rung for leg in center.legs.values()):
        return "on_the_phone"
    return ""


def _talks(contact: Contact, agent: str) -> bool:
    """With a phone: of a message in the page there is nothing to hear."""
    guest = contact.guest_called(agent)
    if contact.state != "talking" or not agent or not contact.agent_leg:
        return False
    return agent == contact.agent or (guest is not None and guest.talks)


def answered(center: Center, leg: Leg) -> None:
    """From now on it is heard, told and in the record."""
    contact = center.contacts[leg.contact]
    found = contact.monitor
    if found is None or found.leg != leg.id:
        return
    found.began_at = center.at
    center.schedule(contact, "monitor", None)
    if contact.agent and contact.state == "talking" and not _talks(contact, found.listened):
        found.listened = contact.agent  # the call went to another while it rang
    center.emit(
        party_events.MonitorStarted(
            contact.id, found.supervisor, found.listened, found.mode, _shown(center, found)
        )
    )
    audio_paths.connect(center, contact)


def no_answer(center: Center, contact: Contact) -> None:
    endings.monitor_over(center, contact, OfferOutcome.NO_ANSWER)


def gone(center: Center, contact: Contact) -> None:
    """The supervisor has hung up, or their phone is gone."""
    found = contact.monitor
    if found is None:
        return
    endings.monitor_over(center, contact, "left" if found.listens else OfferOutcome.UNREACHABLE)
    audio_paths.connect(center, contact)


def change_mode(center: Center, signal: MonitorModeRequested) -> None:
    """Also while the phone rings: it answers in this mode."""
    found = _own(center, signal)
    if found is None:
        return
    contact, mine = found
    if signal.mode not in MODES:
        requests.refuse(center, signal.request, "unknown_mode")
        return
    if signal.mode != mine.mode:
        mine.mode = signal.mode
        center.touch(contact)
        if mine.listens:
            _tell_change(center, contact, mine)
            audio_paths.connect(center, contact)
    requests.accept_request(center, signal.request)


def stop(center: Center, signal: MonitorEndRequested) -> None:
    found = _own(center, signal)
    if found is None:
        return
    endings.monitor_over(center, found[0], "stopped")
    audio_paths.connect(center, found[0])
    requests.accept_request(center, signal.request)


def take_over(center: Center, signal: TakeOverRequested) -> None:
    """The supervisor has the call, with an agent's controls (`requests.own_contact`), by a phone that is no agent's;
    whom the agent consulted is let go.
    """
    found = _own(center, signal)
    if found is None:
        return
    contact, mine = found
    if signal.state_version != contact.version:
        requests.refuse(center, signal.request, "stale")
        return
    if not mine.listens or contact.state != "talking" or not contact.agent:
        requests.refuse(center, signal.request, "wrong_state")
        return
    consulted = contact.consulted
    endings.monitor_over(center, contact, "taken_over")
    if consulted is not None:
        parties.cancel(center, contact, consulted)
    parties.out(center, contact, "taken_over", to_number=mine.supervisor)
    leg = center.legs[mine.leg]
    leg.role = "outside"
    center.touch(leg)
    contact.agent_leg, contact.supervisor, contact.taken_at = leg.id, mine.supervisor, center.at
    holding.caller_is_back(center, contact)
    audio_paths.connect(center, contact)
    parties.moved_on(center, contact)
    requests.accept_request(center, signal.request)


def follow(center: Center) -> None:
    """At the end of each signal: where the call has gone, who listens has gone along, or listens no longer."""
    touched = [center.contacts.get(id_) for kind, id_ in center.changed if kind == "contact"]
    for contact in touched:
        found = contact.monitor if contact is not None else None
        if contact is None or found is None:
            continue
        if contact.state not in _FOLLOWED:
            endings.monitor_over(center, contact, "call_over")
        elif contact.state == "talking" and not contact.agent:
            endings.monitor_over(center, contact, "no_agent")
        elif contact.state == "talking" and not _talks(contact, found.listened):
            found.listened = contact.agent
            if found.listens:
                _tell_change(center, contact, found)
                audio_paths.connect(center, contact)


def _own(
    center: Center, signal: MonitorModeRequested | MonitorEndRequested | TakeOverRequested
) -> tuple[Contact, Monitor] | None:
    contact = center.contacts.get(signal.contact)
    found = contact.monitor if contact is not None else None
    if contact is None or found is None or found.supervisor != signal.agent:
        requests.refuse(center, signal.request, "not_listening")
        return None
    return contact, found


def _tell_change(center: Center, contact: Contact, found: Monitor) -> None:
    center.emit(
        party_events.MonitorModeChanged(
            contact.id, found.supervisor, found.listened, found.mode, _shown(center, found)
        )
    )


def _shown(center: Center, found: Monitor) -> str:
    return found.listened if center.definitions.supervision.visible else ""
