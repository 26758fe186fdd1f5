"""Scores and segments of many customers: the model with all its reasons, and the whole from and to a database."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.report import Report
from cti_engine.adapters.customer_schema import open_customers
from cti_engine.adapters.sql_database import Database
from cti_engine.commands.customer_segments import recompute
from cti_engine.core.customers.histories import Facts, Histories
from cti_engine.core.customers.segment_rules import DAY
from cti_engine.core.customers.segments import scored
from cti_engine.definitions.library import load_definitions

CUSTOMERS, PURCHASES, ROUNDS = 100_000, 1_000_000, 3
NOW = 1_790_000_000.0


def segments(report: Report, console: Console) -> None:
    """By the shipped config/segments.yaml; customers with ten purchases each, complaints, surveys and contracts."""
    definitions, _ = load_definitions(Path(__file__).parents[1])
    assert definitions is not None
    rules = definitions.segments
    histories = _histories(np.random.default_rng(1))
    took = []
    for _ in track(range(ROUNDS), "scores", console=console, transient=True):
        began = time.perf_counter()
        reasons = scored(histories, rules, NOW).reasons()
        took.append(time.perf_counter() - began)
    report.goal("segments_customers_per_s", ">= 20000", CUSTOMERS / min(took), "customers/s")
    report.figure("segments_reasons_per_customer", sum(map(len, reasons)) / CUSTOMERS)
    with tempfile.TemporaryDirectory(prefix="cti-segments-") as folder:
        database = open_customers(Path(folder) / "customers.db")
        _store(database, histories, console)
        made = recompute(database, rules, definitions.campaigns, NOW)
        database.close()
    report.figure("segments_recomputed_per_s", made.customers / made.seconds)


def _histories(chance: np.random.Generator) -> Histories:
    def facts(count: int, days: float, amount: float) -> Facts:
        owner, ago = chance.integers(0, CUSTOMERS, count), chance.uniform(0, days, count)
        return Facts(owner, np.round(NOW - ago * DAY), np.round(chance.uniform(0, amount, count), 2))

    ends = np.where(chance.random(CUSTOMERS) < 0.3, NOW + chance.uniform(-90, 300, CUSTOMERS) * DAY, np.nan)
    return Histories(
        customers=[f"c{number:06}" for number in range(CUSTOMERS)],
        kind=np.where(chance.random(CUSTOMERS) < 0.1, "company", "person").tolist(),
        language=["es"] * CUSTOMERS,
        segment=[""] * CUSTOMERS,
        value=np.round(chance.uniform(0, 3000, CUSTOMERS), 2),
        products=chance.integers(0, 5, CUSTOMERS),
        contract_ends=ends,
        open_complaint=chance.random(CUSTOMERS) < 0.01,
        purchases=facts(PURCHASES, 900, 200),
        complaints=facts(CUSTOMERS // 10, 300, 1),
        surveys=facts(CUSTOMERS // 2, 400, 1),
    )


def _store(database: Database, histories: Histories, console: Console) -> None:
    """Customers and what they bought."""

    def purchases() -> Iterator[tuple[object, ...]]:
        of = histories.purchases
        columns = (of.owner.tolist(), of.at.tolist(), of.amount.tolist())
        for owner, at, amount in zip(*columns, strict=True):
            yield histories.customers[owner], at, "product", amount, 1.0

    with console.status("customers into the database"), database.writing() as db:
        db.run_many(
            "INSERT INTO customers(customer, name, segment, language, value, hints) VALUES(?,?,?,?,?,'[]')",
            ((who, who, "", "es", histories.value[index]) for index, who in enumerate(histories.customers)),
        )
        db.run_many("INSERT INTO purchases VALUES(?,?,?,?,?) ON CONFLICT DO NOTHING", purchases())
