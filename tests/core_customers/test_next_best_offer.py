"""What is offered where something may be: who may have it, in which order, what it is worth, and to whom never."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from cti_engine.core.customers.next_best_offer import Choice, choose, in_season, seed_of, shown_hints, why_not
from cti_engine.core.customers.offer_facts import CallFacts, Holdings
from cti_engine.core.customers.offer_rules import DAY, OfferRules
from tests.core_customers.people import LINES, NOW, SEED, call, condition, customer, offer, rules


def chosen(known: OfferRules, profile: dict[str, Any], facts: CallFacts | None = None) -> list[str]:
    return [hint.offer for hint in choose(known, profile, facts or call(), SEED).hints]


HAS_MOBILE = customer(products=[{"product": "mobile", "since": NOW - 9 * DAY}])
KEPT = [
    (offer(needs=("mobile",)), customer(), call(), "needs"),
    (offer(needs=("mobile",)), HAS_MOBILE, call(), ""),
    (offer(needs=("mobile", "tv")), HAS_MOBILE, call(), "needs"),
    (offer("mobile"), customer(products=[{"product": "mobile", "since": 0, "until": NOW - 1}]), call(), ""),
    (offer("mobile"), customer(products=[{"product": "mobile", "until": NOW + DAY}]), call(), "excludes"),
    (offer(excludes=("mobile",)), HAS_MOBILE, call(), "excludes"),
    (offer("mobile"), HAS_MOBILE, call(), "excludes"),
    (offer("mobile", repeatable=True), HAS_MOBILE, call(), ""),
    (offer(seasons=(((11, 15), (1, 6)),)), customer(), call(today=(6, 1)), "season"),
    (offer(seasons=(((11, 15), (1, 6)),)), customer(), call(today=(12, 31)), ""),
    (offer(stock=0), customer(), call(), "stock"),
    (offer(line={"es": "x"}), customer(), call(language="en"), "language"),
    (offer(when=condition('call.segment == "silver"')), customer(), call(), "when"),
    (offer(when=condition('call.segment == "gold"')), customer(), call(), ""),
    (offer(), customer(), call(answers={"fibre": "not_now"}), "answered"),
]


@pytest.mark.parametrize(("one", "profile", "facts", "code"), KEPT)
def test_who_may_have_it(one: Any, profile: dict[str, Any], facts: CallFacts, code: str) -> None:
    """Each rule of an offer keeps it from whom it should, and from nobody else."""
    assert why_not(one, Holdings.of(profile, NOW), facts, {}) == code
    assert chosen(rules(one), profile, facts) == ([] if code else [one.id])


def test_seasons() -> None:
    """Both days are included; a season may go over the new year."""
    winter = ((11, 15), (1, 6))
    assert [in_season(day, *winter) for day in ((11, 14), (11, 15), (1, 1), (1, 6), (1, 7))] == [
        0,
        1,
        1,
        1,
        0,
    ]
    assert [in_season(day, (3, 1), (3, 31)) for day in ((2, 28), (3, 1), (3, 31), (4, 1))] == [0, 1, 1, 0]


def test_stock_that_is_left() -> None:
    """What has been accepted since the file was written is gone."""
    assert choose(rules(offer(stock=2)), customer(), call(), SEED, {"fibre": 1}).hints
    assert not choose(rules(offer(stock=2)), customer(), call(), SEED, {"fibre": 0}).hints


def test_nothing_fits_and_not_trained() -> None:
    """The two reasons that are no rule against selling, but still tell why there is no hint."""
    told = choose(rules(offer(stock=0)), customer(), call(), SEED).abstained
    assert [each.rule for each in told] == ["nothing_fits"]
    sales = rules(offer(require=condition("agent.sales == true")))
    told = choose(sales, customer(), call(agent={}), SEED).abstained
    assert [each.rule for each in told] == ["not_trained"]


def test_who_answered_is_asked_again_later() -> None:
    """Yes or no to an offer rests that offer; not the moment does not."""
    free = replace(rules(offer(), offer("tv")), abstain=replace(rules().abstain, refused_within=0.0))
    for answer, offered in (("declined", ["tv"]), ("accepted", ["tv"]), ("not_now", ["fibre", "tv"])):
        answered = [{"at": NOW - 80 * DAY, "offer": "fibre", "answer": answer}]
        assert chosen(free, customer(offer_answers=answered)) == offered
    old = [{"at": NOW - 91 * DAY, "offer": "fibre", "answer": "declined"}]
    assert chosen(free, customer(offer_answers=old)) == ["fibre", "tv"]


def test_three_at_most_by_expected_value() -> None:
    """Chance times margin; ties by the id."""
    many = [offer(f"o{i}", margin=float(i), rate=0.1) for i in range(6)]
    hints = choose(rules(*many), customer(), call(), SEED).hints
    assert [hint.offer for hint in hints] == ["o5", "o4", "o3"]
    assert hints[0].expected_value == pytest.approx(0.5) and hints[0].chance == pytest.approx(0.1)
    assert chosen(rules(offer("b"), offer("a")), customer()) == ["a", "b"]


def test_affinity_moves_the_odds() -> None:
    """Log-odds of 0.7 double the odds, about; more than three are not believed."""
    likes = customer(affinities={"tv": 0.7, "fibre": 50.0})
    by_offer = {hint.offer: hint for hint in choose(rules(offer(), offer("tv")), likes, call(), SEED).hints}
    assert by_offer["tv"].chance == pytest.approx(0.1828, abs=1e-3)
    assert by_offer["fibre"].chance == pytest.approx(0.6906, abs=1e-3)


def test_answers_teach() -> None:
    """The prior is worth so many answers, then what the segment says counts; whom it was asked is taken out of it."""
    for counts, chance in (([0, 0], 0.1), ([20, 20], 22 / 60), ([900, 100], 902 / 1020)):
        hint = choose(rules(), customer(offer_counts={"fibre": counts}), call(), SEED).hints[0]
        assert hint.chance == pytest.approx(chance)
    keen = customer(offer_counts={"fibre": [200, 200, 400.0]}, affinities={"fibre": 400 / 420})
    assert choose(rules(), keen, call(), SEED).hints[0].chance == pytest.approx(202 / 420)


def test_counts_that_lie() -> None:
    """Beyond all measure: the chance stays one."""
    for counts in ([1e308, 0, -1e308], [0, 1e308, 1e308], [0, 0, -1e300]):
        hint = choose(rules(), customer(offer_counts={"fibre": counts}), call(), SEED).hints[0]
        assert 0.0 < hint.chance < 1.0


def first(known: OfferRules, profile: dict[str, Any], calls: int) -> Counter[str]:
    return Counter(
        choose(known, profile, call(), seed_of("secret", f"c{i}")).hints[0].offer for i in range(calls)
    )


def test_the_little_known_is_tried_and_the_bad_is_not() -> None:
    """Thompson sampling: a new offer leads now and then although its mean is lower; one known to be bad never does."""
    known = rules(offer("sure"), offer("new"), offer("bad"), explore=True, prior=10.0)
    counts = {"sure": [150, 850], "bad": [2, 2000]}
    leads = first(known, customer(offer_counts=counts), 400)
    assert leads["sure"] > leads["new"] > 20 and leads["bad"] == 0


def test_the_better_offer_wins_in_the_end() -> None:
    """The shares of 20 % and 10 % are found within 600 answers; regret stays far below that of chance."""
    known = rules(offer("worse"), offer("better"), explore=True, prior=2.0)
    rates, counts = {"worse": 0.1, "better": 0.2}, {"worse": [0, 0], "better": [0, 0]}
    for i in range(600):
        seed = seed_of("secret", f"c{i}")
        lead = choose(known, customer(offer_counts=counts), call(), seed).hints[0].offer
        taken = int.from_bytes(seed_of("answers", f"c{i}")[:4]) / 2**32 < rates[lead]
        counts[lead][not taken] += 1
    assert sum(counts["better"]) > 400


def test_hold_out() -> None:
    """So large a share of the calls, by chance that no agent can foresee, and the same call is always in or out."""
    held = [
        choose(rules(hold_out=0.05), customer(), call(), seed_of("s", f"c{i}")).held_out for i in range(4000)
    ]
    assert 160 <= sum(held) <= 240
    other = [
        choose(rules(hold_out=0.05), customer(), call(), seed_of("t", f"c{i}")).held_out for i in range(400)
    ]
    assert other != held[:400]


def test_imported_hints() -> None:
    """What an import wants to sell is shown unless a rule forbids or the call is held out; the rest always is."""
    profile = customer(hints=[{"kind": "cross_sell", "text": "x"}, {"kind": "region", "text": "y"}, "lies"])
    for choice, kinds in (
        (Choice(), ["cross_sell", "region"]),
        (choose(rules(offer(stock=0)), profile, call(), SEED), ["cross_sell", "region"]),
        (choose(rules(), profile, call(waited=999), SEED), ["region"]),
        (Choice(held_out=True), ["region"]),
    ):
        assert [hint["kind"] for hint in shown_hints(profile, choice)] == kinds


def test_what_the_agent_is_told() -> None:
    """The line in the caller's language, the reason in every one, the value rounded."""
    hint = choose(rules(offer(reason={"es": "p", "en": "w"})), customer(), call(language="en"), SEED).hints[0]
    assert hint.told("EUR") == {
        "offer": "fibre", "product": "fibre", "reason": {"es": "p", "en": "w"}, "line": LINES["en"],
        "chance": 0.1, "expected_value": 5.0, "currency": "EUR", "affinity": 0.0,
    }  # fmt: skip


def test_numbers_beyond_all_measure() -> None:
    """An outside system may tell a whole number of hundreds of digits, or none at all: it counts as unknown."""
    told = customer(affinities={"tv": 10**400, "fibre": 0.5}, offer_counts={"tv": [10**400, "x", None]})
    by_offer = {hint.offer: hint for hint in choose(rules(offer(), offer("tv")), told, call(), SEED).hints}
    assert by_offer["tv"].affinity == 0.0 and by_offer["tv"].chance == pytest.approx(0.1)
    assert by_offer["fibre"].affinity == 0.5


def test_one_that_stands_alone() -> None:
    """To whom it may be offered, by this agent, nothing else is, whatever that is worth."""
    stays = offer("stays", alone=True, margin=1.0, when=condition('call.segment == "gold"'))
    known = rules(offer(), stays)
    assert chosen(known, customer()) == ["stays"]
    others = replace(call(), names={"call.segment": "silver"}.get)
    assert chosen(known, customer(), others) == ["fibre"]
    untrained = rules(offer(), replace(stays, require=condition("agent.sales == false")))
    assert chosen(untrained, customer()) == ["fibre"]
