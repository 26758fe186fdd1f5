"""Section (d) of `make verify-routing`: the default policy beside five plain ones, on the same calls.

In every column its service level has to be within 1 point of the best of the five, its abandonment within 5 % of the
least: the whole 95 % band of the paired difference, not only its middle. Seeds are 1 to R, fixed in advance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.report import Report
from tests.routing.estimates import Band, Replication, band
from tests.routing.plain_policies import POLICIES, Call, Served, Team, play
from tests.routing.quality_cases import COLUMNS, Column, calls, play_default, team

DEFAULT = "default"
REPLICATIONS, WARM_UP, CALLS = 24, 15_000, 40_000
"""Calls of the warm-up, in which the default policy learns, are in no figure of any policy."""
IN_TIME = 20_000
POINTS, RELATIVE, MISSES = 0.01, 0.05, 0.05


class Tally(NamedTuple):
    """Of one policy in one replication. `by_type`: offered and answered within 20 s; `busy`: ms by agent.

    `waits`: of the answered, ms.
    """

    offered: int
    in_time: int
    abandoned: int
    by_type: NDArray[np.int64]
    busy: NDArray[np.float64]
    waits: NDArray[np.int64]


class Task(NamedTuple):
    column: int
    seed: int
    warm_up: int = WARM_UP
    calls: int = CALLS


Tallies = dict[str, Tally]


def compare(task: Task) -> tuple[int, int, Tallies]:
    """All policies on the same calls."""
    column = COLUMNS[task.column]
    given, of = calls(column, task.seed, task.warm_up + task.calls), team(column)
    found = {DEFAULT: tally(given, of, play_default(of, given), task.warm_up)}
    for name, policy in POLICIES.items():
        found[name] = tally(given, of, play(given, of, policy), task.warm_up)
    return task.column, task.seed, found


def tally(given: Sequence[Call], of: Team, served: Served, warm_up: int) -> Tally:
    kinds = np.array([call.type for call in given])
    primary = np.array([skills[0] for skills in of.skills])
    agents, waits = np.array(served.agents), np.array(served.waits)
    counted = np.arange(len(given)) >= warm_up
    answered = counted & (agents >= 0)
    good = answered & (waits <= IN_TIME)
    took = np.array([call.basis for call in given]) * np.where(primary[agents] == kinds, 1.0, of.slower)
    by_type = np.array(
        [np.bincount(kinds[which], minlength=len(set(primary.tolist()))) for which in (counted, good)]
    )
    busy = np.bincount(agents[answered], took[answered], minlength=len(primary)).astype(np.float64)
    return Tally(
        int(counted.sum()),
        int(good.sum()),
        int((counted & (agents < 0)).sum()),
        by_type,
        busy,
        waits[answered],
    )


class Row(NamedTuple):
    """One policy in one column, all shares: of all calls, of the worst type; `spread` of the agents' occupancy (CV).

    `late`: 99 of 100 answered callers waited less, seconds.
    """

    policy: str
    level: float
    abandonment: float
    worst: float
    spread: float
    late: float


class Verdict(NamedTuple):
    """`level`: default less the best, as a share of calls; `abandonment`: default over the least."""

    column: Column
    rows: list[Row]
    best_level: str
    level: Band
    best_abandonment: str
    abandonment: Band

    @property
    def misses(self) -> list[str]:
        """What is not shown to be within its limit."""
        found = []
        if self.level.value - self.level.half < -POINTS:
            found.append(f"{self.column.name}: service level against {self.best_level}")
        if self.abandonment.value + self.abandonment.half > 1 + RELATIVE:
            found.append(f"{self.column.name}: abandonment against {self.best_abandonment}")
        return found


def judged(column: Column, replications: Sequence[Tallies]) -> Verdict:
    rows = [row(name, [each[name] for each in replications]) for name in (DEFAULT, *POLICIES)]
    plain = rows[1:]
    level = max(plain, key=lambda each: each.level).policy
    abandonment = min(plain, key=lambda each: each.abandonment).policy
    pairs = [
        Replication(
            {
                "level": (each[DEFAULT].in_time - each[level].in_time, each[level].offered),
                "abandonment": (each[DEFAULT].abandoned, each[abandonment].abandoned),
            },
            (),
        )
        for each in replications
    ]
    return Verdict(
        column, rows, level, band(pairs, "level", MISSES), abandonment, band(pairs, "abandonment", MISSES)
    )


def row(policy: str, tallies: Sequence[Tally]) -> Row:
    offered = sum(each.offered for each in tallies)
    offered_by_type, good_by_type = np.sum([each.by_type for each in tallies], axis=0)
    busy = np.sum([each.busy for each in tallies], axis=0)
    return Row(
        policy,
        sum(each.in_time for each in tallies) / offered,
        sum(each.abandoned for each in tallies) / offered,
        float((good_by_type / offered_by_type).min()),
        float(busy.std() / busy.mean()),
        float(np.quantile(np.concatenate([each.waits for each in tallies]), 0.99)) / 1000,
    )


OnAllCores = Callable[[str, Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


def quality_table(report: Report, console: Console, on_all_cores: OnAllCores) -> None:
    """Run it all, print the table, set the goal."""
    tasks = [Task(column, seed) for seed in range(1, REPLICATIONS + 1) for column in range(len(COLUMNS))]
    found: list[dict[int, Tallies]] = [{} for _ in COLUMNS]
    for column, seed, tallies in on_all_cores("quality of policies", compare, tasks):
        found[column][seed] = tallies
    verdicts = [
        judged(column, [of_column[seed] for seed in sorted(of_column)])
        for column, of_column in zip(COLUMNS, found, strict=True)
    ]
    for verdict in verdicts:
        console.print(_table(verdict))
    missed = [miss for verdict in verdicts if verdict.column.judged for miss in verdict.misses]
    beside = [miss for verdict in verdicts if not verdict.column.judged for miss in verdict.misses]
    report.goal("quality_misses", "= 0", len(missed))
    report.figure("quality_missed", missed)
    report.figure("quality_missed_unjudged", beside)
    report.figure("quality_calls_per_cell", REPLICATIONS * CALLS)
    for verdict in verdicts:
        report.figure(f"quality: {verdict.column.name}", _as_json(verdict))


def _as_json(verdict: Verdict) -> dict[str, object]:
    """In percent; the differences in points and in percent of the least abandonment."""
    level, abandonment = verdict.level, verdict.abandonment
    return {
        **{
            each.policy: {
                "sl20": round(100 * each.level, 2),
                "abandonment": round(100 * each.abandonment, 2),
                "worst_type_sl20": round(100 * each.worst, 2),
                "occupancy_cv": round(each.spread, 4),
                "p99_wait_s": round(each.late, 1),
            }
            for each in verdict.rows
        },
        "sl20_less_best": [round(100 * level.value, 2), round(100 * level.half, 2), verdict.best_level],
        "abandonment_over_least": [
            round(100 * (abandonment.value - 1), 2), round(100 * abandonment.half, 2), verdict.best_abandonment,
        ],
    }  # fmt: skip


def _table(verdict: Verdict) -> Table:
    level, abandonment = verdict.level, verdict.abandonment
    told = (
        f"default less best: SL20 {100 * level.value:+.2f} ± {100 * level.half:.2f} points ({verdict.best_level}), "
        f"abandonment {100 * (abandonment.value - 1):+.1f} ± {100 * abandonment.half:.1f} % "
        f"({verdict.best_abandonment}): {'MISSED' if verdict.misses else 'holds'}"
    )
    table = Table(
        "policy", "SL20 %", "abandoned %", "worst type SL20 %", "occupancy CV", "p99 wait s",
        title=verdict.column.name, title_justify="left", caption=told, caption_justify="left",
    )  # fmt: skip
    for each in verdict.rows:
        table.add_row(
            each.policy,
            f"{100 * each.level:.2f}",
            f"{100 * each.abandonment:.2f}",
            f"{100 * each.worst:.2f}",
            f"{each.spread:.4f}",
            f"{each.late:.1f}",
        )
    return table
