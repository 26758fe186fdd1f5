"""The reference state of `make bench-routing`: agents all different, queues of 1-3 steps, calls that wait.

Everything follows from a seed. Skills are levels 1-10, certificates are true or false, three texts have eight values.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.routing.model import (
    LONGEST_IDLE,
    AgentFacts,
    Order,
    QueueRules,
    RoutingRules,
    StepRule,
    WaitingCall,
)

SKILLS, CERTIFICATES, TEXTS = 72, 25, 3  # 100 attributes
REGIONS = tuple(f"r{n}" for n in range(8))
START = 1_700_000_000_000
"""The first moment, ms."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a state is. `rare`: every condition holds for about one agent in a hundred."""

    agents: int = 10_000
    queues: int = 1_000
    calls: int = 50_000
    rare: bool = False
    order: tuple[Order, ...] = LONGEST_IDLE
    seed: int = 1


def make_agents(shape: Shape) -> list[AgentFacts]:
    chance = random.Random(f"agents {shape.seed}")
    agents = []
    for number in range(shape.agents):
        attributes: dict[str, bool | int | str] = {}
        for skill in range(SKILLS):
            if chance.random() < 0.8:
                attributes[f"s{skill}"] = chance.randint(1, 10)
        for certificate in range(CERTIFICATES):
            attributes[f"c{certificate}"] = chance.random() < 0.5
        for text in range(TEXTS):
            attributes[f"t{text}"] = chance.choice(REGIONS)
        agents.append(
            AgentFacts(
                f"agent-{number:06d}",
                attributes,
                site=f"site{number % 5}",
                cost=chance.randint(1, 50),
                place=number,
            )
        )
    return agents


def make_rules(shape: Shape) -> RoutingRules:
    """One queue per expression; 1 in 20 begins with preferred agents, 1 in 10 has steps bound to the call."""
    chance = random.Random(f"rules {shape.seed}")
    queues = {}
    for number in range(shape.queues):
        steps = _rare_steps(chance) if shape.rare else _steps(chance, number)
        ready = tuple(
            StepRule(
                Condition(parse(text)), wait=30_000 if step + 1 < len(steps) else None, order=shape.order
            )
            for step, text in enumerate(steps)
        )
        queues[f"q{number}"] = QueueRules(f"q{number}", number, ready)
    return RoutingRules("bench", queues)


def _steps(chance: random.Random, number: int) -> list[str]:
    """Each further step asks for less."""
    one, other = chance.sample(range(SKILLS), 2)
    level, certificate = chance.randint(5, 8), chance.randrange(CERTIFICATES)
    steps = [
        f"agent.s{one} >= {level} and agent.s{other} >= {level - 2} and agent.c{certificate}",
        f"agent.s{one} >= {level - 1} and (agent.s{other} >= {level - 2} or agent.c{certificate})",
        f"agent.s{one} >= {level - 3} and agent.c{certificate}",
    ][: chance.randint(1, 3)]
    if number % 20 == 7:
        return ["agent.id in call.preferred", *steps[:2]]
    if number % 10 == 3:
        return [f"agent.t{chance.randrange(TEXTS)} == call.region and {steps[0]}", *steps[1:]]
    return steps


def _rare_steps(chance: random.Random) -> list[str]:
    one, other, third = chance.sample(range(SKILLS), 3)
    return [
        f"agent.s{one} >= 9 and agent.s{other} >= 8 and agent.s{third} >= 6 and agent.c{chance.randrange(CERTIFICATES)}"
    ]


class Calls:
    """New calls, one after the other, of random queues."""

    def __init__(self, shape: Shape, queues: int | None = None) -> None:
        self._chance = random.Random(f"calls {shape.seed}")
        self._shape = shape
        self._queues = queues or shape.queues
        self.number = 0

    def next(self, queued_at: int) -> tuple[WaitingCall, str]:
        chance = self._chance
        self.number += 1
        names = {
            "call.region": chance.choice(REGIONS),
            "call.preferred": [f"agent-{chance.randrange(self._shape.agents):06d}" for _ in range(2)],
        }
        call = WaitingCall(
            f"call-{self.number}",
            self.number,
            queued_at,
            priority=chance.choice((0, 0, 0, 0, 5, 10, 30)),
            head_start=chance.choice((0, 0, 0, 0, 20_000)),
            names=names.get,
        )
        return call, f"q{chance.randrange(self._queues)}"
