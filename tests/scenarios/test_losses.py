"""A worker is lost in every state, comes back with other legs than we think, or says nothing after a restart."""

from __future__ import annotations

import pytest

from cti_engine.core.signals import (
    CommandRefused,
    LegEnded,
    LegFailed,
    RecordingEnded,
    WorkerLost,
    WorkerSeen,
)
from tests.scenarios.playbook import Caller, Desk, Elapse, Restart, Scenario, is_recorded, the

caller, maria, john, ana = Caller(), Desk("maria"), Desk("john"), Desk("ana")
LOST = WorkerLost("w1", "killed")


def queued(*ready: str) -> Scenario:
    return Scenario(ready=ready) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()


def talking() -> Scenario:
    return queued("maria") >> maria.rings() >> Elapse(2) >> maria.answers() << the.CallBridged()


def assert_lost(s: Scenario) -> None:
    assert s.record()["cause"] == "system/worker_lost"
    assert not s.center.legs and not s.center.contacts and not s.center.reservations


def test_lost_before_the_answer() -> None:
    """No dialog is known yet, so there is nothing to send BYE for; the record is written at once."""
    s = (Scenario() >> caller.calls("1000") >> LOST << the.ContactClosed()).without(the.EndDialog())
    assert_lost(s)


def test_lost_in_the_menu() -> None:
    """The caller's phone gets BYE from the edge; nothing is sent to the dead worker."""
    s = Scenario() >> caller.calls("2000") >> caller.found("c1") >> caller.connects()
    s = (s >> LOST << the.EndDialog(leg="w1/1") << the.ContactClosed()).without(the.EndLeg())
    assert_lost(s)


def test_lost_in_the_queue() -> None:
    """The queue counts the call as flowed out: nobody abandoned it."""
    s = (
        queued()
        >> Elapse(3)
        >> LOST
        << the.EndDialog(leg="w1/1")
        << the.QueueLeft(reason="worker_lost", waited_s=3.0)
    )
    assert_lost(s)
    assert s.center.queues["sales"].flowed_out == 1


def test_lost_while_popping() -> None:
    """The agent is free at once, still ready, with the idle clock kept."""
    s = Scenario(ready=("maria",)) >> maria.opens_page() >> caller.calls("1000") >> caller.found("c1")
    s = s >> caller.connects() << the.CallOffered()
    clock = s.center.agents["maria"].idle_since
    s = (
        s
        >> LOST
        << the.OfferEnded(outcome="worker_lost")
        << the.AgentStateChanged(state="idle", status="ready")
    )
    assert_lost(s)
    assert s.center.agents["maria"].available and s.center.agents["maria"].idle_since == clock


def test_lost_while_the_phone_rings() -> None:
    """Caller and agent phone get BYE each; the agent is no less ready for it and gets the next call."""
    second = Caller("w2")
    s = queued("maria") >> maria.rings() >> LOST << the.EndDialog(leg="w1/1") << the.EndDialog(leg="l1")
    s = s << the.OfferEnded(outcome="worker_lost") << the.AgentStateChanged(state="idle", status="ready")
    assert_lost(s)
    s = s >> second.calls("1000") >> second.found("c2") >> second.connects() << the.CallOffered(agent="maria")


def test_lost_while_they_talk() -> None:
    """Both phones get BYE, there is no wrap-up, the agent is free at once and the talk is in the record, with what the
    next worker repaired of the recording."""
    s = talking() >> Elapse(8) >> LOST << the.EndDialog(leg="w1/1") << the.EndDialog(leg="l1")
    s = (s << the.AgentStateChanged(state="idle", status="ready")).without(the.ContactClosed())
    s = s >> RecordingEnded("w2", "r1", "/rec/c1.wav", 8.0) << the.RecordingStored() << the.ContactClosed()
    s.without(the.WrapUpStarted())
    assert_lost(s)
    assert (s.record()["talk_s"], s.record()["recording"]) == (8.0, "/rec/c1.wav")


def test_lost_and_nobody_repairs_the_recording() -> None:
    """The record does not wait for ever: it closes without a recording."""
    s = (talking() >> LOST).without(the.ContactClosed())
    s = s >> Elapse(10) << the.ContactClosed()
    assert s.record()["recording"] == ""


def test_lost_in_wrap_up() -> None:
    """The call was over: its cause stays, the agent may finish, and the next worker repairs the recording."""
    s = (talking() >> caller.hangs_up() >> LOST << the.EndDialog(leg="l1")).without(the.AgentStateChanged())
    s = s >> RecordingEnded("w2", "r1", "/rec/c1.wav", 8.0) >> maria.disposes() << the.ContactClosed()
    assert s.record()["cause"] == "caller/hang_up"


def test_lost_while_a_leg_that_answered_too_late_was_ending() -> None:
    """Its phone thinks it talks: it gets a BYE too, although for us the offer was over."""
    s = (
        queued("maria", "john")
        >> maria.rings()
        >> Elapse(20)
        << the.DialLeg(target="john")
        >> maria.answers()
    )
    s = s >> LOST << the.EndDialog(leg="w1/1") << the.EndDialog(leg="l1")
    assert_lost(s)


def test_signals_of_a_lost_worker_are_late() -> None:
    """What was still on its link when it died changes nothing."""
    s = talking() >> LOST
    (s >> caller.hangs_up()).quiet()
    (s >> maria.hangs_up()).quiet()
    (s >> LOST).quiet()


def test_another_workers_word_about_our_leg_does_not_count() -> None:
    """A leg is where it is; who else names it is mistaken."""
    s = talking()
    (s >> LegEnded("w9", "w1/1", "remote")).quiet()
    assert s.late == 1


def test_a_worker_that_comes_back_with_what_we_know_changes_nothing() -> None:
    """A short loss of the link is no loss of calls."""
    s = talking()
    (s >> WorkerSeen("w1", ("w1/1", "l1"))).quiet()
    (s >> Elapse(30)).quiet()


def test_a_difference_may_be_explained_by_what_follows_the_hello() -> None:
    """The leg missing in the hello ended: its LegEnded is behind the hello and has the true cause."""
    s = (talking() >> WorkerSeen("w1", ("l1",))).quiet()
    s = s >> caller.hangs_up() << the.CallEnded(cause="hang_up", party="caller")
    (s >> Elapse(2)).without(the.CallEnded())


def test_a_leg_that_the_worker_does_not_have_is_lost() -> None:
    """Nothing explains it within a second: the call ends as leg_lost, the other leg is ended."""
    s = (talking() >> WorkerSeen("w1", ("l1",)) >> Elapse(0.9)).without(the.CallEnded())
    s = s >> Elapse(0.2) << the.EndLeg(leg="l1") << the.CallEnded(cause="leg_lost", party="system")


def test_a_ringing_leg_that_is_lost_is_not_the_agents_doing() -> None:
    """The call is offered again; the agent stays ready."""
    s = queued("maria") >> maria.rings() >> WorkerSeen("w1", ("w1/1",)) >> Elapse(1.1)
    s = s << the.DialLeg(target="maria", leg="l2") << the.OfferEnded(outcome="worker_lost")
    s.without(the.AgentStateChanged(status="not_ready"))


def test_a_dialled_leg_is_no_suspect_even_when_it_rings_right_after_the_hello() -> None:
    """The DialLeg was on the way when the worker said hello: it rings, is answered, and nobody kills it."""
    s = queued("maria") << the.DialLeg()
    s = s >> WorkerSeen("w1", ("w1/1",)) >> Elapse(0.3) >> maria.rings() >> Elapse(2)
    s.without(the.OfferEnded())
    s = s >> maria.answers() << the.CallBridged()


def test_a_leg_that_we_do_not_know_is_ended() -> None:
    """A stranger of whom nothing is told is a call nobody serves: it is released."""
    s = (
        (talking() >> WorkerSeen("w1", ("w1/1", "l1", "w1/9"))).quiet()
        >> Elapse(1.1)
        << the.EndLeg(leg="w1/9")
    )
    assert s.center.contacts["c1"].state == "talking"


def test_a_stranger_whose_invite_is_behind_the_hello_is_a_new_call() -> None:
    """The call that came while the engine was away is served."""
    s = (Scenario() >> WorkerSeen("w1", ("w1/1",))).quiet() >> caller.calls("1000") << the.AnswerLeg()
    (s >> Elapse(0.2) >> caller.connects() >> Elapse(2)).without(the.EndLeg())


def test_a_worker_that_says_nothing_after_a_restart_is_lost() -> None:
    """Eight seconds of silence: its phones get BYE, its agent is free."""
    s = talking() >> Restart(hellos=False)
    s = (s >> Elapse(7.9)).without(the.CallEnded()) >> Elapse(0.2) << the.EndDialog(leg="w1/1")
    s = s << the.CallEnded(cause="worker_lost")
    assert s.center.agents["maria"].state == "idle"


def test_a_worker_that_says_hello_after_a_restart_is_not() -> None:
    """Conversations go on over a restart of the engine."""
    (talking() >> Restart() >> Elapse(20)).without(the.CallEnded())


def test_a_restart_makes_no_storm_of_ronas() -> None:
    """The ring time fell due while the engine was away: the agent has two more seconds to answer."""
    s = queued("maria") >> maria.rings() >> Elapse(15)
    s = (s >> Restart(grace=2.0, away=30.0)).without(the.AgentRona())
    s = s >> Elapse(1.9) >> maria.answers() << the.CallBridged(waited_s=46.9)


def test_what_fell_due_while_away_expires_after_the_grace() -> None:
    """A restart is no amnesty either."""
    (
        queued("maria")
        >> maria.rings()
        >> Elapse(15)
        >> Restart(grace=2.0, away=30.0)
        >> Elapse(2.1)
        << the.AgentRona()
    )


def test_the_worker_released_the_caller_by_itself() -> None:
    """Engine away too long: the worker let the caller go; that is nobody's hang-up."""
    (queued() >> Restart(away=70.0) >> caller.is_gone() << the.CallEnded(cause="engine_away", party="system"))


def test_the_center_was_stopped() -> None:
    """A worker told to stop ends its legs: the record says that it was the center, and not a missing engine."""
    s = talking() >> LegEnded("w1", "w1/1", "shut_down") << the.CallEnded(cause="shut_down", party="system")
    s = s >> LegEnded("w1", "l1", "shut_down") >> is_recorded >> maria.disposes() << the.ContactClosed()
    assert s.record()["cause"] == "system/shut_down"
    s = talking() >> LegEnded("w1", "l1", "shut_down") << the.CallEnded(cause="shut_down", party="system")


def test_a_leg_to_end_that_is_not_there_is_gone() -> None:
    """EndLeg refused with no_such_leg closes what waited for it."""
    s = (talking() >> caller.hangs_up() >> maria.disposes() >> is_recorded).without(the.ContactClosed())
    s = s >> CommandRefused("w1", "EndLeg", "l1", "no_such_leg") << the.ContactClosed()


def test_the_callers_leg_is_not_there_to_be_answered() -> None:
    """AnswerLeg refused with no_such_leg: the call is over, and recorded."""
    s = Scenario() >> caller.calls("1000") >> CommandRefused("w1", "AnswerLeg", "w1/1", "no_such_leg")
    s = s << the.CallEnded(cause="leg_lost") << the.ContactClosed()


def test_a_recording_that_could_not_start_is_not_waited_for() -> None:
    """The conversation goes on without a recording; a refusal that names another recording changes nothing."""
    s = talking() >> CommandRefused("w1", "StartRecording", "", "failed", "disk full", "r7")
    assert s.center.contacts["c1"].recording == "r1"
    s = (s >> CommandRefused("w1", "StartRecording", "", "failed", "disk full", "r1")).without(
        the.CallEnded()
    )
    s = (s >> caller.hangs_up()).without(the.StopRecording())
    s = s >> maria.is_gone() >> maria.disposes() << the.ContactClosed()
    assert s.record()["recording"] == ""


@pytest.mark.parametrize("command", ["DialLeg", "AnswerLeg", "PlayFiles", "StopPlayback"])
def test_a_refusal_that_makes_no_sense_ends_no_conversation(command: str) -> None:
    """A worker that refuses what it has done already is told to the log, and that is all."""
    s = talking()
    (s >> CommandRefused("w1", command, "l1", "wrong_state")).without(the.CallEnded())
    assert s.center.contacts["c1"].state == "talking"


def test_a_leg_that_failed_before_it_was_answered_is_the_carriers() -> None:
    """The worker could not answer the caller."""
    (
        Scenario()
        >> caller.calls("1000")
        >> LegFailed("w1", "w1/1", 500)
        << the.CallEnded(cause="answer_failed")
    )
