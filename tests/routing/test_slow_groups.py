"""Groups that are slow in a queue, one question at a time (docs/routing.md, 5.2 and 12)."""

from __future__ import annotations

import pytest

from cti_engine.core.routing import pools
from cti_engine.core.routing.model import AgentFacts, QueueRules, RoutingRules, StepRule, WaitingCall
from cti_engine.core.routing.precision import PrecisionMatcher

NOW, AT_MOST = 1_700_000_000_000, 60_000
RULES = RoutingRules(
    "v", {name: QueueRules(name, n, (StepRule(),), at_most_wait=AT_MOST) for n, name in enumerate(("a", "b"))}
)


@pytest.fixture(params=[0, 16])
def matcher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> PrecisionMatcher:
    """Two agents for both queues, with pools as bits and as lists; those of `new` are slow in queue a."""
    monkeypatch.setattr(pools, "FEW", request.param)
    made = PrecisionMatcher(RULES, [AgentFacts("ann", group="old"), AgentFacts("ben", group="new")])
    made.set_slow("a", ["new"])
    for agent in ("ann", "ben"):
        made.log_in(agent, True)
    return made


def waits(matcher: PrecisionMatcher) -> None:
    """One call in a, and ten seconds later one in b."""
    matcher.join(WaitingCall("first", 1, NOW), "a", NOW)
    matcher.join(WaitingCall("second", 2, NOW + 10_000), "b", NOW + 10_000)


def served(matcher: PrecisionMatcher, agent: str, now: int) -> str:
    matcher.set_available(agent, True, now)
    decision = matcher.call_for(agent, now)
    assert decision is not None
    return decision.contact


def test_a_slow_group_serves_its_own_queue_first(matcher: PrecisionMatcher) -> None:
    """Though the other call has waited longer; its agent is otherwise like any, without a profile."""
    waits(matcher)
    assert served(matcher, "ben", NOW + 20_000) == "second"


def test_others_serve_by_their_waits(matcher: PrecisionMatcher) -> None:
    """Who is slow nowhere takes the call that has waited longest."""
    waits(matcher)
    assert served(matcher, "ann", NOW + 20_000) == "first"


def test_a_call_that_has_waited_at_most_wait_is_everybodys(matcher: PrecisionMatcher) -> None:
    """From that moment on, and not a millisecond before, the slow group takes it by its wait."""
    waits(matcher)
    assert served(matcher, "ben", NOW + AT_MOST - 1) == "second"
    matcher.set_available("ben", False, NOW + AT_MOST - 1)
    assert served(matcher, "ben", NOW + AT_MOST) == "first"


def test_a_group_that_is_slow_no_longer_counts_at_once(matcher: PrecisionMatcher) -> None:
    """For calls that wait already too."""
    waits(matcher)
    matcher.set_slow("a", [])
    assert served(matcher, "ben", NOW + 20_000) == "first"


def test_a_call_asks_slow_groups_last(matcher: PrecisionMatcher) -> None:
    """Even if their agent has been idle longer, and them when there is nobody else."""
    matcher.set_available("ben", True, NOW - 1000)
    matcher.set_available("ann", True, NOW)
    matcher.join(WaitingCall("first", 1, NOW), "a", NOW)
    assert [decision.agent for decision in matcher.agents_for("first", NOW)] == ["ann"]
    matcher.set_available("ann", False, NOW)
    assert [decision.agent for decision in matcher.agents_for("first", NOW)] == ["ben"]
