"""The syntax tree of a condition, and its printing: parsing what was printed gives an equal tree.

Columns (from 1) say where a node began in the source and do not count in comparisons.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from cti_engine.core.expressions.values import (
    BOOLEAN,
    DURATION,
    NUMBER,
    Type,
    print_duration,
    print_number,
)

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in", "not in", "has")


class ExpressionError(Exception):
    """A condition that cannot be read. `column` counts from 1."""

    def __init__(self, column: int, text: str, hint: str = "") -> None:
        super().__init__(f"column {column}: {text}" + (f" ({hint})" if hint else ""))
        self.column = column
        self.text = text
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Literal:
    value: bool | int | float | str
    type: Type
    column: int = field(default=1, compare=False)

    def __str__(self) -> str:
        if self.type == BOOLEAN:
            return "true" if self.value else "false"
        if self.type == NUMBER and isinstance(self.value, int | float):
            return print_number(self.value)
        if self.type == DURATION and isinstance(self.value, int | float):
            return print_duration(self.value)
        return json.dumps(self.value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class ListLiteral:
    items: tuple[Literal, ...]
    column: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.items))}]"


@dataclass(frozen=True, slots=True)
class Name:
    name: str
    column: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Comparison:
    operator: str
    left: Node
    right: Node
    column: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return f"{_operand(self.left)} {self.operator} {_operand(self.right)}"


@dataclass(frozen=True, slots=True)
class Not:
    operand: Node
    column: int = field(default=1, compare=False)

    def __str__(self) -> str:
        inner = str(self.operand)
        return f"not ({inner})" if isinstance(self.operand, Junction) else f"not {inner}"


@dataclass(frozen=True, slots=True)
class Junction:
    """`and` or `or` of two or more operands."""

    operator: str
    operands: tuple[Node, ...]
    column: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return f" {self.operator} ".join(self._wrapped(operand) for operand in self.operands)

    def _wrapped(self, operand: Node) -> str:
        # `and` binds closer than `or`; the same operator nested was written with parentheses
        bare = not isinstance(operand, Junction) or (self.operator == "or" and operand.operator == "and")
        return str(operand) if bare else f"({operand})"


Node = Literal | ListLiteral | Name | Comparison | Not | Junction


def _operand(node: Node) -> str:
    return str(node) if isinstance(node, Literal | ListLiteral | Name) else f"({node})"


def parts(node: Node) -> Iterator[Node]:
    """The tree's nodes, itself first, in the order of writing."""
    yield node
    match node:
        case Comparison(left=left, right=right):
            yield from parts(left)
            yield from parts(right)
        case Not(operand=operand):
            yield from parts(operand)
        case Junction(operands=operands):
            for operand in operands:
                yield from parts(operand)


def names_used(node: Node) -> Iterator[Name]:
    """Every name in the tree, in the order of writing, repeated ones too."""
    return (part for part in parts(node) if isinstance(part, Name))
