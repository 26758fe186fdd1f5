"""`cti-engine simulate SCENARIO`: days that have not been, through the live rules; figures with their confidence."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO, TypeVar

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.problems import Problem
from cti_engine.simulation.replications import LEVEL, Band, Day, band, bands, in_processes, play
from cti_engine.simulation.scenario import Scenario
from cti_engine.simulation.scenario_loader import load_scenario

Cell = TypeVar("Cell")
SHARES = ("service_level", "abandon_rate", "occupancy")
CELL = 15
"""Columns of the terminal that a figure with its band takes."""


@dataclass(frozen=True, slots=True)
class Request:
    """`seed`, `replications` None: the scenario's."""

    home: Path
    file: Path
    seed: int | None = None
    replications: int | None = None


@dataclass(frozen=True, slots=True)
class Simulation:
    """`days` in the order of replications 1, 2, ...; `figures` over them, `series` and `curves` their means."""

    scenario: Scenario
    days: tuple[Day, ...]
    figures: dict[str, dict[str, Band]]
    series: dict[str, list[Band]]
    curves: dict[str, list[float]]


def load(request: Request) -> tuple[Scenario | None, list[Problem]]:
    """The scenario with the request's own seed and replications; None when files have errors."""
    definitions, problems = load_definitions(request.home)
    if definitions is None:
        return None, problems
    scenario, found = load_scenario(request.file, definitions)
    if scenario is None:
        return None, found
    seed = scenario.seed if request.seed is None else request.seed
    number = scenario.replications if request.replications is None else request.replications
    return replace(scenario, seed=seed, replications=number), found


def _player(request: Request) -> Callable[[int], Day]:
    scenario, problems = load(request)
    if scenario is None:  # changed since it was checked a moment ago
        raise SystemExit("\n".join(map(str, problems)))
    return partial(play, scenario)


def simulate(request: Request, scenario: Scenario, jobs: int, progress: Console) -> Simulation:
    """Play all replications on so many cores; `progress` gets the bar."""
    numbers = range(1, scenario.replications + 1)
    jobs = min(jobs, scenario.replications)
    source = in_processes(partial(_player, request), numbers, jobs)
    played = dict(track(source, "Simulating", len(numbers), console=progress, transient=True))
    days = tuple(played[number] for number in numbers)
    series = {
        name: [band([day.series[name][slot] for day in days]) for slot in range(len(values))]
        for name, values in days[0].series.items()
    }
    queues = dict.fromkeys(queue for day in days for queue in day.waits)
    curves = {
        queue: np.mean([day.waits[queue] for day in days if queue in day.waits], axis=0).tolist()
        for queue in queues
    }
    return Simulation(scenario, days, bands([day.figures for day in days]), series, curves)


def plain_band(value: Band) -> dict[str, float | None]:
    """JSON has no nan: null."""
    mean, half = (None if math.isnan(each) else round(each, 6) for each in value[:2])
    return {"mean": mean, "half": half, "replications": value.number}


def write_json(found: Simulation, to: TextIO) -> None:
    scenario = found.scenario
    plain: dict[str, Any] = {
        "scenario": scenario.name,
        "rules": scenario.definitions.version,
        "seed": scenario.seed,
        "replications": scenario.replications,
        "confidence": LEVEL,
        "calls": sum(day.calls for day in found.days),
        "figures": {
            scope: {metric: plain_band(value) for metric, value in metrics.items()}
            for scope, metrics in found.figures.items()
        },
        "series": {
            "interval_s": scenario.interval,
            **{name: [plain_band(value) for value in values] for name, values in found.series.items()},
        },
        "anomalies": sorted({text for day in found.days for text in day.anomalies}),
    }
    json.dump(plain, to, ensure_ascii=False, indent=1)
    to.write("\n")


def show(found: Simulation, console: Console) -> None:
    scenario = found.scenario
    calls = sum(day.calls for day in found.days)
    console.print(
        f"{scenario.name}: {scenario.replications} days, {calls} calls, seed {scenario.seed}; rules "
        f"{scenario.definitions.version}. Means with {100 * LEVEL:.0f} % confidence (±), times in seconds.",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
    queues = [scope for scope, each in found.figures.items() if "offered" in each and each["offered"].mean]
    groups = [scope for scope in found.figures if scope.startswith("group ")]
    show_figures("Queues", found.figures, queues, say, console)
    show_figures("Groups of agents", found.figures, groups, say, console)
    for text in sorted({text.partition(": ")[2] or text for day in found.days for text in day.anomalies})[:5]:
        console.print(f"The rules went wrong for some calls: {text}", markup=False)


def show_figures(
    title: str,
    figures: Mapping[str, Mapping[str, Cell]],
    scopes: Sequence[str],
    said: Callable[[str, Cell], str],
    console: Console,
) -> None:
    """A metric a line, a scope a column; as many tables as the terminal is too narrow for."""
    at_once = max(1, (console.width - 26) // CELL)
    for first in range(0, len(scopes), at_once):
        table = Table(title=title, header_style="bold", box=SIMPLE_HEAD, padding=(0, 1), title_justify="left")
        table.add_column("")
        shown = scopes[first : first + at_once]
        for scope in shown:
            table.add_column(scope.partition(" ")[2] or scope, justify="right", overflow="fold")
        for metric in figures[shown[0]]:
            table.add_row(short(metric), *(said(metric, figures[scope][metric]) for scope in shown))
        console.print(table)


def short(metric: str) -> str:
    """The variants of service level as the routing notes write them."""
    return metric.replace("service_level_", "..._")


def say(metric: str, value: Band) -> str:
    """`86.2 ±0.4 %`, `12.3 ±0.5`."""
    if math.isnan(value.mean):
        return "–"
    share = metric.startswith(SHARES)
    mean, half = (100 * value.mean, 100 * value.half) if share else value[:2]
    unit = " %" if share else ""
    return f"{mean:.1f}{unit}" if math.isnan(half) else f"{mean:.1f} ±{half:.1f}{unit}"
