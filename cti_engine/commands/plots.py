"""Pictures of a simulation, SVG and PNG, for people who decide from them. matplotlib: the extra `cti-engine[plots]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cti_engine.commands.simulate import Simulation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ADVICE = "plots need matplotlib: pip install 'cti-engine[plots]'"


class NoPlots(Exception):
    """matplotlib is not installed; the text says what to do."""


def draw(found: Simulation, folder: Path) -> list[Path]:
    """Service level and calls through the day, waits, occupancy. Returns the files. Raises NoPlots."""
    try:
        from matplotlib.figure import Figure  # 100 modules that no running center needs
    except ImportError as error:
        raise NoPlots(ADVICE) from error
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, axes in (
        ("calls", _calls),
        ("service_level", _levels),
        ("waits", _waits),
        ("occupancy", _occupancy),
    ):
        figure = Figure(figsize=(9, 4.5), layout="constrained")
        axes(figure.add_subplot(), found)
        for kind in ("svg", "png"):
            file = folder / f"{found.scenario.name}_{name}.{kind}"
            figure.savefig(file, dpi=120, metadata={"Date": None} if kind == "svg" else None)
            files.append(file)
    return files


def _queues(found: Simulation) -> list[str]:
    return [
        queue
        for queue in found.scenario.definitions.queues
        if found.figures[f"queue {queue}"]["offered"].mean
    ]


def _hours(found: Simulation, number: int) -> list[float]:
    scenario = found.scenario
    begin = scenario.begins / 3_600_000 % 24 + scenario.warm_up / 3600
    return [begin + slot * scenario.interval / 3600 for slot in range(number)]


def _through_the_day(axes: Axes, title: str, label: str) -> None:
    axes.set(title=title, xlabel="hour of the day", ylabel=label)
    axes.set_ylim(bottom=0)
    axes.legend()
    axes.grid(alpha=0.3)


def _calls(axes: Axes, found: Simulation) -> None:
    for queue in _queues(found):
        for kind, style in (("offered", "-"), ("abandoned", ":")):
            values = found.series[f"{queue} {kind}"]
            hours = _hours(found, len(values))
            axes.step(hours, [each.mean for each in values], style, where="post", label=f"{queue} {kind}")
    _through_the_day(axes, "Calls per interval", "calls")


def _levels(axes: Axes, found: Simulation) -> None:
    for queue in _queues(found):
        offered, in_time = found.series[f"{queue} offered"], found.series[f"{queue} in time"]
        levels: list[Any] = [
            100 * each.mean / of.mean if of.mean else None for each, of in zip(in_time, offered, strict=True)
        ]
        axes.step(_hours(found, len(levels)), levels, where="post", label=queue)
    axes.set_ylim(top=100)
    _through_the_day(axes, "Answered within the threshold, of the calls offered", "%")


def _waits(axes: Axes, found: Simulation) -> None:
    for queue, curve in found.curves.items():
        axes.plot(curve, range(len(curve)), label=queue)
        axes.axvline(found.scenario.definitions.queues[queue].service_level_threshold, color="grey", lw=0.5)
    axes.set(title="Waits of the answered calls", xlabel="seconds", ylabel="% waited less")
    axes.legend()
    axes.grid(alpha=0.3)


def _occupancy(axes: Axes, found: Simulation) -> None:
    groups = [scope.partition(" ")[2] for scope in found.figures if scope.startswith("group ")]
    bands = [found.figures[f"group {group}"]["occupancy"] for group in groups]
    axes.bar(groups, [100 * each.mean for each in bands], yerr=[100 * each.half for each in bands])
    axes.set(title="Occupancy", ylabel="%", ylim=(0, 100))
