"""Tickets by REST: opened from the desk, worked on, told to whom they concern; timers that survive a restart."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent_console.ticket_book import TicketBook, TicketBooks
from agent_console.ticket_desk import About, Promised, TicketDesk, UnknownCategory, Wanted
from cti_engine.adapters.customer_schema import open_customers
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.ticket_store import Kept, TicketStore
from cti_engine.core.customers.ticket_rules import OWNER, SUPERVISOR, Category, DueRule, Rung, TicketRules
from cti_engine.core.customers.tickets import Change, Notice
from cti_engine.wire.tasks import spawn
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, Person, agent, offer
from tests.phones.waiting import until

in_the_loop = pytest.mark.asyncio(loop_scope="session")

RULES = TicketRules(
    categories={"fault": Category("fault", {}, 2)},
    priorities={1: {}, 2: {}},
    due=(DueRule(3600.0),),
    ladder=(Rung(OWNER, 0.5), Rung(SUPERVISOR, 1.0)),
)
CUSTOMERS = "customer,name,numbers,segment\nc01,Carmen Ruiz,+34 600 123 456,gold\n"


class Desk:
    """A desk over a file, with a clock that the test moves and what was told."""

    def __init__(self, path: Path, now: float) -> None:
        self.now = now
        self.told: list[tuple[int, Notice]] = []
        self.asked: list[tuple[str, float | None]] = []
        self.center: Promised | None = None  # away
        self.desk = TicketDesk(
            TicketStore(open_customers(path)),
            TicketBooks(lambda: TicketBook(RULES)),
            lambda: self.now,
            lambda notice, kept: self.told.append((kept.ticket.ticket, notice)),
            self._call_back,
        )
        self._running = spawn(self.desk.run(), "timers")

    async def _call_back(self, kept: Kept) -> Promised | None:
        self.asked.append((kept.ticket.owner, kept.ticket.call_back_at))
        return self.center

    async def move(self, now: float) -> None:
        """The clock jumps; any change makes the desk look at it."""
        self.now = now
        kept = await self.desk.open(About(), Wanted("fault", "x", "", "boss"))
        await self.desk.change(kept.ticket.ticket, Change("resolve", "boss", True, text="y"))

    async def close(self) -> None:
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running
        self.desk.store.database.close()


@in_the_loop
async def test_timers_survive_a_restart(tmp_path: Path) -> None:
    """The owner is told at half the time, the supervisor when it is due, after a restart too, and each only once."""
    first = Desk(tmp_path / "c.db", 1000.0)
    kept = await first.desk.open(About("c01"), Wanted("fault", "no line", "", "ana", owner="ana"))
    assert kept.due_at == 4600.0
    number = kept.ticket.ticket
    await first.move(2800.0)
    await until(lambda: first.told == [(number, Notice("escalated", "ana", "50%"))], "the owner to be told")
    await first.close()

    second = Desk(tmp_path / "c.db", 4600.0)
    await until(lambda: second.told == [(number, Notice("escalated", SUPERVISOR, "100%"))], "the supervisor")
    await second.move(9000.0)
    await second.close()
    assert len(second.told) == 1
    with closing(open_customers(tmp_path / "c.db")) as database:
        found = TicketStore(database).one(number)
    assert found is not None
    assert [(step.author, step.step, step.body.get("rung")) for step in found[1]] == [
        ("ana", "open", None),
        ("", "escalated", "50%"),
        ("", "escalated", "100%"),
    ]


@in_the_loop
async def test_a_colleague_learns_of_what_is_given(tmp_path: Path) -> None:
    """Given to john, he is told; what the admin does not know is refused, and nothing has happened."""
    desk = Desk(tmp_path / "c.db", 1000.0)
    kept = await desk.desk.open(About(), Wanted("fault", "x", "", "ana", owner="ana"))
    await desk.desk.change(kept.ticket.ticket, Change("give", "ana", to="john"))
    assert desk.told == [(kept.ticket.ticket, Notice("give", "john"))]
    with pytest.raises(UnknownCategory):
        await desk.desk.change(kept.ticket.ticket, Change("change", "john", category="faults"))
    with pytest.raises(UnknownCategory):
        await desk.desk.open(About(), Wanted("fault", "x", "", "ana", priority=7))
    found = desk.desk.store.one(kept.ticket.ticket)
    assert found is not None
    assert len(found[1]) == 2
    assert len(desk.desk.store.all_open()) == 1
    await desk.close()


@in_the_loop
async def test_a_call_back_reaches_the_owner(tmp_path: Path) -> None:
    """The center is asked until it answers, and once only after that; what it refuses is in the history."""
    desk = Desk(tmp_path / "c.db", 1000.0)
    kept = await desk.desk.open(About("c01", "+34600000101"), Wanted("fault", "x", "", "ana", owner="ana"))
    number = kept.ticket.ticket
    await desk.desk.change(number, Change("wait", "ana", until=5000.0, call_back=True))
    await until(lambda: desk.asked, "the center to be asked")

    def history() -> list[str]:
        found = desk.desk.store.one(number)
        return [step.step for step in found[1]] if found is not None else []

    desk.center = Promised(contact="c-9")
    await desk.move(1001.0)
    await until(lambda: history() == ["open", "wait", "call_back"], "the promise in the history")
    before = len(desk.asked)
    await desk.move(1002.0)
    desk.center = Promised(refused="number_not_allowed")
    await desk.desk.change(number, Change("wait", "ana", until=6000.0, call_back=True))
    await until(lambda: history()[-1] == "no_call_back", "the refusal in the history")
    assert desk.asked[before:] == [("ana", 6000.0)]
    assert set(desk.asked[:before]) == {("ana", 5000.0)}
    await desk.close()


@in_the_loop
async def test_from_the_call_to_what_worked(running: tuple[StandInEngine, ConsoleProcess]) -> None:
    """Opened from the desk for the caller; a colleague's comment is told to the owner at once; resolved, it helps the
    next one with the same trouble; a late click, an unknown number and others' desks are refused.
    """
    engine, console = running
    folder = console.folder
    (folder / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    with closing(CustomerStore(folder / "customers.db")) as customers:
        customers.import_csv(folder / "customers.csv", 1000.0)
    pop = offer()
    on_desk = agent(state="talking", contact="c-1", offer=asdict(pop), queues=("sales_es",))
    await engine.shows(on_desk)
    await engine.shows(agent("john", queues=("support_en",)))
    maria, john = Person(console), Person(console)
    await maria.log_in("maria")
    await john.log_in("john")
    async with maria.page() as page:
        await page.until("snapshot", engine=True)
        await page.ask("Ready")  # what was published before has arrived
        new = {"category": "fault", "subject": "Router sin conexión", "text": "luz roja", "contact": "c-1"}
        status, ticket = await maria.post("/api/tickets", json=new)
        assert status == 201, ticket
        number = ticket["ticket"]
        seen = {
            name: ticket[name]
            for name in ("customer", "name", "segment", "owner", "state", "queue", "priority")
        }
        assert seen == {
            "customer": "c01", "name": "Carmen Ruiz", "segment": "gold", "owner": "maria", "state": "taken",
            "queue": "sales_es", "priority": 2,
        }  # fmt: skip
        assert ticket["due_at"] == pytest.approx(ticket["opened_at"] + 7200.0)
        for asked in ("of=mine", "of=customer&contact=c-1"):
            _, answer = await maria.get(f"/api/tickets?{asked}")
            assert [one["ticket"] for one in answer["tickets"]] == [number], asked

        status, _ = await john.post(
            f"/api/tickets/{number}/changes", json={"kind": "comment", "text": "llamó otra vez"}
        )
        assert status == 200
        notice = await page.until("ticket", kind="comment")
        assert notice["ticket"]["ticket"] == number

        tomorrow = time.time() + 86_400.0
        wait = {"kind": "wait", "until": tomorrow, "call_back": True}
        status, _ = await maria.post(f"/api/tickets/{number}/changes", json=wait)
        assert status == 200
        request = await engine.until_heard("ScheduleCallback")
        told = {name: request.args[name] for name in ("agent", "number", "queue", "at")}
        at = datetime.fromtimestamp(tomorrow, UTC).astimezone().strftime("%Y-%m-%dT%H:%M:%S")
        assert told == {"agent": "maria", "number": "+34600123456", "queue": "sales_es", "at": at}

        async def promised() -> bool:
            _, found = await maria.get(f"/api/tickets/{number}")
            return bool(found["steps"][-1]["step"] == "call_back")

        while not await promised():
            await asyncio.sleep(0)
        await maria.post(f"/api/tickets/{number}/changes", json={"kind": "resume"})

    async def refused(person: Person, path: str, body: dict[str, Any]) -> tuple[int, str]:
        status, answer = await person.post(path, json=body)
        return status, answer["error"]["code"]

    changes = f"/api/tickets/{number}/changes"
    assert await refused(john, changes, {"kind": "resolve", "text": "x"}) == (403, "forbidden")
    assert await refused(john, changes, {"kind": "take"}) == (409, "stale")
    assert await refused(john, "/api/tickets", {**new, "contact": "c-1"}) == (409, "not_on_desk")
    assert await refused(john, "/api/tickets", {**new, "contact": ""}) == (403, "forbidden")
    assert await refused(maria, "/api/tickets", {**new, "category": "x"}) == (422, "unknown_category")
    assert await refused(maria, changes, {"kind": "give", "to": "nobody"}) == (422, "unknown_agent")
    assert await refused(maria, "/api/tickets/99/changes", {"kind": "take"}) == (404, "unknown_ticket")
    assert await refused(maria, changes, {"kind": "resolve"}) == (409, "no_resolution")

    status, done = await maria.post(changes, json={"kind": "resolve", "text": "Restaurar de fábrica"})
    assert (status, done["state"]) == (200, "resolved")
    _, history = await maria.get(f"/api/tickets/{number}")
    assert [(step["author"], step["step"]) for step in history["steps"]] == [
        ("maria", "open"), ("john", "comment"), ("maria", "wait"), ("", "call_back"), ("maria", "resume"),
        ("maria", "resolve"),
    ]  # fmt: skip
    _, found = await john.get(
        "/api/cases", params={"text": "el ROUTER no tiene conexion", "category": "fault"}
    )
    assert [(case["ticket"], case["resolution"]) for case in found["cases"]] == [
        (number, "Restaurar de fábrica")
    ]
    await maria.close()
    await john.close()


CHANGES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "change": ({"priority": 1, "category": "complaint"}, {"owner", "supervisor"}),
    "comment": ({"text": "x"}, {"owner", "colleague", "supervisor"}),
    "wait": ({}, {"owner", "supervisor"}),
    "resume": ({}, {"owner", "supervisor"}),
    "give": ({"to": "maria"}, {"owner", "supervisor"}),
    "resolve": ({"text": "x"}, {"owner", "supervisor"}),
    "reopen": ({}, {"owner", "colleague", "supervisor"}),
    "release": ({}, {"owner", "supervisor"}),
    "take": ({}, {"owner", "colleague", "supervisor"}),
}
"""In an order that is possible: what is sent, and who may do it to a ticket of maria's."""


@in_the_loop
async def test_who_may_do_what_to_a_ticket(running: tuple[StandInEngine, ConsoleProcess]) -> None:
    """Owner, colleague and supervisor by each change; what is refused leaves no line in the history. Another priority
    and category are in the ticket, its time until due and the history.
    """
    engine, console = running
    pop = asdict(offer(number="+34600999999", segment="silver"))
    await engine.shows(agent("maria", state="talking", contact="c-1", offer=pop))
    await engine.shows(agent("john"))
    people = {role: Person(console) for role in ("owner", "colleague", "supervisor")}
    for role, user in (("owner", "maria"), ("colleague", "john"), ("supervisor", "supervisor")):
        await people[role].log_in(user)
    async with people["owner"].page() as page:
        await page.until("snapshot", engine=True)
        await page.ask("Ready")  # what was published before has arrived
    new = {"category": "fault", "subject": "x", "contact": "c-1"}
    for role, person in people.items():
        _, ticket = await people["owner"].post("/api/tickets", json=new)
        changes = f"/api/tickets/{ticket['ticket']}/changes"
        for kind, (body, may) in CHANGES.items():
            status, answer = await person.post(changes, json={"kind": kind, **body})
            assert (status == 200) == (role in may), f"{kind} by {role}: {status} {answer}"
            if role not in may:
                assert (status, answer["error"]["code"]) == (403, "forbidden"), f"{kind} by {role}"
                status, _ = await people["owner"].post(changes, json={"kind": kind, **body})
                assert status == 200, kind
        _, found = await person.get(f"/api/tickets/{ticket['ticket']}")
        assert (found["priority"], found["category"]) == (1, "complaint")
        assert found["due_at"] == pytest.approx(found["opened_at"] + 4 * 3600.0, abs=120.0)
        assert [step["step"] for step in found["steps"]] == ["open", *CHANGES]
        assert found["steps"][1]["body"] == {"category": "complaint", "priority": 1}
    for person in people.values():
        await person.close()


@in_the_loop
async def test_supervisors_see_what_is_late_and_what_nobody_has(
    running: tuple[StandInEngine, ConsoleProcess],
) -> None:
    """A ticket for who takes it is in the list of its queue's agents and of supervisors, who may give it away."""
    engine, console = running
    await engine.shows(agent("john", queues=("support_en",)))
    boss, john, maria = Person(console), Person(console), Person(console)
    for person, user in ((boss, "supervisor"), (john, "john"), (maria, "maria")):
        await person.log_in(user)
    async with john.page() as page:
        await page.until("snapshot", engine=True)
        await page.ask("Ready")
    new = {
        "category": "complaint",
        "subject": "wrong bill",
        "customer": "c01",
        "queue": "support_en",
        "mine": False,
    }
    status, ticket = await boss.post("/api/tickets", json=new)
    assert (status, ticket["state"], ticket["owner"], ticket["priority"]) == (201, "new", "", 1)
    number = ticket["ticket"]

    async def numbers(person: Person, of: str) -> list[int] | int:
        status, answer = await person.get(f"/api/tickets?of={of}")
        return [one["ticket"] for one in answer["tickets"]] if status == 200 else status

    assert await numbers(john, "queues") == await numbers(boss, "queues") == [number]
    assert await numbers(maria, "queues") == []
    assert await numbers(boss, "late") == []
    assert [await numbers(maria, of) for of in ("late", "all")] == [403, 403]
    status, given = await boss.post(f"/api/tickets/{number}/changes", json={"kind": "give", "to": "john"})
    assert (status, given["owner"]) == (200, "john")
    status, answer = await boss.post("/api/tickets", json={**new, "customer": "c99"})
    assert (status, answer["error"]["code"]) == (422, "unknown_customer")
    for person in (boss, john, maria):
        await person.close()


def test_a_ticket_is_shown_whole() -> None:
    """Whatever the store keeps of a ticket and the page needs is in the answer."""
    from agent_console.ticket_answers import TicketShown
    from agent_console.tickets import shown
    from cti_engine.core.customers.tickets import Ticket

    kept = Kept(
        replace(Ticket(4711, "c01", "fault", "x", 2), told=("50%",)), 1.0, 2.0, "+34600123456", "Carmen"
    )
    assert shown(kept).keys() == set(TicketShown.__struct_fields__)
