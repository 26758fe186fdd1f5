"""`make verify-routing`: the proof of the routing core, section by section; one JSON of goals is the last line.

(a) a million random events against the oracle and planted faults, (b) the decision trace, (c) queueing theory,
(d) the default policy beside five plain ones, (e) bursts beside the maximum matching.
`--only oracle trace` runs some of them, `--events 50000` fewer events, which misses the goals on purpose.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmarks.report import Report
from tests.routing.burst_shares import burst_table
from tests.routing.features import FEATURES
from tests.routing.lockstep import EVENTS_PER_CENTER, Found, random_run, shrink, trace_run
from tests.routing.mutants import MUTANTS, planted
from tests.routing.quality import quality_table
from tests.routing.theory import theory_table

EVENTS = 1_200_000  # so that the rarest feature has its thousand hits
CENTERS_PER_MUTANT = 250
TRACE_CENTERS = 150
TRACE_EVENTS = 1000
SHOWN = 3
CORES = 2

Task = TypeVar("Task")
Result = TypeVar("Result")


class Run(NamedTuple):
    """What a section gets: where its goals go, who shows its progress, how many events (a) makes."""

    report: Report
    console: Console
    events: int

    def on_all_cores(
        self, what: str, work: Callable[[Task], Result], tasks: Iterable[Task], each_alone: bool = False
    ) -> Iterator[Result]:
        """The results as they come, with a progress bar; `each_alone`: every task in a process of its own."""
        todo = list(tasks)
        columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn())
        with (
            Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=self.console) as progress,
            multiprocessing.get_context("fork").Pool(
                CORES, maxtasksperchild=1 if each_alone else None
            ) as pool,
        ):
            yield from progress.track(pool.imap_unordered(work, todo), total=len(todo), description=what)


# (a) the oracle


def against_oracle(run: Run) -> None:
    seeds = range(-(-run.events // EVENTS_PER_CENTER))
    hits: Counter[str] = Counter()
    differences: list[Found] = []
    for counted, found in run.on_all_cores("random centers", random_run, seeds):
        hits += counted
        if found is not None:
            differences.append(found)
    for found in sorted(differences)[:SHOWN]:
        run.console.print(
            f"[bold red]difference, seed {found.seed}[/]: {found.difference}\n{shrink(found.script)}"
        )
    events = sum(number for name, number in hits.items() if name.startswith("event: "))
    rare = [name for name in FEATURES if hits[name] < 1000]
    run.report.goal("oracle_events", f">= {EVENTS}", events)
    run.report.goal("oracle_differences", "= 0", len(differences))
    run.report.goal("features_below_1000_hits", "= 0", len(rare))
    run.report.figure("features_below_1000_hits", rare)
    run.report.figure("hits", dict(sorted(hits.items())))


def centers_until_caught(number: int) -> tuple[str, int]:
    """The mutant's name and how many centers it took to catch it; 0: it was not."""
    mutant = MUTANTS[number]
    with planted(mutant) as make:
        for seed in range(CENTERS_PER_MUTANT):
            if random_run(seed, make)[1] is not None:
                return mutant.name, seed + 1
    return mutant.name, 0


def mutants(run: Run) -> None:
    took = dict(
        run.on_all_cores("planted faults", centers_until_caught, range(len(MUTANTS)), each_alone=True)
    )
    run.report.goal("mutants_caught", "= 20", sum(centers > 0 for centers in took.values()))
    run.report.figure(
        "events_until_caught", {name: took[name] * EVENTS_PER_CENTER or None for name in sorted(took)}
    )


# (b) the trace


def judged(seed: int) -> tuple[Counter[str], list[str]]:
    judge = trace_run(seed, events=TRACE_EVENTS)
    return judge.seen, judge.violations


def trace(run: Run) -> None:
    seen: Counter[str] = Counter()
    violations: list[str] = []
    for counted, wrong in run.on_all_cores("decision traces", judged, range(TRACE_CENTERS)):
        seen += counted
        violations += wrong
    for violation in violations[:SHOWN]:
        run.console.print(f"[bold red]violation[/]: {violation}")
    run.report.goal("trace_violations", "= 0", len(violations))
    run.report.figure("trace_judged", dict(sorted(seen.items())))


# (c) the theory


def theory(run: Run) -> None:
    theory_table(run.report, run.console, run.on_all_cores)


# (d) the quality of the default policy


def quality(run: Run) -> None:
    quality_table(run.report, run.console, run.on_all_cores)


# (e) bursts


def bursts(run: Run) -> None:
    burst_table(run.report, run.console, run.on_all_cores)


SECTIONS: dict[str, Callable[[Run], None]] = {
    "oracle": against_oracle, "mutants": mutants, "trace": trace, "theory": theory, "quality": quality,
    "bursts": bursts,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="verify-routing", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), default=list(SECTIONS))
    parser.add_argument("--events", type=int, default=EVENTS)
    given = parser.parse_args()
    run = Run(Report("verify-routing"), Console(stderr=True, highlight=False), given.events)
    for name in given.only:
        SECTIONS[name](run)
    return run.report.finish()


if __name__ == "__main__":
    sys.exit(main())
