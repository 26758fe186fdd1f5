"""What an agent has done: past contacts, and the day so far. One's own; who may read records, anybody's."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta

from aiohttp import web

from agent_console.accounts import Account
from agent_console.answers import Day, DayQuery, History, HistoryQuery
from agent_console.console import CONSOLE, Console
from agent_console.guard import Refused, authenticate
from agent_console.history import REACH, NoPlace, Wanted, past_contacts
from agent_console.operations import Operation, described, read_query
from cti_engine.ports import StoreUnavailable
from cti_engine.wire.catalogue import Permission

_log = logging.getLogger("cti.console")
routes = web.RouteTableDef()


@described(
    Operation(
        "Past contacts",
        History,
        query=HistoryQuery,
        codes=("forbidden", "unknown_place", "store_unavailable"),
    )
)
@routes.get("/api/history")
async def history(request: web.Request) -> web.Response:
    """Past contacts of `agent` (default: oneself), newest first; `next` is where to go on, null at the end."""
    console = request.app[CONSOLE]
    account, _ = await authenticate(request)
    asked = read_query(request, HistoryQuery)
    agent = _whose(asked.agent, account)
    since, until = _days(asked.day, console)
    wanted = Wanted(agent, since, until, asked.limit, asked.text, asked.before)
    try:
        contacts, following = await past_contacts(console.log, wanted)
    except NoPlace as error:
        text = "before is the `next` of another answer"
        raise Refused(422, "unknown_place", text, details={"path": "before"}) from error
    except StoreUnavailable as error:
        raise _unavailable(error) from error
    return web.json_response({"contacts": contacts, "next": following})


@described(Operation("An agent's day so far", Day, query=DayQuery, codes=("forbidden", "store_unavailable")))
@routes.get("/api/my-day")
async def my_day(request: web.Request) -> web.Response:
    """Counts and seconds of `agent` (default: oneself) since the center's midnight, with the times that still run."""
    console = request.app[CONSOLE]
    account, _ = await authenticate(request)
    agent = _whose(read_query(request, DayQuery).agent, account)
    try:
        day = console.day_book.of(agent)
    except StoreUnavailable as error:
        raise _unavailable(error) from error
    return web.json_response(
        {
            "agent": agent,
            "since": console.day_book.since,
            "calls": day.calls,
            "offers": day.offers,
            "missed": day.missed,
            "talk_s": day.talk,
            "hold_s": day.held,
            "wrap_up_s": day.wrap_up,
            "handle_s": day.aht,
            "ready_s": day.idle,
            "not_ready_s": day.not_ready,
            "reasons": day.reasons,
            "occupancy": day.occupancy,
        }
    )


def _whose(agent: str, account: Account) -> str:
    """Raises Refused 403."""
    agent = agent or account.user
    if agent != account.agent and Permission.READ_RECORDS not in account.permissions:
        raise Refused(403, "forbidden", "not permitted")
    return agent


def _days(day: date | None, console: Console) -> tuple[float, float]:
    """Where to look, in wall seconds."""
    now = console.now()
    if day is None:
        return now - REACH, now + 1.0
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(seconds=console.config.utc_offset)
    return begin.timestamp(), begin.timestamp() + 86400.0


def _unavailable(error: StoreUnavailable) -> Refused:
    _log.warning("cannot read records: %s", error)
    return Refused(503, "store_unavailable", "the records cannot be read now")
