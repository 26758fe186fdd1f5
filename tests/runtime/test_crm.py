"""Look-ups with an outside CRM: a real HTTP server that is quick, slow, down, lying or endless. No call waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from cti_engine.core.commands import LookUp
from cti_engine.core.customers.crm import Crm
from cti_engine.core.signals import LookupReturned, ProfileFilledIn
from cti_engine.definitions.crm_loader import load_crm
from cti_engine.definitions.yaml_source import read_yaml
from cti_engine.runtime.crm import CrmQuestions
from cti_engine.runtime.lookups import LookUps
from cti_engine.runtime.service_calls import FAILURES

KNOWN = "+34600000101"
STRANGER = "+12135550103"
STORE = {"customer": "c01", "name": "Lucía", "segment": "gold", "value": 0.0, "products": []}
AREA = {"customer": "", "name": "", "segment": "unknown", "language": "en", "languages": ["en", "es"]}
ANSWER = {
    "person": {
        "id": 77,
        "full_name": "Lucía Herrera de la CRM",
        "tier": "platinum",
        "worth": 5100,
        "lang": "es",
    },
    "cases": [
        {"no": 4711, "title": "Doble cobro", "opened": "2026-11-20T10:00:00Z"},
        {"no": 4712, "title": 5},
        "junk",
    ],
}
ANSWERED, ASKED, AWAY = ({"crm": state} for state in ("answered", "asked", "away"))
YAML = """
crm:
  url: URL?phone={number}
  headers: {Authorization: {file: token.txt}}
  deadline: 5s
  fields:
    {customer: person.id, name: person.full_name, segment: person.tier, value: person.worth, language: person.lang}
  lists:
    tickets: {path: cases, items: {ticket: no, subject: title, opened_at: opened}}
"""
TICKETS = [
    {"ticket": "4711", "subject": "Doble cobro", "opened_at": 1795168800.0},
    {"ticket": "4712", "subject": "5"},
]


@dataclass
class World:
    """`answers`: what the server has to say, the last one for ever; `open` lets it."""

    home: Path
    answers: list[Any] = field(default_factory=lambda: [ANSWER])
    store_waits: float = 0.0
    seen: list[dict[str, str]] = field(default_factory=list)
    told: list[LookupReturned | ProfileFilledIn] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.arrived = asyncio.Event()
        self.crm = CrmQuestions(self.home)
        self.look_ups = LookUps(self, self.told.append, self.crm)
        (self.home / "token.txt").write_text("Bearer s3cret\n")

    def profile(self, number: str) -> dict[str, Any] | None:
        return dict(STORE if number == KNOWN else AREA)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append({**request.headers, "number": request.query["phone"]})
        self.arrived.set()
        await self.open.wait()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, int):
            return web.Response(status=answer)
        return web.Response(text=answer) if isinstance(answer, str) else web.json_response(answer)

    def settings(self, **changes: Any) -> Crm:
        text = YAML.replace("URL", f"http://127.0.0.1:{self.port}/contacts")
        document = read_yaml("config/crm.yaml", text.encode())
        crm = load_crm(document)
        assert crm is not None and document.problems == []
        return replace(crm, **changes)

    async def look_up(self, number: str, within: float = 5.0, **changes: Any) -> LookupReturned:
        """The first that the call is told."""
        self.told.clear()
        self.look_ups.start(LookUp("k1", number, within), self.settings(**changes))
        await self.until(1)
        assert isinstance(self.told[0], LookupReturned)
        return self.told[0]

    async def until(self, told: int) -> None:
        async with asyncio.timeout(10):
            while len(self.told) < told:
                await asyncio.sleep(0.001)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    app = web.Application()
    app.router.add_get("/contacts", made.handle)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server(shutdown_timeout=0.1)
    made.port = server.port or 0
    yield made
    made.look_ups.close()
    await made.crm.close()
    await server.close()


async def test_what_the_store_knows_is_used_at_once_and_the_rest_fills_in(world: World) -> None:
    """A known caller goes on while the CRM thinks; then its answer comes, once, with the secret having been sent."""
    world.open.clear()
    first = await world.look_up(KNOWN)
    assert first.profile == STORE | ASKED
    await asyncio.wait_for(world.arrived.wait(), 5)
    assert len(world.told) == 1
    world.open.set()
    await world.until(2)
    later = world.told[1]
    assert isinstance(later, ProfileFilledIn) and later.contact == "k1"
    assert later.profile["value"] == 5100 and later.profile["tickets"] == TICKETS
    assert later.profile["crm"] == "answered"
    assert world.seen[0]["number"] == KNOWN and world.seen[0]["Authorization"] == "Bearer s3cret"


async def test_a_stranger_waits_for_the_crm_within_the_deadline(world: World) -> None:
    """Whom only the CRM knows is known before the flow begins, in a language better than a guess; where it is slow, the
    call goes on as a stranger's when its time is over, and the CRM's part comes later."""
    first = await world.look_up(STRANGER)
    assert (first.profile["customer"], first.profile["language"], first.profile["languages"]) == (
        "77",
        "es",
        ["es"],
    )
    world.open.clear()
    began = asyncio.get_running_loop().time()
    first = await world.look_up("+12135550199", within=0.1)
    assert first.profile == AREA | ASKED and asyncio.get_running_loop().time() - began < 2
    world.open.set()
    await world.until(2)
    assert world.told[1].profile["customer"] == "77"


@pytest.mark.parametrize("answer", [500, "no json", [], {"person": "a text"}, "x" * 200_000, 404, 302])
async def test_no_answer_of_a_crm_hurts(world: World, answer: object) -> None:
    """Down, lying, giant or nobody known: the call has what the store knows, and only that no answer can be used."""
    world.answers = [answer]
    first = await world.look_up(KNOWN)
    assert first.profile == STORE | ASKED
    await world.until(2)
    usable = answer in ([], {"person": "a text"}, 404)
    state = ANSWERED if usable else AWAY
    assert world.told[1] == ProfileFilledIn("k1", {**state})
    assert (await world.look_up(STRANGER)).profile == AREA | state


async def test_only_what_has_the_right_type_is_taken(world: World) -> None:
    """Each wrong value is left out by itself: a CRM that lies in one field is believed in the others."""
    person = {"id": "7", "full_name": ["no"], "tier": True, "worth": "much", "lang": "Spanish"}
    world.answers = [{"person": person, "cases": {"not": "a list"}}]
    assert (await world.look_up(STRANGER)).profile == {**AREA, "customer": "7", "crm": "answered"}
    assert world.settings().values_of({"person": {"worth": -1, "tier": "x" * 1001, "id": 1e300}}) == {}


async def test_an_answer_for_another_number_is_not_believed(world: World) -> None:
    """A CRM that mixes callers up is found out where its answer says whose it is; the same number written in another
    way is right, and one that says nothing is believed."""
    fields = {"customer": ("id",), "number": ("phone",)}
    world.answers = [{"id": "9", "phone": "+1 213 555 0199"}]
    assert (await world.look_up(STRANGER, fields=fields, lists={})).profile == AREA | AWAY
    for told, number in (("(213) 555-0104", "+12135550104"), ("", "+12135550105")):
        world.answers = [{"id": "9", "phone": told}]
        found = (await world.look_up(number, fields=fields, lists={})).profile
        assert found == {**AREA, "customer": "9", "crm": "answered"}


async def test_an_answer_is_kept_and_asked_for_once(world: World) -> None:
    """Callers of one number at the same time share a question; the next minutes need none; 0 s asks each time."""
    world.open.clear()
    world.look_ups.start(LookUp("a", KNOWN, 5.0), world.settings())
    world.look_ups.start(LookUp("b", KNOWN, 5.0), world.settings())
    await world.until(2)
    world.open.set()
    await world.until(4)
    assert len(world.seen) == 1
    assert (await world.look_up(KNOWN)).profile["value"] == 5100
    assert len(world.seen) == 1
    for _ in range(2):
        await world.look_up("+12135550177", keeps=0.0)
    assert len(world.seen) == 3


async def test_a_crm_that_keeps_failing_is_left_in_peace(world: World) -> None:
    """After five failures in a row it is not asked for a while, and callers do not wait for it meanwhile."""
    world.answers = [503]
    for turn in range(FAILURES + 3):
        await world.look_up(f"+1213555{turn:04}")
    assert len(world.seen) == FAILURES


async def test_nobody_is_there(world: World) -> None:
    """A port that nobody listens at, and a secret that is missing: the call goes on, and knows that the CRM is away."""
    nowhere = f"http://127.0.0.1:{unused_port()}/contacts?phone={{number}}"
    assert (await world.look_up(STRANGER, url=nowhere)).profile == AREA | AWAY
    (world.home / "token.txt").unlink()
    assert (await world.look_up("+12135550178")).profile == AREA | AWAY


async def test_a_slow_store_fills_in_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call goes on at its deadline; what the store finds then still reaches the agent's page."""
    import threading

    let = threading.Event()
    find = world.profile
    monkeypatch.setattr(world, "profile", lambda number: (let.wait(5), find(number))[1])
    world.look_ups.start(LookUp("k1", KNOWN, 0.05))
    await world.until(1)
    assert world.told[0] == LookupReturned("k1", {}, "deadline")
    let.set()
    await world.until(2)
    assert world.told[1] == ProfileFilledIn("k1", STORE)


def test_what_is_wrong_in_the_file_is_told_by_line() -> None:
    """A misspelt field, an address without the number, one that everybody could read, and nothing to take."""
    text = "crm:\n  url: http://crm.example/contacts\n  fields: {nmae: a.b}\n"
    text += "  lists: {tickets: {path: cases, items: {no: x}}}\n"
    document = read_yaml("config/crm.yaml", text.encode())
    assert load_crm(document) is None
    said = [(problem.line, problem.text) for problem in sorted(document.problems)]
    assert [line for line, _ in said] == [2, 2, 3, 4]
    empty = read_yaml("config/crm.yaml", b"crm:\n  url: https://crm.example/?n={number}\n")
    assert load_crm(empty) is None and "nothing of its answer" in empty.problems[0].text
    assert load_crm(read_yaml("config/crm.yaml", b"{}\n")) is None
