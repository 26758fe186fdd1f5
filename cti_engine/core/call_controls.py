"""What an agent does with the call they have: hold, mute, keys, a recording paused. Asked for twice is done once."""

from __future__ import annotations

from cti_engine.core import audio_paths, requests
from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.commands import PauseRecording, PlayPrompts, Prompt, SendDigits, StopPlayback
from cti_engine.core.contact import Contact
from cti_engine.core.signals import DigitsRequested, HoldRequested, MuteRequested, PauseRecordingRequested

KEYS = frozenset("0123456789*#")
MOST_KEYS = 32


def hold(center: Center, signal: HoldRequested) -> None:
    contact = requests.own_conversation(center, signal)
    if contact is None:
        return
    was, controls = on_hold(center, contact), contact.controls
    if signal.held != controls.held:
        controls.held = signal.held
        center.touch(contact)
        audio_paths.connect(center, contact)
        if signal.held:
            controls.music = center.new_id("p")
            music = (Prompt("music", "default"),)
            center.command(
                PlayPrompts(contact.worker, contact.caller_leg, controls.music, music, repeat=True)
            )
        else:
            center.command(StopPlayback(contact.worker, contact.caller_leg, controls.music))
            controls.music = ""
        tell_hold(center, contact, was)
    requests.accept_request(center, signal.request)


def on_hold(center: Center, contact: Contact) -> bool:
    """By the agent's page, or by a phone of its own."""
    return contact.controls.held or any(leg.held for leg in center.legs_of(contact))


def tell_hold(center: Center, contact: Contact, was: bool) -> None:
    held = on_hold(center, contact)
    if held != was:
        center.emit(ev.CallHeld(contact.id, contact.agent, held))
    center.seen_agents.add(contact.agent)


def mute(center: Center, signal: MuteRequested) -> None:
    contact = requests.own_conversation(center, signal)
    if contact is None:
        return
    if signal.muted != contact.controls.muted:
        contact.controls.muted = signal.muted
        center.touch(contact)
        center.seen_agents.add(contact.agent)
        audio_paths.connect(center, contact)
    requests.accept_request(center, signal.request)


def send_digits(center: Center, signal: DigitsRequested) -> None:
    contact = requests.own_conversation(center, signal)
    if contact is None:
        return
    if not (0 < len(signal.digits) <= MOST_KEYS and KEYS.issuperset(signal.digits)):
        requests.refuse(center, signal.request, "bad_digits")
        return
    center.command(SendDigits(contact.worker, contact.caller_leg, signal.digits))
    requests.accept_request(center, signal.request)


def pause_recording(center: Center, signal: PauseRecordingRequested) -> None:
    contact = requests.own_conversation(center, signal)
    if contact is None:
        return
    if not contact.recording:
        requests.refuse(center, signal.request, "not_recorded")
        return
    if signal.paused != contact.controls.recording_paused:
        contact.controls.recording_paused = signal.paused
        center.touch(contact)
        center.seen_agents.add(contact.agent)
        center.command(PauseRecording(contact.worker, contact.recording, signal.paused))
        center.emit(ev.RecordingPaused(contact.id, contact.agent, signal.paused))
    requests.accept_request(center, signal.request)
