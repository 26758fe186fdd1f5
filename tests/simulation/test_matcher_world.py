"""The world around the matcher: what happens to whom, to the millisecond."""

from __future__ import annotations

from heapq import heapreplace

import numpy as np
import pytest

from cti_engine.core.routing.handle_times import LevelLimits
from cti_engine.core.routing.model import AgentFacts, QueueRules, RoutingRules, StepRule
from cti_engine.simulation.matcher_world import (
    ABANDONED,
    ANSWERED,
    BLOCKED,
    FOREVER,
    OVERFLOWED,
    Arrival,
    MatcherWorld,
    Outcomes,
    Staffing,
)


def rules(*steps: StepRule, exhausted: str = "stay_on_last") -> RoutingRules:
    return RoutingRules("test", {"q": QueueRules("q", 0, steps or (StepRule(),), exhausted=exhausted)})


def world(number: int, given: RoutingRules | None = None, places: int = FOREVER) -> MatcherWorld:
    people = [AgentFacts(f"a{place}", place=place) for place in range(number)]
    return MatcherWorld(given or rules(), {"all": people}, places=places)


def story(out: Outcomes) -> list[tuple[int, int, str]]:
    return list(zip(out.ends, out.wait, out.agent, strict=True))


def test_one_agent_serves_in_the_order_of_arrival() -> None:
    """The second call waits for the first one's end; the third has hung up before."""
    out = world(1).run([Arrival(0, "q", 100), Arrival(10, "q", 50), Arrival(20, "q", 50, patience=60)])
    assert story(out) == [(ANSWERED, 0, "a0"), (ANSWERED, 90, "a0"), (ABANDONED, 60, "")]
    assert out.ended == 150


def test_no_place_to_wait() -> None:
    """With one place the second to wait is blocked at once; when the place is free again a call may wait."""
    calls = [Arrival(0, "q", 100), Arrival(10, "q", 10), Arrival(20, "q", 10), Arrival(105, "q", 10)]
    assert story(world(1, places=1).run(calls)) == [
        (ANSWERED, 0, "a0"), (ANSWERED, 90, "a0"), (BLOCKED, 0, ""), (ANSWERED, 5, "a0"),
    ]  # fmt: skip


def test_rules_that_send_a_call_elsewhere() -> None:
    """After its only step's wait a call overflows; its patience no longer matters."""
    given = rules(StepRule(wait=500), exhausted="overflow")
    out = world(1, given).run([Arrival(0, "q", 2000), Arrival(100, "q", 10, patience=700)])
    assert story(out) == [(ANSWERED, 0, "a0"), (OVERFLOWED, 500, "")]


def test_who_leaves_while_in_a_call_finishes_it() -> None:
    """Of two agents the idle one leaves first, then the busy one after its call; who returns takes the next call."""
    out = world(2).run(
        [Arrival(0, "q", 1000), Arrival(600, "q", 10), Arrival(1200, "q", 10)],
        [Staffing(100, "all", 1), Staffing(500, "all", 0), Staffing(1500, "all", 1)],
    )
    assert [(end, wait) for end, wait, _ in story(out)] == [(ANSWERED, 0), (ANSWERED, 900), (ANSWERED, 310)]
    assert out.overtime == {"all": 500}


def test_an_agent_about_to_leave_may_stay() -> None:
    """Called back before the call is over, the agent goes on as if nothing had been said."""
    out = world(1).run(
        [Arrival(0, "q", 1000), Arrival(100, "q", 10)], [Staffing(200, "all", 0), Staffing(400, "all", 1)]
    )
    assert story(out) == [(ANSWERED, 0, "a0"), (ANSWERED, 900, "a0")]
    assert out.overtime == {"all": 200}


@pytest.mark.parametrize("servers", [1, 3, 12])
def test_every_wait_is_that_of_a_first_come_first_served_queue(servers: int) -> None:
    """Against Kiefer and Wolfowitz' recursion, which knows only when each server is free: the same, call by call."""
    generator = np.random.default_rng(7)
    at = np.rint(np.cumsum(generator.exponential(1000.0, 3000))).astype(int).tolist()
    handles = np.rint(generator.exponential(900.0 * servers, 3000)).astype(int).tolist()
    out = world(servers).run(map(Arrival, at, ["q"] * 3000, handles))
    free, waits = [0] * servers, []
    for begin, handle in zip(at, handles, strict=True):
        start = max(begin, free[0])
        waits.append(start - begin)
        heapreplace(free, start + handle)
    assert out.wait == waits
    assert sum(waits) > 0


def two_groups(levels: LevelLimits | None) -> MatcherWorld:
    """An agent of each group, both for both queues; in the other group's queue each needs three times as long."""
    people = {name: [AgentFacts(name, group=name)] for name in ("a", "b")}
    both = RoutingRules("test", {name: QueueRules(name, n, (StepRule(),)) for n, name in enumerate(people)})
    return MatcherWorld(both, people, paces={("a", "b"): 3.0, ("b", "a"): 3.0}, levels=levels)


def test_a_pace_multiplies_what_the_call_says() -> None:
    """In the queue of the other group the agent is busy three times as long, in the own one no longer."""
    out = two_groups(None).run(
        [Arrival(0, "b", 100), Arrival(1, "b", 100), Arrival(2, "b", 10), Arrival(3, "b", 10)]
    )
    assert story(out) == [(ANSWERED, 0, "a"), (ANSWERED, 0, "b"), (ANSWERED, 99, "b"), (ANSWERED, 108, "b")]


def test_levels_are_learned_and_keep_agents_to_their_own_queue() -> None:
    """With limits it finds out who is slow in the queue: from then on the fast one of two idle agents has it."""
    calls = [Arrival(at, "a", 1000) for at in range(0, 6_000_000, 10_000)]
    plain, learned = (two_groups(levels).run(calls).agent for levels in (None, LevelLimits()))
    assert plain[:4] == learned[:4] == ["a", "b", "a", "b"]
    assert set(plain[-2:]) == {"a", "b"}
    assert set(learned[-500:]) == {"a"}
