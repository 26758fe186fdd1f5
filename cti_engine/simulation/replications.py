"""Many days of one scenario, on several cores: replication r has the chance of (seed, r), whoever plays it."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from scipy import stats

from cti_engine.simulation.acd_world import AcdWorld
from cti_engine.simulation.chance import Chance
from cti_engine.simulation.day_figures import DayFigures, Figures, Series
from cti_engine.simulation.scenario import Scenario
from cti_engine.simulation.simulated_rules import simulated

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


def play(scenario: Scenario, replication: int) -> Day:
    """One day, from its first call until the last one is over."""
    habits = scenario.habits(Chance(scenario.seed, replication))
    begins = scenario.begins / 1000
    figures = DayFigures(
        scenario.definitions,
        scenario.group_of,
        begins + scenario.warm_up,
        begins + scenario.length,
        scenario.interval,
    )
    ways = [stream.way for stream in scenario.streams.values()]
    world = AcdWorld(simulated(scenario.definitions, ways), habits, figures, scenario.begins)
    calls = scenario.calls(habits)
    world.run(calls, scenario.duty)
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


def bands(days: Sequence[Figures]) -> dict[str, dict[str, Band]]:
    """For each scope and metric, over the days."""
    return {
        scope: {metric: band([day[scope][metric] for day in days]) for metric in metrics}
        for scope, metrics in days[0].items()
    }
