"""`cti-engine graph`: draws a flow with Graphviz, in the colours of what its tests have tried."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from cti_engine.commands.flow_drawing import Picture, as_dot, as_plain, picture_of
from cti_engine.commands.flow_test import one_flow, run
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.problems import Problem
from cti_engine.simulation.flow_tests import Coverage

FORMATS = (".svg", ".png", ".pdf", ".dot")
LONGEST = 60.0
"""Seconds that drawing may take."""


class CannotDraw(Exception):
    """What is missing, and what to do."""


def load(home: Path, name: str, *, with_coverage: bool) -> tuple[Picture | None, list[Problem]]:
    """`name`: a flow or its file. None when files have errors; tests that fail do not matter here."""
    definitions, problems = load_definitions(home)
    if definitions is None:
        return None, problems
    flow, problems = one_flow(name, definitions.flows)
    if flow is None:
        return None, problems
    coverage: Mapping[str, Coverage] | None = None
    if with_coverage:
        report, problems = run(home, ())
        if report is None:
            return None, problems
        coverage = {each.flow: each for each in report.coverage}
    return picture_of(flow, definitions.flows, coverage), []


def write_json(picture: Picture, to: TextIO) -> None:
    json.dump({"flows": as_plain(picture)}, to, ensure_ascii=False, indent=1)
    to.write("\n")


def draw(picture: Picture, file: Path) -> None:
    """The suffix says how: one of FORMATS. Raises CannotDraw, and OSError when the file cannot be written."""
    text = as_dot(picture)
    if file.suffix == ".dot":
        file.write_text(text, encoding="utf-8")
        return
    program = shutil.which("dot")
    if program is None:
        raise CannotDraw(
            f"Graphviz is not installed, which draws {file.suffix}: apt-get install -y graphviz "
            "(or --out FILE.dot, which needs nothing)"
        )
    try:
        drawn = subprocess.run(
            [program, f"-T{file.suffix[1:]}"],
            input=text.encode(), capture_output=True, check=False, timeout=LONGEST,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CannotDraw(f"{program} has not drawn it within {LONGEST:g} s; try --out FILE.dot") from None
    if drawn.returncode:
        raise CannotDraw(f"{program} has failed: {drawn.stderr.decode(errors='replace').strip()[:500]}")
    file.write_bytes(drawn.stdout)
