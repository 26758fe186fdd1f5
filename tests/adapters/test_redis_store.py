"""The Redis store when the server goes, comes back, refuses, forgets, or another engine takes over."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from cti_engine.adapters.redis_store import RedisStore
from cti_engine.ports import Batch, StoredEvent, StoreTaken, StoreUnavailable
from tests.adapters.redis_server import RedisServer


def event(seq: int) -> StoredEvent:
    return StoredEvent(seq, float(seq), "CallQueued", "c1", {})


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    running = await RedisServer(tmp_path).start()
    yield running
    await running.stop()


async def test_the_server_goes_and_comes_back(server: RedisServer) -> None:
    """While Redis is gone `write` raises StoreUnavailable with advice; when it is back all is there and it works."""
    with closing(RedisStore(server.url)) as store:
        store.open_epoch()
        store.write(Batch({("leg", "l1"): {"s": 1}}, [event(1)]))
        await server.kill()
        with pytest.raises(StoreUnavailable, match="does not answer: start it"):
            store.write(Batch(events=[event(2)]))
        with pytest.raises(StoreUnavailable, match="does not answer"):
            store.load()
        await server.start()
        store.write(Batch(events=[event(2)]))
        assert [e.seq for e in store.events_since(0)] == [1, 2]
        assert store.load().rows == {("leg", "l1"): {"s": 1}}


async def test_an_older_engine_is_fenced_off(server: RedisServer) -> None:
    """Once a newer engine has opened its epoch, the older one's writes raise StoreTaken and change nothing."""
    with closing(RedisStore(server.url)) as old, closing(RedisStore(server.url)) as new:
        old.open_epoch()
        old.write(Batch({("leg", "l1"): {"by": "old"}}))
        new.open_epoch()
        with pytest.raises(StoreTaken, match="another engine took over"):
            old.write(Batch({("leg", "l1"): {"by": "stale"}}, [event(1)]))
        new.write(Batch(events=[event(1)]))
        assert new.load().rows == {("leg", "l1"): {"by": "old"}}


async def test_a_server_that_forgot_is_told_from_our_own_fault(server: RedisServer) -> None:
    """When Redis has lost stored events, `write` says so and what to set, instead of leaving a gap."""
    with closing(RedisStore(server.url)) as store:
        store.open_epoch()
        store.write(Batch(events=[event(1), event(2)]))
        redis.Redis.from_url(server.url).hset("cti:meta", "last_seq", "1")
        with pytest.raises(StoreUnavailable, match="appendonly yes"):
            store.write(Batch(events=[event(3)]))
        redis.Redis.from_url(server.url).flushall()
        with pytest.raises(StoreUnavailable, match="appendonly yes"):
            store.write(Batch({("leg", "l1"): {}}))
        assert store.load().rows == {}


async def test_a_full_server_refuses_the_batch_whole_and_heals(server: RedisServer) -> None:
    """Out of memory: StoreUnavailable, nothing of the batch is kept, and it goes on when there is room."""
    admin = redis.Redis.from_url(server.url)
    with closing(RedisStore(server.url)) as store:
        store.open_epoch()
        store.write(Batch({("leg", "l1"): {"s": 1}}))
        admin.config_set("maxmemory", "1")
        with pytest.raises(StoreUnavailable, match="refuses"):
            store.write(Batch({("leg", "l1"): {"s": 2}}, [event(1)]))
        assert store.events_since(0) == []
        admin.config_set("maxmemory", "0")
        store.write(Batch({("leg", "l1"): {"s": 2}}, [event(1)]))
        assert store.load().rows == {("leg", "l1"): {"s": 2}}


async def test_a_missing_append_only_file_is_warned_of(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A Redis without an append-only file is used, with a warning that says what to set."""
    with caplog.at_level(logging.WARNING):
        RedisStore(server.url).close()
        assert caplog.messages == []
        redis.Redis.from_url(server.url).config_set("appendonly", "no")
        RedisStore(server.url).close()
    assert "set `appendonly yes`" in caplog.text


async def test_a_wrong_password_is_told_and_never_shown(server: RedisServer) -> None:
    """The refusal names the server and the setting; no password stands in any text."""
    redis.Redis.from_url(server.url).config_set("requirepass", "right-secret")
    with pytest.raises(StoreUnavailable, match="password in CTI_STORE_URL") as told:
        RedisStore(server.url.replace("//", "//:wrong-secret@"))
    assert "secret" not in str(told.value)
    RedisStore(server.url.replace("//", "//:right-secret@")).close()


async def test_a_newer_center_is_refused(server: RedisServer) -> None:
    """Data of a later schema says so, instead of being misread."""
    RedisStore(server.url).close()
    redis.Redis.from_url(server.url).hset("cti:meta", "schema", "99")
    with pytest.raises(StoreUnavailable, match="newer cti-engine"):
        RedisStore(server.url)
