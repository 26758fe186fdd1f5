"""Rules, agents, calls and conditions in the plainest form, shared by oracle and generator.

Nothing here comes from cti_engine. A condition is a nested tuple: `("and", a, b, ...)`, `("or", ...)`, `("not", a)`,
`(">=", ("agent", "spanish"), 7)`; a name is a pair, a list of values a Python list, any other value itself.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any, NamedTuple

Tree = Any
"""A condition, or None: everybody."""
Names = Callable[[str], object]
"""`call.segment` to its value, None where undefined."""
ORDERED: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
FAMILIES = ("agent", "call", "queue", "now")


class Difference(Exception):
    """Oracle and subject do not say the same."""

    def __init__(self, question: str, oracle: object, subject: object) -> None:
        super().__init__(f"{question}\n  oracle:  {oracle}\n  subject: {subject}")


class Step(NamedTuple):
    """`wait` in ms; `order`: (name, weights) pairs."""

    require: Tree = None
    wait: int | None = None
    skip_when_none: bool = True
    consider_if: Tree = None
    cumulative: bool = False
    raise_priority: int = 0
    order: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = (("longest_idle", ()),)
    offer_to: int = 1


class Classes(NamedTuple):
    order: tuple[str, ...]
    threshold: int
    lost: int
    at_risk: int


class Queue(NamedTuple):
    """`number` is its index in the rules."""

    id: str
    number: int
    steps: tuple[Step, ...]
    from_enqueue: bool = False
    exhausted: str = "stay_on_last"
    rate: int = 1000
    longest_wait_cap: int | None = None
    classes: Classes | None = None
    at_most_wait: int | None = None


class Rules(NamedTuple):
    """`profiles`: profile -> queue -> (rank, delay in ms)."""

    version: str
    queues: dict[str, Queue]
    profiles: dict[str, dict[str, tuple[int, int]]] = {}  # noqa: RUF012 - never changed
    near: dict[str, tuple[str, ...]] = {}  # noqa: RUF012 - never changed
    burst: bool = False


class Agent(NamedTuple):
    id: str
    attributes: dict[str, Any]
    site: str = "main"
    name: str = ""
    profile: str = ""
    capacity: int = 1
    cost: int = 0
    place: int = 0
    group: str = ""


class Call(NamedTuple):
    contact: str
    seq: int
    queued_at: int
    priority: int = 0
    head_start: int = 0
    site: str = ""
    names: Names = lambda name: None


class Place(NamedTuple):
    """Where a call stands in one queue, as a restart needs it; `pool`: the bound conditions that it unites."""

    queue: str
    joined_at: int
    step: int = -1
    pool: tuple[Tree, ...] = ()
    raised: int = 0
    deadline: int | None = None
    left: int | None = None
    rang: int = 0
    offered_at: int | None = None


def is_name(tree: Tree) -> bool:
    return isinstance(tree, tuple) and tree[0] in FAMILIES


def kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "undefined"


def truth(tree: Tree, names: Names) -> bool | None:
    """True, false or undefined (None)."""
    if tree is None:
        return True
    value = value_of(tree, names)
    return value if isinstance(value, bool) else None


def value_of(tree: Tree, names: Names) -> object:
    if not isinstance(tree, tuple):
        return tree
    if is_name(tree):
        return names(f"{tree[0]}.{tree[1]}")
    if tree[0] == "not":
        inner = truth(tree[1], names)
        return None if inner is None else not inner
    if tree[0] in ("and", "or"):
        parts = [truth(part, names) for part in tree[1:]]
        decisive = bool(tree[0] == "or")
        if decisive in parts:
            return decisive
        return None if None in parts else not decisive
    return compare(tree[0], value_of(tree[1], names), value_of(tree[2], names))


def compare(operator: str, left: object, right: object) -> bool | None:
    """Values of different kinds, lists out of place and undefined values give undefined."""
    if operator == "has":
        operator, left, right = "in", right, left
    if operator in ("in", "not in"):
        if kind_of(left) in ("undefined", "list") or not isinstance(right, list):
            return None
        found = any(kind_of(each) == kind_of(left) and each == left for each in right)
        return found == (operator == "in")
    kind = kind_of(left)
    if kind != kind_of(right) or kind in ("undefined", "list"):
        return None
    if operator in ("==", "!="):
        return (left == right) == (operator == "==")
    if kind == "boolean":
        return None
    return ORDERED[operator](left, right)


def bind(tree: Tree, names: Names) -> Tree:
    """All `call.*` names replaced by their values of this moment; undefined ones stay names."""
    if not isinstance(tree, tuple):
        return tree
    if is_name(tree):
        value = names(f"call.{tree[1]}") if tree[0] == "call" else None
        return tree if kind_of(value) == "undefined" else value
    return (tree[0], *(bind(part, names) for part in tree[1:]))


def names_in(tree: Tree, family: str) -> set[str]:
    if not isinstance(tree, tuple):
        return set()
    if is_name(tree):
        return {tree[1]} if tree[0] == family else set()
    return set().union(*(names_in(part, family) for part in tree[1:]))


def may_hold(tree: Tree, names: Names, hope: bool = True) -> bool | None:
    """As `truth`, where each comparison with `call.*` comes out as hoped for: what lets the agent in."""
    if isinstance(tree, tuple) and not is_name(tree):
        if tree[0] == "not":
            inner = may_hold(tree[1], names, not hope)
            return None if inner is None else not inner
        if tree[0] in ("and", "or"):
            parts = tuple(may_hold(part, names, hope) for part in tree[1:])
            decisive = bool(tree[0] == "or")
            if decisive in parts:
                return decisive
            return None if None in parts else not decisive
    return hope if names_in(tree, "call") else truth(tree, names)
