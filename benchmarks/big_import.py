"""One file of a million customers, one row in fifty unusable: taken at what rate, in how much memory, with what report.

Not in `make bench-customers`, because it takes minutes: `make bench-customers ARGS=million`, CTI_CUSTOMERS for fewer.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import tempfile
import time
from contextlib import closing
from pathlib import Path

from rich.console import Console

from benchmarks.customer_look_ups import NAMES, NOW, number
from benchmarks.report import Report
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.commands.customers import as_json, gently, progress

CUSTOMERS = 1_000_000
FAULTS = (
    "{own},=cmd|' /C calc'!A0",
    "{own};{own} (voice);{own} (keys),Eva",
    "12,Eva",
    "{other},Eva",
    ",Eva",
    "{own}",
)
"""Formula, one number twice, no number, somebody else's number, nothing to reach them by, a cell too few."""
BAD_ONE_IN = 50
WITHIN = 400.0
"""Megabytes: that of a tenth of the rows and a little."""

Told = tuple[float, float, float, int, int, int]


def write_file(path: Path, customers: int) -> int:
    """How many of its rows are unusable. One is long, one is not in the encoding of the others."""
    chance, bad = random.Random(4), 0
    with path.open("w") as file:
        file.write("customer,numbers,name\n")
        for one in range(customers):
            cells = f"{number(one)},{chance.choice(NAMES)} {one}"
            if one and one % BAD_ONE_IN == 0:
                bad += 1
                fault = FAULTS[bad % len(FAULTS)]
                cells = fault.format(own=number(one), other=number(one - 1))
            file.write(f"x{one},{cells}\n")
    return bad


def take_in(database: Path, file: Path, told: multiprocessing.Queue[Told]) -> None:
    """As `cti-engine customers import --json` does, in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with closing(CustomerStore(database)) as store, progress(f"Importing {file.name}") as tell:
        began = time.perf_counter()
        report = gently(store.import_csv, file, NOW, tell)
    took = time.perf_counter() - began
    size = len(as_json({str(file): report}))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told.put((took, before, most, size, report.taken, report.refused_rows))


def million(report: Report, console: Console) -> None:
    """Rows a second, megabytes at most, bytes of the report."""
    customers = int(os.environ.get("CTI_CUSTOMERS", CUSTOMERS))
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="cti-import-") as name:
        folder = Path(name)
        file = folder / "customers.csv"
        bad = write_file(file, customers)
        megabytes = file.stat().st_size / 1e6
        told: multiprocessing.Queue[Told] = context.Queue()
        process = context.Process(target=take_in, args=(folder / "customers.db", file, told))
        process.start()
        seconds, before, most, size, taken, refused = told.get()
        process.join()
        database = (folder / "customers.db").stat().st_size / 1e6
    assert (taken, refused) == (customers - bad, bad), (taken, refused, bad)
    report.figure("big_import_rows", customers)
    report.figure("big_import_file_mb", megabytes)
    report.figure("big_import_database_mb", database)
    report.figure("big_import_s", seconds)
    report.figure("big_import_refused_rows", refused)
    report.figure("big_import_report_kb", size / 1000)
    report.figure("big_import_begins_with_mb", before)
    report.goal("big_import_rows_per_s", ">= 1000", customers / seconds, "1/s")
    report.goal("big_import_peak_mb", f"<= {WITHIN:.0f}", most, "MB")
