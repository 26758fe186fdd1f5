"""What agents ask for: ready, not ready, log out, hang up, disposition; in every state, done or refused with a code."""

from __future__ import annotations

import pytest

from cti_engine.core.signals import EdgeSeen, LogOutRequested, NotReadyRequested, ReadyRequested
from tests.scenarios.playbook import Caller, Desk, Elapse, Restart, Scenario, Step, is_recorded, the

caller, maria, john, ana = Caller(), Desk("maria"), Desk("john"), Desk("ana")


def talking() -> Scenario:
    s = Scenario(ready=("maria",)) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()
    return s >> maria.rings() >> maria.answers() << the.CallBridged()


def wrapping_up() -> Scenario:
    return talking() >> Elapse(10) >> caller.hangs_up() >> maria.is_gone() >> is_recorded


def test_ready_needs_a_phone() -> None:
    """An agent whose phone is not registered is told so and gets no calls."""
    s = Scenario() >> maria.is_ready() << the.Reply(ok=False, code="phone_not_registered")
    s = s >> maria.registers() << the.PhoneStateChanged(agent="maria", registered=True)
    s = s >> maria.is_ready() << the.Reply(ok=True) << the.AgentStateChanged(status="ready", was_for=0.0)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (ReadyRequested("q", "nobody"), "unknown_agent"),
        (NotReadyRequested("q", "nobody", "lunch"), "unknown_agent"),
        (NotReadyRequested("q", "maria", "golf"), "unknown_reason"),
        (LogOutRequested("q", "nobody"), "unknown_agent"),
        (maria.asks_hang_up("c9", 1), "not_your_call"),
        (maria.disposes("c9"), "not_your_call"),
    ],
)
def test_a_refused_request_changes_nothing(request_: Step, code: str) -> None:
    """The reply carries a code of the closed list, and no fact is told."""
    s = Scenario(ready=("maria",)) >> request_ << the.Reply(ok=False, code=code)
    s.without(the.AgentStateChanged())


def test_the_agent_hangs_up_from_the_phone() -> None:
    """BYE from the desk phone ends the call as agent/hang_up; the caller's leg is ended."""
    s = talking() >> Elapse(7) >> maria.hangs_up() << the.EndLeg(leg="w1/1", reason="hang_up")
    s = (
        s
        << the.CallEnded(cause="hang_up", party="agent")
        << the.WrapUpStarted()
        >> caller.is_gone()
        >> is_recorded
    )
    s = s >> maria.disposes() << the.ContactClosed()
    assert (s.record()["cause"], s.record()["talk_s"]) == ("agent/hang_up", 7.0)


def test_the_agent_hangs_up_from_the_page() -> None:
    """Both legs are ended, and the reply says it is done."""
    s = (
        talking()
        >> maria.asks_hang_up()
        << the.EndLeg(leg="w1/1")
        << the.EndLeg(leg="l1")
        << the.Reply(ok=True)
    )
    s = s << the.CallEnded(cause="hang_up", party="agent")


def test_a_hang_up_with_an_old_state_version_is_refused() -> None:
    """The page saw the call before it was bridged: what it asks for is stale."""
    (talking() >> maria.asks_hang_up(version=1) << the.Reply(ok=False, code="stale")).without(the.CallEnded())


def test_a_hang_up_of_somebody_elses_call_is_refused() -> None:
    """Only the agent of the conversation may end it."""
    (talking() >> john.asks_hang_up() << the.Reply(ok=False, code="not_your_call")).without(the.CallEnded())


def test_a_hang_up_while_the_phone_rings_is_refused() -> None:
    """There is nothing to hang up yet."""
    s = Scenario(ready=("maria",)) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()
    (s >> maria.asks_hang_up() << the.Reply(ok=False, code="wrong_state")).without(the.CallEnded())


def test_a_late_hang_up_never_hits_the_next_call() -> None:
    """The click for the first call comes when the second is in hand: refused."""
    second = Caller("w2")
    s = wrapping_up() >> maria.disposes() << the.ContactClosed(contact="c1")
    s = (
        s
        >> second.calls("1000")
        >> second.found("c2")
        >> second.connects()
        >> maria.answers()
        << the.CallBridged()
    )
    (s >> maria.asks_hang_up("c1", 3) << the.Reply(ok=False, code="not_your_call")).without(the.CallEnded())


def test_wrap_up_ends_by_disposition() -> None:
    """The disposition and note are in the record; the agent is free at once, at the end of the idle order."""
    s = wrapping_up() >> Elapse(4) >> maria.disposes(note="will call back") << the.Reply(ok=True)
    s = s << the.WrapUpEnded(disposition="sold", note="will call back") << the.AgentStateChanged(state="idle")
    s = s << the.ContactClosed()
    assert s.center.agents["maria"].idle_since == s.now
    assert (s.record()["wrap_up_s"], s.record()["disposition"]) == (4.0, "sold")


def test_wrap_up_ends_by_time() -> None:
    """Nothing was entered: the time ends it, with an empty disposition; a later one is refused."""
    s = (
        (wrapping_up() >> Elapse(29.9)).quiet()
        >> Elapse(0.2)
        << the.WrapUpEnded(disposition="")
        << the.ContactClosed()
    )
    s = s >> maria.disposes() << the.Reply(ok=False, code="not_your_call")


def test_an_unknown_disposition_is_refused_and_the_wrap_up_goes_on() -> None:
    """The list in config/dispositions.yaml is closed."""
    s = wrapping_up() >> maria.disposes(code="golf") << the.Reply(ok=False, code="unknown_disposition")
    assert s.center.agents["maria"].state == "wrap_up"


def test_a_disposition_before_the_end_is_refused() -> None:
    """A disposition ends a wrap-up; there is none while they talk."""
    talking() >> maria.disposes() << the.Reply(ok=False, code="wrong_state")


def test_a_queue_without_wrap_up_frees_the_agent_at_once() -> None:
    """Wrap-up of zero seconds: idle on hang-up, the record waits for leg and recording only."""
    s = (
        Scenario(ready=("ana",))
        >> caller.calls("3000")
        >> caller.found("c1")
        >> caller.connects()
        >> ana.answers()
    )
    s = (s >> caller.hangs_up() << the.AgentStateChanged(state="idle")).without(the.WrapUpStarted())
    s = s >> ana.is_gone() >> is_recorded << the.ContactClosed()


def test_not_ready_asked_in_mid_call_counts_afterwards() -> None:
    """The talk and the wrap-up go on; then the agent is not ready with the reason given."""
    s = (talking() >> maria.is_not_ready() << the.Reply(ok=True)).without(the.AgentStateChanged())
    s = s >> caller.hangs_up() << the.AgentStateChanged(state="wrap_up", status="ready")
    s = s >> maria.disposes() << the.AgentStateChanged(state="idle", status="not_ready", reason="lunch")


def test_ready_takes_a_wish_for_afterwards_back() -> None:
    """Whoever changes their mind in mid-call stays ready."""
    s = talking() >> maria.is_not_ready() >> maria.is_ready() << the.Reply(ok=True)
    s = s >> caller.hangs_up() >> maria.disposes() << the.AgentStateChanged(state="idle", status="ready")
    assert s.center.agents["maria"].available


def test_ready_asked_while_the_phone_rings_does_not_excuse_a_miss() -> None:
    """Whoever is ready already and says so again is not ready after a missed offer like anybody."""
    s = Scenario(ready=("maria",)) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()
    s = s >> maria.rings() >> maria.is_ready() >> Elapse(20) << the.AgentRona()
    s = s << the.AgentStateChanged(status="not_ready", reason="rona")


def test_log_out_in_mid_call_counts_afterwards() -> None:
    """Logging out does not drop the caller."""
    s = (talking() >> maria.logs_out() << the.Reply(ok=True)).without(the.CallEnded())
    s = s >> caller.hangs_up() >> maria.disposes() << the.AgentStateChanged(status="logged_out", reason="")


def test_log_out_while_the_phone_rings_and_is_not_answered() -> None:
    """The missed offer's reason does not hide that the agent wanted to go."""
    s = Scenario(ready=("maria",)) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()
    s = s >> maria.rings() >> maria.logs_out() >> Elapse(20) << the.AgentRona()
    s = s << the.AgentStateChanged(status="logged_out", reason="", state="idle")


def test_the_phone_unregisters_while_ready() -> None:
    """Status stays what the human chose, but no call is offered until the phone is back."""
    s = Scenario(ready=("maria",)) >> maria.unregisters() << the.PhoneStateChanged(registered=False)
    s = (s >> caller.calls("1000") >> caller.found("c1") >> caller.connects()).without(the.CallOffered())
    s = s >> maria.registers() << the.CallOffered(agent="maria")


def test_the_phone_unregisters_while_talking() -> None:
    """The registration says nothing about the dialog: the conversation goes on; afterwards no calls come."""
    second = Caller("w2")
    s = (talking() >> maria.unregisters()).without(the.CallEnded())
    s = s >> caller.hangs_up() >> maria.disposes() << the.AgentStateChanged(state="idle", status="ready")
    (s >> second.calls("1000") >> second.found("c2") >> second.connects()).without(the.CallOffered())


def test_hold_is_not_talk() -> None:
    """Hold counts from the first phone that holds to the last that takes back, and ends with the call."""
    s = talking() >> Elapse(10) >> maria.holds() << the.CallHeld(held=True) >> Elapse(4)
    s = (s >> caller.holds()).quiet() >> Elapse(2)
    s = (s >> maria.holds(False)).quiet() >> Elapse(1) >> caller.holds(False) << the.CallHeld(held=False)
    s = s >> Elapse(5) >> maria.holds() << the.CallHeld(held=True) >> Elapse(3) >> caller.hangs_up()
    s = s >> maria.is_gone() >> is_recorded >> maria.disposes() << the.ContactClosed()
    assert (s.record()["hold_s"], s.record()["talk_s"]) == (10.0, 15.0)


def test_the_recording_comes_after_the_wrap_up() -> None:
    """The contact stays open for its recording, without the agent."""
    s = talking() >> caller.hangs_up() >> maria.is_gone()
    s = (s >> maria.disposes() << the.AgentStateChanged(state="idle")).without(the.ContactClosed())
    s = s >> Elapse(3) >> is_recorded << the.RecordingStored() << the.ContactClosed()
    assert s.record()["recording"] == "/rec/c1.wav"


def test_a_recording_that_never_comes_does_not_keep_the_contact_open() -> None:
    """Ten seconds after everything else the contact closes without it, and says so in the log."""
    s = talking() >> caller.hangs_up() >> maria.is_gone() >> Elapse(25) >> maria.disposes()
    s = (s >> Elapse(9.9)).without(the.ContactClosed()) >> Elapse(0.2) << the.ContactClosed()
    assert s.anomalies == ["contact c1: closed without word of its legs or recording"]
    (s >> is_recorded).quiet()


def test_a_long_wrap_up_is_nothing_overdue() -> None:
    """Wrap-up longer than the closing time neither alarms nor forgets the recording."""
    s = (
        talking()
        >> caller.hangs_up()
        >> maria.is_gone()
        >> Elapse(15)
        >> is_recorded
        << the.RecordingStored()
    )
    s = s >> Elapse(15) << the.WrapUpEnded() << the.ContactClosed()
    assert s.anomalies == [] and s.record()["recording"] == "/rec/c1.wav"


def test_an_edge_that_comes_back_tells_who_is_registered() -> None:
    """Phones that went away while the engine was not looking are gone, others are back."""
    s = Scenario(ready=("maria",)) >> john.registers() >> Restart()
    s = s >> EdgeSeen(("ana",)) << the.PhoneStateChanged(agent="maria", registered=False)
    assert {a.id for a in s.center.agents.values() if a.phone} == {"ana"}
