"""A folder of wrong files per case, and the exact problems each must give: all at once, with place and hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.report import as_text
from cti_engine.definitions.settings import load_settings
from tests.definitions.homes import BROKEN, broken_home

CASES = sorted(path.name for path in BROKEN.iterdir())


@pytest.mark.parametrize("case", [case for case in CASES if case != "settings"])
def test_broken_definitions(case: str, tmp_path: Path) -> None:
    """No set comes of them, and problems.txt is what `cti-engine check` prints."""
    home = broken_home(case, tmp_path)
    definitions, problems = load_definitions(home)
    assert definitions is None
    printed = as_text(problems).replace(str(home), "HOME") + "\n"
    assert printed == (BROKEN / case / "problems.txt").read_text(encoding="utf-8")


def test_broken_settings(tmp_path: Path) -> None:
    """Settings too are told whole; a password in a wrong URL is not printed."""
    settings, problems = load_settings(broken_home("settings", tmp_path), {}, {})
    assert settings is None
    printed = as_text(problems).replace(str(tmp_path), "HOME") + "\n"
    assert printed == (BROKEN / "settings" / "problems.txt").read_text(encoding="utf-8")
    assert "secret@" not in printed


def test_every_problem_has_a_place_that_exists() -> None:
    """File and line of each golden problem point into the file that the admin has to edit."""
    for case in CASES:
        for line in (BROKEN / case / "problems.txt").read_text(encoding="utf-8").splitlines()[:-1]:
            file, number, _ = line.split(":", 2)
            own = BROKEN / case / file
            if own.exists():
                assert 1 <= int(number) <= own.read_bytes().count(b"\n") + 1, line


def test_missing_files_are_told_by_name(tmp_path: Path) -> None:
    """An empty folder is not a center: the files that have to be there are named."""
    definitions, problems = load_definitions(tmp_path)
    assert definitions is None
    assert [problem.file for problem in problems] == [
        "config/agents.yaml",
        "routing_rules/dialled_numbers.yaml",
        "routing_rules/queues.yaml",
    ]
    assert str(problems[0]) == f"config/agents.yaml: the file is missing (looked in {tmp_path})"


def test_a_queue_that_nobody_serves_is_a_warning(tmp_path: Path) -> None:
    """A set with a warning is good; a queue may be staffed tomorrow."""
    home = broken_home("none", tmp_path)
    queues = home / "routing_rules" / "queues.yaml"
    served = "{require: agent.spanish >= 5 and agent.support}"
    queues.write_text(queues.read_text().replace(served, '{require: agent.site == "x"}'))
    definitions, problems = load_definitions(home)
    assert definitions is not None and definitions.queues["support_es"].members == ()
    assert [(p.severity, p.line, p.text) for p in problems] == [("warning", 13, "no agent serves this queue")]
