"""Who hears whom in a conversation: worked out whole from its state, and sent whole (architecture, vocabulary)."""

from __future__ import annotations

from cti_engine.core.center import Center
from cti_engine.core.commands import SetAudioPaths
from cti_engine.core.contact import Contact

Path = tuple[str, str]
"""(speaker, listener), both legs."""


def audio_paths(contact: Contact) -> tuple[Path, ...]:
    """Of who talks with an agent. Who is on hold hears music, and is heard by nobody."""
    caller, agent, controls = contact.caller_leg, contact.agent_leg, contact.controls
    if controls.held:
        return ()
    heard = ((caller, agent),)
    return heard if controls.muted else (*heard, (agent, caller))


def connect(center: Center, contact: Contact) -> None:
    center.command(SetAudioPaths(contact.worker, audio_paths(contact)))
