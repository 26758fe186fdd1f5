"""Patience from censored waits, against cases worked out by hand and a truth that is known."""

from __future__ import annotations

import math

import pytest

from cti_engine.simulation.chance import Chance, Purpose
from cti_engine.simulation.distributions import Exponential
from cti_engine.simulation.patience import Wait, kaplan_meier


def test_without_censoring_it_is_the_share_of_those_who_gave_up() -> None:
    """Four who gave up, two at once: the steps of the empirical distribution, and nothing beyond the last."""
    found = kaplan_meier([Wait(3.0, True), Wait(1.0, True), Wait(3.0, True), Wait(8.0, True)])
    assert found.times == (1.0, 3.0, 8.0)
    assert found.reached == pytest.approx((0.25, 0.75, 1.0))
    assert [found(u) for u in (0.0, 0.25, 0.26, 0.75, 0.76, 0.999)] == [1.0, 1.0, 3.0, 3.0, 8.0, 8.0]


def test_the_remission_times_of_freireich() -> None:
    """The textbook's case (6-MP arm, 21 patients, 12 censored; Cox, Oakes 1984, p. 7): S as published."""
    relapsed = (6, 6, 6, 7, 10, 13, 16, 22, 23)
    censored = (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)
    found = kaplan_meier(
        [*(Wait(float(t), True) for t in relapsed), *(Wait(float(t), False) for t in censored)]
    )
    assert found.times == (6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 23.0)
    published = (0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448)
    assert [1.0 - each for each in found.reached] == pytest.approx(published, abs=5e-4)
    assert found.tail == pytest.approx(359 / 9)
    assert found(0.9) == pytest.approx(23.0 - 359 / 9 * math.log(0.1 / 0.448), rel=2e-3)


@pytest.mark.parametrize("waits", [[], [Wait(5.0, False), Wait(9.0, False)]])
def test_nobody_gave_up(waits: list[Wait]) -> None:
    """Then nobody ever does."""
    assert kaplan_meier(waits)(0.5) == math.inf


def test_exponential_patience_is_found_again() -> None:
    """20,000 callers of mean patience 120 s who are answered after 60 s on average: median and mean within 5 %."""
    chance, patience, answer = Chance(1, 1), Exponential(120.0), Exponential(60.0)
    waits = []
    for key in range(20_000):
        gives_up = patience(chance.uniform(key, Purpose.PATIENCE))
        answered = answer(chance.uniform(key, Purpose.TALK))
        waits.append(Wait(min(gives_up, answered), gives_up < answered))
    found = kaplan_meier(waits)
    assert found(0.5) == pytest.approx(120.0 * math.log(2), rel=0.05)
    mean = sum(found((each + 0.5) / 20_000) for each in range(20_000)) / 20_000
    assert mean == pytest.approx(120.0, rel=0.05)
