"""Robots at a real console's pages: they click what a human would, and come back by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from random import Random
from typing import Any

import pytest

from cti_engine.core import events as ev
from cti_engine.runtime.demo.desk import NOTES, AgentDesk, Desk, LogInRefused, WatchDesk
from cti_engine.wire.tasks import spawn
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, agent, offer
from tests.phones.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def at_work(desk: Desk) -> AsyncIterator[None]:
    work = spawn(desk.run(), f"desk of {desk.user}")
    try:
        yield
    finally:
        work.cancel()
        await asyncio.wait([work])


def maria_at(console: ConsoleProcess) -> AgentDesk:
    return AgentDesk(
        console.url, "maria", console.passwords["maria"], Random(337)
    )  # writes its notes quickly


async def test_an_agent_works_a_whole_call(console: ConsoleProcess, engine: StandInEngine) -> None:
    """A robot who is not ready asks for it; a pop is said to be painted once; after the call comes one
    disposition that the admin knows, with a note in the call's language; a second call is worked the same way."""
    await engine.shows(agent(status="logged_out"))
    async with at_work(maria_at(console)):
        assert (await engine.until_heard("PageOpened", within=10)).args["agent"] == "maria"
        assert (await engine.until_heard("Ready")).by == "maria"
        await engine.changes("maria", status="ready")
        for number in (1, 2):
            call = offer(contact=f"c-{number}")
            await engine.changes("maria", state="reserved", contact=call.contact, offer=asdict(call))
            shown = await engine.until_heard("OfferShown", number)
            assert shown.args == {"agent": "maria", "offer": call.offer}
            await engine.changes("maria", state="ringing")
            await engine.changes("maria", state="talking")
            await engine.changes("maria", state="wrap_up")
            await engine.changes("maria", wrap_up_ends_at=1.0)
            written = await engine.until_heard("SubmitDisposition", number, within=12)
            assert written.contact == call.contact
            assert written.args["disposition"] in ("sale", "question", "call_again", "complaint")
            assert written.args["note"] in NOTES["es"]
            await engine.changes("maria", state="idle", contact="", offer={})
        assert [len(engine.heard(name)) for name in ("Ready", "OfferShown", "SubmitDisposition")] == [1, 2, 2]


async def test_an_agent_is_ready_again_after_a_missed_call(
    console: ConsoleProcess, engine: StandInEngine
) -> None:
    """After a RONA has made the robot not ready, it asks to be ready again."""
    await engine.shows(agent())
    async with at_work(maria_at(console)):
        await engine.until_heard("PageOpened", within=10)
        await engine.changes("maria", status="not_ready", reason="rona")
        await engine.until_heard("Ready")


async def test_a_desk_comes_back_when_the_console_does(
    console: ConsoleProcess, engine: StandInEngine
) -> None:
    """When the console is restarted the robot is at its page again, without a new password."""
    await engine.shows(agent())
    async with at_work(maria_at(console)):
        await engine.until_heard("PageOpened", within=10)
        await console.stop()
        await console.start()
        await engine.until_heard("PageOpened", 2, within=10)


async def test_a_wrong_password_is_a_clear_end(console: ConsoleProcess) -> None:
    """A password that was renewed meanwhile ends the robot with the console's words, not with endless tries."""
    with pytest.raises(LogInRefused, match="the console refuses maria: user or password is wrong"):
        await Desk(console.url, "maria", "old-password").run()


async def test_the_watch_sees_phones_and_facts(console: ConsoleProcess, engine: StandInEngine) -> None:
    """The supervisor's watch learns which agents have phones of their own, then every fact as it happens."""
    await engine.shows(agent(phone=True))
    await engine.shows(agent("john", phone=False))
    await wait_for_views(console)
    facts: list[tuple[str, str, dict[str, Any]]] = []

    def note(name: str, contact: str, data: dict[str, Any]) -> None:
        facts.append((name, contact, data))

    watch = WatchDesk(console.url, "supervisor", console.passwords["supervisor"], note)
    async with at_work(watch):
        await asyncio.wait_for(watch.connected.wait(), 10)
        assert watch.with_phone == {"maria"}
        await engine.says(ev.CallArrived("c-1", "+34600000101", "1000", "", "guest"))
        await engine.says(ev.CallBridged("c-1", "maria", "sales_es", 4.0, 1.0))
        await until(lambda: len(facts) == 2, "two facts")
    assert [(name, contact) for name, contact, _ in facts] == [("CallArrived", "c-1"), ("CallBridged", "c-1")]
    assert facts[0][2]["ani"] == "+34600000101" and facts[1][2]["waited_s"] == 4.0


async def wait_for_views(console: ConsoleProcess) -> None:
    """Until the console itself knows the agents whom the engine has shown."""

    class Look(Desk):
        seen: frozenset[str] = frozenset()

        def on_state(self, kind: str, id_: str, view: dict[str, Any] | None) -> None:
            self.seen |= {id_} if kind == "agent" else set()

    look = Look(console.url, "supervisor", console.passwords["supervisor"])
    async with at_work(look):
        await until(lambda: {"maria", "john"} <= look.seen, "both agents at the console", within=10)
