"""`/api/queues/.../waiting` and `/api/contacts/.../explanation`: for supervisors, from the log and the engine."""

from __future__ import annotations

from typing import Any

import pytest

from cti_engine.core import events as ev
from cti_engine.wire.envelope import ReplyError, ReplyMessage, Request
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, Person

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACE: dict[str, Any] = {
    "queue": "sales_es", "step": 0, "steps": 2, "pool": ["agent.spanish >= 7"], "ahead": 1, "next_step_at": 0.0,
    "next_pool": "", "members": 1, "kept_off": {"not_free": 1}, "agents": [],
}  # fmt: skip


def answers(request: Request) -> ReplyMessage:
    if request.name == "ListWaiting" and request.args["queue"] == "sales_es":
        return ReplyMessage(request.id, True, result={"calls": [{"contact": "c-7"}]})
    if request.name == "Explain" and request.contact == "c-7":
        return ReplyMessage(request.id, True, result={"state": "queued", "waiting": [PLACE]})
    return ReplyMessage(request.id, False, ReplyError("unknown_contact", "no such call; it may be over"))


async def test_the_story_and_the_present(
    person: Person, engine: StandInEngine, console: ConsoleProcess
) -> None:
    """What routing wrote of the contact, without other facts, and what the engine says of it now."""
    engine.answer = answers
    await console.knows_engine()
    await engine.says(ev.CallArrived("c-7", "+34600", "1000", "", "guest"))
    await engine.says(ev.CallQueued("c-7", "sales_es", 0, 1))
    await engine.says(
        ev.AgentReserved("c-7", "maria", "o1", "sales_es", 0.15, {"side": "call", "lost_by": "rank"})
    )
    await person.log_in("supervisor")
    status, answer = await person.get("/api/contacts/c-7/explanation")
    assert status == 200 and [fact["event"] for fact in answer["story"]] == ["CallQueued", "AgentReserved"]
    assert answer["story"][1]["data"]["why"]["lost_by"] == "rank"
    assert (answer["state"], answer["waiting"]) == ("queued", [PLACE])
    assert await person.get("/api/queues/sales_es/waiting") == (200, {"calls": [{"contact": "c-7"}]})


async def test_a_call_that_is_over_has_its_story_alone(person: Person, engine: StandInEngine) -> None:
    """The engine does not know it any longer; with the engine away, what is not known is null and not empty."""
    engine.answer = answers
    await engine.says(ev.CallQueued("c-8", "sales_es", 0, 1))
    await person.log_in("supervisor")
    _, answer = await person.get("/api/contacts/c-8/explanation")
    assert (len(answer["story"]), answer["waiting"]) == (1, [])
    engine.answer = lambda request: None
    _, answer = await person.get("/api/contacts/c-8/explanation")
    assert (len(answer["story"]), answer["waiting"]) == (1, None)
    status, answer = await person.get("/api/queues/sales_es/waiting")
    assert (status, answer["error"]["code"]) == (503, "engine_away")


async def test_what_nobody_knows_is_not_found(person: Person, engine: StandInEngine) -> None:
    """404 for a contact of which neither log nor engine knows, 400 for an id that is none."""
    engine.answer = answers
    await person.log_in("supervisor")
    assert (await person.get("/api/contacts/c-999/explanation"))[0] == 404
    assert (await person.get(f"/api/contacts/{'c' * 101}/explanation"))[0] == 400


async def test_agents_may_not_ask(person: Person, engine: StandInEngine) -> None:
    """Who may not watch the center gets 403 and the engine is not asked; without a session 401."""
    engine.answer = answers
    for path in ("/api/contacts/c-7/explanation", "/api/queues/sales_es/waiting"):
        assert (await person.get(path))[0] == 401
    await person.log_in("maria")
    for path in ("/api/contacts/c-7/explanation", "/api/queues/sales_es/waiting"):
        status, answer = await person.get(path)
        assert (status, answer["error"]["code"]) == (403, "forbidden")
    assert engine.requests == []
