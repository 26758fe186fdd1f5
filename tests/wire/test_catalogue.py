"""The catalogue is complete, and says who may see and ask what."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, get_args

import jsonschema
import pytest

from cti_engine.core import events, signals
from cti_engine.ports import StoredEvent
from cti_engine.wire import envelope
from cti_engine.wire.catalogue import (
    EVENTS,
    REQUESTS,
    ROLES,
    Audience,
    Permission,
    envelope_of,
    may_ask,
    may_see,
    may_see_state,
    seen_state,
    signal_of,
)
from cti_engine.wire.envelope import BadMessage, Request
from cti_engine.wire.schemas_write import SCHEMAS, documents, text_of

AGENT, SUPERVISOR = ROLES["agent"], ROLES["supervisor"]

LISTENING = {"Monitor", "MonitorMode", "EndMonitor", "TakeOver"}


def request(name: str, args: dict[str, Any], **more: Any) -> Request:
    return Request(name, "r1", "cti/v1/reply/console-1", "maria", envelope.rfc3339(1e9), args, **more)


def test_every_event_is_in_the_catalogue() -> None:
    """No event of the core can be published without an audience and a permission."""
    assert {entry.type for entry in EVENTS.values()} == set(get_args(events.Event))
    assert all(entry.audience for entry in EVENTS.values())


def test_an_event_for_agents_names_the_agent() -> None:
    """The audience `agent` is the one agent concerned, so such an event says which."""
    for name, entry in EVENTS.items():
        if Audience.AGENT in entry.audience:
            assert "agent" in {f.name for f in fields(entry.type)}, name


def test_the_schemas_are_up_to_date() -> None:
    """The files in wire/schemas are what the dataclasses say; else run python -m cti_engine.wire.schemas_write."""
    on_disk = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.glob("*.json")}
    assert on_disk == {name: text_of(document) for name, document in documents().items()}


@pytest.mark.parametrize("name", sorted(documents()))
def test_each_schema_is_a_valid_schema(name: str) -> None:
    """Every file is itself correct JSON Schema."""
    jsonschema.Draft202012Validator.check_schema(documents()[name])


def test_an_envelope_fits_its_schema_and_a_poorer_one_does_not() -> None:
    """The schema takes the envelope that we make, also with later fields, and refuses one that lacks a field."""
    data: dict[str, Any] = {"queue": "sales_es", "priority": 0, "position": 2}
    made = envelope_of(StoredEvent(7, 1_700_000_000.1239, "CallQueued", "c1", data))
    assert made.at == "2023-11-14T22:13:20.123Z"
    schema = documents()["event.CallQueued.json"]
    as_json: dict[str, Any] = json.loads(envelope.encode(made))
    jsonschema.validate(as_json, schema)
    jsonschema.validate({**as_json, "data": {**data, "later": 1}}, schema)
    del as_json["data"]["position"]
    with pytest.raises(jsonschema.ValidationError, match="position"):
        jsonschema.validate(as_json, schema)


def test_agents_see_their_own_and_supervisors_see_all() -> None:
    """An agent sees events for agents that name him; the permission shows every event of the kind."""
    offer = {"agent": "maria", "offer": "o1"}
    assert may_see("CallOffered", offer, AGENT, "maria")
    assert not may_see("CallOffered", offer, AGENT, "john")
    assert not may_see("CallOffered", offer, AGENT)
    assert may_see("CallOffered", offer, SUPERVISOR, "boss")
    assert not may_see("CallEnded", {"agent": "maria"}, AGENT, "maria")
    assert not may_see("ContactClosed", {}, AGENT, "maria")
    assert may_see("ContactClosed", {}, SUPERVISOR)


def test_agents_see_queues_and_themselves() -> None:
    """Retained states: queues for every agent, an agent's state for himself and for those who watch."""
    assert may_see_state("queue", "sales_es", AGENT, "maria")
    assert may_see_state("agent", "maria", AGENT, "maria")
    assert not may_see_state("agent", "john", AGENT, "maria")
    assert not may_see_state("engine", "main", AGENT, "maria")
    assert may_see_state("agent", "john", SUPERVISOR)
    assert not may_see_state("queue", "sales_es", frozenset())


def test_agents_act_for_themselves_and_supervisors_for_some_things() -> None:
    """A supervisor may change an agent's state and end his call, never say what his page shows or his disposition.
    Questions about the whole center are for who may watch it, in whoever's name; callbacks for strangers only for the
    company's web site, which may nothing else."""
    questions = {"Explain", "ListWaiting"}
    for name in questions:
        assert not may_ask(name, "maria", AGENT, "maria")
        assert may_ask(name, "boss", SUPERVISOR, "boss") and may_ask(name, "boss", SUPERVISOR)
    assert may_ask("CallMe", "web-site", ROLES["site"])
    assert not any(may_ask("CallMe", "boss", role, "boss") for role in (AGENT, SUPERVISOR))
    for name in REQUESTS.keys() - questions - LISTENING - {"CallMe", "DecideGrant", "CallCampaignCustomer"}:
        assert may_ask(name, "maria", AGENT, "maria"), name
        assert not may_ask(name, "web-site", ROLES["site"]), name
        assert not may_ask(name, "john", AGENT, "maria"), name
        assert not may_ask(name, "maria", frozenset(), "maria"), name
    assert not may_ask("DecideGrant", "maria", AGENT, "maria") and may_ask(
        "DecideGrant", "boss", SUPERVISOR, "boss"
    )
    for_others = {name for name in REQUESTS if may_ask(name, "john", SUPERVISOR, "boss")}
    promises = {"ScheduleCallback", "MoveCallback", "CancelCallback", "ListCallbacks"}
    assert for_others == {"Ready", "NotReady", "LogOut", "HangUp", *questions, *promises}
    assert Permission.ADMINISTER not in SUPERVISOR
    assert Permission.ADMINISTER in ROLES["admin"]


@pytest.mark.parametrize(
    ("asked", "signal"),
    [
        (request("Ready", {"agent": "maria"}), signals.ReadyRequested("r1", "maria")),
        (
            request("NotReady", {"agent": "maria", "reason": "lunch"}),
            signals.NotReadyRequested("r1", "maria", "lunch"),
        ),
        (request("LogOut", {"agent": "maria"}), signals.LogOutRequested("r1", "maria")),
        (
            request("HangUp", {"agent": "maria"}, contact="c1", state_version=4),
            signals.HangUpRequested("r1", "maria", "c1", 4),
        ),
        (request("OfferShown", {"agent": "maria", "offer": "o1"}), signals.OfferShown("maria", "o1")),
        (
            request(
                "SubmitDisposition", {"agent": "maria", "disposition": "sold", "note": "ok"}, contact="c1"
            ),
            signals.DispositionSubmitted("r1", "maria", "c1", "sold", "ok"),
        ),
        (request("PageOpened", {"agent": "maria", "page": "p1"}), signals.PageOpened("maria", "p1")),
        (request("PageClosed", {"agent": "maria", "page": "p1"}), signals.PageClosed("maria", "p1")),
    ],
)
def test_each_request_becomes_its_signal(asked: Request, signal: signals.Signal) -> None:
    """Arguments and envelope together are the signal, and the request as sent fits its schema."""
    assert signal_of(asked) == signal
    jsonschema.validate(json.loads(envelope.encode_request(asked)), documents()[f"request.{asked.name}.json"])


def test_the_envelope_wins_over_arguments_of_the_same_name() -> None:
    """Nobody can slip another request's id, contact or version past the envelope's checks."""
    sly = request(
        "HangUp", {"agent": "maria", "contact": "c9", "request": "r9", "state_version": 9}, contact="c1"
    )
    assert signal_of(sly) == signals.HangUpRequested("r1", "maria", "c1", 0)


@pytest.mark.parametrize(
    ("asked", "code", "text"),
    [
        (request("Explode", {"agent": "maria"}), "unknown_request", "no request is called 'Explode'"),
        (request("Ready", {}), "bad_request", "agent"),
        (request("Ready", {"agent": 5}), "bad_request", "agent"),
        (request("HangUp", {"agent": "maria"}), "bad_request", "HangUp needs a contact"),
    ],
)
def test_a_wrong_request_is_one_clear_refusal(asked: Request, code: str, text: str) -> None:
    """Unknown names and wrong arguments raise BadMessage with a code for the reply and one line of text."""
    with pytest.raises(BadMessage, match=text) as refused:
        signal_of(asked)
    assert refused.value.code == code


def test_who_listens_to_an_agent_is_hidden_where_agents_are_not_shown_it() -> None:
    """From the agent; a supervisor sees it all the same. Where it is shown, both see it."""
    monitor = {"supervisor": "boss", "mode": "listen", "visible": False}
    hidden = {"agent": "maria", "monitor": monitor}
    assert seen_state("agent", hidden, AGENT) == {"agent": "maria", "monitor": {}}
    assert seen_state("agent", hidden, SUPERVISOR) == hidden
    shown = {"agent": "maria", "monitor": {**monitor, "visible": True}}
    assert seen_state("agent", shown, AGENT) == shown


def test_only_supervisors_listen_in() -> None:
    """In their own name, with a permission of its own; an agent never."""
    for name in LISTENING:
        assert may_ask(name, "boss", SUPERVISOR, "boss")
        assert not may_ask(name, "maria", SUPERVISOR, "boss")
        assert not may_ask(name, "maria", AGENT, "maria")
