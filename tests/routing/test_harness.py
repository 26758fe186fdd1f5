"""The harness finds faults: planted in a copy of the oracle, and in a copy of a trace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.routing import oracle, oracle_state
from tests.routing.engines import Make, QueueNames, make_oracle
from tests.routing.lockstep import difference_of, random_run, shrink
from tests.routing.plain import Agent, Call, Queue, Rules, Step
from tests.routing.trace import REST, Judge


def faulty(old: str, new: str) -> Make:
    module = ModuleType("faulty_oracle")
    planted = 0
    for half in (oracle_state, oracle):
        lines = Path(str(half.__file__)).read_text().splitlines()
        source = "\n".join(line for line in lines if not line.startswith("from tests.routing.oracle_state"))
        planted += source.count(old)
        exec(compile(source.replace(old, new), half.__name__, "exec"), module.__dict__)
    assert planted == 1, old

    def make(rules: Rules, agents: Iterable[Agent], names: QueueNames, seed: int) -> Any:
        return module.Oracle(rules, agents, names=names, seed=seed)

    return make


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("stand.rang += now - stand.offered_at", "stand.rang += 0"),
        ("if waited > threshold - lost", "if waited >= threshold - lost"),
        ('"""Of a free agent and a waiting call."""', "call.excluded = {}"),
        ("ranked = ranked[place + 1 :]", "ranked = ranked[place + 2 :]"),
        (
            "if each is not call and not each.ringing",
            "if each is not call and not each.ringing and each.call.seq % 2",
        ),
        ("len(named) - len(takes),", "0,"),
    ],
)
def test_a_planted_fault_is_found_and_shrunk(old: str, new: str) -> None:
    """A fault in a copy of the oracle makes a difference within 100 centers; shrunk, a short script still shows it."""
    make = faulty(old, new)
    for seed in range(100):
        _, found = random_run(seed, make)
        if found is not None:
            script = shrink(found.script, make)
            assert difference_of(script, make)
            assert not difference_of(script, make_oracle)
            assert len(script.events) <= min(20, len(found.script.events))
            return
    pytest.fail("no difference in 100 centers")


RULES = Rules("v1", {"q": Queue("q", 0, (Step(),), longest_wait_cap=5000)})
AGENT = Agent("a", {})
GOOD: tuple[tuple[Any, ...], ...] = (
    ("call", 0, Call("c1", 1, 0), {}),
    ("stands", 0, "c1", "q"),
    ("step", 0, ("c1", "q", -1, 0, (), False)),
    ("call", 10, Call("c2", 2, 10), {}),
    ("stands", 10, "c2", "q"),
    ("step", 10, ("c2", "q", -1, 0, (), False)),
    ("agent", 20, "a", True, 20, 0),
)


def offer(now: int, contact: str, agent: str = "a") -> tuple[Any, ...]:
    return ("offer", now, (contact, agent, "q", 0, "agent", (), "v1"))


@pytest.mark.parametrize(
    ("tail", "wrong"),
    [
        ([offer(20, "c1"), ("answered", 21, "c1", "a"), ("end", 22, {"q": ["c2"]})], ""),
        ([offer(20, "c2")], "order inversion"),
        ([offer(5000, "c2")], "starved"),
        ([offer(20, "c1"), offer(20, "c1")], "does not wait"),
        ([offer(20, "c1"), ("agent", 20, "a", False, 20, 1), offer(20, "c2")], "not free"),
        ([("answered", 21, "c1", "a")], "did not ring"),
        ([offer(20, "c1"), ("end", 22, {"q": []})], "lost or doubled"),
        ([("end", 22, {"q": ["c1", "c2", "c2"]})], "lost or doubled"),
        ([("rest", 21)] * REST, "left waiting"),
        ([("facts", 21, AGENT._replace(profile="p9")), offer(21, "c1")], "does not fit"),
        ([("excluded", 20, "c1", "a", 30), offer(20, "c2")], ""),
        ([("excluded", 20, "c1", "a", 30), offer(30, "c2")], "order inversion"),
    ],
)
def test_the_judge_of_traces_sees(tail: list[tuple[Any, ...]], wrong: str) -> None:
    """A trace that holds gives nothing; one that was tampered with gives just that violation."""
    violations = Judge(RULES, [AGENT]).read([*GOOD, *tail])
    assert {wrong in violation for violation in violations} == ({True} if wrong else set())
