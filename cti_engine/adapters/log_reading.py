"""Where a time stands in the event log, and all that follows it: for whoever folds a day, with any store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from cti_engine.core.events import Event
from cti_engine.ports import Store, StoredEvent, StoreOfOtherVersion
from cti_engine.wire.vocabulary import event_from

PAGE = 1000
"""Records read at a time."""
OVERLAP = 3600.0
"""Seconds by which events may stand out of the order of their times (a signal that waited on a link)."""


def seq_before(store: Store, since: float, last_seq: int) -> int:
    """The number before the first event at or after `since`; the log is in the order of time, but for moments."""
    low, high = 0, last_seq
    while low < high:
        middle = (low + high) // 2
        following = store.events_since(middle, 1)
        if following and following[0].at < since:
            low = following[0].seq
        else:
            high = middle
    return low


def fact_of(stored: StoredEvent) -> Event:
    """Raises StoreOfOtherVersion for an event that another version of cti-engine wrote and this one does not know."""
    try:
        return event_from(stored.event, {**stored.data, "contact": stored.contact})
    except (KeyError, msgspec.ValidationError) as error:
        raise StoreOfOtherVersion(
            f"event {stored.seq} of the log, {stored.event}, was written by another version of cti-engine ({error}): "
            "read it with that version, or ask for later days with --since"
        ) from error


def log_since(store: Store, since: float, last_seq: int) -> Iterator[StoredEvent]:
    """From the first event at or after `since` on."""
    seq = seq_before(store, since, last_seq)
    while page := store.events_since(seq):
        yield from page
        seq = page[-1].seq


def all_records(
    store: Store, since: float = 0.0, until: float | None = None, page: int = PAGE
) -> Iterator[dict[str, Any]]:
    """Closed contacts with `since <= ended_at < until`, oldest first, a page at a time."""
    seen: set[str] = set()
    while True:
        found = store.cdrs(since, until, page + len(seen))
        yield from (record for record in found if record["contact"] not in seen)
        if len(found) < page + len(seen):
            return
        since = float(found[-1]["ended_at"])
        seen = {record["contact"] for record in found if record["ended_at"] == since}
