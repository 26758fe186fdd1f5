"""routing_rules/: queues with their members, and the numbers that callers dial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cti_engine.core.definitions import AgentDefinition, DialledNumber, QueueDefinition
from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.expressions.values import Scope
from cti_engine.definitions.problems import WARNING
from cti_engine.definitions.shapes import (
    IDENTIFIER,
    LANGUAGE,
    Duration,
    Key,
    Keys,
    Many,
    Number,
    Table,
    Text,
)
from cti_engine.definitions.site_loader import agent_names
from cti_engine.definitions.yaml_source import Document, Node

FLOW_ID = Text("the id of a flow", IDENTIFIER.pattern)

SERVICE_LEVEL = Keys(
    (
        Key("threshold", Duration(1, 3600), "answered within this time", 20.0),
        Key("target", Number(0.01, 1, decimal=True), "the share of calls, 0.80 is 80 %", 0.8),
    )
)
QUEUE = Keys(
    (
        Key("name", Text(), "what people read", ""),
        Key("members", Many(IDENTIFIER), "agents by id; this or require", None),
        Key(
            "require",
            Text("a condition"),
            "agents by attribute, e.g. agent.spanish >= 5; this or members",
            "",
        ),
        Key("treatment", FLOW_ID, "the flow that plays while a caller waits", ""),
        Key("priority", Number(-1000, 1000), "added to each call's priority", 0),
        Key("ring_timeout", Duration(3, 300), "how long an agent's phone rings", 20.0),
        Key("wrap_up", Duration(0, 3600), "time for notes after a call; 0s for none", 30.0),
        Key("max_wait", Duration(1, 86400), "how long a caller waits at most", 600.0),
        Key("on_time_out", FLOW_ID, "the flow for a caller who waited that long; without: the call ends", ""),
        Key("service_level", SERVICE_LEVEL, "what the supervisor's page measures by", SERVICE_LEVEL.blank()),
    )
)
QUEUES = Keys((Key("queues", Table(QUEUE), "the queues by id"),))

DIALLED_NUMBER = Keys(
    (
        Key("flow", FLOW_ID, "the flow that answers"),
        Key("language", LANGUAGE, "the language it begins in"),
        Key("priority", Number(-1000, 1000), "added to each call's priority", 0),
    )
)
DIALLED_NUMBERS = Keys(
    (
        Key(
            "dialled_numbers",
            Table(DIALLED_NUMBER, Text("a number or a SIP user", r"\+?[0-9*#]{1,20}|[a-z][a-z0-9_.-]{0,63}")),
            "what answers each number",
        ),
    )
)


Agents = Mapping[str, AgentDefinition]


def load_queues(document: Document, agents: Agents | None, agent_scope: Scope) -> dict[str, QueueDefinition]:
    """`agents` None: their file could not be read, so no member is looked for."""
    written = QUEUES.read(document, document.root, ())
    return {id: _queue(document, id, values, agents, agent_scope) for id, values in written["queues"].items()}


def _queue(
    document: Document, id: str, written: dict[str, Any], agents: Agents | None, agent_scope: Scope
) -> QueueDefinition:
    path = ("queues", id)
    named, condition = written["members"], written["require"]
    if named is not None and condition:
        document.problem((*path, "require"), "both members and require", "keep one of them")
    elif named is None and not condition and _lacks_require(document.at(path)):
        document.problem(path, "nobody serves this queue", "add members: [...] or require: CONDITION")
    if agents is None:
        members: tuple[str, ...] = ()
    elif named is not None:
        members = _named_members(document, id, named, agents)
    else:
        members = _matching_members(document, id, condition, agents, agent_scope)
    level = written["service_level"]
    return QueueDefinition(
        id=id,
        name=written["name"] or id,
        members=members,
        treatment=written["treatment"],
        priority=written["priority"],
        ring_timeout=written["ring_timeout"],
        wrap_up=written["wrap_up"],
        max_wait=written["max_wait"],
        on_time_out=written["on_time_out"],
        service_level_threshold=level["threshold"],
        service_level_target=level["target"],
    )


def _lacks_require(queue: Node) -> bool:
    return queue.kind == "mapping" and "require" not in queue.keys


def _named_members(document: Document, queue: str, named: tuple[str, ...], agents: Agents) -> tuple[str, ...]:
    for index, agent in enumerate(named):
        if agent and agent not in agents:
            path = ("queues", queue, "members", index)
            document.problem(path, f"there is no agent {agent}", did_you_mean(agent, agents))
    return tuple(dict.fromkeys(named))


def _matching_members(
    document: Document, queue: str, text: str, agents: Agents, agent_scope: Scope
) -> tuple[str, ...]:
    if not text:
        return ()
    path = ("queues", queue, "require")
    condition, faults = read_condition(text, agent_scope)
    for fault in faults:
        document.problem(path, fault.text, fault.hint, offset=fault.column - 1)
    if condition is None:
        return ()
    return tuple(id for id, agent in agents.items() if condition.holds(agent_names(agent)))


def warn_of_unserved(document: Document, queues: Mapping[str, QueueDefinition]) -> None:
    """Only to be asked where people and queues are without errors."""
    for queue in queues.values():
        if not queue.members:
            document.problem(("queues", queue.id), "no agent serves this queue", severity=WARNING)


def load_dialled_numbers(document: Document) -> dict[str, DialledNumber]:
    written = DIALLED_NUMBERS.read(document, document.root, ())
    return {
        number: DialledNumber(number, values["flow"], values["language"], values["priority"])
        for number, values in written["dialled_numbers"].items()
    }
