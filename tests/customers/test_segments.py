"""Score, value, retention risk, growth and segment: against the plain oracle, and what must hold whatever comes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti_engine.core.customers.histories import Facts, Histories
from cti_engine.core.customers.segment_rules import (
    AFTERWARDS,
    CUSTOMER_NAMES,
    DAY,
    IMPORTED,
    LARGER,
    PURCHASES,
    GrowthRules,
    RiskRules,
    Segment,
    SegmentRules,
    Variable,
)
from cti_engine.core.customers.segments import scored
from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.condition import Condition
from tests.customers.plain_segments import figures

NOW = 1_790_000_000.0
RULES = SegmentRules(
    score={
        "recency": Variable(2.0, (30 * DAY, 90 * DAY, 365 * DAY)),
        "frequency": Variable(3.0, groups=5),
        "monetary": Variable(5.0, (100.0, 1000.0, 3000.0)),
    },
    risk=RiskRules(overdue=0.4, complaint=0.4, survey=0.2, contract_end=0.3, decline=0.2),
    growth=GrowthRules(trend=0.5, products=0.3, spend=0.3),
)


def _histories(rows: list[dict[str, Any]]) -> Histories:
    """Of each: `bought` [(days ago, amount)], `complained` [days ago], `answered` [(days ago, share)], `products`,
    `contract_ends` (days from now), `value`, `segment`, `open`, `kind`.
    """

    def facts(name: str) -> Facts:
        found = []
        for index, row in enumerate(rows):
            for each in row.get(name, []):
                ago, amount = each if isinstance(each, tuple) else (each, 1.0)
                found.append((index, NOW - ago * DAY, float(amount)))
        return Facts.of(found)

    ends = [row.get("contract_ends") for row in rows]
    return Histories(
        customers=[f"c{index}" for index in range(len(rows))],
        kind=[str(row.get("kind", "person")) for row in rows],
        language=["es"] * len(rows),
        segment=[str(row.get("segment", "")) for row in rows],
        value=np.array([float(row.get("value", 0.0)) for row in rows]),
        products=np.array([int(row.get("products", 0)) for row in rows], np.int64),
        contract_ends=np.array([np.nan if end is None else NOW + float(end) * DAY for end in ends]),
        open_complaint=np.array([bool(row.get("open")) for row in rows], np.bool_),
        purchases=facts("bought"),
        complaints=facts("complained"),
        surveys=facts("answered"),
    )


def _when(text: str) -> Condition:
    condition, faults = read_condition(text, CUSTOMER_NAMES)
    assert condition is not None, faults
    return condition


DAYS = st.integers(-20, 900)
CUSTOMERS = st.lists(
    st.fixed_dictionaries(
        {
            "bought": st.lists(st.tuples(DAYS, st.sampled_from([-50, 0, 10, 99, 500, 2500])), max_size=6),
            "complained": st.lists(DAYS, max_size=2),
            "answered": st.lists(st.tuples(DAYS, st.sampled_from([0.0, 0.25, 0.5, 1.0])), max_size=3),
            "products": st.integers(0, 4),
            "contract_ends": st.one_of(st.none(), st.integers(-100, 100)),
            "value": st.sampled_from([0, 50, 5000]),
            "open": st.booleans(),
            "kind": st.sampled_from(["person", "company"]),
        }
    ),
    max_size=12,
)
VARIABLE = st.one_of(
    st.builds(Variable, st.floats(0.5, 5), groups=st.integers(2, 6)),
    st.builds(Variable, st.floats(0.5, 5), st.sampled_from([(10.0,), (1.0, 3.0), (30 * DAY, 90 * DAY)])),
)
SETTINGS = st.builds(
    lambda score, value_from, window: replace(RULES, score=score, value_from=value_from, window=window),
    st.dictionaries(st.sampled_from(["recency", "frequency", "monetary", "tenure", "products"]), VARIABLE),
    st.sampled_from([PURCHASES, IMPORTED, LARGER]),
    st.sampled_from([30 * DAY, 365 * DAY]),
)


@settings(max_examples=60, deadline=None)
@given(CUSTOMERS, SETTINGS)
def test_the_columns_agree_with_the_plain_oracle(rows: list[dict[str, Any]], rules: SegmentRules) -> None:
    """Every figure of every customer, under any settings, as the published formulas give it one by one."""
    histories = _histories(rows)
    found = scored(histories, rules, NOW)
    for index, row in enumerate(figures(histories, rules, NOW)):
        for name in ("score", "value", "retention_risk", "growth", *rules.score):
            if name in found.columns and name not in ("products", "tenure"):
                assert found.columns[name][index] == pytest.approx(row[name], abs=1e-9), (name, index)


@settings(max_examples=60, deadline=None)
@given(CUSTOMERS, SETTINGS)
def test_the_reasons_add_up_to_the_figure(rows: list[dict[str, Any]], rules: SegmentRules) -> None:
    """What is told of a figure is all of it; a figure between 0 and 1 is the sum, cut at 1. No value told is NaN."""
    found = scored(_histories(rows), rules, NOW)
    for index in range(len(rows)):
        reasons = found.reasons()[index]
        for name, most in (("score", 100.0), ("value", np.inf), ("retention_risk", 1.0), ("growth", 1.0)):
            told = sum(float(each["points"]) for each in reasons if each["figure"] == name)
            assert found.columns[name][index] == pytest.approx(min(most, told), abs=1e-3)
        assert all(v == v for each in reasons for v in each["values"].values())


@settings(max_examples=60, deadline=None)
@given(CUSTOMERS, SETTINGS, st.randoms(use_true_random=False))
def test_the_order_of_customers_and_rows_does_not_matter(
    rows: list[dict[str, Any]], rules: SegmentRules, order: Any
) -> None:
    """The same customers in another order have the same figures, each their own."""
    places = list(range(len(rows)))
    order.shuffle(places)
    one, other = (scored(_histories(each), rules, NOW) for each in (rows, [rows[p] for p in places]))
    for to, place in enumerate(places):
        for name in ("score", "value", "retention_risk", "growth"):
            assert other.columns[name][to] == pytest.approx(one.columns[name][place], abs=1e-9)


def test_each_sign_raises_the_risk() -> None:
    """Each sign alone raises the risk of who was without it, by its weight at most."""
    quiet: dict[str, Any] = {"bought": [(10, 20), (40, 20), (70, 20)], "products": 1}
    signs: dict[str, dict[str, Any]] = {
        "overdue": {"bought": [(200, 20), (230, 20), (260, 20)]},
        "complaint": {"complained": [5]},
        "open_complaint": {"open": True},
        "survey": {"answered": [(5, 0.0)]},
        "contract_end": {"contract_ends": 10},
    }
    rows = [quiet, *({**quiet, **sign} for sign in signs.values())]
    found = scored(_histories(rows), RULES, NOW)
    for index, code in enumerate(signs, start=1):
        assert found.columns["retention_risk"][index] > found.columns["retention_risk"][0]
        assert code in [each["code"] for each in found.reasons()[index]]


def test_overdue_is_measured_by_the_own_rhythm() -> None:
    """Sixty days without a purchase are much for who buys each week, and nothing for who buys each quarter."""
    weekly: dict[str, Any] = {"bought": [(60 + 7 * n, 20) for n in range(10)]}
    quarterly: dict[str, Any] = {"bought": [(60 + 90 * n, 20) for n in range(4)]}
    found = scored(_histories([weekly, quarterly, quarterly]), RULES, NOW)
    codes = [[each["code"] for each in found.reasons()[index]] for index in range(3)]
    assert "overdue" in codes[0]
    assert "overdue" not in codes[1]


def test_the_first_segment_that_holds_is_the_customers() -> None:
    """By condition, by bounds of the score (least included), by both; by none the imported one stays."""
    rules = replace(
        RULES,
        segments=(
            Segment("business", _when('customer.kind == "company"')),
            Segment("top", least=80.0),
            Segment("fair", _when("customer.purchases >= 1"), least=10.0, below=80.0),
        ),
    )
    rows: list[dict[str, Any]] = [
        {"kind": "company", "bought": [(1, 5000)]},
        {"bought": [(1, 5000), (20, 50)]},
        {"bought": [(60, 150)]},
        {"segment": "gold"},
    ]
    assert scored(_histories(rows), rules, NOW).segment == ["business", "top", "fair", ""]


def test_what_is_not_known_never_matches() -> None:
    """Who never complained has no days since a complaint: neither over nor under any number of days."""
    found = scored(_histories([{}, {"complained": [3]}]), RULES, NOW)
    under, over = _when("customer.days_since_complaint < 30"), _when("customer.days_since_complaint >= 30")
    assert [under.holds(found.names(index)) for index in range(2)] == [False, True]
    assert [over.holds(found.names(index)) for index in range(2)] == [False, False]


def test_every_name_of_a_condition_has_a_column() -> None:
    """What the admin may ask about a customer is there, and nothing else is."""
    found = scored(_histories([{"bought": [(1, 5)], "complained": [2], "answered": [(1, 1.0)]}]), RULES, NOW)
    assert {f"customer.{name}" for name in found.columns} == set(CUSTOMER_NAMES)
    unknown = {"customer.segment", "customer.days_to_contract_end"}
    for name in set(AFTERWARDS) - unknown:
        assert found.names(0)(name) is not None, name


def test_nobody_at_all() -> None:
    """No customers: no figures, and no failure."""
    found = scored(_histories([]), RULES, NOW)
    assert found.segment == []
