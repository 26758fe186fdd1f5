"""Scenarios: read with file and line, and what comes of their streams, groups and shifts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cti_engine.core.definitions import CenterDefinitions, Shift
from cti_engine.definitions.library import load_definitions
from cti_engine.simulation.chance import Chance, Purpose
from cti_engine.simulation.distributions import AtOnce, Constant, Exponential, Lognormal, Observed
from cti_engine.simulation.habits import Call, Status
from cti_engine.simulation.matcher_world import FOREVER, Staffing
from cti_engine.simulation.scenario import MONDAY_MS, Scenario
from cti_engine.simulation.scenario_loader import load_scenario
from tests.definitions.homes import ROOT

HOUR = 3_600_000
PLAIN = """
begins: "09:00"
length: 2h
interval: 1h
calls:
  sales: {queue: sales_es, per_hour: [60, 120]}
groups:
  all: {talk: 3m}
"""


@pytest.fixture(scope="module")
def shipped() -> CenterDefinitions:
    definitions, problems = load_definitions(ROOT)
    assert definitions is not None, problems
    return definitions


def loaded(text: str, definitions: CenterDefinitions, folder: Path) -> tuple[Scenario | None, list[str]]:
    file = folder / "day.yaml"
    file.write_text(text, encoding="utf-8")
    scenario, problems = load_scenario(file, definitions)
    return scenario, [str(problem).replace(str(folder) + "/", "") for problem in problems]


def good(text: str, definitions: CenterDefinitions, folder: Path) -> Scenario:
    scenario, problems = loaded(text, definitions, folder)
    assert scenario is not None, problems
    return scenario


def calls_of(scenario: Scenario, replication: int = 1) -> list[Call]:
    return scenario.calls(scenario.habits(Chance(scenario.seed, replication)))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("sales_es", "sales_ess", "day.yaml:6: calls.sales.queue: there is no queue sales_ess"),
        ("[60, 120]", "[60]", ""),
        ("[60, 120]", "[60, 90, 120]", "day.yaml:6: calls.sales.per_hour: 3 rates for 2 intervals"),
        ("per_hour: [60, 120]", "priority: 1", "day.yaml:6: calls.sales: either per_hour or file"),
        ("per_hour: [60, 120]", "file: none.csv", "day.yaml:6: calls.sales.file: none.csv cannot be read"),
        ("talk: 3m", "tallk: 3m", "day.yaml:8: groups.all.tallk: unknown key tallk"),
        ("talk: 3m", "talk: 3m, like: anna", 'there is no agent anna (did you mean "ana"?)'),
        ("talk: 3m", "talk: 3m, like: ana", "groups.all: agents is missing"),
        ("talk: 3m", "talk: 3m, require: agent.spanis > 3", "groups.all.require:"),
        (
            "talk: 3m",
            "talk: 3m, require: agent.spanish > 10",
            "warning: groups.all: no agent is in this group",
        ),
        ("talk: 3m", "talk: {cv: 2}", "one of constant, exponential and lognormal, found none"),
        ("talk: 3m", "talk: {exponential: 1m, constant: 2m}", "found constant and exponential"),
        ("talk: 3m", "rona: 0.1", "groups.all: talk is missing"),
        ("talk: 3m", "talk: 3m, rona: 1.5", "groups.all.rona: 1.5 is out of range"),
        ("length: 2h", "length: 2h\nwarm_up: 3h", "warm_up: nothing is left to count"),
        (
            "talk: 3m",
            'talk: 3m, on_duty: [{from: "10:00", agents: 2}, {from: "09:30", agents: 1}]',
            "groups.all.on_duty[1].from: not after the one before",
        ),
    ],
)
def test_problems_have_a_place(
    old: str, new: str, problem: str, shipped: CenterDefinitions, tmp_path: Path
) -> None:
    """What is wrong in a scenario is told with its line, as in all definitions; nothing wrong, no problem."""
    _, problems = loaded(PLAIN.replace(old, new), shipped, tmp_path)
    assert problem in "\n".join(problems) if problem else problems == []


def test_a_scenario_that_is_not_there(shipped: CenterDefinitions, tmp_path: Path) -> None:
    """A missing file is a problem like any other."""
    scenario, problems = load_scenario(tmp_path / "none.yaml", shipped)
    assert scenario is None
    assert "cannot be read" in str(problems[0])


def test_arrivals_are_poisson_by_interval(shipped: CenterDefinitions, tmp_path: Path) -> None:
    """Over 400 days 60 and 120 calls come in the two hours, with a Poisson number's variance (both within 5 sigma)."""
    scenario = good(PLAIN, shipped, tmp_path)
    begins = MONDAY_MS + 9 * HOUR
    days = [[call.at - begins for call in calls_of(scenario, each)] for each in range(1, 401)]
    assert all(0 <= at < 2 * HOUR for day in days for at in day)
    assert days[0] == sorted(days[0]) != days[1]
    for hour, rate in ((0, 60), (1, 120)):
        numbers = np.array([sum(hour * HOUR <= at < (hour + 1) * HOUR for at in day) for day in days])
        assert abs(numbers.mean() - rate) < 5 * (rate / 400) ** 0.5
        assert abs(numbers.var(ddof=1) / rate - 1) < 5 * (2 / 399) ** 0.5


def test_busy_and_calm_days(shipped: CenterDefinitions, tmp_path: Path) -> None:
    """Doubly stochastic: with Gamma shape 4 a day's number has variance mean + mean²/4, the mean stays."""
    scenario = good(f"busyness: 4\n{PLAIN}", shipped, tmp_path)
    numbers = np.array([len(calls_of(scenario, each)) for each in range(1, 601)])
    assert abs(numbers.mean() - 180) < 5 * (180 + 180**2 / 4) ** 0.5 / 600**0.5
    assert 0.75 < numbers.var() / (180 + 180**2 / 4) < 1.3


@pytest.mark.parametrize(
    ("rows", "moments"),
    [
        ("at\n0\n90.5\n7200\n", [0, 90_500]),
        ("at\n09:00:00\n10:30\n08:59:59\n", [0, 90 * 60_000]),
        ("contact,arrived_at,queue\nc1,1700038800.5,sales_es\nc2,1700042400,support_es\n", [500]),
    ],
)
def test_arrivals_from_a_file(
    rows: str, moments: list[int], shipped: CenterDefinitions, tmp_path: Path
) -> None:
    """Seconds, times of day, or call records of that queue; what lies outside of the day is left out."""
    (tmp_path / "calls.csv").write_text(rows)
    scenario = good(PLAIN.replace("per_hour: [60, 120]", "file: calls.csv"), shipped, tmp_path)
    assert [call.at - scenario.begins for call in calls_of(scenario)] == moments


def test_a_bad_row_has_its_line(shipped: CenterDefinitions, tmp_path: Path) -> None:
    """The CSV's own file and line."""
    (tmp_path / "calls.csv").write_text("at\n5\nsoon\n")
    scenario, problems = loaded(PLAIN.replace("per_hour: [60, 120]", "file: calls.csv"), shipped, tmp_path)
    assert scenario is None
    assert problems == ["calls.csv:3: at: expected a moment, found 'soon' (09:30:05 or 5405)"]


def test_groups_and_made_up_agents(shipped: CenterDefinitions, tmp_path: Path) -> None:
    """Copies share skills and queues of their model; conditions choose among real ones; the rest is a group."""
    groups = """
groups:
  rest: {talk: 1m}
  new: {like: ana, agents: 12, talk: 2m}
  spanish: {require: agent.spanish >= 9, talk: 3m}
"""
    scenario = good(PLAIN[: PLAIN.index("groups:")] + groups, shipped, tmp_path)
    assert {group: sum(each == group for each in scenario.group_of.values()) for group in scenario.groups} == {
        "rest": 2, "new": 12, "spanish": 1,
    }  # fmt: skip
    assert scenario.group_of["maria"] == "spanish"
    assert scenario.definitions.agents["new_07"].attributes == shipped.agents["ana"].attributes
    assert {"new_01", "ana"} <= set(scenario.definitions.queues["support_en"].members)


def test_who_is_there_when(shipped: CenterDefinitions, tmp_path: Path) -> None:
    """By numbers from times on (nobody before the first), by the agents' shifts, or always."""
    shifts = {
        "early": Shift("early", (0,), 6 * 60, 10 * 60),
        "night": Shift("night", (6,), 22 * 60, 9 * 60 + 30),
    }
    people = {
        name: replace(shipped.agents[name], shift=shift)
        for name, shift in (("maria", "early"), ("john", "night"), ("ana", ""))
    }
    given = replace(shipped, shifts=shifts, agents=people)
    begins = MONDAY_MS + 9 * HOUR
    assert good(PLAIN, given, tmp_path).duty == (
        Status(begins, "maria", "ready"), Status(begins, "john", "ready"), Status(begins, "ana", "ready"),
        Status(begins + HOUR // 2, "john", "logged_out"), Status(begins + HOUR, "maria", "logged_out"),
    )  # fmt: skip
    on_duty = 'talk: 3m, on_duty: [{from: "09:30", agents: 2}, {from: "10:00", agents: 3}]'
    assert good(PLAIN.replace("talk: 3m", on_duty), given, tmp_path).duty == (
        Staffing(begins, "all", 0), Staffing(begins + HOUR // 2, "all", 2), Staffing(begins + HOUR, "all", 3),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("times", "mean", "cv"),
    [
        (Exponential(100.0), 100.0, 1.0),
        (Lognormal(240.0, 0.8), 240.0, 0.8),
        (Constant(7.0), 7.0, 0.0),
        (AtOnce(0.25, Exponential(100.0)), 75.0, (2 * 0.75 * 100**2 - 75**2) ** 0.5 / 75),
        (Observed((1.0, 2.0, 6.0)), 3.0, (14 / 3) ** 0.5 / 3),
    ],
)
def test_distributions_have_their_moments(times: Exponential, mean: float, cv: float) -> None:
    """Mean and coefficient of variation over a fine grid of probabilities are those asked for."""
    values = np.array([times((each + 0.5) / 200_000) for each in range(200_000)])
    assert values.mean() == pytest.approx(mean, rel=2e-3)
    assert values.std() / values.mean() == pytest.approx(cv, rel=1e-2, abs=1e-9)


def test_chance_depends_on_its_key_alone() -> None:
    """The same key, the same number; over 40,000 keys they are uniform, and purposes know nothing of each other."""
    chance = Chance(1, 7)
    talk, wrap_up = (
        np.array([chance.uniform(key, purpose) for key in range(40_000)])
        for purpose in (Purpose.TALK, Purpose.WRAP_UP)
    )
    assert chance.uniform(5, Purpose.TALK) == talk[5] == Chance(1, 7).uniform(5, Purpose.TALK)
    assert talk[5] not in (Chance(2, 7).uniform(5, Purpose.TALK), Chance(1, 8).uniform(5, Purpose.TALK))
    counts = np.histogram(talk, 20, (0.0, 1.0))[0]
    assert ((counts - 2000.0) ** 2 / 2000.0).sum() < 43.8  # chi-square, 19 degrees of freedom, 0.1 %
    assert abs(np.corrcoef(talk, wrap_up)[0, 1]) < 5 / 200
    assert abs(np.corrcoef(talk[:-1], talk[1:])[0, 1]) < 5 / 200


def test_never_patient_callers_wait_for_ever(shipped: CenterDefinitions, tmp_path: Path) -> None:
    """Without `patience` nobody hangs up; without `ivr` the call is queued at once."""
    assert {(call.ivr, call.patience) for call in calls_of(good(PLAIN, shipped, tmp_path))} == {(0, FOREVER)}


def test_the_hints_name_what_exists(shipped: CenterDefinitions, tmp_path: Path) -> None:
    """Did-you-mean, for queues and numbers."""
    _, problems = loaded(PLAIN.replace("queue: sales_es", "queue: sale_es, number: 1001"), shipped, tmp_path)
    assert 'did you mean "sales_es"' in problems[0]
    assert "nothing answers 1001" in problems[1]
