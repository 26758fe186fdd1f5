"""Records and events without one person: read page by page, written anew, and their recordings deleted.

Harmless to do again, from whatever point it was cut short: what has been rewritten tells of nobody. No contact of
theirs may be open meanwhile.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from cti_engine.adapters.log_reading import PAGE, all_records
from cti_engine.adapters.traces import Traces
from cti_engine.ports import Batch, Store, StoredEvent

AT_A_TIME = 500
"""Records or events that are written at once."""


@dataclass(slots=True)
class Rewritten:
    """How many records and events tell nothing any more; of the recordings which are deleted, or stay by wish."""

    records: int = 0
    events: int = 0
    recordings: int = 0
    kept_recordings: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """As the event CustomerErased has it."""
        counts = {"records": self.records, "events": self.events, "recordings": self.recordings}
        return {**counts, "kept": self.kept_recordings}


@dataclass(frozen=True, slots=True)
class Page:
    """To be written before the next is asked for: records by contact, events with the same number as before."""

    records: dict[str, dict[str, Any]]
    events: tuple[StoredEvent, ...] = ()

    @property
    def batch(self) -> Batch:
        return Batch({("cdr", contact): record for contact, record in self.records.items()})


def records_of(log: Store, traces: Traces) -> Iterator[dict[str, Any]]:
    """Closed contacts of the customer, the oldest first."""
    for record in all_records(log):
        if traces.is_theirs(record.get("ani"), record.get("customer")):
            yield record


def recordings_of(folder: Path, contact: str) -> list[Path]:
    return sorted(folder.glob(f"{glob.escape(contact)}[.-]*"))


def rewrite(store: Store, page: Page) -> None:
    """Raises StoreUnavailable and StoreTaken."""
    if page.records or page.events:
        store.replace_events(page.events)  # which marks the store, also where only records change
        store.write(page.batch)


def pages(log: Store, traces: Traces, recordings: Path, done: Rewritten) -> Iterator[Page]:
    """`done` counts on. Empty pages come in between: whoever has calls to serve rests a moment at each. Records last:
    one that is rewritten finds its contact's events and recordings no more.
    """
    theirs: dict[str, str] = {}
    others: list[str] = []
    for count, record in enumerate(all_records(log), 1):
        if count % PAGE == 0:
            yield Page({})
        if traces.is_theirs(record.get("ani"), record.get("customer")):
            theirs[str(record["contact"])] = str(record.get("ani") or "")
        elif traces.told_in(msgspec.json.encode(record)):
            others.append(str(record["contact"]))
    changed: list[StoredEvent] = []
    last = log.load().last_seq
    seq = 0
    while seq < last and (found := log.events_since(seq)):
        for event in found:
            anew = _event(event, traces, theirs)
            if anew != event.data:
                changed.append(replace(event, data=anew))
        seq = found[-1].seq
        while len(changed) >= AT_A_TIME or (seq >= last and changed):
            some, changed = changed[:AT_A_TIME], changed[AT_A_TIME:]
            done.events += len(some)
            yield Page({}, tuple(some))
        yield Page({})
    for contact in theirs:
        for path in recordings_of(recordings, contact):
            if traces.keep_recordings:
                done.kept_recordings.append(path.name)
            else:
                path.unlink(missing_ok=True)
                done.recordings += 1
    yield from _records(log, traces, theirs, others, done)


def _event(event: StoredEvent, traces: Traces, theirs: dict[str, str]) -> dict[str, Any]:
    if event.contact in theirs or str(event.data.get("customer") or "") in traces.customers:
        return traces.event(event.event, event.data, theirs.get(event.contact, ""))
    if traces.told_in(msgspec.json.encode(event.data)):
        rewritten: dict[str, Any] = traces.elsewhere(event.data)
        return rewritten
    return event.data


def _records(
    log: Store, traces: Traces, theirs: dict[str, str], others: list[str], done: Rewritten
) -> Iterator[Page]:
    wanted, some = {*theirs, *others}, dict[str, dict[str, Any]]()
    for count, record in enumerate(all_records(log) if wanted else (), 1):
        if count % PAGE == 0:
            yield Page({})
        contact = str(record["contact"])
        if contact in wanted:
            some[contact] = traces.record(record) if contact in theirs else traces.elsewhere(record)
            wanted.discard(contact)
        if len(some) >= AT_A_TIME or (some and not wanted):
            done.records += len(some)
            yield Page(some)
            some = {}
