"""Why a call got its agent or still waits, for supervisors: the past from the event log, the rest from the engine."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web

from agent_console.accounts import Account
from agent_console.answers import Explanation, WaitingCalls
from agent_console.console import CONSOLE, Console
from agent_console.guard import Refused, authenticate
from agent_console.operations import Operation, described, status_of
from cti_engine.ports import StoreUnavailable
from cti_engine.wire.catalogue import Permission

MAX_NAME = 100  # characters of an id
STORY = frozenset(
    {
        "CallQueued", "QueueStepAdvanced", "AgentReserved", "OfferEnded", "CallRequeued", "CallBridged",
        "CallAbandoned", "QueueLeft", "CallEnded",
    }
)  # fmt: skip
"""What routing says of a contact."""

_log = logging.getLogger("cti.console")
routes = web.RouteTableDef()


@described(
    Operation(
        "Calls that are served next", WaitingCalls,
        codes=("bad_request", "forbidden", "engine_away", "expired"),
        missing=("unknown_queue",),
    )
)  # fmt: skip
@routes.get("/api/queues/{queue}/waiting")
async def waiting(request: web.Request) -> web.Response:
    """The calls that are served next in this queue, at most 20."""
    console, account = await _watcher(request)
    answer = await _ask(console, account, "ListWaiting", {"queue": request.match_info["queue"]})
    return web.json_response(answer)


@described(
    Operation(
        "Why a call got its agent or still waits", Explanation,
        codes=("bad_request", "forbidden", "engine_away", "expired", "store_unavailable"),
        missing=("unknown_contact",),
    )
)  # fmt: skip
@routes.get("/api/contacts/{contact}/explanation")
async def explanation(request: web.Request) -> web.Response:
    """`story`: what routing did with the contact; `state` and `waiting` as `ExplainRequested` answers, empty when over.

    503 when neither the log nor the engine can be asked; while only the engine is away `waiting` is null.
    """
    console, account = await _watcher(request)
    contact = request.match_info["contact"]
    try:
        found = [event for event in await console.log.events_of(contact) if event.event in STORY]
    except StoreUnavailable as error:
        _log.warning("cannot read the log: %s", error)
        raise Refused(503, "store_unavailable", "the records cannot be read now") from error
    story = [{"at": event.at, "event": event.event, "data": event.data} for event in found]
    try:
        now = await _ask(console, account, "Explain", {}, contact=contact)
    except Refused as refused:
        if not story:
            raise
        now = {"state": "", "waiting": None if refused.code == "engine_away" else []}
    return web.json_response({"contact": contact, "story": story, **now})


async def _watcher(request: web.Request) -> tuple[Console, Account]:
    account, _ = await authenticate(request)
    if Permission.WATCH_CENTER not in account.permissions:
        raise Refused(403, "forbidden", "not permitted")
    if any(len(value) > MAX_NAME for value in request.match_info.values()):
        raise Refused(400, "bad_request", f"an id has at most {MAX_NAME} characters")
    return request.app[CONSOLE], account


async def _ask(
    console: Console, account: Account, name: str, args: dict[str, Any], contact: str = ""
) -> dict[str, Any]:
    reply = await console.asking.ask(account, name, args, contact=contact)
    if not reply.ok:
        code = reply.error.code if reply.error is not None else "engine_away"
        text = reply.error.text if reply.error is not None else "the engine does not answer"
        raise Refused(404 if code.startswith("unknown_") else status_of(code), code, text)
    return reply.result
