"""`POST /api/call-me`: who may ask, how often, for what; every refusal is clear JSON; an id that cannot be guessed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from agent_console.config import CallMeDoor
from cti_engine.core import events as ev
from cti_engine.wire.envelope import ReplyError, ReplyMessage, Request
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import Broker, ConsoleProcess, Person

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY = "abcde-fghij-kmnop-qrstu"
SITE = "https://www.example.org"
PATH = "/api/call-me"
WISH: dict[str, Any] = {"number": "+34 611-22-33-44", "queue": "sales_es", "language": "es", "name": "Eva"}
WAIT = {"p50": 60.0, "p80": 90.0, "p95": 200.0}
DOOR = CallMeDoor(KEY, b"signs ids", (SITE,), per_number=(2, 3600.0), per_address=(1000, 60.0))


def takes(request: Request) -> ReplyMessage:
    return ReplyMessage(
        request.id,
        True,
        result={"contact": "c7", "queue": "sales_es", "already": False, "wait_s": WAIT},
    )


async def console_with(tmp_path: Path, broker: Broker, door: CallMeDoor | None) -> ConsoleProcess:
    """Started, and it knows that the engine is there."""
    console = ConsoleProcess(tmp_path, broker, call_me=door)
    await console.start()
    await console.knows_engine()
    return console


@pytest_asyncio.fixture(loop_scope="session")
async def console(broker: Broker, engine: StandInEngine, tmp_path: Path) -> AsyncIterator[ConsoleProcess]:
    engine.answer = takes
    console = await console_with(tmp_path, broker, DOOR)
    yield console
    await console.stop()


class Site:
    """The company's web server, or with an origin a browser on its page."""

    def __init__(self, console: ConsoleProcess) -> None:
        self.http = aiohttp.ClientSession(console.url)

    async def ask(
        self, body: object, *, origin: str = "", key: str = KEY, kind: str = "application/json"
    ) -> tuple[int, Any, Any]:
        """Status, JSON and headers."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}
        headers |= {"Origin": origin} if origin else {}
        async with self.http.post(PATH, data=raw, headers=headers) as response:
            return response.status, await response.json(), response.headers

    async def look(self, id_: str, *, origin: str = "") -> tuple[int, Any]:
        async with self.http.get(f"{PATH}/{id_}", headers={"Origin": origin} if origin else {}) as response:
            return response.status, await response.json()


@pytest_asyncio.fixture(loop_scope="session")
async def site(console: ConsoleProcess) -> AsyncIterator[Site]:
    site = Site(console)
    yield site
    await site.http.close()


async def test_asked_and_looked_at(site: Site, engine: StandInEngine) -> None:
    """The engine is asked for the number without its punctuation, in the name of the site; the answer has the contact,
    the wait and an id, by which its state is read from the log until it is over.
    """
    status, answer, headers = await site.ask({**WISH, "attributes": {"intent": "loan", "age": 41}})
    assert (status, answer["contact"], answer["state"], answer["wait_s"]["p80"]) == (
        201,
        "c7",
        "waiting",
        90.0,
    )
    assert headers["Location"] == f"{PATH}/{answer['id']}"
    (asked,) = engine.heard("CallMe")
    assert asked.by == "web-site"
    assert asked.args == {
        "number": "+34611223344", "queue": "sales_es", "language": "es", "name": "Eva",
        "attributes": {"intent": "loan", "age": 41},
    }  # fmt: skip
    await engine.says(
        ev.CallbackRequested("c7", "sales_es", "+34611223344", "Eva", "", "web", "", 0.0, 3600.0, 3)
    )
    await engine.says(ev.CallQueued("c7", "sales_es", 0, 1, (60.0, 90.0, 200.0)))
    status, state = await site.look(answer["id"])
    assert (status, state["state"], state["calls"], state["wait_s"]) == (200, "waiting", 0, {"p80": 90.0})
    await engine.says(ev.CallbackAttempted("c7", "maria", 1, "agent_gone", 1.0))
    await engine.says(ev.CallbackAttempted("c7", "maria", 1, "answered", 4.0))
    await engine.says(ev.CallbackEnded("c7", "sales_es", "reached", 1, 100.0))
    _, state = await site.look(answer["id"])
    assert (state["state"], state["calls"]) == ("reached", 1)


async def test_an_id_cannot_be_guessed(site: Site, engine: StandInEngine) -> None:
    """A contact's number alone, another's signature, or one made with the site's key open nothing."""
    await engine.says(ev.CallbackRequested("c8", "sales_es", "+34", "", "", "web", "", 0.0, 3600.0, 3))
    _, answer, _ = await site.ask(WISH)
    signature = answer["id"].partition(".")[2]
    for wrong in ("c8", "c8.", f"c8.{signature}", f"{answer['id']}x", "c7.AAAAAAAAAAAAAAAAAAAAAA", "ñ"):
        status, said = await site.look(wrong)
        assert (status, said["error"]["code"]) == (404, "unknown_id"), wrong


async def test_a_page_of_the_site_may_ask(site: Site, console: ConsoleProcess) -> None:
    """CORS for the origins of the settings: preflight, answer and refusal can be read by the page; others are refused
    before anything else, and read nothing.
    """
    for path in (PATH, f"{PATH}/c7.x"):
        async with site.http.options(path, headers={"Origin": SITE}) as response:
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Origin"] == SITE
            assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    for body, wanted in ((WISH, 201), ({}, 400)):
        status, _, headers = await site.ask(body, origin=SITE)
        assert (status, headers["Access-Control-Allow-Origin"]) == (wanted, SITE)
    for origin in ("https://evil.example.org", "null", f"{SITE}.evil.org", console.url):
        status, answer, headers = await site.ask(WISH, origin=origin)
        assert (status, answer["error"]["code"]) == (403, "wrong_origin")
        assert "Access-Control-Allow-Origin" not in headers and headers["Vary"] == "Origin"


async def test_without_the_key_nobody_asks(site: Site, engine: StandInEngine) -> None:
    """401, and the engine is not asked."""
    for key in ("", "abcde-fghij-kmnop-qrstx", "ñ", "Basic x"):
        status, answer, _ = await site.ask(WISH, key=key)
        assert (status, answer["error"]["code"]) == (401, "wrong_key")
    assert not engine.requests


NO_REQUESTS: list[tuple[object, int, str, str]] = [
    (b"", 400, "bad_request", "truncated"),
    (b"[" * 5000, 400, "bad_request", ""),
    ([], 400, "bad_request", "Expected `object`"),
    ({**WISH, "number": 611223344}, 400, "bad_request", "$.number"),
    ({**WISH, "queue": None}, 400, "bad_request", "$.queue"),
    ({"number": "+34611223344"}, 400, "bad_request", "queue"),
    ({**WISH, "prioritty": 9}, 400, "bad_request", "prioritty"),
    ({**WISH, "attributes": {"intent": ["loan"]}}, 400, "bad_request", "$.attributes"),
    ({**WISH, "number": "call me"}, 422, "bad_number", "+34911234567"),
    ({**WISH, "number": "+34611223344;x=1"}, 422, "bad_number", ""),
    ({**WISH, "number": "1" * 400}, 422, "bad_number", ""),
    ({**WISH, "language": "spanish"}, 422, "bad_language", ""),
    ({**WISH, "name": "Eva\r\nX-Evil: 1"}, 422, "bad_name", ""),
    ({**WISH, "name": "E" * 101}, 422, "bad_name", ""),
]


async def test_what_is_no_request(site: Site, engine: StandInEngine) -> None:
    """The error names what is wrong, and the engine is not asked."""
    for body, status, code, text in NO_REQUESTS:
        got, answer, _ = await site.ask(body)
        assert (got, answer["error"]["code"]) == (status, code), body
        assert text in answer["error"]["text"], body
    assert not engine.requests


async def test_other_bodies(site: Site) -> None:
    """Only JSON, and not much of it."""
    status, answer, _ = await site.ask(WISH, kind="text/plain")
    assert (status, answer["error"]["code"]) == (415, "not_json")
    status, answer, _ = await site.ask(b" " * 20_000)
    assert status == 413


REFUSED: list[tuple[str, int, dict[str, Any]]] = [
    ("unknown_queue", 422, {}),
    ("bad_number", 422, {}),
    ("bad_attributes", 422, {}),
    ("closed", 409, {"opens_date": "2026-12-01", "opens_time": "09:00"}),
    ("off", 404, {}),
]


async def test_what_the_engine_refuses(site: Site, engine: StandInEngine) -> None:
    """Its code and what it adds reach the site; a refusal is no call to that number."""
    for code, status, result in REFUSED:
        error = ReplyError(code, "why")
        engine.answer = lambda request, error=error, result=result: ReplyMessage(  # type: ignore[misc]
            request.id, False, error, result
        )
        got, answer, _ = await site.ask(WISH)
        assert (got, answer["error"]) == (status, {**result, "code": code, "text": "why"})


async def test_the_engine_is_away(site: Site, engine: StandInEngine) -> None:
    """503; what was asked before can still be looked at."""
    _, asked, _ = await site.ask(WISH)
    await engine.says(ev.CallbackRequested("c7", "sales_es", "+34", "", "", "web", "", 0.0, 3600.0, 3))
    await engine.up(False)
    for _ in range(100):
        status, answer, _ = await site.ask(WISH)
        if status == 503:
            break
        await asyncio.sleep(0.02)  # until the console has heard it
    assert (status, answer["error"]["code"]) == (503, "engine_away")
    assert (await site.look(asked["id"]))[0] == 200


async def test_one_number_is_not_pestered(site: Site, engine: StandInEngine) -> None:
    """So often an hour, whoever asks, however it is written; another number may. Being told of an open one is free."""
    engine.answer = lambda request: ReplyMessage(
        request.id, True, result={**takes(request).result, "already": len(engine.requests) in (2, 3)}
    )
    numbers = ["+34611223344", "+34 611 22 33 44", "0034611223344", "+34611-223344"]
    assert [(await site.ask({**WISH, "number": number}))[0] for number in numbers] == [201, 200, 200, 201]
    status, answer, headers = await site.ask(WISH)
    assert (status, answer["error"]["code"]) == (429, "too_many") and int(headers["Retry-After"]) > 3000
    assert (await site.ask({**WISH, "number": "+34611223345"}))[0] == 201


async def test_one_address_does_not_ask_for_all(
    tmp_path: Path, broker: Broker, engine: StandInEngine
) -> None:
    """Whoever asks too often waits, with the right key or a wrong one."""
    door = CallMeDoor(KEY, b"signs ids", (SITE,), per_number=(100, 60.0), per_address=(3, 60.0))
    engine.answer = takes
    console = await console_with(tmp_path, broker, door)
    site = Site(console)
    answers = [(await site.ask(WISH, key=key))[0] for key in (KEY, "wrong", KEY, KEY, "wrong")]
    assert answers == [201, 401, 201, 429, 429]
    await site.http.close()
    await console.stop()


async def test_off_unless_set_up(tmp_path: Path, broker: Broker, engine: StandInEngine) -> None:
    """Without the setting there is no such door, and pages of other sites stay out of everything else."""
    console = await console_with(tmp_path, broker, None)
    site = Site(console)
    status, answer, headers = await site.ask(WISH, origin=SITE)
    assert (status, answer["error"]["code"]) == (404, "off")
    assert "Access-Control-Allow-Origin" not in headers
    assert (await site.look("c7.x"))[0] == 404 and not engine.requests
    await site.http.close()
    await console.stop()


async def test_other_routes_are_closed_to_the_site(site: Site, console: ConsoleProcess) -> None:
    """The key opens this door only; a page of the site may not log in, nor ask as a logged-in supervisor."""
    async with site.http.post("/api/session", json={}, headers={"Origin": SITE}) as response:
        assert response.status == 403
        assert "Access-Control-Allow-Origin" not in response.headers
    async with site.http.get("/api/me", headers={"Authorization": f"Bearer {KEY}"}) as response:
        assert response.status == 401
    person = Person(console)
    await person.log_in("supervisor")
    async with person.page() as page:
        assert (await page.ask("CallMe", args=WISH))["error"]["code"] == "forbidden"
    await person.close()
