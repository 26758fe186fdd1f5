"""What every store must do, run against SQLite and against a real Redis server."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from math import inf
from pathlib import Path
from typing import Any

import pytest

from cti_engine.ports import Batch, Loaded, Store, StoredCommand, StoredEvent, StoreUnavailable
from cti_engine.runtime.stores import open_store
from tests.adapters.redis_server import RedisServer

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "redis"])


@pytest.fixture
async def url(kind: str, tmp_path: Path) -> AsyncIterator[str]:
    """A URL of an empty store of this kind."""
    if kind == "sqlite":
        yield f"sqlite:{tmp_path / 'var' / 'engine.db'}"
        return
    server = await RedisServer(tmp_path).start()
    yield server.url
    await server.stop()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(open_store(url)) as opened:
        opened.open_epoch()
        yield opened


def event(seq: int, contact: str = "c1", name: str = "CallQueued", **data: Any) -> StoredEvent:
    return StoredEvent(seq, 1_700_000_000.125 + seq, name, contact, data)


def command(seq: int, peer: str = "w1@host/main") -> StoredCommand:
    return StoredCommand(seq, peer, "AnswerLeg", {"worker": peer, "leg": f"l{seq}"})


def test_a_new_store_is_empty(store: Store) -> None:
    """A store that nothing was written to holds no rows and begins to count at zero."""
    assert store.load() == Loaded(rows={}, commands=[], last_seq=0, last_command=0, published_to=0)
    assert store.events_since(0) == []


def test_all_parts_of_a_batch_come_back_after_reopening(store: Store, url: str) -> None:
    """Rows, events, open commands and the outbox mark of a batch are there again for the next engine."""
    agent = {"state": "idle", "name": "José", "since": 1.5, "nested": {"a": [1, None, True]}}
    rows: dict[tuple[str, str], dict[str, Any]] = {
        ("agent", "maria"): agent,
        ("leg", "a:b"): {"up": 1},
    }
    store.write(
        Batch(
            rows, [event(1, queue="q"), event(2, contact="")], [command(1), command(12)], [], published_to=1
        )
    )
    store.close()
    with closing(open_store(url)) as again:
        assert again.load() == Loaded(rows, [command(1), command(12)], 2, 12, 1)
        assert again.events_since(0) == [event(1, queue="q"), event(2, contact="")]


def test_later_batches_replace_and_delete(store: Store) -> None:
    """A row holds its newest document, a deleted one is gone, a command that was done is not loaded again."""
    store.write(Batch({("leg", "l1"): {"s": 1}, ("leg", "l2"): {"s": 1}}, commands=[command(1), command(2)]))
    store.write(
        Batch({("leg", "l1"): {"s": 2}, ("leg", "l2"): None, ("leg", "none"): None}, commands_done=[1, 77])
    )
    loaded = store.load()
    assert loaded.rows == {("leg", "l1"): {"s": 2}}
    assert loaded.commands == [command(2)]


def test_command_numbers_outlive_their_commands(store: Store, url: str) -> None:
    """`last_command` stays when every command is done, so that a number is never given twice."""
    store.write(Batch(commands=[command(5)]))
    store.write(Batch(commands_done=[5]))
    store.close()
    with closing(open_store(url)) as again:
        assert again.load().last_command == 5


def test_the_epoch_grows_with_every_engine(store: Store, url: str) -> None:
    """Each engine that opens the store gets a higher fencing token than all before it."""
    first = store.open_epoch()
    store.close()
    with closing(open_store(url)) as again:
        assert again.open_epoch() == first + 1


def test_events_are_read_in_pages_and_by_contact(store: Store) -> None:
    """`events_since` pages in order by number; `events_of` finds one contact's and not its namesakes'."""
    store.write(Batch(events=[event(n, contact="c1" if n % 2 else "c11") for n in range(1, 12)]))
    assert [e.seq for e in store.events_since(3, limit=4)] == [4, 5, 6, 7]
    assert [e.seq for e in store.events_since(9)] == [10, 11]
    assert store.events_since(11) == []
    assert [e.seq for e in store.events_of("c1")] == [1, 3, 5, 7, 9, 11]
    assert store.events_of("c2") == []


@pytest.mark.parametrize("numbers", [[4], [3, 5], [3, 3]])
def test_a_gap_in_the_numbers_is_refused_whole(store: Store, numbers: list[int]) -> None:
    """Event numbers are gap-free: a batch that would break that raises ValueError and changes nothing."""
    store.write(Batch(events=[event(1), event(2)]))
    with pytest.raises(ValueError, match="due"):
        store.write(Batch({("leg", "l1"): {"s": 1}}, [event(n) for n in numbers]))
    assert store.load().rows == {}
    assert [e.seq for e in store.events_since(0)] == [1, 2]


def test_a_batch_may_be_repeated_and_joined_with_later_ones(store: Store) -> None:
    """A batch whose fate was unknown is written again, with what came since, and every event stands once."""
    store.write(Batch({("leg", "l1"): {"s": 1}}, [event(1), event(2, contact="")], [command(1)]))
    store.write(Batch({("leg", "l1"): {"s": 1}}, [event(1), event(2, contact=""), event(3)], [command(1)]))
    assert [e.seq for e in store.events_since(0)] == [1, 2, 3]
    assert store.load().last_seq == 3
    store.write(Batch({("leg", "l1"): {"s": 2}}, [event(3)]))
    assert [e.seq for e in store.events_of("c1")] == [1, 3]


def test_a_stored_event_never_changes(store: Store) -> None:
    """Another fact under a number that is taken raises ValueError and changes nothing."""
    store.write(Batch(events=[event(1), event(2)]))
    with pytest.raises(ValueError, match="differ"):
        store.write(Batch({("leg", "l1"): {}}, [event(2, position=9), event(3)]))
    assert store.events_since(0) == [event(1), event(2)]
    assert store.load().rows == {}


def test_cdrs_are_found_by_time_and_never_loaded(store: Store) -> None:
    """`cdrs` gives closed contacts from `since` up to but without `until`, oldest first; `load` gives none."""
    records = {f"c{n}": {"contact": f"c{n}", "ended_at": 100.0 + n / 2} for n in range(5)}
    store.write(Batch({("cdr", id_): record for id_, record in reversed(records.items())}))
    assert store.cdrs() == list(records.values())
    assert store.cdrs(since=100.5, until=101.5) == [records["c1"], records["c2"]]
    assert store.cdrs(since=101.0, limit=1) == [records["c2"]]
    assert store.cdrs(since=103.0) == []
    assert store.load().rows == {}


def test_cdrs_are_found_by_agent(store: Store) -> None:
    """`cdrs_of` gives the contacts in which an agent had a part, newest first, from a place on and not older than that;
    of contacts that ended in one moment the order is by name.
    """
    records = {
        "c1": {"contact": "c1", "ended_at": 100.0, "agent": "maria"},
        "c2": {"contact": "c2", "ended_at": 101.0, "agent": "john", "segments": [{"agent": "maria"}]},
        "c3": {"contact": "c3", "ended_at": 101.0, "agent": "maria", "segments": [{"agent": "maria"}]},
        "c4": {"contact": "c4", "ended_at": 102.0, "agent": "john"},
        "c5": {"contact": "c5", "ended_at": 103.0, "agent": ""},
    }
    store.write(Batch({("cdr", id_): record for id_, record in records.items()}))
    store.write(Batch({("cdr", "c1"): records["c1"]}))  # again

    def found(
        agent: str, since: float = 0.0, before: tuple[float, str] = (inf, ""), limit: int = 9
    ) -> list[str]:
        return [str(record["contact"]) for record in store.cdrs_of(agent, since, before, limit)]

    assert found("maria") == ["c3", "c2", "c1"] and found("john") == ["c4", "c2"] and found("") == []
    assert found("maria", before=(101.0, "c3")) == ["c2", "c1"]
    assert found("maria", since=101.0) == ["c3", "c2"] and found("maria", before=(101.0, "")) == ["c1"]
    assert found("maria", limit=1) == ["c3"]


def test_a_cdr_is_never_deleted(store: Store) -> None:
    """Asking to delete a record of a closed contact is an error of the caller."""
    with pytest.raises(ValueError, match="cdr c1"):
        store.write(Batch({("cdr", "c1"): None}))


def test_a_reader_sees_what_the_engine_wrote_and_cannot_write(store: Store, url: str) -> None:
    """Another process may open the same URL to read while the engine writes; its writes are refused."""
    store.write(Batch(events=[event(1)]))
    with closing(open_store(url, read_only=True)) as reader:
        assert reader.events_since(0) == [event(1)]
        store.write(Batch(events=[event(2)]))
        assert [e.seq for e in reader.events_since(1)] == [2]
        with pytest.raises(StoreUnavailable):
            reader.write(Batch({("leg", "l1"): {}}))
    assert store.load().rows == {}


def test_a_reader_works_while_no_engine_runs(store: Store, url: str) -> None:
    """Reports read the record also when the engine has been stopped in order."""
    store.write(Batch(events=[event(1)]))
    store.close()
    with closing(open_store(url, read_only=True)) as reader:
        assert reader.events_since(0) == [event(1)]


def test_a_reader_before_the_first_engine_is_told_so(url: str) -> None:
    """Reading from a store that was never made says to start the engine first."""
    with pytest.raises(StoreUnavailable, match="start the engine first"):
        open_store(url, read_only=True)


def test_old_published_events_are_pruned_from_the_front(store: Store) -> None:
    """Only events that are old and published go, oldest first; the last one stays and numbers go on."""
    store.write(Batch(events=[event(n) for n in range(1, 7)], published_to=4))
    assert store.prune_events(before=event(3).at) == 2
    assert [e.seq for e in store.events_since(0)] == [3, 4, 5, 6]
    assert [e.seq for e in store.events_of("c1")] == [3, 4, 5, 6]
    assert store.prune_events(before=event(99).at, limit=1) == 1
    assert store.prune_events(before=event(99).at) == 1
    store.write(Batch(published_to=6))
    assert store.prune_events(before=event(99).at) == 1
    assert [e.seq for e in store.events_since(0)] == [6]
    store.write(Batch(events=[event(7)]))
    assert store.load().last_seq == 7


def _write_for_ever(url: str, told: Any) -> None:
    """A writer's life: numbered batches, each told to the parent once `write` has returned."""
    store = open_store(url)
    store.open_epoch()
    seq = store.load().last_seq
    while True:
        store.write(
            Batch(
                {("counter", "n"): {"seq": seq + 3}}, [event(seq + n) for n in (1, 2, 3)], [command(seq + 3)]
            )
        )
        seq += 3
        told.send(seq)


@pytest.mark.parametrize("writes", [1, 17, 60])
def test_kill_9_loses_nothing_that_was_written(url: str, writes: int) -> None:
    """After kill -9 of the writer all it was told is written is there, and no batch is there by half."""
    told, end = multiprocessing.Pipe(duplex=False)
    writer = multiprocessing.get_context("spawn").Process(
        target=_write_for_ever, args=(url, end), daemon=True
    )
    writer.start()
    end.close()  # so that a writer that dies by itself ends the reading
    last = [told.recv() for _ in range(writes)][-1]
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    try:
        while told.poll():
            last = told.recv()
    except EOFError:
        pass  # all that it told has been read
    with closing(open_store(url)) as store:
        loaded = store.load()
        assert loaded.last_seq >= last
        assert loaded.last_seq % 3 == 0
        assert loaded.rows == {("counter", "n"): {"seq": loaded.last_seq}}
        assert loaded.last_command == loaded.last_seq
        assert [e.seq for e in store.events_since(0, limit=10**6)] == list(range(1, loaded.last_seq + 1))


def test_an_event_that_is_replaced_tells_something_else_in_its_place(store: Store, url: str) -> None:
    """For erasures: the data is another, number, time, name and contact are not; the next event comes after it as
    before, an engine that starts again finds it so, and what had been pruned stays away."""
    store.write(
        Batch(events=[event(n, contact="c1", number="+34600000101") for n in range(1, 7)], published_to=6)
    )
    assert store.prune_events(before=event(2).at) == 1
    anew = [event(n, contact="c1", number="x") for n in (1, 3, 6)]
    store.replace_events(anew)
    store.replace_events(anew)
    told = ["+34600000101", "x", "+34600000101", "+34600000101", "x"]
    assert [e.data["number"] for e in store.events_since(0)] == told
    assert [(e.seq, e.at, e.event, e.contact) for e in store.events_since(0)] == [
        (n, event(n).at, "CallQueued", "c1") for n in range(2, 7)
    ]
    assert [e.seq for e in store.events_since(2, limit=2)] == [3, 4]
    assert [e.data["number"] for e in store.events_of("c1")] == told
    store.compact()
    assert not store.to_compact
    store.write(Batch(events=[event(7)]))
    store.close()
    with closing(open_store(url)) as again:
        again.open_epoch()
        assert again.load().last_seq == 7
        assert [e.seq for e in again.events_since(4)] == [5, 6, 7]
        assert again.prune_events(before=event(99).at) == 5
        assert [e.seq for e in again.events_since(0)] == [7] and [e.seq for e in again.events_of("c1")] == [7]
