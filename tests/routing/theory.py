"""Section (c) of `make verify-routing`: the matcher in virtual time beside queueing theory and published results.

A closed form has to lie in the engine's band, and the band has to be narrow: half of it at most 1 % of a quantity of
5 % or more, else 0.1 point (waits count in handle times). A published interval has to overlap the engine's band, and
that band has to be no wider. All bands together, published ones brought to the same level, hold with 99 %.
Seeds are 1 to R, fixed in advance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats

import benchmarks
from benchmarks import peers
from benchmarks.report import Report
from tests.routing.estimates import Band, Replication, band
from tests.routing.theory_cases import STEADY, Case, Published
from tests.routing.theory_days import DAYS

MISSES_IN_ALL = 0.01
CASES: tuple[Case, ...] = (*STEADY, *DAYS)
ROWS = sum(len(case.exact) + len(case.published) for case in CASES)
PEERS = ["pyqueueing", "turbotab", "call-center-tools", "callcenterdim"]


class Task(NamedTuple):
    """One replication: number of the case, seed (from 1), how many there are."""

    case: int
    seed: int
    of: int


class Row(NamedTuple):
    """One line of the table; `why` is empty when all is as it should be."""

    case: Case
    quantity: str
    band: Band
    why: str


def play(task: Task) -> tuple[int, int, Replication]:
    case = CASES[task.case]
    generator = np.random.default_rng([task.seed, task.case])
    return task.case, task.seed, case.play(generator, case.size, (task.seed - 0.5) / task.of)


def judged(case: Case, replications: Sequence[Replication], rows: int = ROWS) -> list[Row]:
    """The case's rows, at the level that `rows` of them need together."""
    miss = MISSES_IN_ALL / rows
    found = []
    for quantity, value in case.exact.items():
        engine = band(replications, quantity, miss)
        found.append(Row(case, quantity, engine, _against_theory(engine, value)))
    for quantity, printed in case.published.items():
        engine = band(replications, quantity, miss)
        found.append(Row(case, quantity, engine, _against_print(engine, at_level(printed, miss))))
    return found


def at_level(printed: Published, miss: float) -> Band:
    """The published interval with this probability to miss, and with what rounding may hide."""
    normal = stats.norm()
    deviations = (printed.high - printed.low) / 2.0 / float(normal.ppf((1.0 + printed.level) / 2.0))
    half = deviations * float(normal.ppf(1.0 - miss / 2.0))
    return Band((printed.high + printed.low) / 2.0, half + printed.rounding)


def _against_theory(engine: Band, value: float) -> str:
    if not engine.holds(value):
        return "theory outside"
    return "too wide" if engine.half > (0.01 * value if value >= 0.05 else 0.001) else ""


def _against_print(engine: Band, printed: Band) -> str:
    if abs(engine.value - printed.value) > engine.half + printed.half:
        return "no overlap"
    return "wider than published" if engine.half > printed.half else ""


def best_of_pypi(console: Console) -> dict[tuple[str, str], tuple[str, float]]:
    """By case and quantity the package that comes nearest to the closed form, and what it says."""
    there = peers.install(PEERS)
    console.print("packages not installed: " + (", ".join(sorted(set(PEERS) - set(there))) or "none"))
    asked = [
        (case, quantity, package, key)
        for case in STEADY
        for quantity in case.exact
        if (key := _their_name(case, quantity))
        for package in there
    ]
    script = Path(benchmarks.__file__).with_name("peer_formulas.py")
    answers = (
        peers.ask(script, [[package, key, case.known] for case, _, package, key in asked]) if asked else []
    )
    best: dict[tuple[str, str], tuple[str, float]] = {}
    for (case, quantity, package, _), answer in zip(asked, answers, strict=True):
        if answer is not None:
            place, exact = (case.name, quantity), case.exact[quantity]
            if place not in best or abs(answer[0] - exact) < abs(best[place][1] - exact):
                best[place] = package, answer[0]
    return best


def _their_name(case: Case, quantity: str) -> str:
    """What `benchmarks.peer_formulas` calls it; empty where no package has it."""
    if not case.known:
        return ""
    if "patience" in case.known:
        names = {"wait_probability": "wait", "abandonment": "abandonment", "asa": "asa", "offered": "level"}
        return "" if "places" in case.known else names.get(quantity, "")
    if "places" in case.known:
        return {"blocking": "K blocking", "mean_wait": "K mean_wait"}.get(quantity, "")
    return {"wait_probability": "C", "asa": "C asa", "offered": "C level"}.get(quantity, "")


OnAllCores = Callable[[str, Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


def theory_table(report: Report, console: Console, on_all_cores: OnAllCores) -> None:
    """Run it all, print the table, set the goal."""
    tasks = [
        Task(number, seed, case.replications)
        for number, case in enumerate(CASES)
        for seed in range(1, case.replications + 1)
    ]
    found: list[dict[int, Replication]] = [{} for _ in CASES]
    for number, seed, replication in on_all_cores("queueing theory", play, tasks):
        found[number][seed] = replication
    rows = [
        row
        for case, of_case in zip(CASES, found, strict=True)
        for row in judged(case, [of_case[seed] for seed in sorted(of_case)])
    ]
    best = best_of_pypi(console)
    console.print(_table(rows, best))
    literal = [row for row in rows if row.quantity in row.case.published and not _overlaps_as_printed(row)]
    report.goal("theory_misses", "= 0", sum(bool(row.why) for row in rows))
    report.figure("theory_rows", len(rows))
    report.figure("theory_missed", [f"{row.case.name} {row.quantity}: {row.why}" for row in rows if row.why])
    report.figure("published_missed_as_printed", [f"{row.case.name} {row.quantity}" for row in literal])


def _overlaps_as_printed(row: Row) -> bool:
    printed = row.case.published[row.quantity]
    low, high = printed.low - printed.rounding, printed.high + printed.rounding
    return row.band.value - row.band.half <= high and row.band.value + row.band.half >= low


def _table(rows: Sequence[Row], best: dict[tuple[str, str], tuple[str, float]]) -> Table:
    table = Table("queue", "quantity", "engine", "closed form", "published", "best of PyPI", "")
    for row in rows:
        exact, printed = row.case.exact.get(row.quantity), row.case.published.get(row.quantity)
        package = best.get((row.case.name, row.quantity))
        table.add_row(
            row.case.name,
            row.quantity,
            f"{row.band.value:.6g} ± {row.band.half:.2g}",
            "" if exact is None else f"{exact:.6g}",
            "" if printed is None else f"{printed.low:g} to {printed.high:g} ({printed.level:.0%})",
            "" if package is None else f"{package[1]:.6g} {package[0]}",
            row.why or "holds",
        )
    return table
