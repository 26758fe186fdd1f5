"""Whatever happens in a call, and in whatever order: no page shows a hint that a rule forbids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cti_engine.core.customers.offer_rules import OfferRules
from cti_engine.core.line_quality import LineChanged
from cti_engine.core.party_signals import ReturnRequested, TransferRequested
from cti_engine.core.signals import HintAnswerRequested, ProfileFilledIn, TicketWritten
from tests.core_customers.people import NOW, PROFILES, RULES, call, customer
from tests.core_customers.test_abstain import forbidden
from tests.scenarios.playbook import Desk, Elapse, Install, Restart, Scenario
from tests.scenarios.test_hints import caller, center

Move = Callable[[Scenario], Scenario]
ENGLISH = {"en": "Say this."}
DESKS = {name: Desk(name) for name in ("maria", "john", "ana")}


def _who_has_it(s: Scenario) -> Desk:
    contact = s.center.contacts.get("c1")
    return DESKS[contact.agent if contact is not None and contact.agent else "maria"]


def picks_up(s: Scenario) -> Scenario:
    """The phone that rings, if one does."""
    for name, desk in DESKS.items():
        agent = s.center.agents.get(name)
        offer = s.center.reservations.get(agent.offer) if agent is not None else None
        if (
            offer is not None
            and offer.leg
            and offer.leg in s.center.legs
            and s.agent_leg(name).leg == offer.leg
        ):
            return s >> desk.rings() >> desk.answers()
    return s


def asks(request: type, **args: Any) -> Move:
    return lambda s: s >> _who_has_it(s).asks(request, **args)


def reloads(s: Scenario) -> Scenario:
    desk = _who_has_it(s)
    return s >> desk.opens_page() >> desk.closes_page() >> desk.opens_page()


def ticket(category: str, state: str) -> Move:
    def move(s: Scenario) -> Scenario:
        told = {"contact": "c1", "ticket": 7, "customer": "c01", "category": category, "subject": "x"}
        seq = s.center.counters.next.get("tickets told", 0) + 1
        return s >> TicketWritten(seq, {**told, "state": state, "priority": 2, "owner": "maria"})

    return move


def fills_in(profile: dict[str, Any]) -> Move:
    return lambda s: s >> ProfileFilledIn("c1", profile)


def line(poor: bool) -> Move:
    return lambda s: s >> LineChanged("w1", "w1/1", poor, 2.0, 0.2, 10.0, 50.0)


def new_rules(s: Scenario) -> Scenario:
    rules = s.definitions.offer_rules
    stricter = replace(
        rules, abstain=replace(rules.abstain, open_tickets=True, poor_line=True, consent="given")
    )
    return s >> Install(center(stricter, version=f"{s.definitions.version}+"))


LATER: list[dict[str, Any]] = [
    {"tickets": [{"ticket": "A", "category": "complaint"}]},
    {"hints": [{"kind": "cross_sell", "text": "x"}, {"kind": "region", "text": "y"}]},
    {"hints": [{"kind": "complaint", "text": "x"}]},
    {"customer": "c01", "segment": "gold"},
]
MOVES: st.SearchStrategy[Move] = st.one_of(
    st.just(picks_up),
    st.just(picks_up),
    st.sampled_from(["accepted", "declined", "not_now"]).map(
        lambda answer: asks(HintAnswerRequested, offer="fibre", answer=answer)
    ),
    st.sampled_from(["ana", "john"]).map(lambda agent: asks(TransferRequested, to_agent=agent)),
    st.just(asks(ReturnRequested)),
    st.builds(ticket, st.sampled_from(["complaint", "fault"]), st.sampled_from(["new", "resolved"])),
    st.sampled_from(LATER).map(fills_in),
    st.booleans().map(line),
    st.just(new_rules),
    st.just(reloads),
    st.just(lambda s: s >> Restart()),
    st.just(lambda s: s >> Elapse(20.5)),  # nobody picks up
)


WELCOME = st.sampled_from([{}, {"hints": [{"kind": "cross_sell", "text": "x"}]}]).map(
    lambda more: customer(**more)  # to whom all may be sold at first: most others are sold nothing at all
)


def no_forbidden_hint(s: Scenario) -> None:
    """On any page that shows the call, by what is known now; and by what was answered when it was offered last."""
    contact = s.center.contacts.get("c1")
    if contact is None:
        return
    leg = s.center.legs.get(contact.caller_leg)
    facts = replace(
        call(language="en", queue=contact.queue or "sales"),
        now=s.now,
        line_is_poor=leg is not None and leg.poor,
    )
    bad = forbidden(s.definitions.offer_rules.abstain, contact.profile, facts)
    for agent in s.center.agents.values():
        if agent.contact != "c1" or not agent.shown:
            continue
        shown: Any = agent.shown
        offer = s.center.reservations.get(agent.offer)
        chosen = offer.hints if offer is not None and offer.hints is not None else contact.hints
        held_out = chosen is not None and chosen.agent == agent.id and chosen.held_out
        sells = [*shown["offers"], *(hint for hint in shown["hints"] if hint.get("kind") == "cross_sell")]
        assert not (sells and bad), (shown["offers"], shown["hints"], contact.profile)
        assert not (sells and held_out)
        assert (
            agent.id != "john" or not shown["offers"] or not _needs_training(s.definitions.offer_rules, shown)
        )


def _needs_training(rules: OfferRules, shown: dict[str, Any]) -> bool:
    return any(rules.offers[each["offer"]].require is not None for each in shown["offers"])


@settings(max_examples=150, deadline=None)
@given(RULES, st.one_of(WELCOME, WELCOME, PROFILES), st.lists(MOVES, max_size=9))
def test_no_order_of_what_happens(rules: OfferRules, profile: dict[str, Any], moves: list[Move]) -> None:
    """Look-up, pop, answer, late CRM, tickets, line, rules, transfers, restarts and reloads in any order."""
    wide = {id: replace(each, line=ENGLISH) for id, each in rules.offers.items()}
    s = Scenario(center(replace(rules, offers=wide)), ready=("maria", "ana"), start=NOW - 2.0)
    s = s >> caller.calls("1000") >> caller.found("c1", **profile) >> caller.connects()
    no_forbidden_hint(s)
    declined = False
    for move in moves:
        told = len(s.facts)
        s = move(s)
        no_forbidden_hint(s)
        for _, fact in s.facts[told:]:
            name = type(fact).__name__
            declined = declined or (name == "HintAnswered" and fact.answer == "declined")  # type: ignore[union-attr]
            assert not (declined and name == "CallOffered" and fact.offers)  # type: ignore[union-attr]
