"""What legs tell while a call lives: ringing, answered, held, keys, ended. Unknown legs are late, never an error."""

from __future__ import annotations

from cti_engine.core import (
    after_call,
    audio_paths,
    callbacks,
    endings,
    flow_runner,
    hand_overs,
    hints,
    holding,
    intake,
    messages,
    offers,
    outbound,
    parties,
    recording_consent,
    supervising,
    transfers,
)
from cti_engine.core import end_causes as causes
from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact, Guest
from cti_engine.core.end_causes import EndCause
from cti_engine.core.leg import LEG, Leg
from cti_engine.core.line_quality import CallerLineChanged, LineChanged
from cti_engine.core.signals import (
    DigitPressed,
    LegAnswered,
    LegEnded,
    LegFailed,
    LegHeld,
    LegRinging,
    ListeningFailed,
    PlaybackEnded,
    RecordingEnded,
    SpeechHeard,
    SpeechPartial,
    SpeechStarted,
)

AGENT_CAUSE = {
    "media_timeout": causes.AGENT_MEDIA_TIMEOUT,
    "shut_down": causes.SHUT_DOWN,
}
OUTSIDE_CAUSE = {
    "remote": causes.OUTSIDE_HANG_UP,
    "media_timeout": causes.OUTSIDE_MEDIA_TIMEOUT,
    "shut_down": causes.SHUT_DOWN,
}
CALLER_CAUSE = {"media_timeout": causes.CALLER_MEDIA_TIMEOUT, "shut_down": causes.SHUT_DOWN}
"""Of what a worker did by itself; what it did not explain, it did because the engine was away."""
LegSignal = (
    LegRinging | LegAnswered | LegFailed | LegEnded | LegHeld | DigitPressed | PlaybackEnded
    | SpeechStarted | SpeechPartial | SpeechHeard | ListeningFailed | LineChanged
)  # fmt: skip


def _leg(center: Center, signal: LegSignal) -> Leg | None:
    leg = center.legs.get(signal.leg)
    if leg is None or leg.worker != signal.worker:
        center.late += 1
        return None
    return leg


def leg_ringing(center: Center, signal: LegRinging) -> None:
    leg = _leg(center, signal)
    if leg is not None and center.fire(LEG, leg, "ringing"):
        if signal.dialog is not None:
            leg.dialog = signal.dialog
        if leg.role == "supervisor":
            return
        found = _guest(center, leg)
        contact = center.contacts.get(leg.contact)
        if found is not None:
            parties.ringing(center, *found)
        elif leg.role == "outside":
            transfers.ringing(center, leg)
        elif leg.role == "caller" and contact is not None:
            outbound.ringing(center, contact, leg)
        else:
            offers.ringing(center, leg)


def leg_answered(center: Center, signal: LegAnswered) -> None:
    leg = _leg(center, signal)
    if leg is None:
        return
    leg.dialog = signal.dialog  # of a leg that is ending too: its worker may die before it has said BYE
    center.touch(leg)
    if not center.fire(LEG, leg, "answered"):
        return
    if leg.role == "caller":
        contact = center.contacts.get(leg.contact)
        if contact is not None and contact.has_call:
            intake.answered(center, leg)
        elif contact is not None and contact.outbound is not None:
            outbound.answered(center, contact, leg)
        else:
            callbacks.caller_answered(center, leg)
    elif leg.role == "line":
        return  # whom it has called is on the line already
    elif leg.role == "supervisor":
        supervising.answered(center, leg)
    elif (found := _guest(center, leg)) is not None:
        parties.outside_answered(center, *found, leg)
    elif leg.role == "outside":
        transfers.outside_answered(center, leg)
    else:
        offers.answered(center, leg)


def leg_failed(center: Center, signal: LegFailed) -> None:
    leg = _leg(center, signal)
    if leg is None:
        return
    ended_by_us = leg.state == "ending"
    if center.fire(LEG, leg, "failed"):
        endings.leg_gone(center, leg)
        contact = center.contacts.get(leg.contact)
        if ended_by_us or contact is None:
            return
        if leg.role == "agent":
            offers.failed(center, leg, signal.sip_code)
        elif leg.role == "supervisor":
            endings.monitor_over(center, contact, causes.offer_outcome(signal.sip_code))
        elif (guest := contact.guest_on(leg.id)) is not None:
            parties.not_reached(center, contact, guest, causes.offer_outcome(signal.sip_code))
        elif leg.role == "outside":
            transfers.outside_failed(center, leg, signal.sip_code)
        elif contact.has_call:
            endings.end_contact(center, contact, causes.ANSWER_FAILED)
        elif contact.outbound is not None:
            outbound.failed(center, contact, signal.sip_code)
        else:
            callbacks.failed(center, contact, signal.sip_code)


def leg_ended(center: Center, signal: LegEnded) -> None:
    """A leg is over. If we had not ended it, its party has: that ends the call."""
    leg = _leg(center, signal)
    if leg is None:
        return
    state = leg.state
    if not center.fire(LEG, leg, "ended"):
        return
    contact = center.contacts.get(leg.contact)
    center.drop(leg)
    if contact is None:
        return
    if state == "ending":
        endings.close_if_done(center, contact)
    elif leg.role == "supervisor":
        supervising.gone(center, contact)
    elif leg.role == "line":
        parties.line_gone(center, contact, leg)
    elif contact.state == "calling":
        if leg.id == contact.caller_leg:
            callbacks.failed(center, contact, signal.sip_code)
        elif leg.id == contact.agent_leg:
            callbacks.agent_gone(center, contact)
    elif contact.state == "dialling" and leg.id in (contact.caller_leg, contact.agent_leg):
        outbound.leg_ended(center, contact, leg, signal.sip_code)
    elif leg.role == "caller":
        endings.end_contact(center, contact, _caller_cause(contact, state, signal.by))
        endings.close_if_done(center, contact)
    elif contact.state == "talking" and (leg.id == contact.agent_leg or contact.guest_on(leg.id)):
        if signal.by == "media_timeout" and leg.agent:
            endings.phone_vanished(center, center.agents[leg.agent])
        if not parties.phone_gone(center, contact, leg):
            _last_phone_gone(center, contact, leg, signal.by)
    elif leg.role == "outside":
        transfers.outside_failed(center, leg, signal.sip_code)
    else:
        offers.failed(center, leg, signal.sip_code)


def _last_phone_gone(center: Center, contact: Contact, leg: Leg, by: str) -> None:
    """The caller talks to nobody any longer."""
    if by == "remote" and hand_overs.gave_up(center, contact):
        return
    if leg.role == "outside":
        endings.end_contact(center, contact, OUTSIDE_CAUSE.get(by, causes.ENGINE_AWAY))
    elif by == "remote":
        after_call.agent_hung_up(center, contact)
    else:
        endings.end_contact(center, contact, AGENT_CAUSE.get(by, causes.ENGINE_AWAY))


def _guest(center: Center, leg: Leg) -> tuple[Contact, Guest] | None:
    """Whose phone outside it is; an agent's is known by its offer."""
    contact = center.contacts.get(leg.contact)
    guest = contact.guest_on(leg.id) if contact is not None else None
    return (contact, guest) if contact is not None and guest is not None else None


def _caller_cause(contact: Contact, leg_state: str, by: str) -> EndCause:
    if by != "remote":
        return CALLER_CAUSE.get(by, causes.ENGINE_AWAY)
    if leg_state in ("offered", "answering"):
        return causes.CALLER_ABANDONED_RINGING
    match contact.state:
        case "queued":
            return causes.CALLER_ABANDONED_QUEUE
        case "offered":
            return causes.CALLER_ABANDONED_OFFER
        case "transferring" | "parked":
            return causes.CALLER_ABANDONED_TRANSFER
        case "arriving" | "in_flow":
            return causes.CALLER_ABANDONED_IVR
        case _:
            return causes.CALLER_HANG_UP


def digit_pressed(center: Center, signal: DigitPressed) -> None:
    """The caller's key goes to the flow; an agent's keys mean nothing yet."""
    leg = _leg(center, signal)
    contact = center.contacts.get(leg.contact) if leg is not None else None
    if leg is not None and leg.role == "caller" and contact is not None:
        if recording_consent.answered(center, contact, signal.digit):
            return
        flow_runner.digit(center, contact, signal.digit)


def speech(center: Center, signal: SpeechStarted | SpeechPartial | SpeechHeard | ListeningFailed) -> None:
    """Of the caller in a flow. What comes of anybody else, or for a turn that is over, comes too late."""
    leg = _leg(center, signal)
    contact = center.contacts.get(leg.contact) if leg is not None else None
    if contact is None or leg is None or leg.id != contact.caller_leg or contact.flow is None:
        center.late += 1
        return
    match signal:
        case SpeechStarted():
            flow_runner.speech_started(center, contact, signal)
        case SpeechPartial():
            flow_runner.hearing(center, contact, signal)
        case SpeechHeard():
            flow_runner.heard(center, contact, signal)
        case ListeningFailed():
            flow_runner.not_heard(center, contact, signal)


def playback_ended(center: Center, signal: PlaybackEnded) -> None:
    leg = _leg(center, signal)
    contact = center.contacts.get(leg.contact) if leg is not None else None
    if contact is not None:
        flow_runner.playback_ended(center, contact, signal.playback)


def recording_ended(center: Center, signal: RecordingEnded) -> None:
    """By the worker that made it, or by the one that repaired what a lost one had made."""
    for contact in list(center.contacts.values()):
        if signal.recording in contact.recordings:
            if signal.recording == contact.recording:
                center.emit(ev.RecordingStored(contact.id, signal.path, signal.seconds))
                contact.recording = ""
            else:
                messages.recorded(center, contact, signal.path, signal.seconds)
                flow_runner.recorded(center, contact, signal.recording, signal.path, signal.seconds)
            endings.close_if_done(center, contact)
            return
    center.late += 1


def leg_held(center: Center, signal: LegHeld) -> None:
    """A phone put the other on hold by itself (re-INVITE). The call is held while any of its phones holds; with two
    lines the phone says thus with whom the agent talks, and the other hears music.
    """
    leg = _leg(center, signal)
    contact = center.contacts.get(leg.contact) if leg is not None else None
    if leg is None or contact is None or contact.state != "talking":
        return
    was = holding.on_hold(center, contact)
    leg.held = signal.held
    center.touch(leg)
    guest = contact.consulted
    if guest is not None and guest.line and leg.id == contact.agent_leg:
        holding.set_caller(center, contact, signal.held)
    elif guest is not None and guest.talks and guest.line == leg.id:
        holding.set_guest(center, contact, guest, signal.held)
        audio_paths.connect(center, contact)
    holding.tell(center, contact, was)


def line_changed(center: Center, signal: LineChanged) -> None:
    """The caller's line has become poor, or good again: told to who has the call, and no moment to sell."""
    leg = _leg(center, signal)
    contact = center.contacts.get(leg.contact) if leg is not None else None
    if leg is None or contact is None or leg.id != contact.caller_leg or leg.poor == signal.poor:
        return
    leg.poor = signal.poor
    center.touch(leg)
    center.seen_agents.update(contact.agents)
    figures = (round(signal.mos, 2), round(signal.loss, 4), round(signal.jitter, 1), round(signal.delay, 1))
    center.emit(CallerLineChanged(contact.id, contact.agent, signal.poor, *figures))
    hints.reconsider(center, contact)
