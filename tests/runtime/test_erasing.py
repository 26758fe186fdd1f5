"""An erasure beside the running engine: after the call, whole, once told, and nothing of it in any file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.core.rows import OF_CUSTOMER, Surveyed
from cti_engine.ports import Store, StoreUnavailable
from cti_engine.runtime import erasing
from cti_engine.runtime.erasing import Erasing
from cti_engine.runtime.stores import open_store
from tests.phones.waiting import until
from tests.runtime.stand_in import StandInWorker
from tests.runtime.test_engine import Running

NUMBER, OTHER = "+34600000101", "+34600000102"
FILE = f"customer,name,numbers\nc01,Lucía,{NUMBER}\nc02,Carlos,{OTHER}\n"


class Center:
    """An engine with a worker, customers, and what erases them; the console's part is `noted`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running = Running(folder)
        (folder / "file.csv").write_text(FILE)
        self.customers = CustomerStore(folder / "customers.db")
        self.customers.import_csv(folder / "file.csv", 1000.0)
        (folder / "file.csv").unlink()
        self.recordings = folder / "recordings"
        self.recordings.mkdir()
        self.told_to_read_again = 0
        self.worker: StandInWorker
        self.erasing = self.new_life()

    def new_life(self) -> Erasing:
        def read_again() -> None:
            self.told_to_read_again += 1

        engine = self.running.engine
        return Erasing(self.customers, engine, self.open_log, self.recordings, read_again)

    def open_log(self) -> Store:
        return open_store("sqlite:", read_only=True, folder=self.folder)

    def erased(self) -> list[dict[str, object]]:
        return self.running.events("CustomerErased")

    def traces(self) -> list[str]:
        files = b"".join(path.read_bytes() for path in self.folder.glob("*.db*"))
        return [trace for trace in (NUMBER, "Lucía") if trace.encode() in files]


@pytest.fixture
async def center(tmp_path: Path) -> AsyncIterator[Center]:
    made = Center(tmp_path)
    await made.running.start()
    made.worker = StandInWorker(made.running.address)
    yield made
    await made.worker.close()
    await made.running.crash()
    made.customers.close()


async def test_an_erasure_waits_for_the_call_and_is_done_once(center: Center) -> None:
    """While they are on the line nothing is rewritten and the call goes on; when it is over, records, events, recording
    and the number in every file are gone, others' stay; it is told once, and an engine that starts anew does it again
    without harm as long as the console has not noted it."""
    for number in (OTHER, NUMBER):
        leg = center.worker.call(number)
        await until(lambda: len(center.running.engine.acd.center.contacts) == 1, "the call")
        if number == OTHER:
            center.worker.hang_up(leg)
            await until(lambda: not center.running.engine.acd.center.contacts, "the call to be over")
    (contact,) = center.running.engine.acd.center.contacts
    (center.recordings / f"{contact}.wav").write_bytes(b"RIFF")
    surveyed = center.running.engine.acd.center.surveyed
    for key in (f"{OF_CUSTOMER}c01", f"{OF_CUSTOMER}c02"):
        surveyed[key] = Surveyed(key, 1.0)
    begun = center.customers.erase("c01", "carol", 5.0)
    assert begun is not None
    await center.erasing.look()
    assert not center.erased() and contact in center.running.engine.acd.center.contacts
    center.worker.hang_up(leg)
    await until(lambda: not center.running.engine.acd.center.contacts, "the call to be over")
    await center.erasing.look()
    await until(lambda: center.erased() != [], "the event")
    told = center.erased()[0]
    assert (told["erasure"], told["records"], told["recordings"]) == (begun.number, 1, 1)
    assert list(surveyed) == [f"{OF_CUSTOMER}c02"], "who has been asked by a survey is forgotten too"
    assert center.told_to_read_again == 1 and not list(center.recordings.iterdir())
    await center.erasing.look()
    assert len(center.erased()) == 1
    center.erasing = center.new_life()
    await center.erasing.look()
    await until(lambda: len(center.erased()) == 2, "the event of the next life")
    assert center.erased()[1]["records"] == 0
    assert center.customers.erased(begun.number, told, 9.0)
    center.customers.compact()
    await center.erasing.look()
    assert center.traces() == []
    ani = [record["ani"] for record in center.running.store.cdrs()]
    assert ani == [OTHER, begun.pseudonym]
    assert center.customers.profile(OTHER)["customer"] == "c02"  # type: ignore[index]


async def test_files_wait_for_a_moment_without_calls(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing them anew would hold calls up: another's call is waited for, but not for ever."""
    leg = center.worker.call(NUMBER)
    await until(lambda: center.running.engine.acd.center.contacts != {}, "the call")
    center.worker.hang_up(leg)
    await until(lambda: not center.running.engine.acd.center.contacts, "the call to be over")
    center.worker.call(OTHER)
    await until(lambda: center.running.engine.acd.center.legs != {}, "the other call")
    center.customers.erase("c01", "carol", 5.0)
    await center.erasing.look()
    await until(lambda: center.erased() != [], "the event")
    assert center.running.store.to_compact
    monkeypatch.setattr(erasing, "LONGEST", 0.0)
    await center.erasing.look()
    assert not center.running.store.to_compact and center.running.engine.acd.center.legs


async def test_a_store_that_is_away_only_delays(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is told before it has been written; the next look does it."""
    leg = center.worker.call(NUMBER)
    await until(lambda: center.running.engine.acd.center.contacts != {}, "the call")
    center.worker.hang_up(leg)
    await until(lambda: not center.running.engine.acd.center.contacts, "the call to be over")
    center.customers.erase("c01", "carol", 5.0)
    store = center.running.store
    right = store.replace_events

    def broken(events: object) -> None:
        raise StoreUnavailable("no disk")

    monkeypatch.setattr(store, "replace_events", broken)
    with pytest.raises(StoreUnavailable):
        await center.erasing.look()
    assert not center.erased()
    monkeypatch.setattr(store, "replace_events", right)
    await center.erasing.look()
    await until(lambda: center.erased() != [], "the event")
    assert center.erased()[0]["records"] == 1
