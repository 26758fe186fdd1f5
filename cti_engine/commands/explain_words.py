"""Decision records and obstacles in English, for `cti-engine explain`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cti_engine.core.explanation import Obstacle

KEPT_OFF = {
    "not_free": "not free",
    "excluded": "missed this call just now",
    "profile": "kept off by their profile",
    "delay": "later by their profile",
}
_ASKED = {
    "call": "The call asked for an agent",
    "agent": "The agent became free and asked for a call",
    "burst": "Many calls and agents were matched together",
    "value": "Many calls and agents were matched together, for the greatest worth of all pairs",
}
_DIRECT = {
    "transfer": "A flow of this call, or another agent, wanted this agent and no other.",
    "outbound": "This agent makes the call.",
    "appointment": "This agent has promised this callback.",
}
_MOMENTS = ("idle_since", "longest_idle")


def why(data: dict[str, Any]) -> Iterator[str]:
    """The lines of one `AgentReserved`: what asked, from whom, by which terms, who came second, by which rules."""
    record = data["why"]
    if not record:
        return
    if record["side"] in _DIRECT:
        yield _DIRECT[record["side"]]
        return
    kept = ", ".join(f"{count} {KEPT_OFF[name]}" for name, count in record["kept_off"].items())
    yield (
        f"{_ASKED[record['side']]}. Step {record['step'] + 1} of {data['queue']}: agents with {record['condition']}; "
        f"{record['pool']} of them{f', {kept}' if kept else ''}."
    )
    yield f"{'Pair of' if record['side'] == 'value' else 'First by'} {_terms(record)}."
    second = record["runner_up"]
    if second is not None:
        who = second["agent"] if record["side"] == "call" else f"{second['contact']} of {second['queue']}"
        place = record["order"].index(record["lost_by"])
        name = record["lost_by"]
        yield (
            f"Second: {who}, by {_name(name)}: {_value(name, second['terms'][place])} "
            f"against {_value(name, record['terms'][place])}."
        )
    elif record["side"] not in ("burst", "value"):
        yield "Nobody came second." if record["side"] == "call" else "No other call could go to this agent."
    yield f"Rules {record['rules']}, {record['source']}." if record["source"] else f"Rules {record['rules']}."


def _terms(record: dict[str, Any]) -> str:
    """Up to the term that decided; each once, for the order may name the idle clock that decides at last anyway."""
    order, last = record["order"], record["lost_by"] or "idle_since"
    decided = order.index(last) + 1 if last in order else len(order)
    told = {
        _name(name): _value(name, term) for name, term in zip(order[:decided], record["terms"], strict=False)
    }
    return ", ".join(f"{name} {value}" for name, value in told.items())


def _name(name: str) -> str:
    named = {"longest_idle": "idle since", "rank": "place by id", "group": "level of the group"}
    return named.get(name, name.replace("_", " "))


def _value(name: str, term: int) -> str:
    if name in _MOMENTS:
        return f"{datetime.fromtimestamp(term / 1000).astimezone():%H:%M:%S.%f}"[:-3]
    if name == "score":
        return f"{-term / 1_000_000:.1f}"
    if name in ("most_skilled", "weighted"):
        return str(-term)
    if name in ("rank", "top_down"):
        return str(term + 1)
    if name == "level" and term < 0:
        return "longest_wait_cap"
    return str(term)


def said(obstacle: Obstacle) -> str:
    """What keeps an agent, in a few words."""
    what = obstacle.what
    match obstacle.code:
        case "not_ready":
            return f"not ready: {what}" if what else "not ready"
        case "no_phone":
            return "phone not registered"
        case "busy":
            return what.replace("_", "-")
        case "missed":
            return f"missed this call, gets it again in {obstacle.seconds} s"
        case "profile":
            return f"profile {what} does not serve the queue"
        case "delay":
            return f"profile {what} takes it in {obstacle.seconds} s"
        case "not_member":
            return f"not a member of {what}"
        case "lacks":
            return f"needs {what} (has {obstacle.has or 'nothing'})"
        case "no_step":
            return "stands in no step of this queue"
        case _:
            return obstacle.code.replace("_", " ")
