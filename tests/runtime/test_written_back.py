"""What a CRM gets back: outcomes, surveys and tickets, signed, through an outage of its side and a crash of ours."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.ticket_store import Kept, Step, TicketStore
from cti_engine.core import signals as sig
from cti_engine.core.customers.tickets import Ticket
from cti_engine.core.definitions import DialledNumber
from cti_engine.core.services import Secret, Webhook
from cti_engine.core.ticket_changes import told_to
from cti_engine.ports import Store
from cti_engine.runtime import ticket_news
from cti_engine.runtime import webhooks as module
from cti_engine.runtime.ledger import Gathered
from cti_engine.runtime.stores import open_store
from cti_engine.runtime.ticket_news import tell_tickets
from cti_engine.runtime.webhooks import Webhooks
from cti_engine.wire.tasks import spawn
from tests.core_ivr.caller import flow_of
from tests.phones.waiting import until
from tests.runtime.stand_in import StandInWorker
from tests.runtime.test_engine import Running

WANTED = ("ContactClosed", "SurveyAnswered", "TicketChanged")
FLOW = flow_of(
    """
    start: ask
    defaults: {no_input: end, no_match: end}
    steps:
      ask: {survey: {answer: satisfaction, scale: 1-5, prompt: {en: "How was it?"}}, next: end}
      end: {hang_up: }
    """,
    "asks",
)


class Life:
    """One life of an engine with its webhook and the news of tickets, on what the last one has stored."""

    def __init__(self, folder: Path, port: int, customers: CustomerStore) -> None:
        self.running = Running(folder)
        self.log: Store = open_store("sqlite:", read_only=True, folder=folder)
        hook = Webhook("crm", f"http://127.0.0.1:{port}/back", WANTED, Secret("HOOK"))
        base = self.running.engine.definitions
        numbers = {**base.dialled_numbers, "3000": DialledNumber("3000", "asks", "en")}
        self.running.engine.acd.install(
            replace(base, webhooks={"crm": hook}, dialled_numbers=numbers, flows={**base.flows, "asks": FLOW})
        )
        self.hooks = Webhooks(folder, self.running.engine, self._since, {"HOOK": "s3cret"})
        self._customers = customers

    async def _since(self, seq: int, limit: int):  # type: ignore[no-untyped-def]  # as BusSide has it
        return self.log.events_since(seq, limit)

    def _publish(self, gathered: Gathered) -> None:
        self.running.gathered.append(gathered)
        self.hooks.publish(gathered.events)

    async def start(self) -> Life:
        engine = self.running.engine
        await engine.start(self.running.address, self._publish, self.running.health.append)
        self.hooks.start()
        self._news = spawn(
            tell_tickets(self._customers.database, lambda: told_to(engine.acd.center), engine.take), "tickets"
        )
        return self

    async def crash(self) -> None:
        self._news.cancel()
        await self.hooks.close()
        await self.running.crash()
        self.log.close()


class Crm:
    """The receiver, down at first; it keeps what it took by idempotency key."""

    def __init__(self) -> None:
        self.port = unused_port()
        self.took: list[tuple[str, str]] = []
        self.wrong: list[str] = []
        self.server: TestServer | None = None

    async def up(self) -> None:
        app = web.Application()
        app.router.add_post("/back", self._take)
        self.server = TestServer(app, host="127.0.0.1", port=self.port)
        await self.server.start_server(shutdown_timeout=0.1)

    async def down(self) -> None:
        if self.server is not None:
            await self.server.close()
            self.server = None

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        parts = dict(part.split("=") for part in request.headers["X-CTI-Signature"].split(","))
        signed = hmac.new(b"s3cret", parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        if signed != parts["v1"]:
            self.wrong.append(request.headers["X-CTI-Event"])
        self.took.append((request.headers["Idempotency-Key"], json.loads(body)["event"]))
        return web.Response()

    def kinds(self) -> Counter[str]:
        return Counter(event for _, event in self.took)


@pytest.fixture
async def crm(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crm]:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(ticket_news, "LOOK_EVERY", 0.005)
    made = Crm()
    yield made
    await made.down()


async def everything_happens(life: Life, tickets: TicketStore) -> None:
    """A caller answers a survey and hangs up; a ticket is opened and taken."""
    engine = life.running.engine
    worker = StandInWorker(life.running.address)
    leg = worker.call("+34600000101", "3000")
    await worker.until("PlayFiles")
    worker.tell(sig.DigitPressed(worker.name, leg, "4"))
    await until(lambda: life.running.events("SurveyAnswered") != [], "the answer")
    await until(lambda: not engine.acd.center.contacts, "the call to be over")
    number = tickets.open(
        Kept(Ticket(0, "c01", "fault", "x", 2)), [Step(1.0, "maria", "open", {})]
    ).ticket.ticket
    tickets.change(number, lambda kept: (kept, [Step(2.0, "maria", "take", {})]))
    await until(lambda: len(life.running.events("TicketChanged")) == 2, "the ticket's changes")
    await worker.close()


async def test_each_comes_once_through_an_outage(crm: Crm, tmp_path: Path) -> None:
    """While the CRM is down a call closes, a survey is answered, a ticket changes twice; the engine dies and comes
    back; then the CRM does: each is there once and in order, signed, under a key of its own, and what happens later
    follows."""
    customers = CustomerStore(tmp_path / "customers.db")
    tickets = TicketStore(customers.database)
    life = await Life(tmp_path, crm.port, customers).start()
    await everything_happens(life, tickets)
    assert crm.took == []
    await life.crash()
    life = await Life(tmp_path, crm.port, customers).start()
    await crm.up()
    await until(lambda: len(crm.took) == 4, "what happened meanwhile")
    assert [event for _, event in crm.took] == [
        "SurveyAnswered",
        "ContactClosed",
        "TicketChanged",
        "TicketChanged",
    ]
    assert crm.wrong == [] and len({key for key, _ in crm.took}) == 4
    await crm.down()
    await everything_happens(life, tickets)
    await crm.up()
    await until(lambda: len(crm.took) == 8, "the rest")
    assert crm.kinds() == {"SurveyAnswered": 2, "ContactClosed": 2, "TicketChanged": 4}
    assert len({key for key, _ in crm.took}) == 8
    await life.crash()
    customers.close()


async def test_a_repetition_has_the_same_key(crm: Crm, tmp_path: Path) -> None:
    """An engine that died between the answer and its note sends again: the receiver knows it by the key."""
    customers = CustomerStore(tmp_path / "customers.db")
    await crm.up()
    life = await Life(tmp_path, crm.port, customers).start()
    life.running.engine.delivered = lambda webhook, seq: None  # type: ignore[method-assign]  # it never comes to it
    await everything_happens(life, TicketStore(customers.database))
    await until(lambda: len(crm.took) == 4, "the first time")
    await life.crash()
    life = await Life(tmp_path, crm.port, customers).start()
    await until(lambda: len(crm.took) == 8, "the second time")
    assert crm.took[4:] == crm.took[:4]
    await life.crash()
    customers.close()
