"""The engine on a real store and a real link: store first, at least once, and nothing lost by a kill."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cti_engine.core import signals as sig
from cti_engine.core.commands import Reply
from cti_engine.core.definitions import DialledNumber
from cti_engine.core.ivr.flow import EndCall, EnterQueue, Flow, LookUpService, Step
from cti_engine.ports import Batch, StoreUnavailable
from cti_engine.runtime.engine import Engine
from cti_engine.runtime.ledger import Gathered
from cti_engine.runtime.stores import open_store
from cti_engine.wire.link import LinkClient
from cti_engine.wire.tasks import spawn
from tests.phones.waiting import until
from tests.runtime.center import NamedFiles, Nobody, definitions
from tests.runtime.stand_in import StandInWorker

NUMBER = DialledNumber("3000", "direct", "en")


class Running:
    """One engine life on `folder`; `crash` ends it as kill -9 would: nothing more is stored or sent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = open_store("sqlite:", folder=folder)
        self.gathered: list[Gathered] = []
        self.health: list[str] = []
        self.engine = Engine(
            self.store,
            definitions(),
            Nobody(),
            NamedFiles(),
            home=folder,
            secret=b"s" * 32,
            utc_offset=0.0,
        )

    @property
    def address(self) -> str:
        return str(self.folder / "engine.sock")

    @property
    def replies(self) -> list[Reply]:
        return [reply for gathered in self.gathered for reply in gathered.replies]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [e.data for g in self.gathered for e in g.events if e.event == name]

    async def start(self) -> Running:
        await self.engine.start(self.address, self.gathered.append, self.health.append)
        return self

    async def make_ready(self, agent: str) -> None:
        self.engine.take(sig.PhoneRegistered(agent, "sip:x", 60.0))
        self.engine.take(sig.ReadyRequested(f"r-{agent}", agent))

    async def crash(self) -> None:
        self.store.write = _refuse  # type: ignore[method-assign]
        await self.engine._server.close()
        self.engine._ledger_task.cancel()
        if self.engine._timer is not None:
            self.engine._timer.cancel()
        # in its own thread: SQLite does not survive being closed under a write
        await self.engine._ledger._thread.call(self.store.close)


def _refuse(batch: Batch) -> None:
    raise StoreUnavailable("this life is over")


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    life = await Running(tmp_path).start()
    yield life
    await life.engine.close()
    life.store.close()


async def test_a_call_goes_all_the_way(running: Running) -> None:
    """An INVITE is answered, queued, offered, bridged, recorded, ended and closed, and all of it is stored."""
    worker = StandInWorker(running.address)
    await running.make_ready("maria")
    leg = worker.call()
    (paths,) = await worker.until("SetAudioPaths")
    assert {tuple(pair) for pair in paths["paths"]} == {(leg, "l1"), ("l1", leg)}
    (play,) = await worker.until("PlayFiles")
    assert play["files"] == ["/prompts/music-default.wav"]
    assert play["repeat"] is True
    worker.hang_up(leg)
    await worker.until("EndLeg")
    await until(lambda: running.events("WrapUpStarted"), "the engine to get there")
    running.engine.take(sig.DispositionSubmitted("r1", "maria", "c1", "done", "sold two"))
    await until(lambda: running.store.cdrs(), "the engine to get there")
    (cdr,) = running.store.cdrs()
    assert (cdr["agent"], cdr["cause"], cdr["note"]) == ("maria", "caller/hang_up", "sold two")
    stored = running.store.events_since(0)
    assert [e.seq for e in stored] == list(range(1, len(stored) + 1))
    assert {"CallArrived", "CallOffered", "CallBridged", "ContactClosed"} <= {e.event for e in stored}
    await worker.close()


async def test_the_dial_token_is_fresh_and_not_stored(running: Running) -> None:
    """DialLeg carries a token on the wire, and the store holds none (least secrets at rest)."""
    worker = StandInWorker(running.address)
    worker.agent_answers = False
    await running.make_ready("maria")
    worker.call()
    (dial,) = await worker.until("DialLeg")
    assert dial["headers"]["X-CTI-Token"]
    loaded = running.store.load()
    assert all("X-CTI-Token" not in str(command.body) for command in loaded.commands)
    await worker.close()


async def test_an_engine_that_died_goes_on_where_it_was(tmp_path: Path) -> None:
    """After a crash the queued caller keeps its place, an agent who becomes ready gets the oldest one."""
    first = await Running(tmp_path).start()
    worker = StandInWorker(first.address)
    legs = [worker.call(ani=f"+3460000000{n}") for n in range(3)]
    await worker.until("PlayFiles", count=3)
    await until(lambda: len(first.events("CallQueued")) == 3, "the engine to get there")
    await first.crash()
    second = await Running(tmp_path).start()
    assert second.engine.epoch == first.engine.epoch + 1
    await second.make_ready("john")
    await until(lambda: second.events("CallOffered"), "the engine to get there")
    assert second.events("CallOffered")[0]["number"] == "+34600000000"
    (bridged,) = await worker.until("SetAudioPaths")
    assert legs[0] in {leg for pair in bridged["paths"] for leg in pair}
    await worker.close()
    await second.engine.close()
    second.store.close()


async def test_signals_of_the_time_without_engine_are_taken_once_in_order(tmp_path: Path) -> None:
    """What a worker saw while nobody listened arrives afterwards, with its own time, exactly once."""
    first = await Running(tmp_path).start()
    worker = StandInWorker(first.address)
    leg = worker.call()
    await until(lambda: first.events("CallQueued"), "the engine to get there")
    await first.crash()
    worker.hang_up(leg)
    second = await Running(tmp_path).start()
    await until(lambda: second.events("ContactClosed"), "the engine to get there")
    (cdr,) = second.store.cdrs()
    assert cdr["cause"] == "caller/abandoned_in_queue"
    assert len(second.events("CallAbandoned")) == 1
    await worker.close()
    await second.engine.close()
    second.store.close()


async def test_a_store_that_fails_stops_no_call(running: Running) -> None:
    """While the store is away calls go on from memory; when it is back, nothing is missing."""
    worker = StandInWorker(running.address)
    write = running.store.write
    running.store.write = _refuse  # type: ignore[method-assign]
    await running.make_ready("maria")
    leg = worker.call()
    await worker.until("SetAudioPaths")
    assert running.health == ["this life is over"]
    running.store.write = write  # type: ignore[method-assign]
    await until(lambda: running.health[-1] == "", "the engine to get there")
    worker.hang_up(leg)
    await until(lambda: running.events("WrapUpStarted"), "the engine to get there")
    stored = running.store.events_since(0)
    assert [e.seq for e in stored] == list(range(1, len(stored) + 1))
    assert "CallArrived" in {e.event for e in stored}
    await worker.close()


async def test_nonsense_on_the_link_changes_nothing(running: Running) -> None:
    """A frame that is no signal is told to the log and counted as done; the next one is taken."""
    worker = StandInWorker(running.address)
    worker.link.send("NoSuchSignal", {"x": 1})
    worker.link.send("LegRinging", {"worker": 7})
    leg = worker.call()
    await worker.until("AnswerLeg")
    assert await worker.link.flush()
    worker.hang_up(leg)
    await worker.close()


async def test_a_lost_worker_leaves_nothing_behind(running: Running) -> None:
    """WorkerLost ends the contact, frees the agent, asks the edge for the BYEs and forgets the worker's link; the
    record names what the next worker repaired."""
    worker = StandInWorker(running.address)
    await running.make_ready("maria")
    worker.call()
    (order,) = await worker.until("StartRecording")
    await worker.close()
    running.engine.take(sig.WorkerLost(worker.name, "signal SIGKILL"))
    other = StandInWorker(running.address, "w2@test")
    other.tell(sig.RecordingEnded(other.name, order["recording"], "/rec/repaired.wav", 2.0))
    await until(lambda: running.store.cdrs(), "the engine to get there")
    (cdr,) = running.store.cdrs()
    assert (cdr["cause"], cdr["recording"]) == ("system/worker_lost", "/rec/repaired.wav")
    await other.close()
    loaded = running.store.load()
    assert {c.type for c in loaded.commands if c.peer == "edge"} == {"EndDialog"}
    agent = loaded.rows[("agent", "maria")]
    assert (agent["state"], agent["status"]) == ("idle", "ready")
    assert not [key for key in loaded.rows if key[0] in ("leg", "contact", "reservation")]


async def test_the_edge_learns_what_may_be_dialled(running: Running) -> None:
    """At its hello, and again when the files have changed, the edge is told the dialled numbers."""
    told: list[dict[str, Any]] = []
    edge = LinkClient(
        running.address,
        "edge@test",
        "edge",
        hello_body=lambda: {"users": []},
        on_frame=lambda _, b: told.append(b),
    )
    task = spawn(edge.run(), "edge")
    await until(lambda: told == [{"numbers": ["1000"]}], "the numbers at the hello")
    changed = definitions()
    running.engine.install(replace(changed, dialled_numbers={**changed.dialled_numbers, "3000": NUMBER}))
    await until(lambda: told[1:] == [{"numbers": ["1000", "3000"]}], "the numbers after the change")
    edge.close()
    await task


async def test_a_flow_asks_a_service_and_hears_of_it(running: Running) -> None:
    """The question leaves when it is stored, and its arguments stand neither in the log nor among the rows."""
    steps: dict[str, Step] = {
        "ask": LookUpService("balance", {"pin": "4711"}, {}, next="good", failed="sales"),
        "good": EndCall(),
        "sales": EnterQueue("sales"),
    }
    changed = definitions()
    flows = {**changed.flows, "ask": Flow("ask", "1", ("en",), "ask", steps)}
    number = DialledNumber("1000", "ask", "en")
    running.engine.install(replace(changed, flows=flows, dialled_numbers={"1000": number}))
    worker = StandInWorker(running.address)
    worker.call()
    await until(lambda: running.events("CallQueued"), "the way for failures, for there is no such service")
    calls = [call for gathered in running.gathered for call in gathered.service_calls]
    assert [(call.service, call.arguments) for call in calls] == [("balance", {"pin": "4711"})]
    loaded = running.store.load()
    assert "4711" not in str((loaded.rows, loaded.commands, running.store.events_since(0)))
    await worker.close()


async def test_what_webhooks_have_is_kept_for_the_next_life(tmp_path: Path) -> None:
    """Their numbers are stored along with the next batch; one that is forgotten is gone."""
    first = await Running(tmp_path).start()
    first.engine.delivered("crm", 7)
    first.engine.delivered("mail", 8)
    first.engine.delivered("mail", None)
    await first.engine.close()
    first.store.close()
    second = Running(tmp_path)
    assert second.engine.webhooks_to == {"crm": 7}
    second.store.close()
