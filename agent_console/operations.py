"""An operation of the REST API: what it takes, what it answers, how it refuses; read as it says, told as it says.

`described` puts the description on a handler, where the OpenAPI document finds it. Bodies and queries are checked
against their types alone; what is wrong with them is told with the path of the field.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from agent_console.guard import Refused

STATUS = {
    "bad_request": 400,
    "logged_out": 401,
    "wrong_credentials": 401,
    "wrong_key": 401,
    "forbidden": 403,
    "wrong_origin": 403,
    "off": 404,
    "not_found": 404,
    "no_message": 404,
    "no_recording": 404,
    "unknown_id": 404,
    "unknown_ticket": 404,
    "unknown_request": 404,
    "request_entity_too_large": 413,
    "not_json": 415,
    "too_many": 429,
    "accounts_unavailable": 503,
    "engine_away": 503,
    "expired": 503,
    "phone_away": 503,
    "store_unavailable": 503,
    "customers_unavailable": 503,
}
_PATH = re.compile(r" - at `\$(.*)`$")
_FIELD = re.compile(r"field `(\w+)`")

_T = TypeVar("_T")
_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def status_of(code: str) -> int:
    """422: well written, but this center knows no such thing. 409: not now, or not this."""
    return STATUS.get(code) or (422 if code.startswith(("unknown_", "bad_")) else 409)


@dataclass(frozen=True, slots=True)
class Operation:
    """`answer`, `query` and `body` are types; `answer` None: a file of the `media` type. `also`: other good statuses.

    `key` is what the caller needs: `session`, `site` (the web site's key) or nothing. `codes` are refusals beside those
    that the rest implies, `missing` those of what the path names: 404. `about`: the handler's docstring.
    """

    summary: str
    answer: Any
    status: int = 200
    query: Any = None
    body: Any = None
    codes: tuple[str, ...] = ()
    key: str = "session"
    media: str = "application/json"
    also: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    about: str = ""

    def refusals(self) -> dict[int, list[str]]:
        """All codes by their status."""
        codes = set(self.codes)
        if self.key == "session":
            codes |= {"logged_out", "accounts_unavailable"}
        if self.query is not None:
            codes.add("bad_request")
        if self.body is not None:
            codes |= {"bad_request", "request_entity_too_large", "not_json"}
        by_status: dict[int, list[str]] = {}
        for code in sorted(codes):
            by_status.setdefault(status_of(code), []).append(code)
        if self.missing:
            by_status[404] = sorted({*by_status.get(404, ()), *self.missing})
        return dict(sorted(by_status.items()))


def described(operation: Operation) -> Callable[[_Handler], _Handler]:
    """The handler does this operation."""

    def put(handler: _Handler) -> _Handler:
        about = operation.about or inspect.getdoc(handler) or ""
        handler.operation = replace(operation, about=about)  # type: ignore[attr-defined]  # functions take attributes
        return handler

    return put


async def read_body(request: web.Request, type_: type[_T]) -> _T:
    """Raises Refused: 413, 415 for another content type, 400 with `path` for what is not of this type."""
    if request.content_type != "application/json":
        raise Refused(415, "not_json", "send Content-Type: application/json")
    try:
        return msgspec.convert(_whole(msgspec.json.decode(await request.read())), type_)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _bad_request(str(error) or "nested too deep") from error


def _whole(value: Any) -> Any:
    """To JSON 1.0 is as whole a number as 1 (JSON Schema 2020-12, 6.1.1), to msgspec it is none."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return {name: _whole(one) for name, one in value.items()} if isinstance(value, dict) else value


def read_query(request: web.Request, type_: type[_T]) -> _T:
    """Raises Refused 400 with `path`."""
    given = dict(request.query)
    if len(given) != len(request.query):
        raise Refused(400, "bad_request", "a parameter is given twice")
    try:
        return msgspec.convert(given, type_, strict=False)
    except msgspec.MsgspecError as error:
        raise _bad_request(str(error)) from error


def _bad_request(text: str) -> Refused:
    """`path` is the wrong field's, `contacts[2].name`; empty when the whole is wrong."""
    found = _PATH.search(text)
    path = found[1] if found else ""
    field = _FIELD.search(text)
    if field is not None:  # one too many, or one that is missing
        path = f"{path}.{field[1]}"
    return Refused(400, "bad_request", text, details={"path": path.removeprefix(".")})
