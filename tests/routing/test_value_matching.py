"""Value matching (docs/routing.md, section 9): who with whom, never who waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import permutations
from random import Random

import numpy as np
import pytest

from cti_engine.commands.explain_words import why
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.routing import exchange
from cti_engine.core.routing.model import (
    AgentFacts,
    Decision,
    ProfileQueue,
    QueueRules,
    RoutingRules,
    StepRule,
    WaitingCall,
)
from cti_engine.core.routing.precision import PrecisionMatcher

NOW = 1_700_000_000_000
CLOSING = (("closing", 2), ("german", 5))


def queue(
    id: str, number: int, require: str = "", value: tuple[tuple[str, int], ...] = CLOSING
) -> QueueRules:
    return QueueRules(id, number, (StepRule(Condition(parse(require)) if require else None),), value=value)


def center(
    agents: Iterable[AgentFacts],
    *queues: QueueRules,
    profiles: Mapping[str, Mapping[str, ProfileQueue]] | None = None,
) -> PrecisionMatcher:
    """All of them free, who is named first idle for longest."""
    people = list(agents)
    found = PrecisionMatcher(
        RoutingRules("v", {each.id: each for each in queues}, profiles or {}, burst=True), people
    )
    for place, agent in enumerate(people):
        found.log_in(agent.id, True)
        found.set_available(agent.id, True, NOW - 1000 + place)
    return found


def joins(
    matcher: PrecisionMatcher, contact: str, waited: int, value: object, queue: str = "q", priority: int = 0
) -> None:
    seq = int(contact[1:])
    call = WaitingCall(contact, seq, NOW - waited, priority, names={"call.value": value}.get)
    matcher.join(call, queue, NOW)


def pairs(found: Iterable[Decision]) -> dict[str, str]:
    return {each.contact: each.agent for each in found}


def agent(
    id: str, closing: int, german: bool = False, profile: str = "", more: Mapping[str, int] | None = None
) -> AgentFacts:
    return AgentFacts(id, {"closing": closing, "german": german, **(more or {})}, profile=profile)


def test_the_more_valuable_call_gets_the_better_agent() -> None:
    """Though it came later, and though the other agent has been idle for longer."""
    matcher = center([agent("ann", 2), agent("ben", 9)], queue("q", 0))
    joins(matcher, "c1", 5000, 10)
    joins(matcher, "c2", 1000, 400)
    found = matcher.burst(NOW)
    assert pairs(found) == {"c1": "ann", "c2": "ben"}
    assert [(each.side, each.terms) for each in found] == [("value", (40, 4, 10)), ("value", (7200, 18, 400))]


def test_value_does_not_decide_who_waits() -> None:
    """Of three calls the two that are first by points and wait get the two agents, however much the third is worth."""
    matcher = center([agent("ann", 2), agent("ben", 9)], queue("q", 0))
    joins(matcher, "c1", 5000, 1)
    joins(matcher, "c2", 1000, 100_000)
    joins(matcher, "c3", 0, 2, priority=60)
    assert pairs(matcher.burst(NOW)) == {"c1": "ann", "c3": "ben"}


def test_as_many_calls_as_can_be_served_are() -> None:
    """A pair of little worth is taken when it lets one more call have an agent."""
    matcher = center(
        [agent("ann", 1, more={"spanish": 5}), agent("ben", 9)],
        queue("q", 0),
        queue("es", 1, "agent.spanish >= 5"),
    )
    joins(matcher, "c1", 5000, 1, "es")
    joins(matcher, "c2", 9000, 1000)
    assert pairs(matcher.burst(NOW)) == {"c1": "ann", "c2": "ben"}


def test_nobody_gets_a_call_that_they_may_not_have() -> None:
    """Neither against their profile nor while the call excludes them; both are the best agents there are."""
    profiles = {"other": {"p": ProfileQueue(0)}}
    people = [agent("ann", 10, profile="other"), agent("ben", 9), agent("cid", 1), agent("dan", 2)]
    matcher = center(people, queue("q", 0), queue("p", 1), profiles=profiles)
    joins(matcher, "c1", 5000, 100)
    joins(matcher, "c2", 5000, 50)
    matcher.exclude("c1", "ben", NOW + 1)
    assert pairs(matcher.burst(NOW)) == {"c1": "dan", "c2": "ben"}
    matcher.exclude("c1", "ben", NOW)
    assert pairs(matcher.burst(NOW)) == {"c1": "ben", "c2": "dan"}


@pytest.mark.parametrize(
    ("value", "counted"), [(None, 1), ("gold", 1), (True, 1), (-5, 0), (2.6, 3), (10**9, 100_000)]
)
def test_what_a_call_is_worth(value: object, counted: int) -> None:
    """A whole number from 0 to 100,000; 1 when it is not known."""
    matcher = center([agent("ann", 2, german=True), agent("ben", 1)], queue("q", 0))
    joins(matcher, "c1", 2, value)
    joins(matcher, "c2", 1, 0)
    assert {each.contact: each.terms[2] for each in matcher.burst(NOW)} == {"c1": counted, "c2": 0}


def test_without_value_in_any_queue_it_is_a_plain_burst() -> None:
    """Value matching is on where a queue of the present rules has `value`."""
    matcher = center([agent("ann", 2), agent("ben", 9)], queue("q", 0, value=()))
    joins(matcher, "c1", 5000, 10)
    joins(matcher, "c2", 1000, 400)
    assert {each.side for each in matcher.burst(NOW)} == {"burst"}


def test_one_call_or_one_agent_is_no_burst() -> None:
    """Then the order of agents or of calls decides, as ever."""
    matcher = center([agent("ann", 2), agent("ben", 9)], queue("q", 0))
    joins(matcher, "c1", 5000, 10)
    assert matcher.burst(NOW) == []


@pytest.mark.parametrize("seed", range(60))
def test_the_sum_is_the_greatest_of_all_ways(seed: int) -> None:
    """Against every way of giving agents to the calls that the order of calls serves, in random small centers."""
    chance = Random(seed)
    skills = ("s0", "s1", "s2")
    people = [
        agent(
            f"a{n}",
            chance.randint(1, 10),
            chance.random() < 0.3,
            more={s: 5 for s in skills if chance.random() < 0.6},
        )
        for n in range(chance.randint(2, 6))
    ]
    queues = [
        queue(f"q{n}", n, f"agent.s{n} >= 1", ((("closing", chance.randint(-3, 5)),))) for n in range(3)
    ]
    matcher = center(people, *queues)
    calls = []
    for number in range(chance.randint(2, 6)):
        named, value = chance.randrange(3), chance.randint(0, 50)
        joins(matcher, f"c{number}", 10 * number, value, f"q{named}")
        calls.append((f"c{number}", named, value))
    calls.reverse()  # the last has waited longest

    def worths(served: list[tuple[str, int, int]]) -> list[int]:
        found = []
        for chosen in permutations(people, len(served)):
            pairs = [(named, value, who) for (_, named, value), who in zip(served, chosen, strict=True)]
            if all(f"s{named}" in who.attributes for named, _, who in pairs):
                points = [
                    queues[named].value[0][1] * int(who.attributes["closing"]) for named, _, who in pairs
                ]
                found.append(sum(own * value for own, (_, value, _) in zip(points, pairs, strict=True)))
        return found

    served: list[tuple[str, int, int]] = []
    for call in calls:
        if len(served) < len(people) and worths([*served, call]):
            served.append(call)
    found = matcher.burst(NOW)
    if not found:
        assert len(served) < 2 or len({who.id for who in people if set(who.attributes) & set(skills)}) < 2
        return
    assert [each.contact for each in found] == [contact for contact, _, _ in served]
    assert sum(each.terms[0] for each in found) == max(worths(served))


def random_pairs(seed: int, size: int) -> tuple[exchange.Calls, exchange.Numbers]:
    """Each call has its own agent and half of the others as options."""
    chance = np.random.default_rng(seed)
    may = (chance.random((size, size + 5)) < 0.5) | np.eye(size, size + 5, dtype=np.bool_)
    options = [np.flatnonzero(row) for row in may]
    return exchange.Calls(options, [chance.integers(0, 1000, len(own)) for own in options]), np.arange(size)


def total(calls: exchange.Calls, agent_of: exchange.Numbers) -> int:
    """Raises AssertionError when an agent has two calls or one that they may not have."""
    assert len(set(agent_of.tolist())) == len(agent_of)
    found = 0
    for options, worth, one in zip(*calls, agent_of.tolist(), strict=True):
        assert one in options
        found += int(worth[options.tolist().index(one)])
    return found


@pytest.mark.parametrize("work", [0, 30_000, 300_000])
def test_work_that_is_used_up_leaves_a_matching(work: int) -> None:
    """Every state between is one, and none is worth less than what it began with."""
    calls, agent_of = random_pairs(1, 60)
    before = total(calls, agent_of)
    exchange.improve(agent_of, calls, 65, work)
    assert total(calls, agent_of) >= before


def test_many_pairs_are_dealt_into_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Together they come close to the sum of the whole."""
    calls, whole = random_pairs(2, 120)
    assert exchange.improve(whole, calls, 125, 10**9) > 0
    monkeypatch.setattr(exchange, "WHOLE", 100)
    monkeypatch.setattr(exchange, "OF_PART", 20)  # more parts than the second deal has calls for
    assert exchange.improve(np.arange(120), calls, 125, 10**9) > 0
    monkeypatch.setattr(exchange, "OF_PART", 1500)
    dealt = np.arange(120)
    exchange.improve(dealt, calls, 125, 10**9)
    assert 0.97 * total(calls, whole) <= total(calls, dealt) < total(calls, whole)


def test_the_record_tells_what_the_pair_is_worth() -> None:
    """Its terms have names, nobody came second, and `explain` says it in words."""
    matcher = center([agent("ann", 2), agent("ben", 9)], queue("q", 0))
    joins(matcher, "c1", 5000, 10)
    joins(matcher, "c2", 1000, 400)
    found = matcher.burst(NOW)
    record = matcher.records(found, NOW)[1]
    assert (record.order, record.runner_up, record.size) == (("worth", "points", "call_value"), None, 2)
    told = {
        "queue": "q",
        "why": {
            "side": "value", "step": 0, "order": list(record.order), "terms": list(found[1].terms),
            "condition": "everybody", "pool": 2, "kept_off": {}, "runner_up": None, "lost_by": "", "rules": "v",
            "source": "",
        },
    }  # fmt: skip
    assert list(why(told)) == [
        "Many calls and agents were matched together, for the greatest worth of all pairs. Step 1 of q: agents with "
        "everybody; 2 of them.",
        "Pair of worth 7200, points 18, call value 400.",
        "Rules v.",
    ]
