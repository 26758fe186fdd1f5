"""`cti-engine fairness`: how evenly work is spread over agents, queues and sites, from the event log."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cti_engine.adapters.log_reading import OVERLAP, fact_of, log_since
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.reporting.fairness import (
    READ,
    AgentDay,
    AgentDays,
    FairnessReport,
    Present,
    Spread,
    report,
)
from cti_engine.ports import Store


def fairness(store: Store, definitions: CenterDefinitions, since: float, now: float) -> FairnessReport:
    """Of `since` (wall seconds) until `now`, as far back as the log goes."""
    loaded = store.load()
    days = AgentDays(since)
    for stored in log_since(store, since - OVERLAP, loaded.last_seq):
        if stored.event in READ:
            days.apply(fact_of(stored), stored.at)
    present = {
        id_: Present(row["status"], row["state"], row["since"], row["reason"])
        for (kind, id_), row in loaded.rows.items()
        if kind == "agent"
    }
    return report(days, now, present, definitions.agents, definitions.queues.values())


def write_json(found: FairnessReport, to: TextIO) -> None:
    plain = asdict(found)
    plain["agents"] = [_plain(day) for day in found.agents]
    json.dump(plain, to, ensure_ascii=False, indent=1)
    to.write("\n")


def _plain(day: AgentDay) -> dict[str, Any]:
    derived = {"occupancy": day.occupancy, "aht": day.aht, "idle_share": day.idle_share}
    return {**asdict(day), **derived}


def show(found: FairnessReport, console: Console) -> None:
    table = Table(
        title=f"Agents since {datetime.fromtimestamp(found.since).astimezone():%Y-%m-%d %H:%M}",
        header_style="bold",
        box=SIMPLE_HEAD,
    )
    table.add_column("agent")
    for name in ("calls", "AHT s", "occupancy", "idle", "ready h", "offers", "missed", "RONA"):
        table.add_column(name, justify="right")
    for day in found.agents:
        if day.ready + day.not_ready > 0 or day.offers:
            table.add_row(
                day.agent, str(day.calls), _number(day.aht), _share(day.occupancy), _share(day.idle_share),
                f"{day.ready / 3600:.1f}", str(day.offers), str(day.missed), str(day.ronas),
            )  # fmt: skip
    console.print(table)
    spreads = [("equally skilled", each) for each in found.equals]
    between = [each for each in (found.between_queues, found.between_sites) if each is not None]
    spreads += [("between", each) for each in between if len(each.members) > 1]
    if spreads:
        _show_spreads(spreads, console)
    for name, occupancies in (("Queues", found.queues), ("Sites", found.sites)):
        if occupancies:
            told = ", ".join(f"{each} {_share(value)}" for each, value in occupancies.items())
            console.print(f"{name}: {told}", markup=False, highlight=False)


def _show_spreads(spreads: list[tuple[str, Spread]], console: Console) -> None:
    table = Table(title="Spread of occupancy", header_style="bold", box=SIMPLE_HEAD)
    table.add_column("of")
    table.add_column("who", overflow="fold")
    for name in ("mean", "lowest", "highest", "CV", "Jain"):
        table.add_column(name, justify="right")
    for kind, each in spreads:
        numbers = (_share(each.mean), _share(each.lowest), _share(each.highest))
        table.add_row(kind, each.name, *numbers, _number(each.cv, 2), _number(each.jain, 3))
    console.print(table)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
