"""Who hears whom in a conversation: worked out whole from its state, and sent whole (architecture, vocabulary).

All in the room hear each other: the agent who has the call, conferees, and the caller when not on hold. Who is
consulted and the agent who asked are beside it, alone, unless who is consulted waits with music.
"""

from __future__ import annotations

from cti_engine.core.center import Center
from cti_engine.core.commands import RecordLegs, SetAudioPaths
from cti_engine.core.contact import Contact, Guest

Path = tuple[str, str]
"""(speaker, listener), both legs."""


def aside(contact: Contact) -> Guest | None:
    """With whom the agent talks alone."""
    guest = contact.consulted
    return guest if guest is not None and guest.talks and not guest.held else None


def room(contact: Contact) -> list[str]:
    """The legs that hear each other; empty when nobody has the call."""
    if contact.state != "talking":
        return []
    legs = [] if contact.controls.held else [contact.caller_leg]
    if aside(contact) is None:
        legs.append(contact.agent_leg)
    return legs + [guest.leg for guest in contact.conferees]


def audio_paths(contact: Contact) -> tuple[Path, ...]:
    """A muted one hears, and is heard by nobody."""
    silent = {guest.leg for guest in contact.guests if guest.muted}
    if contact.controls.muted:
        silent.add(contact.agent_leg)
    groups = [room(contact)]
    beside = aside(contact)
    if beside is not None and contact.state == "talking":
        groups.append([contact.agent_leg, beside.leg])
    return tuple(
        (speaker, listener)
        for group in groups
        for listener in reversed(group)
        for speaker in group
        if speaker != listener and speaker not in silent
    )


def connect(center: Center, contact: Contact) -> None:
    """What has changed in the conversation is heard, and recorded, from now on."""
    center.command(SetAudioPaths(contact.worker, audio_paths(contact)))
    legs = [leg for leg in room(contact) if leg != contact.caller_leg]
    if contact.recording and legs != contact.recorded:
        contact.recorded = legs
        center.command(RecordLegs(contact.worker, contact.recording, tuple(legs)))
        center.touch(contact)
