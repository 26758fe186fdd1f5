"""Erasures that the console or an admin has begun, through what the engine keeps: calls, records, events, recordings.

The engine alone writes its store, so it does this itself, a page at a time between its batches. Cut short, it begins
again; it is over when the console has noted the event CustomerErased. Files are written anew in a moment without calls.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from pathlib import Path

from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.log_erasure import Rewritten, pages, rewrite
from cti_engine.adapters.sql_database import DatabaseFault
from cti_engine.adapters.traces import Traces
from cti_engine.core.customer_signals import ErasureAsked, ErasureDone
from cti_engine.core.rows import OF_CUSTOMER
from cti_engine.ports import Store, StoreUnavailable
from cti_engine.runtime.engine import Engine

LOOK_EVERY = 2.0
RETRY = 30.0
STORED_WITHIN = 5.0
LONGEST = 86_400.0
"""Seconds for which a moment without calls is waited for; then calls wait for the store, 100 MB a second."""
REST = 0.02
"""Seconds after each page of the log, whose reading takes the interpreter as long: calls come first."""

_log = logging.getLogger("cti.erasures")


class Erasing:
    """`open_log` opens the store to read. `rewritten()` is told that events in memory are not true any more."""

    def __init__(
        self,
        customers: CustomerStore,
        engine: Engine,
        open_log: Callable[[], Store],
        recordings: Path,
        rewritten: Callable[[], None],
    ) -> None:
        self._customers = customers
        self._engine = engine
        self._open_log = open_log
        self._recordings = recordings
        self._rewritten = rewritten
        self._done: set[int] = set()
        self._to_compact = True  # an engine before this one may not have come to it
        self._since = engine.clock.now()

    async def run(self) -> None:
        """For ever."""
        while True:
            pause = LOOK_EVERY
            try:
                await self.look()
            except (DatabaseFault, StoreUnavailable) as error:
                _log.warning("erasures wait: %s", error)
                pause = RETRY
            await asyncio.sleep(pause)

    async def look(self) -> None:
        """Do what can be done now. Raises DatabaseFault and StoreUnavailable."""
        for number, traces in await asyncio.to_thread(self._customers.erasures):
            if number not in self._done and await self._nobody_is_on(traces):
                await self._erase(number, traces)
                self._done.add(number)
        quiet = not self._engine.acd.center.legs or self._engine.clock.now() - self._since > LONGEST
        if self._to_compact and quiet:
            self._to_compact = await self._engine.in_store(_compact)

    async def _nobody_is_on(self, traces: Traces) -> bool:
        """What waits without a caller ends; a call is waited for."""
        center = self._engine.acd.center
        theirs = self._open_contacts(traces)
        known = (*center.recallers, *center.surveyed, *(center.contacts[id_].ani for id_ in theirs))
        numbers = tuple(dict.fromkeys(key for key in known if _is_theirs(traces, key)))
        if theirs or numbers:
            self._engine.take(ErasureAsked(theirs, numbers))
        await self._engine.settle(STORED_WITHIN)
        return not self._open_contacts(traces)

    def _open_contacts(self, traces: Traces) -> tuple[str, ...]:
        contacts = self._engine.acd.center.contacts.values()
        return tuple(c.id for c in contacts if traces.is_theirs(c.ani, c.cdr.customer))

    async def _erase(self, number: int, traces: Traces) -> None:
        log, done = await asyncio.to_thread(self._open_log), Rewritten()
        try:
            following = pages(log, traces, self._recordings, done)
            while (page := await asyncio.to_thread(next, following, None)) is not None:
                if page.records or page.events:
                    if not self._to_compact:
                        self._to_compact, self._since = True, self._engine.clock.now()
                    await self._engine.in_store(functools.partial(rewrite, page=page))
                await asyncio.sleep(REST)
        finally:
            log.close()
        self._rewritten()
        self._engine.take(
            ErasureDone(
                number,
                traces.pseudonym,
                done.records,
                done.events,
                done.recordings,
                tuple(done.kept_recordings),
            )
        )
        _log.warning("erasure %d: %d records and %d events name nobody", number, done.records, done.events)


def _is_theirs(traces: Traces, key: str) -> bool:
    """By number, or by who they are."""
    customer = key.removeprefix(OF_CUSTOMER)
    return traces.is_number(key) or (customer != key and customer in traces.customers)


def _compact(store: Store) -> bool:
    """Whether it has to be tried again."""
    if store.to_compact:
        store.compact()
    return store.to_compact
