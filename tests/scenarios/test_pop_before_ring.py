"""The screen pop comes before the ring (architecture decision 3)."""

from __future__ import annotations

from tests.scenarios.playbook import Caller, Desk, Elapse, Scenario, the

caller, maria, john = Caller(), Desk("maria"), Desk("john")


def popping() -> Scenario:
    """An offer to maria, whose page is open."""
    s = Scenario(ready=("maria",)) >> maria.opens_page() >> caller.calls("1000") >> caller.found("c1")
    return (s >> caller.connects() << the.CallOffered(agent="maria", offer="o1")).without(the.DialLeg())


def test_the_painted_pop_dials_at_once() -> None:
    """OfferShown from the agent's page is what the phone waits for."""
    s = (
        popping()
        >> Elapse(0.05)
        >> maria.sees_offer()
        << the.DialLeg(target="maria")
        << the.AgentDialled(shown=True)
    )
    (s >> Elapse(0.2)).without(the.DialLeg())


def test_the_deadline_dials_without_the_page() -> None:
    """A page that paints too slowly delays the ring by the pop's wait only."""
    s = (popping() >> Elapse(0.149)).without(the.DialLeg())
    s = s >> Elapse(0.002) << the.DialLeg(target="maria") << the.AgentDialled(shown=False)


def test_without_a_page_the_phone_rings_at_once() -> None:
    """Nobody could see a pop: no wait."""
    s = Scenario(ready=("maria",)) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()
    s = s << the.DialLeg(target="maria") << the.CallOffered() << the.AgentDialled(shown=False)


def test_a_page_that_was_closed_counts_no_more() -> None:
    """The last page closed: like no page."""
    s = Scenario(ready=("maria",)) >> maria.opens_page() >> maria.closes_page() >> caller.calls("1000")
    s = s >> caller.found("c1") >> caller.connects() << the.DialLeg()


def test_another_agents_page_proves_nothing() -> None:
    """OfferShown counts only from the agent of the offer."""
    s = popping()
    (s >> john.sees_offer("o1")).quiet()
    assert s.late == 1


def test_a_late_or_unknown_offer_shown_changes_nothing() -> None:
    """The page may paint after the deadline, or after the call is gone."""
    s = popping() >> Elapse(0.2) << the.DialLeg()
    (s >> maria.sees_offer("o1")).quiet()
    (s >> maria.sees_offer("o77")).quiet()
    assert s.late == 2
    s = s >> caller.hangs_up() >> maria.fails(487) << the.ContactClosed()
    (s >> maria.sees_offer("o1")).quiet()


def test_the_state_version_grows_with_every_state() -> None:
    """A page can tell whether the call has moved on since it was painted (decision 13)."""
    s = Scenario(ready=("maria",)) >> caller.calls("1000")
    versions = [s.center.contacts["c1"].version]
    for step in (caller.found("c1"), caller.connects(), maria.answers(), caller.hangs_up()):
        s = s >> step
        versions.append(s.center.contacts["c1"].version)
    assert versions == [1, 1, 4, 5, 6]


def test_the_view_of_the_agent_holds_the_pop_until_the_wrap_up_is_over() -> None:
    """A page that reloads paints the same pop again, and loses it when the contact is over."""
    s = popping() >> maria.sees_offer()
    view = s.acd.agent_view("maria")
    assert view is not None and view.offer["offer"] == "o1" and view.contact == "c1"
    assert view.state_version == s.center.contacts["c1"].version
    s = s >> caller.hangs_up() >> maria.fails(487)
    view = s.acd.agent_view("maria")
    assert view is not None and (view.offer, view.contact, view.state_version) == ({}, "", 0)
