"""Many days of one scenario, on several cores: replication r has the chance of (seed, r), whoever plays it."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from scipy import stats

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.simulation.acd_world import AcdWorld
from cti_engine.simulation.chance import Chance
from cti_engine.simulation.day_figures import DayFigures, Figures, Series
from cti_engine.simulation.habits import Call, Habits, Status
from cti_engine.simulation.matcher_world import Staffing
from cti_engine.simulation.simulated_rules import Way, simulated

LEVEL = 0.95
CURVE = 101
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Day:
    """What one replication gives. `waits`: by queue, quantiles 0, 1 ... 100 % of the waits of the answered."""

    figures: Figures
    series: Series
    waits: dict[str, tuple[float, ...]]
    calls: int
    anomalies: tuple[str, ...]


class Playable(Protocol):
    """A day to be played again and again; see `Scenario`."""

    @property
    def definitions(self) -> CenterDefinitions: ...
    @property
    def ways(self) -> Sequence[Way]: ...
    @property
    def group_of(self) -> Mapping[str, str]: ...
    @property
    def duty(self) -> Sequence[Staffing | Status]: ...
    @property
    def begins(self) -> int: ...
    @property
    def length(self) -> float: ...
    @property
    def warm_up(self) -> float: ...
    @property
    def interval(self) -> float: ...
    @property
    def utc_offset(self) -> float: ...
    @property
    def seed(self) -> int: ...
    def habits(self, chance: Chance) -> Habits: ...
    def calls(self, habits: Habits) -> list[Call]: ...


def play(day: Playable, replication: int) -> Day:
    """One day, from its first call until the last one is over."""
    habits = day.habits(Chance(day.seed, replication))
    begins, rules = day.begins / 1000, simulated(day.definitions, day.ways)
    figures = DayFigures(rules, day.group_of, begins + day.warm_up, begins + day.length, day.interval)
    world = AcdWorld(rules, habits, figures, day.begins, utc_offset=day.utc_offset)
    calls = day.calls(habits)
    world.run(calls, day.duty)
    waits = {
        queue: tuple(np.percentile(each, np.linspace(0.0, 100.0, CURVE)).tolist())
        for queue, each in figures.waits().items()
        if each
    }
    return Day(figures.figures(), figures.series(), waits, len(calls), tuple(world.anomalies))


def in_processes(
    load: Callable[[], Callable[[int], Done]], numbers: Sequence[int], jobs: int
) -> Iterator[tuple[int, Done]]:
    """`load()` gives, in each process, what plays one number; results as they come.

    A set of rules holds compiled conditions, which no process can send to another: each loads its own.
    """
    if jobs <= 1:
        played = load()
        yield from ((number, played(number)) for number in numbers)
        return
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(min(jobs, len(numbers)), context, _load, (load,)) as pool:
        waiting = {pool.submit(_one, number): number for number in numbers}
        for future in as_completed(waiting):
            yield waiting[future], future.result()


_played: list[Callable[[int], Any]] = []


def _load(load: Callable[[], Callable[[int], Any]]) -> None:
    _played[:] = [load()]


def _one(number: int) -> Any:
    return _played[0](number)


class Band(NamedTuple):
    """Mean over `number` replications and half of its confidence interval (Student t); nan: fewer than two."""

    mean: float
    half: float
    number: int


def band(values: Sequence[float], level: float = LEVEL) -> Band:
    """Replications without a value (nan) are left out."""
    known = [value for value in values if not math.isnan(value)]
    if len(known) < 2:
        return Band(known[0] if known else math.nan, math.nan, len(known))
    spread = float(np.std(known, ddof=1)) / math.sqrt(len(known))
    return Band(
        float(np.mean(known)), float(stats.t.ppf((1 + level) / 2, len(known) - 1)) * spread, len(known)
    )


class Prediction(NamedTuple):
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """True for nan too: there is nothing to compare."""
        return math.isnan(value) or not (value < self.low or value > self.high)


def prediction(values: Sequence[float], level: float = LEVEL) -> Prediction:
    """Where one more replication lies with this probability (Student t with 1 + 1/n)."""
    mean, half, number = band(values, level)
    reach = half * math.sqrt(number + 1)
    return Prediction(mean - reach, mean + reach)


def bands(days: Sequence[Figures]) -> dict[str, dict[str, Band]]:
    """For each scope and metric, over the days."""
    return {
        scope: {metric: band([day[scope][metric] for day in days]) for metric in metrics}
        for scope, metrics in days[0].items()
    }
