"""Bursts of section (e): many calls and many free agents at one moment, of several shapes and sizes.

Who may serve whom stands in `edges`, worked out here from levels and lists alone, without the matcher. All of it
follows from the case and a seed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.routing.model import AgentFacts, QueueRules, RoutingRules, StepRule, WaitingCall
from cti_engine.core.routing.precision import PrecisionMatcher

ARTS = ("closing", "patience")
"""What every agent has a level of."""
START = 1_700_000_000_000
"""The moment of the burst, ms."""


class Case(NamedTuple):
    """`skills` each agent has of `of`; a queue asks for a level of `asks` of them, or each call names `named` agents.

    `skew`: the exponent of how popular skills and queues are (Zipf); 0 is uniform. `calls`: for each agent.
    """

    name: str
    skills: tuple[int, int] = (2, 2)
    of: int = 20
    asks: int = 1
    skew: float = 0.0
    calls: float = 1.0
    named: int = 0


CASES = (
    Case("one skill, uniform"),
    Case("one skill, skewed", skew=0.8),
    Case("1 to 4 skills, skewed", (1, 4), skew=0.8),
    Case("1 to 4 skills, five calls for four agents", (1, 4), skew=0.5, calls=1.25),
    Case("1 to 4 skills, four calls for five agents", (1, 4), skew=0.5, calls=0.8),
    Case("two of six skills, dense", (2, 6), 12, 2),
    Case("two of six skills, dense and skewed", (2, 6), 12, 2, 0.8),
    Case("two of five skills, rare", (2, 5), 40, 2, 0.5),
    Case("each call names 2 agents", named=2),
    Case("each call names 3 agents", named=3),
    Case("each call names 5 agents", named=5),
)


class Instance(NamedTuple):
    """`edges[call, agent]`: who may serve whom; `worth[call, agent]`: what the pair is worth by the queue's `value`."""

    rules: RoutingRules
    agents: list[AgentFacts]
    calls: list[tuple[WaitingCall, str]]
    edges: NDArray[np.bool_]
    worth: NDArray[np.int64]

    def matcher(self, by_value: bool = False) -> PrecisionMatcher:
        """Everybody free, all calls waiting."""
        queues = self.rules.queues
        if not by_value:
            queues = {id: replace(queue, value=()) for id, queue in queues.items()}
        found = PrecisionMatcher(replace(self.rules, queues=queues), self.agents)
        for number, agent in enumerate(self.agents):
            found.log_in(agent.id, True)
            found.set_available(agent.id, True, START - 1000 - number * 7919 % 60_000)
        for call, queue in self.calls:
            found.join(call, queue, START)
        return found


def instance(case: Case, size: int, seed: int) -> Instance:
    """`size` agents."""
    chance = np.random.default_rng([seed, size, *map(ord, case.name)])
    popular = 1.0 / np.arange(1, case.of + 1) ** case.skew
    popular /= popular.sum()
    levels = np.zeros((size, case.of), np.int64)
    for row in levels:
        wanted = int(chance.integers(case.skills[0], case.skills[1] + 1))
        row[chance.choice(case.of, wanted, replace=False, p=popular)] = chance.integers(1, 11, wanted)
    arts = chance.integers(1, 11, (size, len(ARTS)))
    agents = [
        AgentFacts(
            f"a{number:04}",
            {f"s{skill}": int(row[skill]) for skill in np.flatnonzero(row)}
            | dict(zip(ARTS, arts[number].tolist(), strict=True)),
        )
        for number, row in enumerate(levels)
    ]
    calls = round(size * case.calls)
    values = np.minimum(1000, np.rint(chance.lognormal(3.0, 1.0, calls))).astype(np.int64)
    if case.named:
        return _named(chance, case, agents, values, arts)
    asked = [_asked(chance, case, popular, number) for number in range(2 * case.of)]
    serves = np.array(
        [[np.all(row[list(ask)] >= list(ask.values())) for row in levels] for ask in asked], np.bool_
    )
    queues = {
        f"q{number}": QueueRules(
            f"q{number}", number, (StepRule(_condition(ask)),), value=_weights(number, ask)
        )
        for number, ask in enumerate(asked)
    }
    points = np.array([_points(_weights(number, ask), levels, arts) for number, ask in enumerate(asked)])
    drawn = chance.choice(len(asked), calls, p=np.tile(popular, 2) / 2)
    waiting = [(_call(chance, number, values[number]), f"q{queue}") for number, queue in enumerate(drawn)]
    worth = points[drawn] * values[:, None]
    return Instance(RoutingRules("burst", queues, burst=True), agents, waiting, serves[drawn], worth)


def _asked(
    chance: np.random.Generator, case: Case, popular: NDArray[np.floating], number: int
) -> dict[int, int]:
    """Skill and least level: the queue's own skill, others drawn."""
    first = number % case.of
    others = chance.choice(case.of, case.asks, replace=False, p=popular).tolist()
    skills = [first, *(skill for skill in others if skill != first)][: case.asks]
    return {skill: int(chance.integers(1, 6)) for skill in skills}


def _weights(number: int, asked: dict[int, int]) -> tuple[tuple[str, int], ...]:
    """Of three queues one values what all agents have, one the skills asked for, one both."""
    of_arts = ((ARTS[0], 3), (ARTS[1], 2)) if number % 3 else ()
    of_skills = tuple((f"s{skill}", 2) for skill in asked) if number % 3 != 1 else ()
    return (*of_arts, *of_skills)


def _points(
    weights: tuple[tuple[str, int], ...], levels: NDArray[np.int64], arts: NDArray[np.int64]
) -> NDArray[np.int64]:
    total = np.zeros(len(levels), np.int64)
    for name, weight in weights:
        total += weight * (arts[:, ARTS.index(name)] if name in ARTS else levels[:, int(name[1:])])
    return total


def _condition(asked: dict[int, int]) -> Condition:
    return Condition(parse(" and ".join(f"agent.s{skill} >= {least}" for skill, least in asked.items())))


def _named(
    chance: np.random.Generator,
    case: Case,
    agents: list[AgentFacts],
    values: NDArray[np.int64],
    arts: NDArray[np.int64],
) -> Instance:
    calls = len(values)
    edges = np.zeros((calls, len(agents)), np.bool_)
    waiting = []
    for number in range(calls):
        chosen = chance.choice(len(agents), case.named, replace=False)
        edges[number, chosen] = True
        preferred = [agents[place].id for place in chosen]
        waiting.append((_call(chance, number, values[number], preferred), "named"))
    rule = StepRule(Condition(parse("agent.id in call.preferred_agents")))
    rules = RoutingRules(
        "burst", {"named": QueueRules("named", 0, (rule,), value=((ARTS[0], 1),))}, burst=True
    )
    return Instance(rules, agents, waiting, edges, arts[:, 0] * values[:, None])


def _names(values: dict[str, object], name: str) -> object:
    return values.get(name)


def _call(
    chance: np.random.Generator, number: int, value: np.int64, preferred: list[str] | None = None
) -> WaitingCall:
    names = partial(_names, {"call.value": int(value), "call.preferred_agents": preferred})
    return WaitingCall(f"c{number:04}", number, START - int(chance.integers(1, 120_000)), names=names)
