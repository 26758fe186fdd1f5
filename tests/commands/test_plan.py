"""`cti-engine plan`: what other rules would change for the calls that wait in a stored state."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cti_engine.commands.plan import plan, recorded_at, show, write_json
from cti_engine.core.definitions import CenterDefinitions, QueueDefinition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.routing.model import ProfileQueue, StepRule
from cti_engine.core.rule_plan import NOBODY, NOBODY_LOGGED_IN, CallChange, Place, RulePlan
from cti_engine.core.signals import LegFailed, ReadyRequested
from cti_engine.definitions.library import layers, load_definitions
from cti_engine.ports import Loaded
from cti_engine.runtime.stores import open_store
from tests.commands.test_explain import DEFINITIONS, Written, phone
from tests.definitions.homes import ROOT, shipped_home

NOW = 1_700_000_060.0


def sales(*steps: StepRule, **more: object) -> CenterDefinitions:
    queue = QueueDefinition("sales", "Sales", ("ana", "maria"), steps=steps, **more)  # type: ignore[arg-type]
    return replace(DEFINITIONS, version="2", queues={"sales": queue})


def step(text: str, wait: int | None = None) -> StepRule:
    return StepRule(Condition(parse(text)), wait=wait)


@pytest.fixture
def state(tmp_path: Path) -> Loaded:
    """One call in step 1 of sales rings at maria's, the only one of it; ana is ready too, john logged out."""
    store = open_store("sqlite:", folder=tmp_path)
    center = Written(store)
    for agent in ("maria", "ana"):
        center.do(phone(agent), ReadyRequested(f"r-{agent}", agent))
    center.call()
    loaded = store.load()
    store.close()
    return loaded


def planned(state: Loaded, new: CenterDefinitions, *, replan: bool = False) -> RulePlan:
    return plan(state, DEFINITIONS, new, NOW, replan=replan)


def of_agents(**attributes: dict[str, bool | int | str]) -> CenterDefinitions:
    changed = {name: replace(DEFINITIONS.agents[name], attributes=own) for name, own in attributes.items()}
    return replace(DEFINITIONS, version="2", agents={**DEFINITIONS.agents, **changed})


def test_the_same_rules_change_nothing(state: Loaded) -> None:
    """No call, no agent, no queue; the call that rings counts as waiting."""
    found = planned(state, replace(DEFINITIONS, version="2"))
    assert (found.calls, found.agents, found.queues_new, found.queues_gone) == ((), (), (), ())
    assert found.waiting == {"sales": 1}
    assert (found.version, found.new_version) == ("1", "2")


def test_an_agent_who_learns_comes_into_the_pool_of_a_waiting_call(state: Loaded) -> None:
    """Calls keep their steps on a reload, and their pools follow the agents."""
    found = planned(state, of_agents(ana={"spanish": 8, "sales": True}))
    assert found.calls == (CallChange("c1", "sales", 60.0, Place(0, 1, 1), Place(0, 2, 2), 1, 0, ""),)
    assert found.unroutable == 0


def test_a_call_whose_last_agents_lose_the_skill_becomes_unroutable(state: Loaded) -> None:
    """All steps to come count: nobody of them, or nobody of them who is logged in."""
    nobody = planned(state, of_agents(maria={}, ana={}, john={}))
    assert [call.unroutable for call in nobody.calls] == [NOBODY]
    only_john = planned(state, of_agents(maria={}, ana={}, john={"spanish": 4}))
    assert [call.unroutable for call in only_john.calls] == [NOBODY_LOGGED_IN]
    later = planned(state, of_agents(maria={}))  # ana has step 2
    assert [(call.after.agents, call.unroutable) for call in later.calls] == [(0, "")]


def test_profiles_count(state: Loaded) -> None:
    """A profile that does not name the queue takes its agents out of every pool of it."""
    agents = {name: replace(agent, profile="other") for name, agent in DEFINITIONS.agents.items()}
    new = replace(DEFINITIONS, version="2", agents=agents, profiles={"other": {"care": ProfileQueue(1)}})
    found = planned(state, new)
    assert [(call.lost, call.unroutable) for call in found.calls] == [(1, NOBODY)]
    assert [(agent.agent, agent.loses) for agent in found.agents] == [
        ("ana", ("sales",)),
        ("maria", ("sales",)),
    ]


@pytest.fixture
def waiting(tmp_path: Path) -> Loaded:
    """One call that waits in step 1: maria, who is the only one of it, has declined."""
    store = open_store("sqlite:", folder=tmp_path)
    center = Written(store)
    center.do(phone("ana"), ReadyRequested("r1", "ana"), phone("maria"), ReadyRequested("r2", "maria"))
    center.call()
    center.do(LegFailed("w1", "l1", 603, "declined"))
    loaded = store.load()
    assert recorded_at(store, loaded) == center.now
    store.close()
    return loaded


def test_only_a_replan_takes_calls_to_the_new_steps(waiting: Loaded) -> None:
    """Another first step changes nothing for who waits, unless re-planned."""
    new = sales(step("agent.spanish >= 3 and agent.sales", 10_000), step("agent.sales"))
    assert planned(waiting, new).calls == ()
    [call] = planned(waiting, new, replan=True).calls
    assert (call.before, call.after, call.gained) == (Place(0, 1, 1), Place(0, 2, 2), 1)


def test_a_replan_to_nobody_is_unroutable_unless_it_overflows(waiting: Loaded) -> None:
    """Steps that nobody meets hold the call for ever; with an overflow it goes elsewhere."""
    nobody = planned(waiting, sales(step("agent.english >= 9")), replan=True)
    assert [call.unroutable for call in nobody.calls] == [NOBODY]
    away = sales(step("agent.english >= 9", 1000), exhausted="overflow", overflow_to="direct")
    [call] = planned(waiting, away, replan=True).calls
    assert (call.after, call.unroutable) == (Place(-1, 0, 0), "")


def test_queues_that_come_and_go(state: Loaded) -> None:
    """Named, with the calls that wait in them; agents gain and lose them."""
    care = QueueDefinition("care", "Care", ("john",), steps=(step("agent.sales"),))
    found = planned(state, replace(DEFINITIONS, version="2", queues={"care": care}))
    assert (found.queues_new, found.queues_gone) == (("care",), ("sales",))
    assert found.waiting == {"sales": 1, "care": 0}
    assert {agent.agent: (agent.gains, agent.loses) for agent in found.agents} == {
        "ana": (("care",), ("sales",)),
        "john": (("care",), ()),
        "maria": (("care",), ("sales",)),
    }


def test_shown_for_people_and_as_json(state: Loaded) -> None:
    """A table of queues, the calls and the agents; the JSON has the same."""
    found = planned(state, of_agents(maria={}, ana={}, john={}))
    out = io.StringIO()
    show(found, Console(file=out, width=140))
    assert "c1" in out.getvalue() and "1 waiting calls become unroutable" in out.getvalue()
    out = io.StringIO()
    write_json(found, out)
    read = json.loads(out.getvalue())
    assert read["unroutable"] == 1 and read["calls"][0]["after"]["agents"] == 0


def test_new_rules_are_laid_over_or_taken_whole(tmp_path: Path) -> None:
    """A folder with a few files replaces those; one with all that is needed stands for itself."""
    home = shipped_home(tmp_path / "home")
    example = ROOT / "routing_rules" / "examples" / "tiers"
    new, problems = load_definitions(home, over=example)
    assert new is not None, problems
    assert len(new.queues["support_es"].steps) == 3 and "main_es" in new.flows
    rules = tmp_path / "rules"
    rules.mkdir()
    shutil.copy(example / "routing_rules" / "queues.yaml", rules)
    assert layers(home, rules)["routing_rules"] == (rules, home / "routing_rules")
    shutil.copy(home / "routing_rules" / "dialled_numbers.yaml", rules)
    assert layers(home, rules)["routing_rules"] == (rules,)
    assert layers(home, home) == layers(home)


def test_the_command_reads_the_stored_state(tmp_path: Path) -> None:
    """Exit code 1 with errors in the new rules or calls that become unroutable, 0 otherwise, 2 without a folder."""
    home, var, new = shipped_home(tmp_path / "home"), tmp_path / "var", tmp_path / "new"
    var.mkdir()
    open_store("sqlite:", folder=var).close()
    shutil.copytree(ROOT / "routing_rules" / "examples" / "two_sites", new)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cti_engine", "--home", str(home), "--var", str(var), "plan", *words],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    done = run(str(new), "--json")
    assert done.returncode == 0, done.stderr
    assert {change["agent"] for change in json.loads(done.stdout)["agents"]} >= {"ana"}
    again = run(str(new), "--state", str(var / "engine.db"), "--replan")
    assert again.returncode == 0 and "support_es" in again.stdout, again.stderr
    (new / "routing_rules" / "queues.yaml").write_text("queues: {sales_es: {require: agent.spansh >= 5}}\n")
    broken = run(str(new))
    assert broken.returncode == 1 and 'did you mean "agent.spanish"?' in broken.stderr
    assert run(str(tmp_path / "none")).returncode == 2


def test_calls_that_share_a_pool_are_all_told(state: Loaded) -> None:
    """Two thousand calls in one step, each with what it gains."""
    rows = dict(state.rows)
    contact = rows["contact", "c1"]
    for number in range(2, 2000):
        rows["contact", f"c{number}"] = {**contact, "id": f"c{number}", "queue_seq": number, "offers": []}
    found = planned(replace(state, rows=rows), of_agents(ana={"spanish": 8, "sales": True}))
    assert len(found.calls) == 1999
    assert {call.gained for call in found.calls} == {1}
