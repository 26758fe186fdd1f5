"""The fairness report: days made by hand, the formulas, and the fold in pieces against the fold of all."""

from __future__ import annotations

import io
import json
import random
from dataclasses import asdict
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cti_engine.commands.fairness_report import fairness, show, write_json
from cti_engine.core import events as ev
from cti_engine.core.definitions import AgentDefinition, CenterDefinitions, QueueDefinition
from cti_engine.core.reporting.fairness import AgentDays, Present, report, spread
from cti_engine.ports import Batch, StoredEvent
from cti_engine.runtime.stores import open_store
from cti_engine.wire.vocabulary import to_plain
from tests.scenarios.playbook import Caller, Desk, Elapse, Scenario
from tests.scenarios.small_center import DEFINITIONS

DAY = 1_700_000_000.0
SKILLED = {
    "maria": AgentDefinition("maria", "Maria", {"spanish": 9}),
    "john": AgentDefinition("john", "John", {"spanish": 9}),
    "ana": AgentDefinition("ana", "Ana", {"spanish": 9}, site="bogota"),
    "luis": AgentDefinition("luis", "Luis", {"english": 9}),
}
QUEUES = (
    QueueDefinition("sales", "Sales", ("maria", "john", "ana")),
    QueueDefinition("help", "Help", ("luis",)),
)


def changed(agent: str, was: tuple[str, str], for_s: float, now: tuple[str, str]) -> ev.AgentStateChanged:
    return ev.AgentStateChanged(agent, now[0], "", now[1], "", was[0], "", was[1], for_s)


IDLE, TALKING, WRAP_UP, BREAK, OUT = (
    ("ready", "idle"), ("ready", "talking"), ("ready", "wrap_up"), ("not_ready", "idle"), ("logged_out", "idle"),
)  # fmt: skip


def test_an_hour_made_by_hand() -> None:
    """Maria: 10 minutes idle, 30 on a call, 5 of wrap-up, 15 of break. What began before the hour counts from its
    beginning, what still runs until now, and who was logged out has no occupancy."""
    days = AgentDays(DAY)
    days.apply(changed("maria", OUT, 50.0, IDLE), DAY - 600)  # before: counts nowhere
    for at, event in (
        (DAY + 600, changed("maria", IDLE, 1200.0, TALKING)),
        (DAY + 600, ev.CallOffered("c1", "o1", "maria", "", "", "", "", "sales", 0.0)),
        (DAY + 601, ev.CallBridged("c1", "maria", "sales", 2.0, 1.0)),
        (DAY + 2400, changed("maria", TALKING, 1800.0, WRAP_UP)),
        (DAY + 2700, changed("maria", WRAP_UP, 300.0, BREAK)),
    ):
        days.apply(event, at)
    found = days.until(
        DAY + 3600, {"john": Present(*OUT, since=DAY - 5), "ana": Present(*IDLE, since=DAY - 900)}
    )
    maria = found["maria"]
    assert (maria.idle, maria.on_contact, maria.handling, maria.not_ready) == (600.0, 2100.0, 2100.0, 900.0)
    assert (maria.calls, maria.offers, maria.aht) == (1, 1, 2100.0)
    assert maria.occupancy == pytest.approx(2100 / 2700) and maria.idle_share == pytest.approx(600 / 3600)
    assert found["john"].occupancy is None and found["john"].idle_share is None
    assert (found["ana"].idle, found["ana"].occupancy, found["ana"].aht) == (3600.0, 0.0, None)


def test_hold_and_reasons_stand_alone() -> None:
    """Hold is no talk, whether taken back, ended with the call or still running; each not-ready reason has its time."""
    days = AgentDays(DAY)
    lunch = ev.AgentStateChanged("maria", "ready", "", "talking", "c1", "not_ready", "lunch", "idle", 100.0)
    for at, event in (
        (DAY + 100, lunch),
        (DAY + 110, ev.CallHeld("c1", "maria", True)),
        (DAY + 130, ev.CallHeld("c1", "maria", False)),
        (DAY + 150, ev.CallHeld("c1", "maria", True)),
        (DAY + 160, changed("maria", TALKING, 60.0, WRAP_UP)),
        (DAY + 190, changed("maria", WRAP_UP, 30.0, TALKING)),
        (DAY + 195, ev.CallHeld("c2", "maria", True)),
    ):
        days.apply(event, at)
    maria = days.day_of("maria", DAY + 200, {})
    assert (maria.talk, maria.held, maria.wrap_up) == (35.0, 35.0, 30.0)
    assert (maria.not_ready, maria.reasons) == (100.0, {"lunch": 100.0})
    assert days.day_of("nobody", DAY + 200, {}).calls == 0


def test_the_spread_of_equal_and_of_unequal_shares() -> None:
    """Equal: CV 0, Jain 1. One of four has it all: Jain 1/4, CV the square root of 3. One alone: neither."""
    equal = spread("x", dict.fromkeys("abcd", 0.5))
    one = spread("x", {"a": 0.8, "b": 0.0, "c": 0.0, "d": 0.0})
    alone, nobody, idle = spread("x", {"a": 0.5}), spread("x", {}), spread("x", {"a": 0.0, "b": 0.0})
    assert equal is not None and (equal.cv, equal.jain, equal.mean) == (0.0, 1.0, 0.5)
    assert one is not None and one.cv == pytest.approx(3**0.5) and one.jain == pytest.approx(0.25)
    assert alone is not None and (alone.cv, alone.jain) == (None, None)
    assert idle is not None and (idle.cv, idle.jain) == (None, None)
    assert nobody is None


def test_only_equals_are_compared_and_queues_and_sites_are_taken_together() -> None:
    """Maria, John and Ana are equal, Luis is not. Queues and sites weigh their agents by time."""
    days = AgentDays(DAY)
    for agent, busy in (("maria", 900.0), ("john", 600.0), ("ana", 300.0), ("luis", 0.0)):
        days.apply(changed(agent, TALKING, busy, IDLE), DAY + busy)
    found = report(days, DAY + 1000, {}, SKILLED, QUEUES)
    [group] = found.equals
    assert (group.members, group.lowest, group.highest) == (("ana", "john", "maria"), 0.3, 0.9)
    assert group.mean == pytest.approx(0.6) and group.jain == pytest.approx(1.8**2 / (3 * 1.26))
    assert found.queues == {"sales": pytest.approx(0.6), "help": 0.0}
    assert found.sites == {"main": pytest.approx(0.5), "bogota": pytest.approx(0.3)}
    assert found.between_sites is not None and found.between_sites.highest == pytest.approx(0.5)


@given(st.integers(0, 10_000), st.integers(1, 60))
def test_asking_in_between_changes_nothing(seed: int, events: int) -> None:
    """The fold that was asked, stored and loaded at any moments ends where the fold of all events at once ends, and
    the seconds of each agent add up to the time that passed."""
    chance, at, happened = random.Random(seed), DAY, []
    was = dict.fromkeys(SKILLED, (OUT, DAY))
    for _ in range(events):
        at += chance.randrange(100)
        agent = chance.choice(list(SKILLED))
        before, since = was[agent]
        now = chance.choice((IDLE, TALKING, WRAP_UP, BREAK, OUT))
        was[agent] = now, at
        happened.append((at, changed(agent, before, at - since, now)))
    whole, pieces = AgentDays(DAY), AgentDays(DAY)
    for moment, event in happened:
        whole.apply(event, moment)
    for moment, event in happened:
        pieces.apply(event, moment)
        if chance.random() < 0.3:
            pieces.until(moment + 5, {})
    end = at + 60
    present = {agent: Present(*state, since=since) for agent, (state, since) in was.items()}
    assert whole.until(end, present) == pieces.until(end, present)
    logged_out = dict.fromkeys(SKILLED, 0.0)
    for agent in SKILLED:
        mine = [(moment, event) for moment, event in happened if event.agent == agent]
        logged_out[agent] += sum(event.was_for for _, event in mine if event.was_status == "logged_out")
        logged_out[agent] += end - was[agent][1] if was[agent][0] == OUT else 0.0
    for agent, day in whole.until(end, present).items():
        assert day.ready + day.not_ready + logged_out[agent] == pytest.approx(end - DAY)


def test_a_live_day_from_its_log_is_what_the_facts_said(tmp_path: Path) -> None:
    """A day through the real Acd: the report read back from the store equals the fold of the facts as they came, and
    both agree with what can be counted: two calls of 60 s talk and 30 s wrap-up, one miss."""
    maria, john = Desk("maria"), Desk("john")
    s = Scenario(ready=("maria", "john"))
    live = AgentDays(s.start)
    for number, desk in enumerate((maria, john), 1):
        who = Caller(f"w{number}")
        s = (
            s
            >> who.calls("1000")
            >> who.found(f"c{number}")
            >> who.connects()
            >> desk.rings()
            >> desk.answers()
        )
        s = s >> Elapse(60) >> who.hangs_up() >> desk.is_gone() >> Elapse(30)
    s = (
        s
        >> Caller("w3").calls("1000")
        >> Caller("w3").found("c3")
        >> Caller("w3").connects()
        >> maria.rings()
    )
    s = s >> maria.fails(603) >> Elapse(30)
    for at, event in s.facts:
        live.apply(event, at)
    store = open_store("sqlite:", folder=tmp_path)
    store.open_epoch()
    stored = []
    for seq, (at, event) in enumerate(s.facts, 1):
        name, data = to_plain(event)
        stored.append(StoredEvent(seq, at, name, data.pop("contact", ""), data))
    rows = {("agent", agent.id): msgspec.to_builtins(agent) for agent in s.center.agents.values()}
    store.write(Batch(rows, stored))
    found = fairness(store, DEFINITIONS, s.start, s.now)
    present = {a.id: Present(a.status, a.state, a.since) for a in s.center.agents.values()}
    assert found == report(live, s.now, present, DEFINITIONS.agents, DEFINITIONS.queues.values())
    by_id = {day.agent: day for day in found.agents}
    assert (by_id["maria"].calls, by_id["maria"].missed, by_id["maria"].ronas) == (1, 1, 0)
    assert by_id["maria"].handling == pytest.approx(90.0) and by_id["john"].aht == pytest.approx(90.0)
    assert by_id["john"].on_contact > 90.0 and by_id["ana"].occupancy is None
    later = fairness(store, DEFINITIONS, s.now - 30.0, s.now)
    assert {day.agent: day.calls for day in later.agents}["john"] == 0
    out, console = io.StringIO(), io.StringIO()
    write_json(found, out)
    assert json.loads(out.getvalue())["equals"] == [
        msgspec.to_builtins(asdict(each)) for each in found.equals
    ]
    show(found, Console(file=console, width=140))
    assert "Spread of occupancy" in console.getvalue() and "maria" in console.getvalue()
    store.close()


def test_an_empty_log_is_no_fault(tmp_path: Path) -> None:
    """Nobody was there: no agent, no spread, and nothing is printed that would look like a figure."""
    store = open_store("sqlite:", folder=tmp_path)
    store.open_epoch()
    found = fairness(store, CenterDefinitions("1", {}, {}, {}, {}), DAY, DAY + 5)
    assert (found.agents, found.equals, found.between_queues) == ((), (), None)
    show(found, Console(file=io.StringIO()))
    store.close()
