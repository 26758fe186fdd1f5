"""The short form of section (d): plain policies do what their names say, calls are the same, the judge can say no."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from cti_engine.core.queueing import ErlangA, ServiceLevel
from tests.routing.estimates import Replication, band
from tests.routing.plain_policies import FOREVER, POLICIES, Call, Served, Team, play
from tests.routing.quality import DEFAULT, IN_TIME, REPLICATIONS, Task, compare, judged, tally
from tests.routing.quality_cases import COLUMNS, calls, play_default, team

ONE = Team([(0, 1)], 2.0)
EQUAL_6, SLOW_6 = COLUMNS[3], COLUMNS[4]


def call(at: int, kind: int, basis: int = 10, patience: int = FOREVER) -> Call:
    return Call(at, kind, basis, patience)


def order(name: str, of: Team, *given: Call) -> list[int]:
    """The calls in the order in which they were answered."""
    served = play(given, of, POLICIES[name])
    return sorted(range(len(given)), key=lambda number: given[number].at + served.waits[number])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("FCFS-ALIS", [0, 1, 2]), ("level first", [0, 2, 1]), ("maxweight", [0, 2, 1])],
)
def test_which_call_an_agent_takes(name: str, expected: list[int]) -> None:
    """After the first call one of another type has waited a little longer than one of the agent's own."""
    assert order(name, ONE, call(0, 0, 1000), call(10, 1), call(20, 0)) == expected


def test_maxweight_takes_a_slow_call_that_has_waited_long_enough() -> None:
    """At half the speed: from twice the wait on, which level first never looks at."""
    given = call(0, 0, 1000), call(10, 1), call(600, 0)
    assert order("maxweight", ONE, *given) == [0, 1, 2]
    assert order("level first", ONE, *given) == [0, 2, 1]


def test_longest_queue_first_counts_calls() -> None:
    """Two calls of another type come before one of the agent's own that has waited longest; of equals the oldest."""
    given = call(0, 0, 1000), call(10, 0), call(20, 1), call(30, 1)
    assert order("longest queue", ONE, *given) == [0, 2, 1, 3]


@pytest.mark.parametrize(
    ("name", "agent"),
    [("FCFS-ALIS", 1), ("level first", 0), ("longest queue", 0), ("maxweight", 0), ("steps 20 s", 0)],
)
def test_which_agent_a_call_takes(name: str, agent: int) -> None:
    """The primary agent has just had a call, the other has been idle for long."""
    served = play([call(0, 0), call(100, 0)], Team([(0, 1), (1, 0)]), POLICIES[name])
    assert served.agents == [0, agent]


def test_fixed_steps_relax_after_twenty_seconds() -> None:
    """A secondary agent who is idle takes the call exactly then, and one who becomes idle later at once."""
    served = play(
        [call(0, 0, 90_000), call(10, 0), call(20, 0)], Team([(0, 1), (1, 0)]), POLICIES["steps 20 s"]
    )
    assert served == Served([0, 20_000, 20_010 - 20 + 10], [0, 1, 1])


def test_a_secondary_agent_takes_longer_and_callers_hang_up() -> None:
    """Ten become twenty at half the speed; who is out of patience is gone, at that moment."""
    served = play([call(0, 1), call(5, 0), call(6, 0, patience=10)], ONE, POLICIES["FCFS-ALIS"])
    assert served == Served([0, 15, 10], [0, 0, -1])


def test_one_skill_is_erlang_a() -> None:
    """Fifteen agents of one type and their calls alone: abandonment and service level lie in a narrow band."""
    exact = ErlangA(14.0, 1.0, 15, patience=0.5)
    found = []
    for seed, kind in product(range(1, 5), range(6)):
        fifteen = Team([(kind,)] * 15)
        own = [each for each in calls(COLUMNS[0], seed, 30_000) if each.type == kind]
        seen = tally(own, fifteen, play(own, fifteen, POLICIES["FCFS-ALIS"]), 100)
        sums = {"level": (seen.in_time, seen.offered), "abandonment": (seen.abandoned, seen.offered)}
        found.append(Replication({name: (float(a), float(b)) for name, (a, b) in sums.items()}, ()))
    level = exact.service_level(IN_TIME / 600_000, ServiceLevel.OFFERED)
    for quantity, value in (("level", level), ("abandonment", exact.abandonment)):
        engine = band(found, quantity, 0.001)
        assert engine.holds(value)
        assert engine.half < 0.03


def test_without_a_slow_group_the_default_is_fcfs_alis() -> None:
    """The real matcher gives every call the same agent at the same moment, as long as nothing is learned."""
    given, of = calls(EQUAL_6, 1, 1500), team(EQUAL_6)
    default = play_default(of, given)
    assert default == play(given, of, POLICIES["FCFS-ALIS"])
    assert sum(agent < 0 for agent in default.agents) > 3
    assert max(default.waits) > IN_TIME


def test_what_is_learned_protects_the_primary_level() -> None:
    """Where others than primaries are slower, those come to take far more of the calls than where first come is
    first served, and fewer callers hang up.
    """
    given, of = calls(SLOW_6, 1, 14_000), team(SLOW_6)
    primary = np.array([skills[0] for skills in of.skills])
    kinds = np.array([each.type for each in given])
    share, lost = [], []
    for served in (play_default(of, given), play(given, of, POLICIES["FCFS-ALIS"])):
        late = slice(8000, None)
        agents = np.array(served.agents)[late]
        share.append(float((primary[agents] == kinds[late])[agents >= 0].mean()))
        lost.append(float((agents < 0).mean()))
    assert share[0] > 0.4 > 0.2 > share[1]
    assert lost[0] < 0.8 * lost[1]


def test_all_policies_have_the_same_calls_and_the_judge_can_say_no() -> None:
    """As many of each type after the warm-up. The best in the default's place misses nothing, a bad one all."""
    column = COLUMNS.index(SLOW_6)
    found = [compare(Task(column, seed, 300, 700))[2] for seed in range(1, REPLICATIONS + 1)]
    for tallies in found:
        assert len({tuple(each.by_type[0].tolist()) for each in tallies.values()}) == 1
        assert {each.offered for each in tallies.values()} == {700}
    first = judged(SLOW_6, found)
    for best, word in ((first.best_level, "service level"), (first.best_abandonment, "abandonment")):
        same = judged(SLOW_6, [{**each, DEFAULT: each[best]} for each in found])
        assert not any(word in miss for miss in same.misses)
    worst = judged(SLOW_6, [{**each, DEFAULT: each["FCFS-ALIS"]} for each in found])
    assert len(worst.misses) == 2


def test_calls_are_drawn_from_the_seed_alone() -> None:
    """The same twice, another for another seed; a longer day begins in its own way. The hot type has its share."""
    hot = COLUMNS[1]
    assert calls(hot, 1, 500) == calls(hot, 1, 500) != calls(hot, 2, 500)
    share = sum(each.type == 0 for each in calls(hot, 1, 20_000)) / 20_000
    assert share == pytest.approx(0.25, abs=0.01)
