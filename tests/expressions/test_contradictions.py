"""Conditions that can never be true are faults; what is found is certain, and nothing possible is refused."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.contradiction import contradiction
from cti_engine.core.expressions.parser import MAX_DEPTH, parse
from cti_engine.core.expressions.values import BOOLEAN, NUMBER, TEXT, list_of, text_of, whole_numbers

SCOPE = {
    "agent.spanish": whole_numbers(1, 10),
    "agent.sales": BOOLEAN,
    "agent.team": text_of("red", "blue"),
    "agent.id": TEXT,
    "call.value": NUMBER,
    "call.segment": TEXT,
    "call.tags": list_of(TEXT),
}

NEVER = [
    # text, column, hint
    ("agent.spanish >= 7 and agent.spanish < 5", 24, "agent.spanish >= 7, agent.spanish < 5"),
    ("agent.sales and not agent.sales", 17, "agent.sales and not agent.sales"),
    ("agent.spanish >= 7 and (agent.spanish < 5 or agent.spanish == 3)", 25, "agent.spanish == 3"),
    ("not (agent.spanish >= 1 or agent.sales)", 6, "agent.spanish >= 1"),
    ("call.value > 3 and call.value < 3", 20, "call.value"),
    ('call.segment == "gold" and call.segment != "gold"', 28, "call.segment"),
    ('call.segment in ["a", "b"] and call.segment == "c"', 32, "call.segment"),
    ('agent.team != "red" and agent.team != "blue"', 25, "agent.team"),
    ('(call.tags has "a" or agent.sales) and not (call.tags has "a" or agent.sales)', 40, "nothing meets"),
    ("agent.id in []", 1, "agent.id in []"),
    ("false and agent.sales", 1, "false"),
]


@pytest.mark.parametrize(("text", "column", "hint"), NEVER)
def test_a_contradiction_is_a_fault_with_its_place(text: str, column: int, hint: str) -> None:
    """The fault stands where nothing is left, and names what excludes each other."""
    condition, faults = read_condition(text, SCOPE)
    assert condition is None
    [fault] = faults
    assert (fault.column, fault.text) == (column, "this can never be true")
    assert hint in fault.hint


@pytest.mark.parametrize(
    "text",
    [
        "agent.spanish >= 11",
        "agent.spanish == 7.5",
        "agent.sales or agent.spanish in [0, 11]",
        "agent.spanish < 1",
    ],
)
def test_a_level_out_of_range_is_a_fault(text: str) -> None:
    """Even where the rest of the condition may be true: levels go from 1 to 10."""
    condition, faults = read_condition(text, SCOPE)
    assert condition is None
    assert [fault.hint for fault in faults] == ["agent.spanish goes from 1 to 10"]


@pytest.mark.parametrize(
    "text",
    [
        "agent.spanish >= 5 and agent.spanish <= 5",
        "call.value > 3 and call.value < 4",
        'call.segment > "a" and call.segment < "b"',
        'agent.team == "red" or agent.team == "blue"',
        "agent.spanish < 11",
        "false",
        'agent.id in call.tags and agent.id != "maria"',
    ],
)
def test_what_may_be_true_is_taken(text: str) -> None:
    """Also what touches at one value, and `false` alone, which switches a step off."""
    condition, faults = read_condition(text, SCOPE)
    assert condition is not None, faults


_leaf = st.one_of(
    st.builds(
        "agent.spanish {} {}".format, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.integers(1, 10)
    ),
    st.sampled_from(["agent.sales", 'agent.team == "red"', 'agent.team != "red"', 'agent.team in ["blue"]']),
    st.builds("call.value {} {}".format, st.sampled_from(["<", ">", "=="]), st.integers(0, 2)),
)
_condition = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds(
            lambda operator, some: "(" + f" {operator} ".join(some) + ")",
            st.sampled_from(["and", "or"]),
            st.lists(inner, min_size=2, max_size=4),
        ),
    ),
    max_leaves=10,
)
_VALUES = {
    "agent.spanish": (None, *range(1, 11)),
    "agent.sales": (None, True, False),
    "agent.team": (None, "red", "blue"),
    "call.value": (None, -1, 0, 0.5, 1, 1.5, 2, 3),
}


@given(_condition)
@settings(max_examples=400, deadline=None)
def test_what_is_refused_is_never_true(text: str) -> None:
    """No assignment of values, undefined ones too, makes a refused condition true."""
    node = parse(text)
    if contradiction(node, SCOPE) is None:
        return
    condition = Condition(node)
    names = sorted(condition.names_used)
    for values in product(*(_VALUES[name] for name in names)):
        assert not condition.holds(dict(zip(names, values, strict=True)).get), text


@given(st.lists(_leaf, min_size=1, max_size=5))
@settings(max_examples=300, deadline=None)
def test_of_plain_conjunctions_all_contradictions_are_found(leaves: list[str]) -> None:
    """Where comparisons are only joined by `and`, what no assignment makes true is refused."""
    node = parse(" and ".join(leaves))
    condition = Condition(node)
    names = sorted(condition.names_used)
    possible = any(
        condition.holds(dict(zip(names, values, strict=True)).get)
        for values in product(*(_VALUES[name] for name in names))
    )
    assert (contradiction(node, SCOPE) is None) == possible


def test_endless_conditions_are_answered_at_once() -> None:
    """Depth 50 is a clear fault, the deepest that is allowed and 200 terms are right answers; none takes a second."""
    begun = time.monotonic()
    for deep in ("(" * 50 + "agent.sales" + ")" * 50, "not " * 50 + "agent.sales"):
        _, faults = read_condition(deep, SCOPE)
        assert [fault.text for fault in faults] == [f"nested deeper than {MAX_DEPTH}"]
    nested = "agent.sales"
    for level in range(MAX_DEPTH - 1):
        nested = f"({nested} {'or' if level % 2 else 'and'} agent.spanish >= {level % 10 + 1})"
    condition, faults = read_condition(nested, SCOPE)
    assert condition is not None, faults
    assert condition.holds({"agent.sales": True, "agent.spanish": 10}.get)
    condition, faults = read_condition(" or ".join(f"call.value=={number}" for number in range(200)), SCOPE)
    assert condition is not None, faults
    assert condition.holds({"call.value": 199}.get) and not condition.holds({"call.value": 200}.get)
    never = " and ".join(f"call.value > {number}" for number in range(180)) + " and call.value < 179"
    condition, faults = read_condition(never, SCOPE)
    assert condition is None and faults[0].text == "this can never be true"
    assert time.monotonic() - begun < 5
