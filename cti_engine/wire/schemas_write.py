"""JSON Schema of every event and request, generated from the dataclasses.

`python -m cti_engine.wire.schemas_write` writes them to `schemas/`; a test says when they are out of date.
Consumers may get fields that they do not know (later blocks are optional); they may not miss any named here.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import msgspec

from cti_engine.wire import catalogue, envelope

SCHEMAS = Path(__file__).parent / "schemas"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TIME = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
    "description": "RFC 3339, UTC, milliseconds",
}


def documents() -> dict[str, dict[str, Any]]:
    """File name, without folder, to JSON Schema."""
    made = {f"event.{name}.json": _event(name) for name in catalogue.EVENTS}
    on_the_bus = [name for name, entry in catalogue.REQUESTS.items() if entry.to == "engine"]
    made.update({f"request.{name}.json": _request(name) for name in on_the_bus})
    return made


def text_of(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _event(name: str) -> dict[str, Any]:
    entry = catalogue.EVENTS[name]
    data, definitions = _fields(entry.type, without=frozenset({"contact"}))
    return _message(
        envelope.event_topic(name),
        entry.type,
        {
            "v": {"const": envelope.VERSION},
            "seq": {"type": "integer", "minimum": 1, "description": "global, gap-free"},
            "at": _TIME,
            "event": {"const": name},
            "contact": {"type": "string", "description": "empty: about no contact"},
            "audience": {"const": list(entry.audience)},
            "data": data,
        },
        definitions,
    ) | {"x-permission": entry.permission}


def _request(name: str) -> dict[str, Any]:
    entry = catalogue.REQUESTS[name]
    args, definitions = _fields(entry.signal, without=catalogue.ENVELOPE_FIELDS)
    carried = {f for f in inspect.signature(entry.signal).parameters if f in catalogue.ENVELOPE_FIELDS}
    properties: dict[str, Any] = {
        "id": {"type": "string", "minLength": 1, "description": "comes back in the reply"},
        "reply_to": {"type": "string", "minLength": 1, "description": "topic of the reply"},
        "by": {"type": "string", "minLength": 1, "description": "the authenticated account"},
        "expires_at": _TIME,
        "args": args,
    }
    if "contact" in carried:
        properties["contact"] = {"type": "string", "minLength": 1}
    if "state_version" in carried:
        properties["state_version"] = {"type": "integer", "description": "the one that the page saw"}
    return _message(envelope.request_topic(name), entry.signal, properties, definitions) | {
        "x-permission": entry.permission,
        "x-permission-for-others": entry.for_others,
    }


def _message(
    topic: str, type_: type, properties: dict[str, Any], definitions: dict[str, Any]
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "$schema": _DIALECT,
        "title": topic,
        "description": description(type_),
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }
    if definitions:
        document["$defs"] = definitions
    return document


def description(type_: type) -> str:
    """The class's docstring, or nothing where the dataclass made one up."""
    text = inspect.getdoc(type_) or ""
    return "" if text.startswith(f"{type_.__name__}(") else text


def _fields(type_: type, *, without: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The object schema of a dataclass less some fields, and the definitions that it refers to."""
    (_,), definitions = msgspec.json.schema_components(
        [type_], schema_hook=any_value, ref_template="#/$defs/{name}"
    )
    own = definitions.pop(type_.__name__)
    return {
        "type": "object",
        "properties": {name: schema for name, schema in own["properties"].items() if name not in without},
        "required": [name for name in own["required"] if name not in without],
    }, definitions


def any_value(type_: type) -> dict[str, Any]:
    """The schema of a field typed `object`: any JSON value."""
    if type_ is object:
        return {"description": "any JSON value"}
    raise NotImplementedError(f"no schema for {type_}")


def main() -> None:
    SCHEMAS.mkdir(exist_ok=True)
    wanted = documents()
    for stale in {path.name for path in SCHEMAS.glob("*.json")} - wanted.keys():
        (SCHEMAS / stale).unlink()
    for name, document in wanted.items():
        (SCHEMAS / name).write_text(text_of(document), encoding="utf-8")
    print(f"{len(wanted)} schemas in {SCHEMAS}")


if __name__ == "__main__":
    main()
