"""The short form of section (e): small bursts of every shape, and a judge that can say no."""

from __future__ import annotations

import numpy as np
import pytest

from tests.routing.burst_cases import CASES, START, instance
from tests.routing.burst_shares import SIZES, Task, play, valid


@pytest.mark.parametrize("case", range(len(CASES)), ids=lambda case: CASES[case].name)
def test_no_matching_serves_more_calls_and_none_is_worth_more(case: int) -> None:
    """In small bursts of every shape; by value as many calls are served, and up to 50 the sum is the greatest there is.

    Larger ones may stop a little short of it when their work is used up.
    """
    for size in (50, 200):
        for seed in SIZES[size]:
            result = play(Task(case, size, seed))
            assert result.matched == result.most
            assert result.worth >= (1 if size == 50 else 0.999) * result.best


def test_the_judge_sees_a_wrong_pair() -> None:
    """An agent who may not serve the call, an agent with two calls, a call with two agents."""
    given = instance(CASES[0], 50, 1)
    found = given.matcher().burst(START)
    calls = {call.contact: place for place, (call, _) in enumerate(given.calls)}
    stranger = given.agents[int(np.argmin(given.edges[calls[found[0].contact]]))].id
    with pytest.raises(AssertionError, match="may not serve"):
        valid(given, [found[0]._replace(agent=stranger)])
    with pytest.raises(AssertionError, match="two calls"):
        valid(given, [found[0], found[1]._replace(agent=found[0].agent)])
    with pytest.raises(AssertionError, match="given twice"):
        valid(given, [found[0], found[1]._replace(contact=found[0].contact)])
