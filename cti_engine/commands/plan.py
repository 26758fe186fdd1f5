"""`cti-engine plan NEW_RULES`: what other rules would change for the calls that wait now, before anybody takes them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TextIO

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cti_engine.core.acd import Acd
from cti_engine.core.center import Center
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.routing.build import milliseconds
from cti_engine.core.rows import ROW_TYPES
from cti_engine.core.rule_plan import AgentChange, CallChange, Place, RulePlan, compare
from cti_engine.ports import Loaded, Store

SHOWN = 40
"""Calls and agents that are shown one by one; the JSON has all."""


def recorded_at(store: Store, state: Loaded) -> float:
    """Wall seconds of the last event: the moment that a copy of a store shows. 0 for an empty one."""
    last = store.events_since(max(0, state.last_seq - 1), 1)
    return last[-1].at if last else 0.0


def plan(
    state: Loaded, present: CenterDefinitions, new: CenterDefinitions, now: float, *, replan: bool
) -> RulePlan:
    """`state`: stored rows; `present`: the rules in force. `replan`: calls are taken to the new steps too."""
    before, after = _center(state, present, now), _center(state, present, now)
    after.install(new)
    if replan:
        after.matcher.replan(milliseconds(now))
    return compare(before, after, replanned=replan)


def _center(state: Loaded, definitions: CenterDefinitions, now: float) -> Center:
    acd = Acd(definitions)
    acd.center.now = now
    rows = ((key, row) for key, row in state.rows.items() if key[0] in ROW_TYPES)
    acd.load({key: msgspec.convert(row, ROW_TYPES[key[0]]) for key, row in rows})
    return acd.center


def write_json(plan: RulePlan, to: TextIO) -> None:
    json.dump({**asdict(plan), "unroutable": plan.unroutable}, to, ensure_ascii=False, indent=1)
    to.write("\n")


def show(plan: RulePlan, console: Console) -> None:
    _queues(plan, console)
    _calls(plan.calls, console)
    _agents(plan.agents, console)
    if plan.unroutable:
        console.print(f"[bold red]{plan.unroutable} waiting calls become unroutable.")
    if not plan.replanned:
        console.print(
            "Calls that wait keep their steps when rules change; --replan shows them in the new ones."
        )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, header_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _queues(plan: RulePlan, console: Console) -> None:
    changed = Counter(change.queue for change in plan.calls)
    unroutable = Counter(change.queue for change in plan.calls if change.unroutable)
    gains = Counter(queue for agent in plan.agents for queue in agent.gains)
    loses = Counter(queue for agent in plan.agents for queue in agent.loses)
    title = f"From rules {plan.version} to {plan.new_version}"
    table = _table(title, "queue", "", "waiting", "change pool", "unroutable", "agents")
    for queue, waiting in plan.waiting.items():
        fate = "new" if queue in plan.queues_new else "gone" if queue in plan.queues_gone else ""
        agents = " ".join(
            f"{sign}{count[queue]}" for sign, count in (("+", gains), ("-", loses)) if count[queue]
        )
        figures = (waiting, changed[queue], unroutable[queue])
        table.add_row(queue, fate, *(str(figure) if figure else "" for figure in figures), agents)
    console.print(table)


def _calls(calls: tuple[CallChange, ...], console: Console) -> None:
    if not calls:
        console.print("No waiting call changes its pool.")
        return
    table = _table("Waiting calls", "contact", "queue", "waited", "now", "then", "agents", "")
    for change in sorted(calls, key=lambda change: not change.unroutable)[:SHOWN]:
        agents = " ".join(f"{sign}{n}" for sign, n in (("+", change.gained), ("-", change.lost)) if n)
        places = _place(change.before), _place(change.after)
        waited = f"{change.waited_s:.0f} s"
        table.add_row(change.contact, change.queue, waited, *places, agents, change.unroutable)
    console.print(table)
    _and_more(len(calls), console)


def _place(place: Place) -> str:
    if place.step < 0:
        return "leaves"
    return f"step {place.step + 1}: {place.agents}, {place.logged_in} logged in"


def _agents(agents: tuple[AgentChange, ...], console: Console) -> None:
    if not agents:
        return
    table = _table("Agents", "agent", "gains", "loses")
    for change in agents[:SHOWN]:
        table.add_row(change.agent, ", ".join(change.gains), ", ".join(change.loses))
    console.print(table)
    _and_more(len(agents), console)


def _and_more(count: int, console: Console) -> None:
    if count > SHOWN:
        console.print(f"... and {count - SHOWN} more: --json has all.")
