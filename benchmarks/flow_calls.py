"""Calls through flows for `bench_ivr`: what each caller does is drawn once, so that it can be given again and again."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cti_engine.core.ivr import session
from cti_engine.core.ivr.actions import Action, StepEntered
from cti_engine.core.ivr.asking import Said
from cti_engine.core.ivr.flow import Flow, Gather, Menu, OpenQuestion
from cti_engine.core.ivr.state import IvrState, Surroundings

INPUTS = 60
"""At most, of one call: a queue's treatment loops for as long as somebody waits."""

Input = tuple[float, Callable[..., list[Action]], tuple[object, ...]]
"""When, a function of the interpreter, and what it takes between state and surroundings."""


@dataclass(frozen=True, slots=True)
class Call:
    """`entered`: every step that it enters, as often as it does."""

    flow: Flow
    language: str
    world: Mapping[str, object]
    inputs: tuple[Input, ...]
    entered: tuple[tuple[str, str], ...]


class Center:
    """What calls are run in: every flow, and ids that count from one in each call."""

    def __init__(self, flows: Mapping[str, Flow]) -> None:
        self.flows = flows
        self._by_version = {(flow.id, flow.version): flow for flow in flows.values()}
        self._ids = 0

    def flow(self, flow: str, version: str) -> Flow | None:
        return self._by_version.get((flow, version))

    def new_id(self) -> str:
        self._ids += 1
        return f"p{self._ids}"

    def begin(self, call: Call, secrets: dict[str, str], now: float) -> tuple[IvrState, list[Action]]:
        self._ids = 0
        return session.start(call.flow, call.language, {}, self.around(call.world, secrets, now))

    def around(self, world: Mapping[str, object], secrets: dict[str, str], now: float) -> Surroundings:
        return Surroundings(self.flow, world.get, now, self.new_id, secrets)

    def play(self, call: Call) -> IvrState:
        """The whole call once more; its last state."""
        secrets: dict[str, str] = {}
        state, _ = self.begin(call, secrets, 0.0)
        for now, give, what in call.inputs:
            give(state, *what, self.around(call.world, secrets, now))
        return state


def drawn(center: Center, flow: Flow, chance: random.Random) -> Call:
    """A caller of this flow: hears prompts out or interrupts them, presses right and wrong keys, speaks, is silent."""
    language = chance.choice(flow.languages)
    world = _world(chance, language)
    call, secrets, now = Call(flow, language, world, (), ()), dict[str, str](), 0.0
    state, actions = center.begin(call, secrets, now)
    entered, inputs = _entered(actions), list[Input]()
    while not state.over and len(inputs) < INPUTS:
        now += chance.uniform(0.5, 3.0)
        give, what = _next_input(center, state, chance)
        if give is session.time_passed:
            now = max(now, state.deadline or now)
        inputs.append((now, give, what))
        entered += _entered(give(state, *what, center.around(world, secrets, now)))
    return Call(flow, language, world, tuple(inputs), tuple(entered))


def _entered(actions: list[Action]) -> list[tuple[str, str]]:
    return [(action.flow, action.step) for action in actions if isinstance(action, StepEntered)]


def _world(chance: random.Random, language: str) -> dict[str, object]:
    return {
        "call.ani": "+34911234567",
        "call.language": language,
        "call.region": chance.choice(["ES", "US"]),
        "call.region_languages": chance.choice([("es",), ("en",), ("es", "en")]),
        "call.re_caller": chance.random() < 0.1,
        "call.answer_by": chance.choice(["keys", "voice"]),
        "hours.office": "open",
        "hours.phones": chance.choice(["open", "open", "open", "closed"]),
        "hours.phones.emergency": chance.random() < 0.05,
        "hours.office.opens_date": "2026-11-30",
        "hours.office.opens_time": "09:00",
        "hours.office.closes_time": "18:00",
        "now.date": "2026-11-28",
        "now.time": "10:30",
        "queue.position": chance.randrange(1, 12),
        "queue.ewt_minutes": chance.choice([None, 1, 4, 12]),
    }


def _next_input(
    center: Center, state: IvrState, chance: random.Random
) -> tuple[Callable[..., list[Action]], tuple[object, ...]]:
    flow = center.flow(state.flow, state.version)
    step = flow.steps.get(state.step) if flow is not None else None
    luck = chance.random()
    if state.request:
        answer = {
            "accepted": chance.random() < 0.8, "balance": 1234.56, "currency": "EUR",
            "status": chance.choice(["preparing", "shipped", "delivered"]), "delivery": "2026-11-30",
        }  # fmt: skip
        return session.answered, (state.request, answer if luck < 0.9 else None)
    if state.recording:
        return session.recorded, (state.recording, "/rec/a.wav" if luck < 0.9 else "", 12.0)
    if isinstance(step, Menu):
        if state.listening and luck < 0.3:
            words = [name for name, choice in step.choices.items() if choice.words]
            verdict = chance.choice(["accept", "accept", "confirm", "reject"])
            return session.heard, (state.listening, Said(verdict, chance.choice(words or ["1"]), "word"))
        if luck < 0.9:
            return session.digit, (chance.choice([*(key for key in step.choices if len(key) == 1), "9"]),)
    elif isinstance(step, Gather) and luck < 0.95:
        return session.digit, (chance.choice("1234567890#"),)
    elif isinstance(step, OpenQuestion) and state.listening:
        return session.heard, (state.listening, Said("accept", "", "what I want"))
    if state.playback:
        return session.playback_ended, (state.playback,)
    return session.time_passed, ()
