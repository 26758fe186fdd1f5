"""Hold: who waits in a conversation hears music. The caller is on hold by the page, or by a phone itself."""

from __future__ import annotations

from cti_engine.core import audio_paths
from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.commands import PauseRecording, PlayPrompts, Prompt, StopPlayback
from cti_engine.core.contact import Contact, Controls, Guest


def on_hold(center: Center, contact: Contact) -> bool:
    """By the agent's page, or by the phone of the caller or the agent."""
    phones = (center.legs.get(leg) for leg in (contact.caller_leg, contact.agent_leg))
    return contact.controls.held or any(phone.held for phone in phones if phone is not None)


def tell(center: Center, contact: Contact, was: bool) -> None:
    held = on_hold(center, contact)
    if held != was:
        center.emit(ev.CallHeld(contact.id, contact.agent, held))
    center.seen_agents.update(contact.agents)


def set_caller(center: Center, contact: Contact, held: bool) -> None:
    """The page's hold: parted before the music begins, which ends when they hear each other again."""
    contact.controls.held = held
    audio_paths.connect(center, contact)
    if held:
        caller_waits(center, contact)
    else:
        caller_is_back(center, contact)
        for guest in contact.guests:
            stop_ringback(center, contact, guest)
    center.touch(contact)


def _music(center: Center, contact: Contact, leg: str) -> str:
    playback = center.new_id("p")
    music = (Prompt("music", "default"),)
    center.command(PlayPrompts(contact.worker, leg, playback, music, repeat=True))
    return playback


def caller_waits(center: Center, contact: Contact) -> None:
    """With music, unless it plays already."""
    if not contact.controls.music:
        contact.controls.music = _music(center, contact, contact.caller_leg)


def caller_is_back(center: Center, contact: Contact) -> None:
    if contact.controls.music:
        center.command(StopPlayback(contact.worker, contact.caller_leg, contact.controls.music))
        contact.controls.music = ""


def set_guest(center: Center, contact: Contact, guest: Guest, held: bool) -> None:
    """Who is consulted waits while the agent is with the caller."""
    guest.held = held
    if held and not guest.music:
        guest.music = _music(center, contact, guest.leg)
    elif not held and guest.music:
        center.command(StopPlayback(contact.worker, guest.leg, guest.music))
        guest.music = ""
    center.touch(contact)


def stop_ringback(center: Center, contact: Contact, guest: Guest) -> None:
    if guest.ringback:
        center.command(StopPlayback(contact.worker, contact.agent_leg, guest.ringback))
        guest.ringback = ""
        center.touch(contact)


def new_hands(center: Center, contact: Contact, *, muted: bool = False) -> None:
    """Nobody has set anything yet: another has the call. Music that plays goes on until somebody talks."""
    controls = contact.controls
    if controls.recording_paused and contact.recording:
        center.command(PauseRecording(contact.worker, contact.recording, False))
        center.emit(ev.RecordingPaused(contact.id, contact.agent, False))
    contact.controls = Controls(muted=muted, music=controls.music)
    center.touch(contact)
