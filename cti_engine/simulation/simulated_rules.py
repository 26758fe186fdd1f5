"""The admin's rules as they are, with plain ways into the queues: the menu is a time, then the call is queued.

Everything that routes stays: numbers with their priority, priorities, profiles, queues, steps, overflow, agents. Left
out is what only sounds: recordings, treatments that never move a call, and flows after the call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from cti_engine.core.definitions import CenterDefinitions, DialledNumber, Disposition, QueueDefinition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.syntax import Comparison, Literal, Name
from cti_engine.core.expressions.values import TEXT
from cti_engine.core.ivr.flow import Branch, Case, EndCall, EnterQueue, Fixed, Flow, Say, SetLanguage, Step

ROUTE = "simulated_route"
"""The call attribute that says which of a number's ways a call takes; no file can declare it for long."""


@dataclass(frozen=True, slots=True)
class Way:
    """From a number into a queue. `number` "" for one of its own, named like the way; `language` "": the number's.

    `has_menu`: its calls spend a time in the menu first.
    """

    id: str
    queue: str
    number: str = ""
    priority: int = 0
    language: str = ""
    has_menu: bool = False

    @property
    def dialled(self) -> str:
        return self.number or self.id


def simulated(definitions: CenterDefinitions, ways: Iterable[Way]) -> CenterDefinitions:
    """The set that the world runs. Calls carry `ROUTE` among the facts of their look-up."""
    by_number: dict[str, list[Way]] = {}
    for way in ways:
        by_number.setdefault(way.dialled, []).append(way)
    numbers, flows = dict(definitions.dialled_numbers), dict(definitions.flows)
    for number, its in by_number.items():
        flow = _flow(f"simulated {number}", its)
        flows[flow.id] = flow
        known = numbers.get(number, DialledNumber(number, flow.id, its[0].language or "en"))
        numbers[number] = replace(known, flow=flow.id)
    queues = {queue.id: _without_music(queue, definitions) for queue in definitions.queues.values()}
    done = {"done": Disposition("done", {"en": "Done"})}
    return replace(
        definitions,
        dialled_numbers=numbers,
        flows=flows,
        queues=queues,
        dispositions=definitions.dispositions or done,
        record_calls=False,
    )


def _flow(name: str, ways: list[Way]) -> Flow:
    languages = tuple(dict.fromkeys(way.language or "en" for way in ways))
    steps: dict[str, Step] = {}
    if any(way.has_menu for way in ways):
        spoken = {language: ((Fixed("text", "menu"),),) for language in languages}
        steps["menu"] = Say(spoken, "choose" if len(ways) > 1 else f"to {ways[0].id}")
    if len(ways) > 1:
        cases = tuple(
            Case(Condition(Comparison("==", Name(f"call.{ROUTE}"), Literal(way.id, TEXT))), f"to {way.id}")
            for way in ways
        )
        steps["choose"] = Branch(cases, ways[0].id)
    for way in ways:
        if way.language:
            steps[f"to {way.id}"] = SetLanguage(way.language, way.id)
            steps[way.id] = EnterQueue(way.queue, priority=way.priority)
        else:
            steps[f"to {way.id}"] = EnterQueue(way.queue, priority=way.priority)
    return Flow(name, "simulated", languages, next(iter(steps)), steps)


def _without_music(queue: QueueDefinition, definitions: CenterDefinitions) -> QueueDefinition:
    flow = definitions.flows.get(queue.treatment)
    moves = flow is not None and any(isinstance(step, EnterQueue | EndCall) for step in flow.steps.values())
    return replace(queue, treatment=queue.treatment if moves else "", after_call=None)
