"""Store first: gathers what signals led to, writes it in one batch at a time, and only then lets it act.

While one batch is being written the next one gathers (group commit). When the store fails, the center goes on from
memory: what could not be written is kept, bounded, and written when the store is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from cti_engine.core.commands import CallService, LookUp, Reply
from cti_engine.core.rows import Row
from cti_engine.ports import Batch, Store, StoredCommand, StoredEvent, StoreUnavailable
from cti_engine.runtime.store_thread import StoreThread

JOURNAL_LIMIT = 200_000
"""Events kept whole in memory while the store is away; beyond it the oldest are emptied, and said to be."""
LOST = "Lost"
"""What stands in the log where an event was emptied; in no catalogue, so it is never published."""
RETRY = 0.5
MANY = 1000
"""Rows and views of a batch that has to be large."""

_T = TypeVar("_T")
_log = logging.getLogger("cti.ledger")


@dataclass(slots=True)
class Gathered:
    """What waits to be stored, and what may happen once it is. `seen`: agents and queues whose view may have
    changed; `views` is filled just before the batch is written, so that pages never see what is not stored.
    """

    rows: dict[tuple[str, str], Row | dict[str, Any] | None] = field(default_factory=dict)
    events: list[StoredEvent] = field(default_factory=list)
    commands: list[StoredCommand] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    published_to: int | None = None
    acks: dict[str, tuple[str, int]] = field(default_factory=dict)  # peer -> (session, seq)
    replies: list[Reply] = field(default_factory=list)
    look_ups: list[LookUp] = field(default_factory=list)
    service_calls: list[CallService] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    views: dict[tuple[str, str], Any] = field(default_factory=dict)

    def batch(self) -> Batch:
        rows = {
            key: None if row is None else row if isinstance(row, dict) else msgspec.to_builtins(row)
            for key, row in self.rows.items()
        }
        for peer, (session, seq) in self.acks.items():
            rows[("link", peer)] = {"session": session, "seq": seq}
        return Batch(rows, tuple(self.events), tuple(self.commands), tuple(self.done), self.published_to)


class Ledger:
    """`on_closed` is called in the loop when a batch takes no more, `on_stored` when it is written, each in order.
    `on_health(problem)`, if set, tells when the store went away (its text) and when it is back (empty).
    """

    def __init__(
        self,
        store: Store,
        on_closed: Callable[[Gathered], None],
        on_stored: Callable[[Gathered], None],
    ) -> None:
        self._store = store
        self._on_closed = on_closed
        self._on_stored = on_stored
        self.on_health: Callable[[str], None] = lambda problem: None
        self._thread = StoreThread()
        self._something = asyncio.Event()
        self._idle = asyncio.Event()
        self._journal: Batch | None = None
        self._closing = False
        self.open = Gathered()

    @property
    def behind(self) -> bool:
        """The store is away and memory holds what it lacks."""
        return self._journal is not None

    def wake(self) -> None:
        """There is something in `open`."""
        self._idle.clear()
        self._something.set()

    async def run(self) -> None:
        while not (self._closing and not self._something.is_set()):
            await self._wait()
            if len(self.open.rows) + len(self.open.seen) > MANY:
                await asyncio.sleep(0)  # what led to so many kept the loop busy: others first
            gathered, self.open = self.open, Gathered()
            self._on_closed(gathered)
            await self._write(gathered.batch())
            self._on_stored(gathered)
            if not self._something.is_set():
                self._idle.set()
        self._thread.close()

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._something.wait(), RETRY if self.behind else None)
        except TimeoutError:
            _log.debug("trying the store again")
        self._something.clear()

    async def _write(self, batch: Batch) -> None:
        if self._journal is not None:
            batch = _merged(self._journal, batch)
        try:
            await self._thread.call(self._store.write, batch)
        except StoreUnavailable as error:
            if self._journal is None:
                _log.error("store away, going on from memory: %s", error)
                self.on_health(str(error))
            self._journal = _bounded(batch)
        else:
            if self._journal is not None:
                self._journal = None
                _log.warning("store is back; %d events caught up", len(batch.events))
                self.on_health("")

    async def settle(self, timeout: float) -> None:
        """Wait until everything gathered has been written, at most `timeout` seconds."""
        try:
            await asyncio.wait_for(self._idle.wait(), timeout)
        except TimeoutError:
            _log.error("the store did not take the last batch within %.0f s", timeout)

    async def in_store(self, work: Callable[[Store], _T]) -> _T:
        """`work(store)` in the store's thread, between batches. Raises StoreUnavailable, also while memory is ahead."""
        if self.behind:
            raise StoreUnavailable("the store is away")
        return await self._thread.call(work, self._store)

    async def prune(self, before: float) -> int:
        """Delete events that happened before this wall time, a page at a time between batches."""
        pruned = 0
        while not self.behind:
            page = await self._thread.call(self._store.prune_events, before)
            if page == 0:
                break
            pruned += page
        return pruned

    def close(self) -> None:
        self._closing = True
        self._something.set()


def _merged(old: Batch, new: Batch) -> Batch:
    return Batch(
        {**old.rows, **new.rows},
        (*old.events, *new.events),
        (*old.commands, *new.commands),
        (*old.commands_done, *new.commands_done),
        old.published_to if new.published_to is None else new.published_to,
    )


def _bounded(batch: Batch) -> Batch:
    done = set(batch.commands_done)
    commands = tuple(c for c in batch.commands if c.seq not in done)
    overflow = len(batch.events) - JOURNAL_LIMIT
    emptied = [_emptied(event) for event in batch.events[: max(0, overflow)]]
    events = (*emptied, *batch.events[len(emptied) :])
    return Batch(batch.rows, events, commands, tuple(done), batch.published_to)


def _emptied(event: StoredEvent) -> StoredEvent:
    """Only the number and the time of an event remain, because the log must have no gap."""
    if event.event != LOST:
        _log.error("event %d %s is lost: the store has been away too long", event.seq, event.event)
    return StoredEvent(event.seq, event.at, LOST, "", {})
