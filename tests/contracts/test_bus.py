"""What the bus must do, run against Mosquitto and against amqtt, both as the product starts them."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiomqtt
import jsonschema
import pytest

from cti_engine.adapters.mqtt_bus import MqttBus, Outbox
from cti_engine.core.events import CallQueued
from cti_engine.ports import StoredEvent, StoreUnavailable
from cti_engine.wire import envelope
from cti_engine.wire.schemas_write import documents
from cti_engine.wire.tasks import spawn
from cti_engine.wire.vocabulary import to_plain
from tests.adapters.brokers import PASSWORDS, Broker
from tests.phones.waiting import until

pytestmark = pytest.mark.parametrize("kind", ["mosquitto", "amqtt"])


@pytest.fixture
async def broker(kind: str, tmp_path: Path) -> AsyncIterator[Broker]:
    running = await Broker(kind, tmp_path).start()
    yield running
    await running.stop()


class Log:
    """An event log in memory; `away` makes it fail as a store does."""

    def __init__(self, first: int = 0) -> None:
        self.events: list[StoredEvent] = []
        self.away = False
        self.reads = 0
        self.published: list[int] = []
        self.extend(first)

    def extend(self, count: int) -> list[StoredEvent]:
        start = len(self.events) + 1
        new = [StoredEvent(seq, 1.7e9 + seq, *_queued(seq)) for seq in range(start, start + count)]
        self.events += new
        return new

    async def since(self, seq: int, limit: int) -> Sequence[StoredEvent]:
        self.reads += 1
        if self.away:
            raise StoreUnavailable("the disk is full")
        return self.events[seq : seq + limit]

    def outbox(self, published_to: int = 0) -> Outbox:
        return Outbox(self.since, self.published.append, published_to, len(self.events))


def _queued(seq: int) -> tuple[str, str, dict[str, Any]]:
    name, data = to_plain(CallQueued(f"c{seq}", "sales_es", 0, 1))
    return name, data.pop("contact"), data


class Ear:
    """A subscriber: what it heard, by topic, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.connected: list[bool] = []

    def on_message(self, topic: str, payload: bytes) -> None:
        self.heard.append((topic, payload))

    @property
    def seqs(self) -> list[int]:
        return [json.loads(p)["seq"] for t, p in self.heard if t.startswith(envelope.event_topic(""))]

    @property
    def states(self) -> dict[str, Any]:
        """Newest data by topic; a state that was taken away is gone."""
        newest = {t: p for t, p in self.heard if "/state/" in t}
        return {t: json.loads(p)["data"] for t, p in newest.items() if p}


class Buses:
    """Starts buses and ends them with the test."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._running: list[tuple[MqttBus, asyncio.Task[None]]] = []

    def engine(self, log: Log | None = None, published_to: int = 0, **more: Any) -> MqttBus:
        outbox = log.outbox(published_to) if log is not None else None
        return self._bus("engine", outbox=outbox, on_message=lambda *_: None, **more)

    async def ear(self, user: str, *topics: str, name: str = "") -> tuple[Ear, MqttBus]:
        ear = Ear()
        bus = self._bus(user, topics, name, on_message=ear.on_message, on_connected=ear.connected.append)
        await until(lambda: bus.connected, f"{user} is connected")
        return ear, bus

    def _bus(self, user: str, topics: Sequence[str] = (), name: str = "", **more: Any) -> MqttBus:
        client_id = name or f"{user}-{len(self._running)}"
        bus = MqttBus(self._broker.url, client_id, (user, PASSWORDS[user]), clock=time.time, **more)
        for topic in topics:
            bus.subscribe(topic)
        self._running.append((bus, spawn(bus.run(), client_id)))
        return bus

    async def close(self) -> None:
        for bus, task in self._running:
            await bus.close(0.2)
            await asyncio.wait_for(task, 10)


@pytest.fixture
async def buses(broker: Broker) -> AsyncIterator[Buses]:
    made = Buses(broker)
    yield made
    await made.close()


async def test_events_arrive_in_order_and_fit_their_schema(buses: Buses) -> None:
    """Each event goes out once, in order, under its own topic, and its envelope fits the published schema."""
    log = Log()
    ear, _ = await buses.ear("console", envelope.EVENT_TOPICS)
    bus = buses.engine(log)
    await until(lambda: bus.connected, "the engine is connected")
    for stored in log.extend(1200):
        bus.publish_event(stored)
    await until(lambda: len(ear.seqs) >= 1200, "all events were heard", within=20)
    assert ear.seqs == list(range(1, 1201))
    schema = documents()["event.CallQueued.json"]
    assert {topic for topic, _ in ear.heard} == {schema["title"]}
    for _, payload in ear.heard[::100]:
        jsonschema.validate(json.loads(payload), schema)


async def test_published_to_follows_the_brokers_confirmations(buses: Buses) -> None:
    """`on_published` grows up to the last event once the broker has confirmed all, and never goes back."""
    log = Log()
    bus = buses.engine(log)
    await until(lambda: bus.connected, "the engine is connected")
    for stored in log.extend(50):
        bus.publish_event(stored)
    await until(lambda: log.published[-1:] == [50], "all are confirmed")
    assert log.published == sorted(set(log.published))
    assert bus.published_to == 50


async def test_what_was_not_published_before_the_start_goes_first(buses: Buses) -> None:
    """An engine that starts with events in its log beyond `published_to` publishes them before newer ones."""
    log = Log(first=700)
    ear, _ = await buses.ear("console", envelope.EVENT_TOPICS)
    bus = buses.engine(log, published_to=95)
    for stored in log.extend(5):
        bus.publish_event(stored)
    await until(lambda: len(ear.seqs) >= 610, "the rest of the log was heard", within=20)
    assert ear.seqs == list(range(96, 706))


async def test_a_broker_killed_and_back_costs_no_event(broker: Broker, buses: Buses) -> None:
    """Broker killed in the middle of 5,000 events and started again: a listener that catches up has each once.

    On each connection what it hears has no hole; what the killed broker took along is published again or, when
    the listener came back after the engine, read from the log.
    """
    log, total = Log(), 5000
    ear, listener = await buses.ear("console", envelope.EVENT_TOPICS)
    bus = buses.engine(log)
    await until(lambda: bus.connected, "the engine is connected")
    for stored in log.extend(total // 2):
        bus.publish_event(stored)
    await until(lambda: bus.published_to > 100, "some are confirmed")
    await broker.kill()
    await until(lambda: not bus.connected and not listener.connected, "the loss is noticed")
    before, confirmed = ear.seqs, bus.published_to
    assert 100 < confirmed < total // 2, "the broker was not killed in the middle"
    for stored in log.extend(total // 2):
        bus.publish_event(stored)
    await broker.start()
    await until(lambda: bus.published_to == total, "the broker has confirmed all", within=30)
    await until(lambda: ear.seqs[-1] == total, "the listener has heard the last", within=30)
    after = ear.seqs[len(before) :]
    assert before == list(range(1, len(before) + 1))
    assert after == list(range(after[0], total + 1))
    from_the_log = (
        [e.seq for e in await log.since(before[-1], after[0] - before[-1] - 1)]
        if after[0] > before[-1]
        else []
    )
    assert sorted({*before, *from_the_log, *after}) == list(range(1, total + 1))


async def test_the_log_away_only_delays(buses: Buses, caplog: pytest.LogCaptureFixture) -> None:
    """While the log cannot be read nothing is skipped; when it is back the events go out in order."""
    log = Log(first=10)
    log.away = True
    ear, _ = await buses.ear("console", envelope.EVENT_TOPICS)
    bus = buses.engine(log)
    await until(lambda: log.reads >= 1, "the log was asked")
    for stored in log.extend(3):
        bus.publish_event(stored)
    assert ear.seqs == []
    log.away = False
    await until(lambda: len(ear.seqs) >= 13, "all were heard")
    assert ear.seqs == list(range(1, 14))
    assert "the disk is full" in caplog.text


async def test_states_are_retained_and_told_again(broker: Broker, buses: Buses) -> None:
    """A late listener gets the newest state of each; after the broker lost everything, all is published again."""
    states: dict[tuple[str, str], dict[str, Any]] = {
        ("agent", "maria"): {"state": "idle"},
        ("queue", "sales_es"): {"waiting": 2},
    }
    bus = buses.engine(states=lambda: [(kind, id_, data) for (kind, id_), data in states.items()])
    await until(lambda: bus.connected, "the engine is connected")
    states["agent", "maria"] = {"state": "talking"}
    bus.publish_state("agent", "maria", {"state": "ringing"})
    bus.publish_state("agent", "maria", states["agent", "maria"])
    wanted = {envelope.state_topic(kind, id_): data for (kind, id_), data in states.items()}
    ear, _ = await buses.ear("console", envelope.STATE_TOPICS)
    await until(lambda: ear.states == wanted, "the late listener knows all")
    await broker.kill()
    for file in (broker.folder / "broker").glob("*.db"):
        file.unlink()
    await broker.start()
    await until(lambda: bus.connected, "the engine is back")
    late, _ = await buses.ear("console", envelope.STATE_TOPICS)
    await until(lambda: late.states == wanted, "all is told again")


async def test_a_broker_that_pauses_gets_everything_afterwards(broker: Broker, buses: Buses) -> None:
    """When the socket is full because the broker does not read, what was published waits, and arrives in order."""
    log = Log()
    ear, _ = await buses.ear("console", envelope.STATE_TOPICS, envelope.EVENT_TOPICS)
    bus = buses.engine(log)
    await until(lambda: bus.connected, "the engine is connected")
    await broker.pause()
    for number in range(400):
        bus.publish_state("agent", f"a{number}", {"state": "x" * 20_000})
    for stored in log.extend(100):
        bus.publish_event(stored)
    await until(lambda: bus._paho is not None and bus._paho.want_write(), "the socket is full")
    await broker.go_on()
    await until(lambda: len(ear.seqs) == 100 and len(ear.states) == 400, "all is heard", within=20)
    assert ear.seqs == list(range(1, 101))
    await until(lambda: log.published[-1:] == [100], "all is confirmed")


async def test_a_state_can_be_taken_away(buses: Buses) -> None:
    """None removes a retained state: those who listen hear it, those who come later get nothing."""
    bus = buses.engine()
    ear, _ = await buses.ear("console", envelope.STATE_TOPICS)
    await until(lambda: bus.connected, "the engine is connected")
    bus.publish_state("agent", "gone", {"state": "idle"})
    bus.publish_state("agent", "stays", {"state": "idle"})
    await until(lambda: len(ear.states) == 2, "both are heard")
    bus.publish_state("agent", "gone", None)
    stays = {envelope.state_topic("agent", "stays"): {"state": "idle"}}
    await until(lambda: ear.states == stays, "the removal is heard")
    late, _ = await buses.ear("console", envelope.STATE_TOPICS)
    await until(lambda: late.states == stays, "a late listener sees one")


async def test_requests_and_replies_pass(buses: Buses) -> None:
    """A console's request reaches the engine under its name, and the reply only the console that asked."""
    engine_ear, engine = await buses.ear("engine", envelope.REQUEST_TOPICS)
    one, asking = await buses.ear("console", envelope.reply_topic("console-1"), name="console-1")
    two, _ = await buses.ear("console", envelope.reply_topic("console-2"), name="console-2")
    request = envelope.Request(
        "Ready", "r1", envelope.reply_topic("console-1"), "maria", envelope.rfc3339(9e9), {"agent": "maria"}
    )
    assert asking.publish(envelope.request_topic("Ready"), envelope.encode_request(request))
    await until(lambda: engine_ear.heard, "the engine hears it")
    topic, payload = engine_ear.heard[0]
    assert envelope.decode_request(topic, payload) == request
    assert engine.publish(request.reply_to, envelope.encode(envelope.ReplyMessage("r1", True)))
    await until(lambda: one.heard, "the asker hears the reply")
    assert envelope.decode_reply(one.heard[0][1]) == envelope.ReplyMessage("r1", True)
    assert two.heard == []


async def test_a_dead_clients_last_will_is_told(broker: Broker, buses: Buses) -> None:
    """When a console's connection breaks without farewell, the broker publishes its last will."""
    ear, _ = await buses.ear("engine", envelope.state_topic("console", "+"))
    will = aiomqtt.Will(envelope.state_topic("console", "c1"), b'{"v":1}', qos=1)
    dying = buses._bus("console", name="c1", on_message=lambda *_: None, will=will)
    await until(lambda: dying.connected, "the console is connected")
    assert dying._paho is not None
    dying._paho.socket().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]  # no DISCONNECT, as when killed
    await until(lambda: ear.heard, "the will is heard")
    assert ear.heard[0] == (envelope.state_topic("console", "c1"), b'{"v":1}')


async def test_nothing_is_kept_while_there_is_no_connection(broker: Broker, buses: Buses) -> None:
    """`publish` says False while the broker is away, so that a page can be told at once, and True when it is back."""
    ear, bus = await buses.ear("console", envelope.STATE_TOPICS)
    await broker.kill()
    await until(lambda: not bus.connected, "the loss is noticed")
    assert not bus.publish(envelope.request_topic("Ready"), b"{}")
    await broker.start()
    await until(lambda: bus.connected, "it is back")
    assert bus.publish(envelope.request_topic("Ready"), b"{}")
    assert ear.connected == [True, False, True]


@pytest.mark.parametrize(("user", "password"), [("engine", "wrong"), ("nobody", "engine-secret"), ("", "")])
async def test_nobody_comes_in_without_the_right_password(
    broker: Broker, user: str, password: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong password, an unknown user and a guest are refused; the bus says so once and shows no secret."""
    credentials = (user, password) if user else None
    bus = MqttBus(broker.url, "intruder", credentials, clock=time.time, on_message=lambda *_: None)
    task = spawn(bus.run(), "intruder")
    await until(lambda: "trying again for ever" in caplog.text, "the refusal is told", within=10)
    assert not bus.connected
    await bus.close()
    await asyncio.wait_for(task, 10)
    assert caplog.text.count("trying again for ever") == 1
    assert "secret" not in caplog.text


async def test_users_have_their_topics_only(buses: Buses, caplog: pytest.LogCaptureFixture) -> None:
    """A console cannot forge events or states, and the public sees queue states and nothing else."""
    engine_ear, engine = await buses.ear("engine", f"{envelope.ROOT}/#")
    console, forging = await buses.ear("console", envelope.EVENT_TOPICS, envelope.STATE_TOPICS)
    public, _ = await buses.ear("public", envelope.EVENT_TOPICS, envelope.state_topic("queue", "+"))
    forging.publish(envelope.event_topic("CallEnded"), b"forged")
    forging.publish(envelope.state_topic("agent", "maria"), b"forged", retain=True)
    forging.publish(envelope.reply_topic("console-1"), b"forged")
    forging.publish(envelope.request_topic("Ready"), b"asked")
    await until(lambda: engine_ear.heard, "what is allowed arrives")
    engine.publish(envelope.event_topic("CallEnded"), b"fact")
    engine.publish(envelope.state_topic("queue", "q"), b"state")
    await until(lambda: len(console.heard) == 2, "the console hears facts and states")
    await until(lambda: public.heard, "the public hears queue states")
    assert public.heard == [(envelope.state_topic("queue", "q"), b"state")]
    assert [p for _, p in engine_ear.heard if p == b"forged"] == []
    assert [p for _, p in console.heard] == [b"fact", b"state"]


async def test_a_handler_that_fails_costs_one_message(buses: Buses, caplog: pytest.LogCaptureFixture) -> None:
    """An exception in the handler is logged and counted; the connection and later messages are untouched."""
    heard: list[bytes] = []

    def on_message(topic: str, payload: bytes) -> None:
        if payload == b"bad":
            raise ValueError("cannot")
        heard.append(payload)

    bus = buses._bus("engine", [envelope.REQUEST_TOPICS], on_message=on_message)
    await until(lambda: bus.connected, "the engine is connected")
    _, console = await buses.ear("console")
    for payload in (b"bad", b"good"):
        console.publish(envelope.request_topic("Ready"), payload)
    await until(lambda: heard == [b"good"], "the next one is handled")
    assert bus.refused == 1
    assert bus.connected


async def test_closing_waits_for_the_broker(buses: Buses) -> None:
    """`close` returns when all that was handed over is confirmed, so that the next start has nothing to repeat."""
    log = Log()
    bus = buses.engine(log)
    await until(lambda: bus.connected, "the engine is connected")
    for stored in log.extend(600):
        bus.publish_event(stored)
    await bus.close(5.0)
    assert log.published[-1] == 600
