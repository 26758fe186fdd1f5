"""After a loss: the engine restarted, a worker came back or is gone for good, the edge told who is registered.

What a worker reports is the truth about legs; what we stored is the truth about contacts. Differences wait a moment,
because the signals that explain them may still be on the link behind the hello.
"""

from __future__ import annotations

from cti_engine.core import (
    callbacks,
    conversation,
    endings,
    flow_runner,
    offers,
    outbound,
    parties,
    supervising,
    transfers,
)
from cti_engine.core import end_causes as causes
from cti_engine.core import events as ev
from cti_engine.core.center import Center, in_order
from cti_engine.core.commands import EndDialog, EndLeg
from cti_engine.core.end_causes import OfferOutcome
from cti_engine.core.leg import Leg
from cti_engine.core.rows import OtherPhone, Owner, WorkerNote
from cti_engine.core.signals import (
    CommandRefused,
    EdgeSeen,
    LegFailed,
    ListeningFailed,
    PhoneRegistered,
    PhoneUnregistered,
    Restarted,
    WorkerLost,
    WorkerSeen,
)

EXPLAINED_WITHIN = 1.0
"""Seconds after a worker's hello in which the signals behind it may explain a difference."""
SILENT_AFTER = 8.0
"""Seconds after an engine restart in which a worker with legs must say hello."""


def restarted(center: Center, signal: Restarted) -> None:
    """Deadlines that fell due while nobody looked get a grace period: no storm of RONAs (decision 6)."""
    owners: list[Owner] = [
        *center.contacts.values(),
        *center.agents.values(),
        *center.reservations.values(),
        *center.workers.values(),
    ]
    for owner in owners:
        for name, at in list(owner.deadlines.items()):
            if at < center.now + signal.grace:
                center.schedule(owner, name, center.now + signal.grace)
    for worker_id in sorted({leg.worker for leg in center.legs.values()}):
        note = center.workers.setdefault(worker_id, WorkerNote(worker_id))
        center.schedule(note, "silent", center.now + SILENT_AFTER)
    center.to_match += [("call", c.id) for c in center.contacts.values() if c.state == "queued"]
    center.seen_agents.update(center.agents)
    center.seen_queues.update(center.queues)


def worker_seen(center: Center, signal: WorkerSeen) -> None:
    """A worker's hello names its live legs.

    A leg that we have only asked to dial is no suspect, it is left to its ring time: its DialLeg may be on the way.
    """
    center.known_workers.add(signal.worker)
    note = center.workers.get(signal.worker)
    ours = {leg.id: leg for leg in center.legs.values() if leg.worker == signal.worker}
    suspects = sorted(i for i, leg in ours.items() if i not in signal.legs and leg.state != "dialling")
    strangers = sorted(set(signal.legs) - set(ours))
    if not suspects and not strangers:
        if note is not None:
            center.drop(note)
        return
    note = note or WorkerNote(signal.worker)
    center.workers[signal.worker] = note
    note.suspects, note.strangers = tuple(suspects), tuple(strangers)
    center.schedule(note, "silent", None)
    center.schedule(note, "explain", center.now + EXPLAINED_WITHIN)


def explain_over(center: Center, note: WorkerNote) -> None:
    """Legs of whose end nobody has told are lost; legs that we still do not know are ended."""
    for leg_id in note.suspects:
        leg = center.legs.get(leg_id)
        if leg is not None:
            leg_lost(center, leg)
    for leg_id in note.strangers:
        if leg_id not in center.legs:
            center.command(EndLeg(note.id, leg_id, causes.LEG_LOST.sip_code, causes.LEG_LOST.name))
    center.drop(note)


def leg_lost(center: Center, leg: Leg) -> None:
    """A leg is gone without a word from its worker. One that was ending takes nothing along."""
    endings.leg_gone(center, leg)
    contact = center.contacts.get(leg.contact)
    if contact is None or leg.state == "ending":
        return
    if leg.role == "line":
        parties.line_gone(center, contact, leg)
    elif contact.state == "calling":
        if leg.id == contact.caller_leg:
            callbacks.not_reached(center, contact, OfferOutcome.WORKER_LOST)
        else:
            callbacks.agent_gone(center, contact)
    elif contact.state == "dialling" and leg.id in (contact.caller_leg, contact.agent_leg):
        outbound.leg_ended(center, contact, leg, 0)
    elif leg.role == "supervisor":
        supervising.gone(center, contact)
    elif leg.offer in center.reservations:
        offers.lost(center, leg)
    elif contact.state == "talking" and parties.phone_gone(center, contact, leg):
        return
    elif leg.role == "outside" and contact.state == "transferring":
        transfers.not_reached(center, contact, OfferOutcome.WORKER_LOST)
    else:
        endings.end_contact(center, contact, causes.LEG_LOST)


def worker_lost(center: Center, signal: WorkerLost) -> None:
    """A worker process is gone: its phones get a BYE from the edge, its contact ends, its agent is free.

    The record waits for the recording, which the worker that takes its place repairs.
    """
    center.known_workers.discard(signal.worker)
    note = center.workers.get(signal.worker)
    if note is not None:
        center.drop(note)
    for leg in sorted(center.legs.values(), key=lambda leg: in_order(leg.id)):
        if leg.worker == signal.worker and center.contacts[leg.contact].worker != signal.worker:
            endings.leg_gone(center, leg)  # of a callback that is not served there any longer
    theirs = [c for c in center.contacts.values() if c.worker == signal.worker]
    for contact in sorted(theirs, key=lambda contact: in_order(contact.id)):
        for leg in center.legs_of(contact):
            if leg.dialog is not None:
                center.command(EndDialog(leg.id, leg.dialog))
            center.drop(leg)
        if contact.state == "ended":
            endings.close_if_done(center, contact)
        elif not contact.has_call and contact.state in ("offered", "calling"):
            callbacks.worker_lost(center, contact)
        else:
            endings.end_contact(center, contact, causes.WORKER_LOST)


def refused(center: Center, signal: CommandRefused) -> None:
    """A worker could not do what we asked; go on as if the outcome had come by itself."""
    leg = center.legs.get(signal.leg)
    contact = center.contacts.get(leg.contact) if leg is not None else None
    match signal.command:
        case "StartRecording":
            _not_recorded(center, signal)
        case "DialLeg" if (
            leg is not None
            and leg.role == "agent"
            and signal.code == "wrong_state"
            and contact is not None
            and not contact.has_call
        ):
            offer = center.reservations.get(leg.offer)
            if offer is not None and offer.leg == leg.id:
                offers.no_worker(center, offer)
        case "DialLeg" if leg is not None:
            conversation.leg_failed(center, LegFailed(signal.worker, leg.id, 503, signal.code))
        case "AnswerLeg" | "EndLeg" | "RejectLeg" if leg is not None and signal.code == "no_such_leg":
            leg_lost(center, leg)
        case "PlayPrompts" | "PlayFiles" if contact is not None and contact.flow is not None:
            center.anomalies.append(f"contact {contact.id}: nothing could be played: {signal.text}")
            flow_runner.playback_ended(center, contact, contact.flow.playback)
        case "Listen" if contact is not None and contact.flow is not None:
            failed = ListeningFailed(signal.worker, signal.leg, contact.flow.listening, "unavailable")
            flow_runner.not_heard(center, contact, failed)
        case _ if leg is None:
            center.late += 1
        case _:
            center.anomalies.append(f"{signal.command} refused for {signal.leg}: {signal.code}")


def _not_recorded(center: Center, signal: CommandRefused) -> None:
    """The call goes on without a recording, and nobody waits for one."""
    for contact in list(center.contacts.values()):
        if contact.worker == signal.worker and signal.recording in contact.recordings:
            center.anomalies.append(f"contact {contact.id}: not recorded: {signal.text or signal.code}")
            contact.forget_recording(signal.recording)
            center.touch(contact)
            flow_runner.recorded(center, contact, signal.recording, "", 0.0)
            endings.close_if_done(center, contact)
            return
    center.late += 1


def edge_seen(center: Center, signal: EdgeSeen) -> None:
    live = set(signal.users)
    for user in sorted(live | center.agents.keys() | center.other_phones.keys()):
        _phone(center, user, user in live)


def phone_registered(center: Center, signal: PhoneRegistered) -> None:
    _phone(center, signal.user, True)


def phone_unregistered(center: Center, signal: PhoneUnregistered) -> None:
    _phone(center, signal.user, False)


def _phone(center: Center, agent_id: str, registered: bool) -> None:
    agent = center.agents.get(agent_id)
    if agent is None:
        if registered and agent_id not in center.other_phones:
            center.add(OtherPhone(agent_id))
        elif not registered and agent_id in center.other_phones:
            center.drop(center.other_phones[agent_id])
        return
    if agent.phone == registered:
        return
    agent.phone = registered
    center.emit(ev.PhoneStateChanged(agent.id, registered))
    center.agent_enters(agent)
