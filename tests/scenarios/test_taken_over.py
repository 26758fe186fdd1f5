"""A supervisor who has taken a call over has an agent's controls in it, says how it ended, and every race of that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core import signals
from cti_engine.core.definitions import TransferRules
from cti_engine.core.party_signals import (
    CancelConsultRequested,
    CompleteRequested,
    ConsultRequested,
    DropPartyRequested,
    JoinRequested,
    MonitorRequested,
    ParkRequested,
    ReturnRequested,
    TakeOverRequested,
    TargetsRequested,
    TransferRequested,
)
from cti_engine.core.signals import (
    DigitsRequested,
    DispositionSubmitted,
    HangUpRequested,
    HoldRequested,
    MuteRequested,
    PauseRecordingRequested,
)
from cti_engine.core.views import AgentView
from tests.scenarios.playbook import Caller, Desk, Elapse, Restart, Scenario, the
from tests.scenarios.small_center import DEFINITIONS
from tests.scenarios.test_supervising import BOSS, CALLER, MARIA, both, closed, heard, leg_of

caller, maria, john, boss = Caller(), Desk("maria"), Desk("john"), Desk("boss")
RULES = replace(DEFINITIONS, transfers=TransferRules(numbers=("+349",)))
SAYS = DispositionSubmitted("said", "boss", "c1", "sold", "it was a valve")


def taken(*ready: str) -> Scenario:
    """The supervisor (l2) has taken maria's call over, 10 s after it began; maria wraps up."""
    s = Scenario(RULES, ready=("maria", *ready)) >> boss.registers()
    s = s >> caller.calls("1000") >> caller.found("c1") >> caller.connects() >> maria.rings()
    s = s >> maria.answers() >> Elapse(8) >> MonitorRequested("asked", "boss", "c1", "maria")
    s = s >> boss.rings() >> boss.answers() >> Elapse(2) >> boss.asks(TakeOverRequested)
    return s << the.Reply(ok=True) >> signals.LegEnded("w1", MARIA, "local")


def view(s: Scenario) -> AgentView:
    found = s.acd.supervisor_view("boss")
    assert found is not None
    return found


# --- the controls ------------------------------------------------------------------------------------


def test_the_page_is_told_what_it_may_do() -> None:
    """An agent's view of a call, under the supervisor's name: with the version that requests carry."""
    s = taken()
    seen = view(s)
    assert (seen.agent, seen.state, seen.contact, seen.role) == ("boss", "talking", "c1", "agent")
    assert seen.state_version == s.center.contacts["c1"].version and seen.can_return
    assert seen.offer["number"] == caller.ani and seen.bridged_at == s.now
    assert s.acd.supervisor_view("other") is None


def test_hold_mute_digits_and_a_pause_of_the_recording() -> None:
    """As an agent has them: music for the caller and nobody heard; silent; keys to the caller; not recorded."""
    s = taken() >> boss.asks(HoldRequested, held=True) << the.PlayPrompts(leg=CALLER) << the.Reply(ok=True)
    assert heard(s) == set() and view(s).held
    s = s >> boss.asks(HoldRequested, held=False) << the.StopPlayback(leg=CALLER)
    assert heard(s) == set(both(CALLER, BOSS)) and not view(s).held
    s = s >> boss.asks(MuteRequested, muted=True)
    assert heard(s) == {(CALLER, BOSS)} and view(s).muted
    s = s >> boss.asks(MuteRequested, muted=False) >> boss.asks(DigitsRequested, digits="12#")
    s = s << the.SendDigits(leg=CALLER, digits="12#") << the.Reply(ok=True)
    s = s >> boss.asks(PauseRecordingRequested, paused=True) << the.PauseRecording(paused=True)
    assert view(s).recording == "paused"


def test_a_blind_transfer_to_an_agent() -> None:
    """The next agent sees who gave it and why; the supervisor is out, and says how their part ended."""
    s = taken("john") >> boss.asks(TransferRequested, to_agent="john", note="knows the contract")
    s = s << the.CallHandedOver(agent="", supervisor="boss", how="blind", to_agent="john")
    s = s << the.EndLeg(leg=BOSS) << the.WrapUpStarted(agent="", supervisor="boss") << the.Reply(ok=True)
    offer = s.center.agents["john"].shown
    assert (offer["purpose"], offer["by"], offer["note"]) == ("blind", "boss", "knows the contract")
    assert view(s).state == "wrap_up"
    s = s >> boss.is_gone() >> john.rings() >> john.answers()
    assert heard(s) == set(both(CALLER, leg_of(s, "john")))
    s = s >> Elapse(5) >> SAYS << the.WrapUpEnded(agent="", supervisor="boss", disposition="sold")
    assert s.acd.supervisor_view("boss") is None
    record = closed(s >> caller.hangs_up(), maria, john)
    assert [
        (p["agent"], p["number"], p["role"], p["ended"], p["disposition"]) for p in record["segments"]
    ] == [
        ("maria", "", "agent", "taken_over:boss", record["segments"][0]["disposition"]),
        ("", "boss", "supervisor", "blind:john", "sold"),
        ("john", "", "agent", "caller/hang_up", record["segments"][2]["disposition"]),
    ]
    assert record["segments"][1]["note"] == "it was a valve" and record["segments"][1]["wrap_up_s"] == 5.0


def test_a_transfer_that_nobody_answers_goes_back_to_the_queue() -> None:
    """As when an agent has given it: the caller is not lost."""
    s = taken("john") >> boss.asks(TransferRequested, to_agent="john") >> boss.is_gone() >> john.rings()
    s = s >> Elapse(20) << the.TransferEnded(agent="john") << the.CallQueued(queue="sales")


def test_an_attended_transfer() -> None:
    """The caller waits with music, both talk, then the colleague has the call."""
    s = taken("john") >> boss.asks(ConsultRequested, to_agent="john", note="why")
    s = s << the.PlayPrompts(leg=CALLER) << the.Reply(ok=True)
    assert s.center.agents["john"].shown["by"] == "boss"
    s = s >> john.rings() >> john.answers()
    other = leg_of(s, "john")
    assert heard(s) == set(both(BOSS, other)) and [p["agent"] for p in view(s).parties] == ["john"]
    s = s >> boss.asks(HoldRequested, held=False)
    assert heard(s) == set(both(CALLER, BOSS))
    s = s >> boss.asks(HoldRequested, held=True) >> boss.asks(CompleteRequested)
    s = s << the.CallHandedOver(agent="", supervisor="boss", how="attended", to_agent="john")
    assert heard(s) == set(both(CALLER, other)) and s.center.contacts["c1"].agent == "john"
    assert view(s).state == "wrap_up"


def test_a_conference_and_who_is_let_go() -> None:
    """All three hear each other; one is let go; the consult can be cancelled."""
    s = taken("john") >> boss.asks(ConsultRequested, to_agent="john") >> john.rings() >> john.answers()
    other = leg_of(s, "john")
    s = s >> boss.asks(JoinRequested) << the.PartyJoined(agent="john", by="boss")
    assert heard(s) == set(both(CALLER, BOSS, other))
    s = s >> boss.asks(DropPartyRequested, party_agent="john") << the.PartyLeft(agent="john", by="boss")
    assert heard(s) == set(both(CALLER, BOSS))
    s = s >> signals.LegEnded("w1", other, "local") >> john.disposes() >> Elapse(1)
    s = s >> boss.asks(ConsultRequested, to_agent="john") >> boss.asks(CancelConsultRequested)
    s = s << the.ConsultEnded(outcome="cancelled") << the.Reply(ok=True)
    assert heard(s) == set(both(CALLER, BOSS))


def test_who_is_in_the_conference_has_it_when_the_supervisor_leaves() -> None:
    """By the page as by the phone."""
    s = taken("john") >> boss.asks(ConsultRequested, to_agent="john") >> john.rings() >> john.answers()
    s = s >> boss.asks(JoinRequested) >> boss.asks(HangUpRequested) << the.EndLeg(leg=BOSS)
    assert s.center.contacts["c1"].agent == "john" and view(s).state == "wrap_up"


def test_back_to_the_queue_and_parked() -> None:
    """With its old place, and under a slot that any agent picks up."""
    s = taken() >> boss.asks(ReturnRequested, note="next please")
    s = s << the.CallHandedOver(supervisor="boss", how="returned", to_queue="sales") << the.Reply(ok=True)
    assert s.center.contacts["c1"].queue == "sales" and not s.center.contacts["c1"].excluded.get("boss")
    s = taken() >> boss.asks(ParkRequested) << the.Reply(ok=True, result={"slot": 1})
    assert s.center.contacts["c1"].state == "parked" and view(s).state == "wrap_up"


def test_to_whom_a_call_may_be_given() -> None:
    """The supervisor with a phone is told as an agent is; somebody without one is nobody."""
    s = taken("john") >> TargetsRequested("asked", "boss") << the.Reply(ok=True)
    s = s >> TargetsRequested("asked", "stranger") << the.Reply(ok=False, code="unknown_agent")


# --- the end, and what is said of it -----------------------------------------------------------------


@pytest.mark.parametrize("by", ["page", "phone", "caller"])
def test_how_it_ended_is_said_afterwards(by: str) -> None:
    """Whoever hangs up: the record waits for the supervisor's result and note as long as for an agent's."""
    s = taken() >> Elapse(30)
    s = s >> {"page": boss.asks(HangUpRequested), "phone": boss.hangs_up(), "caller": caller.hangs_up()}[by]
    s = s << the.CallEnded() << the.WrapUpStarted(supervisor="boss", agent="")
    seen = view(s)
    assert (seen.state, seen.contact) == ("wrap_up", "c1") and seen.wrap_up_ends_at > s.now
    record = closed(s >> Elapse(3) >> SAYS << the.Reply(ok=True), maria)
    part = record["segments"][1]
    assert (part["disposition"], part["note"], part["talk_s"]) == ("sold", "it was a valve", 30.0)
    assert part["wrap_up_s"] == 3.0
    assert s.center.contacts == {} and s.acd.supervisor_view("boss") is None


def test_the_time_for_it_runs_out() -> None:
    """Then the record closes without: nobody is waited for, for ever."""
    s = taken() >> Elapse(10) >> boss.hangs_up()
    s = s >> maria.disposes() >> Elapse(60) << the.WrapUpEnded(supervisor="boss", disposition="")
    for leg in list(s.center.legs.values()):
        s = s >> signals.LegEnded(leg.worker, leg.id, "local")
    assert s.acd.supervisor_view("boss") is None


@pytest.mark.parametrize(
    ("disposition", "code"), [("nonsense", "unknown_disposition"), ("sold", "wrong_state")]
)
def test_what_is_not_said(disposition: str, code: str) -> None:
    """A result that there is not, or one of a call that goes on."""
    s = taken() if code == "wrong_state" else taken() >> boss.hangs_up()
    s = s >> replace(SAYS, disposition=disposition)
    s << the.Reply(ok=False, code=code)


def test_the_call_ends_while_the_result_of_an_earlier_part_is_awaited() -> None:
    """Given to john, who is done before the supervisor has written: the record waits, then closes."""
    s = taken("john") >> boss.asks(TransferRequested, to_agent="john") >> boss.is_gone() >> john.rings()
    s = s >> john.answers() >> caller.hangs_up()
    for leg in list(s.center.legs.values()):
        s = s >> signals.LegEnded(leg.worker, leg.id, "local")
    assert "noting" in s.center.contacts["c1"].deadlines
    s = s >> Elapse(120)
    assert s.acd.supervisor_view("boss") is None


# --- races -------------------------------------------------------------------------------------------


def test_the_caller_hangs_up_meanwhile() -> None:
    """What is pressed a moment later is refused, and nothing happens."""
    s = taken("john")
    seen = view(s).state_version
    s = s >> caller.hangs_up() >> boss.asks(TransferRequested, version=seen, to_agent="john")
    s = s.quiet_but_for_replies() << the.Reply(ok=False)
    s = s >> boss.asks(HoldRequested, held=True) << the.Reply(ok=False, code="wrong_state")
    assert s.center.agents["john"].available


def test_the_caller_hangs_up_during_the_consult() -> None:
    """The colleague is free again, the supervisor says how it ended."""
    s = taken("john") >> boss.asks(ConsultRequested, to_agent="john") >> john.rings() >> john.answers()
    s = s >> caller.hangs_up() << the.ConsultEnded(outcome="call_over")
    assert s.center.agents["john"].available and view(s).state == "wrap_up"


@pytest.mark.parametrize("consults", [False, True])
def test_the_supervisors_phone_is_unplugged(consults: bool) -> None:
    """Alone with the caller it is the end; whom they consult has the call from now on."""
    s = taken("john")
    if consults:
        s = s >> boss.asks(ConsultRequested, to_agent="john") >> john.rings() >> john.answers()
    s = s >> signals.LegEnded("w1", BOSS, "media_timeout")
    if consults:
        assert heard(s) == set(both(CALLER, leg_of(s, "john")))
    else:
        s = s << the.CallEnded(party="outside", cause="media_timeout")
    assert view(s).state == "wrap_up"
    s = s >> boss.unregisters() >> SAYS << the.Reply(ok=True)


def test_the_agents_next_call() -> None:
    """Who was taken over wraps up and has the next one, while the supervisor has the first."""
    s = taken() >> maria.disposes()
    second = Caller("w2")
    s = s >> second.calls("1000") >> second.found("c2") >> second.connects() << the.CallOffered(agent="maria")
    s = s >> maria.rings() >> maria.answers() >> boss.asks(HoldRequested, held=True) << the.Reply(ok=True)
    s = s >> maria.asks(HoldRequested, "c1", held=True) << the.Reply(ok=False, code="not_your_call")
    assert s.center.agents["maria"].contact == "c2" and view(s).contact == "c1"


def test_nobody_else_has_the_controls() -> None:
    """Neither another supervisor, nor after the call has gone on, nor with an old page."""
    s = taken("john") >> signals.PhoneRegistered("other", "sip:other", 60.0)
    s = s >> Desk("other").asks(HangUpRequested) << the.Reply(ok=False, code="not_your_call")
    s = s >> boss.asks(HoldRequested, version=1, held=True) << the.Reply(ok=False, code="stale")
    s = s >> boss.asks(TransferRequested, to_agent="john") >> boss.is_gone() >> john.rings() >> john.answers()
    s = s >> boss.asks(HangUpRequested) << the.Reply(ok=False, code="not_your_call")


@pytest.mark.parametrize("state", ["talks", "notes"])
def test_a_kill_of_the_engine(state: str) -> None:
    """Loaded again it knows who has the call, and whose result is awaited."""
    s = taken() if state == "talks" else taken() >> boss.hangs_up()
    s = s >> Restart(away=3.0)
    if state == "talks":
        s = s >> boss.asks(HoldRequested, held=True) << the.Reply(ok=True)
        assert view(s).held
    else:
        s = s >> SAYS << the.Reply(ok=True)


def test_the_worker_dies() -> None:
    """Nothing is left, and nobody is asked how it ended."""
    s = taken() >> signals.WorkerLost("w1") << the.CallEnded(cause="worker_lost")
    assert s.acd.supervisor_view("boss") is None
