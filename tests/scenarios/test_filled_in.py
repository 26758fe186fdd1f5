"""What an outside CRM says later than the call could wait: it fills gaps, for rules, record and page."""

from __future__ import annotations

from cti_engine.core.signals import ProfileFilledIn
from tests.scenarios.playbook import Caller, Desk, Scenario, the

caller, maria = Caller(), Desk("maria")
CRM = {
    "name": "Eva Sol",
    "segment": "gold",
    "value": 5100.0,
    "hints": [{"kind": "crm", "text": "calls often"}],
}


def test_the_page_gets_what_it_did_not_know() -> None:
    """While the agent is offered the call: an event for that agent's page, and the pop's gaps filled; what was shown
    stays as it was."""
    s = (
        Scenario(ready=("maria",))
        >> maria.opens_page()
        >> caller.calls("1000")
        >> caller.found("c1", customer="7", name="Eva")
    )
    s = s >> caller.connects() << the.CallOffered(name="Eva", segment="")
    s = s >> ProfileFilledIn("c1", CRM)
    s = s << the.CallAttributesSet(attributes={"segment": "gold", "value": 5100.0})
    added = {key: CRM[key] for key in ("segment", "value", "hints")}
    s = s << the.CustomerFilledIn(contact="c1", agent="maria", profile=added)
    shown = s.center.agents["maria"].shown
    assert (shown["name"], shown["segment"], shown["hints"]) == ("Eva", "gold", CRM["hints"])


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
