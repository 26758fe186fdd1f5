"""A step's `require` with the call's values written into it: what remains reads agents only.

Undefined names stay names, which no agent has, so they stay undefined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.expressions.syntax import (
    Comparison,
    Junction,
    ListLiteral,
    Literal,
    Name,
    Node,
    Not,
    names_used,
)
from cti_engine.core.expressions.values import BOOLEAN, NUMBER, TEXT, Lookup, Type, kind

EVERYBODY = ""
"""The text of no condition."""
_TYPES: dict[str, Type] = {"boolean": BOOLEAN, "number": NUMBER, "text": TEXT}


def bind(condition: Condition, names: Lookup) -> Condition:
    """With the values that `call.*` has now."""
    return Condition(_replaced(condition.node, lambda name: _as_node(name, names)))


def read_bound(text: str) -> Condition | None:
    """What was printed. Raises ExpressionError."""
    # the length of what people write is limited, not that of a list which a call brought
    return None if text == EVERYBODY else Condition(parse(text, limit=len(text)))


def letting_in(node: Node, *, negated: bool = False) -> Node:
    """Where comparisons with `call.*` count as what lets an agent in: true, under an odd number of `not` false."""
    match node:
        case Not(operand=operand):
            return Not(letting_in(operand, negated=not negated))
        case Junction(operator=operator, operands=operands):
            return Junction(operator, tuple(letting_in(operand, negated=negated) for operand in operands))
    if any(name.name.startswith("call.") for name in names_used(node)):
        return Literal(not negated, BOOLEAN)
    return node


def only_agents(node: Node) -> frozenset[str] | None:
    """The ids outside of which the condition is never true, when it says so itself; None when it does not."""
    match node:
        case Comparison(operator="in", left=Name("agent.id"), right=ListLiteral(items=items)):
            return frozenset(item.value for item in items if isinstance(item.value, str))
        case Comparison(operator="==", left=Name("agent.id"), right=Literal(value=value)):
            return frozenset((value,)) if isinstance(value, str) else None
        case Comparison(operator="has", left=ListLiteral(items=items), right=Name("agent.id")):
            return frozenset(item.value for item in items if isinstance(item.value, str))
        case Junction(operator=operator, operands=operands):
            named = [only_agents(operand) for operand in operands]
            known = [ids for ids in named if ids is not None]
            if operator == "and" and known:
                return frozenset.intersection(*known)
            if operator == "or" and len(known) == len(named):
                return frozenset.union(*known)
    return None


def _as_node(name: Name, names: Lookup) -> Node:
    if not name.name.startswith("call."):
        return name
    value = names(name.name)
    if isinstance(value, list | tuple):
        return ListLiteral(tuple(_literals(value)))
    found = _TYPES.get(kind(value))
    return (
        Literal(value, found) if found is not None and isinstance(value, bool | int | float | str) else name
    )


def _literals(values: Sequence[object]) -> list[Literal]:
    """Items of other kinds equal nothing."""
    found = [(value, _TYPES.get(kind(value))) for value in values]
    return [Literal(v, t) for v, t in found if t is not None and isinstance(v, bool | int | float | str)]


def _replaced(node: Node, change: Callable[[Name], Node]) -> Node:
    match node:
        case Name():
            return change(node)
        case Comparison(operator=operator, left=left, right=right):
            return Comparison(operator, _replaced(left, change), _replaced(right, change))
        case Not(operand=operand):
            return Not(_replaced(operand, change))
        case Junction(operator=operator, operands=operands):
            return Junction(operator, tuple(_replaced(operand, change) for operand in operands))
    return node
