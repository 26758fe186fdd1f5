"""Signals a second through the whole Acd: those of whole calls, as a center of 200 agents at 90 % load gives them.

Ten queues of two precision steps; a call is INVITE, answer, look-up, menu, queue, pop painted, ringing, answer, both
legs' ends, recording, disposition; some give up, some phones are not answered. The signals are taken down in virtual
time, then given to fresh Acds; only `Acd.handle` is timed.
"""

from __future__ import annotations

import gc
import time
from dataclasses import replace

import numpy as np

from cti_engine.core import signals
from cti_engine.core.acd import Acd, Outcome
from cti_engine.core.definitions import AgentDefinition, CenterDefinitions, QueueDefinition
from cti_engine.core.events import CallOffered
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.routing.model import StepRule
from cti_engine.simulation.acd_world import AcdWorld
from cti_engine.simulation.chance import Chance
from cti_engine.simulation.distributions import Constant, Exponential
from cti_engine.simulation.habits import Call, GroupHabits, Habits, Handling
from cti_engine.simulation.matcher_world import Staffing
from cti_engine.simulation.simulated_rules import ROUTE, Way, simulated

AGENTS, QUEUES, LOAD, HANDLE_S = 200, 10, 0.9, 200.0
Told = tuple[signals.Signal, float]


class _TakenDown(Acd):
    """An Acd that keeps what it is told; each pop is painted on its agent's page at once."""

    def __init__(self, definitions: CenterDefinitions) -> None:
        super().__init__(definitions)
        self.told: list[Told] = []

    def handle(self, signal: signals.Signal, now: float, at: float | None = None) -> Outcome:
        self.told.append((signal, now))
        outcome = super().handle(signal, now, at)
        for event in [event for _, event in outcome.events if isinstance(event, CallOffered)]:
            shown = self.handle(signals.OfferShown(event.agent, event.offer), now)
            outcome.commands += shown.commands
            outcome.events += shown.events
        return outcome


def _center() -> CenterDefinitions:
    people = {
        f"a{number}": AgentDefinition(
            f"a{number}", f"Agent {number}", {f"s{number % QUEUES}": 8, f"s{(number + 1) % QUEUES}": 4}
        )
        for number in range(AGENTS)
    }
    queues = {}
    for number in range(QUEUES):
        steps = (
            StepRule(Condition(parse(f"agent.s{number} >= 6")), wait=20_000),
            StepRule(Condition(parse(f"agent.s{number} >= 2")), cumulative=True, raise_priority=5),
        )
        queues[f"q{number}"] = QueueDefinition(f"q{number}", f"Queue {number}", tuple(people), steps=steps)
    rules = simulated(
        CenterDefinitions("bench", people, queues, {}, {}),
        [Way(queue, queue, has_menu=True) for queue in queues],
    )
    return replace(rules, record_calls=True)


def taken_down(center: CenterDefinitions, calls: int, seed: int = 1) -> list[Told]:
    """The signals of so many calls."""
    generator = np.random.default_rng(seed)
    at = (
        np.rint(np.cumsum(generator.exponential(1000 * HANDLE_S / (LOAD * AGENTS), calls)))
        .astype(int)
        .tolist()
    )
    queues = generator.choice(list(center.queues), calls).tolist()
    group = GroupHabits(
        Handling(Exponential(HANDLE_S - 25.0), Exponential(20.0)),
        ring=Exponential(5.0),
        rona=0.01,
        away=Constant(60.0),
    )
    habits = Habits(
        Chance(seed, 1),
        dict.fromkeys(center.agents, "all"),
        {"all": group},
        dict.fromkeys(center.queues, Exponential(180.0)),
    )
    coming = [
        Call(moment, key, queue, queue, f"+999{key:08}", {ROUTE: queue}, 15_000, habits.waits(queue, key))
        for key, (moment, queue) in enumerate(zip(at, queues, strict=True))
    ]
    world = AcdWorld(center, habits, lambda facts: None, 0)
    acd = world.acd = _TakenDown(center)
    for agent in center.agents:
        acd.handle(signals.PageOpened(agent, "page"), 0.0)
    world.run(coming, [Staffing(0, "all", AGENTS)])
    return acd.told


def signals_per_s(calls: int, rounds: int = 3) -> float:
    """The best of so many rounds."""
    center = _center()
    told, best = taken_down(center, calls), 0.0
    for _ in range(rounds):
        acd = Acd(center)
        handle = acd.handle
        gc.collect()
        gc.freeze()  # as the engine does after loading
        begin = time.perf_counter()
        for signal, now in told:
            handle(signal, now)
        best = max(best, len(told) / (time.perf_counter() - begin))
        gc.unfreeze()
        assert not acd.center.contacts
    return best
