"""The same logic told another way: truth as the numbers 0, 1/2 and 1, `and` as the least, `or` as the greatest.

Written from Kleene's tables and from routing.md, without a look at the closures.
"""

from __future__ import annotations

from fractions import Fraction

from cti_engine.core.expressions.syntax import Comparison, Junction, ListLiteral, Literal, Name, Node, Not

HALF = Fraction(1, 2)


def truth(node: Node, world: dict[str, object]) -> bool | None:
    degree = _degree(node, world)
    return None if degree == HALF else degree == 1


def _degree(node: Node, world: dict[str, object]) -> Fraction:
    if isinstance(node, Not):
        return 1 - _degree(node.operand, world)
    if isinstance(node, Junction):
        degrees = [_degree(operand, world) for operand in node.operands]
        return min(degrees) if node.operator == "and" else max(degrees)
    if isinstance(node, Comparison):
        return _compared(node, world)
    value = _value(node, world)
    return Fraction(int(value)) if isinstance(value, bool) else HALF


def _value(node: Node, world: dict[str, object]) -> object:
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, ListLiteral):
        return [item.value for item in node.items]
    if isinstance(node, Name):
        return world[node.name]
    degree = _degree(node, world)
    return None if degree == HALF else degree == 1


def _sort(value: object) -> str:
    """1 and True are different sorts, 1 and 1.0 the same."""
    name = type(value).__name__
    return {"int": "number", "float": "number"}.get(name, name)


def _compared(node: Comparison, world: dict[str, object]) -> Fraction:
    left, right = _value(node.left, world), _value(node.right, world)
    if node.operator == "has":
        return _member(right, left)
    if node.operator == "in":
        return _member(left, right)
    if node.operator == "not in":
        return 1 - _member(left, right)
    if left is None or right is None or _sort(left) != _sort(right):
        return HALF
    if node.operator in ("==", "!="):
        return Fraction(int((left == right) == (node.operator == "==")))
    if not isinstance(left, int | float | str) or isinstance(left, bool):
        return HALF
    order = (left > right) - (left < right)  # type: ignore[operator]
    wanted = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}[node.operator]
    return Fraction(int(order in wanted))


def _member(item: object, items: object) -> Fraction:
    if item is None or isinstance(item, list) or not isinstance(items, list):
        return HALF
    return Fraction(int(any(_sort(each) == _sort(item) and each == item for each in items)))
