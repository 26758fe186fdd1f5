"""An agent asks another while the caller waits: consult, back, attended transfer, conference; and every race of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cti_engine.core import commands, signals
from cti_engine.core.definitions import TransferRules
from cti_engine.core.party_signals import (
    CancelConsultRequested,
    CompleteRequested,
    ConsultRequested,
    DropPartyRequested,
    JoinRequested,
    TransferRequested,
)
from cti_engine.core.signals import (
    DigitsRequested,
    HangUpRequested,
    HoldRequested,
    MuteRequested,
    PauseRecordingRequested,
)
from cti_engine.core.views import AgentView
from tests.scenarios.playbook import (
    Caller,
    Deferred,
    Desk,
    Elapse,
    Restart,
    Scenario,
    dialog,
    is_recorded,
    the,
)
from tests.scenarios.small_center import DEFINITIONS

caller, maria, john, ana = Caller(), Desk("maria"), Desk("john"), Desk("ana")
OUTSIDE = "+34911234567"
RULES = replace(DEFINITIONS, transfers=TransferRules(numbers=("+349",), trunk="carrier"))


def both(*legs: str) -> tuple[tuple[str, str], ...]:
    """All of these hear each other."""
    return tuple((a, b) for b in reversed(legs) for a in legs if a != b)


def talking(*ready: str) -> Scenario:
    """Maria has the call (l1); the others are ready."""
    s = Scenario(RULES, ready=("maria", *ready)) >> caller.calls("1000") >> caller.found("c1")
    s = s >> caller.connects() >> maria.rings() >> maria.answers()
    return s << the.SetAudioPaths(paths=both("w1/1", "l1"))


def asks(to: str = "john") -> Deferred:
    return maria.asks(ConsultRequested, to_agent=to, note="refund?")


def consulting() -> Scenario:
    """Maria asks john (l2), the caller is on hold."""
    return talking("john") >> Elapse(10) >> asks() >> john.rings() >> Elapse(3) >> john.answers()


def conference() -> Scenario:
    return consulting() >> Elapse(20) >> maria.asks(JoinRequested)


def outside(name: str, value: object = "") -> Deferred:
    """What the phone outside does, the last one dialled."""

    def signal(s: Scenario) -> signals.Signal:
        leg = next(c for c in reversed(s.commands) if isinstance(c, commands.DialLeg))
        match name:
            case "answers":
                return signals.LegAnswered(leg.worker, leg.leg, dialog(leg.leg))
            case "fails":
                return signals.LegFailed(leg.worker, leg.leg, int(str(value)))
            case _:
                return signals.LegEnded(leg.worker, leg.leg, str(value))

    return Deferred(f"the phone outside {name} {value}", signal)


def view(s: Scenario, agent: str = "maria") -> AgentView:
    found = s.acd.agent_view(agent)
    assert found is not None
    return found


def parts(s: Scenario) -> list[tuple[object, ...]]:
    """Of the record: who, role, talk, hold, how it ended."""
    return [
        (part["agent"] or part["number"], part["role"], part["talk_s"], part["hold_s"], part["ended"])
        for part in s.record()["segments"]
    ]


# --- the usual way -----------------------------------------------------------------------------------


def test_a_consult_lets_two_agents_talk_while_the_caller_hears_music() -> None:
    """The colleague's page says that it is a consult, by whom and why; they hear each other, and not the caller."""
    s = talking("john") >> asks() << the.SetAudioPaths(paths=()) << the.PlayPrompts(leg="w1/1", repeat=True)
    s = s << the.DialLeg(target="john", worker="w1") << the.Reply(ok=True)
    s = s << the.ConsultStarted(agent="maria", to_agent="john") << the.CallHeld(held=True)
    s = s << the.CallOffered(agent="john", queue="", purpose="consult", by="maria", note="refund?")
    assert view(s).parties[0]["state"] == "ringing"
    s = s >> john.rings() >> john.answers() << the.SetAudioPaths(paths=both("l1", "l2"))
    assert (view(s).parties[0]["agent"], view(s).parties[0]["state"]) == ("john", "talking")
    assert (view(s, "john").role, view(s, "john").state) == ("consulted", "talking")
    assert view(s, "john").parties[0]["agent"] == "maria"


def test_an_attended_transfer_gives_the_call_to_who_was_asked() -> None:
    """Maria is out and wraps up while john talks with the caller; the record closes after both, with both parts."""
    s = consulting() >> Elapse(20) >> maria.asks(CompleteRequested)
    s = (
        s
        << the.EndLeg(leg="l1")
        << the.SetAudioPaths(paths=both("w1/1", "l2"))
        << the.RecordLegs(legs=("l2",))
    )
    s = s << the.Reply(ok=True)
    assert (view(s).state, view(s, "john").role) == ("wrap_up", "agent")
    s = s >> maria.is_gone() >> Elapse(5) >> maria.disposes(note="to john")
    assert s.center.agents["maria"].available
    s = s >> Elapse(25) >> caller.hangs_up() << the.WrapUpStarted(agent="john")
    s = s >> john.is_gone() >> is_recorded >> Elapse(4) >> john.disposes(note="refunded")
    assert parts(s) == [
        ("maria", "agent", 10.0, 23.0, "attended:john"),
        ("john", "agent", 30.0, 0.0, "caller/hang_up"),
    ]
    record = s.record()
    assert (record["agent"], record["note"], record["wrap_up_s"]) == ("john", "refunded", 9.0)
    assert (record["talk_s"], record["hold_s"], record["wait_s"]) == (40.0, 23.0, 0.0)
    assert record["segments"][0]["queue"] == "sales" and record["segments"][1]["queue"] == ""


def test_the_agent_swaps_between_caller_and_colleague() -> None:
    """Hold is the switch: who is not talked with hears music, and both never hear each other."""
    s = consulting() >> maria.asks(HoldRequested, held=False)
    s = s << the.PlayPrompts(leg="l2", repeat=True) << the.SetAudioPaths(paths=both("w1/1", "l1"))
    s = s << the.StopPlayback(leg="w1/1")
    assert view(s).parties[0]["state"] == "waiting" and not view(s).held
    s = s >> maria.asks(HoldRequested, held=True) << the.StopPlayback(leg="l2")
    s = s << the.SetAudioPaths(paths=both("l1", "l2")) << the.PlayPrompts(leg="w1/1", repeat=True)


def test_who_answers_while_the_agent_is_with_the_caller_again_waits_with_music() -> None:
    """The caller was taken back while it rang: the colleague is not thrown into their talk."""
    s = talking("john") >> asks() >> john.rings() >> maria.asks(HoldRequested, held=False) >> john.answers()
    s = s << the.PlayPrompts(leg="l2", repeat=True) << the.SetAudioPaths(paths=both("w1/1", "l1"))


def test_a_cancelled_consult_is_back_to_the_caller() -> None:
    """The colleague is free at once and wraps nothing up; the caller is off hold."""
    s = consulting() >> Elapse(5) >> maria.asks(CancelConsultRequested) << the.EndLeg(leg="l2")
    s = s << the.SetAudioPaths(paths=both("w1/1", "l1")) << the.StopPlayback(leg="w1/1") << the.Reply(ok=True)
    s = s << the.ConsultEnded(agent="maria", to_agent="john", outcome="cancelled", talked_s=5.0)
    assert s.center.agents["john"].available and not view(s).held
    s = talking("john") >> asks() >> john.rings() >> maria.asks(CancelConsultRequested)
    s = s << the.ConsultEnded(outcome="cancelled", talked_s=0.0)
    assert s.center.agents["john"].available


def test_a_conference_of_three_hears_each_other_and_is_recorded() -> None:
    """Caller and both agents; the agents' side of the recording is both."""
    s = conference() << the.ConsultEnded(outcome="joined") << the.PartyJoined(agent="john", by="maria")
    s = s << the.CallHeld(held=False)
    s = consulting() >> maria.asks(JoinRequested) << the.SetAudioPaths(paths=both("w1/1", "l1", "l2"))
    s = s << the.RecordLegs(legs=("l1", "l2")) << the.StopPlayback(leg="w1/1")
    s = s >> john.asks(MuteRequested, muted=True)
    heard = (("w1/1", "l2"), ("l1", "l2"), ("w1/1", "l1"), ("l1", "w1/1"))
    s = s << the.SetAudioPaths(paths=heard)
    assert view(s, "john").muted and not view(s).muted


@pytest.mark.parametrize("who", ["maria", "john"])
def test_who_leaves_a_conference_leaves_the_others_talking(who: str) -> None:
    """Be it who had the call or who came later; each who spoke with the caller wraps up."""
    leaver, stays = (maria, "john") if who == "maria" else (john, "maria")
    s = conference() >> Elapse(7) >> leaver.asks(HangUpRequested) << the.Reply(ok=True)
    leg = s.center.contacts["c1"].agent_leg
    assert s.center.contacts["c1"].agent == stays and leg == ("l2" if stays == "john" else "l1")
    assert any(isinstance(c, commands.SetAudioPaths) and c.paths == both("w1/1", leg) for c in s.commands)
    assert view(s, who).state == "wrap_up"
    s = s >> leaver.is_gone() >> leaver.disposes() >> Elapse(3) >> caller.hangs_up()
    s = s >> Desk(stays).is_gone() >> is_recorded >> Desk(stays).disposes()
    assert [(part[0], part[2]) for part in parts(s)] == (
        [("maria", 17.0), ("john", 10.0)] if who == "maria" else [("maria", 20.0), ("john", 7.0)]
    )
    assert (s.record()["agent"], s.record()["talk_s"]) == (stays, 20.0)


def drops(agent: str = "john", number: str = "") -> Deferred:
    return maria.asks(DropPartyRequested, party_agent=agent, party_number=number)


def test_one_of_a_conference_is_let_go() -> None:
    """The others talk on; who was let go wraps up, and the record says by whom."""
    s = (
        conference()
        >> Elapse(7)
        >> drops()
        << the.EndLeg(leg="l2")
        << the.PartyLeft(agent="john", by="maria")
    )
    s = s << the.SetAudioPaths(paths=both("w1/1", "l1")) << the.RecordLegs(legs=("l1",)) << the.Reply(ok=True)
    assert (view(s).parties, view(s).held, view(s, "john").state) == ((), False, "wrap_up")
    s = s >> john.is_gone() >> john.disposes() >> Elapse(3) >> caller.hangs_up() >> maria.is_gone()
    s = s >> is_recorded >> maria.disposes()
    assert [(part[0], part[2], part[4]) for part in parts(s)] == [
        ("maria", 20.0, "caller/hang_up"),
        ("john", 7.0, "dropped:maria"),
    ]


def test_of_two_conferees_the_one_meant_is_let_go() -> None:
    """An agent by name, who is outside by number; the other stays."""
    s = conference_with_ana() >> drops("ana") << the.SetAudioPaths(paths=both("w1/1", "l1", "l2"))
    assert [one["agent"] for one in view(s).parties] == ["john"]
    s = talking() >> maria.asks(ConsultRequested, to_number=OUTSIDE) >> outside("answers")
    s = s >> maria.asks(JoinRequested) >> drops("", OUTSIDE) << the.PartyLeft(number=OUTSIDE, by="maria")
    assert view(s).parties == () and view(s).state == "talking"


def test_who_cannot_be_let_go() -> None:
    """Who is only consulted, who is not in the call, who has left at the same moment, and nobody named."""
    s = consulting() >> drops() << the.Reply(ok=False, code="not_in_conference")
    assert view(s).parties[0]["state"] == "talking"
    for wanted in (drops("ana"), drops("maria"), drops(""), drops("john", OUTSIDE)):
        conference() >> wanted << the.Reply(ok=False, code="not_in_conference")
    s = conference()
    seen = s.center.contacts["c1"].version
    late = maria.asks(DropPartyRequested, version=seen, party_agent="john")
    s >> john.hangs_up() >> late << the.Reply(ok=False, code="stale")
    (
        conference()
        >> john.asks(DropPartyRequested, party_agent="maria")
        << the.Reply(ok=False, code="not_your_call")
    )


def test_somebody_outside_is_consulted_joined_and_stays_with_the_caller() -> None:
    """A number as the admin allows; keys go to whoever the agent talks with; the record names the number."""
    s = talking() >> maria.asks(ConsultRequested, to_number=OUTSIDE)
    s = s << the.DialLeg(target=OUTSIDE, headers={"X-CTI-Trunk": "carrier"})
    s = s >> outside("answers") << the.SetAudioPaths(paths=both("l1", "l2"))
    s = s >> maria.asks(DigitsRequested, digits="2") << the.SendDigits(leg="l2")
    s = (
        s
        >> maria.asks(JoinRequested)
        >> maria.asks(DigitsRequested, digits="3")
        << the.SendDigits(leg="w1/1")
    )
    s = s >> Elapse(5) >> maria.hangs_up() << the.SetAudioPaths(paths=both("w1/1", "l2"))
    s = s >> maria.disposes() >> Elapse(6) >> outside("ends", "remote") << the.EndLeg(leg="w1/1")
    s = s << the.CallEnded(party="outside", cause="hang_up")
    s = s >> caller.is_gone() >> is_recorded
    assert [part[:3] for part in parts(s)] == [("maria", "agent", 5.0), (OUTSIDE, "conferee", 11.0)]


def test_an_attended_transfer_outside_is_in_the_record() -> None:
    """The outcome is `transferred`, the part outside is the number's."""
    s = talking() >> Elapse(2) >> maria.asks(ConsultRequested, to_number=OUTSIDE) >> outside("answers")
    s = s >> maria.asks(CompleteRequested) << the.CallHandedOver(how="attended", to_number=OUTSIDE)
    s = s >> maria.is_gone() >> maria.disposes() >> Elapse(9) >> caller.hangs_up() >> outside("ends", "local")
    s = s >> is_recorded
    assert parts(s)[1] == (OUTSIDE, "agent", 9.0, 0.0, "caller/hang_up")
    assert (s.record()["outcome"], s.record()["agent"]) == ("transferred", "maria")


# --- races and losses ----------------------------------------------------------------------------------


def test_the_caller_hangs_up_during_a_consult() -> None:
    """Both agents are told: maria wraps up, john is free; the hold is in the record."""
    s = consulting() >> Elapse(5) >> caller.hangs_up() << the.EndLeg(leg="l1") << the.EndLeg(leg="l2")
    s = s << the.CallEnded(party="caller") << the.WrapUpStarted(agent="maria")
    s = s << the.ConsultEnded(outcome="call_over", talked_s=5.0)
    assert s.center.agents["john"].available
    s = s >> maria.is_gone() >> john.is_gone() >> is_recorded >> maria.disposes()
    assert parts(s) == [("maria", "agent", 10.0, 8.0, "caller/hang_up")]


def test_the_caller_hangs_up_while_the_colleagues_phone_rings() -> None:
    """The ring stops, nobody has missed a call."""
    s = talking("john") >> asks() >> john.rings() >> caller.hangs_up() << the.EndLeg(leg="l2")
    s = s << the.OfferEnded(agent="john", outcome="caller_gone") << the.ConsultEnded(outcome="call_over")
    assert s.center.agents["john"].available


@pytest.mark.parametrize("how", ["hangs up", "phone is lost", "rejects", "does not answer"])
def test_a_colleague_who_is_gone_leaves_the_caller_on_hold(how: str) -> None:
    """The agent takes the caller back when they know what to say: nothing is opened behind their back."""
    match how:
        case "hangs up":
            s = consulting() >> john.hangs_up() << the.ConsultEnded(outcome="left")
        case "phone is lost":
            lost = Deferred("media", lambda s: signals.LegEnded("w1", "l2", "media_timeout"))
            s = consulting() >> lost << the.ConsultEnded(outcome="left")
            assert view(s, "john").status == "not_ready"
        case "rejects":
            s = talking("john") >> asks() >> john.fails(603) << the.ConsultEnded(outcome="rejected")
        case _:
            s = talking("john") >> asks() >> john.rings() >> Elapse(20.0) << the.AgentRona(agent="john")
            s = s << the.ConsultEnded(outcome="no_answer")
    assert view(s).held and view(s).parties == () and view(s).state == "talking"
    s = s >> maria.asks(HoldRequested, held=False) << the.SetAudioPaths(paths=both("w1/1", "l1"))
    (s >> maria.asks(CompleteRequested)) << the.Reply(ok=False, code="nobody_consulted")


def test_both_press_at_once() -> None:
    """Maria completes while john hangs up: whichever comes first is done, the other is too late and harms nobody."""
    s = consulting()
    seen = s.center.contacts["c1"].version
    s = s >> john.hangs_up() >> maria.asks(CompleteRequested, version=seen)
    s = s << the.Reply(ok=False, code="stale")
    assert view(s).state == "talking" and view(s).held
    s = consulting()
    seen = s.center.contacts["c1"].version
    s = s >> maria.asks(CompleteRequested) >> john.asks(HangUpRequested, version=seen)
    s = s << the.Reply(ok=False, code="stale")
    assert view(s, "john").role == "agent"
    s = s >> maria.hangs_up() >> maria.asks(CompleteRequested) << the.Reply(ok=False, code="not_your_call")


def test_the_agents_phone_is_gone_in_a_consult() -> None:
    """Who was asked has the caller; so a BYE from the phone is an attended transfer, and a lost phone loses nobody."""
    s = consulting() >> maria.hangs_up() << the.SetAudioPaths(paths=both("w1/1", "l2"))
    s = (
        s
        << the.CallHandedOver(agent="maria", how="attended", to_agent="john")
        << the.CallBridged(agent="john")
    )
    s = consulting() >> Deferred("unplugged", lambda s: signals.LegEnded("w1", "l1", "media_timeout"))
    s = s << the.SetAudioPaths(paths=both("w1/1", "l2"))
    assert s.center.agents["maria"].after == "not_ready"


def test_an_agent_who_leaves_while_it_rings_hands_the_call_over() -> None:
    """It rings on; answered they talk, else the caller is back in the queue with the place of before."""
    s = talking("john") >> Elapse(30) >> asks() >> john.rings() >> Elapse(2) >> maria.asks(CompleteRequested)
    s = s << the.EndLeg(leg="l1") << the.CallHandedOver(how="blind", to_agent="john") << the.TransferStarted()
    assert s.center.contacts["c1"].state == "transferring"
    answered = s >> john.answers() << the.StopPlayback(leg="w1/1")
    answered = (
        answered << the.SetAudioPaths(paths=both("w1/1", "l2")) << the.CallBridged(agent="john", queue="")
    )
    s = talking("john") >> Elapse(30) >> asks() >> john.rings() >> maria.hangs_up() >> Elapse(20)
    s = s << the.TransferEnded(agent="john", outcome="no_answer") << the.CallQueued(queue="sales")
    assert s.center.contacts["c1"].state == "queued"
    assert s.center.contacts["c1"].head_start == pytest.approx(50.0)


def test_a_lost_phone_of_a_conference_leaves_the_others_talking() -> None:
    """Whichever agent's it is."""
    for leg, stays in (("l1", "john"), ("l2", "maria")):
        s = conference() >> signals.LegEnded("w1", leg, "media_timeout")
        assert (s.center.contacts["c1"].agent, view(s, stays).parties) == (stays, ())
        s = s >> caller.hangs_up() << the.CallEnded(party="caller")


def test_the_browser_closes_in_a_consult() -> None:
    """Nothing happens to the call, and the page that opens again sees all of it."""
    s = consulting() >> maria.opens_page()
    (s >> maria.closes_page()).without(the.EndLeg()).without(the.SetAudioPaths())
    s = s >> maria.opens_page()
    assert view(s).held and view(s).parties[0]["agent"] == "john"


def test_a_worker_that_dies_frees_everybody() -> None:
    """Both phones get their BYE from the edge, both agents are free without a wrap-up."""
    s = conference() >> signals.WorkerLost("w1", "killed") << the.CallEnded(cause="worker_lost")
    assert s.center.agents["maria"].available and s.center.agents["john"].available


@pytest.mark.parametrize("moment", range(4))
def test_a_consult_survives_a_kill_of_the_engine(moment: int) -> None:
    """At every stage: ringing, talking, in conference, handed over."""
    steps = [asks(), john.answers(), maria.asks(JoinRequested), maria.asks(HangUpRequested)]
    s = talking("john")
    for number, step in enumerate(steps):
        s = s >> step
        if number == moment:
            s = s >> Restart()
    assert s.center.contacts["c1"].agent == "john"
    s = s >> caller.hangs_up() >> john.is_gone() >> maria.is_gone() >> is_recorded
    s = s >> maria.disposes() >> john.disposes()
    assert len(s.record()["segments"]) == 2


# --- refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"to_agent": "nobody"}, "unknown_target"),
        ({"to_agent": "maria"}, "unknown_target"),
        ({}, "unknown_target"),
        ({"to_agent": "john", "to_number": OUTSIDE}, "unknown_target"),
        ({"to_agent": "ana"}, "target_busy"),
        ({"to_number": "+1900"}, "number_not_allowed"),
        ({"to_number": "34 91"}, "number_not_allowed"),
    ],
)
def test_whom_an_agent_cannot_ask(target: dict[str, Any], code: str) -> None:
    """Refused with a code, and the caller is not put on hold."""
    s = talking("john") >> maria.asks(ConsultRequested, **target) << the.Reply(ok=False, code=code)
    s.without(the.SetAudioPaths()).without(the.DialLeg())


def test_the_last_leg_is_kept_for_a_supervisor_but_in_a_conference() -> None:
    """With three phones a fourth is refused, unless all of them talk with each other; a fifth always."""
    s = talking("john", "ana") >> asks() >> maria.asks(ConsultRequested, to_agent="ana")
    s = s << the.Reply(ok=False, code="others_in_call")
    s = talking("john", "ana") >> asks() >> john.answers() >> john.hangs_up()
    s = s >> asks() >> john.answers() >> maria.asks(CancelConsultRequested)  # its phone is still ending
    s = s >> maria.asks(ConsultRequested, to_agent="ana") << the.Reply(ok=False, code="no_leg_left")
    s = conference_with_ana()
    s = s >> maria.asks(ConsultRequested, to_number=OUTSIDE) << the.Reply(ok=False, code="no_leg_left")


def conference_with_ana() -> Scenario:
    s = talking("john", "ana") >> asks() >> john.answers() >> maria.asks(JoinRequested)
    s = s >> maria.asks(ConsultRequested, to_agent="ana") << the.Reply(ok=True)
    s.without(the.CallHeld())
    s = s >> ana.answers() << the.SetAudioPaths(paths=(*both("w1/1", "l2"), *both("l1", "l3")))
    return s >> maria.asks(JoinRequested) << the.SetAudioPaths(paths=both("w1/1", "l1", "l2", "l3"))


def test_only_who_has_the_call_says_what_becomes_of_it() -> None:
    """A guest may mute and leave; the rest is refused. Who has handed over has no say any more."""
    s = conference()
    for request in (CompleteRequested, JoinRequested, CancelConsultRequested):
        s = s >> john.asks(request) << the.Reply(ok=False, code="not_your_call")
    s = s >> john.asks(HoldRequested, held=True) << the.Reply(ok=False, code="not_your_call")
    s = s >> john.asks(TransferRequested, to_queue="sales") << the.Reply(ok=False, code="not_your_call")
    s = s >> maria.asks(TransferRequested, to_queue="sales") << the.Reply(ok=False, code="others_in_call")
    s = consulting() >> maria.asks(CompleteRequested)
    s = s >> maria.asks(HangUpRequested) << the.Reply(ok=False, code="not_your_call")
    s = s >> maria.asks(HoldRequested, held=True) << the.Reply(ok=False, code="not_your_call")


def test_a_paused_recording_goes_on_with_the_next_agent() -> None:
    """A pause is the agent's who asked for it."""
    s = consulting() >> maria.asks(PauseRecordingRequested, paused=True) >> maria.asks(CompleteRequested)
    s = s << the.PauseRecording(paused=False) << the.RecordLegs(legs=("l2",))
