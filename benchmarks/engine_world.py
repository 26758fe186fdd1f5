"""A real engine, broker and store, and stand-ins for what is around them: workers, phones, callers, perhaps pages."""

from __future__ import annotations

import asyncio
import gc
import random
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import yaml

from cti_engine.adapters import embedded_broker
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.embedded_broker import BrokerConfig
from cti_engine.adapters.mqtt_bus import MqttBus
from cti_engine.core import signals as sig
from cti_engine.core.signals import Dialog
from cti_engine.definitions.library import load_definitions
from cti_engine.runtime import engine_process
from cti_engine.runtime.children import Serve, end, forkserver, ready, start
from cti_engine.runtime.engine_config import EngineConfig
from cti_engine.runtime.log_setup import LogSettings
from cti_engine.wire import envelope
from cti_engine.wire.clock import Clock
from cti_engine.wire.envelope import Request
from cti_engine.wire.link import LinkClient
from cti_engine.wire.tasks import spawn
from cti_engine.wire.vocabulary import to_plain
from speech.engines import ENGINES
from tests.e2e.world import prompts

ROOT = Path(__file__).parents[1]
AGENTS, WORKERS, IN_FLIGHT = 60, 60, 40
ENGINE_UP = envelope.state_topic("engine", "main")
DIALOG = Dialog("call", "sip:a@cti", "1", "sip:b@cti", "2", 1, "sip:b@127.0.0.1")


@dataclass(slots=True)
class Call:
    """One call's life as its stand-in worker sees it."""

    worker: str
    leg: str
    prompts: int = 0
    asked_at: dict[str, float] = field(default_factory=dict)


class World:
    """Workers, phones, callers, with `desks` pages too, around one engine. `latencies`: signal to command, seconds."""

    def __init__(
        self, address: str, broker_url: str, password: str, agents: int = AGENTS, desks: bool = True
    ) -> None:
        self.latencies: list[float] = []
        self._agents = agents
        self._desks = desks
        self.closed = 0
        self.failed = 0
        self._number = 0
        self._free: list[str] = []
        self._room = asyncio.Event()
        self._engine_is_up = asyncio.Event()
        self._calls: dict[str, Call] = {}
        self._clock = Clock()
        names = [f"w{n}@bench" for n in range(WORKERS)]
        self._links = {name: self._worker_link(address, name) for name in names}
        self._edge = LinkClient(
            address,
            "edge@bench",
            "edge",
            hello_body=lambda: {"users": [f"a{n}" for n in range(agents)]},
            on_frame=lambda type_, body: None,
        )
        self.bus = MqttBus(
            broker_url,
            "bench-console",
            ("console", password),
            on_message=self._published,
            clock=self._clock.now,
        )
        for event in (
            "CallOffered",
            "WrapUpStarted",
            "ContactClosed",
        ):  # all are published, these listened to
            self.bus.subscribe(envelope.event_topic(event))
        self.bus.subscribe(ENGINE_UP)

    def _worker_link(self, address: str, name: str) -> LinkClient:
        def take(type_: str, body: dict[str, Any]) -> None:
            self._command(name, type_, body)

        return LinkClient(address, name, "worker", hello_body=lambda: {"legs": []}, on_frame=take)

    async def start(self) -> None:
        for link in (*self._links.values(), self._edge):
            spawn(link.run(), "link")
        spawn(self.bus.run(), "bus")
        async with asyncio.timeout(20):
            await self._engine_is_up.wait()
            while not all(link.connected for link in (*self._links.values(), self._edge)):
                await asyncio.sleep(0.02)
        self._free = list(self._links)
        for agent in range(self._agents if self._desks else 0):
            self._ask("PageOpened", f"a{agent}", {"page": f"bench/{agent}"})
            self._ask("Ready", f"a{agent}", {})
        await asyncio.sleep(1.0)
        gc.freeze()  # a pause of this process would count as one of the engine's

    # --- callers -------------------------------------------------------------------------------

    async def keep_busy(self, seconds: float) -> float:
        """Always `IN_FLIGHT` calls; returns closed calls per second after a tenth of warm-up."""
        stop = time.monotonic() + seconds
        measure_from, closed_before = time.monotonic() + seconds / 10, 0
        while time.monotonic() < stop:
            while len(self._calls) < IN_FLIGHT and self._free:
                self.call()
            if not closed_before and time.monotonic() > measure_from:
                measure_from, closed_before = time.monotonic(), self.closed
            self._room.clear()
            await asyncio.wait_for(self._room.wait(), 10)
        return (self.closed - closed_before) / (time.monotonic() - measure_from)

    async def offer(self, rate: float, seconds: float, seed: int) -> None:
        """Poisson arrivals; latencies are collected from here on."""
        chance = random.Random(seed)
        self.latencies.clear()
        stop = time.monotonic() + seconds
        moment = time.monotonic()
        while moment < stop:
            moment += chance.expovariate(rate)
            await asyncio.sleep(max(0.0, moment - time.monotonic()))
            if self._free:
                self.call()
            else:
                self.failed += 1

    async def quiet(self) -> None:
        async with asyncio.timeout(30):
            while self._calls:
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        await self.bus.close()
        for link in (*self._links.values(), self._edge):
            link.close()

    @property
    def has_room(self) -> bool:
        return bool(self._free)

    def call(self, number: str = "2000") -> None:
        """Any number but the menu's leads straight into a queue. A worker has to be free."""
        worker = self._free.pop()
        self._number += 1
        call = Call(worker, f"{worker}/{self._number}", prompts=0 if number == "2000" else 2)
        self._calls[worker] = call
        self._tell(
            call, sig.InviteReceived(worker, call.leg, f"+3460{self._number:07d}", number), "AnswerLeg"
        )

    def _tell(self, call: Call, signal: sig.Signal, expect: str = "") -> None:
        if expect:
            call.asked_at[expect] = time.monotonic()
        self._links[call.worker].send(*to_plain(signal))

    def _command(self, worker: str, type_: str, body: dict[str, Any]) -> None:
        call = self._calls.get(worker)
        if call is None:
            return
        asked = call.asked_at.pop(type_, None)
        if asked is not None:
            self.latencies.append(time.monotonic() - asked)
        match type_:
            case "AnswerLeg":
                self._tell(call, sig.LegAnswered(worker, call.leg, DIALOG))
            case "PlayFiles" if body["stop_on_digit"]:
                self._tell(call, sig.PlaybackEnded(worker, call.leg, body["playback"], True))
                call.prompts += 1
                # The greeting is heard out, the menu is answered; what comes next is the queue's first prompt.
                if call.prompts == 2:
                    self._tell(call, sig.DigitPressed(worker, call.leg, "1"), "PlayFiles")
            case "DialLeg":
                self._tell(call, sig.LegRinging(worker, body["leg"]))
                self._tell(call, sig.LegAnswered(worker, body["leg"], DIALOG), "SetAudioPaths")
            case "StartRecording":
                self._tell(call, sig.LegEnded(worker, call.leg, "remote"), "EndLeg")
            case "EndLeg":
                self._tell(call, sig.LegEnded(worker, body["leg"], "local"))
            case "StopRecording":
                self._tell(call, sig.RecordingEnded(worker, body["recording"], "/rec.wav", 1.0))
            case _:
                return

    # --- pages ---------------------------------------------------------------------------------

    def _published(self, topic: str, payload: bytes) -> None:
        if topic == ENGINE_UP and envelope.decode_state(payload).data["up"]:
            self._engine_is_up.set()
        if not topic.startswith(envelope.event_topic("")):
            return
        name = topic.rpartition("/")[2]
        if name == "CallOffered" and self._desks:
            data = envelope.decode_envelope(payload).data
            self._ask("OfferShown", data["agent"], {"offer": data["offer"]})
        elif name == "WrapUpStarted" and self._desks:
            told = envelope.decode_envelope(payload)
            args = {"disposition": "solved", "note": "bench"}
            self._ask("SubmitDisposition", told.data["agent"], args, told.contact)
        elif name == "ContactClosed":
            record = envelope.decode_envelope(payload).data["cdr"]
            self.closed += 1
            self.failed += record["cause"] != "caller/hang_up" or (
                self._desks and record["disposition"] != "solved"
            )
            worker = next((w for w, c in self._calls.items() if record["ani"] == _ani(c.leg)), None)
            if worker is not None:
                del self._calls[worker]
                self._free.append(worker)
            self._room.set()

    def _ask(self, name: str, agent: str, args: dict[str, Any], contact: str = "") -> None:
        self._number += 1
        expires = envelope.rfc3339(self._clock.now() + 30)
        request = Request(
            name,
            f"b{self._number}",
            envelope.reply_topic("bench"),
            agent,
            expires,
            {"agent": agent, **args},
            contact,
        )
        self.bus.publish(envelope.request_topic(name), envelope.encode_request(request))


def _ani(leg: str) -> str:
    return f"+3460{int(leg.rpartition('/')[2]):07d}"


def _home(folder: Path, agents: int) -> Path:
    """The shipped center with enough agents for the load."""
    home = folder / "home"
    for name in ("config", "ivr_flows", "routing_rules"):
        shutil.copytree(ROOT / name, home / name)
    path = home / "config/agents.yaml"
    content = yaml.safe_load(path.read_text())
    attributes = {"english": 10, "spanish": 10, "sales": True, "support": True}
    content["agents"] = {f"a{n}": {"name": f"Agent {n}", "attributes": attributes} for n in range(agents)}
    path.write_text(yaml.safe_dump(content))
    return home


@dataclass(frozen=True, slots=True)
class Running:
    """An engine and its broker: what others need to join them. `start` starts one more child beside them."""

    config: EngineConfig
    broker_url: str
    password: str
    engine: int
    start: Callable[[str, Serve, Any], BaseProcess]


@asynccontextmanager
async def running_engine(
    store_url: str,
    broker_kind: str,
    folder: Path,
    agents: int = AGENTS,
    change: Callable[[Path], None] = lambda home: None,
) -> AsyncIterator[Running]:
    """One engine with this store and broker, for the shipped center, `change`d, with so many agents."""
    home, var = _home(folder, agents), folder / "var"
    change(home)
    var.mkdir()
    _, problems = await asyncio.to_thread(load_definitions, home)
    if problems:
        raise SystemExit("\n".join(map(str, problems)))
    (var / "prompts").symlink_to(await asyncio.to_thread(prompts))
    customers = CustomerStore(var / "customers.db")
    customers.import_csv(ROOT / "config/customers.csv", time.time())
    customers.close()
    context, log = forkserver([]), LogSettings(var / "log", terminal=False)
    passwords = {"engine": "e" * 20, "console": "c" * 20}
    broker_config = BrokerConfig(0, var / "broker", passwords, var / "broker.json", broker_kind)
    broker = start(context, "broker", log, embedded_broker.serve, broker_config)
    try:
        await ready(broker_config.ready_file, 20)
        broker_port = yaml.safe_load(broker_config.ready_file.read_text())["broker_port"]
        broker_url = f"mqtt://127.0.0.1:{broker_port}"
        config = EngineConfig(
            home, var, store_url, broker_url, "engine", passwords["engine"], str(var / "engine.sock"),
            b"k" * 32, f"sqlite:{var / 'customers.db'}", "", var / "accounts.db", "cti", "md5", var / "prompts",
            ENGINES, 0.0, var / "engine.json", 86_400.0,
        )  # fmt: skip
        engine = start(context, "engine", log, engine_process.serve, config)
        try:
            await ready(config.ready_file, 20)
            assert engine.pid is not None

            def more(name: str, serve: Serve, config: object) -> BaseProcess:
                return start(context, name, log, serve, config)

            yield Running(config, broker_url, passwords["console"], engine.pid, more)
        finally:
            await end(engine, 10)
    finally:
        await end(broker, 10)
