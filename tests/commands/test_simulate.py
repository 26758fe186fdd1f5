"""`cti-engine simulate`: the shipped scenario through the shipped rules, its figures, tables and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cti_engine.__main__ import main
from cti_engine.core.reporting.queue_figures import METRICS
from tests.definitions.homes import ROOT

MONDAY = str(ROOT / "scenarios/monday.yaml")


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["--home", str(ROOT), "simulate", MONDAY, "--json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_shipped_scenario_on_two_cores(capsys: pytest.CaptureFixture[str]) -> None:
    """Every metric of every queue with its band, the same on one core and on two, and the counts add up."""
    one = ran(capsys, "--replications", "3", "--jobs", "1")
    assert ran(capsys, "--replications", "3", "--jobs", "2") == one
    queues = {f"queue {queue}" for queue in ("sales_es", "support_es", "sales_en", "support_en")}
    assert set(one["figures"]) == {"all", *queues, "group bilingual", "group spanish"}
    sales = {metric: value["mean"] for metric, value in one["figures"]["queue sales_es"].items()}
    assert list(sales) == list(METRICS)
    assert sales["offered"] == pytest.approx(sales["answered"] + sales["abandoned"] + sales["flowed_out"])
    assert sales["wait_p50"] <= sales["wait_p90"] <= sales["wait_p95"] <= sales["longest_wait"]
    assert 0.5 < sales["service_level"] < 1.0
    assert one["figures"]["queue sales_es"]["asa"]["half"] > 0
    assert 0.4 < one["figures"]["group spanish"]["occupancy"]["mean"] < 0.95
    offered = sum(slot["mean"] for slot in one["series"]["sales_es offered"])
    assert offered == pytest.approx(sales["offered"])
    assert one["anomalies"] == []


def test_seeds_and_pictures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Another seed is other days; a table for people; four pictures, each as SVG and PNG."""
    few = ("--replications", "2", "--jobs", "1")
    assert ran(capsys, *few, "--seed", "2")["figures"] != ran(capsys, *few)["figures"]
    assert main(["--home", str(ROOT), "simulate", MONDAY, *few, "--plots", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "..._abandons_credited" in shown
    assert "support_en" not in shown  # nobody calls there
    names = {file.name for file in tmp_path.iterdir() if file.stat().st_size > 1000}
    assert {f"monday_{each}.svg" for each in ("calls", "service_level", "waits", "occupancy")} <= names
    assert len(names) == 8


def test_a_scenario_with_problems(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Exit code 1, and the file with its line on the error output."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("length: 1h\ncalls: {x: {queue: nowhere, per_hour: 3}}\ngroups: {all: {talk: 1m}}\n")
    assert main(["--home", str(ROOT), "simulate", str(bad)]) == 1
    assert f"{bad}:2: calls.x.queue: there is no queue nowhere" in capsys.readouterr().err
