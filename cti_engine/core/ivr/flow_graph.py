"""The graph of a flow: which steps lead to which, which of them take no time, and what each of them reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cti_engine.core.ivr import speech
from cti_engine.core.ivr.flow import (
    AskCallback,
    Branch,
    Content,
    EndCall,
    EnterQueue,
    Flow,
    Gather,
    GoToFlow,
    LeaveMessage,
    LookUpService,
    Menu,
    OpenQuestion,
    Question,
    Record,
    Return,
    RunFlow,
    Say,
    Send,
    SetLanguage,
    SetValues,
    Spoken,
    Step,
    Survey,
    Transfer,
    Wait,
)

INSTANT = (Branch, SetValues, SetLanguage, Send, AskCallback, LeaveMessage)
"""Steps of flows that take no time."""


def ways(step: Step) -> Iterator[tuple[str, str]]:
    """Name and target of each way out of the step within its flow."""
    match step:
        case Survey():
            yield "next", step.next
        case Menu():
            yield from ((name, choice.go_to) for name, choice in step.choices.items())
        case Branch():
            yield from ((str(number), case.go_to) for number, case in enumerate(step.cases, 1))
            yield "else", step.otherwise
        case Transfer():
            yield from (("busy", step.busy), ("no_answer", step.no_answer), ("failed", step.failed))
        case LookUpService() | AskCallback():
            yield from (("next", step.next), ("failed", step.failed))
        case Record():
            yield from (("next", step.next), ("no_input", step.no_input))
        case (
            Gather() | OpenQuestion() | Say() | Wait() | SetValues() | SetLanguage() | Send() | RunFlow()
            | LeaveMessage()
        ):  # fmt: skip
            yield "next", step.next
        case EnterQueue() | EndCall() | Return() | GoToFlow():
            pass
    if isinstance(step, Question):
        yield from (("no_input", step.no_input), ("no_match", step.no_match))


def following(step: Step) -> Iterator[str]:
    """The steps of a flow that one may lead to."""
    return (target for _, target in ways(step))


def steps_reached(flow: Flow, start: Iterable[str], through: tuple[type, ...] = ()) -> set[str]:
    """Steps on the ways from `start`, itself included; beyond a step only when it is of these kinds, if given."""
    reached: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        step = flow.steps.get(name)
        if step is None or name in reached:
            continue
        reached.add(name)
        if not through or isinstance(step, through):
            waiting += following(step)
    return reached


def flow_and_run(flow: Flow, flows: Mapping[str, Flow]) -> Iterator[Flow]:
    """The flow, then those that it runs, and what they run, each once."""
    found: set[str] = set()
    waiting = [flow]
    while waiting:
        each = waiting.pop(0)
        if each.id not in found:
            found.add(each.id)
            yield each
            waiting += [
                flows[step.flow]
                for step in each.steps.values()
                if isinstance(step, RunFlow) and step.flow in flows
            ]


def names_read(step: Step) -> Iterator[str]:
    """Every name whose value the step asks for: in texts, conditions and values."""
    match step:
        case Say():
            yield from _names_said(step.content)
        case Branch():
            for case in step.cases:
                yield from case.when.names_used
        case SetValues():
            yield from speech.names_in(step.variables)
            yield from speech.names_in(step.attributes)
        case LookUpService() | RunFlow():
            yield from speech.names_in(step.arguments)
        case Send():
            yield from speech.names_in(step.data)
        case AskCallback():
            yield from speech.names_in({"number": step.number})
        case Transfer():
            yield from speech.names_in({"agent": step.agent, "number": step.number})
            yield from _names_said(step.content)
        case EnterQueue():
            yield from speech.names_in(step.attributes)
        case Return():
            yield from speech.names_in(step.values)
        case Question():
            for content in (step.prompt, step.no_input_prompt, step.no_match_prompt, step.voice_prompt):
                yield from _names_said(content or {})
            if step.voice_prompt is not None:
                yield "call.answer_by"


def _names_said(content: Content) -> Iterator[str]:
    for utterances in content.values():
        for utterance in utterances:
            yield from (part.name for part in utterance if isinstance(part, Spoken))
