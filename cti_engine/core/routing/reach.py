"""Who could stand in a step at all: by the rules and the agent alone, whatever the call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.syntax import Comparison, Junction, Literal, Name, Node, Not, names_used
from cti_engine.core.expressions.values import BOOLEAN, Lookup
from cti_engine.core.routing.model import StepRule


class HasAttributes(Protocol):
    """An agent's definition, or its facts."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def site(self) -> str: ...
    @property
    def attributes(self) -> Mapping[str, bool | int | str]: ...


def agent_names(agent: HasAttributes) -> Lookup:
    """The names of one agent, for conditions; an attribute that is not given is undefined."""
    own: dict[str, object] = {"agent.id": agent.id, "agent.name": agent.name, "agent.site": agent.site}
    own |= {f"agent.{name}": value for name, value in agent.attributes.items()}
    return own.get


def any_call(require: Condition | None) -> Condition | None:
    """The condition with whatever reads `call.*` taken as what lets the agent in."""
    return None if require is None else Condition(_letting_in(require.node, True))


def _letting_in(node: Node, wanted: bool) -> Node:
    match node:
        case Not(operand=operand):
            return Not(_letting_in(operand, not wanted))
        case Junction(operator=operator, operands=operands):
            return Junction(operator, tuple(_letting_in(operand, wanted) for operand in operands))
        case Comparison() | Name() if any(name.name.startswith("call.") for name in names_used(node)):
            return Literal(wanted, BOOLEAN)
        case _:
            return node


def could_reach(step: StepRule, agent: HasAttributes) -> bool:
    """Whether some call in this step could be offered to the agent."""
    condition = any_call(step.require)
    return condition is None or condition.holds(agent_names(agent))
