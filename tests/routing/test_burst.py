"""Bursts (docs/routing.md, section 9) of random small centers, pair by pair as the oracle has them."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from tests.routing.engines import make_matcher, make_oracle
from tests.routing.plain import Agent, Call, Queue, Rules, Step

NOW = 1_700_000_000_000
CENTERS = 300


def burst(seed: int, hits: Counter[str]) -> list[list[tuple[Any, ...]]]:
    """Oracle's and matcher's: calls in one or two queues, exclusions, profiles, levels that few have."""
    chance = Random(seed)
    skills = [f"s{number}" for number in range(chance.randint(6, 10))]
    queues = {
        f"q{number}": Queue(f"q{number}", number, (Step((">=", ("agent", skill), chance.randint(1, 3))),))
        for number, skill in enumerate(skills * 2)
    }
    profiles = {"some": {queue: (0, 0) for queue in queues if chance.random() < 0.6}}
    agents = [
        Agent(
            f"a{number:02}",
            {skill: chance.randint(1, 10) for skill in chance.sample(skills, 2)},
            profile="some" if chance.random() < 0.2 else "",
        )
        for number in range(chance.randint(12, 30))
    ]
    rules = Rules("v", queues, profiles, burst=True)
    engines = [
        make(rules, agents, lambda contact, queue: lambda name: None, seed)
        for make in (make_oracle, make_matcher)
    ]
    told: list[tuple[Any, ...]] = []
    for agent in agents:
        told += [("log_in", agent.id, True), ("set_available", agent.id, True, NOW - chance.randint(0, 5))]
    for number in range(chance.randint(12, 30)):
        call = Call(f"c{number:02}", number, NOW - chance.randint(0, 3000), chance.randint(0, 2))
        for queue in chance.sample(list(queues), 2 if chance.random() < 0.2 else 1):
            told.append(("join", call, queue, NOW))
        if chance.random() < 0.2:
            told.append(("exclude", call.contact, chance.choice(agents).id, NOW + 1000))
    for engine in engines:
        for name, *given in told:
            getattr(engine, name)(*given)
    found = [list(map(tuple, engine.burst(NOW))) for engine in engines]
    hits += engines[0].hits
    return found


def test_a_burst_is_the_oracles() -> None:
    """Calls, agents, queues, terms and the order in which they are told; agents change hands in some."""
    hits: Counter[str] = Counter()
    for seed in range(CENTERS):
        of_oracle, of_matcher = burst(seed, hits)
        assert of_matcher == of_oracle, f"seed {seed}"
    assert hits["burst: agents changed hands"] >= 5
