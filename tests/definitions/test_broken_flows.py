"""A folder of flows, each with faults of one kind, and the exact problems that it gives: place and remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cti_engine.definitions.flow_keys import VERBS
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.problems import Problem, has_errors
from cti_engine.definitions.report import as_text
from tests.definitions.homes import shipped_home

BROKEN_FLOWS = Path(__file__).parent / "broken_flows"
CASES = sorted(path.stem for path in BROKEN_FLOWS.glob("*.yaml"))


def problems_of(case: str, home: Path) -> list[Problem]:
    """Of `NN_name.yaml` as `ivr_flows/name.yaml` among the shipped files."""
    shipped_home(home)
    flow = case.partition("_")[2]
    shutil.copy(BROKEN_FLOWS / f"{case}.yaml", home / "ivr_flows" / f"{flow}.yaml")
    (home / "ivr_flows" / "sorry.wav").write_bytes(b"ID3")
    definitions, problems = load_definitions(home)
    assert problems and (definitions is None) == has_errors(problems)
    return problems


@pytest.mark.parametrize("case", CASES)
def test_a_broken_flow_is_told_with_place_and_remedy(case: str, tmp_path: Path) -> None:
    """The golden text beside it is what `cti-engine check` prints; each line has a place and says what to do."""
    problems = problems_of(case, tmp_path)
    printed = as_text(problems).replace(str(tmp_path), "HOME").replace(", ".join(VERBS), "VERBS") + "\n"
    assert printed == (BROKEN_FLOWS / f"{case}.txt").read_text(encoding="utf-8")
    lines = (BROKEN_FLOWS / f"{case}.yaml").read_text(encoding="utf-8").count("\n")
    for problem in problems:
        assert problem.file == f"ivr_flows/{case.partition('_')[2]}.yaml"
        assert 1 <= problem.line <= lines + 1
        assert problem.hint or problem.text.startswith("expected "), str(problem)


def test_there_are_enough_of_them() -> None:
    """At least forty kinds of fault."""
    assert len(CASES) >= 40
