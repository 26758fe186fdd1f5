"""`cti-engine explain CONTACT`: why this agent, why still waiting, what would end that.

The story is read from the event log, the present from the stored rows: the engine is not disturbed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TextIO

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cti_engine.commands.explain_words import KEPT_OFF as _KEPT_OFF
from cti_engine.commands.explain_words import said
from cti_engine.commands.explain_words import why as _why
from cti_engine.core.acd import Acd
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.explanation import QueueAnswer, why_waiting
from cti_engine.core.rows import ROW_TYPES
from cti_engine.ports import Store, StoredEvent


@dataclass(frozen=True, slots=True)
class Explanation:
    """`story`: the contact's events that routing wrote. `waiting`: empty unless the call waits now."""

    contact: str
    story: tuple[StoredEvent, ...]
    waiting: tuple[QueueAnswer, ...]


STORY = (
    "CallQueued", "QueueStepAdvanced", "AgentReserved", "OfferEnded", "CallRequeued", "CallBridged",
    "CallAbandoned", "QueueLeft", "CallEnded",
)  # fmt: skip


def explain(store: Store, definitions: CenterDefinitions, contact: str, now: float) -> Explanation | None:
    """None when neither the log nor the state knows the contact. `now`: wall seconds."""
    story = tuple(event for event in store.events_of(contact) if event.event in STORY)
    acd = Acd(definitions)
    acd.load(
        {
            (kind, id_): msgspec.convert(row, ROW_TYPES[kind])
            for (kind, id_), row in store.load().rows.items()
            if kind in ROW_TYPES
        }
    )
    center = acd.center
    center.now = now
    row = center.contacts.get(contact)
    if row is None and not story:
        return None
    return Explanation(contact, story, why_waiting(center, row) if row is not None else ())


def write_json(explanation: Explanation, to: TextIO) -> None:
    json.dump(asdict(explanation), to, ensure_ascii=False, indent=1)
    to.write("\n")


def show(explanation: Explanation, console: Console) -> None:
    story = Table(title=f"Contact {explanation.contact}", header_style="bold", box=SIMPLE_HEAD)
    for name in ("time", "what", "why"):
        story.add_column(name, overflow="fold")
    for event in explanation.story:
        moment = datetime.fromtimestamp(event.at).astimezone().strftime("%H:%M:%S.%f")[:-3]
        story.add_row(moment, *_told(event))
    console.print(story)
    for answer in explanation.waiting:
        _show_queue(answer, console)


def _told(event: StoredEvent) -> tuple[str, str]:
    data = event.data
    match event.event:
        case "CallQueued":
            return f"waits in {data['queue']}", f"priority {data['priority']}, place {data['position']}"
        case "QueueStepAdvanced":
            skipped = [f"step {step + 1} skipped: {_SKIPPED[why]}" for step, why in data["skipped"]]
            if data["step"] < 0:
                return f"has no step left in {data['queue']}", "; ".join(skipped)
            asks = f"agents with {data['condition']}: " if data.get("condition") else ""
            counts = f"{asks}{data['pool']} could take it, {data['free']} of them free"
            return f"step {data['step'] + 1} of {data['queue']}", "\n".join([*skipped, counts])
        case "AgentReserved":
            return f"offered to {data['agent']}", "\n".join(_why(data))
        case "OfferEnded":
            return f"{data['agent']} did not take it", f"{data['outcome']}, rang {data['rang_s']:.1f} s"
        case "CallRequeued":
            return f"back in {data['queue']}", f"place {data['position']}, waited {data['waited_s']:.1f} s"
        case "CallBridged":
            return (
                f"talks to {data['agent']}",
                f"waited {data['waited_s']:.1f} s, rang {data['rang_s']:.1f} s",
            )
        case "CallAbandoned":
            return "hung up", f"waited {data['waited_s']:.1f} s in {data['queue']}"
        case "QueueLeft":
            return f"left {data['queue']}", str(data["reason"])
        case _:
            return "ended", f"{data['party']}/{data['cause']}"


_SKIPPED = {
    "consider_if": "its consider_if",
    "clock": "its time was over",
    "nobody": "nobody of it logged in",
}


def _show_queue(answer: QueueAnswer, console: Console) -> None:
    console.print(
        f"Waits in {answer.queue}, step {answer.step + 1} of {answer.steps}, {answer.ahead} ahead. "
        f"May go to agents with: {' or '.join(answer.pool)}. {_members(answer)} {_next(answer)}",
        markup=False,
        highlight=False,
    )
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    table.add_column("agent")
    table.add_column("what keeps them", overflow="fold")
    for agent in answer.agents:
        keeps = "; ".join(map(said, agent.keeps))
        table.add_row(agent.agent, keeps or "nothing: calls that come first are offered first")
    console.print(table)


def _members(answer: QueueAnswer) -> str:
    kept = ", ".join(f"{count} {_KEPT_OFF[name]}" for name, count in answer.kept_off.items())
    return f"These are {answer.members}{f': {kept}' if kept else ''}."


def _next(answer: QueueAnswer) -> str:
    if not answer.next_step_at:
        return "It stays in this step."
    moment = datetime.fromtimestamp(answer.next_step_at).astimezone()
    then = f"agents with {answer.next_pool}" if answer.next_pool else "what the queue says when steps run out"
    return f"From {moment:%H:%M:%S} on: {then}."
