"""`/api/history` and `/api/my-day`: what an agent has done, found again, and for whom."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from cti_engine.core import events as ev
from tests.console.stand_in_engine import StandInEngine
from tests.console.test_live import until_known
from tests.console.world import Person, agent

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def found(person: Person, **query: Any) -> list[str]:
    status, answer = await person.get("/api/history", params=query)
    assert status == 200, answer
    return [one["contact"] for one in answer["contacts"]]


async def test_history_is_ones_own(person: Person, engine: StandInEngine) -> None:
    """An agent reads own closed contacts, newest first, and nobody else's; a supervisor reads anybody's."""
    now = time.time()
    for n in range(30):
        engine.keep_cdr(
            contact=f"c{n}", ended_at=now - n * 1800, agent="maria" if n % 2 else "john", talk_s=n, note="x"
        )
    await person.log_in("maria")
    assert await found(person, limit=3) == ["c1", "c3", "c5"]
    status, answer = await person.get("/api/history?agent=john")
    assert (status, answer["error"]["code"]) == (403, "forbidden")
    supervisor = Person(person.console)
    await supervisor.log_in("supervisor")
    assert len(await found(supervisor, agent="john", limit=100)) == 15
    await supervisor.close()


async def test_contacts_are_found_again(person: Person, engine: StandInEngine) -> None:
    """By number however it is written, by name without accents, by words of the note, by day; page after page, each
    once, also where many ended in the same moment; nothing that was asked wrongly is answered.
    """
    now = time.time()
    base = {
        "agent": "maria",
        "ani": "+34600123456",
        "name": "",
        "queue": "sales_es",
        "note": "",
        "disposition": "sale",
    }
    kept: list[dict[str, Any]] = [
        {"contact": "c1", "ended_at": now - 60, "name": "Begoña Ruíz", "note": "Two laptops"},
        {"contact": "c2", "ended_at": now - 3 * 3600, "ani": "+12135550100", "note": "A laptop, late"},
        {"contact": "c3", "ended_at": now - 6 * 86400, "disposition": "complaint"},
        {"contact": "c4", "ended_at": now - 40 * 86400},
        *({"contact": f"d{n}", "ended_at": now - 7200.0, "note": "same"} for n in range(7)),
    ]
    for one in kept:
        engine.keep_cdr(**{**base, **one})
    engine.keep_cdr(**{**base, "contact": "x", "ended_at": now - 50, "agent": "john", "note": "laptop same"})
    await person.log_in("maria")
    for text, contacts in (
        ("begona", ["c1"]),
        ("RUIZ two", ["c1"]),
        ("laptop", ["c1", "c2"]),
        ("laptop late", ["c2"]),
        ("213-555", ["c2"]),
        ("555 0100", ["c2"]),
        ("complaint", ["c3"]),
        ("%", []),
        ("zebra", []),
    ):
        assert await found(person, text=text) == contacts, text
    day = datetime.fromtimestamp(now - 40 * 86400, UTC).date().isoformat()
    assert await found(person, day=day) == ["c4"]
    seen: list[str] = []
    before: str | None = ""
    while before is not None:
        query = {"text": "same", "limit": 3, **({"before": before} if before else {})}
        status, answer = await person.get("/api/history", params=query)
        assert status == 200 and len(answer["contacts"]) <= 3
        seen += [one["contact"] for one in answer["contacts"]]
        before = answer["next"]
    assert seen == [f"d{n}" for n in range(6, -1, -1)]
    for wrong in (
        {"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"limit": "9" * 5000}, {"limit": "²"}, {"text": "x" * 101},
        {"day": "yesterday"}, {"day": "2026-02-30"}, {"page": "2"},
    ):  # fmt: skip
        status, answer = await person.get("/api/history", params=wrong)
        assert (status, answer["error"]["code"]) == (400, "bad_request"), wrong
    for nowhere in ("x", "nan,c1", "1"):
        status, answer = await person.get("/api/history", params={"before": nowhere})
        assert (status, answer["error"]["code"]) == (422, "unknown_place")


async def test_a_call_of_several_agents(maria: Person, engine: StandInEngine) -> None:
    """Who was one of several finds the call with the own talk, result and note, and not those of the others."""
    part = {"queue": "", "bridged_at": 1.0, "disposition": "", "note": ""}
    segments = [
        {**part, "agent": "maria", "talk_s": 20.0, "note": "wants a refund"},
        {**part, "agent": "john", "talk_s": 90.0, "disposition": "complaint", "note": "angry"},
    ]
    engine.keep_cdr(
        contact="c1", ended_at=time.time() - 5, agent="john", queue="sales_es", talk_s=110.0, note="angry",
        disposition="complaint", segments=segments,
    )  # fmt: skip
    status, answer = await maria.get("/api/history")
    (own,) = answer["contacts"]
    assert (status, own["agent"], own["talk_s"], own["queue"]) == (200, "maria", 20.0, "sales_es")
    assert (own["disposition"], own["note"]) == ("", "wants a refund")
    assert (await found(maria, text="refund"), await found(maria, text="angry")) == (["c1"], [])


async def test_my_day(maria: Person, engine: StandInEngine) -> None:
    """Calls, missed offers and hold of today, from the feed; another agent's day is not told."""
    await engine.shows(agent())
    await until_known(maria, "agent", "maria")
    moment = time.time()
    for event in (
        ev.CallBridged("c4", "john", "sales_es", 4.0, 3.0),
        ev.CallBridged("c1", "maria", "sales_es", 4.0, 3.0),
        ev.CallHeld("c1", "maria", True),
        ev.CallHeld("c1", "maria", False),
        ev.AgentStateChanged("maria", "ready", "", "wrap_up", "c1", "ready", "", "talking", 0.5),
        ev.OfferEnded("c2", "maria", "o", "no_answer", 20.0),
        ev.OfferEnded("c3", "maria", "o", "caller_gone", 2.0),
    ):
        seq = await engine.says(event, at=moment)
        moment += 0.1
    async with maria.page() as page:
        snapshot = await page.until("snapshot")
        if snapshot["seq"] < seq:
            await page.until("event", seq=seq)
    status, day = await maria.get("/api/my-day")
    assert status == 200
    assert (day["agent"], day["calls"], day["missed"]) == ("maria", 1, 1)
    assert day["hold_s"] == pytest.approx(0.1, abs=0.01)
    status, answer = await maria.get("/api/my-day?agent=john")
    assert (status, answer["error"]["code"]) == (403, "forbidden")
