"""A condition ready to be asked: a tree compiled to closures, in Kleene's three-valued logic.

An undefined name, or values of different kinds, make a comparison undefined (None), which never matches;
`and`/`or` are decided by one operand where they can be, and `not` undefined stays undefined.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
from cti_engine.core.expressions.values import Lookup, kind

_Closure = Callable[[Lookup], object]


def _contains(items: object, item: object) -> bool | None:
    if not isinstance(items, list | tuple) or kind(item) in ("", "list"):
        return None
    return any(kind(each) == kind(item) and each == item for each in items)


def _lacks(item: object, items: object) -> bool | None:
    found = _contains(items, item)
    return None if found is None else not found


def _alike(compare: Callable[[object, object], object]) -> Callable[[object, object], object]:
    """Only values of the same kind compare; 1 is not true, and "7" is not 7."""

    def guarded(left: object, right: object) -> object:
        return compare(left, right) if kind(left) == kind(right) != "" else None

    return guarded


def _ordered(compare: Callable[..., object]) -> Callable[[object, object], object]:
    def guarded(left: object, right: object) -> object:
        return compare(left, right) if kind(left) == kind(right) in ("number", "text") else None

    return guarded


_SAME_KIND: Mapping[str, Callable[..., object]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPARE: Mapping[str, Callable[[object, object], object]] = {
    **{sign: (_alike if sign in ("==", "!=") else _ordered)(each) for sign, each in _SAME_KIND.items()},
    "in": lambda item, items: _contains(items, item),
    "not in": _lacks,
    "has": _contains,
}


def _compiled(node: Node) -> _Closure:
    match node:
        case Literal(value=value):
            return lambda _: value
        case ListLiteral(items=items):
            values = tuple(item.value for item in items)
            return lambda _: values
        case Name(name=name):
            return lambda names: names(name)
        case Comparison(operator=sign, left=Name(name=name), right=Literal(value=value)) if (
            sign in _SAME_KIND and type(value) in (int, float, str)
        ):
            return _with_literal(sign, name, value)
        case Comparison(operator="in", left=Name(name=name), right=ListLiteral(items=items)):
            return _in_literals(name, tuple(item.value for item in items))
        case Comparison():
            return _comparison(_COMPARE[node.operator], _compiled(node.left), _compiled(node.right))
        case Not(operand=operand):
            return _negation(_compiled(operand))
        case Junction():
            operands = [_compiled(operand) for operand in node.operands]
            return _junction(operands, decided_by=node.operator == "or")


def _comparison(compare: Callable[[object, object], object], left: _Closure, right: _Closure) -> _Closure:
    def run(names: Lookup) -> object:
        one, other = left(names), right(names)
        return None if one is None or other is None else compare(one, other)

    return run


def _with_literal(sign: str, name: str, value: object) -> _Closure:
    """What most conditions are made of, in a third of the time: kinds are looked at only where types differ."""
    same_kind, compare, type_ = _SAME_KIND[sign], _COMPARE[sign], type(value)

    def run(names: Lookup) -> object:
        found = names(name)
        if type(found) is type_:
            return same_kind(found, value)
        return None if found is None else compare(found, value)

    return run


def _in_literals(name: str, values: tuple[object, ...]) -> _Closure:
    """A text among texts by one look; any other kind as `_contains` does it."""
    texts = frozenset(each for each in values if type(each) is str)

    def run(names: Lookup) -> object:
        found = names(name)
        if type(found) is str:
            return found in texts
        return None if found is None else _contains(values, found)

    return run


def _negation(operand: _Closure) -> _Closure:
    def run(names: Lookup) -> object:
        value = operand(names)
        return not value if isinstance(value, bool) else None

    return run


def _junction(operands: list[_Closure], *, decided_by: bool) -> _Closure:
    def run(names: Lookup) -> object:
        result: bool | None = not decided_by
        for operand in operands:
            value = operand(names)
            if value is decided_by:
                return decided_by
            if not isinstance(value, bool):
                result = None
        return result

    return run


@dataclass(frozen=True, slots=True)
class Condition:
    """Compared, printed and pickled by its tree."""

    node: Node
    _run: _Closure | None = field(init=False, repr=False, compare=False, default=None)

    def _closure(self) -> _Closure:
        """Compiled when it is asked first: many a bound condition never is."""
        if self._run is None:
            object.__setattr__(self, "_run", _compiled(self.node))
        assert self._run is not None
        return self._run

    def __reduce__(self) -> tuple[object, ...]:
        return Condition, (self.node,)

    def __str__(self) -> str:
        return str(self.node)

    def value(self, names: Lookup) -> bool | None:
        """True, False or None (undefined). `names` gives a dotted name's value, None where undefined."""
        result = (self._run or self._closure())(names)
        return result if isinstance(result, bool) else None

    def holds(self, names: Lookup) -> bool:
        """Whether it is true; undefined does not match."""
        return (self._run or self._closure())(names) is True

    @property
    def names_used(self) -> frozenset[str]:
        return frozenset(name.name for name in names_used(self.node))
