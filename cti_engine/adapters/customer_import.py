"""Customers and purchases from CSV files into the store, in short transactions: the live center goes on meanwhile.

Every row is taken whole or refused whole. What a file has no column for stays as it was; what it has replaces what an
earlier file said, and nothing that was recorded here. An import that is cut short has taken whole rows: do it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from cti_engine.adapters.sql_database import Database, Statements
from cti_engine.definitions.csv_table import CsvTable, RefusedRow, open_table
from cti_engine.definitions.customer_csv import (
    CUSTOMER_COLUMNS,
    PURCHASE_COLUMNS,
    CustomerRow,
    PurchaseRow,
    read_customers,
    read_purchases,
)
from cti_engine.definitions.phone_numbers import areas

AT_A_TIME = 500
"""Rows of one transaction: 20 to 50 ms in which other writers wait."""
MOST_TOLD = 1000
"""Refused rows of which line and reason are kept; the others are only counted."""

Progress = Callable[[int, int], None]
"""Told the line that has been reached, and of how many."""

_Row = TypeVar("_Row")
_OWN = ("kind", "name", "segment", "language", "answer_by", "channel", "value", "preferred_agents", "hints")
"""Columns of the file that are columns of `customers` too."""


@dataclass(slots=True)
class ImportReport:
    """`taken` rows are in the store; of the `refused_rows` the first name line and reason. `note`: how it was read."""

    taken: int = 0
    refused_rows: int = 0
    refused: list[RefusedRow] = field(default_factory=list)
    note: str = ""

    def refuse(self, row: RefusedRow) -> None:
        self.refused_rows += 1
        if len(self.refused) < MOST_TOLD:
            self.refused.append(row)


def import_customers(
    database: Database, path: Path, region: str, now: float, progress: Progress | None = None
) -> ImportReport:
    """`now`: wall seconds. Raises UnusableFile before anything has changed, and DatabaseFault."""
    table = open_table(path, *CUSTOMER_COLUMNS)
    with database.writing() as db:
        _know_areas(db)
        number = _begin(db, path, now)
    report = ImportReport(note=table.note)
    for rows in _some(read_customers(table, region, now)):
        with database.writing() as db:
            _take_customers(db, table, rows, number, report)
        if progress is not None:
            progress(rows[-1].line, table.lines)
    _end(database, number, report)
    return report


def import_purchases(
    database: Database, path: Path, now: float, progress: Progress | None = None
) -> ImportReport:
    """One that is there already (same customer, moment and product) is replaced; the others stay."""
    table = open_table(path, *PURCHASE_COLUMNS)
    with database.writing() as db:
        number = _begin(db, path, now)
    report = ImportReport(note=table.note)
    for rows in _some(read_purchases(table, now)):
        with database.writing() as db:
            _take_purchases(db, rows, report)
        if progress is not None:
            progress(rows[-1].line, table.lines)
    _end(database, number, report)
    return report


def _some(rows: Iterator[_Row]) -> Iterator[list[_Row]]:
    while some := list(islice(rows, AT_A_TIME)):
        yield some


def _begin(db: Statements, path: Path, now: float) -> int:
    row = db.row(
        "INSERT INTO imports(at, file, taken, refused) VALUES(?,?,0,0) RETURNING import", (now, path.name)
    )
    assert row is not None
    return int(row[0])


def _end(database: Database, number: int, report: ImportReport) -> None:
    with database.writing() as db:
        db.run(
            "UPDATE imports SET taken=?, refused=? WHERE import=?",
            (report.taken, report.refused_rows, number),
        )


def _know_areas(db: Statements) -> None:
    """Once, so that the engine can tell where a stranger calls from without any geodata."""
    if db.row("SELECT 1 FROM areas LIMIT 1") is None:
        db.run_many(
            "INSERT INTO areas VALUES(?,?,?) ON CONFLICT(prefix) DO NOTHING",
            ((area.prefix, area.place, " ".join(area.languages)) for area in areas()),
        )


def _take_customers(
    db: Statements, table: CsvTable, rows: list[CustomerRow | RefusedRow], number: int, report: ImportReport
) -> None:
    judge = _Judge(db, [row for row in rows if isinstance(row, CustomerRow)], number)
    good: list[CustomerRow] = []
    for row in rows:
        fault = row.reason if isinstance(row, RefusedRow) else judge.fault(row)
        if isinstance(row, RefusedRow) or fault:
            report.refuse(RefusedRow(row.line, fault))
        else:
            good.append(row)
    _put(db, table, good, number)
    report.taken += len(good)


class _Judge:
    """Whether a row may be taken after those before it, with two questions for all rows of a transaction."""

    def __init__(self, db: Statements, rows: list[CustomerRow], number: int) -> None:
        customers = [row.customer for row in rows]
        numbers = [number for row in rows for number, _ in row.numbers]
        self._taken: dict[str, int] = dict(
            _among(
                db, f"SELECT customer, line FROM customers WHERE import={number} AND", "customer", customers
            )
        )
        self._merged: dict[str, str] = dict(
            _among(db, "SELECT gone, kept FROM merges WHERE undone_at IS NULL AND", "gone", customers)
        )
        self._holders: dict[str, str] = dict(
            _among(db, "SELECT number, customer FROM numbers WHERE", "number", numbers)
        )
        self._numbers: dict[str, list[str]] = {}
        for held, customer in _among(db, "SELECT number, customer FROM numbers WHERE", "customer", customers):
            self._numbers.setdefault(customer, []).append(held)
            self._holders[held] = customer

    def fault(self, row: CustomerRow) -> str:
        """Empty when it may; then its numbers are this customer's."""
        if row.customer in self._merged:
            into = self._merged[row.customer]
            return f"customer {row.customer!r} was merged into {into!r}: cti-engine customers unmerge"
        if row.customer in self._taken:
            return f"customer {row.customer!r} stands in line {self._taken[row.customer]} already"
        for number, _ in row.numbers:
            if self._holders.get(number, row.customer) != row.customer:
                return f"{number} belongs to customer {self._holders[number]!r} already"
        self._taken[row.customer] = row.line
        for number in self._numbers.get(row.customer, ()):
            self._holders.pop(number, None)
        self._holders.update((number, row.customer) for number, _ in row.numbers)
        return ""


def _among(db: Statements, select: str, column: str, values: list[str]) -> list[tuple[str, Any]]:
    """`select` ends where `column IN (...)` may stand."""
    if not values:
        return []
    found = db.rows(f"{select} {column} IN ({','.join('?' * len(values))})", values)
    return [(row[0], row[1]) for row in found]


def _put(db: Statements, table: CsvTable, rows: list[CustomerRow], number: int) -> None:
    columns = [column for column in _OWN if column in table.columns]
    changed = ", ".join(f"{column}=excluded.{column}" for column in (*columns, "import", "line"))
    db.run_many(
        f"INSERT INTO customers(customer, {', '.join(_OWN)}, import, line) VALUES(?{',?' * (len(_OWN) + 2)})"
        f" ON CONFLICT(customer) DO UPDATE SET {changed}",
        (
            (
                row.customer, row.kind, row.name, row.segment, row.language, row.answer_by, row.channel, row.value,
                " ".join(row.preferred_agents), json.dumps(row.hints, ensure_ascii=False), number, row.line,
            )
            for row in rows
        ),
    )  # fmt: skip

    def replace(what: str, rest: str, into: str, values: Iterable[tuple[object, ...]]) -> None:
        db.run_many(f"DELETE FROM {what} WHERE customer=?{rest}", ((row.customer,) for row in rows))
        db.run_many(f"INSERT INTO {what}{into}", values)

    replace("numbers", "", "(customer, number, answer_by) VALUES(?,?,?)",
            ((row.customer, *number) for row in rows for number in row.numbers))  # fmt: skip
    db.run_many(
        "UPDATE contacts SET customer=? WHERE customer='' AND number=?",
        ((row.customer, number) for row in rows for number, _ in row.numbers),
    )
    if "addresses" in table.columns:
        replace("addresses", "", "(customer, kind, address) VALUES(?,?,?)",
                ((row.customer, *address) for row in rows for address in row.addresses))  # fmt: skip
    if "consent" in table.columns:
        # What was said here last counts, not an older file.
        replace("consents", " AND source='import'", "(customer, purpose, given, at, source) VALUES(?,?,?,?,'import')"
                " ON CONFLICT(customer, purpose) DO UPDATE SET given=excluded.given, at=excluded.at,"
                " source=excluded.source WHERE excluded.at > consents.at",
                ((row.customer, c.purpose, int(c.given), c.at) for row in rows for c in row.consents))  # fmt: skip
    if "products" in table.columns:
        replace("products", "",
                "(customer, product, since, until) VALUES(?,?,?,?) ON CONFLICT(customer, product) DO NOTHING",
                ((row.customer, *product) for row in rows for product in row.products))  # fmt: skip
    if "contacts" in table.columns:
        replace("contacts", " AND source='import'", "(customer, at, source, body) VALUES(?,?,'import',?)",
                ((row.customer, c["at"], _body(c)) for row in rows for c in row.contacts))  # fmt: skip


def _body(contact: dict[str, str | float]) -> str:
    return json.dumps({key: value for key, value in contact.items() if key != "at"}, ensure_ascii=False)


def _take_purchases(db: Statements, rows: list[PurchaseRow | RefusedRow], report: ImportReport) -> None:
    customers = [row.customer for row in rows if isinstance(row, PurchaseRow)]
    known = {
        customer
        for customer, _ in _among(db, "SELECT customer, name FROM customers WHERE", "customer", customers)
    }
    good: dict[tuple[str, float, str], PurchaseRow] = {}
    for row in rows:
        if isinstance(row, RefusedRow):
            report.refuse(row)
        elif row.customer not in known:
            report.refuse(RefusedRow(row.line, f"there is no customer {row.customer!r}"))
        else:
            good[row.customer, row.at, row.product] = row
            report.taken += 1
    db.run_many(
        "INSERT INTO purchases(customer, at, product, amount, quantity) VALUES(?,?,?,?,?)"
        " ON CONFLICT(customer, at, product) DO UPDATE SET amount=excluded.amount, quantity=excluded.quantity",
        ((row.customer, row.at, row.product, row.amount, row.quantity) for row in good.values()),
    )
