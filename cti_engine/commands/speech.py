"""`cti-engine speech`: who understands callers in which language and why, and fetching models."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from speech.recognition.install import LIST, find, install
from speech.recognition.installed import NONE, Choice


def write_json(choices: list[Choice], to: TextIO) -> None:
    json.dump([asdict(choice) for choice in choices], to, ensure_ascii=False, indent=1)
    to.write("\n")


def show(choices: list[Choice], console: Console) -> None:
    if not choices:
        console.print("No flow takes words, so callers press keys.")
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    for name in ("language", "understood by", "because", "to do"):
        table.add_column(name, overflow="fold")
    for one in choices:
        style = "yellow" if one.engine == NONE else "green"
        table.add_row(one.language, f"[{style}]{one.engine}[/]", one.why, one.advice.replace("[", r"\["))
    console.print(table)


def fetch(language: str, models: Path, progress: Console, list_url: str = LIST) -> Path:
    """Fetch the Vosk model of a language, with a progress bar. Raises CannotInstall."""
    offer = find(language, list_url)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=progress) as bar:
        task = bar.add_task(offer.name, total=offer.size or None)
        return install(
            offer, language, models, lambda done, total: bar.update(task, completed=done, total=total or None)
        )
