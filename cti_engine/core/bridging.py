"""The bridge: two phones on one worker hear each other, and are recorded; of a message there is nothing to join."""

from __future__ import annotations

from cti_engine.core import audio_paths, endings, hints, holding, recording_consent, waiting
from cti_engine.core import events as ev
from cti_engine.core.agent import Agent
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact


def bridge(center: Center, contact: Contact, agent: Agent, queue: str, rang: float) -> None:
    """Caller and agent hear each other and are recorded; the treatment of the `queue`, if any, stops."""
    agent.bridged_at = center.at
    waiting.left_others(center, contact, "answered_elsewhere")
    waiting.leave(center, contact, answered=True)
    if contact.agent_leg:
        join(center, contact)
    center.agent_enters(agent, "bridge")
    waited = max(0.0, center.at - contact.queued_at) if queue else 0.0
    if not queue and not contact.cdr.bridged_at:  # a flow gives it to its first agent, after that wait
        waited = contact.cdr.wait_s
    center.emit(ev.CallBridged(contact.id, agent.id, queue, waited, rang))
    hints.given(center, contact, agent)


def join(center: Center, contact: Contact) -> None:
    """The caller and the phone that has answered, be it an agent's or not."""
    endings.stop_prompts(center, contact)
    holding.caller_is_back(center, contact)
    audio_paths.connect(center, contact)
    recording_consent.record(center, contact)
