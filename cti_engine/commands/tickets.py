"""`cti-engine tickets`: what is open, one with its history, cases like a text; take past cases in."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.sql_database import DatabaseFault
from cti_engine.adapters.ticket_import import import_tickets
from cti_engine.adapters.ticket_store import Kept, TicketStore
from cti_engine.commands.customer_rights import write
from cti_engine.commands.customers import ENVIRONMENT, OK, PROBLEMS, progress, show_report
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.csv_table import UnusableFile
from cti_engine.definitions.settings import Settings
from cti_engine.runtime.customers import open_customers


def run(
    options: Namespace, settings: Settings, definitions: CenterDefinitions, console: Console, now: float
) -> int:
    """`now`: wall seconds. The exit code."""
    try:
        with closing(open_customers(settings)) as customers:
            store = TicketStore(customers.database, customers.tickets_changed)
            match options.todo:
                case "list":
                    return _list(options, store, console, now)
                case "show":
                    return _show(options, store, console)
                case "cases":
                    return _cases(options, store, console)
                case _:
                    return _import(options, store, customers, definitions, console, now)
    except UnusableFile as error:
        print(error, file=sys.stderr)
        return PROBLEMS
    except DatabaseFault as error:
        print(f"the customers cannot be reached: {error}", file=sys.stderr)
        return ENVIRONMENT


def _list(options: Namespace, store: TicketStore, console: Console, now: float) -> int:
    """All open ones, or a part of them."""
    if options.late:
        found = store.late(now)
    elif options.nobodys:
        found = store.of_nobody(None)
    elif options.owner:
        found = store.of_owner(options.owner)
    elif options.customer:
        found = store.of_customer(options.customer, "")
    else:
        found = store.all_open()
    if options.json:
        return write([_plain(kept) for kept in found])
    table = Table("ticket", "state", "owner", "due", "priority", "category", "customer", "subject")
    for kept in found:
        ticket = kept.ticket
        due = _when(kept.due_at)
        late = kept.due_at is not None and kept.due_at <= now and ticket.closed_at is None
        table.add_row(
            str(ticket.ticket), ticket.state, ticket.owner or "-", f"{due} late" if late else due,
            str(ticket.priority), ticket.category, ticket.customer or kept.number or "-", ticket.subject,
        )  # fmt: skip
    console.print(table if found else "No such ticket is open.", markup=False)
    return OK


def _show(options: Namespace, store: TicketStore, console: Console) -> int:
    found = store.one(options.ticket)
    if found is None:
        print(f"there is no ticket {options.ticket}", file=sys.stderr)
        return PROBLEMS
    kept, steps = found
    if options.json:
        return write({**_plain(kept), "steps": [asdict(step) for step in steps]})
    table = Table(show_header=False)
    for name, value in _plain(kept).items():
        if value not in ("", None, (), []):
            table.add_row(name, _when(value) if name.endswith("_at") else str(value))
    for step in steps:
        said = ", ".join(f"{name}: {value}" for name, value in step.body.items())
        table.add_row(_when(step.at), f"{step.author or 'rules'} {step.step} {said}".strip())
    console.print(table, markup=False)
    return OK


def _cases(options: Namespace, store: TicketStore, console: Console) -> int:
    found = store.similar(" ".join(options.text), options.category)
    if options.json:
        return write([asdict(case) for case in found])
    table = Table("ticket", "category", "subject", "what worked")
    for case in found:
        table.add_row(str(case.ticket), case.category, case.subject, case.resolution)
    console.print(table if found else "No resolved ticket has these words.", markup=False)
    return OK


def _import(
    options: Namespace,
    store: TicketStore,
    customers: CustomerStore,
    definitions: CenterDefinitions,
    console: Console,
    now: float,
) -> int:
    rules = definitions.tickets
    with progress(f"Importing {options.file.name}") as tell:
        calendar = definitions.calendars.get(rules.calendar)
        report = import_tickets(store, options.file, rules, calendar, now, tell)
    customers.forget_cached()
    if options.json:
        write(asdict(report))
    else:
        show_report(str(options.file), report, console)
    return PROBLEMS if report.refused_rows else OK


def _plain(kept: Kept) -> dict[str, Any]:
    return {**asdict(kept.ticket), "name": kept.name, "number": kept.number, "due_at": kept.due_at}


def _when(at: float | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
