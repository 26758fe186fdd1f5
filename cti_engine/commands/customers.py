"""`cti-engine customers`: take files in, show, export, erase and merge, beside a running center too."""

from __future__ import annotations

import json
import os
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from cti_engine.adapters.customer_import import ImportReport
from cti_engine.adapters.customer_merge import CannotMerge
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.sql_database import DatabaseFault
from cti_engine.commands import customer_rights, customer_segments, retention
from cti_engine.commands.customer_rights import BY, nobody, write
from cti_engine.definitions.csv_table import UnusableFile
from cti_engine.definitions.settings import Settings
from cti_engine.runtime.customers import open_customers

OK, PROBLEMS, ENVIRONMENT = 0, 1, 3
SHOWN = 20
"""Refused rows on the terminal; `--json` has up to a thousand."""


def run(options: Namespace, settings: Settings, console: Console, now: float) -> int:
    """`now`: wall seconds. The exit code."""
    try:
        with closing(open_customers(settings)) as store:
            return _ACTIONS[options.todo](options, store, settings, console, now)
    except (UnusableFile, CannotMerge) as error:
        print(error, file=sys.stderr)
        return PROBLEMS
    except DatabaseFault as error:
        print(f"the customers cannot be reached: {error}", file=sys.stderr)
        return ENVIRONMENT


def _import(
    options: Namespace, store: CustomerStore, settings: Settings, console: Console, now: float
) -> int:
    if not (options.file or options.purchases):
        print("name a file of customers, or --purchases FILE", file=sys.stderr)
        return 2
    reports: dict[str, ImportReport] = {}
    for path, take in ((options.file, store.import_csv), (options.purchases, store.import_purchases)):
        if path is not None:
            with progress(f"Importing {path.name}") as tell:
                reports[str(path)] = gently(take, path, now, tell)
    if options.json:
        sys.stdout.write(as_json(reports))
    else:
        for file, report in reports.items():
            show_report(file, report, console)
    return PROBLEMS if any(report.refused_rows for report in reports.values()) else OK


def as_json(reports: dict[str, ImportReport]) -> str:
    """By file."""
    told = {file: asdict(report) for file, report in reports.items()}
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def gently(take: Callable[..., ImportReport], *about: object) -> ImportReport:
    """In a thread that gives way to the calls of a center on this machine."""

    def give_way() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)

    with ThreadPoolExecutor(1, "import", give_way) as thread:
        return thread.submit(take, *about).result()


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, told the line reached and how many there are."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda line, lines: bar.update(task, completed=line, total=max(line, lines))


def show_report(file: str, report: ImportReport, console: Console) -> None:
    console.print(f"{file}: {report.taken} rows taken, {report.refused_rows} refused", markup=False)
    if report.note:
        console.print(f"  {report.note}", markup=False)
    for row in report.refused[:SHOWN]:
        console.print(f"  line {row.line}: {row.reason}", markup=False, highlight=False)
    if report.refused_rows > SHOWN:
        console.print(
            f"  and {report.refused_rows - SHOWN} more: --json has the first thousand", markup=False
        )


def _show(options: Namespace, store: CustomerStore, settings: Settings, console: Console, now: float) -> int:
    found = store.customer(options.customer) or store.profile(options.customer)
    if found is None:
        return nobody(options.customer)
    if options.json:
        return write(found)
    table = Table(show_header=False)
    for key, value in found.items():
        if value not in ("", [], {}, None):
            table.add_row(key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    console.print(table, markup=False)
    return OK


def _doubles(
    options: Namespace, store: CustomerStore, settings: Settings, console: Console, now: float
) -> int:
    found = store.doubles()
    if options.json:
        return write([asdict(each) for each in found])
    for each in found:
        console.print(f"{each.what} {each.value}: {', '.join(each.customers)}", markup=False, highlight=False)
    if not found:
        console.print("No two customers have the same e-mail address or name.")
    return OK


def _merge(options: Namespace, store: CustomerStore, settings: Settings, console: Console, now: float) -> int:
    number = store.merge(options.kept, options.gone, BY, now)
    if options.json:
        return write({"merge": number, "kept": options.kept, "gone": options.gone})
    text = f"{options.gone} is {options.kept} now; to undo it: cti-engine customers unmerge {number}"
    console.print(text, markup=False)
    return OK


def _unmerge(
    options: Namespace, store: CustomerStore, settings: Settings, console: Console, now: float
) -> int:
    kept, gone = store.unmerge(options.merge, BY, now)
    if options.json:
        return write({"merge": options.merge, "kept": kept, "back": gone})
    console.print(f"{gone} is a customer of their own again, beside {kept}", markup=False)
    return OK


_ACTIONS = {
    "import": _import,
    "show": _show,
    "export": customer_rights.export,
    "erase": customer_rights.erase,
    "rights": customer_rights.rights,
    "doubles": _doubles,
    "merge": _merge,
    "unmerge": _unmerge,
    "segments": customer_segments.run,
    "retention": retention.run,
}
