"""What an agent does with the call they have: hold, mute, keys, a recording paused. Asked for twice is done once."""

from __future__ import annotations

from cti_engine.core import audio_paths, emergency, holding, requests
from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.commands import PauseRecording, SendDigits
from cti_engine.core.signals import DigitsRequested, HoldRequested, MuteRequested, PauseRecordingRequested

KEYS = frozenset("0123456789*#")
MOST_KEYS = 32


def hold(center: Center, signal: HoldRequested) -> None:
    """The caller waits, or is back. While somebody is consulted the agent is with the one or the other."""
    contact = requests.own_conversation(center, signal)
    if contact is None:
        return
    was, guest = holding.on_hold(center, contact), contact.consulted
    swaps = guest is not None and guest.talks and not guest.line and guest.held == signal.held
    if guest is not None and swaps:
        holding.set_guest(center, contact, guest, not signal.held)
    if swaps or signal.held != contact.controls.held:
        holding.set_caller(center, contact, signal.held)
        holding.tell(center, contact, was)
    requests.accept_request(center, signal.request)


def mute(center: Center, signal: MuteRequested) -> None:
    """Of the agent who has the call, or of one who is a guest in it."""
    found = requests.own_part(center, signal)
    if found is None:
        return
    contact, part = found
    if signal.muted != part.muted:
        part.muted = signal.muted
        center.touch(contact)
        audio_paths.connect(center, contact)
    requests.accept_request(center, signal.request)


def send_digits(center: Center, signal: DigitsRequested) -> None:
    """To whoever the agent talks with."""
    contact = requests.own_conversation(center, signal)
    if contact is None:
        return
    if not (0 < len(signal.digits) <= MOST_KEYS and KEYS.issuperset(signal.digits)):
        requests.refuse(center, signal.request, "bad_digits")
        return
    beside = audio_paths.aside(contact)
    leg = contact.caller_leg if beside is None else beside.leg
    center.command(SendDigits(contact.worker, leg, signal.digits))
    requests.accept_request(center, signal.request)


def pause_recording(center: Center, signal: PauseRecordingRequested) -> None:
    contact = requests.own_conversation(center, signal)
    if contact is None:
        return
    if not contact.recording:
        requests.refuse(center, signal.request, "not_recorded")
        return
    if signal.paused and emergency.is_one(center, contact.ani):
        requests.refuse(center, signal.request, "emergency")
        return
    if signal.paused != contact.controls.recording_paused:
        contact.controls.recording_paused = signal.paused
        center.touch(contact)
        center.seen_agents.add(contact.agent)
        center.command(PauseRecording(contact.worker, contact.recording, signal.paused))
        center.emit(ev.RecordingPaused(contact.id, contact.agent, signal.paused))
    requests.accept_request(center, signal.request)
