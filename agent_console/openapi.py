"""The OpenAPI document, made of the routes' own descriptions and the wire's catalogue: `GET /api/openapi.json`.

`python -m agent_console.openapi` prints it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
from aiohttp import web

from agent_console.operations import Operation
from cti_engine.wire.schemas_write import any_value

_COMPONENT = "#/components/schemas/{name}"
_ABOUT = """\
For other desktops: all that the agents' page does. Log in with `POST /api/sessions`, send the token as
`Authorization: Bearer TOKEN`. What happens is told live on the WebSocket `/live` (the same token), see
docs/guides/integrator.md; what was missed by `GET /api/events`. Each request of the center has its path
`/api/requests/NAME`; who may ask it is the session's account, whatever the body says.

Errors are `{"error": {"code", "text"}}`, with `path` where a field is wrong: 400 for what is not as described here,
422 for what this center does not know, 409 for what cannot be now."""


def document(app: web.Application) -> dict[str, Any]:
    """Raises ValueError for a path below /api that nobody has described."""
    found = list(_operations(app))
    types = [type_ for _, _, one in found for type_ in (one.answer, one.query, one.body) if type_ is not None]
    schemas, components = msgspec.json.schema_components(
        types, schema_hook=any_value, ref_template=_COMPONENT
    )
    of = dict(zip(map(id, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for method, path, one in found:
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, one, of, components)
    made = {
        "openapi": "3.1.0",
        "info": {"title": "CTI agent console", "version": version("cti-engine"), "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {**components, "Error": _ERROR},
            "securitySchemes": {
                "session": {"type": "http", "scheme": "bearer", "description": "from POST /api/sessions"},
                "site": {"type": "http", "scheme": "bearer", "description": "var/secrets/call-me.txt"},
            },
        },
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))  # defaults may be tuples
    return plain


_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "text"],
            "properties": {
                "code": {"type": "string"},
                "text": {"type": "string", "description": "for humans, in English"},
                "path": {"type": "string", "description": "the wrong field, such as `attributes.intent`"},
            },
        }
    },
}


def _operations(app: web.Application) -> Iterator[tuple[str, str, Operation]]:
    for route in app.router.routes():
        path = route.resource.canonical if route.resource is not None else ""
        one = getattr(route.handler, "operation", None)
        if isinstance(one, Operation):
            if route.method != "HEAD":
                yield route.method, path, one
        elif path.startswith("/api/") and route.method not in _BARE:
            raise ValueError(f"{route.method} {path} is not described")


_BARE = ("HEAD", "OPTIONS")


def _operation(
    method: str, path: str, one: Operation, of: Mapping[int, Any], components: dict[str, Any]
) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    if one.query is not None:
        query = components[of[id(one.query)]["$ref"].rpartition("/")[2]]
        parameters += [
            {"name": name, "in": "query", "required": name in query.get("required", ()), "schema": schema}
            for name, schema in query["properties"].items()
        ]
    made: dict[str, Any] = {
        "operationId": f"{method.lower()}{re.sub(r'[^A-Za-z]+(.)?', lambda m: (m[1] or '').upper(), path)}",
        "summary": one.summary,
        "description": one.about,
        "security": [{one.key: []}] if one.key else [],
        "responses": {str(status): _success(one, of) for status in (one.status, *one.also)},
    }
    if parameters:
        made["parameters"] = parameters
    if one.body is not None:
        made["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": of[id(one.body)]}},
        }
    for status, codes in one.refusals().items():
        made["responses"][str(status)] = _refusal(status, codes)
    return made


def _success(one: Operation, of: Mapping[int, Any]) -> dict[str, Any]:
    content = {"schema": of[id(one.answer)]} if one.answer is not None else {}
    return {"description": "done", "content": {one.media: content}}


def _refusal(status: int, codes: list[str]) -> dict[str, Any]:
    error = {"properties": {"code": {"enum": codes}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Error"}, {"properties": {"error": error}}]}
    made: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}",
        "content": {"application/json": {"schema": schema}},
    }
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = {"type": "integer", "minimum": 1}
        made["headers"] = {"Retry-After": {"required": True, "schema": seconds}}
    return made


def main() -> None:
    from agent_console.routes import application  # which serves this document, and so imports it

    print(json.dumps(document(application()), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
