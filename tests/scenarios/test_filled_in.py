"""What an outside CRM says later than the call could wait: it fills gaps, for rules, record and page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cti_engine.core.signals import ProfileFilledIn
from tests.core_customers.people import offer, rules
from tests.scenarios import small_center
from tests.scenarios.playbook import Caller, Desk, Scenario, the

caller, maria = Caller(), Desk("maria")
DEFINITIONS = replace(small_center.DEFINITIONS, offer_rules=rules(offer(line={"en": "Say this."})))
CRM: dict[str, Any] = {
    "name": "Eva Sol",
    "segment": "gold",
    "value": 5100.0,
    "hints": [{"kind": "crm", "text": "calls often"}],
}


def offered(**profile: object) -> Scenario:
    """A customer rings at maria's desk while the CRM is being asked."""
    known = {"customer": "7", "name": "Eva", "crm": "asked", "imported_at": 1000.0, **profile}
    s = Scenario(DEFINITIONS, ready=("maria",)) >> maria.opens_page() >> caller.calls("1000")
    return s >> caller.found("c1", **known) >> caller.connects()


def shown(s: Scenario) -> dict[str, Any]:
    return s.center.agents["maria"].shown


def test_the_page_gets_what_it_did_not_know() -> None:
    """While the agent is offered the call: an event for that agent's page, and the pop's gaps filled; what was shown
    stays as it was. Lists come into a place of their own, so that they move nothing."""
    s = offered() << the.CallOffered(name="Eva", segment="")
    assert shown(s)["crm"] == {"state": "asked", "imported_at": 1000.0}
    s = s >> ProfileFilledIn("c1", CRM | {"crm": "answered"})
    s = s << the.CallAttributesSet(attributes={"segment": "gold", "value": 5100.0})
    added = {key: CRM[key] for key in ("segment", "value", "hints")} | {"crm": "answered"}
    s = s << the.CustomerFilledIn(contact="c1", agent="maria", profile=added)
    assert (shown(s)["name"], shown(s)["segment"], shown(s)["hints"]) == ("Eva", "gold", ())
    assert shown(s)["crm"] == {"state": "answered", "imported_at": 1000.0, "hints": (CRM["hints"][0],)}


def test_a_crm_that_does_not_answer() -> None:
    """Nothing is filled in; the page is told that what it shows is our own, and of when."""
    s = offered() >> ProfileFilledIn("c1", {"crm": "away"})
    s = s << the.CustomerFilledIn(agent="maria", profile={"crm": "away"})
    assert shown(s)["crm"] == {"state": "away", "imported_at": 1000.0}
    (s >> ProfileFilledIn("c1", {"crm": "away"})).quiet()


def test_what_the_crm_knows_takes_hints_away() -> None:
    """A complaint that only the CRM knows of: what may not be sold any more is gone from the page, with the reason;
    nothing is given to the agent as a hint, and nothing new comes to be sold."""
    s = offered(consent={"offers": True})
    assert [each["offer"] for each in shown(s)["offers"]] == ["fibre"]
    cases = [{"ticket": "A7", "category": "complaint", "subject": "Twice charged"}]
    sells = [{"kind": "cross_sell", "text": "buy"}]
    s = s >> ProfileFilledIn("c1", {"tickets": cases, "hints": sells, "crm": "answered"})
    assert (shown(s)["offers"], shown(s)["open_tickets"]) == ((), ())
    assert shown(s)["no_offers"] == ({"rule": "open_complaint", "ticket": "A7"},)
    assert (shown(s)["crm"]["tickets"], shown(s)["crm"]["hints"]) == ((cases[0],), ())
    s = s >> maria.sees_offer() >> maria.rings() >> maria.answers()
    s << the.HintsGiven(offers=(), abstained=("open_complaint",))


def test_who_still_waits_has_it_by_the_time_of_the_offer() -> None:
    """Before any agent the event names none; the pop then has it all. Said twice, nothing happens."""
    s = (
        Scenario()
        >> caller.calls("1000")
        >> caller.found("c1")
        >> caller.connects()
        >> ProfileFilledIn("c1", CRM)
    )
    s = s << the.CustomerFilledIn(contact="c1", agent="")
    (s >> ProfileFilledIn("c1", CRM)).quiet()
    s = s >> maria.registers() >> maria.is_ready() << the.CallOffered(name="Eva Sol", segment="gold")


def test_after_the_call_it_is_too_late() -> None:
    """A contact that has ended is not changed."""
    s = Scenario() >> caller.calls("1000") >> caller.connects() >> caller.hangs_up()
    (s >> ProfileFilledIn("c1", CRM)).without(the.CustomerFilledIn())
    assert s.late >= 1
