"""Section (e) of `make verify-routing`: how many calls a burst matches, beside the maximum bipartite matching of scipy.

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
    """`matched` of `most` calls in `ms`; `calls` waited."""

    task: Task
    calls: int
    matched: int
    most: int
    ms: float

    @property
    def share(self) -> float:
        return self.matched / self.most


TASKS = [
    Task(case, size, seed) for size, seeds in SIZES.items() for case in range(len(CASES)) for seed in seeds
]


def play(task: Task) -> Result:
    """Raises AssertionError when the burst is not a matching of calls with agents who may serve them."""
    given = instance(CASES[task.case], task.size, task.seed)
    found, ms = answered(given)
    most = int(np.count_nonzero(maximum_bipartite_matching(csr_array(given.edges), perm_type="column") >= 0))
    return Result(task, len(given.calls), valid(given, found), most, ms)


def answered(given: Instance) -> tuple[list[Decision], float]:
    """The decisions, and the time to make them in ms."""
    matcher = given.matcher()
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
    largest = max(SIZES)
    alone = {case: play(Task(case, largest, 1)).ms for case in range(len(CASES))}
    console.print(table(results, alone))
    shares = [result.share for result in results]
    report.goal("burst_matching_share", ">= 0.99", float(np.mean(shares)))
    report.goal("burst_matching_worst", ">= 0.98", min(shares))
    by_queue = {CASES[case].name: round(ms, 1) for case, ms in alone.items() if not CASES[case].named}
    report.goal("burst_3000_ms", f"<= {LIMIT_MS}", max(by_queue.values()), "ms")
    report.figure("bursts", len(results))
    report.figure("burst_3000_ms_named", max(ms for case, ms in alone.items() if CASES[case].named))


def table(results: Sequence[Result], alone: dict[int, float]) -> Table:
    """The mean and the worst share of each case, and the time of its largest burst."""
    shown = Table("burst", "instances", "calls matched", "of at most", "mean", "worst", "ms, 3,000 agents")
    for number, case in enumerate(CASES):
        own = [result for result in results if result.task.case == number]
        shares = [result.share for result in own]
        matched, most = sum(result.matched for result in own), sum(result.most for result in own)
        shown.add_row(
            case.name, str(len(own)), f"{matched:,}", f"{most:,}", f"{np.mean(shares):.4f}", f"{min(shares):.4f}",
            f"{alone[number]:.0f}" if number in alone else "",
        )  # fmt: skip
    return shown
