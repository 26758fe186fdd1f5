"""`cti-engine replay DAY --rules NEW`: a recorded day under other rules, in paired differences with bands."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from cti_engine.adapters.log_reading import OVERLAP, fact_of, log_since
from cti_engine.commands.simulate import plain_band, say, short
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.events import Event
from cti_engine.definitions.library import load_definitions
from cti_engine.ports import Store
from cti_engine.simulation.day_figures import DayFigures
from cti_engine.simulation.recorded_day import RecordedDay, read_day
from cti_engine.simulation.replay import Compared, compare, fit, under
from cti_engine.simulation.replications import LEVEL, Band, Day, in_processes, play
from cti_engine.wire.vocabulary import EVENTS

CLOSING = 86_400.0
"""Seconds after the day in which its last calls come to their end."""


@dataclass(frozen=True, slots=True)
class Request:
    """`old`, `new`: (home, over) as for `load_definitions`. `begins`: the day's midnight, wall seconds."""

    old: tuple[Path, Path | None]
    new: tuple[Path, Path | None]
    utc_offset: float
    seed: int
    replications: int


@dataclass(frozen=True, slots=True)
class Replay:
    day: RecordedDay
    old: str
    new: str
    replications: int
    compared: dict[str, dict[str, Compared]]


Recorded = tuple[RecordedDay, list[tuple[float, Event]]]


def recorded(store: Store, begins: float, ends: float) -> Recorded:
    """The day, and its facts: of agents and of the calls that arrived in it."""
    loaded = store.load()
    facts: list[tuple[float, Event]] = []
    for stored in log_since(store, begins - OVERLAP, loaded.last_seq):
        if stored.at > ends + CLOSING:
            break
        if stored.event in EVENTS:  # a journal that ran over leaves numbers without a fact
            facts.append((stored.at, fact_of(stored)))
    statuses = {
        id_: (str(row["status"]), str(row["reason"]))
        for (kind, id_), row in loaded.rows.items()
        if kind == "agent" and row["since"] < begins
    }
    return read_day(facts, begins, ends, statuses), facts


def replay(request: Request, found: Recorded, jobs: int, progress: Console) -> Replay:
    """Raises ValueError when the day has too little in it, or new rules lack one of its queues."""
    day, facts = found
    if not day.calls:
        raise ValueError(
            "no call was queued that day: is it in the log (keep_events_days), and in this time zone?"
        )
    old, new = _rules(request.old), _rules(request.new)
    models = fit(day, old)
    for rules in (old, new):
        under(day, models, rules, request.utc_offset, request.seed)
    numbers = range(1, request.replications + 1)
    source = in_processes(partial(_player, request, day), numbers, min(jobs, len(numbers)))
    played = dict(track(source, "Replaying", len(numbers), console=progress, transient=True))
    really = DayFigures(old, models.group_of, day.begins, day.ends, 3600.0)
    really(fact for fact in facts if fact[0] >= day.begins)
    pairs = [played[number] for number in numbers]
    before, after = ([pair[side].figures for pair in pairs] for side in (0, 1))
    return Replay(day, old.version, new.version, len(numbers), compare(really.figures(), before, after))


def _rules(place: tuple[Path, Path | None]) -> CenterDefinitions:
    definitions, problems = load_definitions(place[0], over=place[1])
    if definitions is None:  # changed since they were checked a moment ago
        raise SystemExit("\n".join(map(str, problems)))
    return definitions


def _player(request: Request, day: RecordedDay) -> Callable[[int], tuple[Day, Day]]:
    old = _rules(request.old)
    models = fit(day, old)
    days = [
        under(day, models, rules, request.utc_offset, request.seed) for rules in (old, _rules(request.new))
    ]
    return lambda number: (play(days[0], number), play(days[1], number))


def write_json(found: Replay, to: TextIO) -> None:
    plain = {
        "begins": found.day.begins,
        "ends": found.day.ends,
        "calls": len(found.day.calls),
        "not_queued": found.day.not_queued,
        "old_rules": found.old,
        "new_rules": found.new,
        "replications": found.replications,
        "confidence": LEVEL,
        "figures": {
            scope: {
                metric: {
                    "really": None if math.isnan(each.really) else round(each.really, 6),
                    "likely": each.likely,
                    "old": plain_band(each.old),
                    "new": plain_band(each.new),
                    "difference": plain_band(each.difference),
                }
                for metric, each in metrics.items()
            }
            for scope, metrics in found.compared.items()
        },
    }
    json.dump(plain, to, ensure_ascii=False, indent=1)
    to.write("\n")


def show(found: Replay, console: Console) -> None:
    console.print(
        f"{len(found.day.calls)} calls, {found.day.not_queued} more that never reached a queue; rules {found.old} and "
        f"{found.new}, each {found.replications} times. ±: {100 * LEVEL:.0f} % confidence, differences paired.",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
    for scope, metrics in found.compared.items():
        if not _happens(metrics):
            continue
        table = Table(title=scope, header_style="bold", box=SIMPLE_HEAD, padding=(0, 1), title_justify="left")
        table.add_column("")
        for name in ("really", "old rules", "new rules", "new - old"):
            table.add_column(name, justify="right")
        for metric, each in metrics.items():
            really = say(metric, Band(each.really, math.nan, 1)) + ("" if each.likely else " !")
            table.add_row(
                short(metric),
                really,
                *(say(metric, value) for value in (each.old, each.new)),
                _difference(metric, each),
            )
        console.print(table)
    unlikely = [f"{scope} {metric}" for scope, metric in _unlikely(found)]
    if unlikely:
        console.print(
            f"! really happened otherwise than 95 of 100 days under the old rules would: {', '.join(unlikely)}. "
            "Look at these before you believe the rest.",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip


def _happens(metrics: dict[str, Compared]) -> bool:
    return any(
        each.old.mean or each.new.mean for name, each in metrics.items() if name in ("offered", "ready_hours")
    )


def _unlikely(found: Replay) -> Sequence[tuple[str, str]]:
    return [
        (scope, metric)
        for scope, metrics in found.compared.items()
        if _happens(metrics)
        for metric, each in metrics.items()
        if not each.likely
    ]


def _difference(metric: str, each: Compared) -> str:
    """Bold when its band does not hold 0."""
    text = say(metric, each.difference)
    if not math.isnan(each.difference.mean) and each.difference.mean > 0:
        text = f"+{text}"
    return f"[bold]{text}[/]" if abs(each.difference.mean) > each.difference.half else text
