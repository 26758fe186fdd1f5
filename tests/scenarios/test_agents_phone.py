"""What an agent's phone can answer to an offer, and what becomes of call and agent."""

from __future__ import annotations

import pytest

from cti_engine.core.signals import CommandRefused
from tests.scenarios.playbook import Caller, Desk, Elapse, Scenario, Step, is_recorded, the
from tests.scenarios.small_center import with_limits

caller, maria, john, ana = Caller(), Desk("maria"), Desk("john"), Desk("ana")


def offered(*ready: str) -> Scenario:
    return Scenario(ready=ready) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()


@pytest.mark.parametrize(
    ("sip_code", "outcome", "reason"),
    [
        (486, "busy", "phone_busy"),
        (600, "busy", "phone_busy"),
        (603, "rejected", "rejected"),
        (503, "unreachable", "phone_unreachable"),
        (408, "unreachable", "phone_unreachable"),
        (480, "not_registered", "phone_unreachable"),
        (404, "not_registered", "phone_unreachable"),
        (499, "unreachable", "phone_unreachable"),
    ],
)
def test_a_phone_that_refuses_gives_the_call_to_the_next_agent(
    sip_code: int, outcome: str, reason: str
) -> None:
    """The caller stays, in place; the agent is not ready with a reason that says why; the next agent is offered."""
    s = (
        (
            offered("maria", "john")
            << the.DialLeg(target="maria")
            >> Elapse(1)
            >> maria.fails(sip_code)
            << the.DialLeg(target="john")
            << the.OfferEnded(agent="maria", outcome=outcome, sip_code=sip_code)
            << the.AgentStateChanged(agent="maria", status="not_ready", reason=reason, state="idle")
            << the.CallRequeued(position=1, waited_s=1.0)
            << the.CallOffered(agent="john", waited_s=1.0)
        )
        .without(the.CallEnded())
        .without(the.AgentRona())
    )
    s = s >> john.rings() >> john.answers() << the.CallBridged(agent="john", waited_s=1.0)


def test_rona_goes_to_the_next_agent_and_keeps_the_place() -> None:
    """No answer within the ring time: RONA, the first queue time is kept, the phone stops, the next agent rings."""
    s = (
        offered("maria", "john")
        >> maria.rings()
        >> Elapse(20)
        << the.EndLeg(leg="l1", reason="no_answer")
        << the.DialLeg(target="john")
        << the.OfferEnded(outcome="no_answer", rang_s=20.0)
        << the.AgentRona(agent="maria", rang_s=20.0)
        << the.AgentStateChanged(agent="maria", status="not_ready", reason="rona")
        << the.CallRequeued(waited_s=20.0)
        >> maria.fails(487)
        >> john.rings()
        >> Elapse(2)
        >> john.answers()
        << the.CallBridged(agent="john", waited_s=22.0, rang_s=2.0)
        >> Elapse(5)
        >> john.hangs_up()
        << the.CallEnded(cause="hang_up", party="agent")
        >> caller.is_gone()
        >> is_recorded
        >> john.disposes(note="ok")
        << the.ContactClosed()
    )
    record = s.record()
    assert record["missed_offers"] == ["maria:no_answer"]
    assert (record["wait_s"], record["ring_s"], record["offers"]) == (22.0, 2.0, 2)
    assert (record["disposition"], record["note"]) == ("sold", "ok")


def test_a_phone_that_never_says_180_is_unreachable_not_rona() -> None:
    """Silence from the phone is not the agent's lack of answer."""
    (
        offered("maria")
        >> Elapse(20)
        << the.OfferEnded(outcome="unreachable", rang_s=0.0)
        << the.AgentStateChanged(status="not_ready", reason="phone_unreachable")
    ).without(the.AgentRona())


def test_the_place_in_the_queue_is_kept_over_a_missed_offer() -> None:
    """A call that comes back from a missed offer is served before one that came meanwhile.

    While a phone rings for it the caller behind it is told to be the next, which is so unless the phone is missed.
    """
    second = Caller("w2")
    s = offered("maria") >> maria.rings() >> Elapse(10)
    s = s >> second.calls("1000") >> second.found("c2") >> second.connects() << the.CallQueued(position=1)
    s = s >> Elapse(10) << the.CallRequeued(contact="c1", position=1, waited_s=20.0)
    s = s >> john.registers() >> john.is_ready() << the.CallOffered(contact="c1", agent="john")


def test_rona_cool_down_then_offered_again() -> None:
    """The agent who missed a call may take others at once, but this one only after the cool-down."""
    s = offered("maria") >> maria.rings() >> Elapse(20) << the.AgentRona() >> maria.fails(487)
    s = (s >> Elapse(5) >> maria.is_ready()).without(the.CallOffered())
    assert s.center.agents["maria"].available
    (s >> Elapse(24.9)).without(the.CallOffered())
    s = s >> Elapse(0.2) << the.CallOffered(contact="c1", agent="maria", waited_s=50.0)


def test_the_cool_down_goes_along_into_the_next_queue() -> None:
    """A call that moves on to another queue is offered there when the cool-down of its free agent is over."""
    s = Scenario(ready=("john",)) >> caller.calls("4000") >> caller.found("c1") >> caller.connects()
    s = s >> john.rings() >> Elapse(20) << the.AgentRona() >> john.fails(487) >> john.is_ready()
    (s >> Elapse(29)).without(the.CallOffered()) >> Elapse(2) << the.CallOffered(agent="john")


def test_not_ready_only_after_as_many_misses_as_configured() -> None:
    """With two misses allowed, the first leaves the agent ready at the end of the idle order, the second does not."""
    s = Scenario(with_limits(rona_before_not_ready=2, rona_cool_down=1.0), ready=("maria",))
    s = s >> caller.calls("1000") >> caller.found("c1") >> caller.connects()
    s = (s >> maria.rings() >> Elapse(20) << the.AgentRona()).without(
        the.AgentStateChanged(status="not_ready")
    )
    assert s.center.agents["maria"].idle_since == s.now
    s = s >> maria.fails(487) >> Elapse(1) << the.CallOffered(agent="maria") >> maria.rings() >> Elapse(20)
    s = s << the.AgentRona() << the.AgentStateChanged(status="not_ready", reason="rona")


def test_an_answer_sets_the_count_of_misses_back() -> None:
    """Only misses in a row make an agent not ready."""
    s = Scenario(with_limits(rona_before_not_ready=2, rona_cool_down=1.0), ready=("maria",))
    s = s >> caller.calls("1000") >> caller.found("c1") >> caller.connects() >> maria.fails(486)
    s = s >> Elapse(1) >> maria.answers() << the.CallBridged()
    assert s.center.agents["maria"].missed == 0


def test_a_refused_dial_is_like_an_unreachable_phone() -> None:
    """The worker has no leg left: the call goes on to the next agent at once."""
    s = offered("maria", "john") >> CommandRefused("w1", "DialLeg", "l1", "no_leg_left")
    s = s << the.DialLeg(target="john") << the.OfferEnded(agent="maria", outcome="unreachable")


@pytest.mark.parametrize("again", [maria.rings(), maria.answers(), maria.fails(486), maria.hangs_up()])
def test_signals_of_a_missed_offers_leg_touch_no_one(again: Step) -> None:
    """Whatever the first agent's phone still says, the second agent's offer goes on."""
    s = offered("maria", "john") >> maria.rings() >> Elapse(20) << the.DialLeg(target="john") >> john.rings()
    (s >> again).quiet()
    s = s >> john.answers() << the.CallBridged(agent="john")


def test_the_missed_offers_leg_lost_does_not_end_the_conversation() -> None:
    """The old leg that nobody knows any more (EndLeg refused) is no reason to end the new conversation."""
    s = offered("maria", "john") >> maria.rings() >> Elapse(20) >> john.answers() << the.CallBridged()
    (s >> CommandRefused("w1", "EndLeg", "l1", "no_such_leg")).quiet()
    assert s.center.contacts["c1"].state == "talking"


def test_an_answer_without_180_bridges_too() -> None:
    """A phone that answers at once skips ringing."""
    s = offered("maria") >> Elapse(1) >> maria.answers() << the.SetAudioPaths() << the.CallBridged(rang_s=0.0)
    assert s.center.agents["maria"].state == "talking"


def test_a_second_180_changes_nothing() -> None:
    """Phones repeat 180: ring time counts from the first."""
    s = offered("maria") >> maria.rings() >> Elapse(3)
    s = (s >> maria.rings()).quiet() >> Elapse(1) >> maria.answers() << the.CallBridged(rang_s=4.0)
