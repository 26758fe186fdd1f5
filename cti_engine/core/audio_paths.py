"""Who hears whom in a conversation: worked out whole from its state, and sent whole (architecture, vocabulary).

All in the room hear each other: the agent who has the call, conferees, and the caller when not on hold. Who is
consulted and the agent who asked are beside it, alone, unless who is consulted waits with music; with a second line of
the phone the agent is in both, and the phone says with whom they talk. A supervisor stands beside one agent, in
whichever of the two that agent is, and hears what they hear and say; see `supervising` for modes.
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
    beside = aside(contact)
    if beside is None or beside.line:
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
        mine = beside.line or contact.agent_leg
        groups.append([mine, beside.leg])
        if contact.controls.muted:
            silent.add(mine)
    paths = [
        (speaker, listener)
        for group in groups
        for listener in reversed(group)
        for speaker in group
        if speaker != listener and speaker not in silent
    ]
    monitor, listened = contact.monitor, monitored(contact)
    if monitor is not None and listened:
        near = next((group for group in groups if listened in group), [])
        heard_by = {"listen": [], "whisper": [listened], "barge": near}[monitor.mode]
        paths += [(speaker, monitor.leg) for speaker in near if speaker not in silent]
        paths += [(monitor.leg, listener) for listener in heard_by]
    return tuple(paths)


def monitored(contact: Contact) -> str:
    """The leg of the agent to whom a supervisor listens, the one who has the call now if theirs is gone; or none."""
    monitor = contact.monitor
    if monitor is None or not monitor.listens or contact.state != "talking":
        return ""
    guest = contact.guest_called(monitor.listened)
    if guest is not None and guest.talks:
        return guest.leg
    return contact.agent_leg if contact.agent else ""


def connect(center: Center, contact: Contact) -> None:
    """What has changed in the conversation is heard, and recorded, from now on."""
    center.command(SetAudioPaths(contact.worker, audio_paths(contact)))
    legs = [leg for leg in room(contact) if leg != contact.caller_leg]
    if contact.monitor is not None and contact.monitor.mode == "barge" and monitored(contact) in legs:
        legs.append(contact.monitor.leg)  # a whisper is between two of ours, and in no recording
    if contact.recording and legs != contact.recorded:
        contact.recorded = legs
        center.command(RecordLegs(contact.worker, contact.recording, tuple(legs)))
        center.touch(contact)
