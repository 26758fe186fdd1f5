"""Bodies of requests and events as they are told, as msgspec types made of the wire's catalogue.

Whoever adds a request or an event to the catalogue has it here, and so in the REST API and its document.
"""

from __future__ import annotations

import functools
import operator
from dataclasses import MISSING, fields
from typing import Annotated, Any, get_type_hints

import msgspec

from agent_console.asking import OURS
from cti_engine.wire.catalogue import EVENTS, REQUESTS
from cti_engine.wire.schemas_write import description

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_CARRIED: dict[str, Any] = {"contact": Name, "state_version": Number}
"""Fields of a request that its envelope carries: they are checked here, for the core only compares them."""


def _fields(type_: type, *, without: str) -> list[tuple[str, Any] | tuple[str, Any, Any]]:
    """As `msgspec.defstruct` takes them: those without a default first."""
    required: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    optional: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    hints = get_type_hints(type_)
    for field in fields(type_):
        if field.name == without:
            continue
        if field.default is not MISSING:
            optional.append((field.name, hints[field.name], field.default))
        elif field.default_factory is not MISSING:
            made = msgspec.field(default_factory=field.default_factory)
            optional.append((field.name, hints[field.name], made))
        else:
            required.append((field.name, hints[field.name]))
    return required + optional


def _body(name: str) -> type[msgspec.Struct]:
    """The fields of its signal but for the request's id, which is ours. `agent` left out is oneself."""
    found = _fields(REQUESTS[name].signal, without="request")
    others = [(field, _CARRIED.get(field, type_), *rest) for field, type_, *rest in found if field != "agent"]
    agent = [("agent", str, "")] if len(others) < len(found) else []
    return msgspec.defstruct(
        name,
        [*others, *agent],
        namespace={"__doc__": description(REQUESTS[name].signal)},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


def _told(name: str) -> type[msgspec.Struct]:
    """`data` has the event's fields but for `contact`, which stands beside it; `at` in wall seconds."""
    data = msgspec.defstruct(f"{name}Data", _fields(EVENTS[name].type, without="contact"))
    about = [("seq", int), ("at", float), ("contact", str), ("data", data)]
    doc = {"__doc__": description(EVENTS[name].type)}
    return msgspec.defstruct(name + "Event", about, namespace=doc, tag_field="event", tag=name)


BODIES = {name: _body(name) for name, entry in REQUESTS.items() if entry.to == "engine" and name not in OURS}
"""Requests that can be asked by REST. A phone in the browser lives in its page's WebSocket, and is asked for there."""

Told: Any = functools.reduce(operator.or_, (_told(name) for name in EVENTS))
