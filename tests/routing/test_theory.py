"""The short form of section (c): the same queues, shorter, and a judge that can say no."""

from __future__ import annotations

import numpy as np
import pytest

from tests.routing.estimates import Replication, band
from tests.routing.theory import CASES, ROWS, at_level, judged
from tests.routing.theory_cases import STEADY, Case, Published, Steady, erlang
from tests.routing.theory_days import DAYS

SEEDS, CALLS, DAYS_PLAYED = range(1, 21), 400, range(1, 17)


@pytest.mark.parametrize("case", STEADY, ids=lambda case: case.name)
def test_the_engine_is_where_theory_says(case: Case) -> None:
    """Each closed form lies in the engine's band; the bands are wider than in the long form."""
    number = CASES.index(case)
    found = [case.play(np.random.default_rng([seed, number]), CALLS, 0.5) for seed in SEEDS]
    wrong = {row.quantity: row for row in judged(case, found) if row.why not in ("", "too wide")}
    assert not wrong


@pytest.mark.parametrize("case", (DAYS[2], DAYS[4]), ids=lambda case: case.name)
def test_the_engine_is_where_contact_centers_was(case: Case) -> None:
    """A few days overlap what was published of a thousand."""
    number, of = CASES.index(case), len(DAYS_PLAYED)
    found = [case.play(np.random.default_rng([day, number]), of, (day - 0.5) / of) for day in DAYS_PLAYED]
    assert {row.quantity: row.why for row in judged(case, found) if row.why == "no overlap"} == {}


def test_one_agent_fewer_is_noticed() -> None:
    """The band around a queue with one agent fewer does not hold the theory of the right one."""
    case = STEADY[0]
    fewer = Steady((8.2,), 11)
    found = [fewer.play(np.random.default_rng([seed, 0]), CALLS, 0.5) for seed in SEEDS]
    why = {row.quantity: row.why for row in judged(case, found)}
    assert why["wait_probability"] == why["occupancy"] == "theory outside"
    assert judged(erlang("right", fewer, ("occupancy",)), found)[0].why != "theory outside"


def test_a_control_takes_out_what_it_explains() -> None:
    """A result that is its control and little else has a band as narrow as that little; the true value stays in it."""
    generator = np.random.default_rng(1)
    chance = generator.normal(0.0, 1.0, 60)
    rest = generator.normal(0.0, 0.01, 60)
    found = [
        Replication({"x": (5.0 + 2.0 * each + little, 1.0)}, (float(each),))
        for each, little in zip(chance, rest, strict=True)
    ]
    sharp = band(found, "x", 0.01)
    plain = band([each._replace(controls=()) for each in found], "x", 0.01)
    assert sharp.holds(5.0)
    assert plain.holds(5.0)
    assert sharp.half < 0.02 < plain.half
    with pytest.raises(ValueError, match="too few"):
        band(found[:8], "x", 0.01)


def test_a_published_interval_at_another_level() -> None:
    """95 % of 1.96 deviations become as many as the table's level asks for, and the rounding is added."""
    same = at_level(Published(1.0, 3.0, 0.95, 0.0), 0.05)
    assert same.value == pytest.approx(2.0)
    assert same.half == pytest.approx(1.0)
    assert at_level(Published(1.0, 3.0, 0.95, 0.5), 0.01 / ROWS).half > 1.5
