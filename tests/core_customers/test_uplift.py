"""Intervals of what hints gain: against published figures, and as often right as they say."""

from __future__ import annotations

import numpy as np
import pytest

from cti_engine.learning.uplift import Call, difference_of_means, difference_of_shares, uplift


def test_published_figures() -> None:
    """Newcombe (1998), table II, method 10: (a) 56/70 less 48/80; (h) 10/10 less 0/10."""
    found = difference_of_shares(56, 70, 48, 80)
    assert [found.low, found.high] == pytest.approx([0.0524, 0.3339], abs=1e-4)
    found = difference_of_shares(10, 10, 0, 10)
    assert [found.low, found.high] == pytest.approx([0.6075, 1.0], abs=1e-4)


def test_the_interval_covers() -> None:
    """5 % held out of 4,000 calls, three points of uplift: the truth is inside in at least 93 of 100 centers."""
    random = np.random.default_rng(1)
    shown = random.binomial(3800, 0.13, 400)
    held = random.binomial(200, 0.10, 400)
    found = [difference_of_shares(int(a), 3800, int(b), 200) for a, b in zip(shown, held, strict=True)]
    inside = [
        each.low <= 0.03 <= each.high for each in found if each.low is not None and each.high is not None
    ]
    assert len(inside) == 400 and sum(inside) >= 372


def test_means() -> None:
    """Welch's interval; of one call there is none, of equal ones no width."""
    found = difference_of_means([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0])
    assert found.difference == pytest.approx(-1.5)
    assert [found.low, found.high] == pytest.approx([-5.4, 2.4], abs=0.2)
    assert difference_of_means([1.0], [2.0]).low is None and difference_of_means([], [2.0]).shown is None
    assert difference_of_means([1.0, 1.0], [2.0, 2.0]).low == -1.0


def test_calls() -> None:
    """Each call counts in its arm; what a call has no figure of is left out of that figure."""
    calls = [Call(False, True, 300.0, 0.75), Call(False, False, 200.0), Call(True, False, None, 0.5)]
    found = uplift(calls)
    assert (found.shown, found.held_out) == (2, 1)
    assert (found.sales.shown, found.sales.held_out) == (0.5, 0.0)
    assert (found.handle_s.shown, found.handle_s.held_out) == (250.0, None)
    assert uplift([]).sales.difference is None
