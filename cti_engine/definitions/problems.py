"""A problem in a definition file, with its place; collected, never thrown one by one.

The same objects serve the command line, the tests and the pages of the admin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ERROR = "error"
WARNING = "warning"

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """`line` and `column` count from 1, 0 when the whole file is meant; `file` is relative to CTI_HOME."""

    file: str
    line: int
    column: int
    path: str
    severity: str
    text: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        path = f" {self.path}:" if self.path else ""
        kind = " warning:" if self.severity == WARNING else ""
        return f"{place}:{kind}{path} {self.text}" + (f" ({self.hint})" if self.hint else "")


def print_path(path: Path) -> str:
    """`steps.menu.choices.1`, list items as `[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def has_errors(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == ERROR for problem in problems)
