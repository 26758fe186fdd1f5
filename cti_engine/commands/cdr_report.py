"""`cti-engine cdr`: closed contacts as a table, CSV or JSON, read from the store without disturbing the engine."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cti_engine.core.reporting.cdr import RECORDED

DURATIONS = {
    "wait s": "wait_s",
    "ring s": "ring_s",
    "talk s": "talk_s",
    "hold s": "hold_s",
    "wrap s": "wrap_up_s",
}
WIDE = ("contact", "began", "from", "to", "queue", "agent", *DURATIONS, "cause", "disposition")
NARROW = ("contact", "began", "from", "agent", "wait s", "talk s", "cause")
WIDE_ENOUGH = 150
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(rows: Iterable[dict[str, Any]], to: TextIO) -> int:
    """RFC 4180 with a header; returns how many. A text that a spreadsheet would run gets a quote in front.

    Numbers in E.164 begin with `+` and nothing but digits: they stay as they are.
    """
    writer = csv.DictWriter(to, RECORDED, extrasaction="ignore")
    writer.writeheader()
    count = 0
    for row in rows:
        writer.writerow({column: _cell(row.get(column, "")) for column in RECORDED})
        count += 1
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = " ".join(_part(part) for part in value)
    elif isinstance(value, dict):
        value = " ".join(f"{name}={part}" for name, part in value.items())
    if isinstance(value, str) and value.startswith(_FORMULA) and not value[1:].isdigit():
        return "'" + value
    return round(value, 3) if isinstance(value, float) else value


def _part(part: Any) -> str:
    """Of a list; a segment in short: who, seconds of talk, how it ended."""
    if not isinstance(part, dict):
        return str(part)
    return f"{part['agent'] or part['number']}={part['talk_s']:.1f}={part['ended']}"


def export(rows: Iterable[dict[str, Any]], path: Path) -> int:
    with path.open("w", encoding="utf-8", newline="") as file:
        return write_csv(rows, file)


def write_json(rows: Iterable[dict[str, Any]], to: TextIO) -> None:
    """One record a line."""
    for row in rows:
        to.write(json.dumps(row, ensure_ascii=False) + "\n")


def show(rows: Iterable[dict[str, Any]], console: Console) -> None:
    """The columns that people look at, times local to the machine; a narrow terminal gets fewer."""
    wide = console.width >= WIDE_ENOUGH
    columns, moment = (WIDE, "%Y-%m-%d %H:%M:%S") if wide else (NARROW, "%m-%d %H:%M")
    box, padding = (SIMPLE_HEAD, (0, 1)) if wide else (None, (0, 1, 0, 0))
    table = Table(title="Call detail records", header_style="bold", box=box, padding=padding, pad_edge=wide)
    for name in columns:
        table.add_column(name, justify="right" if name.endswith(" s") else "left", overflow="fold")
    for row in rows:
        began = datetime.fromtimestamp(float(row["arrived_at"])).astimezone()
        cells = {
            "contact": row["contact"],
            "began": began.strftime(moment),
            "from": row["ani"],
            "to": row["dnis"],
            "queue": row["queue"],
            "agent": row["agent"],
            "cause": row["cause"],
            "disposition": row["disposition"],
            **{name: f"{float(row[key]):.1f}" for name, key in DURATIONS.items()},
        }
        table.add_row(*(str(cells[name]) for name in columns))
    console.print(table)
