"""Copies of the shipped center for tests to break."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("config", "ivr_flows", "routing_rules", "guides")
BROKEN = Path(__file__).parent / "broken"


def shipped_home(to: Path) -> Path:
    """The shipped YAML files, and nothing else, under `to`."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, to / folder, ignore=shutil.ignore_patterns("*.csv", "*.md", "*.json"))
    return to


def broken_home(case: str, to: Path) -> Path:
    """The shipped files with those of `broken/CASE` over them."""
    shipped_home(to)
    for folder in FOLDERS:
        if (BROKEN / case / folder).is_dir():
            shutil.copytree(BROKEN / case / folder, to / folder, dirs_exist_ok=True)
    return to
