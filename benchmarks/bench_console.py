"""`make bench-console`: 200 agents' pages and 20 calls a second through engine, broker, store and console.

One page is a Chromium, the others are WebSocket clients that answer a pop at once, as a page does. Workers are
stand-ins: a call is answered, put through and over in no time, so the load is the events of 20 calls a second.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import uvloop
import yaml
from argon2 import PasswordHasher
from playwright.async_api import Page, async_playwright
from rich.console import Console

from agent_console import main as agent_console
from agent_console.config import ConsoleConfig
from benchmarks.bench_calls import PAGE_ARGS
from benchmarks.bench_gateway import bench as bench_gateway
from benchmarks.engine_world import Running, World, running_engine
from benchmarks.process_cost import cost_of, cpu_times, idle_ticks
from benchmarks.report import Report, percentile
from cti_engine.adapters.account_store import Account, AccountStore
from cti_engine.ports import Store, StoredEvent
from cti_engine.runtime.children import end, ready
from cti_engine.runtime.stores import open_store
from cti_engine.wire.tasks import spawn
from tests.browser.pages import log_in, open_page
from tests.phones.child import tool
from tests.phones.waiting import until

AGENTS, CALLS_A_SECOND = 200, 20.0
WATCHED, STRAIGHT, OF_WATCHED = (
    "a0",
    "4000",
    1.0,
)  # the agent with the Chromium, its number, its calls a second
NEVER = 60_000.0  # ms; a pop that the page told but did not show
# When each event's frame was painted, and whether a pop then stood on the desk.
WATCH = """
  window.painted = []; window.shown = {};
  const Plain = WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...how) {
      super(...how);
      this.addEventListener("message", ({ data }) => {
        const said = JSON.parse(data);
        if (said.type !== "event" || said.replay) return;
        const came = (performance.timeOrigin + performance.now()) / 1000;
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => window.painted.push({
            event: said.event, at: said.at, came, painted: (performance.timeOrigin + performance.now()) / 1000,
            desk: document.querySelector(".contact.none") === null,
          });
          port2.postMessage(null);
        });
      });
    }
    send(text) {
      const said = JSON.parse(text);
      if (said.name === "OfferShown") {
        window.shown[said.args.offer] = (performance.timeOrigin + performance.now()) / 1000;
      }
      super.send(text);
    }
  };
"""

_say = Console(stderr=True, highlight=False).print


class Told(msgspec.Struct):
    """What a client looks at of a message."""

    type: str
    event: str = ""
    contact: str = ""
    data: dict[str, Any] | None = None


_told = msgspec.json.Decoder(Told)


@dataclass(slots=True)
class Clients:
    """All pages but one. `shown`: when a client said OfferShown."""

    shown: dict[str, float] = field(default_factory=dict)
    refused: int = 0
    messages: int = 0

    async def page(self, http: aiohttp.ClientSession, user: str, password: str) -> None:
        async with http.post("/api/sessions", json={"user": user, "password": password}) as answer:
            token = (await answer.json())["token"]
        socket = await http.ws_connect("/live", headers={"Authorization": f"Bearer {token}"}, max_msg_size=0)
        await socket.send_json({"type": "hello"})
        await socket.send_json({"type": "desk", "visible": True})
        await socket.send_json({"type": "ask", "id": "ready", "name": "Ready"})
        spawn(self._listen(socket, user), user)

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse, user: str) -> None:
        async for message in socket:
            self.messages += 1
            if not message.data.startswith(('{"type":"event"', '{"type":"reply"')):
                continue
            told = _told.decode(message.data)
            data = told.data or {}
            if told.type == "reply":
                self.refused += '"ok":true' not in message.data
            elif told.event == "CallOffered" and data["agent"] == user:
                self.shown[data["offer"]] = time.time()
                await self._ask(socket, "OfferShown", offer=data["offer"])
            elif told.event == "WrapUpStarted" and data["agent"] == user:
                args = {"disposition": "solved", "note": "bench"}
                await self._ask(socket, "SubmitDisposition", told.contact, **args)

    async def _ask(
        self, socket: aiohttp.ClientWebSocketResponse, name: str, contact: str = "", **args: str
    ) -> None:
        said = {"type": "ask", "id": name, "name": name, "args": args, "contact": contact}
        await socket.send_str(json.dumps(said))


def _straight(home: Path) -> None:
    """A number and a queue that the agent with the Chromium alone has; its wrap-up ends by itself."""
    queues = yaml.safe_load((home / "routing_rules/queues.yaml").read_text())
    like = queues["queues"]["support_en"]
    mine = {"name": "Watched", "members": [WATCHED], "wrap_up": "0s"}
    kept = {key: value for key, value in like.items() if key not in ("steps", "name", "after_call")}
    queues["queues"]["watched"] = {**kept, **mine}
    (home / "routing_rules/queues.yaml").write_text(yaml.safe_dump(queues))
    flow = {
        "flow": "watched",
        "languages": ["en"],
        "start": "wait",
        "steps": {"wait": {"enqueue": "watched"}},
    }
    (home / "ivr_flows/watched.yaml").write_text(yaml.safe_dump(flow))
    numbers = yaml.safe_load((home / "routing_rules/dialled_numbers.yaml").read_text())
    numbers["dialled_numbers"][STRAIGHT] = {"flow": "watched", "language": "en"}
    (home / "routing_rules/dialled_numbers.yaml").write_text(yaml.safe_dump(numbers))


def _accounts(path: Path) -> dict[str, str]:
    """200 agents; verifying a password reads its cost from the hash, and log-ins are not measured here."""
    store = AccountStore(path, "cti")
    store._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords = dict(store.ensure([Account(f"a{n}", "agent", f"Agent {n}") for n in range(AGENTS)]))
    store.close()
    return passwords


@asynccontextmanager
async def running_console(running: Running, folder: Path) -> AsyncIterator[tuple[str, int]]:
    """Its origin and process."""
    var = running.config.var
    config = ConsoleConfig(
        accounts_db=running.config.accounts_db, sessions_db=var / "sessions.db", home=running.config.home,
        store_url=f"sqlite:{var / 'engine.db'}", broker_url=running.broker_url, broker_user="console",
        broker_password=running.password, port=0, ready_file=var / "console.json",
    )  # fmt: skip
    process = running.start("console", agent_console.serve, config)
    try:
        assert config.ready_file is not None and process.pid is not None
        await ready(config.ready_file, 20)
        yield f"http://127.0.0.1:{json.loads(config.ready_file.read_text())['console_port']}", process.pid
    finally:
        await end(process, 10)


def _ready(store: Store) -> int:
    rows = store.load().rows
    return sum(kind == "agent" and row["status"] == "ready" for (kind, _), row in rows.items())


async def _calls(world: World, seconds: float) -> None:
    """Poisson arrivals: those of the watched agent by themselves, all others by the menu."""
    chance = random.Random(7)
    stop, moment = time.monotonic() + seconds, time.monotonic()
    while moment < stop:
        moment += chance.expovariate(CALLS_A_SECOND)
        await asyncio.sleep(max(0.0, moment - time.monotonic()))
        if not world.has_room:
            world.failed += 1
        else:
            world.call(STRAIGHT if chance.random() < OF_WATCHED / CALLS_A_SECOND else "2000")


async def bench(folder: Path, seconds: float, gateway_seconds: float) -> Report:
    async with running_engine("sqlite:", "", folder, AGENTS, _straight) as running:
        passwords = _accounts(running.config.accounts_db)
        world = World(running.config.address, running.broker_url, running.password, AGENTS, desks=False)
        async with (
            running_console(running, folder) as (origin, console),
            async_playwright() as playwright,
            aiohttp.ClientSession(origin, connector=aiohttp.TCPConnector(limit=0)) as http,
        ):
            await world.start()
            clients = Clients()
            for user in sorted(passwords.keys() - {WATCHED}):
                await clients.page(http, user, passwords[user])
            browser = await playwright.chromium.launch(executable_path=tool("chromium"), args=list(PAGE_ARGS))
            page = await open_page(browser, "about:blank")
            await page.add_init_script(WATCH)
            await page.goto(origin)
            await log_in(page, WATCHED, passwords[WATCHED])
            await page.get_by_role("button", name="Ready", exact=True).click()
            store = open_store("sqlite:", read_only=True, folder=running.config.var)
            await until(lambda: _ready(store) == AGENTS, "all agents ready", within=30, every=0.5)
            gc.freeze()
            _say(f"{AGENTS} pages; {CALLS_A_SECOND:g} calls a second for {seconds:g} s")
            await _calls(world, 5.0)
            report = await _measured(world, clients, page, store, (running, console), seconds)
            await browser.close()
            await world.close()
    _say("a browser's leg in the gateway")
    with tempfile.TemporaryDirectory(prefix="bench-gateway") as other:
        gateway = await bench_gateway(Path(other), 2, 12, gateway_seconds)
    report.goals += [goal for goal in gateway.goals if goal.name == "gateway_cpu_percent_per_leg"]
    return report


async def _measured(
    world: World, clients: Clients, page: Page, store: Any, who: tuple[Running, int], seconds: float
) -> Report:
    running, console = who
    seq, closed, messages = store.load().last_seq, world.closed, clients.messages
    ticks, stolen, idle = *cpu_times(), idle_ticks()
    await page.evaluate("window.painted = []")
    kinds = {console: "console", running.engine: "engine", os.getpid(): "bench"}
    cost, _ = await asyncio.gather(cost_of(kinds, kinds, seconds), _calls(world, seconds))
    ticks, stolen = (now - then for now, then in zip(cpu_times(), (ticks, stolen), strict=True))
    idle_percent = 100 * (idle_ticks() - idle) / ticks
    await world.quiet()
    painted = await page.evaluate("window.painted")
    shown = {**clients.shown, **await page.evaluate("window.shown")}
    events: list[StoredEvent] = []
    while batch := store.events_since(seq):
        events += batch
        seq = batch[-1].seq
    offered = {event.data["offer"]: event.at for event in events if event.event == "CallOffered"}
    dialled = {
        e.data["offer"]: e.at for e in events if e.event == "AgentDialled" and e.data["offer"] in offered
    }
    waits = [1000 * (at - offered[offer]) for offer, at in dialled.items()]
    in_time = sum(shown.get(offer, at + 1) <= at for offer, at in dialled.items())
    to_dom = [
        NEVER if one["event"] == "CallOffered" and not one["desk"] else 1000 * (one["painted"] - one["at"])
        for one in painted
    ]
    report = Report("bench-console")
    report.goal("event_to_dom_p99_ms", "<= 100", percentile(to_dom, 0.99), "ms")
    report.goal("pop_before_ring_share", ">= 0.99", in_time / len(dialled))
    report.goal("pop_added_delay_p95_ms", "<= 80", percentile(waits, 0.95), "ms")
    report.goal("console_server_cpu_percent", "<= 60", cost.cpu_by_kind["console"], "%")
    report.goal("calls_per_s", ">= 19", (world.closed - closed) / seconds)
    report.goal("calls_failed", "= 0", world.failed + clients.refused)
    report.figure("events_to_dom", len(to_dom))
    report.figure("pops_in_the_browser", sum(one["event"] == "CallOffered" for one in painted))
    report.figure("event_to_dom_p50_ms", percentile(to_dom, 0.5))
    came = [1000 * (one["came"] - one["at"]) for one in painted]
    report.figure("event_to_browser_p50_ms", percentile(came, 0.5))
    report.figure("event_to_browser_p99_ms", percentile(came, 0.99))
    report.figure("pop_added_delay_p50_ms", percentile(waits, 0.5))
    report.figure("offers", len(dialled))
    report.figure("events_per_s", len(events) / seconds)
    report.figure("messages_per_s", (clients.messages - messages) / seconds)
    report.figure("cpu_percent_by_process", {kind: round(cpu, 1) for kind, cpu in cost.cpu_by_kind.items()})
    report.figure("pss_mb_console", cost.pss_by_kind["console"])
    report.figure("idle_percent", idle_percent)
    report.figure("stolen_percent", 100 * stolen / ticks)  # by the host: above a few, no delay means anything
    return report


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench-console", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the calls come")
    parser.add_argument("--gateway-seconds", type=float, default=10.0, help="of each of its two counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-console") as folder:
        return uvloop.run(bench(Path(folder), options.seconds, options.gateway_seconds)).finish()


if __name__ == "__main__":
    multiprocessing.set_start_method("forkserver")
    sys.exit(main())
