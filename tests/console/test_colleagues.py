"""Who of an agent's colleagues is here: who is seen by whom, and that nothing else of them is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from agent_console.colleagues import Colleagues
from cti_engine.wire.envelope import StateMessage
from tests.console.stand_in_engine import StandInEngine
from tests.console.test_live import until_known
from tests.console.world import Person, agent

FREE, BUSY, AWAY = ({"is": word} for word in ("free", "busy", "away"))


class Room:
    """Colleagues without a console; `passes()` lets a second pass, `told` is what one page got since."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []
        self.colleagues = Colleagues(lambda seconds, call: self.due.append(call))
        self.pages: dict[str, list[dict[str, Any]]] = {}

    def shows(self, name: str, **fields: Any) -> None:
        fields = {"queues": ("sales",), "name": name.title(), **fields}
        self.colleagues.on_state("agent", name, StateMessage("", asdict(agent(name, **fields))))

    def opens(self, name: str) -> None:
        self.pages[name] = []
        self.colleagues.listen(name, name, lambda text: self.pages[name].append(json.loads(text)))

    def passes(self) -> None:
        due, self.due = self.due, []
        for call in due:
            call()

    def told(self, name: str) -> list[dict[str, Any]]:
        told, self.pages[name] = self.pages[name], []
        return told


def said(
    here: dict[str, dict[str, str]], gone: tuple[str, ...] = (), *, all_: bool = False
) -> dict[str, Any]:
    return {"type": "colleagues", "here": here, "gone": list(gone), "all": all_}


def test_in_one_word() -> None:
    """Free is who could be given a call at once; a contact makes busy, no phone or not ready away; who is logged out is
    not here; and of a colleague nothing is told but that and the name.
    """
    room = Room()
    room.shows("maria")
    room.shows("ana")
    room.shows("ben", state="wrap_up", contact="c-1", offer={"number": "+34600"})
    room.shows("eva", phone=False)
    room.shows("leo", status="not_ready", reason="lunch")
    room.shows("zoe", status="logged_out")
    assert room.colleagues.of("maria") == {
        "ana": {"name": "Ana", **FREE},
        "ben": {"name": "Ben", **BUSY},
        "eva": {"name": "Eva", **AWAY},
        "leo": {"name": "Leo", **AWAY},
    }


def test_only_who_shares_a_queue() -> None:
    """Nobody of other queues is told of, and who has no queue sees nobody."""
    room = Room()
    for name, queues in (
        ("maria", ("sales", "gold")),
        ("ana", ("gold",)),
        ("ben", ("support",)),
        ("eva", ()),
    ):
        room.shows(name, queues=queues)
    assert list(room.colleagues.of("maria")) == ["ana"]
    assert list(room.colleagues.of("ana")) == ["maria"]
    assert room.colleagues.of("ben") == room.colleagues.of("eva") == room.colleagues.of("nobody") == {}


def test_all_at_first_then_what_changed() -> None:
    """A page gets all, then once a second who changed and who is gone, however often; no word when nothing did."""
    room = Room()
    for name in ("maria", "ana", "ben"):
        room.shows(name)
    room.passes()
    room.opens("maria")
    assert room.told("maria") == [
        said({n: {"name": n.title(), **FREE} for n in ("ana", "ben", "maria")}, all_=True)
    ]
    room.shows("ana", state="ringing")
    room.shows("ana", state="talking")
    room.shows("ben", status="logged_out")
    assert (room.told("maria"), len(room.due)) == ([], 1)
    room.passes()
    assert room.told("maria") == [said({"ana": {"name": "Ana", **BUSY}}, ("ben",))]
    room.shows("ana", state="wrap_up")
    room.passes()
    assert (room.told("maria"), room.due) == ([], [])


def test_queues_that_change() -> None:
    """Who leaves the shared queue is gone, who comes into it is there; who moves oneself gets all anew."""
    room = Room()
    room.shows("maria")
    room.shows("ana")
    room.shows("ben", queues=("support",))
    room.opens("maria")
    room.passes()
    room.told("maria")
    room.shows("ana", queues=("support",))
    room.shows("ben")
    room.passes()
    assert room.told("maria") == [said({"ben": {"name": "Ben", **FREE}}, ("ana",))]
    room.shows("maria", queues=("support",))
    room.passes()
    assert room.told("maria") == [said({n: {"name": n.title(), **FREE} for n in ("ana", "maria")}, all_=True)]
    room.colleagues.leave("maria")
    room.shows("ana", state="talking")
    room.passes()
    assert room.told("maria") == []


@pytest.mark.asyncio(loop_scope="session")
async def test_on_the_page_and_by_rest(person: Person, engine: StandInEngine) -> None:
    """An agent's page is told of colleagues, who can also be read; a supervisor who is no agent of a queue has none."""
    await engine.shows(agent("maria"))
    await engine.shows(agent("john"))
    await person.log_in("maria")
    await until_known(person, "agent", "maria")
    async with person.page() as page:
        await page.until("colleagues", all=True)
        await engine.changes("john", state="talking", contact="c-1", offer={"number": "+34600"})
        told: dict[str, Any] = {}
        while told.get("john") != {"name": "John Smith", **BUSY}:
            told = (await page.until("colleagues", all=False))["here"]
    assert await person.get("/api/colleagues") == (200, {"colleagues": {"john": told["john"]}})
    supervisor = Person(person.console)
    await supervisor.log_in("supervisor")
    assert await supervisor.get("/api/colleagues") == (200, {"colleagues": {}})
    await supervisor.close()
