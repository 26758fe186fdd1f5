"""`make bench-queueing`: error against 160-digit arithmetic and time of every result of `cti_engine.core.queueing`.

`worst_relative_error` is over all results above 1e-40, `worst_ms` over all results: each is asked of a new object, as
a caller would, and its time is the best of five. Beside it what packages of PyPI say to the same questions.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import peers
from benchmarks.report import Report
from cti_engine.core.queueing import ErlangA, ErlangB, ErlangC, ServiceLevel, Targets, servers_for
from tests.queueing import reference

REPEATS = 5
SERVERS = (1, 3, 10, 100, 1000, 10_000, 100_000)
LOADS = (0.5, 0.97, 1.0, 1.2)
PATIENCES = (0.2, 2.0, math.inf)
STAFFED_LOADS = (3.0, 100.0, 2000.0, 99_000.0)
STAFFING = (
    Targets(service_level=0.8, threshold=0.1), Targets(asa=0.05), Targets(abandonment=0.03), Targets(occupancy=0.85),
)  # fmt: skip
FORMULA_PEERS = ["call-center-tools", "callcenterdim", "pyqueueing", "pyworkforce", "turbotab"]
SHOWN_SERVERS = (100, 480, 1000, 10_000)


class Case(NamedTuple):
    """`load` per server, `patience` in handle times, `places` to wait."""

    servers: int
    load: float
    patience: float
    places: int | None

    def queue(self) -> ErlangA:
        return ErlangA(self.servers * self.load, 1.0, self.servers, self.patience, self.places)

    @property
    def threshold(self) -> float:
        return 0.3 / math.sqrt(self.servers)


class Found(NamedTuple):
    """The worst result of one kind."""

    value: float = -1.0
    what: str = ""


def cases() -> list[Case]:
    return [
        Case(servers, load, patience, places)
        for servers in SERVERS
        for load in LOADS
        for patience in PATIENCES
        for places in (None, max(1, math.isqrt(servers)))
        if patience != math.inf or places is not None or load < 1.0
    ]


def exact(case: Case) -> dict[str, Decimal]:
    theta = 0.0 if case.patience == math.inf else 1.0 / case.patience
    arrivals = case.servers * case.load
    found = reference.erlang_a(arrivals, 1.0, case.servers, theta, case.places, case.threshold)
    joined = found.no_wait + found.wait
    return {
        "no_wait": found.no_wait,
        "wait_probability": found.wait,
        "blocking": found.blocking,
        "abandonment": found.abandoned,
        "asa": found.waited_answered / found.answered,
        "mean_wait": found.waited / joined,
        "occupancy": Decimal(arrivals) * found.answered / case.servers,
        "offered": found.in_time,
        "answered": found.in_time / found.answered,
        "abandons_ignored": found.in_time / (found.answered + found.late),
        "virtual": found.virtual / joined,
    }


def ours(case: Case, name: str) -> float:
    queue = case.queue()
    if name in list(ServiceLevel):
        return queue.service_level(case.threshold, ServiceLevel(name))
    return float(getattr(queue, name))


def milliseconds(ask: Callable[[], object]) -> float:
    """The best of several: what it costs when nothing disturbs it."""
    best = math.inf
    for _ in range(REPEATS):
        begin = time.perf_counter()
        ask()
        best = min(best, time.perf_counter() - begin)
    return best * 1e3


def judge(case: Case, error: Found, slow: Found) -> tuple[Found, Found]:
    for name, value in exact(case).items():
        what = f"{name} {tuple(case)}"
        if value > Decimal("1e-40"):
            error = max(error, Found(abs(float(Decimal(ours(case, name)) / value - 1)), what))
        slow = max(slow, Found(milliseconds(lambda name=name: ours(case, name)), what))  # type: ignore[misc]
    for share in (0.5, 0.9, 0.999):
        slow = max(
            slow,
            Found(milliseconds(lambda share=share: case.queue().wait_quantile(share)), f"quantile {case}"),  # type: ignore[misc]
        )
    return error, slow


def losses(error: Found, slow: Found) -> tuple[Found, Found]:
    """Erlang B and C."""
    for servers in SERVERS:
        for load in LOADS:
            lost = reference.blocking(load * servers, servers)
            if lost > Decimal("1e-290"):
                found = Decimal(ErlangB(load * servers, servers).blocking)
                error = max(error, Found(abs(float(found / lost - 1)), f"B {servers} {load}"))
            if load < 1.0:
                waits = lost / (1 - Decimal(load * servers) / servers * (1 - lost))
                if waits > Decimal("1e-290"):
                    found = Decimal(ErlangC(load * servers, 1.0, servers).wait_probability)
                    error = max(error, Found(abs(float(found / waits - 1)), f"C {servers} {load}"))
            took = milliseconds(lambda load=load, servers=servers: ErlangB(load * servers, servers).blocking)  # type: ignore[misc]
            slow = max(slow, Found(took, f"B {servers} {load}"))
    return error, slow


def beside(console: Console) -> list[dict[str, object]]:
    """A table of what the others answer; the same as rows."""
    there = peers.install(FORMULA_PEERS)
    console.print("not installed: " + (", ".join(sorted(set(FORMULA_PEERS) - set(there))) or "none"))
    questions, wanted = [], []
    for servers in SHOWN_SERVERS:
        quiet, full = 0.95 * servers, float(servers)
        theirs = {"load": quiet, "servers": servers, "patience": 2.0, "threshold": 0.1}
        busy = theirs | {"load": full}
        lost = reference.blocking(quiet, servers)
        waits = lost / (1 - Decimal(quiet) / servers * (1 - lost))
        a = reference.erlang_a(full, 1.0, servers, 0.5, None, 0.1)
        here = ErlangA(full, 1.0, servers, 2.0)
        for quantity, case, value, got, ask in (
            ("B", theirs, lost, ErlangB(quiet, servers).blocking, lambda q=quiet, s=servers: ErlangB(q, s).blocking),
            ("C", theirs, waits, ErlangC(quiet, 1.0, servers).wait_probability,
             lambda q=quiet, s=servers: ErlangC(q, 1.0, s).wait_probability),
            ("abandonment", busy, a.abandoned, here.abandonment,
             lambda f=full, s=servers: ErlangA(f, 1.0, s, 2.0).abandonment),
            ("level", busy, a.in_time, here.service_level(0.1),
             lambda f=full, s=servers: ErlangA(f, 1.0, s, 2.0).service_level(0.1)),
        ):  # fmt: skip
            wanted.append((quantity, servers, value, got, milliseconds(ask)))
            questions.append([[name, quantity, case] for name in there])
    script = Path(__file__).with_name("peer_formulas.py")
    answers = iter(peers.ask(script, [question for row in questions for question in row]))
    table = Table(
        "result", "servers", "exact", "here: error", "ms", *[f"{name}: error, ms" for name in there]
    )
    rows: list[dict[str, object]] = []
    for quantity, servers, value, got, took in wanted:
        row: dict[str, object] = {"result": quantity, "servers": servers, "exact": f"{value:.6g}"}
        row["here"] = f"{abs(float(Decimal(got) / value - 1)):.0e}, {took:.2f}"
        for name in there:
            theirs_ = next(answers)
            row[name] = "-" if theirs_ is None else _shown(theirs_[0], theirs_[1], value)
        rows.append(row)
        error, _, ms = str(row["here"]).partition(", ")
        table.add_row(
            quantity, str(servers), str(row["exact"]), error, ms, *[str(row[name]) for name in there]
        )
    console.print(table)
    return rows


def _shown(value: float, took: float, wanted: Decimal) -> str:
    if math.isnan(value):
        return "fails"
    return f"{abs(float(Decimal(value) / wanted - 1)):.0e}, {took:.2f}"


def main() -> int:
    console = Console(stderr=True, highlight=False, width=160)
    report = Report("bench-queueing")
    error, slow = Found(), Found()
    all_cases = cases()
    for case in track(all_cases, description="against 160 digits", console=console):
        error, slow = judge(case, error, slow)
    error, slow = losses(error, slow)
    report.figure("worst_ms_without_staffing", slow.value)
    report.figure("worst_ms_without_staffing_at", slow.what)
    for load in STAFFED_LOADS:
        for patience in PATIENCES:
            for targets in STAFFING:
                took = milliseconds(
                    lambda a=load, p=patience, t=targets: servers_for(a, 1.0, t, patience=p)  # type: ignore[misc]
                )
                slow = max(slow, Found(took, f"staffing {load:g} {patience:g} {targets}"))
    report.goal("worst_relative_error", "<= 1e-10", error.value)
    report.goal("worst_ms", "<= 10", slow.value, "ms")
    report.figure("worst_relative_error_at", error.what)
    report.figure("worst_ms_at", slow.what)
    report.figure("cases", len(all_cases))
    report.figure("peers", beside(console))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
