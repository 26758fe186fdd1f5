"""What conditions read of all agents at once: one column of codes per name, and conditions evaluated to masks.

A comparison is evaluated once per distinct value, by the language's own operators, and looked up for every agent.
Masks hold Kleene's three values as 0 false, 1 undefined, 2 true, so that `and` is the minimum and `or` the maximum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.expressions.condition import Condition
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
from cti_engine.core.expressions.values import TEXT, Lookup
from cti_engine.core.routing.model import AgentFacts

Mask = NDArray[np.uint8]
FALSE, UNDEFINED, TRUE = 0, 1, 2
_TRUTH: Mapping[bool | None, int] = {False: FALSE, None: UNDEFINED, True: TRUE}
_FACTS: Mapping[str, Callable[[AgentFacts], object]] = {
    "agent.id": lambda facts: facts.id,
    "agent.name": lambda facts: facts.name,
    "agent.site": lambda facts: facts.site,
}


class Column:
    """The values of one name: `values[codes[row]]`. Code 0 is undefined."""

    __slots__ = ("_code_of", "_limit", "codes", "only_texts", "values")

    def __init__(self, values: Sequence[object]) -> None:
        kinds = set(map(type, values)) - {type(None)}
        self.only_texts = kinds == {str}
        self.values: list[object] = [None]
        self._code_of: dict[object, int] = {None: 0}
        if len(kinds & {bool, int, float}) <= 1:
            codes = {value: self._code(value) for value in dict.fromkeys(values)}
            found = map(codes.__getitem__, values)
        else:  # 1, 1.0 and true are one key of a dict, but not one value of the language
            found = map(self._code, values)
        listed = list(found)
        self.codes: NDArray[np.unsignedinteger] = np.array(listed, np.min_scalar_type(len(self.values)))
        self._limit = int(np.iinfo(self.codes.dtype).max)

    def _code(self, value: object) -> int:
        key = (type(value), value) if isinstance(value, bool | float) else value
        code = self._code_of.get(key)
        if code is None:
            code = self._code_of[key] = len(self.values)
            self.values.append(value)
        return code

    def code_of(self, value: object) -> int | None:
        """None when no agent has this value."""
        return self._code_of.get((type(value), value) if isinstance(value, bool | float) else value)

    def put(self, row: int, value: object) -> bool:
        """Whether that changed something. A row after the last one is added."""
        if row < len(self.codes) and self.values[self.codes.item(row)] is value:
            return False
        self.only_texts = self.only_texts and isinstance(value, str | None)
        code = self._code(value)
        if code > self._limit:
            self.codes = self.codes.astype(np.min_scalar_type(code))
            self._limit = int(np.iinfo(self.codes.dtype).max)
        if row >= len(self.codes):
            more = np.zeros(row + 1 - len(self.codes), self.codes.dtype)
            self.codes = np.concatenate([self.codes, more])
        changed = self.codes.item(row) != code
        self.codes[row] = code
        return changed

    def value(self, row: int) -> object:
        return self.values[self.codes.item(row)]

    def lookup(self, table: Sequence[int]) -> Mask:
        """`table` has one of the three values per code."""
        if self.codes.dtype == np.uint8:  # twice as fast as numpy's own look-up
            return np.frombuffer(self.codes.tobytes().translate(bytes(table).ljust(256)), np.uint8)
        found: Mask = np.array(table, np.uint8)[self.codes]
        return found

    def numbers(self, rows: NDArray[np.intp], *, booleans: bool) -> NDArray[np.int64]:
        """The integer of each of these rows; undefined and texts are 0, booleans too unless asked for."""
        kinds = (int, bool) if booleans else (int,)
        table = [int(v) if type(v) in kinds else 0 for v in self.values]  # type: ignore[call-overload]
        found: NDArray[np.int64] = np.array(table, np.int64)[self.codes[rows]]
        return found


class AttributeColumns:
    """All names of all agents, by row. A name that nobody has is undefined for all."""

    def __init__(self, agents: Sequence[AgentFacts]) -> None:
        self.rows = len(agents)
        self.of = {name: Column([read(facts) for facts in agents]) for name, read in _FACTS.items()}
        names = sorted(set().union(*(facts.attributes for facts in agents)))
        lines = [list(map(facts.attributes.get, names)) for facts in agents]
        self._full_name = {name: f"agent.{name}" for name in names}
        for name, values in zip(names, zip(*lines, strict=True), strict=False):
            self.of.setdefault(self._full_name[name], Column(values))

    def put(self, row: int, facts: AgentFacts | None) -> set[str]:
        """Set one agent's values (None: nobody is in this row any longer); the names that changed."""
        self.rows = max(self.rows, row + 1)
        attributes = {} if facts is None else facts.attributes
        for attribute in attributes.keys() - self._full_name.keys():
            name = self._full_name[attribute] = f"agent.{attribute}"
            self.of.setdefault(name, Column([None] * self.rows))
        changed = {
            name
            for attribute, name in self._full_name.items()
            if name not in _FACTS and self.of[name].put(row, attributes.get(attribute))
        }
        for name, read in _FACTS.items():
            if self.of[name].put(row, None if facts is None else read(facts)):
                changed.add(name)
        return changed

    def names(self, row: int) -> Lookup:
        """What conditions read of one agent."""

        def value(name: str) -> object:
            column = self.of.get(name)
            return None if column is None else column.values[column.codes.item(row)]

        return value

    def answers(self, row: int) -> Callable[[Condition], bool]:
        """The same questions for one agent only, each condition evaluated once while nothing changes."""
        names, known = self.names(row), dict[int, bool]()

        def holds(condition: Condition) -> bool:
            found = known.get(id(condition))
            if found is None:
                found = known[id(condition)] = condition.holds(names)
            return found

        return holds

    def numbers(self, name: str, rows: NDArray[np.intp], *, booleans: bool) -> NDArray[np.int64]:
        column = self.of.get(name)
        return np.zeros(len(rows), np.int64) if column is None else column.numbers(rows, booleans=booleans)


class Evaluation:
    """Conditions evaluated over all rows at one moment; equal comparisons are evaluated once."""

    def __init__(self, columns: AttributeColumns) -> None:
        self._columns = columns
        self._known: dict[Node, Mask] = {}

    def holds(self, node: Node) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = self.mask(node) == TRUE
        return found

    def mask(self, node: Node) -> Mask:
        """One of the three values per row."""
        if isinstance(node, Not):
            return np.uint8(TRUE) - self.mask(node.operand)
        if isinstance(node, Junction):
            merge = np.minimum if node.operator == "and" else np.maximum
            result = self.mask(node.operands[0])
            for operand in node.operands[1:]:
                result = merge(result, self.mask(operand))
            return result
        known = self._known.get(node)
        if known is None:
            known = self._known[node] = self._leaf(node)
        return known

    def _leaf(self, node: Node) -> Mask:
        known = self._columns.of
        names = sorted({name.name for name in names_used(node)} & known.keys())
        if not names:
            constant = Condition(node).value(lambda name: None)
            return np.full(self._columns.rows, _TRUTH[constant], np.uint8)
        if len(names) > 1:
            return self._by_combination(node, names)
        column = known[names[0]]
        return column.lookup(_text_table(node, column) or _table(node, names[0], column))

    def _by_combination(self, node: Node, names: list[str]) -> Mask:
        """Evaluated once per combination of values that somebody has."""
        condition = Condition(node)
        columns = [self._columns.of[name] for name in names]
        codes = np.zeros((self._columns.rows, len(names)), np.int64)
        for place, column in enumerate(columns):
            codes[:, place] = column.codes
        combinations, of_row = np.unique(codes, axis=0, return_inverse=True)
        table = []
        for combination in combinations.tolist():
            pairs = zip(names, columns, combination, strict=True)
            values = {name: column.values[code] for name, column, code in pairs}
            table.append(_TRUTH[condition.value(values.get)])
        return np.array(table, np.uint8)[of_row.reshape(-1)]


def _table(node: Node, name: str, column: Column) -> list[int]:
    condition = Condition(node)
    table = []
    for value in column.values:
        values = {name: value}
        table.append(_TRUTH[condition.value(values.get)])
    return table


def _text_table(node: Node, column: Column) -> list[int]:
    """For equality with texts where all values are texts: ids are too many to be asked one by one. Else empty."""
    if not (column.only_texts and isinstance(node, Comparison) and isinstance(node.left, Name)):
        return []
    if node.operator in ("in", "not in") and isinstance(node.right, ListLiteral):
        wanted: tuple[Literal, ...] = node.right.items
    elif node.operator in ("==", "!=") and isinstance(node.right, Literal) and node.right.type == TEXT:
        wanted = (node.right,)
    else:
        return []
    found, other = (TRUE, FALSE) if node.operator in ("==", "in") else (FALSE, TRUE)
    table = [other] * len(column.values)
    for code in map(column.code_of, (literal.value for literal in wanted)):
        if code is not None:
            table[code] = found
    table[0] = UNDEFINED
    return table
