"""The HTTP side: log in and out, who am I, the WebSocket, health, and the static pages."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from agent_console import (
    api,
    call_me,
    customer_rights,
    explanations,
    own_records,
    retention,
    surveys,
    tickets,
)
from agent_console.answers import Colleagues, Done, Face, Health, LogIn, Me
from agent_console.console import CONSOLE
from agent_console.guard import (
    COOKIE,
    Refused,
    add_headers,
    authenticate,
    bearer,
    check_origin,
    guard,
    public_face,
)
from agent_console.live_page import LOGGED_OUT, LivePage
from agent_console.log_in import check_password
from agent_console.operations import Operation, described, read_body
from agent_console.page_messages import MAX_PAGE_MESSAGE

STATIC = Path(__file__).parent / "static"
MAX_BODY = 16 * 1024  # bytes
HEARTBEAT = 20.0  # seconds between WebSocket pings; half of it without an answer ends the page

_log = logging.getLogger("cti.console")
routes = web.RouteTableDef()


@described(
    Operation(
        "Open a session by cookie: for our own pages", Face, body=LogIn, key="",
        codes=("wrong_origin", "wrong_credentials", "too_many", "accounts_unavailable"),
    )
)  # fmt: skip
@routes.post("/api/session")
async def log_in(request: web.Request) -> web.Response:
    """Check the password, open a session and set its cookie."""
    console = request.app[CONSOLE]
    check_origin(request)
    account = await check_password(request, await read_body(request, LogIn))
    token, session = console.sessions.open(account.user, console.now())
    response = web.json_response(public_face(account, session))
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="Strict", secure=console.config.cookie_secure, path="/"
    )
    return response


@described(Operation("End this session", Done))
@routes.delete("/api/session")
async def log_out(request: web.Request) -> web.Response:
    """End the session everywhere: its other tabs are told at once."""
    console = request.app[CONSOLE]
    _, session = await authenticate(request)
    console.sessions.close(session)
    for page in [page for page in console.pages if page.session is session]:
        await page.close(LOGGED_OUT, "logged out")
    response = web.json_response({"ok": True})
    response.del_cookie(COOKIE, path="/")
    return response


@described(Operation("Who is logged in", Me))
@routes.get("/api/me")
async def me(request: web.Request) -> web.Response:
    """Who is logged in, what they may do, and the labels for their menus."""
    account, session = await authenticate(request)
    labels = await request.app[CONSOLE].labels.get()
    phones = bool(request.app[CONSOLE].config.gateway)
    return web.json_response(
        {**public_face(account, session), "labels": asdict(labels), "browser_phone": phones}
    )


@described(Operation("Who shares a queue with oneself", Colleagues, codes=("forbidden",)))
@routes.get("/api/colleagues")
async def colleagues(request: web.Request) -> web.Response:
    """Who shares a queue with oneself and is logged in, by id: `name`, and `is` free, busy or away."""
    account, _ = await authenticate(request)
    if account.agent is None:
        raise Refused(403, "forbidden", "not permitted")
    return web.json_response({"colleagues": request.app[CONSOLE].colleagues.of(account.agent)})


@described(Operation("A message's recording", None, codes=("no_message",), media="audio/wav", also=(206,)))
@routes.get("/api/message/{contact}")
async def message(request: web.Request) -> web.StreamResponse:
    """The recording of the message that the agent has on the desk, and of no other."""
    console = request.app[CONSOLE]
    account, _ = await authenticate(request)
    state = console.feed.states["agent"].get(account.agent or "")
    view = state.data if state is not None else {}
    name = str(view.get("offer", {}).get("message", ""))
    recordings = console.config.recordings
    if not name or view.get("contact") != request.match_info["contact"] or recordings is None:
        raise Refused(404, "no_message", "this message is not on your desk")
    path = recordings / name
    if Path(name).name != name or not path.is_file():
        raise Refused(404, "no_message", "the recording is not there any more")
    return web.FileResponse(path, headers={"Content-Type": "audio/wav", "Cache-Control": "no-store"})


@routes.get("/live")
async def live(request: web.Request) -> web.StreamResponse:
    """The page's WebSocket; see `page_messages` for what is said there."""
    console = request.app[CONSOLE]
    if not bearer(request):
        check_origin(request)
    account, session = await authenticate(request)
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=MAX_PAGE_MESSAGE, compress=False)
    await socket.prepare(request)
    await LivePage(console, socket, account, session).run()
    return socket


@described(Operation("Is the console there", Health, key=""))
@routes.get("/healthz")
async def health(request: web.Request) -> web.Response:
    """200 while the console serves pages; the fields say what else is there."""
    feed = request.app[CONSOLE].feed
    figures = {
        "pages": len(request.app[CONSOLE].pages),
        "seq": feed.seq,
        "malformed": feed.malformed,
        "events_given_up": feed.given_up,
    }
    return web.json_response({"ok": True, "broker": feed.bus_up, "engine": feed.engine_up, **figures})


@routes.get("/")
async def index(request: web.Request) -> web.FileResponse:
    """The one page; what it shows depends on who is logged in."""
    return web.FileResponse(STATIC / "index.html")


def application() -> web.Application:
    """The HTTP application; its owner puts the `Console` into it."""
    app = web.Application(middlewares=[guard], client_max_size=MAX_BODY)
    app.on_response_prepare.append(add_headers)
    app.add_routes(routes)
    api.add_routes(app)
    app.add_routes(explanations.routes)
    app.add_routes(own_records.routes)
    app.add_routes(tickets.routes)
    app.add_routes(retention.routes)
    app.add_routes(customer_rights.routes)
    app.add_routes(surveys.routes)
    app.add_routes(call_me.routes)
    app.on_response_prepare.append(call_me.add_cors)
    app.router.add_static("/static", STATIC)
    return app
