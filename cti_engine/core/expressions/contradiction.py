"""Conditions that are never true, whatever the values: `a >= 7 and a < 5`, `x and not x`.

Every name gets the finitely many values between which its comparisons can tell, and the tree narrows them; each
comparison is asked by the language's own evaluation. What it finds is certain; it does not find everything (names
compared with names, and what only several names together exclude).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.syntax import (
    ExpressionError,
    Junction,
    ListLiteral,
    Literal,
    Name,
    Node,
    Not,
    parts,
)
from cti_engine.core.expressions.values import BOOLEAN, DURATION, NUMBER, TEXT, Scope, Type

Values = frozenset[object]
Left = Mapping[str, Values]
"""What is left for each name that has been narrowed."""
SHOWN = 4
"""Comparisons that a hint names."""


class _Nothing(Exception):
    def __init__(self, node: Node, name: str) -> None:
        super().__init__(name)
        self.node = node
        self.name = name


def contradiction(node: Node, scope: Scope) -> ExpressionError | None:
    """The fault of a condition without type faults that can never be true; None when it may be."""
    if not any(isinstance(part, Name) for part in parts(node)):
        return None  # `false` alone is how a step is switched off
    try:
        _Search(node, scope).narrow(node, True, {})
    except _Nothing as nothing:
        hint = f"nothing meets {nothing.node}"
        if nothing.name:
            asks = (leaf for leaf in _leaves(node) if nothing.name in map(str, parts(leaf)))
            asked = list(dict.fromkeys(map(str, asks)))
            hint = f"no {nothing.name} is left by: {', '.join(asked[:SHOWN])}"
        return ExpressionError(nothing.node.column, "this can never be true", hint)
    return None


def _leaves(node: Node) -> Iterable[Node]:
    match node:
        case Not(operand=operand) if isinstance(operand, Junction | Not):
            yield from _leaves(operand)
        case Junction(operands=operands):
            for operand in operands:
                yield from _leaves(operand)
        case _:
            yield node


class _Search:
    def __init__(self, node: Node, scope: Scope) -> None:
        self._scope = scope
        self._literals: dict[str, list[object]] = {}
        self._known: dict[str, Values | None] = {}
        for leaf in _leaves(node):
            values: list[object] = []
            for part in parts(leaf):
                if isinstance(part, Literal):
                    values.append(part.value)
                elif isinstance(part, ListLiteral):
                    values += [item.value for item in part.items]
            for part in parts(leaf):
                if isinstance(part, Name):
                    self._literals.setdefault(part.name, []).extend(values)

    def _domain(self, name: str) -> Values | None:
        """Values of which one stands for every value that the condition can tell from others; None: not known."""
        if name not in self._known:
            self._known[name] = _values(self._scope.get(name), self._literals.get(name, ()))
        return self._known[name]

    def narrow(self, node: Node, wanted: bool, left: Left) -> Left:
        """What is left of each name where `node` is `wanted`. Raises _Nothing."""
        match node:
            case Not(operand=operand):
                return self.narrow(operand, not wanted, left)
            case Junction(operator=operator, operands=operands) if (operator == "and") == wanted:
                return self._all(operands, wanted, left)
            case Junction(operands=operands):
                return self._any(operands, wanted, left)
        return self._leaf(node, wanted, left)

    def _all(self, operands: Sequence[Node], wanted: bool, left: Left) -> Left:
        there = set(operands)
        for operand in operands:
            if isinstance(operand, Not) and operand.operand in there:
                raise _Nothing(Junction("and", (operand.operand, operand), operand.column), "")
        for operand in sorted(operands, key=lambda operand: isinstance(_bare(operand), Junction)):
            left = self.narrow(operand, wanted, left)
        return left

    def _any(self, operands: Sequence[Node], wanted: bool, left: Left) -> Left:
        ways: list[Left] = []
        fault: _Nothing | None = None
        for operand in operands:
            try:
                ways.append(self.narrow(operand, wanted, left))
            except _Nothing as nothing:
                fault = fault or nothing
        if not ways and fault is not None:
            raise fault
        names = set(ways[0]).intersection(*ways[1:])
        return {name: frozenset().union(*(way[name] for way in ways)) for name in names}

    def _leaf(self, node: Node, wanted: bool, left: Left) -> Left:
        names = {part.name for part in parts(node) if isinstance(part, Name)}
        condition = Condition(node)
        if not names:
            if condition.value(lambda name: None) is not wanted:
                raise _Nothing(node, "")
            return left
        name = names.pop()
        values = left.get(name) or self._domain(name)
        if names or values is None:
            return left
        kept = frozenset(value for value in values if condition.value({name: value}.get) is wanted)
        if not kept:
            raise _Nothing(node, name)
        return {**left, name: kept}


def _bare(node: Node) -> Node:
    while isinstance(node, Not):
        node = node.operand
    return node


def _values(declared: Type | None, literals: Iterable[object]) -> Values | None:
    if declared is None or declared.name == "list":
        return None
    if declared == BOOLEAN:
        return frozenset((True, False))
    if declared.between is not None:
        least, most = declared.between
        return frozenset(range(least, most + 1))
    if declared.choices:
        return frozenset(declared.choices)
    if declared in (NUMBER, DURATION):
        numbers = sorted({each for each in literals if isinstance(each, int | float)})
        if not numbers:
            return frozenset((0,))
        between = [(one + other) / 2 for one, other in pairwise(numbers)]
        return frozenset((numbers[0] - 1, *numbers, *between, numbers[-1] + 1))
    if declared == TEXT:
        texts = {each for each in literals if isinstance(each, str)}
        return frozenset(
            ("", *texts, *(text + "\0" for text in texts))
        )  # text + "\0" is the next one after it
    return None
