"""Hints that are on a page go when something becomes known that forbids them: ticket, CRM, line, rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cti_engine.core.customers.offer_rules import OfferRules
from cti_engine.core.line_quality import LineChanged
from cti_engine.core.party_signals import TransferRequested
from cti_engine.core.signals import ProfileFilledIn, Signal, TicketWritten
from tests.core_customers.people import rules
from tests.scenarios.playbook import Desk, Elapse, Install, Restart, Scenario, the
from tests.scenarios.test_hints import FIBRE, answers, caller, center, maria, offered, talking

SELLS = {"kind": "cross_sell", "text": "sell them a phone"}


def ticket(category: str = "fault", state: str = "new", seq: int = 1, **told: Any) -> Signal:
    """The console has opened one, or changed it."""
    fields = {"ticket": 4711, "customer": "c01", "category": category, "subject": "x", "state": state}
    return TicketWritten(seq, {"contact": "c1", "priority": 2, "owner": "maria", **fields, **told})


def line(poor: bool = True) -> Signal:
    return LineChanged("w1", "w1/1", poor, 2.1, 0.2, 30.0, 120.0)


def page(s: Scenario, agent: str = "maria") -> dict[str, Any]:
    """What stands on the agent's page now about selling."""
    shown: Any = s.center.agents[agent].shown
    return {
        "offers": [each["offer"] for each in shown["offers"]],
        "why": [each["rule"] for each in shown["no_offers"]],
        "hints": [each["kind"] for each in shown["hints"]],
    }


SHOWN = {"offers": ["fibre"], "why": [], "hints": ["cross_sell"]}
WHAT: list[tuple[Signal, str]] = [
    (ticket(), "open_ticket"),
    (ticket("complaint"), "open_complaint"),
    (ticket(contact="", customer="c01"), "open_ticket"),
    (ProfileFilledIn("c1", {"tickets": [{"ticket": "A-1", "category": "complaint"}]}), "open_complaint"),
    (line(), "poor_line"),
]


@pytest.mark.parametrize(("what", "rule"), WHAT)
@pytest.mark.parametrize("moment", ["ringing", "talking"])
def test_what_becomes_known(what: Signal, rule: str, moment: str) -> None:
    """Offers and imported hints that sell go from the page with the reason, a restart brings none back, and a click
    that was on its way is refused."""
    s = (offered if moment == "ringing" else talking)(hints=[SELLS])
    assert page(s) == SHOWN
    s = s >> what << the.HintsTakenBack(contact="c1", agent="maria", rules=(rule,))
    assert page(s) == page(s >> Restart()) == {"offers": [], "why": [rule], "hints": []}
    if moment == "ringing":
        s = s >> maria.rings() >> maria.answers()
        s = s << the.HintsGiven(offers=(), abstained=(rule,), held_out=False)
    s >> answers("accepted") << the.Reply(ok=False, code="unknown_offer")


def test_held_out_calls_are_treated_alike() -> None:
    """Nothing is on the page, yet the call leaves the experiment as one whose hints are taken back does."""
    s = offered(center(rules(FIBRE, hold_out=1.0))) >> ticket() << the.HintsTakenBack(agent="maria")
    s >> maria.rings() >> maria.answers() << the.HintsGiven(offers=(), held_out=True)


def test_the_ticket_is_known_to_the_next_agent() -> None:
    """Whoever gets the call next is told why there is no hint; a ticket that is resolved in the call is none."""
    ana = Desk("ana")
    s = talking() >> ticket("complaint") >> ana.registers() >> ana.is_ready()
    s = s >> maria.asks(TransferRequested, to_agent="ana") << the.CallOffered(agent="ana")
    assert page(s, "ana")["why"] == ["open_complaint"]
    s = talking() >> ticket() >> ticket(state="resolved", seq=2) >> ana.registers() >> ana.is_ready()
    assert page(s) == {"offers": [], "why": ["open_ticket"], "hints": []}  # nothing comes back by itself
    s = s >> maria.asks(TransferRequested, to_agent="ana") << the.CallOffered(agent="ana")
    assert page(s, "ana")["offers"] == ["fibre"]


def test_what_is_no_reason() -> None:
    """Somebody else's ticket, a ticket where the admin minds none, another leg's line, a line that is good."""
    for harmless in (
        ticket(customer="c02", contact="c9"),
        LineChanged("w1", "w1/9", True, 2, 0, 0, 0),
        line(False),
    ):
        s = talking(hints=[SELLS]) >> harmless
        s.without(the.HintsTakenBack())
        assert page(s) == SHOWN
    minds = replace(rules(FIBRE).abstain, open_tickets=False, poor_line=False)
    for fact in (ticket(), line()):
        assert page(talking(center(rules(FIBRE, abstain=minds)), hints=[SELLS]) >> fact) == SHOWN


def test_a_crm_that_sells() -> None:
    """A hint of the CRM's that comes later and sells obeys the rules and the hold-out as one that was there; to the
    page it comes with the next offer only. The others stand in the CRM's own place."""
    more = ProfileFilledIn("c1", {"hints": [SELLS, {"kind": "crm", "text": "calls often"}]})
    told = {"cross_sell", "crm"}
    free, held = center(), center(rules(FIBRE, hold_out=1.0))
    forbids: dict[str, Any] = {"consent": {"offers": False}}
    for definitions, profile, kinds in ((free, {}, told), (free, forbids, {"crm"}), (held, {}, {"crm"})):
        for begins in (offered, talking):
            s = begins(definitions, **profile) >> more
            crm: Any = s.center.agents["maria"].shown["crm"]
            assert (page(s)["hints"], [hint["kind"] for hint in crm["hints"]]) == ([], ["crm"])
            filled = [fact for _, fact in s.facts if type(fact).__name__ == "CustomerFilledIn"][-1]
            assert {hint["kind"] for hint in filled.profile["hints"]} == kinds  # type: ignore[union-attr]


def test_stricter_rules_count_at_once() -> None:
    """A reload that forbids what is on the page."""
    asked = replace(rules(FIBRE).abstain, queues=("sales",))
    s = talking() >> Install(center(rules(FIBRE, abstain=asked), version="2"))
    assert page(s) == {"offers": [], "why": ["call_reason"], "hints": []}


def test_a_poor_line_in_the_menu() -> None:
    """What the worker has heard before anybody was offered the call counts at the offer; good again, it does not."""
    s = (
        Scenario(center())
        >> caller.calls("1000")
        >> caller.found("c1", customer="c01", consent={"offers": True})
    )
    s = s >> caller.connects() >> line() << the.CallerLineChanged(contact="c1", agent="", poor=True, mos=2.1)
    (s >> line()).quiet()
    s = s >> Elapse(5) >> maria.registers() >> maria.is_ready() << the.CallOffered(agent="maria")
    assert page(s)["why"] == ["poor_line"] and not _poor(s)
    s = s >> maria.rings() >> maria.answers()
    assert _poor(s)
    s = s >> line(poor=False) << the.CallerLineChanged(agent="maria", poor=False)
    assert not _poor(s) and page(s)["why"] == ["poor_line"]


def _poor(s: Scenario) -> bool:
    view = s.acd.agent_view("maria")
    return view is not None and view.poor_line


def test_nothing_is_sold_here() -> None:
    """A center without offers and an agent without hints that sell: nobody is told anything about it."""
    s = talking(center(OfferRules())) >> ticket("complaint")
    s.without(the.HintsTakenBack())
    assert page(s) == {"offers": [], "why": [], "hints": []}
