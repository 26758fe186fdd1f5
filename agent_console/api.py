"""The REST API for other desktops: a session by token, each request of the wire's catalogue, state and events.

A page has a cookie, which its browser sends by itself, hence Origin and CSRF token; a program sends its token on
purpose, so it needs neither. Limits of log-in and the idle time-out are the same for both.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

import msgspec
from aiohttp import web

from agent_console.answers import Answer, Events, EventsQuery, LogIn, Opened, StateNow
from agent_console.console import CONSOLE
from agent_console.guard import Refused, authenticate, public_face
from agent_console.live_page import MAX_ASKING, visible_states
from agent_console.log_in import check_password
from agent_console.openapi import document
from agent_console.operations import Operation, described, read_body, read_query, status_of
from agent_console.wire_types import BODIES
from cti_engine.core.refusals import REFUSALS
from cti_engine.ports import StoreUnavailable
from cti_engine.wire.catalogue import ENVELOPE_FIELDS, EVENTS, REQUESTS, envelope_of, may_see
from cti_engine.wire.envelope import wall_seconds

ASKED = web.AppKey("requests_under_way", Counter[str])  # by session

_log = logging.getLogger("cti.console")
routes = web.RouteTableDef()


@described(
    Operation(
        "Open a session",
        Opened,
        201,
        body=LogIn,
        codes=("wrong_credentials", "too_many", "accounts_unavailable"),
        key="",
    )
)
@routes.post("/api/sessions")
async def open_session(request: web.Request) -> web.Response:
    """Check the password and give a token: 401 for a wrong one, 429 after too many wrong ones."""
    console = request.app[CONSOLE]
    account = await check_password(request, await read_body(request, LogIn))
    token, session = console.sessions.open(account.user, console.now())
    face = public_face(account, session)
    return web.json_response({**face, "token": token, "idle_s": console.config.session_idle}, status=201)


@described(Operation("Views of agents and queues, as this account may see them", StateNow))
@routes.get("/api/state")
async def state(request: web.Request) -> web.Response:
    """The same as the WebSocket's snapshot. An agent's `state_version` goes into requests about the contact."""
    console = request.app[CONSOLE]
    account, _ = await authenticate(request)
    seen = visible_states(console.feed, account)
    feed = console.feed
    views = {"agents": seen["agent"], "queues": seen["queue"], "supervisors": seen["supervisor"]}
    return web.json_response({"now": console.now(), "seq": feed.seq, "engine": feed.engine_up, **views})


@described(
    Operation("Events after a number, in order", Events, query=EventsQuery, codes=("store_unavailable",))
)
@routes.get("/api/events")
async def events(request: web.Request) -> web.Response:
    """What happened, as far as this account may see it. Ask again with `since` = `next`; `more`: at once."""
    console = request.app[CONSOLE]
    account, _ = await authenticate(request)
    asked = read_query(request, EventsQuery)
    try:
        found = await console.log.since(asked.since, asked.limit)
    except StoreUnavailable as error:
        _log.warning("cannot read events: %s", error)
        raise Refused(503, "store_unavailable", "the records cannot be read now") from error
    told = [
        {"seq": one.seq, "at": wall_seconds(envelope_of(one).at), "event": one.event, "contact": one.contact,
         "data": one.data}
        for one in found
        if one.event in EVENTS and may_see(one.event, one.data, account.permissions, account.agent)
    ]  # fmt: skip
    last = found[-1].seq if found else asked.since
    return web.json_response({"events": told, "next": last, "more": len(found) == asked.limit})


def _asker(name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    body = BODIES[name]

    async def ask(request: web.Request) -> web.Response:
        console, under_way = request.app[CONSOLE], request.app[ASKED]
        account, session = await authenticate(request)
        args: dict[str, Any] = msgspec.structs.asdict(await read_body(request, body))
        agent = args.pop("agent", "")
        carried = {field: args.pop(field) for field in ENVELOPE_FIELDS & args.keys()}
        if under_way[session.id] >= MAX_ASKING:
            raise Refused(429, "too_many", "too many requests at once", {"Retry-After": "1"})
        under_way[session.id] += 1
        try:
            reply = await console.asking.ask(account, name, args, agent=agent, **carried)
        finally:
            under_way[session.id] -= 1
            if not under_way[session.id]:
                del under_way[session.id]
        if reply.ok:
            return web.json_response({"result": reply.result})
        code, text = ("engine_away", "") if reply.error is None else (reply.error.code, reply.error.text)
        raise Refused(status_of(code), code, text, details=reply.result)

    entry = REQUESTS[name]
    others = f", for others {entry.for_others}" if entry.for_others else ""
    operation = Operation(
        f"{name}: needs the permission {entry.permission}{others}",
        Answer,
        body=body,
        codes=(*REFUSALS, "forbidden", "too_many", "engine_away", "expired"),
        about=body.__doc__ or "",
    )
    return described(operation)(ask)


@described(Operation("This document", dict[str, Any], key=""))
@routes.get("/api/openapi.json")
async def openapi(request: web.Request) -> web.Response:
    """For everybody: it tells nothing that is not in the program's text."""
    return web.Response(body=_text_of(request.app), content_type="application/json")


@lru_cache(1)
def _text_of(app: web.Application) -> bytes:
    return msgspec.json.encode(document(app))


def add_routes(app: web.Application) -> None:
    """All of them; each request of the catalogue has a path of its own."""
    app[ASKED] = Counter()
    app.add_routes(routes)
    for name in BODIES:
        app.router.add_post(f"/api/requests/{name}", _asker(name))
