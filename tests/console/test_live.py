"""The live feed: who sees what, nothing missed and nothing twice, requests and replies, engine and broker away."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import replace

import pytest

from cti_engine.core import events as ev
from cti_engine.wire import envelope
from cti_engine.wire.envelope import ReplyError, ReplyMessage, Request
from tests.console.stand_in_engine import StandInEngine, agrees
from tests.console.world import Broker, ConsoleProcess, Person, agent, offer, queue
from tests.phones.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_snapshot_then_live(maria: Person, engine: StandInEngine) -> None:
    """A page gets the retained states first, then each event and state as it happens."""
    await engine.shows(agent())
    await engine.shows(queue(waiting=2))
    await until_known(maria, "queue", "sales_es")
    async with maria.page() as page:
        snapshot = await page.until("snapshot")
        assert snapshot["engine"] is True
        assert snapshot["states"]["agent"]["maria"]["status"] == "ready"
        assert snapshot["states"]["queue"]["sales_es"]["waiting"] == 2
        seq = await engine.says(offer())
        event = await page.until("event")
        assert (event["seq"], event["event"], event["data"]["name"]) == (seq, "CallOffered", "Carmen Ruiz")
        await engine.changes("maria", state="ringing")
        assert (await page.until("state", id="maria"))["data"]["state"] == "ringing"


async def test_agent_sees_only_own_facts_and_supervisor_all(person: Person, engine: StandInEngine) -> None:
    """The catalogue decides: an agent gets no event, state or CDR of others; a supervisor gets them all."""
    supervisor = Person(person.console)
    await supervisor.log_in("supervisor")
    await person.log_in("maria")
    await engine.shows(agent("john"))
    async with person.page() as mine, supervisor.page() as all_:
        snapshot = await mine.until("snapshot")
        await all_.until("snapshot")
        assert "john" not in snapshot["states"]["agent"]
        hidden = [
            await engine.says(offer("john")),
            await engine.says(ev.CallArrived("c-9", "+34600", "1000", "X", "guest")),
            await engine.says(ev.ContactClosed("c-9", {"note": "secret"})),
        ]
        await engine.shows(agent("john", state="talking"))
        seen = await engine.says(offer("maria"))
        await mine.until("event", seq=seen)
        await all_.until("event", seq=seen)
    assert mine.events() == [seen]
    assert all_.events() == [*hidden, seen]
    assert not [said for said in mine.seen if said.get("id") == "john"]
    assert [said for said in all_.seen if said.get("id") == "john"]
    await supervisor.close()


async def test_events_out_of_order_lost_or_twice(maria: Person, engine: StandInEngine) -> None:
    """What the broker loses is read from the store, in order; what comes twice is passed on once."""
    async with maria.page() as page:
        await page.until("snapshot")
        seqs = [await engine.says(offer(contact="c-1"))]
        seqs += [await engine.says(offer(contact=f"lost-{n}"), silently=True) for n in range(3)]
        seqs += [await engine.says(offer(contact="c-2"))]
        await page.until("event", seq=seqs[-1])
        stored = engine._store.events_since(seqs[0] - 1)
        for again in stored:
            await engine.publish(again)
        seqs += [await engine.says(offer(contact="c-3"))]
        await page.until("event", seq=seqs[-1])
        assert page.events() == seqs


async def test_page_comes_back_with_its_number(maria: Person, engine: StandInEngine) -> None:
    """A page that was away gets what it missed as replays, once each, then goes on live."""
    async with maria.page() as page:
        await page.until("snapshot")
        first = await engine.says(offer(contact="c-1"))
        await page.until("event", seq=first)
    missed = [await engine.says(offer(contact=f"m-{n}")) for n in range(5)]
    await engine.says(offer("john"))
    async with maria.page(since=first) as page:
        snapshot = await page.until("snapshot")
        assert snapshot["skipped"] is False
        later = await engine.says(offer(contact="c-2"))
        await page.until("event", seq=later)
        assert page.events() == [*missed, later]
        replays = [said["replay"] for said in page.seen if said["type"] == "event"]
        assert replays == [True] * 5 + [False]


async def test_console_restart_misses_nothing(
    maria: Person, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Events while no console runs are in the next one's replays."""
    async with maria.page() as page:
        await page.until("snapshot")
        first = await engine.says(offer(contact="c-1"))
        await page.until("event", seq=first)
        await console.stop()
        assert await page.sent_away() == 1001
    missed = await engine.says(offer(contact="c-2"))
    await console.start()
    async with maria.page(since=first) as page:
        await page.until("event", seq=missed)
        assert page.events() == [missed]


async def test_new_console_replays_before_it_has_a_broker(
    maria: Person, console: ConsoleProcess, broker: Broker, engine: StandInEngine
) -> None:
    """What a page missed is in the store: a console that was started again needs no broker to tell it."""
    first = await engine.says(offer(contact="c-1"))
    await console.stop()
    await broker.stop()
    missed = await engine.says(offer(contact="c-2"), silently=True)
    await console.start()
    async with maria.page(since=first) as page:
        snapshot = await page.until("snapshot")
        assert (snapshot["engine"], snapshot["skipped"]) == (False, False)
        await page.until("event", seq=missed, replay=True)


async def test_broker_lost_and_back(maria: Person, broker: Broker, engine: StandInEngine) -> None:
    """Without a broker the page is told that nothing can be asked; afterwards nothing is missing."""
    async with maria.page() as page:
        await page.until("snapshot", engine=True)
        first = await engine.says(offer(contact="c-1"))
        await page.until("event", seq=first)
        await broker.stop()
        await page.until("engine", up=False)
        assert (await page.ask("Ready"))["error"]["code"] == "engine_away"
        missed = await engine.says(offer(contact="c-2"), silently=True)
        await broker.start()
        await page.until("event", seq=missed)
        assert page.events() == [first, missed]


async def test_request_carries_who_asks_and_its_reply_comes_back(
    maria: Person, engine: StandInEngine
) -> None:
    """The console says who asks, for which contact and version, and until when; the page gets the reply."""
    async with maria.page() as page:
        await page.until("snapshot", engine=True)
        reply = await page.ask("HangUp", contact="c-1", state_version=9, args={"agent": "john"})
        assert reply["ok"] is True
    request = await engine.until_heard("HangUp")
    assert (request.by, request.contact, request.state_version) == ("maria", "c-1", 9)
    assert request.args["agent"] == "maria", "a page cannot write another name into its arguments"
    assert 1.0 < envelope.wall_seconds(request.expires_at) - time.time() <= 3.0
    engine.answer = lambda r: ReplyMessage(r.id, False, ReplyError("stale", "the contact has changed"))
    async with maria.page() as page:
        await page.until("snapshot", engine=True)
        reply = await page.ask("HangUp", contact="c-1", state_version=9)
        assert (reply["ok"], reply["error"]["code"]) == (False, "stale")


async def test_silent_engine_is_said_within_its_time(maria: Person, engine: StandInEngine) -> None:
    """A request that nobody answers ends as `engine_away` after three seconds; a late reply disturbs nobody."""
    silent: list[Request] = []
    engine.answer = lambda request: silent.append(request)
    async with maria.page() as page:
        await page.until("snapshot", engine=True)
        reply = await page.ask("Ready")
        assert (reply["ok"], reply["error"]["code"]) == (False, "engine_away")
        engine.answer = agrees
        await engine.publish_raw(silent[0].reply_to, envelope.encode(agrees(silent[0])))
        assert (await page.ask("Ready"))["ok"] is True


async def test_request_for_others_needs_permission(person: Person, engine: StandInEngine) -> None:
    """An agent cannot ask for another agent; a supervisor can; pages are announced by the console only."""
    supervisor = Person(person.console)
    await supervisor.log_in("supervisor")
    await person.log_in("maria")
    async with person.page() as mine, supervisor.page() as theirs:
        await mine.until("snapshot")
        await theirs.until("snapshot")
        refused = await mine.ask("NotReady", agent="john", args={"reason": "lunch"})
        assert refused["error"]["code"] == "forbidden"
        assert (await mine.ask("PageOpened", args={"page": "x"}))["error"]["code"] == "unknown_request"
        assert (await theirs.ask("NotReady", agent="john", args={"reason": "lunch"}))["ok"] is True
    heard = engine.heard("NotReady")
    assert [(request.by, request.args["agent"]) for request in heard] == [("supervisor", "john")]
    await supervisor.close()


async def test_desk_in_front_is_announced(maria: Person, engine: StandInEngine) -> None:
    """The engine hears of a desk when it is in front, when it is hidden, and when its page is gone."""
    async with maria.page() as page:
        await page.until("snapshot", engine=True)
        await page.socket.send_json({"type": "desk", "visible": True})
        opened = await engine.until_heard("PageOpened")
        await page.socket.send_json({"type": "desk", "visible": False})
        closed = await engine.until_heard("PageClosed")
        assert opened.args == closed.args
        assert opened.args["agent"] == "maria"
        await page.socket.send_json({"type": "desk", "visible": True})
        await engine.until_heard("PageOpened", 2)
    await engine.until_heard("PageClosed", 2)


async def test_pages_are_announced_again_to_a_new_engine(maria: Person, engine: StandInEngine) -> None:
    """An engine that starts again knows no pages: all that are open are told, also when it was gone unseen."""
    async with maria.page() as page:
        await page.until("snapshot", engine=True)
        await page.socket.send_json({"type": "desk", "visible": True})
        await engine.until_heard("PageOpened")
        await engine.up(False)
        await page.until("engine", up=False)
        await engine.up(True)
        await engine.until_heard("PageOpened", 2)
        engine.epoch += 1
        await engine.up(True)
        await engine.until_heard("PageOpened", 3)
        pages = {request.args["page"] for request in engine.heard("PageOpened")}
        assert len(pages) == 1


async def test_dead_console_leaves_last_words(
    maria: Person, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """A killed console's last will names it, and its pages' names begin with that name."""
    async with maria.page() as page:
        await page.until("snapshot", engine=True)
        await page.socket.send_json({"type": "desk", "visible": True})
        opened = await engine.until_heard("PageOpened")
        assert console.child is not None
        await console.child.send(signal.SIGKILL)
        await until(lambda: engine.last_words, "the last words", within=5.0)
    assert engine.last_words[0]["up"] is False
    assert opened.args["page"].startswith(engine.last_words[0]["console"] + "/")


async def test_nonsense_on_the_bus_is_dropped_and_counted(maria: Person, engine: StandInEngine) -> None:
    """Messages that are none of ours change nothing and are counted in /healthz."""
    async with maria.page() as page:
        await page.until("snapshot", engine=True)
        await engine.publish_raw("cti/v1/event/CallOffered", b"\xff not json")
        await engine.publish_raw("cti/v1/event/NoSuchEvent", b'{"seq": 1}')
        await engine.publish_raw("cti/v1/state/agent/maria", b"[1, 2]")
        seq = await engine.says(offer())
        await page.until("event", seq=seq)
    _, health = await maria.get("/healthz")
    assert (health["malformed"], health["broker"], health["engine"]) == (3, True, True)


async def test_idle_session_ends(engine: StandInEngine, console: ConsoleProcess) -> None:
    """A session that nobody used for its time can ask for nothing; the page is told to log in again."""
    await console.stop()
    console.config = replace(console.config, session_idle=0.2)
    await console.start()
    person = Person(console)
    await person.log_in("maria")
    async with person.page() as page:
        await page.until("snapshot")

        async def until_refused() -> dict[str, object]:
            while (reply := await page.ask("Ready"))["ok"]:
                pass
            return reply

        reply = await asyncio.wait_for(until_refused(), 5.0)
        assert reply["error"] == {"code": "logged_out", "text": "log in again"}
    status, _ = await person.get("/api/me")
    assert status == 401
    await person.close()


async def until_known(person: Person, kind: str, id_: str) -> None:
    """Wait until the console has this retained state."""
    async with person.page() as page:
        snapshot = await page.until("snapshot")
        if id_ not in snapshot["states"][kind]:
            await page.until("state", kind=kind, id=id_)
