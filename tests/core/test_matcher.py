"""The matcher against brute force: every pair looked at, every time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cti_engine.core.routing.matcher import Matcher

QUEUES = {"sales": ("ana", "john", "maria"), "support": ("ana",), "empty": ()}
Call = tuple[str, int, float]
CALLS = st.lists(
    st.tuples(st.sampled_from(sorted(QUEUES)), st.integers(0, 2), st.integers(0, 5).map(float)), max_size=8
)
FREE = st.dictionaries(st.sampled_from(("ana", "john", "maria")), st.integers(0, 5).map(float))
EXCLUDED = st.sets(
    st.tuples(st.integers(0, 7).map(lambda n: f"c{n}"), st.sampled_from(("ana", "john", "maria")))
)


@settings(max_examples=400, deadline=None)
@given(CALLS, FREE, EXCLUDED)
def test_both_directions_choose_what_brute_force_chooses(
    calls: list[Call], free: dict[str, float], excluded: set[tuple[str, str]]
) -> None:
    """For a call the longest-idle free member, for an agent the best call over all queues; excluded pairs never."""
    matcher = Matcher(lambda contact, agent: (contact, agent) in excluded)
    matcher.set_members(QUEUES)
    for number, (queue, priority, queued_at) in enumerate(calls):
        matcher.call_waits(f"c{number}", queue, priority, queued_at, number)
    for agent, idle_since in free.items():
        matcher.agent_free(agent, idle_since)

    def may(number: int, agent: str) -> bool:
        return agent in QUEUES[calls[number][0]] and (f"c{number}", agent) not in excluded

    for number in range(len(calls)):
        able = [(since, agent) for agent, since in free.items() if may(number, agent)]
        assert matcher.agent_for(f"c{number}") == (min(able)[1] if able else None)
    for agent in free:
        best = [(-priority, at, n) for n, (_, priority, at) in enumerate(calls) if may(n, agent)]
        assert matcher.call_for(agent) == (f"c{min(best)[2]}" if best else None)
    for queue in QUEUES:
        rank = sorted((-p, at, n) for n, (q, p, at) in enumerate(calls) if q == queue)
        assert matcher.waiting(queue) == [f"c{n}" for _, _, n in rank]
        assert [matcher.position(c) for c in matcher.waiting(queue)] == list(range(1, len(rank) + 1))


def test_who_left_is_nowhere() -> None:
    """A call that left and an agent who was taken are not found again."""
    matcher = Matcher(lambda contact, agent: False)
    matcher.set_members(QUEUES)
    matcher.call_waits("c1", "sales", 0, 1.0, 1)
    matcher.agent_free("ana", 1.0)
    matcher.call_left("c1")
    matcher.call_left("c1")
    matcher.agent_taken("ana")
    assert (matcher.position("c1"), matcher.agent_for("c1"), matcher.call_for("ana")) == (0, None, None)
    matcher.call_waits("c2", "sales", 0, 2.0, 2)
    assert matcher.agent_for("c2") is None


def test_members_may_change_while_calls_wait() -> None:
    """Who serves what is asked anew each time."""
    matcher = Matcher(lambda contact, agent: False)
    matcher.set_members({"sales": ()})
    matcher.call_waits("c1", "sales", 0, 1.0, 1)
    matcher.agent_free("ana", 1.0)
    assert matcher.agent_for("c1") is None
    matcher.set_members({"sales": ("ana",)})
    assert (matcher.agent_for("c1"), matcher.call_for("ana"), matcher.queues_of("ana")) == (
        "ana",
        "c1",
        ("sales",),
    )
