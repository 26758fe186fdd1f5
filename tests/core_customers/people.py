"""Customers, calls and rules for the tests of hints: plain ones to change, and any at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from cti_engine.core.customers.offer_facts import CallFacts
from cti_engine.core.customers.offer_rules import DAY, AbstainRules, Offer, OfferRules
from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.values import BOOLEAN, TEXT

NOW = 1_900_000_000.0
SEED = b"seed"
LINES = {"es": "Dígale esto.", "en": "Say this."}


def condition(text: str) -> Condition:
    found, faults = read_condition(text, {"agent.sales": BOOLEAN, "call.segment": TEXT})
    assert found is not None, faults
    return found


def offer(id: str = "fibre", **changes: Any) -> Offer:
    return replace(Offer(id, id, LINES, margin=50.0), **changes)


def rules(*offers: Offer, **changes: Any) -> OfferRules:
    known = {each.id: each for each in offers or (offer(),)}
    return replace(OfferRules(known, hold_out=0.0, explore=False), **changes)


def customer(**changes: Any) -> dict[str, Any]:
    """One to whom everything may be offered."""
    return {"customer": "c01", "segment": "gold", "consent": {"offers": True}} | changes


def call(**changes: Any) -> CallFacts:
    plain = CallFacts(NOW, (6, 1), {"call.segment": "gold"}.get, {"agent.sales": True}, "es", queue="sales")
    return replace(plain, **changes)


_PRODUCTS = st.sampled_from(["fibre", "mobile", "tv", ""])
_ODD = st.sampled_from([None, "", "x", 7, -1.0, float("nan"), True, [], {}, [1, "x"], {"at": "x"}])
_AT = st.one_of(st.floats(NOW - 400 * DAY, NOW + 60), _ODD)
_NAMES = st.sampled_from(["sales", "support", "", None])


def _lists(**row: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(_ODD, st.lists(st.one_of(st.fixed_dictionaries({}, optional=row), _ODD), max_size=4))


PROFILES = st.fixed_dictionaries(
    {},
    optional={
        "customer": st.sampled_from(["c01", "c01", "c01", "", None]),
        "segment": st.sampled_from(["gold", "standard", None]),
        "consent": st.one_of(
            _ODD, st.sampled_from([{"offers": True}, {"offers": True}, {"offers": False}, {"offers": 1}])
        ),
        "products": _lists(product=_PRODUCTS, since=_AT),
        "tickets": _lists(ticket=st.just("7"), category=st.sampled_from(["complaint", "fault", None])),
        "contacts": _lists(at=_AT, queue=_NAMES),
        "surveys": _lists(at=_AT, scale=st.sampled_from(["1-5", "0-10", "x"]), answer=st.integers(0, 10)),
        "offer_answers": _lists(
            at=_AT,
            offer=st.sampled_from(["fibre", "tv"]),
            answer=st.sampled_from(["accepted", "declined", "not_now"]),
        ),
        "hints": _lists(
            kind=st.sampled_from(["cross_sell", "complaint", "recaller", "no_consent", "region"]),
            text=st.just("x"),
        ),
        "affinities": st.one_of(_ODD, st.dictionaries(_PRODUCTS, st.one_of(st.floats(), _ODD))),
        "offer_counts": st.one_of(
            _ODD,
            st.dictionaries(
                st.sampled_from(["fibre", "tv"]), st.lists(st.one_of(st.floats(), _ODD), max_size=3)
            ),
        ),
    },
)
"""What a look-up may answer, lies included."""

CALLS = st.builds(
    call,
    language=st.sampled_from(["es", "en", "ko", ""]),
    intent=st.sampled_from(["", "sales", "complaint", "cancellation"]),
    queue=st.sampled_from(["sales", "support", ""]),
    waited=st.floats(0, 1000),
    calls_us=st.booleans(),
    gave_up=st.booleans(),
    line_is_poor=st.booleans(),
    agent=st.sampled_from([{"agent.sales": True}, {"agent.sales": False}, {}]),
    answers=st.dictionaries(
        st.sampled_from(["fibre", "tv"]), st.sampled_from(["accepted", "declined"]), max_size=1
    ),
    today=st.sampled_from([(1, 5), (6, 1), (12, 20)]),
)

RULES = st.builds(
    rules,
    st.builds(
        offer, stock=st.sampled_from([None, 0, 3]), require=st.sampled_from([None, condition("agent.sales")])
    ),
    st.builds(
        offer,
        st.just("tv"),
        needs=st.sampled_from([(), ("mobile",)]),
        excludes=st.sampled_from([(), ("fibre",)]),
        seasons=st.sampled_from([(), (((12, 1), (1, 6)),)]),
        when=st.sampled_from([None, condition('call.segment == "gold"')]),
        line=st.sampled_from([LINES, {"en": "Only this."}]),
    ),
    abstain=st.builds(
        AbstainRules,
        open_tickets=st.booleans(),
        queues=st.sampled_from([(), ("support",)]),
        consent=st.sampled_from(["given", "given", "not_refused", "not_asked"]),
        waited_over=st.sampled_from([0.0, 120.0]),
        again_within=st.sampled_from([0.0, 3 * DAY]),
        refused_within=st.sampled_from([0.0, 30 * DAY]),
        poor_line=st.booleans(),
    ),
    explore=st.booleans(),
    hold_out=st.sampled_from([0.0, 0.5]),
)
