"""The guide of a call: chosen at the offer, its answers kept and told as facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cti_engine.core.customer_signals import GuideAnswerRequested
from cti_engine.core.customers.guides import Guide, GuideChoice, GuideField, GuideStep
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.ivr.names import CALL_NAMES
from cti_engine.core.signals import Signal
from tests.scenarios.playbook import Caller, Desk, Elapse, Install, Restart, Scenario, the
from tests.scenarios.small_center import DEFINITIONS


def _when(text: str) -> Condition:
    condition, faults = read_condition(text, CALL_NAMES)
    assert condition is not None, faults
    return condition


STEPS = {
    "ask": GuideStep(
        {"en": "What is wrong?"},
        {"en": "Listen."},
        "about",
        {"bill": GuideChoice({"en": "The bill"}, "much"), "other": GuideChoice({"en": "Other"}, "bye")},
    ),
    "much": GuideStep({"en": "How much?"}, about="amount", number=True, next="bye"),
    "bye": GuideStep({"en": "Goodbye."}),
}
FIELDS = {
    "about": GuideField("about", {"en": "About"}),
    "amount": GuideField("amount", {"en": "Amount"}, "ticket"),
}
PLAIN = Guide("plain", {"en": "Plain"}, ("en",), "ask", STEPS, FIELDS)
GOLD = replace(PLAIN, id="gold", when=_when('call.segment == "gold"'), priority=5)
RISKY = replace(PLAIN, id="risky", when=_when("call.retention_risk >= 0.5"), priority=9)


def _center(*guides: Guide) -> CenterDefinitions:
    return replace(DEFINITIONS, guides={guide.id: guide for guide in guides})


ALL = _center(PLAIN, GOLD, RISKY)
caller, maria = Caller(), Desk("maria")


def _offered(center: CenterDefinitions = ALL, **profile: Any) -> Scenario:
    s = Scenario(center, ready=("maria",)) >> caller.calls("1000")
    return s >> caller.found("c1", customer="k1", **profile) >> caller.connects()


def _answers(step: str, answer: str, *, guide: str = "plain", agent: str = "maria") -> Signal:
    return GuideAnswerRequested("r", agent, "c1", guide, step, answer)


def _view(s: Scenario) -> dict[str, Any]:
    view = s.acd.agent_view("maria")
    assert view is not None
    return dict(view.guide)


@pytest.mark.parametrize(
    ("profile", "guide"),
    [
        ({}, "plain"),
        ({"segment": "gold"}, "gold"),
        ({"segment": "gold", "scores": {"retention_risk": 0.7}}, "risky"),
        ({"scores": {"retention_risk": 0.2}}, "plain"),
        ({"scores": "odd"}, "plain"),
    ],
)
def test_the_guide_of_the_highest_priority_that_fits(profile: dict[str, Any], guide: str) -> None:
    """By what is known of the call and its customer at the offer; it comes with the pop and stands in the view."""
    s = _offered(**profile) << the.CallOffered(guide=guide)
    assert _view(s)["guide"] == guide
    assert _view(s)["steps"]["ask"]["choices"][0] == {
        "value": "bill",
        "label": {"en": "The bill"},
        "go_to": "much",
    }


def test_no_guide_for_such_a_call() -> None:
    """Then the pop has none, and nothing can be answered."""
    s = _offered(_center(GOLD)) << the.CallOffered(guide="")
    assert _view(s) == {}
    s = s >> maria.rings() >> maria.answers() >> _answers("ask", "bill", guide="gold")
    (s << the.Reply(code="unknown_step")).without(the.GuideAnswered())


def test_answers_are_facts_and_stay_through_a_restart() -> None:
    """Each says what it is about and where it belongs; the same once more is no second fact, another one is."""
    s = _offered() >> maria.rings() >> maria.answers() >> _answers("ask", "bill")
    s = s << the.GuideAnswered(
        agent="maria", customer="k1", guide="plain", step="ask", field="about", into="note", answer="bill"
    )
    s = (s >> _answers("ask", "bill") << the.Reply(ok=True)).without(the.GuideAnswered())
    s = (
        s
        >> _answers("much", " 12,50 ")
        << the.GuideAnswered(field="amount", into="ticket", answer="12,50", said={"en": "Amount: 12,50"})
    )
    s = s >> Restart()
    assert _view(s)["answers"] == {"ask": "bill", "much": "12,50"}
    s = s >> _answers("ask", "other") << the.GuideAnswered(answer="other")


@pytest.mark.parametrize(
    ("step", "answer", "code"),
    [
        ("ask", "nothing", "bad_answer"),
        ("much", "a lot", "bad_answer"),
        ("much", "inf", "bad_answer"),
        ("much", " ", "bad_answer"),
        ("bye", "yes", "bad_answer"),
        ("nowhere", "yes", "unknown_step"),
    ],
)
def test_what_answers_nothing(step: str, answer: str, code: str) -> None:
    """An answer has to be one of the choices, or a number where one is asked, of a step that asks."""
    s = _offered() >> maria.rings() >> maria.answers() >> _answers(step, answer)
    (s << the.Reply(ok=False, code=code)).without(the.GuideAnswered())


def test_only_who_talks_or_wraps_up_answers() -> None:
    """While it rings it is nobody's yet; after the call there is still time to write down what was said."""
    s = _offered() >> maria.rings() >> _answers("ask", "bill") << the.Reply(code="not_your_call")
    s = s >> maria.answers() >> _answers("ask", "bill", agent="john") << the.Reply(code="not_your_call")
    s >> Elapse(5) >> caller.hangs_up() >> _answers("ask", "bill") << the.GuideAnswered(answer="bill")


def test_a_guide_that_was_begun_stays() -> None:
    """After a reload too the next agent goes on where the first one was; one that is gone is not shown."""
    s = _offered() >> maria.rings() >> maria.answers() >> _answers("ask", "bill")
    s = s >> Install(_center(replace(PLAIN, priority=-5), replace(GOLD, when=None)))
    assert (_view(s)["guide"], _view(s)["answers"]) == ("plain", {"ask": "bill"})
    assert _view(s >> Install(_center(GOLD))) == {}
