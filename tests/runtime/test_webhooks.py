"""Webhooks against a real HTTP server: signed, in order, at least once, over outages and restarts."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.services import Secret, Webhook
from cti_engine.ports import StoredEvent, StoreUnavailable
from cti_engine.runtime import webhooks as module
from cti_engine.runtime.webhooks import WAITING, Webhooks
from cti_engine.wire.clock import Clock
from tests.phones.waiting import until
from tests.runtime.center import definitions


@dataclass
class Life:
    """A center's log and what its store keeps; `hooks` is one life of the webhooks on it."""

    home: Path
    clock: Clock = field(default_factory=Clock)
    log: list[StoredEvent] = field(default_factory=list)
    webhooks_to: dict[str, int] = field(default_factory=dict)
    definitions: CenterDefinitions = field(default_factory=definitions)
    away: bool = False
    reads: int = 0
    hooks: Webhooks | None = None

    @property
    def last_seq(self) -> int:
        return len(self.log)

    def delivered(self, webhook: str, seq: int | None) -> None:
        if seq is None:
            self.webhooks_to.pop(webhook, None)
        else:
            self.webhooks_to[webhook] = seq

    async def since(self, seq: int, limit: int) -> Sequence[StoredEvent]:
        self.reads += 1
        if self.away:
            raise StoreUnavailable("no disk")
        return self.log[seq : seq + limit]

    def start(self) -> None:
        self.hooks = Webhooks(self.home, self, self.since, {"HOOK": "s3cret", "CRM": "t0ken"})
        self.hooks.start()

    async def crash(self) -> None:
        assert self.hooks is not None
        await self.hooks.close()
        self.hooks = None

    def happens(self, *names: str, told: bool = True) -> None:
        new = [
            StoredEvent(len(self.log) + 1 + i, 1.7e9, name, "c1", {"name": "order", "data": {"number": i}})
            for i, name in enumerate(names)
        ]
        self.log += new
        if told and self.hooks is not None:
            self.hooks.publish(new)

    def set_up(self, *webhooks: Webhook) -> None:
        self.definitions = replace(self.definitions, webhooks={each.id: each for each in webhooks})


@dataclass
class Receiver:
    """`status` is what it answers, asked anew for each event's number; `seqs` what it took, by path."""

    status: Callable[[int], int] = lambda seq: 200
    seqs: dict[str, list[int]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    last: tuple[dict[str, str], bytes] = field(default_factory=lambda: ({}, b""))
    hold: asyncio.Event | None = None
    port: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        seq = int(json.loads(body)["seq"])
        self.asked.append(seq)
        if request.path == "/slow" and self.hold is not None:
            await self.hold.wait()
        status = self.status(seq)
        if status == 200:
            self.seqs.setdefault(request.path, []).append(seq)
            self.last = dict(request.headers), body
        return web.Response(status=status)

    def hook(self, name: str = "crm", **changes: Any) -> Webhook:
        url = f"http://127.0.0.1:{self.port}/{name}"
        return replace(Webhook(name, url, ("FlowMessage",), Secret("HOOK")), **changes)


@pytest.fixture
async def receiver(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    made = Receiver()
    app = web.Application()
    app.router.add_post("/{name}", made.handle)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server(shutdown_timeout=0.1)
    made.port = server.port or 0
    yield made
    await server.close()


@pytest.fixture
async def life(receiver: Receiver, tmp_path: Path) -> AsyncIterator[Life]:
    made = Life(tmp_path)
    made.set_up(receiver.hook())
    made.start()
    yield made
    if made.hooks is not None:
        await made.crash()


async def test_events_that_were_asked_for_come_in_order_and_signed(life: Life, receiver: Receiver) -> None:
    """Only those, as their envelope; the signature is HMAC-SHA256 of its time and the body."""
    life.happens("CallQueued", "FlowMessage", "CallAnswered", "FlowMessage")
    await until(lambda: receiver.seqs.get("/crm") == [2, 4], "delivered")
    headers, body = receiver.last
    parts = dict(part.split("=") for part in headers["X-CTI-Signature"].split(","))
    assert parts["v1"] == hmac.new(b"s3cret", parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert abs(int(parts["t"]) - life.clock.now()) < 60
    assert (headers["X-CTI-Event"], headers["X-CTI-Seq"]) == ("FlowMessage", "4")
    told = json.loads(body)
    assert (told["event"], told["contact"], told["data"]["name"]) == ("FlowMessage", "c1", "order")


async def test_one_that_is_away_gets_everything_when_it_is_back(life: Life, receiver: Receiver) -> None:
    """The same event is sent until it is taken, none is left out, none comes before its turn."""
    receiver.status = lambda seq: 503
    life.happens("FlowMessage", "FlowMessage")
    await until(lambda: len(receiver.asked) >= 3, "asked")
    life.happens("FlowMessage")
    assert set(receiver.asked) == {1}
    receiver.status = lambda seq: 200
    await until(lambda: receiver.seqs.get("/crm") == [1, 2, 3], "delivered")


async def test_an_event_that_is_refused_for_good_does_not_hold_up_the_next(
    life: Life, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """A receiver that cannot take it (400, 413, 422) has it: it is told to the log and passed over."""
    receiver.status = lambda seq: 422 if seq == 1 else 200
    life.happens("FlowMessage", "FlowMessage")
    await until(lambda: receiver.seqs.get("/crm") == [2], "delivered")
    assert "refuses event 1 with 422" in caplog.text


async def test_a_new_life_goes_on_where_the_last_one_was(life: Life, receiver: Receiver) -> None:
    """What happened meanwhile is read from the log; what had been taken does not come again."""
    life.happens("FlowMessage")
    await until(lambda: life.webhooks_to == {"crm": 1}, "noted")
    await life.crash()
    life.happens("FlowMessage", "CallQueued", "FlowMessage")
    life.start()
    await until(lambda: receiver.seqs.get("/crm") == [1, 2, 4], "delivered")


async def test_what_was_sent_but_not_noted_is_sent_again(life: Life, receiver: Receiver) -> None:
    """A crash between the answer and the note: twice rather than never."""
    life.happens("FlowMessage")
    await until(lambda: life.webhooks_to == {"crm": 1}, "noted")
    await life.crash()
    life.webhooks_to["crm"] = 0
    life.start()
    await until(lambda: receiver.seqs.get("/crm") == [1, 1], "delivered")


async def test_a_store_that_is_away_only_delays(life: Life, receiver: Receiver) -> None:
    """The log cannot be read for a while: the webhook waits and then has everything."""
    life.happens("FlowMessage", told=False)
    life.away = True
    life.happens("FlowMessage")
    await until(lambda: life.reads >= 2, "read")
    assert receiver.asked == []
    life.away = False
    await until(lambda: receiver.seqs.get("/crm") == [1, 2], "delivered")


async def test_more_than_memory_holds_is_read_from_the_log(life: Life, receiver: Receiver) -> None:
    """A receiver that is slower than events come is sent all of them, in order."""
    receiver.status = lambda seq: 503
    many = 2 * WAITING + 50
    life.happens(*["FlowMessage"] * many)
    await until(lambda: receiver.asked != [], "asked")
    receiver.status = lambda seq: 200
    await until(lambda: len(receiver.seqs.get("/crm", [])) == many, "all", within=60.0)
    assert receiver.seqs["/crm"] == list(range(1, many + 1))
    assert life.reads > 0


async def test_a_slow_one_holds_up_no_other(life: Life, receiver: Receiver) -> None:
    """While one waits for its answer, another has its events."""
    receiver.hold = asyncio.Event()
    life.set_up(receiver.hook("slow"), receiver.hook("quick", events=("FlowMessage", "CallQueued")))
    life.happens("FlowMessage", "CallQueued")
    await until(lambda: receiver.seqs.get("/quick") == [1, 2], "delivered")
    assert "/slow" not in receiver.seqs
    receiver.hold.set()
    await until(lambda: receiver.seqs.get("/slow") == [1], "delivered")


async def test_a_new_webhook_begins_now_and_one_taken_out_is_forgotten(
    life: Life, receiver: Receiver
) -> None:
    """A reload adds one: it gets what happens from then on. One that is gone is told nothing, nor kept."""
    life.happens("FlowMessage")
    await until(lambda: receiver.seqs.get("/crm") == [1], "delivered")
    life.set_up(receiver.hook("new"))
    life.happens("FlowMessage")
    await until(lambda: receiver.seqs.get("/new") == [2], "delivered")
    assert receiver.seqs["/crm"] == [1]
    assert life.webhooks_to == {"new": 2}


async def test_secrets_are_sent_and_logged_nowhere(
    life: Life, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Headers come from their places; without the secret to sign with nothing is sent, and the log names its place."""
    caplog.set_level(logging.DEBUG)
    life.set_up(receiver.hook("new", secret=Secret("NOT_SET"), headers={"Authorization": Secret("CRM")}))
    life.happens("FlowMessage")
    await until(lambda: "no secret in the variable NOT_SET" in caplog.text, "logged")
    assert receiver.asked == []
    life.set_up(receiver.hook("new", headers={"Authorization": Secret("CRM")}))
    life.happens("CallQueued")
    await until(lambda: receiver.seqs.get("/new") == [1], "delivered")
    assert receiver.last[0]["Authorization"] == "t0ken"
    assert "t0ken" not in caplog.text and "s3cret" not in caplog.text
