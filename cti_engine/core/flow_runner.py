"""Runs a contact's flow: gives the interpreter its inputs and names, turns its actions into commands and events."""

from __future__ import annotations

from datetime import UTC, datetime

from cti_engine.core import end_causes as causes
from cti_engine.core import endings
from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.commands import PlayPrompts, StopPlayback
from cti_engine.core.contact import CONTACT, Contact
from cti_engine.core.ivr import session
from cti_engine.core.ivr.actions import Action, AttributesSet, Enqueue, HangUp, Play, StepEntered, StopPlay
from cti_engine.core.ivr.flow import Flow

FLOWS_AT_ONCE = 16
"""Flows that one call may begin in one moment; more of them lead to each other without ever waiting."""

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Names:
    """What a flow may ask of a contact at this moment (`core/ivr/names.py`); None where there is no value."""

    def __init__(self, center: Center, contact: Contact) -> None:
        self._center = center
        self._contact = contact

    def __call__(self, name: str) -> object:
        scope, _, field = name.partition(".")
        match scope:
            case "call":
                return self._call(field)
            case "queue":
                return self._queue(field) if self._contact.in_queue else None
            case "now":
                return self._now(field)
            case _:
                return None

    def _call(self, field: str) -> object:
        contact = self._contact
        match field:
            case "ani" | "dnis" | "name" | "source" | "language" | "priority":
                return getattr(contact, field)
            case "age":
                return self._center.now - contact.cdr.arrived_at
            case "known":
                return bool(contact.profile.get("customer"))
            case _:
                return contact.attributes.get(field, contact.profile.get(field))

    def _queue(self, field: str) -> object:
        center, contact = self._center, self._contact
        position = center.matcher.position(contact.id)
        match field:
            case "id":
                return contact.queue
            case "name":
                return center.queue_definition(contact.queue).name
            case "position":
                return position
            case "ahead":
                return position - 1
            case "waiting":
                return len(center.matcher.waiting(contact.queue))
            case "waited":
                return center.now - contact.queued_at
            case "agents_ready" | "agents_logged_in":
                members = [
                    center.agents[a]
                    for a in center.queue_definition(contact.queue).members
                    if a in center.agents
                ]
                if field == "agents_ready":
                    return sum(agent.available for agent in members)
                return sum(agent.status != "logged_out" for agent in members)
            case _:
                return None

    def _now(self, field: str) -> object:
        local = datetime.fromtimestamp(self._center.now + self._center.utc_offset, UTC)
        match field:
            case "hour" | "minute":
                return getattr(local, field)
            case "time":
                return local.strftime("%H:%M")
            case "date":
                return local.strftime("%Y-%m-%d")
            case "weekday":
                return _WEEKDAYS[local.weekday()]
            case _:
                return None


def begin(center: Center, contact: Contact, flow: Flow) -> None:
    """Start a flow from its first step, in the place of any that ran."""
    if contact.flows_begun_at != center.now:
        contact.flows_begun, contact.flows_begun_at = 0, center.now
    contact.flows_begun += 1
    if contact.flows_begun > FLOWS_AT_ONCE:
        _fault(center, contact, f"flow {flow.id}: flows lead to each other without ever waiting")
        return
    state, actions = session.start(
        flow, contact.language, {}, Names(center, contact), center.now, lambda: center.new_id("p")
    )
    contact.flow = state
    _apply(center, contact, actions)


def digit(center: Center, contact: Contact, key: str) -> None:
    flow = _flow(center, contact)
    if flow is not None and contact.flow is not None:
        names = Names(center, contact)
        actions = session.digit(flow, contact.flow, key, names, center.now, lambda: center.new_id("p"))
        _apply(center, contact, actions)


def playback_ended(center: Center, contact: Contact, playback: str, completed: bool) -> None:
    flow = _flow(center, contact)
    if flow is not None and contact.flow is not None:
        names = Names(center, contact)
        actions = session.playback_ended(
            flow, contact.flow, playback, completed, names, center.now, lambda: center.new_id("p")
        )
        _apply(center, contact, actions)


def deadline(center: Center, contact: Contact) -> None:
    flow = _flow(center, contact)
    if flow is not None and contact.flow is not None:
        names = Names(center, contact)
        actions = session.time_passed(flow, contact.flow, names, center.now, lambda: center.new_id("p"))
        _apply(center, contact, actions)


def _flow(center: Center, contact: Contact) -> Flow | None:
    """The version that the contact runs; after a restart that lost it, the current one from the same step."""
    state = contact.flow
    if state is None:
        return None
    flow = center.flows.get((state.flow, state.version))
    if flow is not None:
        return flow
    current = center.definitions.flows.get(state.flow)
    if current is None or state.step not in current.steps:
        _fault(center, contact, f"flow {state.flow} has no step {state.step} any more")
        return None
    state.version = current.version
    return current


def _fault(center: Center, contact: Contact, text: str) -> None:
    """A flow that cannot go on: who waits in a queue keeps waiting, without treatment; any other call ends."""
    center.anomalies.append(f"contact {contact.id}: {text}")
    if contact.in_queue:
        contact.treatment = ""
        endings.stop_prompts(center, contact)
    else:
        endings.end_contact(center, contact, causes.FLOW_FAULT)


def _apply(center: Center, contact: Contact, actions: list[Action]) -> None:
    state = contact.flow
    for action in actions:
        match action:
            case Play():
                center.command(
                    PlayPrompts(
                        contact.worker,
                        contact.caller_leg,
                        action.playback,
                        action.prompts,
                        action.stop_on_digit,
                        action.repeat,
                    )
                )
            case StopPlay():
                center.command(StopPlayback(contact.worker, contact.caller_leg, action.playback))
            case StepEntered():
                if not contact.in_queue:  # a treatment loops for as long as the caller waits
                    center.emit(ev.IvrStepEntered(contact.id, action.flow, action.step))
            case AttributesSet():
                set_attributes(center, contact, action.attributes)
            case HangUp(cause="flow_fault"):
                _leave_flow(center, contact)
                _fault(center, contact, "the flow loops without ever waiting, or lacks a step")
                return
            case Enqueue() | HangUp() if contact.state == "offered":
                _leave_flow(
                    center, contact
                )  # an agent's phone rings already: the wish to leave comes too late
                _treat(center, contact)
                return
            case Enqueue():
                _leave_flow(center, contact)
                enqueue(center, contact, action.queue, action.priority, action.treatment)
                return
            case HangUp():
                _leave_flow(center, contact)
                endings.end_contact(center, contact, causes.FLOW_HANG_UP)
                return
    if state is not None:
        center.schedule(contact, "flow", state.deadline)


def _leave_flow(center: Center, contact: Contact) -> None:
    """The flow is over; what the caller chose in it is kept for the agent."""
    if contact.flow is not None:
        contact.path += contact.flow.path
        contact.flow = None
    center.schedule(contact, "flow", None)


def _treat(center: Center, contact: Contact) -> None:
    flow = center.definitions.flows.get(contact.treatment)
    if flow is not None:
        begin(center, contact, flow)


def set_attributes(center: Center, contact: Contact, attributes: dict[str, object]) -> None:
    """Set call attributes; `language` and `name` are the contact's own."""
    contact.attributes.update(attributes)
    contact.language = str(attributes.get("language", contact.language))
    contact.name = str(attributes.get("name", contact.name))
    center.emit(ev.CallAttributesSet(contact.id, attributes))


def enqueue(center: Center, contact: Contact, queue: str, priority: int, treatment: str | None) -> None:
    """Into a queue; from one queue to the next the first queue time is kept."""
    definition = center.definitions.queues.get(queue)
    if definition is None:
        _fault(center, contact, f"there is no queue {queue}")
        return
    if contact.state == "queued":
        waited = max(0.0, center.at - contact.queued_at)
        endings.leave_queue(center, contact)
        center.fire(CONTACT, contact, "left_queue")
        center.emit(ev.QueueLeft(contact.id, contact.queue, waited, "flow"))
    if not center.fire(CONTACT, contact, "enqueued"):
        return
    contact.queue = queue
    contact.queued_at = contact.queued_at or center.at
    contact.queue_entered_at = center.at
    contact.treatment = definition.treatment if treatment is None else treatment
    contact.queue_priority = contact.priority + priority + definition.priority
    contact.queue_seq = center.new_number("queue")
    center.matcher.call_waits(contact.id, queue, contact.queue_priority, contact.queued_at, contact.queue_seq)
    position = center.matcher.position(contact.id)
    center.emit(ev.CallQueued(contact.id, queue, contact.queue_priority, position))
    center.schedule(contact, "wait", contact.queue_entered_at + definition.max_wait)
    endings.watch_cool_down(center, contact)
    center.to_match.append(("call", contact.id))
    _treat(center, contact)


def queue_time_out(center: Center, contact: Contact) -> None:
    """The longest wait is over: to the queue's flow for that, else the call ends."""
    definition = center.queue_definition(contact.queue)
    flow = center.definitions.flows.get(definition.on_time_out)
    if flow is None:
        endings.end_contact(center, contact, causes.QUEUE_TIME_OUT)
        return
    waited = max(0.0, center.at - contact.queued_at)
    endings.stop_prompts(center, contact)
    endings.leave_queue(center, contact)
    center.fire(CONTACT, contact, "left_queue")
    center.emit(ev.QueueLeft(contact.id, contact.queue, waited, "time_out"))
    begin(center, contact, flow)
