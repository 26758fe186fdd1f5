"""What surveys say of agents and queues: satisfaction, promoters, and how many of those asked have answered at all.

CSAT: the mean of the answers on 1-5, with Student's interval, and the share of 4 and 5, with Wilson's. NPS: the share
of 9 and 10 less that of 0 to 6 of the answers on 0-10, times 100 (F. Reichheld, Harvard Business Review 81 (12), 2003,
46-54). Response: who answered anything, of those given a flow after the call. Weighted, each counts by what the
customer is worth, and intervals are those of (sum w)^2 / sum w^2 answers (L. Kish, Survey Sampling, 1965): few large
customers tell as little as few customers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cti_engine.core.reporting.intervals import Estimate, less_the_other, of_mean, wilson

CSAT, NPS = "1-5", "0-10"
"""Scales; answers on others are in profiles, and in no figure."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A caller who was given a survey. `value`: what the customer was worth then, 0 for a stranger."""

    agent: str
    queue: str
    answered: bool
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Given:
    """An answer, to a survey wherever in the call."""

    agent: str
    queue: str
    scale: str
    answer: float
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class SurveyFigures:
    """Of an agent or a queue (`name`), or of all. Figures are None without an answer that counts; `nps` from -100 to
    100, `satisfied` and `response` from 0 to 1. `left_out`: answers on both scales of customers worth nothing, when
    weighted.
    """

    name: str
    asked: int
    answered: int
    response: Estimate | None
    csat_answers: int
    csat: Estimate | None
    satisfied: Estimate | None
    nps_answers: int
    nps: Estimate | None
    left_out: int


@dataclass(frozen=True, slots=True)
class SurveyReport:
    """From `since` to before `until`, wall seconds. Agents and queues by name; answers without one are in `total`."""

    since: float
    until: float
    weighted: bool
    total: SurveyFigures
    agents: tuple[SurveyFigures, ...]
    queues: tuple[SurveyFigures, ...]


def report(
    asked: Sequence[Asked], given: Sequence[Given], since: float, until: float, *, weighted: bool = False
) -> SurveyReport:
    def each(who: Callable[[Asked | Given], str]) -> tuple[SurveyFigures, ...]:
        theirs: dict[str, tuple[list[Asked], list[Given]]] = defaultdict(lambda: ([], []))
        for one in asked:
            theirs[who(one)][0].append(one)
        for other in given:
            theirs[who(other)][1].append(other)
        return tuple(_figures(name, *theirs[name], weighted) for name in sorted(theirs) if name)

    return SurveyReport(
        since,
        until,
        weighted,
        _figures("", asked, given, weighted),
        each(lambda one: one.agent),
        each(lambda one: one.queue),
    )


def _figures(name: str, asked: Sequence[Asked], given: Sequence[Given], weighted: bool) -> SurveyFigures:
    given = [one for one in given if one.scale in (CSAT, NPS)]

    def of_scale(scale: str) -> list[tuple[float, float]]:
        return [
            (one.answer, one.value if weighted else 1.0)
            for one in given
            if one.scale == scale and (one.value > 0.0 or not weighted)
        ]

    csat, nps = of_scale(CSAT), of_scale(NPS)
    responses = [(float(one.answered), one.value if weighted else 1.0) for one in asked]
    return SurveyFigures(
        name,
        len(asked),
        sum(one.answered for one in asked),
        _share(responses),
        len(csat),
        _mean(csat),
        _share([(float(answer >= 4), weight) for answer, weight in csat]),
        len(nps),
        _promoters(nps),
        len(given) - len(csat) - len(nps),
    )


Weighted = Sequence[tuple[float, float]]
"""Values with their weights."""


def _mean_of(values: Weighted) -> float:
    return sum(value * weight for value, weight in values) / sum(weight for _, weight in values)


def _number(values: Weighted) -> float:
    """As how many of equal weight they tell; 0 for none."""
    total, squares = sum(weight for _, weight in values), sum(weight * weight for _, weight in values)
    return total * total / squares if squares else 0.0


def _mean(values: Weighted) -> Estimate | None:
    number = _number(values)
    if not number:
        return None
    mean = _mean_of(values)
    spread = _mean_of([((value - mean) ** 2, weight) for value, weight in values])
    variance = spread * number / (number - 1.0) if number > 1.0 else 0.0
    low, high = of_mean(mean, variance, number) or (None, None)
    if low is None or high is None:
        return Estimate(mean, None, None)
    least, most = (float(end) for end in CSAT.split("-"))
    return Estimate(mean, max(least, low), min(most, high))


def _share(values: Weighted) -> Estimate | None:
    number = _number(values)
    if not number:
        return None
    share = _mean_of(values)
    return Estimate(share, *wilson(share, number))


def _promoters(values: Weighted) -> Estimate | None:
    number = _number(values)
    if not number:
        return None
    promoters = _mean_of([(float(answer >= 9), weight) for answer, weight in values])
    detractors = _mean_of([(float(answer <= 6), weight) for answer, weight in values])
    low, high = less_the_other(promoters, detractors, number)
    return Estimate(100.0 * (promoters - detractors), 100.0 * low, 100.0 * high)
