"""The caller hangs up, at every moment that a call has."""

from __future__ import annotations

from tests.scenarios.playbook import Caller, Desk, Elapse, Late, Scenario, is_recorded, the

caller, maria, john, ana = Caller(), Desk("maria"), Desk("john"), Desk("ana")


def queued(*ready: str) -> Scenario:
    """A caller who has reached sales."""
    return Scenario(ready=ready) >> caller.calls("1000") >> caller.connects() >> caller.found("c1")


def talking() -> Scenario:
    return queued("maria") >> maria.rings() >> Elapse(3) >> maria.answers() << the.CallBridged(rang_s=3.0)


def test_while_the_invite_is_unanswered() -> None:
    """CANCEL before our 200 closes the contact at once as caller/cancelled, never answered."""
    s = (
        Scenario()
        >> caller.calls("1000")
        << the.AnswerLeg(leg="w1/1")
        >> Elapse(0.1)
        >> caller.hangs_up()
        << the.CallEnded(cause="cancelled", party="caller", sip_code=487)
        << the.ContactClosed(contact="c1")
    )
    assert s.record()["cause"] == "caller/cancelled"
    assert (s.record()["answered_at"], s.record()["outcome"]) == (0.0, "left_in_menu")


def test_in_the_menu() -> None:
    """A caller who leaves in the menu has the steps in the record and was never offered to a queue."""
    s = (
        Scenario(ready=("maria",))
        >> caller.calls("2000")
        >> caller.found("c1")
        >> caller.connects()
        << the.PlayPrompts(leg="w1/1", stop_on_digit=True)
        >> Elapse(2)
        >> caller.hangs_up()
        << the.CallEnded(cause="left_in_menu", party="caller")
        << the.ContactClosed()
    )
    assert s.record()["flow_path"] == ["menu.ask"]
    assert s.record()["outcome"] == "left_in_menu"
    assert all(counts.offered == 0 for counts in s.center.queues.values())


def test_in_the_queue() -> None:
    """A caller who leaves the queue is abandoned there after the real wait."""
    s = (
        queued()
        << the.CallQueued(queue="sales", position=1)
        >> Elapse(12)
        >> caller.hangs_up()
        << the.CallAbandoned(queue="sales", waited_s=12.0)
        << the.CallEnded(cause="abandoned_in_queue")
        << the.ContactClosed()
    )
    assert (s.record()["wait_s"], s.record()["outcome"]) == (12.0, "abandoned")
    assert s.center.queues["sales"].abandoned == 1


def test_while_the_pop_is_painted() -> None:
    """Between pop and dialling nobody's phone rings, and the agent keeps the place in the idle order."""
    s = (Scenario(ready=("maria",)) >> maria.opens_page()) >> caller.calls("1000") >> caller.connects()
    idle_since = s.center.agents["maria"].idle_since
    s = (
        (s >> caller.found("c1") << the.CallOffered(agent="maria")).without(the.DialLeg())
        >> caller.hangs_up()
        << the.OfferEnded(outcome="caller_gone")
        << the.AgentStateChanged(agent="maria", state="idle", status="ready")
        << the.ContactClosed()
    )
    assert s.center.agents["maria"].idle_since == idle_since
    (s >> Elapse(60)).without(the.DialLeg()).quiet()


def test_while_the_agents_phone_is_dialled() -> None:
    """No 180 has come yet: the INVITE to the agent is cancelled, the contact closes when both legs are gone."""
    s = (
        (
            queued("maria")
            << the.DialLeg(target="maria")
            >> Elapse(0.2)
            >> caller.hangs_up()
            << the.EndLeg(leg="l1", reason="caller_gone")
            << the.CallAbandoned()
        ).without(the.ContactClosed())
        >> maria.fails(487)
        << the.ContactClosed()
    )
    assert s.record()["cause"] == "caller/abandoned_while_ringing"
    assert s.center.agents["maria"].available


def test_while_the_agents_phone_rings() -> None:
    """The ringing stops, the call is abandoned, and the agent stands where he stood in the idle order."""
    s = queued("maria")
    idle_since = s.center.agents["maria"].idle_since
    s = (
        s
        >> maria.rings()
        << the.AgentStateChanged(state="ringing")
        >> Elapse(5)
        >> caller.hangs_up()
        << the.EndLeg(leg="l1")
        << the.CallAbandoned(waited_s=5.0)
        << the.OfferEnded(outcome="caller_gone", rang_s=5.0)
        << the.AgentStateChanged(agent="maria", state="idle", status="ready")
        >> maria.fails(487)
        << the.ContactClosed()
    )
    assert s.center.agents["maria"].idle_since == idle_since
    assert s.record()["missed_offers"] == ["maria:caller_gone"]


def test_while_they_talk() -> None:
    """The agent's phone gets BYE, the recording stops, wrap-up begins; the record waits for its end."""
    s = (
        talking()
        >> Elapse(30)
        >> caller.hangs_up()
        << the.StopRecording(recording="r1")
        << the.EndLeg(leg="l1", reason="hang_up")
        << the.CallEnded(cause="hang_up", party="caller")
        << the.WrapUpStarted(agent="maria", ends_in=30.0)
        >> maria.is_gone()
        >> is_recorded
        << the.RecordingStored(path="/rec/c1.wav")
        >> Elapse(30)
        << the.WrapUpEnded(disposition="")
        << the.ContactClosed()
    )
    record = s.record()
    assert (record["wait_s"], record["ring_s"], record["talk_s"], record["wrap_up_s"]) == (
        3.0,
        3.0,
        30.0,
        30.0,
    )
    assert (record["cause"], record["agent"], record["outcome"]) == ("caller/hang_up", "maria", "answered")
    assert s.anomalies == []


def test_both_hang_up_at_once() -> None:
    """Two BYEs cross: the first one decides the cause, the second changes nothing."""
    s = (
        (talking() >> caller.hangs_up() << the.CallEnded(party="caller") >> maria.hangs_up())
        .without(the.CallEnded())
        .without(the.WrapUpStarted())
    )
    s = s >> is_recorded >> maria.disposes() << the.ContactClosed()
    assert s.record()["cause"] == "caller/hang_up"


def test_in_the_moment_the_agent_answers() -> None:
    """The agent's 200 that crosses our CANCEL is no conversation: his leg is ended, he is free again."""
    s = (
        queued("maria")
        >> maria.rings()
        >> caller.hangs_up()
        << the.EndLeg(leg="l1")
        << the.CallAbandoned()
        >> maria.answers()
    ).quiet()
    assert s.late == 1
    s = s >> maria.is_gone() << the.ContactClosed()
    assert s.record()["bridged_at"] == 0.0
    assert s.center.agents["maria"].available


def test_told_late_it_keeps_its_true_time() -> None:
    """A BYE that waited on the link for four seconds ends the talk when it happened."""
    s = talking() >> Elapse(30) >> Late(4.0, caller.hangs_up()) >> maria.is_gone() >> is_recorded
    s = s >> maria.disposes() << the.ContactClosed()
    assert s.record()["talk_s"] == 26.0
