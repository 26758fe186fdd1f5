"""The REST API of tickets: open, list, work on them, and what has worked in similar cases."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from typing import Any

from aiohttp import web

from agent_console.accounts import Account
from agent_console.console import CONSOLE, Console
from agent_console.guard import Refused, authenticate
from agent_console.operations import Operation, described, read_body, read_query, status_of
from agent_console.ticket_answers import (
    CaseQuery,
    NewTicket,
    PastCases,
    TicketChange,
    TicketQuery,
    Tickets,
    TicketShown,
    TicketWithSteps,
)
from agent_console.ticket_desk import About, TicketDesk, UnknownCategory, Wanted
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.sql_database import DatabaseFault
from cti_engine.adapters.ticket_store import Kept
from cti_engine.core.customers.tickets import Change, NotPossible
from cti_engine.core.reporting.cdr import agents_in
from cti_engine.ports import StoreUnavailable
from cti_engine.wire.catalogue import Permission

LONGEST_NUMBER = 15  # digits

_log = logging.getLogger("cti.console")
routes = web.RouteTableDef()


def shown(kept: Kept) -> dict[str, Any]:
    """As `TicketShown` has it."""
    ticket = kept.ticket
    own = {name: getattr(ticket, name) for name in TicketShown.__struct_fields__ if hasattr(ticket, name)}
    return {**own, "told": list(ticket.told), "name": kept.name, "number": kept.number, "due_at": kept.due_at}


@described(
    Operation(
        "Tickets",
        Tickets,
        query=TicketQuery,
        codes=("forbidden", "not_on_desk", "unknown_customer", "customers_unavailable", "store_unavailable"),
    )
)
@routes.get("/api/tickets")
async def listed(request: web.Request) -> web.Response:
    """As they are due, at most 200; of a customer the open ones first, then the resolved, newest first."""
    account, console, desk, customers = await _asked(request)
    asked = read_query(request, TicketQuery)
    watches = Permission.STEER_AGENTS in account.permissions
    if asked.of in ("late", "all") and not watches:
        raise Refused(403, "forbidden", "not permitted")
    match asked.of:
        case "mine":
            found = await _kept(desk.store.of_owner, account.user)
        case "queues":
            found = await _kept(desk.store.of_nobody, None if watches else _queues(console, account))
        case "late":
            found = await _kept(desk.store.late, console.now())
        case "all":
            found = await _kept(desk.store.all_open)
        case "customer":
            about = await _about(console, customers, account, asked.contact, asked.customer)
            found = await _kept(desk.store.of_customer, about.customer, about.number)
    return web.json_response({"tickets": [shown(kept) for kept in found]})


@described(
    Operation(
        "Open a ticket", TicketShown, 201, body=NewTicket,
        codes=(
            "forbidden", "not_on_desk", "unknown_customer", "unknown_category", "customers_unavailable",
            "store_unavailable",
        ),
    )
)  # fmt: skip
@routes.post("/api/tickets")
async def opened(request: web.Request) -> web.Response:
    """Its number can be told to the caller at once."""
    account, console, desk, customers = await _asked(request)
    new = await read_body(request, NewTicket)
    about = await _about(console, customers, account, new.contact, new.customer, new.queue)
    wanted = Wanted(new.category, new.subject.strip(), new.text.strip(), account.user, "", new.priority)
    if new.mine:
        wanted = Wanted(new.category, wanted.subject, wanted.text, account.user, account.user, new.priority)
    try:
        kept = await desk.open(about, wanted)
    except UnknownCategory as error:
        raise _unknown(error) from error
    except DatabaseFault as error:
        raise _away(error) from error
    return web.json_response(shown(kept), status=201)


@described(
    Operation(
        "A ticket with its history",
        TicketWithSteps,
        codes=("customers_unavailable",),
        missing=("unknown_ticket",),
    )
)
@routes.get("/api/tickets/{ticket}")
async def one(request: web.Request) -> web.Response:
    """By the number that the customer says."""
    _, _, desk, _ = await _asked(request)
    found = await _kept(desk.store.one, _number(request))
    if found is None:
        raise _no_ticket()
    kept, steps = found
    answers = await _kept(desk.store.found_out, kept.ticket.contact)
    return web.json_response({**shown(kept), "steps": [asdict(step) for step in steps], "found_out": answers})


@described(
    Operation(
        "Work on a ticket", TicketShown, body=TicketChange,
        codes=(
            "forbidden", "stale", "no_comment", "no_resolution", "too_old", "bad_time", "unknown_agent",
            "unknown_category", "customers_unavailable",
        ),
        missing=("unknown_ticket",),
    )
)  # fmt: skip
@routes.post("/api/tickets/{ticket}/changes")
async def changed(request: web.Request) -> web.Response:
    """`stale`: somebody was quicker. Anybody takes what is nobody's, comments and reopens; the rest is the owner's, a
    supervisor's, or anybody's while it is nobody's.
    """
    account, console, desk, _ = await _asked(request)
    asked = await read_body(request, TicketChange)
    if asked.kind == "give" and asked.to not in console.feed.states["agent"]:
        raise Refused(422, "unknown_agent", "there is no such agent", details={"path": "to"})
    if asked.kind == "comment" and not asked.text.strip():
        raise Refused(409, "no_comment", "a comment without text", details={"path": "text"})
    change = Change(
        asked.kind,
        account.user,
        Permission.STEER_AGENTS in account.permissions,
        asked.to,
        asked.until,
        asked.text,
        asked.priority,
        asked.category,
        asked.call_back,
    )
    try:
        kept = await desk.change(_number(request), change)
    except NotPossible as error:
        status = 403 if error.code == "forbidden" else status_of(error.code)
        raise Refused(status, error.code, "not possible as it is") from error
    except UnknownCategory as error:
        raise _unknown(error) from error
    except DatabaseFault as error:
        raise _away(error) from error
    if kept is None:
        raise _no_ticket()
    return web.json_response(shown(kept))


@described(
    Operation(
        "Similar past cases, with what worked", PastCases, query=CaseQuery, codes=("customers_unavailable",)
    )
)
@routes.get("/api/cases")
async def cases(request: web.Request) -> web.Response:
    """Resolved tickets with the words that have been typed; accents, capitals and plurals make no difference."""
    _, _, desk, _ = await _asked(request)
    asked = read_query(request, CaseQuery)
    found = await _kept(desk.store.similar, asked.text, asked.category, asked.limit)
    return web.json_response({"cases": [asdict(case) for case in found]})


# --- what they share -------------------------------------------------------------------------------


async def _asked(request: web.Request) -> tuple[Account, Console, TicketDesk, CustomerStore]:
    """Raises Refused: 401, 403 for who takes no calls, 503 without customers."""
    account, _ = await authenticate(request)
    if Permission.TAKE_CALLS not in account.permissions:
        raise Refused(403, "forbidden", "not permitted")
    console = request.app[CONSOLE]
    if console.tickets is None or console.customers is None:
        raise Refused(503, "customers_unavailable", "there are no customers here")
    return account, console, console.tickets, console.customers


async def _kept(read: Any, *asked: Any) -> Any:
    try:
        return await asyncio.to_thread(read, *asked)
    except DatabaseFault as error:
        raise _away(error) from error


async def _about(
    console: Console, customers: CustomerStore, account: Account, contact: str, customer: str, queue: str = ""
) -> About:
    """The caller on one's own desk; or any customer, for who may read records."""
    if not contact:
        if Permission.READ_RECORDS not in account.permissions:
            raise Refused(403, "forbidden", "not permitted")
        found = await _kept(customers.customer, customer)
        if found is None:
            raise Refused(422, "unknown_customer", "there is no such customer", details={"path": "customer"})
        return About(customer, _first(found["numbers"]), found["name"], found["segment"], queue)
    state = console.feed.states["agent"].get(account.agent or "")
    view = state.data if state is not None else {}
    if view.get("contact") != contact:
        return await _past(console, customers, account, contact)
    offer = view.get("offer") or {}
    number = str(offer.get("number", ""))
    found = await _kept(customers.profile, number) or {}
    return About(
        str(found.get("customer", "")),
        customers.as_kept(number),
        str(found.get("name") or offer.get("name", "")),
        str(found.get("segment") or offer.get("segment", "")),
        str(offer.get("queue", "")),
        contact,
    )


async def _past(console: Console, customers: CustomerStore, account: Account, contact: str) -> About:
    """Of a closed contact in which this agent had a part: what was written may be sent after wrap-up has ended."""
    try:
        told = await console.log.events_of(contact)
    except StoreUnavailable as error:
        _log.warning("cannot read records: %s", error)
        raise Refused(503, "store_unavailable", "the records cannot be read now") from error
    record: dict[str, Any] = next((one.data["cdr"] for one in told if one.event == "ContactClosed"), {})
    if account.agent is None or account.agent not in agents_in(record):
        raise Refused(409, "not_on_desk", "this contact is not on your desk")
    number = str(record["ani"])
    found = await _kept(customers.profile, number) or {}
    return About(
        str(found.get("customer", "")),
        customers.as_kept(number),
        str(found.get("name") or record["name"]),
        str(found.get("segment") or record["segment"]),
        str(record["queue"]),
        contact,
    )


def _first(numbers: list[str]) -> str:
    return numbers[0] if numbers else ""


def _queues(console: Console, account: Account) -> list[str]:
    state = console.feed.states["agent"].get(account.agent or "")
    return list(state.data.get("queues", ())) if state is not None else []


def _number(request: web.Request) -> int:
    text = request.match_info["ticket"]
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER):
        raise _no_ticket()
    return int(text)


def _no_ticket() -> Refused:
    return Refused(404, "unknown_ticket", "there is no such ticket")


def _unknown(error: UnknownCategory) -> Refused:
    return Refused(422, "unknown_category", f"there is no category or priority {error}")


def _away(error: DatabaseFault) -> Refused:
    _log.warning("the customers cannot be read: %s", error)
    return Refused(503, "customers_unavailable", "the customers cannot be read now")
