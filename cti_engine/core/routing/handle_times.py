"""How long each group of agents takes in a queue, learned call by call, and which groups are markedly slower there.

One `QueueTimes` is all that is known of one queue: row data, bounded in size, no clock and no chance.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import exp, inf, sqrt
from typing import NamedTuple

MEMORY = 1000
"""Calls after which an earlier one counts 1/e as much: forgetting is by calls of the same kind, not by time. With half
of it the levels of groups a quarter slower, with times as spread as exponential ones, came and went by chance.
"""
MOST_INTENTS = 20
"""Of one queue; calls of further intents are learned as calls of no intent."""
STANDARD_ERRORS = 2.0
"""A difference is clear when it is so many standard errors from none."""
RECKONED_EVERY = 10
"""Calls of a queue between two looks at its levels."""
_KEPT = 1 - 1 / MEMORY


@dataclass(slots=True)
class Cell:
    """Handle times of one group and intent: weighted mean and sum of squared deviations, in seconds.

    A call k calls back has the weight (1 - 1/MEMORY)^k; `weight` and `squares` are the sums of weights and of their
    squares.
    """

    weight: float = 0.0
    squares: float = 0.0
    mean: float = 0.0
    deviations: float = 0.0

    def add(self, seconds: float) -> None:
        """West (1979), incremental weighted mean and variance, with forgetting."""
        self.weight = self.weight * _KEPT + 1
        self.squares = self.squares * _KEPT * _KEPT + 1
        off = seconds - self.mean
        self.mean += off / self.weight
        self.deviations = self.deviations * _KEPT + off * (seconds - self.mean)

    @property
    def calls(self) -> float:
        """Kish's effective number: so many calls of equal weight would tell as much."""
        return self.weight * self.weight / self.squares if self.squares else 0.0

    @property
    def variance(self) -> float:
        """Of one call; infinite before there are two."""
        calls = self.calls
        return self.deviations / self.weight * calls / (calls - 1) if calls > 1.5 else inf


@dataclass(slots=True)
class QueueTimes:
    """Row kind `handle_times`, its id the queue's. `cells`: intent -> group; "" is a call without an intent.

    `mix`: how often each intent comes (forgotten like the times). `slow`: the groups of level 1.
    """

    id: str
    cells: dict[str, dict[str, Cell]] = field(default_factory=dict)
    mix: dict[str, float] = field(default_factory=dict)
    slow: list[str] = field(default_factory=list)
    calls: int = 0

    def add(self, group: str, intent: str, seconds: float) -> bool:
        """A call is over: talk, hold and wrap-up together. Whether it is time to look at the levels again."""
        if intent not in self.mix and len(self.mix) >= MOST_INTENTS:
            intent = ""
        for known in self.mix:
            self.mix[known] *= _KEPT
        self.mix[intent] = self.mix.get(intent, 0.0) + 1
        self.cells.setdefault(intent, {}).setdefault(group, Cell()).add(seconds)
        self.calls += 1
        return self.calls % RECKONED_EVERY == 0

    def forget_all_but(self, groups: Collection[str]) -> None:
        """Of the groups, those stay that there still are."""
        for of_group in self.cells.values():
            for group in [each for each in of_group if each not in groups]:
                del of_group[group]
        self.slow = [group for group in self.slow if group in groups]


class Estimate(NamedTuple):
    """A group's handle time in a queue, as if it had the queue's mix of intents; `error`: standard error; seconds."""

    seconds: float
    error: float
    calls: float


@dataclass(frozen=True, slots=True)
class LevelLimits:
    """What the admin sets. `slower_by` 1.15: a group that takes 15 % longer than the fastest is markedly slower.

    `min_calls`: before so many (effective) calls nothing is said of a group. `at_most_wait`: ms from which on a
    call is everybody's, None: never.
    """

    enabled: bool = True
    slower_by: float = 1.15
    min_calls: int = 30
    at_most_wait: int | None = 300_000


DEFAULT = LevelLimits()


def estimates(times: QueueTimes, groups: Iterable[str]) -> dict[str, Estimate]:
    """What to expect of each of the groups that has had calls of the queue.

    A cell's mean is shrunk towards its intent's mean over all groups, that towards the queue's, both by the
    credibility n / (n + k) of Bühlmann and Straub (ASTIN Bulletin 5, 1970): k is the variance of one call over the
    variance between the means, both estimated from the cells themselves. A group's time is the sum over the
    intents of the queue's share of the intent times that.
    """
    by_intent = [_pooled(of_group.values()) for of_group in times.cells.values()]
    in_all = _pooled(by_intent)
    between_intents = _credibility(by_intent, in_all)
    total = sum(times.mix.values()) or 1.0
    found: dict[str, Estimate] = {}
    shares = [times.mix.get(intent, 0.0) / total for intent in times.cells]
    towards = [_shrunk(cell, in_all.mean, between_intents)[0] for cell in by_intent]
    ks = [
        _credibility(of_group.values(), cell)
        for of_group, cell in zip(times.cells.values(), by_intent, strict=True)
    ]
    for group in groups:
        seconds = variance = calls = 0.0
        for place, of_group in enumerate(times.cells.values()):
            cell = of_group.get(group)
            mean, of_mean = towards[place], 0.0
            if cell is not None:
                mean, of_mean = _shrunk(cell, mean, ks[place])
                calls += cell.calls
            seconds += shares[place] * mean
            variance += shares[place] ** 2 * of_mean
        if calls:
            found[group] = Estimate(seconds, sqrt(variance), calls)
    return found


def _pooled(cells: Iterable[Cell]) -> Cell:
    """All of them as one. Its deviations are those within the cells alone."""
    pooled = Cell()
    for cell in cells:
        pooled.weight += cell.weight
        pooled.squares += cell.squares
        pooled.mean += cell.weight * cell.mean
        pooled.deviations += cell.deviations
    pooled.mean /= pooled.weight or 1.0
    return pooled


def _credibility(cells: Collection[Cell], pooled: Cell) -> float:
    """k of n / (n + k): how many calls weigh as much as what is known of the others. Infinite: they do not differ."""
    known = [cell for cell in cells if cell.calls > 1.5]
    calls = sum(cell.calls for cell in known)
    if len(known) < 2:
        return inf
    within = sum(cell.calls * cell.variance for cell in known) / calls
    spread = sum(cell.calls * (cell.mean - pooled.mean) ** 2 for cell in known)
    size = calls - sum(cell.calls**2 for cell in known) / calls
    between = (spread - (len(known) - 1) * within) / size
    return within / between if between > 0 else inf


def _shrunk(cell: Cell, towards: float, k: float) -> tuple[float, float]:
    """The mean, and the variance that it has by the cell's own calls."""
    calls = cell.calls
    share = calls / (calls + k) if k < inf and calls > 1.5 else 0.0
    return towards + share * (cell.mean - towards), share * share * cell.variance / calls if share else 0.0


def slow_groups(times: QueueTimes, groups: Iterable[str], limits: LevelLimits) -> list[str]:
    """The groups that are markedly slower than the fastest, by what is known now and what was said before.

    Level 1 begins at `slower_by` when the ratio is clearly above 1, and ends at half of the way to 1, so that it does
    not come and go with every call.
    """
    if not limits.enabled:
        return []
    known = {
        group: estimate
        for group, estimate in estimates(times, groups).items()
        if estimate.calls >= limits.min_calls and estimate.seconds > 0
    }
    if not known:
        return []
    fastest = min(known, key=lambda group: (known[group].seconds, group))
    ends = 1 + (limits.slower_by - 1) / 2
    slow = []
    for group in sorted(known):
        ratio = compared(known[group], known[fastest])
        begins = ratio.value >= limits.slower_by and ratio.least >= 1
        if begins or (group in times.slow and ratio.value >= ends):
            slow.append(group)
    return slow


class Ratio(NamedTuple):
    """Of two handle times, with what it clearly is: `STANDARD_ERRORS` of its logarithm (delta method) to each side."""

    value: float
    least: float
    most: float


def compared(one: Estimate, fastest: Estimate) -> Ratio:
    if one is fastest:
        return Ratio(1.0, 1.0, 1.0)
    ratio = one.seconds / fastest.seconds
    error = sqrt((one.error / one.seconds) ** 2 + (fastest.error / fastest.seconds) ** 2)
    away = exp(STANDARD_ERRORS * error)
    return Ratio(ratio, ratio / away, ratio * away)
