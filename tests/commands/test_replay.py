"""`cti-engine replay`: a day that a simulation has recorded, replayed under the same rules and under others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from cti_engine.__main__ import main
from cti_engine.core import events
from cti_engine.core.events import Event
from cti_engine.definitions.library import load_definitions
from cti_engine.ports import Batch, StoredEvent
from cti_engine.runtime.stores import open_store
from cti_engine.simulation.acd_world import AcdWorld
from cti_engine.simulation.chance import Chance
from cti_engine.simulation.patience import Wait
from cti_engine.simulation.recorded_day import RecordedDay, read_day
from cti_engine.simulation.replay import fit, under
from cti_engine.simulation.scenario_loader import load_scenario
from cti_engine.simulation.simulated_rules import simulated
from cti_engine.wire.vocabulary import to_plain
from tests.definitions.homes import shipped_home

DAY = "1970-01-05"
MIDNIGHT = 4 * 86_400.0
SCENARIO = """
begins: "08:00"
length: 4h
interval: 1h
calls:
  sales: {queue: sales_es, number: "1000", language: es, per_hour: 75, ivr: {exponential: 20s},
          patience: {exponential: 2m}, attributes: {segment: gold}}
  support: {queue: support_en, number: "2000", language: en, per_hour: 45, patience: {exponential: 4m}}
groups:
  spanish: {require: not agent.english >= 5, talk: {lognormal: 3m, cv: 0.7}, wrap_up: {exponential: 15s},
            ring: {exponential: 4s}, rona: 0.03, away: 90s,
            on_duty: [{from: "08:00", agents: 4}, {from: "10:00", agents: 6}]}
  english: {talk: {lognormal: 4m, cv: 0.9}, ring: {exponential: 4s}}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped center with ten agents, in UTC."""
    home = shipped_home(tmp_path_factory.mktemp("home"))
    people = {f"e{n}": {"attributes": {"english": 8, "support": True}} for n in range(4)}
    people |= {f"s{n}": {"attributes": {"spanish": 8, "sales": True, "english": 2}} for n in range(6)}
    file = home / "config/agents.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "agents": people}))
    engine = home / "config/engine.yaml"
    kept = [line for line in engine.read_text().splitlines() if not line.startswith("time_zone:")]
    engine.write_text("\n".join([*kept, "time_zone: UTC", ""]))
    (home / "day.yaml").write_text(SCENARIO)
    return home


@pytest.fixture(scope="module")
def facts(home: Path) -> list[tuple[float, Event]]:
    """One simulated day's facts."""
    definitions, problems = load_definitions(home)
    assert definitions is not None, problems
    scenario, problems = load_scenario(home / "day.yaml", definitions)
    assert scenario is not None, problems
    found: list[tuple[float, Event]] = []
    habits = scenario.habits(Chance(11, 1))
    rules = simulated(scenario.definitions, scenario.ways)
    AcdWorld(rules, habits, found.extend, scenario.begins).run(scenario.calls(habits), scenario.duty)
    return found


@pytest.fixture(scope="module")
def var(facts: list[tuple[float, Event]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with that day in its log, as the engine writes it."""
    folder = tmp_path_factory.mktemp("var")
    store = open_store("sqlite:", folder=folder)
    log = []
    for seq, (at, event) in enumerate(facts, 1):
        name, data = to_plain(event)
        log.append(StoredEvent(seq, at, name, data.pop("contact", ""), data))
    store.write(Batch(events=log))
    store.close()
    return folder


def replayed(
    home: Path, var: Path, rules: Path, capsys: pytest.CaptureFixture[str], *more: str
) -> dict[str, dict[str, Any]]:
    arguments = [
        "--home",
        str(home),
        "--var",
        str(var),
        "replay",
        DAY,
        "--rules",
        str(rules),
        "--json",
        *more,
    ]
    assert main(arguments) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["calls"] > 400
    figures: dict[str, dict[str, Any]] = found["figures"]
    return figures


def test_the_same_rules_make_no_difference(home: Path, var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Common random numbers: every paired difference is exactly 0; and what happened is as likely as it should be."""
    figures = replayed(home, var, home, capsys, "--replications", "6", "--jobs", "2")
    compared = [each for metrics in figures.values() for each in metrics.values()]
    assert {each["difference"]["mean"] for each in compared} <= {0.0, None}
    assert {each["difference"]["half"] for each in compared} <= {0.0, None}
    sales = figures["queue sales_es"]
    assert sales["offered"]["really"] == sales["offered"]["old"]["mean"] > 250
    judged = [figures[queue][name] for queue in ("queue sales_es", "queue support_en")
              for name in ("service_level", "asa", "abandon_rate", "aht", "wait_p90")]  # fmt: skip
    assert sum(each["likely"] for each in judged) >= 8


def test_more_agents_for_a_queue_show_in_it(
    home: Path, var: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the Spanish agents may take English calls, English callers wait less; a table for people."""
    queues = yaml.safe_load((home / "routing_rules/queues.yaml").read_text())
    queues["queues"]["support_en"]["steps"] = [{"require": "agent.english >= 2"}]
    (tmp_path / "routing_rules").mkdir()
    (tmp_path / "routing_rules/queues.yaml").write_text(yaml.safe_dump(queues))
    figures = replayed(home, var, tmp_path, capsys, "--replications", "8", "--jobs", "1")
    asa = figures["queue support_en"]["asa"]["difference"]
    assert asa["mean"] + asa["half"] < 0
    few = ["--replications", "2", "--jobs", "1"]
    shown = ["--home", str(home), "--var", str(var), "replay", DAY, "--rules", str(tmp_path), *few]
    assert main(shown) == 0
    out = capsys.readouterr().out
    assert "new - old" in out
    assert "..._abandons_penalised" in out


@pytest.mark.parametrize(
    ("day", "text"), [("1970-01-07", "no call was queued that day"), (DAY, "there is no queue support_en")]
)
def test_what_cannot_be_replayed(
    day: str, text: str, home: Path, var: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty day, and rules without a queue of that day: one line, exit code 1."""
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    for file in (tmp_path / "routing_rules/queues.yaml", *(tmp_path / "ivr_flows").glob("*.yaml")):
        file.write_text(file.read_text().replace("support_en", "help_en"))
    assert main(["--home", str(home), "--var", str(var), "replay", day, "--rules", str(tmp_path)]) == 1
    assert text in capsys.readouterr().err


# --- what is read from the log ---------------------------------------------------------------------


def read(facts: list[tuple[float, Event]]) -> RecordedDay:
    return read_day(facts, MIDNIGHT, MIDNIGHT + 86_400, {"late": ("ready", ""), "s9": ("logged_out", "")})


def test_calls_waits_and_handling_are_those_of_the_day(facts: list[tuple[float, Event]]) -> None:
    """Each queued call once, each wait once (censored when answered), each answered call's times."""
    day = read(facts)
    bridged = [event for _, event in facts if isinstance(event, events.CallBridged)]
    abandoned = [event.waited_s for _, event in facts if isinstance(event, events.CallAbandoned)]
    waits = [wait for queue in day.waits.values() for wait in queue]
    assert len(waits) == len(day.calls) == len(bridged) + len(abandoned)
    assert sorted(wait.seconds for wait in waits if wait.gave_up) == sorted(abandoned)
    assert len(day.handled) == len(bridged) > 300
    call = next(call for call in day.calls if call.queue == "sales_es")
    assert (call.dnis, call.language, call.facts["segment"]) == ("1000", "es", "gold")
    assert call.queued > call.arrived
    assert sum(day.ronas.values()) == sum(isinstance(event, events.AgentRona) for _, event in facts)
    assert day.away and min(day.away) >= 90.0


def test_duty_is_what_agents_chose(facts: list[tuple[float, Event]]) -> None:
    """Logins and shifts, not what the center did after a missed call; who was there already is there at midnight."""
    duty = read(facts).duty
    assert [status.agent for status in duty if status.at == MIDNIGHT * 1000] == ["late"]
    assert {status.reason for status in duty} == {""}
    in_the_morning = [
        status for status in duty if MIDNIGHT * 1000 < status.at <= (MIDNIGHT + 8 * 3600) * 1000
    ]
    at_ten = [status for status in duty if status.at == (MIDNIGHT + 10 * 3600) * 1000]
    assert (len(in_the_morning), len(at_ten)) == (8, 2)


def test_models_of_small_samples(home: Path, facts: list[tuple[float, Event]]) -> None:
    """A queue with few abandons takes the patience of all, a group with few calls there the queue's handle times."""
    definitions, _ = load_definitions(home)
    assert definitions is not None
    day = read(facts)
    day.waits["support_en"] = [Wait(5.0, True), Wait(3.0, False)]
    models = fit(day, definitions)
    assert models.patience["support_en"] == models.patience["support_es"] != models.patience["sales_es"]
    assert models.group_of["s5"] == "s0" != models.group_of["e1"]
    # Spanish agents never took an English call: as the English ones do
    assert models.groups["s0"].by_queue["support_en"] == models.groups["e0"].by_queue["support_en"]
    assert 0 < models.groups["s0"].rona < 0.1 and models.groups["e0"].rona == 0
    replay = under(day, models, definitions, 0.0, 1)
    assert len(replay.coming) == len(day.calls)
    assert {way.number for way in replay.ways} == {"1000", "2000"}


def test_nothing_to_learn_from(home: Path) -> None:
    """A day without answered calls tells nothing of how long they take."""
    definitions, _ = load_definitions(home)
    assert definitions is not None
    with pytest.raises(ValueError, match="no call was answered"):
        fit(RecordedDay(0.0, 86_400.0), definitions)
