"""Problems for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cti_engine.definitions.problems import ERROR, Problem

SHOWN = 200


def as_text(problems: Sequence[Problem]) -> str:
    """One line per problem, errors first, and a count; the empty text when there is none."""
    if not problems:
        return ""
    ordered = sorted(problems, key=lambda problem: (problem.severity != ERROR, problem))
    lines = [str(problem) for problem in ordered[:SHOWN]]
    if len(ordered) > SHOWN:
        lines.append(f"... and {len(ordered) - SHOWN} more")
    errors = sum(problem.severity == ERROR for problem in problems)
    lines.append(f"{_counted(errors, 'error')}, {_counted(len(problems) - errors, 'warning')}")
    return "\n".join(lines)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def as_plain(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """All fields of each problem, in the order given."""
    return [asdict(problem) for problem in problems]
