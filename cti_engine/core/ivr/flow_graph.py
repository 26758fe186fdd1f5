"""The graph of a flow: which steps lead to which, and which of them take no time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cti_engine.core.ivr.flow import (
    Branch,
    EndCall,
    EnterQueue,
    Flow,
    Gather,
    LookUpService,
    Menu,
    OpenQuestion,
    Question,
    Return,
    RunFlow,
    Say,
    Send,
    SetLanguage,
    SetValues,
    Step,
    Wait,
)

INSTANT = (Branch, SetValues, SetLanguage, Send)
"""Steps of flows that take no time."""


def ways(step: Step) -> Iterator[tuple[str, str]]:
    """Name and target of each way out of the step within its flow."""
    match step:
        case Menu():
            yield from ((name, choice.go_to) for name, choice in step.choices.items())
        case Branch():
            yield from ((str(number), case.go_to) for number, case in enumerate(step.cases, 1))
            yield "else", step.otherwise
        case LookUpService():
            yield from (("next", step.next), ("failed", step.failed))
        case Gather() | OpenQuestion() | Say() | Wait() | SetValues() | SetLanguage() | Send() | RunFlow():
            yield "next", step.next
        case EnterQueue() | EndCall() | Return():
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
