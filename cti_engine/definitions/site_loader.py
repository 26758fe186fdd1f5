"""config/: agents and their attributes, dispositions, not-ready reasons, and the limits of a call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from cti_engine.core.definitions import (
    AgentDefinition,
    CallLimits,
    Disposition,
    SupervisionRules,
    TransferRules,
)
from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.expressions.values import (
    BOOLEAN,
    DURATION,
    NUMBER,
    TEXT,
    UNKNOWN,
    Type,
    text_of,
    whole_numbers,
)
from cti_engine.definitions.problems import Path
from cti_engine.definitions.shapes import (
    IDENTIFIER,
    LANGUAGE,
    AnyValue,
    Duration,
    Flag,
    Key,
    Keys,
    Many,
    Number,
    Schema,
    Table,
    Text,
)
from cti_engine.definitions.yaml_source import Document, Node

LEVELS = (1, 10)
_AGENT_TYPES = {"boolean": BOOLEAN, "proficiency": whole_numbers(*LEVELS), "text": TEXT}
_CALL_TYPES = {"boolean": BOOLEAN, "number": NUMBER, "text": TEXT, "duration": DURATION}
PROFICIENCY = Number(*LEVELS)


@dataclass(frozen=True, slots=True)
class DeclaredType:
    """The name of a type, or the list of texts that are allowed."""

    types: tuple[str, ...]

    def read(self, document: Document, node: Node, path: Path) -> str | tuple[str, ...]:
        if isinstance(node.value, list):
            return tuple(Text().read(document, child, (*path, i)) for i, child in enumerate(node.value))
        names = ", ".join(self.types)
        return Text(f"one of {names}, or a list of texts", choices=self.types).read(document, node, path)

    def blank(self) -> str:
        return ""

    def schema(self) -> Schema:
        return {"anyOf": [{"enum": list(self.types)}, {"type": "array", "items": {"type": "string"}}]}


ATTRIBUTES = Keys(
    (
        Key("agent", Table(DeclaredType(tuple(_AGENT_TYPES))), "what may be said of an agent", {}),
        Key("call", Table(DeclaredType(tuple(_CALL_TYPES))), "what is known of a call", {}),
    )
)
AGENT = Keys(
    (
        Key("name", Text(), "what callers' records and supervisors read", ""),
        Key("attributes", Table(AnyValue()), "as declared in attributes.yaml", {}),
        Key("site", IDENTIFIER, "where the agent works", "main"),
        Key(
            "group", IDENTIFIER, "whose handle times theirs are learned with; without: profile, else site", ""
        ),
        Key("profile", IDENTIFIER, "how several queues are served, see routing_rules/profiles.yaml", ""),
        Key("capacity", Number(1, 20), "contacts at once; a phone call fills an agent", 1),
        Key(
            "extension",
            Text("some digits", r"[0-9]{2,8}"),
            "the number that callers know; see transfer in flows",
            "",
        ),
        Key(
            "auto_answer",
            Flag(),
            "the agent's phone answers by itself, and a short tone is heard before the caller",
            False,
        ),
        Key("cost", Number(0, 1_000_000), "cents an hour, for the order lowest_cost", 0),
        Key("shift", IDENTIFIER, "when the agent works, see config/shifts.yaml; without: at any hour", ""),
    )
)
LABELS = Table(Text(), LANGUAGE, least=1)
AGENTS = Keys(
    (
        Key("agents", Table(AGENT, Text("an agent's id (small letters, digits, _)", r"[a-z][a-z0-9_]{0,63}")),
            "the agents by id, which is their SIP user too"),
        Key("not_ready_reasons", Table(LABELS), "why an agent may be not ready, with labels by language", {}),
    )
)  # fmt: skip
DISPOSITIONS = Keys((Key("dispositions", Table(LABELS), "how a call may end, with labels by language"),))

_LIMITS = CallLimits()
CALLS = Keys(
    (
        Key("record", Flag(), "record conversations", True),
        Key("pop_wait", Duration(0, 5), "how long the ring waits for the painted pop", _LIMITS.pop_wait),
        Key("look_up", Duration(0, 5), "how long a call waits for the customer's record", _LIMITS.look_up),
        Key("answer", Duration(1, 60), "how long an answer may take", _LIMITS.answer),
        Key("maximum_length", Duration(5, 86400), "no call is longer", _LIMITS.maximum_length),
        Key("rona_before_not_ready", Number(1, 10), "missed offers until an agent is made not ready",
            _LIMITS.rona_before_not_ready),
        Key("rona_cool_down", Duration(0, 3600), "not offered again to who missed it",
            _LIMITS.rona_cool_down),
    )
)  # fmt: skip

BEGINNING = Text("the beginning of a number such as +34", r"\+?[0-9]{1,15}")
_TRANSFERS = TransferRules()
TRANSFERS = Keys(
    (
        Key("numbers", Many(BEGINNING),
            "beginnings of the numbers that agents may call and transfer to, and flows as the caller wants", ()),
        Key("trunk", Text("the name of a trunk", IDENTIFIER.pattern),
            "by which trunk, where a flow says none; without, phones registered here", ""),
        Key("supervisors", Many(Text("the id of an agent", IDENTIFIER.pattern)),
            "agents to whom others escalate a call, the first who is free", ()),
        Key("escalation_queue", Text("the id of a queue", IDENTIFIER.pattern),
            "where an escalated call goes when no supervisor is free", ""),
        Key("park_for", Duration(10, 3600), "how long a parked call waits to be picked up", _TRANSFERS.park_for),
    )
)  # fmt: skip
SUPERVISION = Keys(
    (
        Key("visible", Flag(), "whether an agent is shown who listens to them; many laws want it",
            SupervisionRules().visible),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AttributeTypes:
    """By dotted name: `agent.spanish`, `call.intent`."""

    agent: dict[str, Type]
    call: dict[str, Type]


def load_attributes(document: Document) -> AttributeTypes:
    written = ATTRIBUTES.read(document, document.root, ())
    agent = {f"agent.{name}": _type(_AGENT_TYPES, declared) for name, declared in written["agent"].items()}
    call = {f"call.{name}": _type(_CALL_TYPES, declared) for name, declared in written["call"].items()}
    for name in ("id", "name", "site"):
        if name in written["agent"]:
            document.key_problem(("agent", name), f"every agent has {name} already", "delete this line")
    return AttributeTypes({**agent, "agent.id": TEXT, "agent.name": TEXT, "agent.site": TEXT}, call)


def _type(names: dict[str, Type], declared: str | tuple[str, ...]) -> Type:
    return text_of(*declared) if isinstance(declared, tuple) else names.get(declared, UNKNOWN)


@dataclass(frozen=True, slots=True)
class People:
    agents: dict[str, AgentDefinition]
    not_ready_reasons: dict[str, dict[str, str]]


def load_agents(document: Document, types: AttributeTypes) -> People:
    written = AGENTS.read(document, document.root, ())
    agents = {
        id: AgentDefinition(
            id,
            values["name"] or id,
            _attributes(document, id, values, types),
            values["site"],
            values["profile"],
            values["capacity"],
            values["cost"],
            values["shift"],
            values["group"],
            values["extension"],
            values["auto_answer"],
        )
        for id, values in written["agents"].items()
    }
    extensions: dict[str, str] = {}
    for agent in agents.values():
        first = extensions.setdefault(agent.extension, agent.id)
        if agent.extension and first != agent.id:
            text = f"{agent.extension} is {first}'s extension already"
            document.problem(("agents", agent.id, "extension"), text, "one extension for each agent")
    return People(agents, written["not_ready_reasons"])


def load_reasons(document: Document) -> dict[str, dict[str, str]]:
    """Only the not-ready reasons of the agents' file."""
    reasons: dict[str, dict[str, str]] = AGENTS.read(document, document.root, ())["not_ready_reasons"]
    return reasons


def _attributes(
    document: Document, agent: str, written: dict[str, Any], types: AttributeTypes
) -> dict[str, bool | int | str]:
    values: dict[str, bool | int | str] = {}
    for name, literal in written["attributes"].items():
        path: Path = ("agents", agent, "attributes", name)
        declared = types.agent.get(f"agent.{name}")
        value = literal.value
        if name in ("id", "name", "site"):
            document.key_problem(path, f"{name} is not among the attributes", "write it beside attributes:")
        elif declared is None:
            known = [known.removeprefix("agent.") for known in types.agent]
            hint = did_you_mean(name, known) or "declare it in config/attributes.yaml"
            document.key_problem(path, f"{name} is not a declared attribute", hint)
        elif declared == UNKNOWN:
            pass  # its declaration is wrong, which has been told
        elif declared == NUMBER:
            values[name] = PROFICIENCY.read(document, document.at(path), path)
        elif declared != literal.type:
            document.problem(path, f"{name} is a {declared}, {literal} is a {literal.type}")
        elif declared.choices and value not in declared.choices:
            hint = did_you_mean(str(value), declared.choices) or f"one of {', '.join(declared.choices)}"
            document.problem(path, f"{name} is never {value}", hint)
        else:
            values[name] = value
    return values


def load_dispositions(document: Document) -> dict[str, Disposition]:
    written = DISPOSITIONS.read(document, document.root, ())
    return {code: Disposition(code, labels) for code, labels in written["dispositions"].items()}


def transfer_rules(written: dict[str, Any]) -> TransferRules:
    """From the read `transfers:` section of engine.yaml."""
    lists = {name: tuple(written[name]) for name in ("numbers", "supervisors")}
    return TransferRules(**{**written, **lists})


def call_limits(calls: dict[str, Any]) -> CallLimits:
    """From the read `calls:` section of engine.yaml."""
    return replace(_LIMITS, **{key: value for key, value in calls.items() if key != "record"})
