"""A supervisor listens to an agent's call, whispers, barges in, takes it over; who hears whom, and every race of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cti_engine.core import commands, signals
from cti_engine.core.definitions import SupervisionRules, TransferRules
from cti_engine.core.party_signals import (
    CompleteRequested,
    ConsultRequested,
    JoinRequested,
    MonitorEndRequested,
    MonitorModeRequested,
    MonitorRequested,
    ParkRequested,
    TakeOverRequested,
    TransferRequested,
)
from cti_engine.core.signals import HangUpRequested, HoldRequested, MuteRequested, Signal
from cti_engine.core.views import AgentView
from tests.scenarios.playbook import (
    Caller,
    Deferred,
    Desk,
    Elapse,
    Install,
    Restart,
    Scenario,
    is_recorded,
    the,
)
from tests.scenarios.small_center import DEFINITIONS

caller, maria, john, boss = Caller(), Desk("maria"), Desk("john"), Desk("boss")
RULES = replace(DEFINITIONS, transfers=TransferRules(numbers=("+349",)))
CALLER, MARIA, BOSS = "w1/1", "l1", "l2"


def both(*legs: str) -> tuple[tuple[str, str], ...]:
    """All of these hear each other."""
    return tuple((a, b) for b in reversed(legs) for a in legs if a != b)


def heard(s: Scenario) -> set[tuple[str, str]]:
    """(speaker, listener) as the worker was told last."""
    return set(next(c for c in reversed(s.commands) if isinstance(c, commands.SetAudioPaths)).paths)


def talking(*ready: str) -> Scenario:
    """Maria has the call (l1); the supervisor's phone is registered."""
    s = Scenario(RULES, ready=("maria", *ready)) >> boss.registers()
    s = s >> caller.calls("1000") >> caller.found("c1") >> caller.connects() >> maria.rings()
    return s >> maria.answers() << the.CallBridged()


def asks(mode: str = "listen", listened: str = "maria") -> Signal:
    return MonitorRequested("asked", "boss", "c1", listened, mode)


def switches(mode: str) -> Signal:
    return MonitorModeRequested("asked", "boss", "c1", mode)


STOPS = MonitorEndRequested("asked", "boss", "c1")


def listening(mode: str = "listen", *ready: str) -> Scenario:
    """The supervisor (l2) has been beside maria since 10 s into the call."""
    s = talking(*ready) >> Elapse(10) >> asks(mode) << the.DialLeg(target="boss", worker="w1")
    return s >> boss.rings() >> Elapse(2) >> boss.answers() << the.MonitorStarted(mode=mode)


def view(s: Scenario, agent: str = "maria") -> AgentView:
    found = s.acd.agent_view(agent)
    assert found is not None
    return found


def leg_of(s: Scenario, agent: str) -> str:
    return s.agent_leg(agent).leg


def closed(s: Scenario, *desks: Desk) -> dict[str, Any]:
    """The record, after everybody's legs are gone and these have wrapped up."""
    for leg in list(s.center.legs.values()):
        s = s >> signals.LegEnded(leg.worker, leg.id, "local")
    s = s >> is_recorded
    for desk in desks:
        s = s >> desk.disposes()
    return s.record()


# --- who hears whom ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "hear_the_supervisor"),
    [("listen", set[str]()), ("whisper", {MARIA}), ("barge", {CALLER, MARIA})],
)
def test_who_hears_a_supervisor(mode: str, hear_the_supervisor: set[str]) -> None:
    """In every mode they hear caller and agent, who go on hearing each other; by mode nobody, the agent or all."""
    s = listening(mode)
    assert heard(s) == {
        *both(CALLER, MARIA), (CALLER, BOSS), (MARIA, BOSS), *((BOSS, one) for one in hear_the_supervisor)
    }  # fmt: skip
    s = s >> switches("whisper") >> switches("barge") >> switches(mode)
    assert {pair for pair in heard(s) if pair[0] == BOSS} == {(BOSS, one) for one in hear_the_supervisor}


def test_nothing_is_heard_before_the_phone_answers() -> None:
    """While it rings nobody listens, and no fact says so; the mode may be changed meanwhile."""
    s = talking() >> asks()
    s.without(the.SetAudioPaths()).without(the.MonitorStarted()) << the.Reply(ok=True)
    s = s >> boss.rings() >> switches("whisper")
    s.without(the.SetAudioPaths()).without(the.MonitorModeChanged()) << the.Reply(ok=True)
    s = s >> boss.answers() << the.MonitorStarted(supervisor="boss", listened="maria", mode="whisper")


def test_hold_and_mute_count_for_the_supervisor_too() -> None:
    """A caller on hold is heard by nobody and hears nobody, not even who barges in; a muted agent is not heard."""
    s = listening("barge") >> maria.asks(HoldRequested, held=True)
    assert heard(s) == {(MARIA, BOSS), (BOSS, MARIA)}
    s = s >> maria.asks(MuteRequested, muted=True)
    assert heard(s) == {(BOSS, MARIA)}
    s = s >> maria.asks(HoldRequested, held=False)
    assert heard(s) == {(CALLER, MARIA), (CALLER, BOSS), (BOSS, CALLER), (BOSS, MARIA)}


def test_the_supervisor_is_where_the_agent_is() -> None:
    """In a consult they hear agent and colleague, a whisper is for the agent; then they hear the caller again."""
    s = listening("whisper", "john") >> maria.asks(ConsultRequested, to_agent="john") << the.Reply(ok=True)
    s = s >> john.rings() >> john.answers()
    asked = leg_of(s, "john")
    assert heard(s) == {*both(MARIA, asked), (MARIA, BOSS), (asked, BOSS), (BOSS, MARIA)}
    s = s >> maria.asks(HoldRequested, held=False)
    assert heard(s) == {*both(CALLER, MARIA), (CALLER, BOSS), (MARIA, BOSS), (BOSS, MARIA)}
    s = s >> maria.asks(JoinRequested)
    assert heard(s) == {
        *both(CALLER, MARIA, asked), (CALLER, BOSS), (MARIA, BOSS), (asked, BOSS), (BOSS, MARIA)
    }  # fmt: skip
    s = s >> switches("barge")
    assert heard(s) == set(both(CALLER, MARIA, asked, BOSS))


def test_one_of_a_conference_can_be_listened_to() -> None:
    """The whisper is for that agent and nobody else."""
    s = talking("john") >> maria.asks(ConsultRequested, to_agent="john") >> john.rings() >> john.answers()
    s = s >> maria.asks(JoinRequested) >> asks("whisper", "john") >> boss.rings() >> boss.answers()
    mine, other = leg_of(s, "boss"), leg_of(s, "john")
    assert {pair for pair in heard(s) if pair[0] == mine} == {(mine, other)}
    assert view(s, "john").monitor["supervisor"] == "boss" and not view(s).monitor


def test_what_is_recorded() -> None:
    """A whisper is not; who barges in speaks with the caller and is on the agents' side until they are silent again."""
    s = listening("whisper").without(the.RecordLegs())
    s = s >> switches("barge") << the.RecordLegs(legs=(MARIA, BOSS))
    s = s >> switches("whisper") << the.RecordLegs(legs=(MARIA,))


# --- what is told ------------------------------------------------------------------------------------


def test_the_record_says_who_listened_how_long_and_how() -> None:
    """By mode; and the agent's page has shown it all the while."""
    s = listening() >> Elapse(5)
    assert view(s).monitor == {
        "supervisor": "boss", "mode": "listen", "state": "listening", "since_at": s.now - 5.0, "visible": True,
    }  # fmt: skip
    s = (
        s
        >> switches("whisper")
        << the.MonitorModeChanged(agent="maria", mode="whisper")
        << the.Reply(ok=True)
    )
    s = s >> Elapse(7) >> switches("barge") >> Elapse(3) >> STOPS << the.EndLeg(leg=BOSS)
    s = s << the.MonitorEnded(supervisor="boss", agent="maria", outcome="stopped", seconds=15.0)
    assert heard(s) == set(both(CALLER, MARIA)) and not view(s).monitor
    record = closed(s >> boss.is_gone() >> caller.hangs_up(), maria)
    (one,) = record["monitored"]
    assert (one["supervisor"], one["agent"], one["ended"]) == ("boss", "maria", "stopped")
    assert (one["listen_s"], one["whisper_s"], one["barge_s"]) == (5.0, 7.0, 3.0)
    assert [part["ended"] for part in record["segments"]] == ["caller/hang_up"]


def test_where_agents_are_not_shown_it_their_page_is_told_nothing() -> None:
    """`supervision: {visible: false}`: the facts name no agent whose page would get them; the view says so."""
    hidden = replace(RULES, supervision=SupervisionRules(visible=False))
    s = (
        talking()
        >> Install(hidden)
        >> asks()
        >> boss.answers()
        << the.MonitorStarted(listened="maria", agent="")
    )
    assert view(s).monitor["visible"] is False
    s = s >> switches("barge") << the.MonitorModeChanged(agent="") >> STOPS << the.MonitorEnded(agent="")


def test_listening_does_not_disturb_the_agent() -> None:
    """What the agent's page has seen of the call stays right: no click of theirs is refused because of it."""
    s = talking()
    seen = s.center.contacts["c1"].version
    s = s >> asks() >> boss.rings() >> boss.answers() >> switches("barge") >> STOPS
    assert s.center.contacts["c1"].version == seen


# --- ends and races ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["rings", "listens"])
@pytest.mark.parametrize("who", ["caller", "agent", "worker"])
def test_the_call_ends(who: str, state: str) -> None:
    """Whoever hangs up, while the supervisor's phone rings or later: it is hung up too, and nothing is left."""
    s = listening() if state == "listens" else talking() >> asks() >> boss.rings()
    over: dict[str, Signal | Deferred] = {
        "caller": caller.hangs_up(),
        "agent": maria.hangs_up(),
        "worker": signals.WorkerLost("w1"),
    }
    s = s >> over[who] << the.MonitorEnded(outcome="call_over")
    assert s.center.contacts["c1"].monitor is None
    if who != "worker":
        s = s >> boss.is_gone() >> Elapse(1) >> maria.disposes() >> Elapse(20)
        assert not s.center.legs
        assert s.record()["monitored"] == [] or state == "listens"


def test_a_phone_that_answers_as_the_caller_hangs_up() -> None:
    """Both at once: the answer comes too late and nobody is connected."""
    s = talking() >> asks() >> boss.rings() >> caller.hangs_up() << the.EndLeg(leg=BOSS)
    s = s >> boss.answers()
    s.without(the.MonitorStarted()).without(the.SetAudioPaths())


@pytest.mark.parametrize("how", ["fails", "no_answer", "gone"])
def test_a_phone_that_does_not_answer(how: str) -> None:
    """Busy, silent or gone: the two talk on as if nothing had been, and the supervisor may try again."""
    s = talking() >> asks() >> boss.rings()
    if how == "fails":
        s = s >> boss.fails(486) << the.MonitorEnded(outcome="busy", seconds=0.0)
    elif how == "gone":
        s = s >> boss.hangs_up() << the.MonitorEnded(outcome="unreachable")
    else:
        s = s >> Elapse(20) << the.EndLeg(leg=BOSS) << the.MonitorEnded(outcome="no_answer")
        s = s >> boss.is_gone()
    assert s.center.contacts["c1"].state == "talking"
    s = s >> asks() << the.Reply(ok=True)


@pytest.mark.parametrize("by", ["remote", "media_timeout"])
def test_the_supervisors_phone_is_gone(by: str) -> None:
    """Hung up or vanished: caller and agent talk on undisturbed."""
    s = listening("barge") >> Elapse(4) >> signals.LegEnded("w1", BOSS, by)
    s = s << the.MonitorEnded(outcome="left", seconds=4.0) << the.SetAudioPaths(paths=both(CALLER, MARIA))
    assert (s.center.contacts["c1"].state, view(s).state) == ("talking", "talking")


def test_listening_follows_the_call_to_the_next_agent() -> None:
    """An attended transfer: they are beside who has it now, in the same mode; the record has both parts."""
    s = listening("whisper", "john") >> Elapse(5) >> maria.asks(ConsultRequested, to_agent="john")
    s = s >> john.rings() >> john.answers() >> Elapse(5) >> maria.asks(CompleteRequested)
    s = s << the.MonitorModeChanged(listened="john", agent="john", mode="whisper")
    new = leg_of(s, "john")
    assert heard(s) == {*both(CALLER, new), (CALLER, BOSS), (new, BOSS), (BOSS, new)}
    assert view(s, "john").monitor["mode"] == "whisper" and not view(s).monitor
    record = closed(s >> Elapse(3) >> caller.hangs_up(), maria, john)
    assert [(one["agent"], one["whisper_s"], one["ended"]) for one in record["monitored"]] == [
        ("maria", 10.0, "handed_over"),
        ("john", 3.0, "call_over"),
    ]


def test_listening_waits_while_a_blind_transfer_rings() -> None:
    """Nobody is heard meanwhile, the waiting caller neither; then the agent who answers."""
    s = listening("listen", "john") >> maria.asks(TransferRequested, to_agent="john") << the.Reply(ok=True)
    assert heard(s) == set()
    s = s >> john.rings() >> john.answers() << the.MonitorModeChanged(listened="john")
    assert {pair for pair in heard(s) if pair[1] == BOSS} == {(CALLER, BOSS), (leg_of(s, "john"), BOSS)}


@pytest.mark.parametrize("where", ["queue", "parked", "outside"])
def test_listening_ends_where_the_call_leaves_the_agents(where: str) -> None:
    """Back in a queue, parked, or with a number outside there is no agent to listen to."""
    s = listening()
    if where == "queue":
        s = s >> maria.asks(TransferRequested, to_queue="support") << the.MonitorEnded(outcome="call_over")
    elif where == "parked":
        s = s >> maria.asks(ParkRequested) << the.MonitorEnded(outcome="call_over")
    else:
        s = s >> maria.asks(TransferRequested, to_number="+34911234567")
        dialled = next(c for c in reversed(s.commands) if isinstance(c, commands.DialLeg))
        s = s >> signals.LegAnswered("w1", dialled.leg, s.center.legs[CALLER].dialog)  # type: ignore[arg-type]
        s = s << the.MonitorEnded(outcome="no_agent")
        assert heard(s) == set(both(CALLER, dialled.leg))
    assert s.center.legs[BOSS].state == "ending"


@pytest.mark.parametrize("state", ["rings", "listens"])
def test_a_kill_of_the_engine(state: str) -> None:
    """Loaded again it knows who listens and in which mode; the phone that rang may still answer."""
    s = listening("whisper") if state == "listens" else talking() >> asks("whisper") >> boss.rings()
    s = s >> Restart(away=3.0)
    if state == "rings":
        s = s >> boss.answers() << the.MonitorStarted(mode="whisper")
    s = s >> Elapse(2) >> switches("barge") << the.Reply(ok=True)
    assert heard(s) == set(both(CALLER, MARIA, BOSS))
    s = s >> STOPS << the.MonitorEnded(outcome="stopped")


def test_a_leg_that_is_gone_after_a_kill() -> None:
    """The supervisor hung up while the engine was away: the call goes on."""
    s = listening() >> Restart(hellos=False) >> signals.WorkerSeen("w1", (CALLER, MARIA)) >> Elapse(2)
    s.where(lambda s: s.center.contacts["c1"].monitor is None, "nobody listens any longer")
    assert s.center.contacts["c1"].state == "talking"


# --- take over ---------------------------------------------------------------------------------------


def test_a_supervisor_takes_the_call_over() -> None:
    """Supervisor and caller hear each other, the agent wraps up; hanging up ends the call; the record has both."""
    s = listening() >> Elapse(8) >> boss.asks(TakeOverRequested) << the.Reply(ok=True)
    s = talking() >> asks() >> boss.answers() >> Elapse(8) >> boss.asks(TakeOverRequested)
    s = (
        s
        << the.EndLeg(leg=MARIA)
        << the.SetAudioPaths(paths=both(CALLER, BOSS))
        << the.RecordLegs(legs=(BOSS,))
    )
    s = s << the.Reply(ok=True)
    assert view(s).state == "wrap_up"
    s = s >> Elapse(30) >> boss.hangs_up() << the.CallEnded(party="outside")
    record = closed(s, maria, boss)
    assert [(p["agent"], p["number"], p["role"], p["talk_s"], p["ended"]) for p in record["segments"]] == [
        ("maria", "", "agent", 8.0, "taken_over:boss"),
        ("", "boss", "supervisor", 30.0, "outside/hang_up"),
    ]
    assert record["monitored"][0]["ended"] == "taken_over" and record["outcome"] == "answered"


def test_taking_over_while_the_agent_consults() -> None:
    """Whom they consulted is free again, the caller hears the supervisor and no music."""
    s = listening("listen", "john") >> maria.asks(ConsultRequested, to_agent="john") >> john.rings()
    s = s >> john.answers() >> boss.asks(TakeOverRequested) << the.ConsultEnded(outcome="cancelled")
    s = s << the.CallHandedOver(agent="maria", how="taken_over", to_number="boss") << the.CallHeld(held=False)
    assert heard(s) == set(both(CALLER, BOSS)) and s.center.contacts["c1"].controls.music == ""
    assert s.center.agents["john"].available and view(s).state == "wrap_up"


def test_taking_a_conference_over() -> None:
    """The others stay, the agent who had the call is out; when the supervisor hangs up, one of them has it."""
    s = talking("john") >> maria.asks(ConsultRequested, to_agent="john") >> john.rings() >> john.answers()
    s = s >> maria.asks(JoinRequested) >> asks() >> boss.answers() >> boss.asks(TakeOverRequested)
    assert heard(s) == set(both(CALLER, leg_of(s, "boss"), leg_of(s, "john")))
    s = s >> boss.hangs_up()
    assert s.center.contacts["c1"].agent == "john" and heard(s) == set(both(CALLER, leg_of(s, "john")))


def test_both_press_at_once() -> None:
    """The agent has handed the call over a moment before: it is not taken from the next one by mistake."""
    s = listening("listen", "john") >> maria.asks(ConsultRequested, to_agent="john") >> john.rings()
    s = s >> john.answers()
    seen = s.center.contacts["c1"].version
    s = s >> maria.asks(CompleteRequested) >> boss.asks(TakeOverRequested, version=seen)
    s.quiet_but_for_replies() << the.Reply(ok=False, code="stale")
    s = listening() >> maria.asks(HangUpRequested) >> boss.asks(TakeOverRequested)
    s.quiet_but_for_replies() << the.Reply(ok=False, code="not_listening")


def test_nothing_is_taken_over_before_the_phone_answers() -> None:
    """The caller would talk to a phone that rings."""
    s = talking() >> asks() >> boss.rings() >> boss.asks(TakeOverRequested)
    s.quiet_but_for_replies() << the.Reply(ok=False, code="wrong_state")


# --- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signal", "code"),
    [
        (MonitorRequested("r", "boss", "c9"), "unknown_contact"),
        (MonitorRequested("r", "boss", "c1", "maria", "shout"), "unknown_mode"),
        (MonitorRequested("r", "ana", "c1"), "takes_calls"),
        (MonitorRequested("r", "admin", "c1"), "phone_not_registered"),
        (MonitorRequested("r", "boss", "c1", "john"), "nobody_to_listen_to"),
        (switches("whisper"), "not_listening"),
        (STOPS, "not_listening"),
        (TakeOverRequested("r", "boss", "c1", 1), "not_listening"),
    ],
)
def test_what_is_not_done(signal: Signal, code: str) -> None:
    """Each with its code, and nothing happens."""
    s = talking() >> signal
    s.quiet_but_for_replies() << the.Reply(ok=False, code=code)


def test_one_supervisor_listens_at_a_time() -> None:
    """A second is refused, also by name of what is not theirs; the first can be beside one call only."""
    s = listening() >> signals.PhoneRegistered("other", "sip:other", 60.0)
    s = s >> MonitorRequested("r", "other", "c1", "maria")
    s.quiet_but_for_replies() << the.Reply(ok=False, code="no_leg_left")
    s = s >> MonitorEndRequested("r", "other", "c1")
    s.quiet_but_for_replies() << the.Reply(ok=False, code="not_listening")
    second = Caller("w2")
    s = s >> john.registers() >> john.is_ready() >> second.calls("1000") >> second.found("c2")
    s = s >> second.connects() >> john.rings() >> john.answers() >> MonitorRequested("r", "boss", "c2")
    s.quiet_but_for_replies() << the.Reply(ok=False, code="on_the_phone")


def test_a_full_conference_has_no_leg_left() -> None:
    """Four phones are in it; and with a supervisor beside two and one consulted, nobody more can be asked."""
    s = talking("john", "ana") >> maria.asks(ConsultRequested, to_agent="john") >> john.rings()
    s = s >> john.answers() >> maria.asks(JoinRequested) >> maria.asks(ConsultRequested, to_agent="ana")
    s = s << the.Reply(ok=True) >> asks()
    s.quiet_but_for_replies() << the.Reply(ok=False, code="no_leg_left")
    s = listening("listen", "john", "ana") >> maria.asks(ConsultRequested, to_agent="john") >> john.rings()
    s = s >> john.answers() >> maria.asks(JoinRequested) >> maria.asks(ConsultRequested, to_agent="ana")
    s.quiet_but_for_replies() << the.Reply(ok=False, code="no_leg_left")


def test_a_phone_that_is_gone_cannot_be_rung() -> None:
    """Taken back at the edge, or not named by it any longer."""
    s = talking() >> boss.unregisters() >> asks()
    s.quiet_but_for_replies() << the.Reply(ok=False, code="phone_not_registered")
    s = talking() >> signals.EdgeSeen(("maria",)) >> asks()
    s.quiet_but_for_replies() << the.Reply(ok=False, code="phone_not_registered")
    s = s >> signals.EdgeSeen(("maria", "boss")) >> asks() << the.Reply(ok=True)
