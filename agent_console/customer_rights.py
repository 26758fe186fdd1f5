"""The REST API of customers' rights: shown, exported, erased; doubles that become one, and two again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from agent_console.accounts import Account
from agent_console.console import CONSOLE, Console
from agent_console.guard import Refused, authenticate
from agent_console.operations import Operation, described, read_body
from agent_console.rights_answers import (
    AllDoubles,
    CustomerExport,
    CustomerShown,
    EraseCustomer,
    ErasureBegun,
    MergeCustomers,
    Merged,
    Merges,
    RightsAsked,
)
from cti_engine.adapters.customer_erasure import STAYS
from cti_engine.adapters.customer_merge import CannotMerge
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.log_erasure import recordings_of
from cti_engine.adapters.sql_database import DatabaseFault
from cti_engine.adapters.traces import Traces
from cti_engine.ports import StoreUnavailable
from cti_engine.wire.catalogue import Permission

LONGEST_NUMBER = 15  # digits of a merge

_T = TypeVar("_T")
_log = logging.getLogger("cti.console")
routes = web.RouteTableDef()


@described(
    Operation(
        "A customer's profile",
        CustomerShown,
        codes=("forbidden", "customers_unavailable"),
        missing=("unknown_customer",),
    )
)
@routes.get("/api/customers/{customer}")
async def shown(request: web.Request) -> web.Response:
    """By id, or by a number in any notation; for who reads records."""
    _, _, customers = await _asked(request, Permission.READ_RECORDS)
    wanted = request.match_info["customer"]
    found = await _done(customers.customer, wanted) or await _done(customers.profile, wanted)
    if found is None:
        raise _nobody()
    return web.json_response({"profile": found})


@described(
    Operation(
        "All that is known of a customer", CustomerExport,
        codes=("forbidden", "customers_unavailable", "store_unavailable"), missing=("unknown_customer",),
    )
)  # fmt: skip
@routes.get("/api/customers/{customer}/export")
async def exported(request: web.Request) -> web.Response:
    """By id; it is noted who has asked. For administrators."""
    account, console, customers = await _asked(request, Permission.PROTECT_DATA)
    customer = request.match_info["customer"]
    rows = await _done(customers.export, customer, account.user, console.now())
    if rows is None:
        raise _nobody()
    traces = Traces("", frozenset({customer}), frozenset(row["number"] for row in rows["numbers"]))
    try:
        records = await console.log.records_of(traces)
    except StoreUnavailable as error:
        _log.warning("cannot read records: %s", error)
        raise Refused(503, "store_unavailable", "the records cannot be read now") from error
    folder = console.config.recordings
    names = [] if folder is None else await asyncio.to_thread(_recordings, folder, records)
    _log.warning("%s has exported a customer's data", account.user)
    return web.json_response({"rows": rows, "call_records": records, "recordings": names})


@described(
    Operation(
        "Erase a customer", ErasureBegun, body=EraseCustomer,
        codes=("forbidden", "not_confirmed", "customers_unavailable"), missing=("unknown_customer",),
    )
)  # fmt: skip
@routes.post("/api/customers/{customer}/erase")
async def erased(request: web.Request) -> web.Response:
    """By id. Nothing brings them back but a new import. Figures stay, under a pseudonym. For administrators."""
    account, console, customers = await _asked(request, Permission.PROTECT_DATA)
    customer, asked = request.match_info["customer"], await read_body(request, EraseCustomer)
    if asked.confirm != customer:
        raise Refused(409, "not_confirmed", "confirm is the customer's id", details={"path": "confirm"})
    now, keep = console.now(), asked.keep_recordings
    begun = await _done(lambda: customers.erase(customer, account.user, now, keep_recordings=keep))
    if begun is None:
        raise _nobody()
    _log.warning("%s has erased a customer: erasure %d", account.user, begun.number)
    return web.json_response({**asdict(begun), "stays": STAYS})


@described(
    Operation("Who exported, erased and merged", RightsAsked, codes=("forbidden", "customers_unavailable"))
)
@routes.get("/api/rights")
async def rights(request: web.Request) -> web.Response:
    """And which erasures are not through the records of calls yet. For administrators."""
    _, _, customers = await _asked(request, Permission.PROTECT_DATA)
    found = await _done(customers.rights_asked)
    return web.json_response({"rights": [asdict(each) for each in found]})


@described(
    Operation("Customers who may be one", AllDoubles, codes=("forbidden", "customers_unavailable"))
)  # fmt: skip
@routes.get("/api/doubles")
async def doubles(request: web.Request) -> web.Response:
    """The same e-mail address, or the same name but for case and accents."""
    _, _, customers = await _asked(request, Permission.MERGE_CUSTOMERS)
    found = await _done(customers.doubles)
    return web.json_response({"doubles": [asdict(each) for each in found]})


@described(Operation("Merges, to undo one", Merges, codes=("forbidden", "customers_unavailable")))
@routes.get("/api/merges")
async def merges(request: web.Request) -> web.Response:
    """What has been merged, and by whom."""
    _, _, customers = await _asked(request, Permission.MERGE_CUSTOMERS)
    return web.json_response({"merges": [asdict(each) for each in await _done(customers.merges)]})


@described(
    Operation(
        "Two entries of one customer become one",
        Merged,
        201,
        body=MergeCustomers,
        codes=("forbidden", "cannot_merge", "customers_unavailable"),
    )
)
@routes.post("/api/merges")
async def merged(request: web.Request) -> web.Response:
    """What one lacks is the other's; of two consents the later counts. `merge` in the answer undoes it."""
    account, console, customers = await _asked(request, Permission.MERGE_CUSTOMERS)
    asked = await read_body(request, MergeCustomers)
    number = await _done(customers.merge, asked.kept, asked.gone, account.user, console.now())
    _log.warning("%s has merged two customers: merge %d", account.user, number)
    return web.json_response({"merge": number, "kept": asked.kept, "gone": asked.gone}, status=201)


@described(
    Operation(
        "Undo a merge", Merged, codes=("forbidden", "cannot_merge", "customers_unavailable"),
    )
)  # fmt: skip
@routes.post("/api/merges/{merge}/undo")
async def unmerged(request: web.Request) -> web.Response:
    """`gone` is back. What somebody else has changed since stays changed."""
    account, console, customers = await _asked(request, Permission.MERGE_CUSTOMERS)
    text = request.match_info["merge"]
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else 0
    kept, gone = await _done(customers.unmerge, number, account.user, console.now())
    _log.warning("%s has undone merge %d", account.user, number)
    return web.json_response({"merge": number, "kept": kept, "gone": gone})


def _recordings(folder: Path, records: list[dict[str, Any]]) -> list[str]:
    return [path.name for record in records for path in recordings_of(folder, str(record["contact"]))]


# --- what they share -------------------------------------------------------------------------------


async def _asked(request: web.Request, needs: Permission) -> tuple[Account, Console, CustomerStore]:
    """Raises Refused: 401, 403, 503 without customers."""
    account, _ = await authenticate(request)
    if needs not in account.permissions:
        raise Refused(403, "forbidden", "not permitted")
    console = request.app[CONSOLE]
    if console.customers is None:
        raise Refused(503, "customers_unavailable", "there are no customers here")
    return account, console, console.customers


async def _done(work: Callable[..., _T], *about: Any) -> _T:
    """In a thread. Raises Refused."""
    try:
        return await asyncio.to_thread(work, *about)
    except CannotMerge as error:
        raise Refused(409, "cannot_merge", str(error)) from error
    except DatabaseFault as error:
        _log.warning("the customers cannot be reached: %s", error)
        raise Refused(503, "customers_unavailable", "the customers cannot be reached now") from error


def _nobody() -> Refused:
    return Refused(404, "unknown_customer", "there is no such customer")
