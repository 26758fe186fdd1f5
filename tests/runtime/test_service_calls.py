"""Questions to services against a real HTTP server that is slow, down, lying, large or rude."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from cti_engine.core.commands import CallService
from cti_engine.core.expressions.values import BOOLEAN, NUMBER, TEXT
from cti_engine.core.services import AnswerValue, Secret, Service
from cti_engine.core.signals import ServiceAnswered
from cti_engine.runtime.service_calls import FAILURES, ServiceCalls

ANSWER = {
    "balance": AnswerValue(("account", "balance"), NUMBER),
    "owner": AnswerValue(("owners", "0"), TEXT, optional=True),
    "blocked": AnswerValue(("blocked",), BOOLEAN, optional=True),
}
GOOD = {"account": {"balance": 12.5}, "owners": ["María"], "blocked": False}
Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class World:
    """`reply` is what the server does; `seen` what it was sent: method, raw path, headers, body."""

    home: Path
    reply: Reply
    environment: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    answers: list[ServiceAnswered] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self.calls = ServiceCalls(self.home, self.answers.append, self.environment)
        self.arrived = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.method, request.raw_path, dict(request.headers), await request.text()))
        self.arrived.set()
        return await self.reply(request)

    def service(self, **changes: Any) -> Service:
        url = f"http://127.0.0.1:{self.port}/accounts/{{account}}"
        return replace(Service("balance", url, "GET", ("account",), ANSWER, deadline=5.0), **changes)

    async def ask(
        self, service: Service | None = None, deadline: float = 5.0, **arguments: object
    ) -> ServiceAnswered:
        service = service or self.service()
        call = CallService("c1", f"q{len(self.answers)}", service.id, arguments or {"account": "7"}, deadline)
        before = len(self.answers)
        self.calls.start(call, {service.id: service})
        async with asyncio.timeout(10.0):
            while len(self.answers) == before:
                await asyncio.sleep(0)
        answer = self.answers[-1]
        assert (answer.contact, answer.request) == ("c1", call.request)
        return answer


async def well(request: web.Request) -> web.StreamResponse:
    return web.json_response(GOOD)


def text(body: str, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    async def reply(request: web.Request) -> web.StreamResponse:
        return web.Response(text=body, status=status, headers=headers)

    return reply


def one_after_the_other(*replies: Reply) -> Reply:
    waiting = list(replies)

    async def reply(request: web.Request) -> web.StreamResponse:
        return await waiting.pop(0)(request)

    return reply


async def never(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def endless(request: web.Request) -> web.StreamResponse:
    """10 MB of JSON, a piece at a time."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b'{"account": {"balance": 1}, "noise": "')
    for _ in range(160):
        await response.write(b"x" * 65536)
    await response.write(b'"}')
    return response


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path, well)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server(shutdown_timeout=0.1)
    made.port = server.port or 0
    yield made
    await made.calls.close()
    await server.close()


async def test_a_good_answer_is_taken_as_declared(world: World) -> None:
    """The declared values by their names, from inside objects and lists, and nothing else."""
    answer = await world.ask()
    assert (answer.values, answer.error) == ({"balance": 12.5, "owner": "María", "blocked": False}, "")


async def test_arguments_are_quoted_and_change_no_path(world: World) -> None:
    """What a caller has keyed in or a name says stays one piece of the path, or one value of query or body."""
    await world.ask(account="../7/é?x=1&{pin}")
    assert world.seen[-1][:2] == ("GET", "/accounts/..%2F7%2F%C3%A9%3Fx%3D1%26%7Bpin%7D")
    query = world.service(arguments=("account", "since", "all"))
    await world.ask(query, account=7.0, since="a&b=c", all=True)
    assert world.seen[-1][:2] == ("GET", "/accounts/7?since=a%26b%3Dc&all=true")
    post = world.service(method="POST", arguments=("account", "pin"))
    await world.ask(post, account="7", pin="0042")
    assert world.seen[-1][:2] + world.seen[-1][3:] == ("POST", "/accounts/7", '{"pin":"0042"}')


@pytest.mark.parametrize(
    "arguments", [{"account": ""}, {"account": ".."}, {"account": None}, {"acount": "7"}]
)
async def test_arguments_that_do_not_fit_are_not_sent(world: World, arguments: dict[str, object]) -> None:
    """An empty one, a step up the path, an undefined one or one of another name: nobody is asked."""
    assert (await world.ask(world.service(), 5.0, **arguments)).error == "not_set_up"
    assert world.seen == []


async def test_secrets_come_from_environment_and_file_and_are_logged_nowhere(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """They reach the service's headers, and neither they nor the arguments reach a log, also when it fails."""
    caplog.set_level(logging.DEBUG)
    world.environment["CRM_TOKEN"] = "Bearer s3cret"
    (world.home / "key.txt").write_text("k3y\nsecond line\n")
    headers: dict[str, str | Secret] = {"Authorization": Secret("CRM_TOKEN"), "X-Key": Secret(file="key.txt")}
    service = world.service(headers=headers)
    await world.ask(service, account="p1n-4711")
    sent = world.seen[-1][2]
    assert (sent["Authorization"], sent["X-Key"]) == ("Bearer s3cret", "k3y")
    world.reply = text("s3cret", 500)
    await world.ask(service, account="p1n-4711")
    await world.ask(replace(service, url=f"http://127.0.0.1:{unused_port()}/{{account}}"), account="p1n-4711")
    assert [answer.error for answer in world.answers] == ["", "failed", "unreachable"]
    told = (
        "".join(record.getMessage() for record in caplog.records if record.name != "aiohttp.access")
        + "".join(map(repr, world.answers))
        + repr(CallService("c", "q", "s", {"pin": "p1n-4711"}, 1.0))
    )
    assert not [word for word in ("s3cret", "k3y", "4711", "12.5") if word in told]
    assert "service balance" in caplog.text


async def test_a_missing_secret_is_told_by_its_place(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The service is not asked without it; the log names the variable or file."""
    for secret, place in ((Secret("NOT_SET"), "NOT_SET"), (Secret(file="gone.txt"), "gone.txt")):
        world.calls._health.clear()
        assert (await world.ask(world.service(headers={"Authorization": secret}))).error == "not_set_up"
        assert f"no secret in {place}" in caplog.text.replace("the variable ", "")
    assert world.seen == []


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (text("no JSON at all"), "bad_answer"),
        (text("\x00\xff{{{"), "bad_answer"),
        (text(""), "bad_answer"),
        (text("[" * 60_000), "bad_answer"),
        (text('{"account": {"balance": NaN}}'), "bad_answer"),
        (text('{"account": {"balance": 1e300}}'), "bad_answer"),
        (text('{"account": {"balance": "12.5"}}'), "bad_answer"),
        (text('{"account": {"balance": true}}'), "bad_answer"),
        (text('{"account": []}'), "bad_answer"),
        (text('[{"balance": 1}]'), "bad_answer"),
        (text('{"account": {"balance": 1}, "owners": ["' + "x" * 2000 + '"]}'), "bad_answer"),
        (text('{"account": {"balance": 1}}', headers={"Content-Encoding": "gzip"}), "bad_answer"),
        (endless, "bad_answer"),
        (text("who?", 404), "not_found"),
        (text("no", 403), "failed"),
        (text("oh", 500), "failed"),
        (text("", 302, {"Location": "http://evil.example/"}), "failed"),
    ],
)
async def test_what_is_no_good_answer_is_one_of_a_few_failures(
    world: World, reply: Reply, error: str
) -> None:
    """Garbage, lies, 10 MB, refusals and redirects: an error by its name, no values, and asked once."""
    world.reply = reply
    answer = await world.ask()
    assert (answer.error, answer.values) == (error, {})
    assert len(world.seen) == 1


async def test_a_value_that_is_optional_may_be_missing_or_null(world: World) -> None:
    """The others are there all the same."""
    world.reply = text('{"account": {"balance": 3}, "owners": [null]}')
    assert (await world.ask()).values == {"balance": 3}


async def test_an_error_and_then_an_answer_within_one_deadline(world: World) -> None:
    """A service that stumbles is asked again as often as it is set up for; a refusal is not argued with."""
    world.reply = one_after_the_other(text("oh", 500), text("oh", 503), well)
    assert (await world.ask(world.service(tries=3))).values["balance"] == 12.5
    world.reply = one_after_the_other(text("no", 403), well)
    assert (await world.ask(world.service(tries=3))).error == "failed"
    assert len(world.seen) == 4


async def test_a_slow_service_is_waited_for_until_the_deadline(world: World) -> None:
    """Not longer than flow and service say, whatever tries are left; others are not held up by it."""
    world.reply = never
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await world.ask(world.service(tries=3), deadline=0.2)).error == "deadline"
    assert 0.2 <= loop.time() - began < 2.0
    assert (await world.ask(world.service(deadline=0.1))).error == "deadline"
    world.reply = well
    assert (await world.ask(world.service(id="other"))).error == ""


async def test_no_more_ask_at_a_time_than_set_up(world: World) -> None:
    """Who comes on top is told at once that it is overloaded; when one has its answer the next may ask."""
    release = asyncio.Event()

    async def held(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return await well(request)

    world.reply = held
    service = world.service(at_once=1)
    world.calls.start(CallService("c9", "first", "balance", {"account": "7"}, 5.0), {"balance": service})
    await world.arrived.wait()
    assert (await world.ask(service)).error == "overloaded"
    release.set()
    async with asyncio.timeout(5.0):
        while len(world.answers) < 2:
            await asyncio.sleep(0)
    assert world.answers[-1].error == ""
    assert (await world.ask(service)).error == ""


async def test_a_service_that_is_down_is_left_in_peace_and_tried_again(world: World) -> None:
    """After some failures in a row it is not asked; after the rest one question finds out that it is back."""
    world.reply = text("oh", 500)
    for _ in range(FAILURES):
        assert (await world.ask()).error == "failed"
    assert (await world.ask()).error == "resting"
    assert len(world.seen) == FAILURES
    health = world.calls._health["balance"]
    health.rests_until = 0.0  # the rest is over
    assert (await world.ask()).error == "failed"
    assert (await world.ask()).error == "resting"
    health.rests_until = 0.0
    world.reply = well
    assert [(await world.ask()).error for _ in range(2)] == ["", ""]


async def test_refusals_do_not_make_a_service_rest(world: World) -> None:
    """Unknown customers and lies say that it is there."""
    for reply in [text("who?", 404), text("{}"), text("no", 403)] * FAILURES:
        world.reply = reply
        await world.ask()
    world.reply = well
    assert (await world.ask()).error == ""


async def test_a_service_that_is_gone_is_not_set_up(world: World) -> None:
    """A flow that still names a service which a reload has taken out goes its own way for failures."""
    world.calls.start(CallService("c1", "q", "balance", {}, 1.0), {})
    async with asyncio.timeout(5.0):
        while not world.answers:
            await asyncio.sleep(0)
    assert world.answers[0].error == "not_set_up"
