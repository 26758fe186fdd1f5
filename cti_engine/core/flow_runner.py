"""Runs a contact's flow: gives the interpreter its inputs and names, turns its actions into commands and events."""

from __future__ import annotations

from collections.abc import Callable

from cti_engine.core import callbacks, commands, endings, messages, offers, surveys, transfers, waiting
from cti_engine.core import end_causes as causes
from cti_engine.core import events as ev
from cti_engine.core.call_names import Names
from cti_engine.core.center import Center
from cti_engine.core.commands import PlayPrompts, StopPlayback
from cti_engine.core.contact import CONTACT, Contact
from cti_engine.core.ivr import session
from cti_engine.core.ivr.actions import (
    Action,
    Answered,
    AskService,
    AttributesSet,
    BeginFlow,
    Enqueue,
    HangUp,
    HeardSoFar,
    Leave,
    Listen,
    Play,
    RequestCallback,
    StartRecord,
    StepEntered,
    StopListen,
    StopPlay,
    StopRecord,
    Tell,
    TransferTo,
)
from cti_engine.core.ivr.asking import Said
from cti_engine.core.ivr.flow import Flow
from cti_engine.core.ivr.state import IvrState, Surroundings
from cti_engine.core.routing.build import milliseconds
from cti_engine.core.signals import (
    ListeningFailed,
    ServiceAnswered,
    SpeechHeard,
    SpeechPartial,
    SpeechStarted,
)

FLOWS_AT_ONCE = 16
"""Flows that one call may begin in one moment; more of them lead to each other without ever waiting."""


def begin(center: Center, contact: Contact, flow: Flow) -> None:
    """Start a flow from its first step, in the place of any that ran."""
    if not contact.has_call and contact.state != "after_call":  # nobody is there to hear it
        endings.end_contact(center, contact, causes.QUEUE_TIME_OUT)
        return
    if _moves_in_circles(center, contact):
        _fault(center, contact, f"flow {flow.id}: flows lead to each other without ever waiting")
        return
    contact.flow, actions = session.start(flow, contact.language, {}, _surroundings(center, contact))
    _apply(center, contact, actions)


def _surroundings(center: Center, contact: Contact) -> Surroundings:
    return Surroundings(
        lambda flow, version: center.flows.get((flow, version)),
        Names(center, contact),
        center.now,
        lambda: center.new_id("p"),
        center.secrets.setdefault(contact.id, {}),
        lambda queue, number: callbacks.possible(center, contact, queue, number),
        lambda agent, number, written: transfers.refusal(center, contact, agent, number, written),
    )


def _moves_in_circles(center: Center, contact: Contact) -> bool:
    if contact.flows_begun_at != center.now:
        contact.flows_begun, contact.flows_begun_at = 0, center.now
    contact.flows_begun += 1
    return contact.flows_begun > FLOWS_AT_ONCE


def digit(center: Center, contact: Contact, key: str) -> None:
    _go_on(center, contact, lambda state, around: session.digit(state, key, around))


def playback_ended(center: Center, contact: Contact, playback: str) -> None:
    _go_on(center, contact, lambda state, around: session.playback_ended(state, playback, around))


def deadline(center: Center, contact: Contact) -> None:
    _go_on(center, contact, session.time_passed)


def speech_started(center: Center, contact: Contact, signal: SpeechStarted) -> None:
    _go_on(center, contact, lambda state, around: session.speech_started(state, signal.listening, around))


def hearing(center: Center, contact: Contact, signal: SpeechPartial) -> None:
    _go_on(
        center, contact, lambda state, around: session.hearing(state, signal.listening, signal.text, around)
    )


def heard(center: Center, contact: Contact, signal: SpeechHeard) -> None:
    said = Said(signal.verdict, signal.choice, signal.text)
    _go_on(center, contact, lambda state, around: session.heard(state, signal.listening, said, around))


def not_heard(center: Center, contact: Contact, signal: ListeningFailed) -> None:
    _go_on(
        center,
        contact,
        lambda state, around: session.not_heard(state, signal.listening, signal.reason, around),
    )


def recorded(center: Center, contact: Contact, recording: str, path: str, seconds: float) -> None:
    _go_on(center, contact, lambda state, around: session.recorded(state, recording, path, seconds, around))


def service_answered(center: Center, signal: ServiceAnswered) -> None:
    contact = center.contacts.get(signal.contact)
    if contact is None or contact.flow is None:
        center.late += 1
        return
    values = None if signal.error else signal.values
    _go_on(center, contact, lambda state, around: session.answered(state, signal.request, values, around))


def _go_on(
    center: Center,
    contact: Contact,
    give: Callable[[IvrState, Surroundings], list[Action]],
) -> None:
    if contact.flow is not None and _has_flow(center, contact, contact.flow):
        _apply(center, contact, give(contact.flow, _surroundings(center, contact)))


def _has_flow(center: Center, contact: Contact, state: IvrState) -> bool:
    """Whether its version is there; after a restart that lost it, the current one goes on from the same step."""
    if (state.flow, state.version) in center.flows:
        return True
    current = center.definitions.flows.get(state.flow)
    if current is None or state.step not in current.steps:
        _fault(center, contact, f"flow {state.flow} has no step {state.step} any more")
        return False
    state.version = current.version
    return True


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
            case Listen():
                center.command(
                    commands.Listen(
                        contact.worker,
                        contact.caller_leg,
                        action.listening,
                        contact.flow.language if contact.flow else contact.language,
                        dict(action.phrases),
                        action.longest,
                    )
                )
            case StopListen():
                center.command(commands.StopListening(contact.worker, contact.caller_leg, action.listening))
            case HeardSoFar() if state is not None:
                center.emit(ev.CallerSpeaking(contact.id, state.flow, state.step, action.text))
            case StartRecord():
                messages.record(center, contact, action)
            case StopRecord():
                center.command(commands.StopRecording(contact.worker, action.recording))
            case Leave():
                messages.deliver(center, contact)
            case AskService():
                center.command(
                    commands.CallService(
                        contact.id, action.request, action.service, dict(action.arguments), action.deadline
                    )
                )
            case Tell():
                center.emit(ev.FlowMessage(contact.id, action.message, dict(action.data)))
            case Answered():
                surveys.answered(center, contact, action)
            case StepEntered():
                if not contact.in_queue:  # a treatment loops for as long as the caller waits
                    center.emit(ev.IvrStepEntered(contact.id, action.flow, action.step))
            case AttributesSet():
                set_attributes(center, contact, action.attributes)
            case RequestCallback():
                callbacks.request(
                    center,
                    contact,
                    action.queue,
                    action.number,
                    action.within,
                    action.tries,
                    action.retry_after,
                )
            case HangUp(cause="flow_fault"):
                _leave_flow(center, contact)
                _fault(center, contact, "the flow loops without ever waiting, or lacks a step")
                return
            case Enqueue() | HangUp() | TransferTo() | BeginFlow() if contact.state == "offered":
                _leave_flow(
                    center, contact
                )  # an agent's phone rings already: the wish to leave comes too late
                _treat(center, contact)
                return
            case TransferTo() if action.number in center.definitions.dialled_numbers:
                go_to_number(center, contact, action.number)
                return
            case BeginFlow():
                _go_to_flow(center, contact, action.flow)
                return
            case TransferTo():
                agent = transfers.begin(
                    center, contact, action.agent, action.number, action.trunk, action.seconds
                )
                if agent is not None:
                    offers.direct(center, contact, agent)
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
    center.secrets.pop(contact.id, None)
    center.schedule(contact, "flow", None)


def go_to_number(center: Center, contact: Contact, dnis: str) -> None:
    """As if the caller had dialled it: its flow, in its language."""
    number = center.definitions.dialled_numbers[dnis]
    set_attributes(center, contact, {"language": number.language})
    _go_to_flow(center, contact, number.flow)


def _go_to_flow(center: Center, contact: Contact, flow: str) -> None:
    """Out of this flow, and of the queue whose treatment it is."""
    _leave_flow(center, contact)
    if contact.state == "queued":
        waiting.leave_for(center, contact, "flow")
    if flow in center.definitions.flows:
        begin(center, contact, center.definitions.flows[flow])
    else:
        _fault(center, contact, f"there is no flow {flow}")


def _treat(center: Center, contact: Contact) -> None:
    flow = center.definitions.flows.get(contact.treatment)
    if flow is not None and contact.has_call:
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
        waiting.leave_for(center, contact, "flow")
    if definition.full_over and len(center.waiting_in(queue)) >= definition.full_over:
        center.emit(ev.QueueLeft(contact.id, queue, 0.0, "full"))
        go_to(center, contact, definition.full_to, priority)
        return
    if contact.state == "after_call":
        _fault(center, contact, f"the agent of this call has hung up: it cannot wait in {queue} again")
        return
    if not center.fire(CONTACT, contact, "enqueued"):
        return
    contact.treatment = definition.treatment if treatment is None else treatment
    contact.step_priority = priority
    change = waiting.join(center, contact, definition, priority)
    if contact.has_call:
        center.schedule(contact, "wait", contact.queue_entered_at + definition.max_wait)
    if change.overflow:
        _overflow(center, contact, queue)
    else:
        _treat(center, contact)


def go_to(center: Center, contact: Contact, target: str, priority: int = 0) -> None:
    """To a queue or a flow, by its name. The moves that take no time are counted as flows are."""
    if target in center.definitions.queues:
        if _moves_in_circles(center, contact):
            _fault(center, contact, f"queue {target}: queues lead to each other without ever waiting")
        else:
            enqueue(center, contact, target, priority, None)
    elif target in center.definitions.flows:
        begin(center, contact, center.definitions.flows[target])
    else:
        _fault(center, contact, f"there is no queue and no flow {target}")


def step_due(center: Center) -> bool:
    """Run the first of the matcher's timers that is due: a step of the rules, or a call to be matched again."""
    due = center.matcher.take_due(milliseconds(center.now))
    if due is None:
        return False
    if isinstance(due, str):
        center.to_match.append(("call", due))
        return True
    contact = center.contacts[due.contact]
    waiting.note(center, contact)
    waiting.tell(center, due)
    if due.overflow:
        _overflow(center, contact, due.queue)
    else:
        center.to_match.append(("call", due.contact))
    return True


def _overflow(center: Center, contact: Contact, queue: str) -> None:
    """The rules of a queue have nothing left for this call."""
    if queue != contact.queue:
        waiting.leave_lender(center, contact, queue, "overflow")
        return
    endings.stop_prompts(center, contact)
    waiting.leave_for(center, contact, "overflow")
    go_to(center, contact, center.queue_definition(queue).overflow_to)


def queue_time_out(center: Center, contact: Contact) -> None:
    """The longest wait is over: to the queue's flow for that, else the call ends."""
    definition = center.queue_definition(contact.queue)
    flow = center.definitions.flows.get(definition.on_time_out)
    if flow is None:
        endings.end_contact(center, contact, causes.QUEUE_TIME_OUT)
        return
    endings.stop_prompts(center, contact)
    waiting.leave_for(center, contact, "time_out")
    begin(center, contact, flow)
