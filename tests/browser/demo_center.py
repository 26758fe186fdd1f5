"""The shipped center with demo customers and a CRM, for pages: real engine, broker and console; only SIP stands in."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from cti_engine.adapters.account_store import Account, AccountStore
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.ticket_import import import_tickets
from cti_engine.adapters.ticket_store import TicketStore
from cti_engine.commands.customer_segments import recompute
from cti_engine.core import signals as sig
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.library import FOLDERS, load_definitions
from cti_engine.ports import StoredEvent
from cti_engine.runtime.bus_side import BusSide
from cti_engine.runtime.engine import Engine
from cti_engine.runtime.ledger import Gathered
from cti_engine.runtime.stores import open_store
from tests.console.world import ROOT, Broker, ConsoleProcess
from tests.phones.waiting import until
from tests.runtime.center import NamedFiles
from tests.runtime.stand_in import StandInWorker

CRM_DEADLINE = 2.0
AGENTS = ("maria", "ana", "john")


class Crm:
    """A CRM at a real port. Of whom it has no answer it knows nothing (404); None in `answers`: it hangs."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any] | None] = {}
        self.may_answer = asyncio.Event()
        app = web.Application()
        app.router.add_get("/contacts", self._answer)
        self.server = TestServer(app, host="127.0.0.1")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        number = request.query["phone"]
        if number not in self.answers:
            return web.Response(status=404)
        answer = self.answers[number]
        await self.may_answer.wait()
        return web.json_response(answer)

    @property
    def settings(self) -> dict[str, Any]:
        """As in config/crm.yaml."""
        return {
            "url": f"http://127.0.0.1:{self.server.port}/contacts?phone={{number}}",
            "deadline": f"{CRM_DEADLINE:g}s",
            "fields": {"segment": "tier", "name": "full_name"},
            "lists": {
                "tickets": {"path": "cases", "items": {"ticket": "no", "subject": "title"}},
                "hints": {"path": "facts", "items": {"kind": "kind", "text": "text"}},
            },
        }


class DemoCenter:
    """`async with DemoCenter(folder) as center`. Agents have phones and are logged out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "demo"
        self.crm = Crm()
        self.broker = Broker(folder / "broker")
        self.events: list[StoredEvent] = []
        self._before = 0  # so many events when the last call came
        self._keys: dict[str, str] = {}  # by caller's leg what is pressed in the menu

    async def __aenter__(self) -> DemoCenter:
        await asyncio.gather(self.broker.start(), self.crm.server.start_server())
        for name in FOLDERS:
            shutil.copytree(ROOT / name, self.home / name)
        offers = yaml.safe_load((self.home / "config/offers.yaml").read_text())["offers"]
        all_year = {name: offer for name, offer in offers.items() if "seasons" not in offer}
        self._change("config/offers.yaml", hold_out=0, explore=False)  # chance must not decide
        self._change("config/offers.yaml", replace=True, offers=all_year)  # nor the day
        self._change("config/crm.yaml", crm=self.crm.settings)
        self._change("config/engine.yaml", calls={"pop_wait": "3s"})  # nor a machine under load
        definitions, problems = load_definitions(self.home)
        assert definitions is not None, problems
        self.customers = self._customers(definitions)
        store = f"sqlite:{self.folder / 'engine.db'}"
        self.engine = Engine(
            open_store(store), definitions, self.customers, NamedFiles(),
            home=self.home, secret=b"s" * 32, utc_offset=0.0,
        )  # fmt: skip
        url = f"mqtt://127.0.0.1:{self.broker.port}"
        self.bus = BusSide(url, "engine", "", self.engine, open_store(store, read_only=True))
        await self.engine.start(str(self.folder / "engine.sock"), self._publish, self.bus.store_health)
        self.bus.start()
        self.console = ConsoleProcess(
            self.folder, self.broker, home=self.home, customers_url=f"sqlite:{self.folder / 'demo.db'}"
        )
        accounts = AccountStore(self.folder / "accounts.db", "test")
        self.console.passwords |= dict(accounts.ensure((Account("ana", "agent", "Ana Torres"),)))
        accounts.close()
        await self.console.start()
        self.worker = _Worker(str(self.folder / "engine.sock"))
        self.worker.agent_answers = False
        for agent in AGENTS:
            self.engine.take(sig.PhoneRegistered(agent, f"sip:{agent}@127.0.0.1", 3600.0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.crm.may_answer.set()
        await self.console.stop()
        await self.worker.close()
        await self.engine.close()
        await self.bus.close()
        await self.crm.server.close()
        await self.broker.stop()
        self.customers.close()

    def _change(self, file: str, *, replace: bool = False, **keys: Any) -> None:
        path = self.home / file
        content = yaml.safe_load(path.read_text()) if path.exists() else {}
        for key, value in keys.items():
            merged = isinstance(value, dict) and not replace
            content[key] = {**content.get(key, {}), **value} if merged else value
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))

    def _customers(self, definitions: CenterDefinitions) -> CustomerStore:
        """As the center makes them at its very first start, with the figures that it makes each day."""
        store, now, config = CustomerStore(self.folder / "demo.db"), time.time(), self.home / "config"
        store.import_csv(config / "customers.csv", now)
        store.import_purchases(config / "purchases.csv", now)
        rules = definitions.tickets
        hours = definitions.calendars.get(rules.calendar)
        import_tickets(TicketStore(store.database), config / "tickets.csv", rules, hours, now)
        recompute(store.database, definitions.segments, definitions.campaigns, now)
        return store

    def _publish(self, gathered: Gathered) -> None:
        self.bus.publish(gathered)
        self.events += gathered.events
        for event in gathered.events:
            if event.event == "IvrStepEntered" and event.data["step"] == "menu":
                self.worker.presses(self._keys.pop(event.contact, ""))
            if event.event == "CallArrived":
                self._keys[event.contact] = self.worker.key

    # --- calls -------------------------------------------------------------------------------------

    def ready(self, *agents: str) -> None:
        """These are ready, in this order, and nobody else."""
        for agent in AGENTS:
            self.engine.take(sig.NotReadyRequested(f"n-{agent}-{time.time()}", agent, "lunch"))
        for agent in agents:
            self.engine.take(sig.ReadyRequested(f"r-{agent}-{time.time()}", agent))

    async def call(self, ani: str, dnis: str, key: str) -> str:
        """A caller who presses `key` in the menu; returns the leg."""
        self.worker.key = key
        leg, self._before = self.worker.call(ani, dnis), len(self.events)
        await self.until("CallArrived")
        return leg

    async def until(self, event: str, **fields: Any) -> StoredEvent:
        """The last such event since the last call came."""

        def found() -> list[StoredEvent]:
            since = self.events[self._before :]
            return [one for one in since if one.event == event and fields.items() <= one.data.items()]

        await until(lambda: bool(found()), f"{event} {fields}", within=10.0)
        return found()[-1]

    async def hangs_up(self, leg: str) -> None:
        self.worker.hang_up(leg)
        await self.until("ContactClosed")


class _Worker(StandInWorker):
    """Prompts are over at once; music plays on."""

    key = ""

    def _do(self, type_: str, body: dict[str, Any]) -> None:
        if type_ == "PlayFiles" and not body.get("repeat"):
            self.tell(sig.PlaybackEnded(self.name, body["leg"], body["playback"], True))
        super()._do(type_, body)

    def presses(self, key: str) -> None:
        if key:
            self.tell(sig.DigitPressed(self.name, f"{self.name}/{self._calls}", key))
