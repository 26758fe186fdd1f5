"""Hints in a call: chosen with the offer, told when the agent has the call, answered once, and never against a rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from cti_engine.core.customers.offer_rules import OfferRules
from cti_engine.core.definitions import AgentDefinition, CenterDefinitions
from cti_engine.core.party_signals import TransferRequested
from cti_engine.core.signals import HintAnswerRequested
from tests.core_customers.people import NOW, PROFILES, RULES, call, condition, customer, offer, rules
from tests.core_customers.test_abstain import forbidden
from tests.scenarios.playbook import Caller, Desk, Elapse, Install, Restart, Scenario, is_recorded, the
from tests.scenarios.small_center import DEFINITIONS

caller, maria, john = Caller(), Desk("maria"), Desk("john")
ENGLISH = {"en": "Say this."}
FIBRE = offer(line=ENGLISH, require=condition("agent.sales == true"))
SELLS = {"sales": True}


def center(known: OfferRules | None = None, **changes: Any) -> CenterDefinitions:
    """Maria and Ana are trained to sell, John is not."""
    agents = {
        name: AgentDefinition(name, name.capitalize(), SELLS if name != "john" else {})
        for name in DEFINITIONS.agents
    }
    return replace(DEFINITIONS, agents=agents, offer_rules=known or rules(FIBRE), **changes)


def offered(
    definitions: CenterDefinitions | None = None, ready: str = "maria", waits: float = 0.0, **profile: Any
) -> Scenario:
    """A customer, by default one to whom all may be offered, rings at an agent's phone."""
    s = Scenario(definitions or center(), ready=() if waits else (ready,))
    s = s >> caller.calls("1000") >> caller.found("c1", **customer(**profile)) >> caller.connects()
    if waits:
        s = s >> Elapse(waits) >> Desk(ready).registers() >> Desk(ready).is_ready()
    return s


def talking(definitions: CenterDefinitions | None = None, **profile: Any) -> Scenario:
    return offered(definitions, **profile) >> maria.rings() >> maria.answers()


def pop(s: Scenario) -> dict[str, Any]:
    """What the last pop says about selling."""
    told = [fact for _, fact in s.facts if type(fact).__name__ == "CallOffered"][-1]
    assert s.center.agents[told.agent].shown["offers"] == told.offers  # type: ignore[union-attr]
    return {
        "offers": [each["offer"] for each in told.offers],  # type: ignore[union-attr]
        "why": [each["rule"] for each in told.no_offers],  # type: ignore[union-attr]
        "hints": [each.get("kind") for each in told.hints],  # type: ignore[union-attr]
    }


def answers(answer: str, offer: str = "fibre", desk: Desk = maria) -> Any:
    return desk.asks(HintAnswerRequested, offer=offer, answer=answer)


def test_a_hint_comes_with_the_offer() -> None:
    """Before the phone rings, with line and reason; it counts as given when they talk."""
    s = offered()
    assert pop(s) == {"offers": ["fibre"], "why": [], "hints": []}
    s.without(the.HintsGiven())
    s = s >> maria.rings() >> maria.answers()
    s << the.HintsGiven(
        customer="c01",
        agent="maria",
        queue="sales",
        offers=({"offer": "fibre", "affinity": 0.0},),
        held_out=False,
    )


def test_who_waited_long_is_only_helped() -> None:
    """The wait at this moment counts, as the core knows it; the imported hint that sells goes too."""
    hints = [{"kind": "cross_sell", "text": "x"}, {"kind": "region", "text": "y"}]
    s = offered(waits=121.0, hints=hints)
    assert pop(s) == {"offers": [], "why": ["waited_long"], "hints": ["region"]}
    assert pop(offered(waits=30.0, hints=hints)) == {
        "offers": ["fibre"], "why": [], "hints": ["cross_sell", "region"],
    }  # fmt: skip


def test_the_reason_of_the_call() -> None:
    """What a flow found out on the way: a cancellation is no moment to sell."""
    s = Scenario(center(), ready=("maria",)) >> caller.calls("1000") >> caller.found("c1", **customer())
    s.center.contacts["c1"].attributes["intent"] = "cancellation"
    assert pop(s >> caller.connects())["why"] == ["call_reason"]


def test_who_gave_up_calls_again() -> None:
    """Hung up in line a moment ago: helped, not sold to, though nothing is written in the profile."""
    s = (
        Scenario(center(re_caller_within=600.0))
        >> caller.calls("1000")
        >> caller.found("c1")
        >> caller.connects()
    )
    s = s >> Elapse(20) >> caller.hangs_up()
    again = Caller("w2")
    s = s >> maria.registers() >> maria.is_ready() >> again.calls("1000") >> again.found("c2", **customer())
    s = s >> again.connects()
    assert pop(s)["why"] == ["called_again"]


def test_an_agent_who_is_not_trained() -> None:
    """No hint and the reason; the next agent, who is, gets it."""
    s = offered(ready="john")
    assert pop(s) == {"offers": [], "why": ["not_trained"], "hints": []}
    s = s >> maria.registers() >> maria.is_ready() >> john.rings() >> Elapse(20.5)
    assert pop(s)["offers"] == ["fibre"]


def test_strangers_and_centers_without_offers() -> None:
    """Nobody can have agreed whom we do not know; where nothing is sold, the page says nothing about it."""
    assert pop(offered(customer=""))["why"] == ["stranger"]
    nothing = center(OfferRules())
    assert pop(offered(nothing)) == {"offers": [], "why": [], "hints": []}
    complains = [{"kind": "cross_sell", "text": "x"}, {"kind": "complaint", "text": "y"}]
    assert pop(offered(nothing, hints=complains)) == {
        "offers": [], "why": ["open_complaint"], "hints": ["complaint"],
    }  # fmt: skip


def test_held_out() -> None:
    """What would be shown is told to the log, and to no page."""
    s = offered(center(rules(FIBRE, hold_out=1.0)), hints=[{"kind": "cross_sell", "text": "x"}])
    assert pop(s) == {"offers": [], "why": [], "hints": []}
    s = s >> maria.rings() >> maria.answers()
    s << the.HintsGiven(offers=({"offer": "fibre", "affinity": 0.0},), held_out=True)
    s >> answers("accepted") << the.Reply(ok=False, code="unknown_offer")


@pytest.mark.parametrize("answer", ["accepted", "declined", "not_now"])
def test_an_answer(answer: str) -> None:
    """Told once, and shown to a page that reloads."""
    s = (
        talking()
        >> answers(answer)
        << the.HintAnswered(customer="c01", offer="fibre", answer=answer, agent="maria")
    )
    shown = s.center.agents["maria"].shown["offers"]
    assert isinstance(shown, tuple) and shown[0]["answer"] == answer
    s = s >> answers(answer) << the.Reply(ok=True)
    s.without(the.HintAnswered())


def test_an_answer_is_corrected_while_wrapping_up() -> None:
    """The last one counts."""
    s = talking() >> answers("accepted") >> caller.hangs_up() >> maria.is_gone()
    s >> answers("declined") << the.HintAnswered(answer="declined")


def test_answers_that_are_refused() -> None:
    """While the phone still rings, of what was not offered, and what is no answer."""
    offered() >> maria.rings() >> answers("accepted") << the.Reply(ok=False, code="wrong_state")
    talking() >> answers("perhaps") << the.Reply(ok=False, code="unknown_answer")
    talking() >> answers("accepted", offer="tv") << the.Reply(ok=False, code="unknown_offer")


def test_the_colleague_who_gets_the_call_next() -> None:
    """What was declined is not tried again in the same call; nor is anything else."""
    two = center(rules(FIBRE, offer("tv", line=ENGLISH)))
    s = talking(two) >> answers("declined")
    contact = s.center.contacts["c1"]
    assert contact.hints is not None and contact.hints.answers == {"fibre": "declined"}
    s = s >> Desk("ana").registers() >> Desk("ana").is_ready()
    s = s >> maria.asks(TransferRequested, to_agent="ana") << the.CallOffered(agent="ana")
    assert pop(s)["why"] == ["refused_lately"]


def test_stock_runs_out() -> None:
    """An accepted one is gone, after a restart too; a new number in the file counts anew, a taken-back yes too."""
    last = offer(line=ENGLISH, stock=1, repeatable=True, again_after=0.0)
    s = talking(center(rules(last))) >> answers("accepted")
    assert pop(_next_call(s >> Restart()))["why"] == ["nothing_fits"]
    s = talking(center(rules(last))) >> answers("accepted") >> answers("not_now")
    assert pop(_next_call(s))["offers"] == ["fibre"]
    s = talking(center(rules(last))) >> answers("accepted")
    s = s >> Install(center(rules(replace(last, stock=5)), version="2"))
    assert pop(_next_call(s))["offers"] == ["fibre"]


def _next_call(s: Scenario) -> Scenario:
    s = s >> Elapse(5) >> caller.hangs_up() >> maria.is_gone() >> is_recorded >> maria.disposes()
    other = Caller("w2")
    return s >> other.calls("1000") >> other.found("c2", **customer()) >> other.connects()


def test_an_answer_survives_a_restart() -> None:
    """The engine dies in mid-call: the hints and what was answered are there."""
    (
        talking()
        >> answers("not_now")
        >> Restart()
        >> answers("accepted")
        << the.HintAnswered(answer="accepted")
    )


@settings(max_examples=60, deadline=None)
@given(RULES, PROFILES)
def test_no_path_through_the_core_shows_what_a_rule_forbids(
    known: OfferRules, profile: dict[str, Any]
) -> None:
    """Any profile, by the whole way from the look-up to the pop."""
    wide = {id: replace(each, line=ENGLISH) for id, each in known.offers.items()}
    s = Scenario(center(replace(known, offers=wide)), ready=("maria",), start=NOW - 1.0) >> caller.calls(
        "1000"
    )
    shown = pop(s >> caller.found("c1", **profile) >> caller.connects())
    if forbidden(known.abstain, profile, call(language="en")):
        assert shown["offers"] == [] and "cross_sell" not in shown["hints"] and shown["why"]
