"""What callers answered to surveys, for who may read records: figures by agent and queue, and what was said."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from agent_console.accounts import Account
from agent_console.console import CONSOLE
from agent_console.guard import Refused, authenticate
from agent_console.operations import Operation, described, read_query
from agent_console.survey_answers import SurveyComments, SurveyQuery, Surveys
from cti_engine.adapters import survey_records
from cti_engine.adapters.sql_database import Database, DatabaseFault
from cti_engine.wire.catalogue import Permission

DAY = 86_400.0

_log = logging.getLogger("cti.console")
routes = web.RouteTableDef()
_T = TypeVar("_T")


@described(
    Operation(
        "Surveys by agent and queue", Surveys, query=SurveyQuery, codes=("forbidden", "customers_unavailable")
    )
)
@routes.get("/api/surveys")
async def surveys(request: web.Request) -> web.Response:
    """CSAT and NPS with their 95 % intervals, and how many of those asked have answered."""
    await _reader(request)
    asked, now = read_query(request, SurveyQuery), request.app[CONSOLE].now()
    found = await _read(
        request,
        lambda database: survey_records.report(
            database, now - asked.days * DAY, now, question=asked.question, weighted=asked.weighted
        ),
    )
    return web.json_response(asdict(found))


@described(
    Operation(
        "What callers said in surveys",
        SurveyComments,
        query=SurveyQuery,
        codes=("forbidden", "customers_unavailable"),
    )
)
@routes.get("/api/surveys/comments")
async def comments(request: web.Request) -> web.Response:
    """The newest first, at most 200; each is heard at `/api/surveys/comments/{contact}/{question}`."""
    await _reader(request)
    asked, now = read_query(request, SurveyQuery), request.app[CONSOLE].now()
    found = await _read(
        request, lambda database: survey_records.comments(database, now - asked.days * DAY, now)
    )
    told = [{**asdict(one), "recording": Path(one.recording).name} for one in found]
    return web.json_response({"comments": told})


@described(
    Operation(
        "A spoken answer", None, codes=("forbidden", "no_recording", "customers_unavailable"), media="audio/wav",
        also=(206,),
    )
)  # fmt: skip
@routes.get("/api/surveys/comments/{contact}/{question}")
async def comment(request: web.Request) -> web.StreamResponse:
    """Its recording. Who listens is in the console's log."""
    account = await _reader(request)
    contact, question = request.match_info["contact"], request.match_info["question"]
    stored = await _read(request, lambda database: survey_records.recording(database, contact, question))
    recordings = request.app[CONSOLE].config.recordings
    path = recordings / Path(stored).name if stored and recordings is not None else None
    if path is None or not path.is_file():
        raise Refused(404, "no_recording", "there is no such recording")
    _log.info("%s listens to %s of %s", account.user, question, contact)
    return web.FileResponse(path, headers={"Content-Type": "audio/wav", "Cache-Control": "no-store"})


async def _reader(request: web.Request) -> Account:
    """Raises Refused: 401, 403."""
    account, _ = await authenticate(request)
    if Permission.READ_RECORDS not in account.permissions:
        raise Refused(403, "forbidden", "not permitted")
    return account


async def _read(request: web.Request, read: Callable[[Database], _T]) -> _T:
    """Raises Refused 503."""
    customers = request.app[CONSOLE].customers
    if customers is None:
        raise Refused(503, "customers_unavailable", "there are no customers here")
    try:
        return await asyncio.to_thread(read, customers.database)
    except DatabaseFault as error:
        _log.warning("surveys cannot be read: %s", error)
        raise Refused(503, "customers_unavailable", "the customers cannot be read now") from error
