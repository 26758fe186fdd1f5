"""`cti-engine customers export|erase|rights`: what a person may ask for, with the center running or not."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from cti_engine.adapters.customer_erasure import STAYS
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.log_erasure import Rewritten, pages, recordings_of, records_of, rewrite
from cti_engine.adapters.traces import Traces
from cti_engine.definitions.settings import Settings
from cti_engine.ports import Store, StoreTaken, StoreUnavailable
from cti_engine.runtime.places import Places
from cti_engine.runtime.stores import open_store, sqlite_file

OK, PROBLEMS = 0, 1
BY = "command line"
RUNNING_WITHIN = 15.0
"""Seconds for which a running center is waited for."""
NOT_YET = (
    "records, events and recordings of calls name the customer until the center has run with no call of theirs on:"
    " cti-engine customers rights"
)


def export(options: Namespace, store: CustomerStore, settings: Settings, console: Console, now: float) -> int:
    found = store.export(options.customer, BY, now)
    if found is None:
        return nobody(options.customer)
    numbers = frozenset(row["number"] for row in found["numbers"])
    records: list[dict[str, Any]] = []
    if _there(settings):
        with closing(_log(settings)) as log:
            records = list(records_of(log, Traces("", frozenset({options.customer}), numbers)))
    found["call_records"] = records
    folder = Places(settings.var).recordings
    found["recordings"] = [
        str(path) for record in records for path in recordings_of(folder, record["contact"])
    ]
    return write(found)


def erase(options: Namespace, store: CustomerStore, settings: Settings, console: Console, now: float) -> int:
    erasure = store.erase(options.customer, BY, now, keep_recordings=options.keep_recordings)
    if erasure is None:
        return nobody(options.customer)
    try:
        _at_once(store, settings, now)
    except StoreTaken:
        _wait_for_the_center(store, erasure.number)
    except StoreUnavailable as error:
        print(error, file=sys.stderr)
    (asked,) = (each for each in store.rights_asked() if each.number == erasure.number)
    report: dict[str, Any] = {
        **asdict(erasure),
        **asked.told,
        "done": asked.done_at is not None,
        "stays": STAYS,
    }
    if options.json:
        return write(report)
    console.print(f"{options.customer} is erased; figures are of {erasure.pseudonym}", markup=False)
    gone = {**report["erased"], **{name: report.get(name, 0) for name in ("records", "events", "recordings")}}
    console.print("  gone:", {name: count for name, count in gone.items() if count}, markup=False)
    for name in report.get("kept", ()):
        console.print(f"  stays: the recording {name}", markup=False, highlight=False)
    for what, why in {**STAYS, **({} if report["done"] else {"not yet": NOT_YET})}.items():
        console.print(f"  stays: {what}: {why}", markup=False, highlight=False)
    return OK


def _there(settings: Settings) -> bool:
    """Whether any center has ever run on this store."""
    file = sqlite_file(settings.store_url, settings.var)
    return file is None or file.exists()


def _log(settings: Settings) -> Store:
    return open_store(settings.store_url, read_only=True, folder=settings.var)


def _at_once(store: CustomerStore, settings: Settings, now: float) -> None:
    """Where no center runs on this machine: what its engine would do, unless something waits there for a customer.
    Raises StoreTaken where one runs; of a Redis nobody can tell.
    """
    folder = Places(settings.var).recordings
    if not _there(settings):
        for number, _ in store.erasures():
            store.erased(number, {}, now)
    elif sqlite_file(settings.store_url, settings.var) is None:
        raise StoreTaken("it may be in use")
    else:
        with (
            closing(open_store(settings.store_url, folder=settings.var)) as writer,
            closing(_log(settings)) as log,
        ):
            for number, traces in store.erasures():
                if not _waits(writer, traces):
                    done = Rewritten()
                    for page in pages(log, traces, folder, done):
                        rewrite(writer, page)
                    store.erased(number, done.told(), now)
            if writer.to_compact:
                writer.compact()
    store.compact()


def _waits(store: Store, traces: Traces) -> bool:
    """Whether there is a callback or a call of theirs, or a number remembered: an engine ends that in order."""
    return any(
        traces.is_theirs(doc.get("ani", ""), doc.get("attributes", {}).get("customer"))
        if kind == "contact"
        else kind in ("recaller", "surveyed") and traces.is_number(id_)
        for (kind, id_), doc in store.load().rows.items()
    )


def _wait_for_the_center(store: CustomerStore, number: int) -> None:
    over = time.monotonic() + RUNNING_WITHIN
    while time.monotonic() < over and any(number == waiting for waiting, _ in store.erasures()):
        time.sleep(0.2)


def rights(options: Namespace, store: CustomerStore, settings: Settings, console: Console, now: float) -> int:
    """Who asked for what, the newest first."""
    found = store.rights_asked()
    if options.json:
        return write([asdict(each) for each in found])
    table = Table(header_style="bold")
    for name in ("number", "at", "by", "what", "customer", "done"):
        table.add_column(name, no_wrap=name not in ("at", "done"), overflow="fold")
    for each in found:
        at, done = (_moment(moment) for moment in (each.at, each.done_at))
        table.add_row(str(each.number), at, each.author, each.what, each.customer, done)
    console.print(table, markup=False)
    return OK


def _moment(at: float | None) -> str:
    return "not yet" if at is None else f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}"


def nobody(customer: str) -> int:
    print(f"there is no customer {customer!r}", file=sys.stderr)
    return PROBLEMS


def write(found: object) -> int:
    json.dump(found, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")
    return OK
