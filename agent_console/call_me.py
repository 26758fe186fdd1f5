"""The door for the company's own web site: asks for a callback, and tells how it stands. Off unless set up.

Nobody is logged in here: who asks has the site's key, and comes from a server or from a page of an allowed origin. An
id is the contact's with a signature of ours, so that it cannot be guessed and needs no memory.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass

import msgspec
from aiohttp import web

from agent_console.accounts import Account
from agent_console.answers import WishState, WishTaken
from agent_console.config import CallMeDoor
from agent_console.console import CONSOLE, Console
from agent_console.guard import Refused
from agent_console.operations import Operation, described, read_body, status_of
from agent_console.sliding_windows import SlidingWindow
from cti_engine.adapters.log_reading import fact_of
from cti_engine.core.reporting.callbacks import CallbackStories, CallbackStory
from cti_engine.ports import StoreUnavailable
from cti_engine.wire.catalogue import ROLES
from cti_engine.wire.envelope import rfc3339

OTHER_SITES = "/api/call-me"  # asks by itself where a request comes from
SITE = Account("web-site", "site", "Web site", ROLES["site"])
SIGNATURE = 16  # bytes
LOOKS = 60  # at one's state, a minute and address
STORY = ("CallbackRequested", "CallQueued", "CallbackAttempted", "CallbackEnded")
MAX_NAME = 100
_ANY_NOTATION = re.compile(r"[\s().\-/]")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,15}")  # E.164, or as the center's own phones dial
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}

_log = logging.getLogger("cti.console")
routes = web.RouteTableDef()


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`language` is ISO 639; `attributes` are those that `call_me.attributes` allows."""

    number: str
    queue: str
    language: str = ""
    name: str = ""
    attributes: dict[str, bool | int | float | str] = {}


@dataclass(slots=True)
class CallMeLimits:
    """In the memory of this process: a restart of the console starts them anew."""

    numbers: SlidingWindow
    addresses: SlidingWindow
    looks: SlidingWindow

    @classmethod
    def of(cls, door: CallMeDoor) -> CallMeLimits:
        return cls(
            SlidingWindow(door.per_number[1], door.per_number[0]),
            SlidingWindow(door.per_address[1], door.per_address[0]),
            SlidingWindow(60.0, LOOKS),
        )


LIMITS = web.AppKey("call_me_limits", CallMeLimits)


@routes.options(OTHER_SITES)
@routes.options(OTHER_SITES + "/{id}")
async def preflight(request: web.Request) -> web.Response:
    """What a browser asks before a page of another origin may ask (CORS)."""
    _door(request)
    return web.Response(status=204, headers=_PREFLIGHT)


@described(
    Operation(
        "Ask for a callback", WishTaken, 201, also=(200,), body=Wish, key="site",
        codes=(
            "wrong_key", "wrong_origin", "off", "closed", "unknown_queue", "bad_number", "bad_attributes",
            "bad_language", "bad_name", "too_many", "engine_away", "expired",
        ),
    )
)  # fmt: skip
@routes.post(OTHER_SITES)
async def ask(request: web.Request) -> web.Response:
    """201 with a new callback, 200 with the one that this number has open already."""
    console, door, limits = request.app[CONSOLE], _door(request), request.app[LIMITS]
    _count(limits.addresses, request.remote or "", door.per_address[0], console.now(), "this address")
    _check_key(request, door)
    wish = await _read(request)
    _wait_for(limits.numbers, wish.number, door.per_number[0], console.now(), "this number")
    reply = await console.asking.ask(SITE, "CallMe", msgspec.structs.asdict(wish))
    if not reply.ok:
        code = reply.error.code if reply.error is not None else "engine_away"
        text = reply.error.text if reply.error is not None else "the engine does not answer"
        raise Refused(status_of(code), code, text, details=reply.result)
    contact, already = str(reply.result["contact"]), bool(reply.result["already"])
    if not already:
        limits.numbers.count(wish.number, console.now())
    id_ = _id(door, contact)
    answer = {
        "id": id_,
        "contact": contact,
        "queue": reply.result["queue"],
        "state": "waiting",
        "already": already,
        "wait_s": reply.result["wait_s"],
    }
    return web.json_response(
        answer, status=200 if already else 201, headers={"Location": f"{OTHER_SITES}/{id_}"}
    )


@described(
    Operation(
        "How a callback stands", WishState, key="",
        codes=("wrong_origin", "off", "unknown_id", "too_many", "store_unavailable"),
    )
)  # fmt: skip
@routes.get(OTHER_SITES + "/{id}")
async def state(request: web.Request) -> web.Response:
    """`state`: `waiting`, `reached`, `not_reached`, `expired`, or `ended` by a fault. No key: the id is the secret."""
    console, door = request.app[CONSOLE], _door(request)
    _count(request.app[LIMITS].looks, request.remote or "", LOOKS, console.now(), "this address")
    contact = _contact_of(door, request.match_info["id"])
    story = await _story(console, contact) if contact else None
    if story is None:
        raise Refused(404, "unknown_id", "there is no such callback")
    known = story.outcome in ("", "reached", "not_reached", "expired")
    return web.json_response(
        {
            "id": request.match_info["id"],
            "contact": contact,
            "queue": story.queue,
            "state": (story.outcome or "waiting") if known else "ended",
            "asked_at": rfc3339(story.asked_at),
            "calls": sum(count for outcome, count in story.tries.items() if outcome != "agent_gone"),
            "wait_s": None if story.promised_s is None else {"p80": story.promised_s},
        }
    )


async def add_cors(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: pages of an allowed origin may read every answer, errors too."""
    door = request.app[CONSOLE].config.call_me
    if door is not None and request.path.startswith(OTHER_SITES):
        response.headers["Vary"] = "Origin"
        if request.headers.get("Origin", "") in door.origins:
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Expose-Headers"] = "Location, Retry-After"


# --- who may ask ---------------------------------------------------------------------------------------


def _door(request: web.Request) -> CallMeDoor:
    """A browser always says whose page asks; a server says nothing."""
    door = request.app[CONSOLE].config.call_me
    if door is None:
        raise Refused(404, "off", "nobody is called back from here")
    origin = request.headers.get("Origin", "")
    if origin and origin not in door.origins:
        raise Refused(403, "wrong_origin", "this page may not ask; see call_me.origins")
    return door


def _check_key(request: web.Request, door: CallMeDoor) -> None:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if not hmac.compare_digest(given.encode(), door.key.encode()):
        _log.warning("call me: wrong key from %s", request.remote)
        raise Refused(401, "wrong_key", "send Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"})


def _count(window: SlidingWindow, key: str, limit: int, now: float, what: str) -> None:
    _wait_for(window, key, limit, now, what)
    window.count(key, now)


def _wait_for(window: SlidingWindow, key: str, limit: int, now: float, what: str) -> None:
    wait = window.wait(key, limit, now)
    if wait > 0:
        seconds = math.ceil(wait)
        text = f"too many for {what}: try again in {seconds} s"
        raise Refused(429, "too_many", text, {"Retry-After": str(seconds)})


# --- what is asked -------------------------------------------------------------------------------------


async def _read(request: web.Request) -> Wish:
    wish = await read_body(request, Wish)
    number = re.sub(r"^00", "+", _ANY_NOTATION.sub("", wish.number))
    if not _NUMBER.fullmatch(number):
        raise Refused(422, "bad_number", "write the number with + and its country, such as +34911234567")
    if wish.language and not re.fullmatch(r"[a-z]{2}", wish.language):
        raise Refused(422, "bad_language", "a language has two letters, such as es")
    if len(wish.name) > MAX_NAME or not wish.name.isprintable():
        raise Refused(422, "bad_name", f"a name has at most {MAX_NAME} characters, all printable")
    return msgspec.structs.replace(wish, number=number)


# --- its state -----------------------------------------------------------------------------------------


def _id(door: CallMeDoor, contact: str) -> str:
    digest = hmac.new(door.signing_key, contact.encode(), hashlib.sha256).digest()
    return f"{contact}.{urlsafe_b64encode(digest[:SIGNATURE]).decode().rstrip('=')}"


def _contact_of(door: CallMeDoor, id_: str) -> str:
    """Empty for an id that we have not given out."""
    contact = id_.partition(".")[0]
    return contact if hmac.compare_digest(id_.encode(), _id(door, contact).encode()) else ""


async def _story(console: Console, contact: str) -> CallbackStory | None:
    """By its own facts in the log, so it is known after it is over and while the engine is away."""
    stories = CallbackStories(0.0)
    try:
        for stored in await console.log.events_of(contact):
            if stored.event in STORY:
                stories.apply(fact_of(stored), stored.at)
    except StoreUnavailable as error:
        _log.warning("cannot read the log: %s", error)
        raise Refused(503, "store_unavailable", "the records cannot be read now") from error
    return stories.stories.get(contact)
