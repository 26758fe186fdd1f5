"""What every benchmark prints: a table for people, then one JSON object as the last line (interfaces.md).

A missed goal is exit code 1. The measured figures that have no goal stand in `figures`.
"""

from __future__ import annotations

import json
import operator
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table

_COMPARE: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge, "=": operator.eq}


@dataclass(frozen=True, slots=True)
class Goal:
    """`goal` is a comparison and a number: `<= 15`, `>= 0.99`, `= 0`. Raises ValueError for anything else."""

    name: str
    goal: str
    value: float
    unit: str = ""

    def __post_init__(self) -> None:
        sign, _, limit = self.goal.partition(" ")
        if sign not in _COMPARE:
            raise ValueError(f"{self.name}: {self.goal!r} is not '<= n', '>= n' or '= n'")
        float(limit)

    @property
    def met(self) -> bool:
        sign, _, limit = self.goal.partition(" ")
        return _COMPARE[sign](self.value, float(limit))


@dataclass(slots=True)
class Report:
    """`Report("bench-edge")`, then `goal(...)` and `figure(...)`, then `sys.exit(report.finish())`."""

    benchmark: str
    goals: list[Goal] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)

    def goal(self, name: str, goal: str, value: float, unit: str = "") -> None:
        self.goals.append(Goal(name, goal, _rounded(value), unit))

    def figure(self, name: str, value: object) -> None:
        self.figures[name] = _rounded(value) if isinstance(value, float) else value

    @property
    def met(self) -> bool:
        return all(goal.met for goal in self.goals)

    def as_json(self) -> dict[str, object]:
        return {
            "benchmark": self.benchmark,
            "commit": commit(),
            "cpu": cpu(),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - the rim: a report has a date
            "goals": [
                {
                    "name": goal.name,
                    "goal": goal.goal,
                    "value": goal.value,
                    "unit": goal.unit,
                    "met": goal.met,
                }
                for goal in self.goals
            ],
            "figures": self.figures,
        }

    def finish(self, out: TextIO = sys.stdout) -> int:
        """Print it all and return the exit code: 0, or 1 when a goal is missed."""
        console = Console(file=out, highlight=False)
        table = Table("goal", "wanted", "measured", "", title=self.benchmark, title_justify="left")
        for goal in self.goals:
            measured = f"{goal.value:g} {goal.unit}".strip()
            table.add_row(goal.name, goal.goal, measured, "met" if goal.met else "[bold red]MISSED[/]")
        console.print(table)
        if self.figures:
            console.print(_figures(self.figures))
        out.write(json.dumps(self.as_json(), ensure_ascii=False) + "\n")
        out.flush()
        return 0 if self.met else 1


def _figures(figures: Mapping[str, object]) -> Table:
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, json.dumps(value, ensure_ascii=False))
    return table


def _rounded(value: float) -> float:
    """Four significant digits: more is noise."""
    return float(f"{value:.4g}")


def commit() -> str:
    """The commit that was measured, with `+` when the tree differs from it; empty outside of git."""
    here = Path(__file__).parent
    git = ["git", "-C", str(here)]
    head = subprocess.run(
        [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    if head.returncode != 0:
        return ""
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=False)
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def cpu() -> str:
    """The processor's name and how many of them, as Linux says it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else "unknown"


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed (nearest rank). Raises ValueError if empty."""
    if not values:
        raise ValueError("no values were measured")
    ranked = sorted(values)
    return ranked[max(0, -(-int(share * 1000) * len(ranked) // 1000) - 1)]
