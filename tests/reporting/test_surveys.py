"""Figures of surveys against sums by hand, published intervals and scipy's quantiles; small numbers tell little."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cti_engine.core.reporting.intervals import Estimate, less_the_other, student_quantile, wilson
from cti_engine.core.reporting.surveys import Asked, Given, SurveyFigures, report


def _report(given: list[Given], asked: list[Asked] | None = None, *, weighted: bool = False) -> SurveyFigures:
    return report(asked or [], given, 0.0, 1.0, weighted=weighted).total


def _csat(*answers: float, value: float = 0.0) -> list[Given]:
    return [Given("ana", "sales", "1-5", answer, value) for answer in answers]


def _nps(*answers: float, value: float = 0.0) -> list[Given]:
    return [Given("ana", "sales", "0-10", answer, value) for answer in answers]


def _is(found: Estimate | None, *wanted: float, within: float = 5e-4) -> None:
    assert found is not None and found.low is not None and found.high is not None
    assert (found.value, found.low, found.high) == pytest.approx(wanted, abs=within)


def test_satisfaction_by_hand() -> None:
    """5, 4, 4, 2: mean 3.75, variance 4.75/3, so 3.75 -+ 3.1824 * 1.2583/2 = 1.748 to 5.752, cut at 5; three of four
    are satisfied, by Wilson 0.301 to 0.954.
    """
    found = _report(_csat(5, 4, 4, 2))
    assert found.csat_answers == 4
    _is(found.csat, 3.75, 1.7478, 5.0)
    _is(found.satisfied, 0.75, 0.3006, 0.9544)


def test_a_few_answers_promise_nothing() -> None:
    """One answer, or some that are all alike, have no interval of the mean; none has no figure at all."""
    assert _report(_csat(5)).csat == Estimate(5.0, None, None)
    alike = _report(_csat(5, 5, 5))
    assert alike.csat == Estimate(5.0, None, None)
    _is(alike.satisfied, 1.0, 0.4385, 1.0)
    nobody = _report([])
    assert (nobody.csat, nobody.nps, nobody.response) == (None, None, None)


def test_promoters_by_hand() -> None:
    """10, 9, 9, 8, 7, 6, 0, 10: four promoters, two detractors of eight: 25; with one more in each, of ten, 0.5 less
    0.3 -+ 1.96 * sqrt((0.8 - 0.04) / 10) = -34 to 74.
    """
    found = _report(_nps(10, 9, 9, 8, 7, 6, 0, 10))
    assert found.nps_answers == 8
    _is(found.nps, 25.0, -34.03, 74.03, within=0.01)


def test_response() -> None:
    """Two of five who were asked have answered: 0.4, by Wilson 0.118 to 0.769; answers to a flow before any agent are
    no response.
    """
    asked = [Asked("ana", "sales", answered) for answered in (True, True, False, False, False)]
    found = _report([Given("", "", "1-5", 3), *_csat(4)], asked)
    assert (found.asked, found.answered, found.csat_answers) == (5, 2, 2)
    _is(found.response, 0.4, 0.1176, 0.7693)


def test_weighted_by_what_the_customer_is_worth() -> None:
    """5 by one worth 3000, 2 and 1 by two worth 1000: mean (15 + 2 + 1) / 5 = 3.6 of 25/11 answers' weight. Its
    variance is 3.04 * (25/11) / (14/11), Student's with 14/11 degrees has 7.75. Strangers' answers are counted as left
    out; all alike in worth it is as if not weighted.
    """
    answers = [*_csat(5, value=3000.0), *_csat(2, 1, value=1000.0), *_csat(1)]
    found = _report(answers, weighted=True)
    assert (found.csat_answers, found.left_out) == (3, 1)
    assert found.csat is not None
    assert found.csat.value == pytest.approx(3.6)
    half = stats.t.ppf(0.975, 14 / 11) * (3.04 / (14 / 11)) ** 0.5
    assert half > 10 and (found.csat.low, found.csat.high) == (1.0, 5.0), "three answers say next to nothing"
    _is(found.satisfied, 0.6, *wilson(0.6, 25 / 11))
    _is(_report(_nps(10, value=300.0) + _nps(0, value=100.0), weighted=True).nps, 50.0,
        *(100 * each for each in less_the_other(0.75, 0.25, 1.6)))  # fmt: skip
    alike = [*_csat(5, 4, 2, 2, value=700.0), *_nps(9, 3, value=700.0)]
    weighted, plain = _report(alike, weighted=True), _report(alike)
    for one, other in ((weighted.csat, plain.csat), (weighted.nps, plain.nps)):
        assert one is not None and other is not None
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))
    assert _report(_csat(4), weighted=True).csat is None, "nobody is worth anything"


def test_by_agent_and_queue() -> None:
    """Each has their own; what came before any agent is in the total alone; other scales are in no figure."""
    given = [
        Given("ana", "sales", "1-5", 5), Given("ana", "support", "1-5", 1), Given("john", "sales", "0-10", 10),
        Given("", "", "1-5", 3), Given("john", "sales", "1-10", 7),
    ]  # fmt: skip
    asked = [Asked("ana", "sales", True), Asked("john", "sales", False)]
    found = report(asked, given, 10.0, 20.0)
    assert [(one.name, one.asked, one.csat_answers, one.nps_answers) for one in found.agents] == [
        ("ana", 1, 2, 0), ("john", 1, 0, 1),
    ]  # fmt: skip
    assert [(one.name, one.asked, one.csat_answers) for one in found.queues] == [
        ("sales", 2, 1),
        ("support", 0, 1),
    ]
    assert (found.total.csat_answers, found.total.csat and found.total.csat.value) == (3, 3.0)


@pytest.mark.parametrize("freedom", [1.0, 1.27, 2.0, 5.5, 30.0, 5000.0])
def test_students_quantile(freedom: float) -> None:
    """As scipy has it."""
    assert student_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-9)


def test_published_intervals() -> None:
    """Wilson of 81 in 263 (Newcombe 1998, one proportion, table I)."""
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


@pytest.mark.parametrize("number", [8, 30, 200])
def test_the_interval_of_promoters_covers(number: int) -> None:
    """Of 2,000 samples of a center with 50 % promoters and 20 % detractors, at least 94 of 100 hold the true 30."""
    random = np.random.default_rng(number)
    inside = 0
    for promoters, detractors, _ in random.multinomial(number, (0.5, 0.2, 0.3), 2000) / number:
        low, high = less_the_other(promoters, detractors, number)
        inside += low <= 0.3 <= high
    assert inside >= 1880
