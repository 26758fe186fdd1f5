"""Python, clock, descriptors, memory and disk: judged by numbers, told with what to type."""

from __future__ import annotations

import re
import resource
import time
from pathlib import Path

import pytest

from cti_engine.runtime.checks import machine
from cti_engine.runtime.checks.check import Verdict


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ((3, 10, 9), Verdict.FAULT),
        ((3, 11, 2), Verdict.OK),
        ((3, 12, 1), Verdict.OK),
        ((3, 13, 0), Verdict.FAULT),
    ],
)
def test_python_is_3_11_or_3_12(version: tuple[int, int, int], verdict: Verdict) -> None:
    """Anything else has no pjsua2, and the way to name another interpreter is told."""
    check = machine.check_python(version)
    assert check.verdict is verdict
    assert ("PYTHON=" in check.what_to_do) is (verdict is Verdict.FAULT)


def test_a_time_zone_without_data_is_a_fault() -> None:
    """The zone is named together with the package that holds them all."""
    check = machine.check_time_zone("Atlantis/Poseidonis")
    assert check.verdict is Verdict.FAULT
    assert "Atlantis/Poseidonis" in check.found and "tzdata" in check.what_to_do
    assert machine.check_time_zone("Europe/Madrid").verdict is Verdict.OK
    assert machine.check_time_zone("").verdict is Verdict.OK


def test_the_clock_is_looked_at() -> None:
    """A clock that nobody steps runs evenly, synchronised or not."""
    assert "runs evenly" in machine.check_clock().found


def test_a_clock_that_jumps_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step while we look is a warning with its size."""
    true_time, true_sleep, steps = time.time, time.sleep, [0.0]

    def step_while_asleep(seconds: float) -> None:
        true_sleep(seconds)
        steps.append(3.0)

    monkeypatch.setattr("time.time", lambda: true_time() + steps[-1])
    monkeypatch.setattr("time.sleep", step_while_asleep)
    check = machine.check_clock()
    assert check.verdict is Verdict.WARN
    moved = re.search(r"moved by \+(\d+) ms", check.found)
    assert moved and int(moved[1]) == pytest.approx(3000, abs=2)


def test_few_descriptors_are_a_warning() -> None:
    """1,024 is too few for phones by TCP; unlimited is enough."""
    assert machine.check_descriptors((1024, 4096)).verdict is Verdict.WARN
    assert machine.check_descriptors((4096, 4096)).verdict is Verdict.OK
    assert machine.check_descriptors((resource.RLIM_INFINITY,) * 2).found.startswith("unlimited")


def test_memory_says_how_many_workers_fit() -> None:
    """The setting that would fit is told, not only that it does not."""
    check = machine.check_memory(100, available_mb=1300)
    assert check.verdict is Verdict.WARN
    assert "workers.max to 50" in check.what_to_do
    assert machine.check_memory(100, available_mb=2200).verdict is Verdict.OK


@pytest.mark.parametrize(("free_mb", "verdict"), [(100, "fault"), (1000, "warn"), (5000, "ok")])
def test_disk_space_is_told_in_hours_of_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_mb: int, verdict: str
) -> None:
    """CTI_VAR need not exist yet: the disk that will hold it is asked."""
    monkeypatch.setattr("shutil.disk_usage", lambda where: type("Usage", (), {"free": free_mb * 2**20}))
    check = machine.check_disk(tmp_path / "not" / "yet")
    assert check.verdict == verdict
    assert f"{free_mb // 115} hours" in check.found and str(tmp_path) in check.found
