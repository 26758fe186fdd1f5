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


def following(step: Step) -> Iterator[str]:
    """The steps of a flow that one may lead to."""
    match step:
        case Menu():
            yield from (choice.go_to for choice in step.choices.values())
        case Branch():
            yield from (case.go_to for case in step.cases)
            yield step.otherwise
        case LookUpService():
            yield from (step.next, step.failed)
        case Gather() | OpenQuestion() | Say() | Wait() | SetValues() | SetLanguage() | Send() | RunFlow():
            yield step.next
        case EnterQueue() | EndCall() | Return():
            pass
    if isinstance(step, Question):
        yield from (step.no_input, step.no_match)


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
