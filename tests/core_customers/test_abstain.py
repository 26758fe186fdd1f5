"""When nothing is offered: each rule by example, then no path at all around any of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti_engine.core.customers.abstain import RULES as ABSTAIN
from cti_engine.core.customers.abstain import abstentions
from cti_engine.core.customers.next_best_offer import choose, shown_hints
from cti_engine.core.customers.offer_facts import CallFacts
from cti_engine.core.customers.offer_rules import DAY, AbstainRules, OfferRules
from tests.core_customers.people import CALLS, NOW, PROFILES, RULES, SEED, call, customer, offer, rules

WHEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "open_complaint": ({"tickets": [{"ticket": "2291", "category": "complaint"}]}, {}),
    "call_reason": ({}, {"intent": "cancellation"}),
    "no_consent": ({"consent": {"offers": False}}, {}),
    "stranger": ({"customer": ""}, {}),
    "open_ticket": ({"tickets": [{"ticket": "4711", "category": "fault"}]}, {}),
    "called_again": ({"contacts": [{"at": NOW - DAY, "queue": "sales"}]}, {}),
    "waited_long": ({}, {"waited": 121.0}),
    "refused_lately": ({"offer_answers": [{"at": NOW - DAY, "offer": "tv", "answer": "declined"}]}, {}),
    "bad_survey": ({"surveys": [{"at": NOW - DAY, "scale": "1-5", "answer": 2}]}, {}),
    "poor_line": ({}, {"line_is_poor": True}),
}


def why(profile: dict[str, Any], facts: CallFacts, abstain: AbstainRules | None = None) -> list[str]:
    return [each.rule for each in abstentions(abstain or AbstainRules(), profile, facts)]


def test_every_rule_is_here() -> None:
    """A new rule needs its example."""
    assert WHEN.keys() == ABSTAIN.keys()


def test_nothing_speaks_against_it() -> None:
    """A known customer who agreed to offers, on a first call, is offered something."""
    assert why(customer(), call()) == []
    assert [hint.offer for hint in choose(rules(), customer(), call(), SEED).hints] == ["fibre"]


@pytest.mark.parametrize("rule", WHEN)
def test_each_rule_forbids_and_tells(rule: str) -> None:
    """One fact is enough, and the choice carries the reason in the place of hints."""
    profile, facts = WHEN[rule]
    choice = choose(rules(), customer(**profile), call(**facts), SEED)
    assert choice.hints == () and rule in [each.rule for each in choice.abstained]


OFF: dict[str, dict[str, Any]] = {
    "open_complaint": {"open_tickets": False},
    "open_ticket": {"open_tickets": False},
    "call_reason": {"intents": ()},
    "no_consent": {"consent": "not_asked"},
    "called_again": {"again_within": 0.0},
    "waited_long": {"waited_over": 0.0},
    "refused_lately": {"refused_within": 0.0},
    "bad_survey": {"bad_survey": {}},
    "poor_line": {"poor_line": False},
}


@pytest.mark.parametrize("rule", OFF)
def test_each_rule_can_be_turned_off(rule: str) -> None:
    """The admin decides, but for strangers, who cannot have agreed to anything."""
    profile, facts = WHEN[rule]
    assert why(customer(**profile), call(**facts), replace(AbstainRules(), **OFF[rule])) == []


@pytest.mark.parametrize(
    ("kind", "rule"),
    [("complaint", "open_complaint"), ("no_consent", "no_consent"), ("recaller", "called_again")],
)
def test_what_an_import_says_counts(kind: str, rule: str) -> None:
    """A hint of such a kind in the CSV is the same fact."""
    assert why(customer(hints=[{"kind": kind, "text": "x"}]), call()) == [rule]


def test_consent() -> None:
    """Unknown consent is none, unless the admin asks only that it is not refused; anything but true is not given."""
    for consent in ({}, None, {"offers": None}, {"offers": "yes"}, {"offers": 1}, "yes"):
        assert why(customer(consent=consent), call()) == ["no_consent"]
        assert why(customer(consent=consent), call(), AbstainRules(consent="not_refused")) == []


def test_lists_that_cannot_be_read() -> None:
    """Tickets that are no list are open ones; a refusal without a date is a fresh one."""
    assert why(customer(tickets="one"), call()) == ["open_ticket"]
    undated = [{"offer": "tv", "answer": "declined", "at": "yesterday"}]
    assert why(customer(offer_answers=undated), call()) == ["refused_lately"]


def test_limits() -> None:
    """A wait just as long as allowed, and a refusal just as old, forbid nothing."""
    old = [{"at": NOW - 30 * DAY, "offer": "tv", "answer": "declined"}]
    assert why(customer(offer_answers=old), call(waited=120.0)) == []


def test_who_is_called_back_has_not_called_again() -> None:
    """The contact that asked for the call-back is no second call for the same thing."""
    just_now = [{"at": NOW - 60, "queue": "sales"}]
    assert why(customer(contacts=just_now), call(calls_us=False)) == []
    assert why(customer(contacts=just_now), call(queue="support")) == []
    assert why(customer(), call(gave_up=True)) == ["called_again"]


def test_the_last_survey_counts() -> None:
    """Any bad answer of it, on its own scale; a good one afterwards makes up for an older one."""
    nps, csat = {"scale": "0-10", "answer": 6}, {"scale": "1-5", "answer": 5}
    one = [{**csat, "at": NOW - DAY}, {**nps, "at": NOW - DAY - 20}]
    assert why(customer(surveys=one), call()) == ["bad_survey"]
    later = [{**csat, "at": NOW - DAY}, {**nps, "at": NOW - 9 * DAY}]
    assert why(customer(surveys=later), call()) == []


def test_all_reasons_are_told_the_gravest_first() -> None:
    """An agent reads that there is a complaint before reading that the wait was long."""
    tickets = [{"ticket": "2291", "category": "complaint"}]
    choice = choose(rules(), customer(tickets=tickets), call(waited=300.0), SEED)
    told = [each.told() for each in choice.abstained]
    assert told[0] == {"rule": "open_complaint", "ticket": "2291"}
    assert told[1] == {"rule": "waited_long", "waited_s": 300.0, "limit_s": 120.0}


# --- no path around any of them ----------------------------------------------------------------


def _maps(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _dated(row: dict[str, Any]) -> bool:
    at = row.get("at")
    return isinstance(at, int | float) and not isinstance(at, bool) and at == at


def _lately(row: dict[str, Any], within: float, now: float) -> bool:
    return not _dated(row) or bool(now - row["at"] < within)


def forbidden(limits: AbstainRules, profile: dict[str, Any], facts: CallFacts) -> bool:
    """The issue's list once more, in other words than the code's."""
    kinds = [hint.get("kind") for hint in _maps(profile.get("hints"))]
    consent = profile.get("consent")
    agreed = consent.get("offers") if isinstance(consent, dict) else None
    answers = _maps(profile.get("offer_answers"))
    return bool(
        not profile.get("customer")
        or (limits.open_tickets and (profile.get("tickets") or "complaint" in kinds))
        or facts.intent in limits.intents
        or (facts.queue and facts.queue in limits.queues)
        or (limits.consent == "given" and agreed is not True)
        or (limits.consent != "not_asked" and (agreed is False or "no_consent" in kinds))
        or "declined" in facts.answers.values()
        or (limits.refused_within and any(
            row.get("answer") == "declined" and _lately(row, limits.refused_within, facts.now) for row in answers))
        or (limits.waited_over and facts.waited > limits.waited_over)
        or (limits.again_within and facts.calls_us and (facts.gave_up or "recaller" in kinds or any(
            facts.queue and row.get("queue") == facts.queue and _lately(row, limits.again_within, facts.now)
            for row in _maps(profile.get("contacts")))))
        or (limits.poor_line and facts.line_is_poor)
        or _last_survey_bad(limits, _maps(profile.get("surveys")), facts.now)
    )  # fmt: skip


def _last_survey_bad(limits: AbstainRules, surveys: list[dict[str, Any]], now: float) -> bool:
    """Answers within an hour of the newest one are of one survey; an answer without a date is of now."""
    dated = [(min(now, row["at"]) if _dated(row) else now, row) for row in surveys]
    newest = max((at for at, _ in dated), default=0.0)
    return now - newest < limits.bad_survey_within and any(
        newest - at <= 3600.0
        and isinstance(row.get("answer"), int)
        and row["answer"] <= limits.bad_survey.get(str(row.get("scale")), -1)
        for at, row in dated
    )


@settings(max_examples=600, deadline=None)
@given(RULES, PROFILES, CALLS, st.binary(min_size=1, max_size=8))
def test_no_path_shows_what_a_rule_forbids(
    limits: OfferRules, profile: dict[str, Any], facts: CallFacts, seed: bytes
) -> None:
    """Whatever the profile and the call: a forbidden hint is never chosen, no imported one that sells is shown, and
    where there are no hints there is a reason.
    """
    choice = choose(limits, profile, facts, seed)
    sells = [hint for hint in shown_hints(profile, choice) if hint.get("kind") == "cross_sell"]
    assert bool(choice.hints) != bool(choice.abstained)
    if forbidden(limits.abstain, profile, facts) or choice.held_out:
        assert not sells
    if forbidden(limits.abstain, profile, facts):
        assert not choice.hints
    for hint in choice.hints:
        chosen = limits.offers[hint.offer]
        assert chosen.require is None or facts.agent.get("agent.sales") is True
        assert chosen.stock != 0 and hint.line == chosen.line[facts.language]
        assert hint.offer not in facts.answers
        assert 0.0 < hint.chance < 1.0


@settings(max_examples=200, deadline=None)
@given(RULES, PROFILES, CALLS)
def test_a_profile_that_lies_stops_nothing(
    limits: OfferRules, profile: dict[str, Any], facts: CallFacts
) -> None:
    """The same twice is the same: the choice depends on nothing but its arguments."""
    assert choose(limits, profile, facts, SEED) == choose(limits, profile, facts, SEED)


def test_the_bandit_never_beats_a_rule() -> None:
    """An offer that everybody has accepted is still not made to who complains."""
    loved = customer(offer_counts={"fibre": [10_000, 0]}, tickets=[{"ticket": "1", "category": "complaint"}])
    assert choose(rules(offer(margin=1e6), explore=True), loved, call(), SEED).hints == ()
