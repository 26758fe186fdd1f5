"""The engine's store, read only, from one thread of its own: what pages missed, and closed contacts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from cti_engine.adapters.log_erasure import records_of
from cti_engine.adapters.log_reading import OVERLAP, seq_before
from cti_engine.adapters.sqlite_store import SqliteStore
from cti_engine.adapters.traces import Traces
from cti_engine.ports import Store, StoredEvent, StoreUnavailable

PAGE = 1000  # events read at a time

_T = TypeVar("_T")


def open_store(url: str) -> Store:
    """The engine's store for reading: `sqlite:PATH` or a Redis URL. Raises StoreUnavailable."""
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite":
        return SqliteStore(Path(rest.removeprefix("//")), read_only=True)
    from cti_engine.adapters.redis_store import RedisStore  # 5 MB that a console beside SQLite need not carry

    return RedisStore(url, read_only=True)


class EventLog:
    """Opens the store when it is first needed, and again after it failed. Raises StoreUnavailable."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open_store = open_store
        self._store: Store | None = None
        self._thread = ThreadPoolExecutor(1, "store")

    async def since(self, seq: int, limit: int = PAGE) -> list[StoredEvent]:
        """Events with a number above `seq`, in order, at most `limit`."""
        return await self._read(lambda store: store.events_since(seq, limit))

    async def events_of(self, contact: str) -> list[StoredEvent]:
        """All events of one contact, in order."""
        return await self._read(lambda store: store.events_of(contact))

    async def seq_before(self, since: float) -> int:
        """The number before the first event at or after `since`, or a little earlier."""
        return await self._read(lambda store: seq_before(store, since - OVERLAP, store.load().last_seq))

    async def last_seq(self) -> int:
        return await self._read(lambda store: store.load().last_seq)

    async def cdrs_of(
        self, agent: str, since: float, before: tuple[float, str], limit: int
    ) -> list[dict[str, Any]]:
        """Closed contacts of an agent since then, newest first, those before that place."""
        return await self._read(lambda store: store.cdrs_of(agent, since, before, limit))

    async def records_of(self, traces: Traces) -> list[dict[str, Any]]:
        """All closed contacts of a customer; by a connection of its own, for it reads everybody's."""
        return await asyncio.to_thread(self._records_of, traces)

    def _records_of(self, traces: Traces) -> list[dict[str, Any]]:
        with closing(self._open_store()) as store:
            return list(records_of(store, traces))

    async def _read(self, read: Callable[[Store], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._reading, read)

    def _reading(self, read: Callable[[Store], _T]) -> _T:
        try:
            if self._store is None:
                self._store = self._open_store()
            return read(self._store)
        except StoreUnavailable:
            self._drop()
            raise

    def _drop(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def close(self) -> None:
        self._thread.submit(self._drop)
        self._thread.shutdown()
