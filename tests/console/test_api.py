"""The REST API for other desktops: tokens, requests, state, events, and its document; errors are always clear JSON."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from cti_engine.core.refusals import REFUSALS
from cti_engine.wire.envelope import ReplyError, ReplyMessage, Request
from tests.console.stand_in_engine import StandInEngine, agrees
from tests.console.world import ConsoleProcess, agent, offer, queue

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Program:
    """Another desktop: no cookies, no Origin, a token."""

    def __init__(self, console: ConsoleProcess) -> None:
        self.console = console
        self.http = aiohttp.ClientSession(console.url, cookie_jar=aiohttp.DummyCookieJar())
        self.token = ""

    async def ask(self, method: str, path: str, **how: Any) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= how.pop("headers", {})
        async with self.http.request(method, path, headers=headers, **how) as response:
            assert response.content_type == "application/json"
            return response.status, await response.json()

    async def log_in(self, user: str) -> dict[str, Any]:
        body = {"user": user, "password": self.console.passwords[user]}
        status, opened = await self.ask("POST", "/api/sessions", json=body)
        assert status == 201, opened
        self.token = opened["token"]
        return opened


@pytest.fixture
def engine(running: tuple[StandInEngine, ConsoleProcess]) -> StandInEngine:
    """As it was at the start: agrees to everything, has heard nothing."""
    running[0].answer = agrees
    running[0].requests.clear()
    return running[0]


@pytest.fixture
def console(running: tuple[StandInEngine, ConsoleProcess]) -> ConsoleProcess:
    return running[1]


@pytest_asyncio.fixture(loop_scope="session")
async def program(console: ConsoleProcess) -> AsyncIterator[Program]:
    """A program, not logged in."""
    program = Program(console)
    yield program
    await program.http.close()


async def test_a_program_logs_in_with_a_token_alone(program: Program, engine: StandInEngine) -> None:
    """No cookie, no Origin, no CSRF token: the token is the session, and is worth nothing after logging out."""
    opened = await program.log_in("maria")
    assert (opened["agent"], opened["permissions"], opened["idle_s"]) == ("maria", ["take_calls"], 3600)
    status, me = await program.ask("GET", "/api/me")
    assert (status, me["user"]) == (200, "maria")
    await engine.shows(agent())
    status, answer = await program.ask("POST", "/api/requests/Ready", json={})
    assert (status, answer) == (200, {"result": {}})
    assert (await engine.until_heard("Ready")).args == {"agent": "maria"}
    assert (await program.ask("DELETE", "/api/session"))[0] == 200
    status, answer = await program.ask("GET", "/api/me")
    assert (status, answer["error"]["code"]) == (401, "logged_out")


async def test_programs_have_the_limits_of_pages(program: Program) -> None:
    """Five wrong passwords close the door for tokens and pages alike."""
    wrong = {"user": "john", "password": "guess"}
    for _ in range(5):
        status, answer = await program.ask("POST", "/api/sessions", json=wrong)
        assert (status, answer["error"]["code"]) == (401, "wrong_credentials")
    right = {"user": "john", "password": program.console.passwords["john"]}
    assert (await program.ask("POST", "/api/sessions", json=right))[0] == 429
    assert (await program.ask("POST", "/api/session", json=right, headers={"Origin": program.console.url}))[
        0
    ] == 429


async def test_a_cookie_without_a_token_is_still_a_page(program: Program) -> None:
    """A request that a browser could be made to send has to come from our page: the API opens no way around that."""
    token = (await program.log_in("maria"))["token"]
    program.token = ""
    cookie = {"Cookie": f"cti_session={token}"}
    status, answer = await program.ask("POST", "/api/requests/Ready", json={}, headers=cookie)
    assert (status, answer["error"]["code"]) == (403, "wrong_origin")
    mine = cookie | {"Origin": program.console.url}
    status, answer = await program.ask("POST", "/api/requests/Ready", json={}, headers=mine)
    assert (status, answer["error"]["code"]) == (403, "wrong_csrf_token")


async def test_a_token_opens_the_live_feed(program: Program, engine: StandInEngine) -> None:
    """A program hears what a page hears: it needs no Origin, and a wrong token opens nothing."""
    await engine.shows(agent())
    await program.log_in("maria")
    headers = {"Authorization": f"Bearer {program.token}"}
    async with program.http.ws_connect("/live", headers=headers) as socket:
        await socket.send_json({"type": "hello"})
        assert (await socket.receive_json(timeout=5))["states"]["agent"].keys() == {"maria"}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await program.http.ws_connect("/live", headers={"Authorization": "Bearer guess"})
    assert refused.value.status == 401


async def test_the_wrong_field_is_named(program: Program, engine: StandInEngine) -> None:
    """Another content type, no JSON, a wrong type, a field too many or too few, a body too big: each a clear error."""
    await program.log_in("maria")
    hold, good = "/api/requests/Hold", {"contact": "c1", "state_version": 3, "held": True}
    for how, status, code, path in (
        ({"data": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, "not_json", None),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "bad_request", ""),
        ({"json": []}, 400, "bad_request", ""),
        ({"json": {**good, "held": "yes"}}, 400, "bad_request", "held"),
        ({"json": {**good, "state_version": -1}}, 400, "bad_request", "state_version"),
        ({"json": {**good, "contact": ""}}, 400, "bad_request", "contact"),
        ({"json": {**good, "request": "r1"}}, 400, "bad_request", "request"),
        ({"json": {"contact": "c1", "held": True}}, 400, "bad_request", "state_version"),
        ({"json": {**good, "contact": "c" * 20_000}}, 413, "request_entity_too_large", None),
    ):  # fmt: skip
        got, answer = await program.ask("POST", hold, **how)
        assert (got, answer["error"]["code"], answer["error"].get("path")) == (status, code, path)
        assert answer["error"]["text"]
    assert engine.heard("Hold") == []
    for method, path, status in (("GET", hold, 405), ("POST", "/api/requests/Explode", 404)):
        got, answer = await program.ask(method, path)
        assert got == status and "text" in answer["error"]
    got, answer = await program.ask("GET", "/api/events?since=0&limt=5")
    assert (got, answer["error"]["path"]) == (400, "limt")


async def test_the_engines_refusal_has_a_status(program: Program, engine: StandInEngine) -> None:
    """What cannot be now is a conflict, what this center does not know cannot be processed; code and text stay."""
    await program.log_in("maria")
    codes = {"stale": 409, "not_your_call": 409, "unknown_reason": 422, "bad_digits": 422, "engine_away": 503}
    for number, (code, status) in enumerate(codes.items(), 1):
        error = ReplyError(code, REFUSALS.get(code, "away"))
        engine.answer = functools.partial(_refuses, error=error)
        body = {"contact": f"c{number}", "state_version": 3, "held": True}
        got, answer = await program.ask("POST", "/api/requests/Hold", json=body)
        assert (got, answer) == (status, {"error": {"code": code, "text": error.text}})
        asked = await engine.until_heard("Hold", number)
        assert (asked.by, asked.contact, asked.state_version) == ("maria", f"c{number}", 3)
        assert asked.args == {"agent": "maria", "held": True}


def _refuses(asked: Request, error: ReplyError) -> ReplyMessage:
    return ReplyMessage(asked.id, False, error)


async def test_nobody_asks_for_another_without_the_permission(
    program: Program, engine: StandInEngine
) -> None:
    """The account is the session's, whatever the body says; a supervisor may change another's state."""
    await program.log_in("maria")
    status, answer = await program.ask("POST", "/api/requests/LogOut", json={"agent": "john"})
    assert (status, answer["error"]["code"]) == (403, "forbidden")
    assert engine.heard("LogOut") == []
    await program.log_in("supervisor")
    assert (await program.ask("POST", "/api/requests/LogOut", json={"agent": "john"}))[0] == 200
    asked = await engine.until_heard("LogOut")
    assert (asked.by, asked.args) == ("supervisor", {"agent": "john"})


async def test_state_and_events_are_what_a_page_sees(program: Program, engine: StandInEngine) -> None:
    """State shows oneself and the queues; events come once and in order, those of others only as far as the number."""
    await engine.shows(agent())
    await engine.shows(agent("john"))
    await engine.shows(queue())
    first = await engine.says(offer())
    other = await engine.says(offer("john", "c-2"))
    last = await engine.says(offer(contact="c-3"))
    await program.log_in("maria")
    status, state = await program.ask("GET", "/api/state")
    assert (status, state["agents"].keys(), state["queues"].keys()) == (200, {"maria"}, {"sales_es"})
    assert state["engine"] is True
    status, told = await program.ask("GET", f"/api/events?since={first - 1}&limit=2")
    assert [event["seq"] for event in told["events"]] == [first]
    assert (told["next"], told["more"]) == (other, True)
    assert told["events"][0]["data"]["agent"] == "maria"
    status, told = await program.ask("GET", f"/api/events?since={told['next']}")
    assert [event["contact"] for event in told["events"]] == ["c-3"]
    assert (told["next"], told["more"]) == (last, False)
