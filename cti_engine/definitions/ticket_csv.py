"""Tickets and past cases from another system as a CSV file; each row is read whole or refused with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cti_engine.core.customers.ticket_rules import TicketRules
from cti_engine.definitions.csv_table import CsvTable, RefusedRow
from cti_engine.definitions.customer_csv import moment_of

TICKET_COLUMNS = (
    ("subject", "category"),
    ("ticket", "customer", "priority", "queue", "owner", "opened", "closed", "resolution", "text"),
)
"""Columns that have to be there, and others. `ticket` is its number there; `closed` and `resolution`: a past case."""
LARGEST = 10**12


@dataclass(frozen=True, slots=True)
class TicketRow:
    """`ticket` 0: it gets a number here. Times in wall seconds; `closed_at` None: it is open."""

    line: int
    ticket: int
    customer: str
    category: str
    priority: int
    queue: str
    owner: str
    opened_at: float
    closed_at: float | None
    subject: str
    resolution: str
    text: str


def read_tickets(table: CsvTable, rules: TicketRules, now: float) -> Iterator[TicketRow | RefusedRow]:
    """`now` is what ages are counted back from. Raises UnusableFile."""
    return table.rows_as(lambda line, cell: _ticket(line, cell, rules, now))


def _ticket(line: int, cell: dict[str, str], rules: TicketRules, now: float) -> TicketRow:
    category = rules.categories.get(cell["category"])
    if category is None:
        known = ", ".join(rules.categories) or "none: config/tickets.yaml"
        raise ValueError(f"category {cell['category']!r} is none of {known}")
    if not cell["subject"]:
        raise ValueError("it has no subject")
    closed, resolution = cell.get("closed", ""), cell.get("resolution", "")
    if bool(closed) != bool(resolution):
        raise ValueError("closed and resolution go together")
    opened_at = moment_of(cell["opened"], now) if cell.get("opened") else now
    closed_at = moment_of(closed, now) if closed else None
    if closed_at is not None and closed_at < opened_at:
        raise ValueError("it was closed before it was opened")
    return TicketRow(
        line,
        _number("ticket", cell.get("ticket", ""), 1, LARGEST) if cell.get("ticket") else 0,
        cell.get("customer", ""),
        category.id,
        _number("priority", cell.get("priority") or str(category.priority), 1, len(rules.priorities)),
        cell.get("queue", ""),
        cell.get("owner", ""),
        opened_at,
        closed_at,
        cell["subject"][:200],
        resolution,
        cell.get("text", ""),
    )


def _number(column: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
        raise ValueError(f"{column} {text!r} is no number from {least} to {most}")
    return int(text)
