"""Messages: what callers record for a queue. One waits there as a contact of kind `voicemail`, with nobody on a line.

It stands in the same order as calls and is matched by the same rules, but has no treatment, is never timed out, never
overflows, and counts in no service level. An agent takes it in the page: no phone rings.
"""

from __future__ import annotations

from cti_engine.core import events as ev
from cti_engine.core import surveys, waiting
from cti_engine.core.agent import Agent
from cti_engine.core.center import Center
from cti_engine.core.commands import StartRecording
from cti_engine.core.contact import CONTACT, VOICEMAIL, Contact, Message
from cti_engine.core.ivr.actions import StartRecord
from cti_engine.core.reservation import RESERVATION, Reservation

ENOUGH = 2.0
"""Seconds of a message that are one, although its caller hung up."""


def begin(center: Center, origin: Contact, kind: str, queue: str, priority: int, message: Message) -> Contact:
    """A contact of `kind` that came of a call, with all that is known of its caller; it waits in the queue at once."""
    contact = Contact(
        center.new_id("c"),
        "",
        "",
        origin.ani,
        origin.dnis,
        origin.name,
        origin.source,
        language=origin.language,
        priority=origin.priority,
        kind=kind,
        definitions=center.definitions.version,
        attributes=dict(origin.attributes),
        profile=dict(origin.profile),
        looked_up=True,
        path=[*origin.path, *(origin.flow.path if origin.flow is not None else ())],
        origin=origin.id,
        message=message,
    )
    center.add(contact)
    center.emit(
        ev.CallArrived(
            contact.id, contact.ani, contact.dnis, contact.name, contact.source, kind, contact.origin
        )
    )
    known = {**contact.attributes, "language": contact.language, "name": contact.name}
    center.emit(ev.CallAttributesSet(contact.id, known))
    center.fire(CONTACT, contact, "flow_started")
    center.fire(CONTACT, contact, "enqueued")
    waiting.join(center, contact, center.queue_definition(queue), priority)
    return contact


def record(center: Center, contact: Contact, action: StartRecord) -> None:
    """The caller speaks; a message recorded before is kept until the new one is there."""
    before = contact.message or Message()
    kept = (before.path, before.seconds) if action.queue else ("", 0.0)
    contact.message = Message(
        action.queue, action.priority, *kept, action.recording, action.survey, action.question
    )
    name = f"{contact.id}-{action.recording}"
    center.command(
        StartRecording(
            contact.worker,
            action.recording,
            name,
            contact.caller_leg,
            longest=action.longest,
            silence=action.silence,
        )
    )
    center.touch(contact)


def recorded(center: Center, contact: Contact, path: str, seconds: float) -> None:
    """What a caller recorded alone is stored. Who hung up while speaking has left it, if there is enough of it."""
    message, ended = contact.message, contact.state == "ended"
    assert message is not None
    contact.forget_recording(message.recording)
    if path and (not ended or seconds >= ENOUGH):
        message.path, message.seconds = path, seconds
        if message.survey:
            surveys.spoken(center, contact, message)
    center.touch(contact)
    if ended:
        deliver(center, contact)


def deliver(center: Center, origin: Contact) -> None:
    """The message that the caller has recorded goes to its queue; where the queue is gone, it stays with the call."""
    if origin.kind == VOICEMAIL:  # its message has been delivered: it is what this contact is about
        return
    message, origin.message = origin.message, None
    center.touch(origin)
    if message is None or not message.path or not message.queue:
        return
    if message.queue not in center.definitions.queues:
        center.anomalies.append(f"contact {origin.id}: its message is for {message.queue}, which is no queue")
        center.emit(ev.RecordingStored(origin.id, message.path, message.seconds))
        return
    contact = begin(center, origin, VOICEMAIL, message.queue, message.priority, message)
    center.emit(ev.RecordingStored(contact.id, message.path, message.seconds))
    center.emit(ev.MessageLeft(origin.id, contact.id, message.queue, message.seconds))


def can_show(contact: Contact, agent: Agent) -> bool:
    """What no phone rings for needs an open page."""
    return contact.kind != VOICEMAIL or bool(agent.pages)


def kept_from(center: Center, contact: Contact, agent: Agent) -> None:
    """The agent has no page open: the contact waits for another, or for a page to open."""
    contact.excluded[agent.id] = center.now + center.definitions.limits.rona_cool_down
    waiting.keep_exclusions(center, contact)
    center.touch(contact)
    center.to_match += [("call", contact.id), ("agent", agent.id)]


def show(center: Center, offer: Reservation) -> None:
    """The page rings for as long as a phone would."""
    center.fire(RESERVATION, offer, "dial")
    center.fire(RESERVATION, offer, "ringing")
    offer.dialled_at = offer.ringing_at = center.at
    center.schedule(offer, "ring", center.now + center.queue_definition(offer.queue).ring_timeout)
    center.agent_enters(center.agents[offer.agent], "ring")
