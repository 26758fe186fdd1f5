"""What in flows is valid but surprises: calls that never end, variables that nothing has set, words that sound alike or
that nobody would understand, long menus, secrets that could be stored or told. Warnings all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.ivr.flow import (
    Choice,
    EndCall,
    EnterQueue,
    Flow,
    Gather,
    GoToFlow,
    LookUpService,
    Menu,
    OpenQuestion,
    Record,
    Return,
    RunFlow,
    Send,
    SetValues,
    Step,
    Survey,
    Transfer,
)
from cti_engine.core.ivr.flow_graph import flow_and_run, names_read, steps_reached, ways
from cti_engine.core.ivr.speech import names_in
from cti_engine.definitions.flow_source import FlowSource
from cti_engine.definitions.problems import WARNING
from cti_engine.definitions.problems import Path as Place

_ENDS = (EndCall, EnterQueue, Transfer, GoToFlow)
"""With these a call may leave its flow."""
REMEMBERED = 5
"""Choices of a menu that callers keep in mind while they listen."""
_SECRET = re.compile(
    r"(^|_)(pin|cvv|cvc|password|passcode|card|iban|ssn|clave|contrasena|tarjeta)(_|$)", re.I
)


class WordJudge(Protocol):
    """What a recogniser can tell apart. `alike`: they sound so much the same that one may be taken for the other."""

    def alike(self, one: str, other: str, language: str) -> bool: ...

    def unknown(self, phrases: tuple[str, ...], language: str) -> tuple[str, ...]:
        """Words that the installed model does not know."""
        ...


@dataclass(slots=True)
class _Review:
    source: FlowSource
    flow: Flow
    definitions: CenterDefinitions

    def warn(self, place: Place, text: str, hint: str) -> None:
        self.source.document.problem(place, text, hint, severity=WARNING)


def review_flows(
    sources: Mapping[str, FlowSource], definitions: CenterDefinitions, words: WordJudge | None
) -> None:
    """`words` None: nobody judges them."""
    loop = set(_treatments(definitions))
    for id_, source in sources.items():
        review = _Review(source, definitions.flows[id_], definitions)
        if id_ not in loop:
            _never_ends(review)
        _unset_variables(review)
        _long_menus(review)
        _secrets(review)
        if words is not None:
            _words_alike(review, words.alike)
            _words_unknown(review, words)


# --- the way through --------------------------------------------------------------------------


def _treatments(definitions: CenterDefinitions) -> Iterator[str]:
    """Flows that play while a call waits: they go on until an agent answers, and may loop for ever.

    One that asks for `queue.` names is meant as such, though no queue has it yet.
    """
    named: set[str | None] = {queue.treatment for queue in definitions.queues.values()}
    for flow in definitions.flows.values():
        named |= {step.treatment for step in flow.steps.values() if isinstance(step, EnterQueue)}
        if any(name.startswith("queue.") for step in flow.steps.values() for name in names_read(step)):
            named.add(flow.id)
    for name in named:
        if name and name in definitions.flows:
            yield from (each.id for each in flow_and_run(definitions.flows[name], definitions.flows))


def _never_ends(review: _Review) -> None:
    """Told where a call walks into it, not at each step of the trap."""
    flow = review.flow
    ends = {name for name, step in flow.steps.items() if _may_end(step, review.definitions.flows)}
    before: dict[str, set[str]] = {name: set() for name in flow.steps}
    for name, step in flow.steps.items():
        for _, target in ways(step):
            before[target].add(name)
    waiting = list(ends)
    while waiting:
        fresh = before[waiting.pop()] - ends
        ends |= fresh
        waiting += fresh
    for name in flow.steps:
        trapped = name not in ends and name in steps_reached(flow, [flow.start])
        if trapped and (name == flow.start or before[name] & ends):
            review.warn(
                ("steps", name),
                f"from {name} on no way leads to the end of the call",
                "lead to a hang_up, an enqueue or a return; only a queue's treatment may loop for ever",
            )


def _may_end(step: Step, flows: Mapping[str, Flow]) -> bool:
    if isinstance(step, RunFlow) and step.flow in flows:
        inner = (each for flow in flow_and_run(flows[step.flow], flows) for each in flow.steps.values())
        return any(isinstance(each, _ENDS) for each in inner)
    return isinstance(step, (*_ENDS, Return))


def _unset_variables(review: _Review) -> None:
    """What a step reads, though a way leads to it on which nothing has given it a value."""
    flow = review.flow
    given = _arguments(flow, review.definitions.flows) | set(flow.variables) | flow.sensitive
    asked = {
        (name, variable)
        for name, step in flow.steps.items()
        for variable in names_read(step)
        if "." not in variable and variable not in given
    }
    for name, variable in sorted(asked):
        way = _way_without(flow, variable, name)
        if way:
            review.warn(
                ("steps", name),
                f"{variable} is read here, and nothing has set it on the way {' > '.join(way)}",
                "give it a first value under variables:",
            )


def _arguments(flow: Flow, flows: Mapping[str, Flow]) -> set[str]:
    """Variables that every flow which runs this one gives it."""
    runs = [
        set(step.arguments)
        for each in flows.values()
        for step in each.steps.values()
        if isinstance(step, RunFlow) and step.flow == flow.id
    ]
    return set.intersection(*runs) if runs else set()


def _way_without(flow: Flow, variable: str, to: str) -> tuple[str, ...]:
    """The shortest way from the start that does not set the variable; empty when there is none."""
    came_from: dict[str, str] = {flow.start: ""}
    waiting = [flow.start]
    for name in waiting:
        if name == to:
            way = [name]
            while came_from[way[0]]:
                way.insert(0, came_from[way[0]])
            return tuple(way)
        step = flow.steps[name]
        for way_out, target in ways(step):
            if target not in came_from and variable not in _set_by(step, way_out):
                came_from[target] = name
                waiting.append(target)
    return ()


def _set_by(step: Step, way: str) -> frozenset[str]:
    match step:
        case Gather() | OpenQuestion() | Survey() if way == "next":
            return frozenset((step.into,))
        case Record() if way == "next":
            return frozenset((step.into, f"{step.into}_seconds"))
        case LookUpService() | RunFlow() if way == "next":
            return frozenset(step.into)
        case SetValues():
            return frozenset(step.variables)
    return frozenset()


# --- words ------------------------------------------------------------------------------------


def _long_menus(review: _Review) -> None:
    for name, step in review.source.steps():
        count = len(step.value["choices"]) if step.verb == "menu" else 0
        if count > REMEMBERED:
            review.warn(
                ("steps", name, "menu", "choices"),
                f"{count} choices: callers remember {REMEMBERED}",
                "split it in two menus, the rare ones behind one key",
            )


def _words_alike(review: _Review, alike: Callable[[str, str, str], bool]) -> None:
    """Between choices that lead to different steps."""
    for name, step in review.flow.steps.items():
        if not isinstance(step, Menu):
            continue
        for (key, choice), (other_key, other) in combinations(step.choices.items(), 2):
            if choice.go_to == other.go_to:
                continue
            for language, one, two in _pairs(choice, other):
                if alike(one, two, language):
                    review.warn(
                        ("steps", name, "menu", "choices", other_key, "words", language),
                        f"“{two}” sounds like “{one}” of {key}",
                        "take words that differ: callers would be asked again, or sent the wrong way",
                    )


def _pairs(choice: Choice, other: Choice) -> Iterator[tuple[str, str, str]]:
    for language, words in choice.words.items():
        for one in words:
            yield from ((language, one, two) for two in other.words.get(language, ()))


def _words_unknown(review: _Review, judge: WordJudge) -> None:
    for name, step in review.source.steps():
        choices = step.value["choices"] if step.verb == "menu" else {}
        for key, choice in choices.items():
            for language, words in choice["words"].items():
                for word in judge.unknown(words, language):
                    review.warn(
                        ("steps", name, "menu", "choices", key, "words", language),
                        f"the recogniser of {language} does not know {word}: nobody can say it",
                        "take another word, or write it as it sounds",
                    )


# --- secrets ----------------------------------------------------------------------------------


def _secrets(review: _Review) -> None:
    for name, step in review.source.steps():
        into = step.value["into"] if step.verb == "gather" else ""
        if into and not step.value["sensitive"] and (step.value["luhn"] or _SECRET.search(into)):
            review.warn(
                ("steps", name, "gather", "into"),
                f"{into} looks like a secret, and is stored with the call",
                "add sensitive: true, or call it something else",
            )
    private = dict(_private_answers(review))
    for name, built in review.flow.steps.items():
        for place, told in _told(built):
            for variable in sorted(set(names_in(told)) & private.keys()):
                review.warn(
                    ("steps", name, *place),
                    f"{variable} is sensitive in the service {private[variable]}, and would be stored and told",
                    "leave it out, or take it out of sensitive: in config/services.yaml",
                )


def _private_answers(review: _Review) -> Iterator[tuple[str, str]]:
    """Variables that take what a service calls sensitive."""
    for step in review.flow.steps.values():
        if isinstance(step, LookUpService) and step.service in review.definitions.services:
            service = review.definitions.services[step.service]
            yield from (
                (variable, service.id)
                for variable, answer in step.into.items()
                if answer in service.sensitive
            )


def _told(step: Step) -> Iterator[tuple[Place, Mapping[str, object]]]:
    """What of a step goes into records and to other programs."""
    match step:
        case Send():
            yield ("send", "data"), step.data
        case SetValues():
            yield ("set",), step.attributes
        case EnterQueue():
            yield ("enqueue", "attributes"), step.attributes
