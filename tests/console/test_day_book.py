"""The agent's day in the console: the log read once, live facts meanwhile counted once, and a new day at midnight."""

from __future__ import annotations

import asyncio

import pytest

from agent_console.day_book import DAY, DayBook
from agent_console.event_log import EventLog
from agent_console.live_feed import LiveFeed
from cti_engine.core import events as ev
from cti_engine.ports import StoredEvent, StoreUnavailable
from cti_engine.wire.catalogue import envelope_of
from cti_engine.wire.vocabulary import to_plain

MIDNIGHT = 1_700_006_400.0  # UTC


class Log(EventLog):
    """An event log in memory that can fail and that waits until it is told to go on."""

    def __init__(self) -> None:
        self.events: list[StoredEvent] = []
        self.fails = 0
        self.go = asyncio.Event()

    async def seq_before(self, since: float) -> int:
        await self.go.wait()
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("busy")
        return 0

    async def since(self, seq: int, limit: int = 1000) -> list[StoredEvent]:
        return [one for one in self.events if one.seq > seq][:limit]

    def happens(self, event: ev.Event, at: float) -> StoredEvent:
        name, data = to_plain(event)
        self.events.append(StoredEvent(len(self.events) + 1, at, name, data.pop("contact", ""), data))
        return self.events[-1]


def bridged(contact: str) -> ev.CallBridged:
    return ev.CallBridged(contact, "maria", "sales", 1.0, 1.0)


async def test_each_fact_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the log is read nothing is told; a store that fails is asked again; what is in log and feed is one call
    and yesterday's is none of today's; at midnight a new day begins."""
    monkeypatch.setattr("agent_console.day_book.RETRY", 0.0)
    log, now = Log(), MIDNIGHT + 3600.0
    book = DayBook(log, LiveFeed(log, lambda: now), lambda: now, 0.0)
    log.fails = 1
    log.happens(bridged("c0"), MIDNIGHT - 60)
    log.happens(bridged("c1"), MIDNIGHT + 60)
    both = log.happens(bridged("c2"), MIDNIGHT + 70)
    reading = asyncio.ensure_future(book.run())
    await asyncio.sleep(0)
    book.on_event(envelope_of(both))
    with pytest.raises(StoreUnavailable):
        book.of("maria")
    log.go.set()
    await reading
    assert book.of("maria").calls == 2
    book.on_event(envelope_of(both))
    assert book.of("maria").calls == 2, "its notice came after it was read"
    book.on_event(envelope_of(log.happens(bridged("c3"), now)))
    assert (book.of("maria").calls, book.of("john").calls) == (3, 0)
    now = MIDNIGHT + DAY + 1.0
    assert book.of("maria").calls == 0
    book.on_event(envelope_of(log.happens(bridged("c4"), now)))
    assert (book.of("maria").calls, book.since) == (1, MIDNIGHT + DAY)


async def test_the_centers_midnight() -> None:
    """The day is the center's, not that of UTC."""
    log, now = Log(), MIDNIGHT + 3600.0
    ahead = DayBook(log, LiveFeed(log, lambda: now), lambda: now, 7200.0)
    behind = DayBook(log, LiveFeed(log, lambda: now), lambda: now, -7200.0)
    assert (ahead.since, behind.since) == (MIDNIGHT - 7200.0, MIDNIGHT + 7200.0 - DAY)
