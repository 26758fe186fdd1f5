"""Section (e) of `make verify-routing`: bursts beside scipy's maximum bipartite matching, and by value beside its LSAP.

Cases, sizes and seeds are fixed in advance. What the matcher answers is checked first: each pair may be, nobody is
twice in it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from benchmarks.report import Report
from cti_engine.core.routing.model import Decision
from tests.routing.burst_cases import CASES, START, Instance, instance

SIZES = {50: range(1, 9), 200: range(1, 5), 1000: range(1, 3), 3000: range(1, 2)}
"""Agents, and the seeds of each case at this size."""
LIMIT_MS = 100
"""For a burst of 3,000 agents where calls come by queues."""


class Task(NamedTuple):
    case: int
    size: int
    seed: int


class Result(NamedTuple):
    """`matched` of `most` calls in `ms`; by value pairs worth `worth` of at most `best` in `value_ms`."""

    task: Task
    matched: int
    most: int
    ms: float
    worth: int
    best: int
    value_ms: float

    @property
    def share(self) -> float:
        return self.matched / self.most

    @property
    def value_share(self) -> float:
        return self.worth / self.best


TASKS = [
    Task(case, size, seed) for size, seeds in SIZES.items() for case in range(len(CASES)) for seed in seeds
]


def play(task: Task) -> Result:
    """Raises AssertionError when the burst is not a matching of calls with agents who may serve them."""
    given = instance(CASES[task.case], task.size, task.seed)
    found, ms = answered(given)
    most = int(np.count_nonzero(maximum_bipartite_matching(csr_array(given.edges), perm_type="column") >= 0))
    by_value, value_ms = answered(given, by_value=True)
    assert valid(given, by_value) == most, "value decides who waits"
    return Result(task, valid(given, found), most, ms, *worths(given, by_value), value_ms)


def worths(given: Instance, found: Sequence[Decision]) -> tuple[int, int]:
    """What these pairs are worth, and the most that the same calls could be worth with an agent each (LSAP)."""
    places = {agent.id: place for place, agent in enumerate(given.agents)}
    calls = {call.contact: place for place, (call, _) in enumerate(given.calls)}
    rows = [calls[each.contact] for each in found]
    worth = given.worth[rows]
    never = -(len(rows) + 1) * (int(np.abs(worth).max()) + 1)
    of, to = linear_sum_assignment(np.where(given.edges[rows], worth, never), maximize=True)
    own = [int(given.worth[row, places[each.agent]]) for row, each in zip(rows, found, strict=True)]
    assert own == [each.terms[0] for each in found], "told wrongly what a pair is worth"
    return sum(own), int(worth[of, to].sum())


def answered(given: Instance, by_value: bool = False) -> tuple[list[Decision], float]:
    """The decisions, and the time to make them in ms."""
    matcher = given.matcher(by_value)
    gc.collect()
    before = time.perf_counter()
    found = matcher.burst(START)
    return found, (time.perf_counter() - before) * 1000


def valid(given: Instance, found: Sequence[Decision]) -> int:
    """How many calls got an agent. Raises AssertionError."""
    places = {agent.id: place for place, agent in enumerate(given.agents)}
    calls = {call.contact: place for place, (call, _) in enumerate(given.calls)}
    assert len({each.contact for each in found}) == len(found), "a call was given twice"
    assert len({each.agent for each in found}) == len(found), "an agent was given two calls"
    for each in found:
        assert given.edges[calls[each.contact], places[each.agent]], (
            f"{each.agent} may not serve {each.contact}"
        )
    return len(found)


OnAllCores = Callable[[str, Callable[[Task], Result], Iterable[Task]], Iterator[Result]]


def burst_table(report: Report, console: Console, on_all_cores: OnAllCores) -> None:
    """The table and the goals; times are taken alone, after the shares."""
    results = sorted(on_all_cores("bursts", play, TASKS))
    alone = {case: _fastest(Task(case, max(SIZES), 1)) for case in range(len(CASES))}
    console.print(table(results, alone))
    shares, values = [result.share for result in results], [result.value_share for result in results]
    report.goal("burst_matching_share", ">= 0.99", float(np.mean(shares)))
    report.goal("burst_matching_worst", ">= 0.98", min(shares))
    report.goal("value_share", ">= 0.97", float(np.mean(values)))
    queues = [alone[case] for case in alone if not CASES[case].named]
    report.goal("burst_3000_ms", f"<= {LIMIT_MS}", max(ms for ms, _ in queues), "ms")
    report.figure("bursts", len(results))
    report.figure("value_share_worst", min(values))
    report.figure("value_3000_ms", max(ms for _, ms in queues))
    named = [alone[case] for case in alone if CASES[case].named]
    report.figure("burst_3000_ms_named", max(ms for ms, _ in named))


def _fastest(task: Task) -> tuple[float, float]:
    """Of three times: a burst, and one by value, in ms."""
    given = instance(CASES[task.case], task.size, task.seed)
    times = [(answered(given)[1], answered(given, by_value=True)[1]) for _ in range(3)]
    return min(ms for ms, _ in times), min(ms for _, ms in times)


def table(results: Sequence[Result], alone: dict[int, tuple[float, float]]) -> Table:
    """The mean and the worst shares of each case, and the times of its largest burst."""
    shown = Table(
        "burst", "instances", "calls matched", "of at most", "mean", "worst", "value: mean", "worst", "ms", "by value",
        caption="ms: 3,000 agents, the fastest of three",
    )  # fmt: skip
    for number, case in enumerate(CASES):
        own = [result for result in results if result.task.case == number]
        shares, values = [result.share for result in own], [result.value_share for result in own]
        matched, most = sum(result.matched for result in own), sum(result.most for result in own)
        shown.add_row(
            case.name, str(len(own)), f"{matched:,}", f"{most:,}", f"{np.mean(shares):.4f}", f"{min(shares):.4f}",
            f"{np.mean(values):.4f}", f"{min(values):.4f}", *(f"{ms:.0f}" for ms in alone[number]),
        )  # fmt: skip
    return shown
