"""`cti-engine levels`: what each group of agents takes in each queue, as learned, and which levels are in force."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TextIO

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.routing.handle_times import LevelLimits, QueueTimes, compared, estimates
from cti_engine.ports import Store


@dataclass(frozen=True, slots=True)
class GroupLevel:
    """`seconds` is as if the group had the queue's mix of intents; `ratio` to the fastest group, with clear bounds."""

    queue: str
    group: str
    calls: float
    seconds: float
    ratio: float
    at_least: float
    at_most: float
    level: int


@dataclass(frozen=True, slots=True)
class QueueLevels:
    queue: str
    limits: LevelLimits
    groups: tuple[GroupLevel, ...]


def levels(store: Store, definitions: CenterDefinitions) -> list[QueueLevels]:
    """By queue, in the order of the rules; of each the fastest group first. Disturbs no running engine."""
    rows = store.load().rows
    found = []
    for queue, definition in definitions.queues.items():
        row = rows.get(("handle_times", queue))
        times = msgspec.convert(row, QueueTimes) if row is not None else QueueTimes(queue)
        found.append(QueueLevels(queue, definition.levels, _groups(times, definitions.teams(queue))))
    return found


def _groups(times: QueueTimes, teams: tuple[str, ...]) -> tuple[GroupLevel, ...]:
    known = sorted(estimates(times, teams).items(), key=lambda pair: (pair[1].seconds, pair[0]))
    groups = []
    for team, estimate in known:
        level = int(team in times.slow)
        ratio = compared(estimate, known[0][1])
        groups.append(GroupLevel(times.id, team, estimate.calls, estimate.seconds, *ratio, level))
    return tuple(groups)


def write_json(found: list[QueueLevels], to: TextIO) -> None:
    json.dump([asdict(queue) for queue in found], to, ensure_ascii=False, indent=1)
    to.write("\n")


def show(found: list[QueueLevels], console: Console) -> None:
    for queue in found:
        table = Table(
            title=queue.queue, header_style="bold", box=SIMPLE_HEAD, caption=_said(queue.limits), min_width=60
        )
        table.add_column("group")
        for name in ("calls", "handle time", "to the fastest", "level"):
            table.add_column(name, justify="right")
        for group in queue.groups:
            table.add_row(
                group.group,
                f"{group.calls:.0f}",
                f"{group.seconds:.0f} s",
                f"{group.ratio:.2f} ({group.at_least:.2f} to {group.at_most:.2f})",
                str(group.level),
            )
        console.print(table)


def _said(limits: LevelLimits) -> str:
    if not limits.enabled:
        return "Switched off: every group serves this queue alike."
    until = f", until a call has waited {limits.at_most_wait / 1000:g} s" if limits.at_most_wait else ""
    return f"Level 1 from {limits.slower_by:g} times the fastest and {limits.min_calls} calls on{until}."
