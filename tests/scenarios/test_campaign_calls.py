"""Customers of a campaign's list are called: into its queue, at permitted hours, to numbers that may be called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core.customer_signals import CampaignCallRequested
from cti_engine.core.customers.segment_rules import CUSTOMER_NAMES, Campaign
from cti_engine.core.definitions import CallbackRules
from cti_engine.core.expressions.check import read_condition
from cti_engine.core.signals import LookupReturned, Signal
from tests.scenarios.playbook import Desk, Elapse, Scenario, the
from tests.scenarios.small_center import DEFINITIONS
from tests.scenarios.test_hours import office

WHEN, _ = read_condition("customer.value >= 10", CUSTOMER_NAMES)
assert WHEN is not None
LOST = Campaign("lost", {"en": "Lost"}, WHEN, {"es": "Llame", "en": "Ask how they are"}, "sales")
CENTER = replace(
    DEFINITIONS,
    campaigns={"lost": LOST, "nobody": replace(LOST, id="nobody", queue="")},
    callbacks=CallbackRules(numbers=("+346",)),
)
maria = Desk("maria")


def _call(campaign: str = "lost", number: str = "+34600000009") -> Signal:
    return CampaignCallRequested("r", "boss", campaign, number, "Eva", "en")


def test_the_call_comes_up_in_the_queue_with_what_to_do() -> None:
    """It is looked up and waits like any callback; the agent is told whose idea it is and what to do."""
    s = (
        Scenario(CENTER, ready=("maria",))
        >> _call()
        << the.CallbackRequested(queue="sales", number="+34600000009")
    )
    s = s << the.Reply(ok=True, result={"contact": "c1", "queue": "sales", "already": False})
    s = s >> LookupReturned("c1", {"customer": "k1", "name": "Eva"})
    s << the.CallOffered(agent="maria", purpose="campaign", by="boss", note="Ask how they are")
    assert s.center.contacts["c1"].attributes["campaign"] == "lost"


def test_one_number_is_called_once_at_a_time() -> None:
    """Asked twice, by whichever list: the reply names the one that is open."""
    s = Scenario(CENTER) >> _call() >> _call()
    s = s << the.Reply(ok=True, result={"contact": "c1", "queue": "sales", "already": True})
    assert len(s.center.contacts) == 1


@pytest.mark.parametrize(
    ("campaign", "number", "code"),
    [
        ("x", "+34600000009", "unknown_campaign"),
        ("nobody", "+34600000009", "unknown_queue"),
        ("lost", "+1900", "bad_number"),
    ],
)
def test_who_is_not_called(campaign: str, number: str, code: str) -> None:
    """A list that is gone, one without a queue, and a number that nobody lets us call: nothing is begun."""
    s = Scenario(CENTER) >> _call(campaign, number) << the.Reply(ok=False, code=code)
    assert not s.center.contacts


def test_not_outside_of_the_hours() -> None:
    """While the campaign's calendar is closed nobody is called, and the reply says when it opens."""
    campaigns = {"lost": replace(LOST, hours="office")}
    s = Scenario(replace(CENTER, calendars={"office": office()}, campaigns=campaigns))
    s = s >> Elapse(12 * 3600.0) >> _call() << the.Reply(ok=False, code="closed")
    assert s.commands[-1].result.keys() == {"opens_date", "opens_time"}  # type: ignore[union-attr]
    assert not s.center.contacts
