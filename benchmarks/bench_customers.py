"""`make bench-customers`: the customers' store at size, one section each; `bench_customers.py SECTION ...` runs some.

Sections: `look_ups` (customer_look_ups.py), `segments` (segment_speed.py), `case_search`; and when asked for, `million`
(big_import.py).
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.big_import import million
from benchmarks.customer_look_ups import import_and_look_up
from benchmarks.past_cases import BEGIN, Generator
from benchmarks.report import Report
from benchmarks.segment_speed import segments
from cti_engine.adapters.customer_schema import open_customers
from cti_engine.adapters.ticket_store import TicketStore

CASES, QUESTIONS, AT_A_TIME = 100_000, 1_000, 1_000


def case_search(report: Report, console: Console) -> None:
    """Similar past cases as agents type: how long one answer takes, and whether a case of the problem is in it."""
    generator = Generator()
    with tempfile.TemporaryDirectory(prefix="cti-cases-") as folder:
        store = TicketStore(open_customers(Path(folder) / "customers.db"))
        problem_of: dict[int, int] = {}
        began = time.perf_counter()
        cases = generator.cases(CASES)
        for _ in track(range(CASES // AT_A_TIME), "cases", console=console, transient=True):
            with store.database.writing() as db:
                for _, case in zip(range(AT_A_TIME), cases, strict=False):
                    kept = store.open_in(db, *case.kept(BEGIN + len(problem_of)))
                    problem_of[kept.ticket.ticket] = case.problem
        report.figure("cases_kept_per_s", CASES / (time.perf_counter() - began))
        took, found, first = [], 0, 0
        questions = list(generator.questions(QUESTIONS))
        for problem, category, text in track(questions, "questions", console=console, transient=True):
            began = time.perf_counter()
            answer = store.similar(text, category)
            took.append(time.perf_counter() - began)
            problems = [problem_of[each.ticket] for each in answer]
            found += problem in problems
            first += problems[:1] == [problem]
        store.database.close()
    p50, p95, p99 = (float(np.quantile(took, q)) * 1000 for q in (0.5, 0.95, 0.99))
    report.goal("case_search_p95_ms", "<= 50", p95, "ms")
    report.figure("case_search_p50_ms", p50)
    report.figure("case_search_p99_ms", p99)
    report.figure("case_of_the_problem_in_5", found / QUESTIONS)
    report.figure("case_of_the_problem_first", first / QUESTIONS)


SECTIONS: Mapping[str, Callable[[Report, Console], None]] = {
    "look_ups": import_and_look_up,
    "segments": segments,
    "case_search": case_search,
}

WHEN_ASKED: Mapping[str, Callable[[Report, Console], None]] = {"million": million}


def main(wanted: list[str]) -> int:
    console = Console(stderr=True)
    unknown = [name for name in wanted if name not in {**SECTIONS, **WHEN_ASKED}]
    if unknown:
        console.print(f"no section {', '.join(unknown)}; there are {', '.join({**SECTIONS, **WHEN_ASKED})}")
        return 2
    report = Report("bench-customers")
    for name in wanted or SECTIONS:
        {**SECTIONS, **WHEN_ASKED}[name](report, console)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
