"""Tickets and past cases from a CSV file into the store, some at a time: the live center goes on meanwhile.

A number that is taken already is refused, so an import that was cut short can be done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

from cti_engine.adapters.customer_import import AT_A_TIME, ImportReport
from cti_engine.adapters.sql_database import Statements
from cti_engine.adapters.ticket_store import Kept, Step, TicketStore, in_time
from cti_engine.core.customers import tickets
from cti_engine.core.customers.ticket_rules import TicketRules
from cti_engine.core.customers.tickets import RESOLVED, Ticket
from cti_engine.core.hours import Calendar
from cti_engine.definitions.csv_table import RefusedRow, open_table
from cti_engine.definitions.ticket_csv import TICKET_COLUMNS, TicketRow, read_tickets


def import_tickets(
    store: TicketStore,
    path: Path,
    rules: TicketRules,
    calendar: Calendar | None,
    now: float,
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """`now`: wall seconds. Raises UnusableFile and DatabaseFault."""
    table = open_table(path, *TICKET_COLUMNS)
    report = ImportReport(note=table.note)
    rows = read_tickets(table, rules, now)
    while some := list(islice(rows, AT_A_TIME)):
        with store.database.writing() as db:
            _take(store, db, some, rules, calendar, report)
        if progress is not None:
            progress(some[-1].line, table.lines)
    return report


def _take(
    store: TicketStore,
    db: Statements,
    rows: Iterable[TicketRow | RefusedRow],
    rules: TicketRules,
    calendar: Calendar | None,
    report: ImportReport,
) -> None:
    for row in rows:
        if isinstance(row, RefusedRow):
            report.refuse(row)
            continue
        customer = db.row("SELECT name, segment FROM customers WHERE customer=?", (row.customer,))
        if row.customer and customer is None:
            report.refuse(RefusedRow(row.line, f"there is no customer {row.customer}"))
        elif row.ticket and db.row("SELECT 1 FROM tickets WHERE ticket=?", (row.ticket,)) is not None:
            report.refuse(RefusedRow(row.line, f"there is a ticket {row.ticket} already"))
        else:
            name, segment = customer if customer is not None else ("", "")
            store.open_in(db, _kept(row, name, segment, rules, calendar), _steps(row), number=row.ticket)
            report.taken += 1


def _kept(row: TicketRow, name: str, segment: str, rules: TicketRules, calendar: Calendar | None) -> Kept:
    fresh = Ticket(
        row.ticket, row.customer, row.category, row.subject, row.priority, segment, row.queue, owner=row.owner
    )
    ticket = tickets.opened(rules, fresh, row.opened_at)
    if row.closed_at is not None:
        ticket = replace(ticket, state=RESOLVED, closed_at=row.closed_at, resolution=row.resolution)
    return in_time(rules, calendar, Kept(ticket, name=name), ticket)


def _steps(row: TicketRow) -> list[Step]:
    steps = [Step(row.opened_at, row.owner, "open", {"text": row.text} if row.text else {})]
    if row.closed_at is not None:
        steps.append(Step(row.closed_at, row.owner, "resolve", {"text": row.resolution}))
    return steps
