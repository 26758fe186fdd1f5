"""Types of a condition, checked at load against the names that may stand in it; all faults at once."""

from __future__ import annotations

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.contradiction import contradiction
from cti_engine.core.expressions.parser import parse
from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.expressions.syntax import (
    Comparison,
    ExpressionError,
    Junction,
    ListLiteral,
    Literal,
    Name,
    Node,
    Not,
    names_used,
)
from cti_engine.core.expressions.values import BOOLEAN, DURATION, NUMBER, TEXT, UNKNOWN, Scope, Type, list_of


def read_condition(text: str, scope: Scope) -> tuple[Condition | None, list[ExpressionError]]:
    """The condition, or None with at least one fault."""
    try:
        node = parse(text)
    except ExpressionError as fault:
        return None, [fault]
    faults = check(node, scope)
    if not faults and (never := contradiction(node, scope)) is not None:
        faults = [never]
    return (None if faults else Condition(node)), faults


def check(node: Node, scope: Scope) -> list[ExpressionError]:
    """What is wrong with the types and names of a whole condition, in the order of writing."""
    checker = _Checker(scope)
    checker.boolean(node)
    return sorted(checker.faults, key=lambda fault: fault.column)


class _Checker:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.faults: list[ExpressionError] = []

    def _fault(self, node: Node, text: str, hint: str = "") -> None:
        self.faults.append(ExpressionError(node.column, text, hint))

    def boolean(self, node: Node) -> None:
        """`node` has to be a condition."""
        found = self._type(node)
        if found is None or found == BOOLEAN:
            return
        hint = 'compare something, e.g. call.segment == "gold"'
        if isinstance(node, Name):
            example = {NUMBER: ">= 1", DURATION: "> 30s", TEXT: '== "..."'}.get(found, 'has "..."')
            hint = f"compare it, e.g. {node} {example}"
        self._fault(node, f"{node} is a {found}, not a condition", hint)

    def _type(self, node: Node) -> Type | None:
        """None after a fault that has been told."""
        match node:
            case Literal(type=found):
                return found
            case ListLiteral():
                return self._list(node)
            case Name():
                return self._name(node)
            case Comparison():
                self._comparison(node)
            case Not(operand=operand):
                self.boolean(operand)
            case Junction(operands=operands):
                for operand in operands:
                    self.boolean(operand)
        return BOOLEAN

    def _list(self, node: ListLiteral) -> Type | None:
        if not node.items:
            return Type("list")
        first = node.items[0].type
        for item in node.items:
            if item.type != first:
                self._fault(item, f"{item} is a {item.type} in a list of {first}", "one kind in a list")
                return None
        return list_of(first)

    def _name(self, node: Name) -> Type | None:
        found = self._scope.get(node.name)
        if found is None:
            hint = did_you_mean(node.name, self._scope)
            if not hint and "." not in node.name:
                hint = f'write "{node.name}" if it is meant as text'
            elif not hint:
                hint = self._prefix_hint(node.name)
            self._fault(node, f"unknown name {node.name}", hint)
        return None if found == UNKNOWN else found

    def _prefix_hint(self, name: str) -> str:
        prefix = name.partition(".")[0]
        known = sorted({each.partition(".")[0] for each in self._scope if "." in each})
        if prefix in known:
            return ""
        return f"here may stand {', '.join(f'{each}.*' for each in known)}" if known else ""

    def _comparison(self, node: Comparison) -> None:
        left, right = self._type(node.left), self._type(node.right)
        if left is None or right is None:
            return
        if node.operator in ("in", "not in"):
            self._membership(node, node.left, left, node.right, right)
        elif node.operator == "has":
            self._membership(node, node.right, right, node.left, left)
        elif "list" in (left.name, right.name):
            self._fault(node, f"{node.operator} does not compare lists", "use in or has")
        elif left != right:
            self._fault(
                node, f"{node.left} is a {left}, {node.right} is a {right}", _repair(node, left, right)
            )
        elif node.operator not in ("==", "!=") and left == BOOLEAN:
            self._fault(node, f"{node.operator} does not compare booleans", "use == or !=")
        else:
            self._choices(node.left, left, node.right)
            self._choices(node.right, right, node.left)
            self._levels(node, node.left, left)
            self._levels(node, node.right, right)

    def _membership(self, node: Node, one: Node, item: Type, many: Node, found: Type) -> None:
        if found.name != "list":
            self._fault(many, f"{many} is a {found}, not a list", "a list is written [a, b]")
        elif item.name == "list":
            self._fault(one, f"{one} is a list, where one value belongs", "LIST has VALUE")
        elif found.item and found.item != item.name:
            self._fault(node, f"{one} is a {item}, {many} is a {found}", f"a list of {item} belongs here")
        else:
            self._choices(one, item, many)
            self._levels(node, one, item)

    def _choices(self, name: Node, declared: Type, other: Node) -> None:
        """Texts compared with a name of a declared set have to be in the set."""
        if not declared.choices or not isinstance(name, Name):
            return
        for literal in other.items if isinstance(other, ListLiteral) else (other,):
            if isinstance(literal, Literal) and literal.value not in declared.choices:
                hint = did_you_mean(str(literal.value), declared.choices)
                known = ", ".join(declared.choices)
                self._fault(literal, f"{name} is never {literal}", hint or f"it is one of {known}")

    def _levels(self, node: Node, name: Node, declared: Type) -> None:
        """A comparison of a name of whole numbers with values has to be able to be true."""
        if not isinstance(name, Name) or declared.between is None or len(list(names_used(node))) > 1:
            return
        least, most = declared.between
        condition = Condition(node)
        if not any(condition.value({name.name: level}.get) for level in range(least, most + 1)):
            self._fault(node, f"{node} is never true", f"{name} goes from {least} to {most}")


def _repair(node: Comparison, left: Type, right: Type) -> str:
    number = node.left if left == NUMBER else node.right
    if {left, right} == {NUMBER, DURATION}:
        if isinstance(number, Literal):
            return f"a duration has a unit: {number}s, {number}m"
        return "compare it with a duration"
    literal = node.left if isinstance(node.left, Literal) else node.right
    if {left, right} == {NUMBER, TEXT} and isinstance(literal, Literal):
        return f"write {literal.value} without quotes" if literal.type == TEXT else f'write "{literal}"'
    return f"compare it with a {left}"
