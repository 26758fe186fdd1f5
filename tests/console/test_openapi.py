"""The OpenAPI document is made of the routes and of the wire's catalogue, and of nothing else."""

from __future__ import annotations

from dataclasses import fields

import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from agent_console.openapi import document
from agent_console.routes import application
from agent_console.wire_types import BODIES
from cti_engine.wire.catalogue import EVENTS, REQUESTS


def test_the_document_is_valid_openapi() -> None:
    """The document made of routes and catalogue is OpenAPI 3.1, and each operation has an id of its own."""
    made = document(application())
    OpenAPIV31SpecValidator(made).validate()
    ids = [one["operationId"] for path in made["paths"].values() for one in path.values()]
    assert len(set(ids)) == len(ids)


def test_every_request_and_event_of_the_catalogue_is_in_the_document() -> None:
    """The catalogue is the only list: what an agent's page may ask of the engine has a path, each event a type."""
    made = document(application())
    asked = {path.removeprefix("/api/requests/") for path in made["paths"] if "/requests/" in path}
    told_by_the_console = {"PageOpened", "PageClosed"}
    assert asked == {n for n, e in REQUESTS.items() if e.to == "engine"} - told_by_the_console
    assert {f"{name}Event" for name in EVENTS} <= made["components"]["schemas"].keys()
    hold = made["paths"]["/api/requests/Hold"]["post"]
    conflicts = hold["responses"]["409"]["content"]["application/json"]["schema"]["allOf"][1]
    assert "stale" in conflicts["properties"]["error"]["properties"]["code"]["enum"]


def test_a_path_that_nobody_described_is_a_fault() -> None:
    """A route below /api without a description cannot be forgotten: making the document fails."""
    app = application()

    async def forgotten(request: web.Request) -> web.Response:
        raise NotImplementedError

    app.router.add_get("/api/forgotten", forgotten)
    with pytest.raises(ValueError, match="GET /api/forgotten is not described"):
        document(app)


def test_each_body_refuses_what_its_signal_does_not_have() -> None:
    """Bodies are made of the signals: the fields of each, less the request's id, and no others."""
    for name, body in BODIES.items():
        signal = {field.name for field in fields(REQUESTS[name].signal)} - {"request"}
        assert set(body.__struct_fields__) == signal
