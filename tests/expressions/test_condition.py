"""Conditions against an independent oracle, Kleene's tables and the examples of the routing notes."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings

from cti_engine.core.expressions.check import check, read_condition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.expressions.syntax import Node
from tests.expressions.oracle import truth
from tests.expressions.strategies import SCOPE, conditions, worlds


@given(conditions, worlds)
@settings(max_examples=600)
def test_every_condition_gives_what_the_oracle_gives(node: Node, world: dict[str, object]) -> None:
    """Any tree in any world: true, false or undefined exactly as the tables of Kleene's logic say."""
    condition = Condition(node)
    expected = truth(node, world)
    assert condition.value(world.get) is expected
    assert condition.holds(world.get) is (expected is True)


@given(conditions)
@settings(max_examples=400)
def test_printing_and_parsing_gives_the_same_tree(node: Node) -> None:
    """What is printed reads back to an equal tree, so that an editor may rewrite a rule."""
    assert parse(str(node)) == node


@given(conditions)
def test_well_typed_conditions_have_no_faults(node: Node) -> None:
    """The type checker accepts every tree that was built with types in mind."""
    assert check(node, SCOPE) == []


@given(conditions, worlds)
def test_a_pickled_condition_is_the_same(node: Node, world: dict[str, object]) -> None:
    """Conditions cross a process boundary: equal, with equal answers."""
    condition = Condition(node)
    copy = pickle.loads(pickle.dumps(condition))
    assert copy == condition
    assert copy.value(world.get) is condition.value(world.get)


KLEENE = [
    # left, right, and, or
    ("true", "true", True, True),
    ("true", "false", False, True),
    ("true", "u", None, True),
    ("false", "true", False, True),
    ("false", "false", False, False),
    ("false", "u", False, None),
    ("u", "true", None, True),
    ("u", "false", False, None),
    ("u", "u", None, None),
]


@pytest.mark.parametrize(("left", "right", "both", "either"), KLEENE)
def test_the_three_valued_tables(left: str, right: str, both: bool | None, either: bool | None) -> None:
    """`and` is false as soon as one is false, `or` true as soon as one is true, whatever is undefined."""
    assert Condition(parse(f"{left} and {right}")).value(lambda _: None) is both
    assert Condition(parse(f"{left} or {right}")).value(lambda _: None) is either


def test_an_undefined_attribute_never_matches_not_even_negated() -> None:
    """Undefined is not level 0: neither a comparison nor its opposite holds."""
    for text in ("a.x < 5", "a.x >= 5", "not a.x < 5", "a.x != 5", 'a.x not in ["b"]', "a.x == a.x"):
        assert Condition(parse(text)).value(lambda _: None) is None
        assert not Condition(parse(text)).holds(lambda _: None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("agent.spanish >= 7 and agent.mortgages", True),
        ('call.segment == "gold" or queue.ewt > 90s', True),
        ("queue.ewt > 2m", False),
        ("queue.ewt == 1.5m", True),
        ("agent.id in call.preferred_agents", True),
        ('call.preferred_agents has "ana"', True),
        ('not call.segment in ["silver", "bronze"]', True),
        ('call.segment not in ["gold"]', False),
        ("agent.english >= 1", None),
        ("not agent.spanish < 7 and not agent.mortgages", False),
        ('now.time >= "09:00" and now.time < "18:00"', True),
        ("agent.mortgages == true", True),
        ('call.preferred_agents == "ana"', None),
        ("agent.spanish == true", None),
        ("agent.spanish in []", False),
    ],
)
def test_examples_of_the_routing_notes(text: str, expected: bool | None) -> None:
    """The language means what the notes say it does."""
    world: dict[str, object] = {
        "agent.id": "ana",
        "agent.spanish": 7,
        "agent.mortgages": True,
        "call.segment": "gold",
        "call.preferred_agents": ["maria", "ana"],
        "queue.ewt": 90.0,
        "now.time": "09:30",
    }
    assert Condition(parse(text)).value(world.get) is expected


def test_names_used_are_all_names_once() -> None:
    """A rule says what it depends on, so that calls with equal bindings may share a class."""
    condition = Condition(parse("agent.a > 1 and (call.b == call.b or not agent.a in call.c)"))
    assert condition.names_used == {"agent.a", "call.b", "call.c"}


def test_reading_gives_either_a_condition_or_faults() -> None:
    """`read_condition` never gives both, and never neither."""
    good, none = read_condition("agent.spanish > 3", SCOPE)
    assert good is not None and none == []
    bad, faults = read_condition("agent.spansh > 3 and tried > 2", SCOPE)
    assert bad is None and [fault.column for fault in faults] == [1, 22]
