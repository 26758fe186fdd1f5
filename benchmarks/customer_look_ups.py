"""100,000 customers from a file, and look-ups while files and closed contacts are written (bench-customers).

Rows are read and stored as `cti-engine customers import` does it, in a process of its own; look-ups go through the
engine's threads, at a steady rate, with numbers written as callers' phones send them.
"""

from __future__ import annotations

import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.progress import track

from benchmarks.report import Report, percentile
from cti_engine.adapters.customer_store import Contact, CustomerStore
from cti_engine.commands.customers import gently, progress
from cti_engine.runtime.lookups import THREADS

NOW = 1_795_000_000.0
LOOK_UPS = 6_000
RATE = 200.0
"""Look-ups a second: a center of 200 arriving calls a second is larger than any of ours."""
NOTES = 50
"""Closed contacts a second."""
PRODUCTS = (
    "mobile",
    "mobile_second",
    "fibre_300",
    "fibre_1gb",
    "tv",
    "office_phone",
    "router_mesh",
    "handset",
)
NAMES = ("Lucía", "Carlos", "Emily", "Jorge", "Daniel", "Marta", "Sarah", "Íñigo")


def number(customer: int) -> str:
    return f"+346{customer:08}"


def write_files(folder: Path, customers: int) -> tuple[Path, Path]:
    """Two files as a company has them: some with two numbers, most with products, three purchases each."""
    chance = random.Random(1)
    people, bought = folder / "customers.csv", folder / "purchases.csv"
    with people.open("w") as file:
        file.write("customer,name,numbers,segment,language,answer_by,value,addresses,consent,products\n")
        for one in range(customers):
            second = f"; +3491{one:07} (keys)" if one % 3 == 0 and one < 10_000_000 else ""
            has = " | ".join(chance.sample(PRODUCTS, chance.randrange(3)))
            file.write(
                f"x{one},{chance.choice(NAMES)} {one},{number(one)}{second},standard,es,,{chance.randrange(5000)},"
                f"email: x{one}@example.org,offers: {chance.choice(('yes', 'no'))} 2026-01-05,{has}\n"
            )
    with bought.open("w") as file:
        file.write("customer,at,product,amount,quantity\n")
        for one in range(customers):
            for age in chance.sample(range(1, 900), 3):
                file.write(f"x{one},{age}d,{chance.choice(PRODUCTS)},{chance.randrange(10, 900)},1\n")
    return people, bought


def take_in(
    path: Path, people: Path, bought: Path | None, said: multiprocessing.Queue[tuple[float, float, int]]
) -> None:
    """In a process of its own: seconds for both files, megabytes at most, rows taken."""
    with closing(CustomerStore(path)) as store:
        began = time.perf_counter()
        with progress(f"Importing {people.name}") as tell:
            taken = gently(store.import_csv, people, NOW, tell).taken
        if bought is not None:
            with progress(f"Importing {bought.name}") as tell:
                taken += gently(store.import_purchases, bought, NOW, tell).taken
    took = time.perf_counter() - began
    said.put((took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, taken))


def note(path: Path, customers: int, stop: multiprocessing.synchronize.Event) -> None:
    """The console's part: closed contacts, one transaction each."""
    chance = random.Random(2)
    with closing(CustomerStore(path)) as store:
        seq = 0
        while not stop.wait(1 / NOTES):
            seq += 1
            one = chance.randrange(customers)
            told = {"queue": "sales_es", "agent": "maria", "note": "bench"}
            store.note_contacts([Contact(f"x{one}", NOW + seq, told, number(one), contact=f"c{seq}")], seq)


def callers(customers: int) -> Iterator[str]:
    """Known in nine of ten, in more than one notation."""
    chance = random.Random(3)
    while True:
        written = (
            number(chance.randrange(customers))
            if chance.random() < 0.9
            else f"+1213{chance.randrange(2_000_000, 9_000_000)}"
        )
        yield chance.choice((written, written.replace("+", "00"), f"sip:{written}@carrier"))


def look_ups(path: Path, customers: int, console: Console) -> list[float]:
    """Seconds from the moment a look-up was due until its profile was there, through the engine's threads."""
    took: list[float] = []
    with closing(CustomerStore(path, read_only=True)) as store, ThreadPoolExecutor(THREADS) as threads:

        def one(due: float, caller: str) -> None:
            assert store.profile(caller) is not None
            took.append(time.perf_counter() - due)

        begin = time.perf_counter()
        calls = callers(customers)
        for turn in track(range(LOOK_UPS), "look-ups", console=console, transient=True):
            caller = next(calls)
            due = begin + turn / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            threads.submit(one, due, caller)
    return sorted(took)


def import_and_look_up(report: Report, console: Console, customers: int = 100_000) -> None:
    """How quickly a file is taken in, and how long a look-up takes while one is and contacts close."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "customers.db"
        people, bought = write_files(folder, customers)
        said: multiprocessing.Queue[tuple[float, float, int]] = context.Queue()
        first = context.Process(target=take_in, args=(path, people, bought, said))
        first.start()
        seconds, megabytes, taken = said.get()
        first.join()
        assert taken == customers * 4, taken
        stop = context.Event()
        busy = [
            context.Process(target=note, args=(path, customers, stop)),
            context.Process(target=take_in, args=(path, people, None, said)),
        ]
        for process in busy:
            process.start()
        took = look_ups(path, customers, console)
        stop.set()
        again, _, _ = said.get()
        for process in busy:
            process.join()
    at = {share: 1000 * percentile(took, share) for share in (0.5, 0.95, 0.99)}
    report.goal("import_customers_per_s", ">= 1000", customers / seconds, "1/s")
    report.goal("lookup_p99_ms", "<= 5", at[0.99], "ms")
    report.figure("customers", customers)
    report.figure("import_s", seconds)
    report.figure("import_again_under_load_s", again)
    report.figure("import_peak_mb", megabytes)
    report.figure("lookup_p50_ms", at[0.5])
    report.figure("lookup_p95_ms", at[0.95])
