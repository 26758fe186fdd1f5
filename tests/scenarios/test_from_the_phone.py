"""Transfers begun on the phone: blind and attended REFER, the second line to consult, and every race of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core import commands, events, signals
from cti_engine.core.definitions import AgentDefinition, TransferRules
from cti_engine.core.party_signals import (
    CancelConsultRequested,
    CompleteRequested,
    JoinRequested,
    TransferRequested,
)
from cti_engine.core.signals import HoldRequested, LegHeld, TransferAsked
from tests.scenarios.playbook import (
    Caller,
    Deferred,
    Desk,
    Elapse,
    Expected,
    Restart,
    Scenario,
    dialog,
    is_recorded,
    the,
)
from tests.scenarios.small_center import DEFINITIONS
from tests.scenarios.test_consult import both, outside, parts, view

caller, maria, john, ana = Caller(), Desk("maria"), Desk("john"), Desk("ana")
OUTSIDE = "+34911234567"
AGENTS = {**DEFINITIONS.agents, "john": AgentDefinition("john", "John", extension="202")}
RULES = replace(DEFINITIONS, agents=AGENTS, transfers=TransferRules(numbers=("+349",), trunk="carrier"))
LINE = "w1/2"
"""The second line of maria's phone."""


def talking(*ready: str) -> Scenario:
    """Maria has the call (l1) for 10 s; the others are ready."""
    s = Scenario(RULES, ready=("maria", *ready)) >> caller.calls("1000") >> caller.found("c1")
    return s >> caller.connects() >> maria.rings() >> maria.answers() >> Elapse(10)


def refers(target: str, leg: str = "l1", replaces: str = "") -> signals.Signal:
    return TransferAsked("w1", leg, target, replaces)


def calls(target: str) -> signals.Signal:
    """Maria's phone calls on its second line."""
    return signals.InviteReceived("w1", LINE, "maria", target, source="account:maria")


line_answered = signals.LegAnswered("w1", LINE, dialog(LINE))
line_hangs_up = signals.LegEnded("w1", LINE, "remote")


def told(code: int, leg: str = "l1") -> Expected:
    return the.TellTransfer(leg=leg, sip_code=code)


def consulting(target: str = "202") -> Scenario:
    """Maria's phone holds the caller and asks john (l2) on its second line, who has answered after 3 s."""
    s = talking("john") >> maria.holds() >> calls(target) >> john.rings() >> Elapse(3) >> john.answers()
    return s >> line_answered


# --- blind ---------------------------------------------------------------------------------------------


def test_a_blind_transfer_from_the_phone() -> None:
    """John's phone rings, the caller hears music, maria's phone is told and let go when john answers: she wraps up,
    and the record is as if the page had asked.
    """
    s = talking("john") >> refers("202") << the.PlayPrompts(leg="w1/1", repeat=True)
    s = s << the.DialLeg(target="john", worker="w1", transfers=True)
    s = s << the.TransferStarted(agent="john", ring_s=20.0)
    s = s << the.CallOffered(agent="john", queue="", purpose="blind", by="maria")
    assert (view(s).state, view(s).held, view(s).parties[0]["state"]) == ("talking", True, "ringing")
    s = s.without(the.EndLeg()) >> john.rings() >> Elapse(4) >> john.answers()
    s = s << told(200) << the.EndLeg(leg="l1") << the.SetAudioPaths(paths=both("w1/1", "l2"))
    s = (
        s
        << the.CallHandedOver(agent="maria", how="blind", to_agent="john")
        << the.WrapUpStarted(agent="maria")
    )
    s = s << the.TransferEnded(agent="john", outcome="answered", rang_s=4.0)
    s = s << the.CallBridged(agent="john", queue="", waited_s=0.0, rang_s=4.0)
    s = s >> maria.hangs_up() >> maria.disposes(note="one") >> Elapse(9) >> caller.hangs_up()
    s = s >> john.is_gone() >> is_recorded >> john.disposes(note="two")
    assert parts(s) == [
        ("maria", "agent", 10.0, 4.0, "blind:john"),
        ("john", "agent", 9.0, 0.0, "caller/hang_up"),
    ]
    record = s.record()
    assert (record["transfers"], record["agent"], record["note"]) == (["john:answered"], "john", "two")
    assert record["talk_s"] == 19.0 and s.anomalies == []


@pytest.mark.parametrize(
    ("ends", "code", "outcome"),
    [
        (john.fails(486), 486, "busy"),
        (john.fails(603), 603, "rejected"),
        (john.fails(503), 503, "unreachable"),
        (Elapse(20.0), 480, "no_answer"),
    ],
)
def test_a_target_that_is_not_reached_leaves_the_caller_with_the_agent(
    ends: Deferred | Elapse, code: int, outcome: str
) -> None:
    """The phone is told why, caller and agent hear each other again, and another transfer is possible."""
    s = talking("john") >> refers("john") >> john.rings() >> ends << the.StopPlayback(leg="w1/1")
    assert any(isinstance(c, commands.TellTransfer) and c.sip_code == code for c in s.commands)
    assert any(isinstance(e, events.TransferEnded) and e.outcome == outcome for _, e in s.facts)
    assert (view(s).state, view(s).held, view(s).parties) == ("talking", False, ())
    s = (
        s
        >> john.is_gone()
        >> refers(OUTSIDE)
        << the.DialLeg(target=OUTSIDE, headers={"X-CTI-Trunk": "carrier"})
    )
    s = s >> outside("answers") << told(200) << the.CallHandedOver(how="blind", to_number=OUTSIDE)
    assert s.center.contacts["c1"].agent == ""
    s = s >> maria.is_gone() >> maria.disposes() >> Elapse(5) >> caller.hangs_up() >> outside("ends", "local")
    s = s >> is_recorded
    assert [part[0] for part in parts(s)] == ["maria", OUTSIDE] and s.record()["outcome"] == "transferred"


def test_to_a_queue_and_to_one_of_our_numbers() -> None:
    """There is nobody to wait for: the phone is told at once, and let go."""
    s = talking() >> refers("support") << told(200) << the.EndLeg(leg="l1")
    s = s << the.CallHandedOver(how="blind", to_queue="support") << the.CallQueued(queue="support")
    s = talking() >> refers("2000") << told(200) << the.EndLeg(leg="l1")
    s = s << the.CallHandedOver(how="blind", to_number="2000") << the.IvrStepEntered(flow="menu")


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("nobody", 403),
        ("ana", 486),
        ("maria", 404),
        ("+1900123456", 403),
        ("34 91", 403),
        ("112", 403),
        ("", 404),
    ],
)
def test_whom_a_phone_may_not_transfer_to(target: str, code: int) -> None:
    """By the rules of the page: told so, in one line of the log, and the call goes on untouched."""
    s = talking("john") >> refers(target) << told(code)
    s = s.without(the.DialLeg()).without(the.SetAudioPaths()).without(the.PlayPrompts())
    assert len(s.anomalies) == 1 and "l1: no transfer to" in s.anomalies[0]
    assert not view(s).held


def test_who_is_not_the_agent_of_the_call_transfers_nothing() -> None:
    """A caller, a colleague who is asked, and a phone outside: refused, and told so."""
    s = talking() >> refers("2000", leg="w1/1") << told(403, "w1/1")
    s.without(the.CallHandedOver())
    s = consulting() >> refers("2000", leg="l2") << told(403, "l2")
    s.without(the.CallHandedOver())
    s = talking() >> refers(OUTSIDE) >> outside("answers") >> refers("2000", leg="l2") << told(403, "l2")
    s.without(the.EndLeg())


def test_the_phone_hangs_up_right_after_its_refer() -> None:
    """Many do: the transfer goes on, the agent wraps up; unreached, the caller is in the queue again."""
    s = talking("john") >> refers("202") >> maria.hangs_up()
    s = (
        s
        << the.CallHandedOver(agent="maria", how="blind", to_agent="john")
        << the.WrapUpStarted(agent="maria")
    )
    s = s.without(the.TransferStarted()).without(the.TransferEnded())
    assert s.center.contacts["c1"].state == "transferring"
    done = s >> john.rings() >> Elapse(2) >> john.answers() << the.SetAudioPaths(paths=both("w1/1", "l2"))
    done = done << the.TransferEnded(outcome="answered") << the.CallBridged(agent="john")
    s = talking("john") >> refers("202") >> maria.hangs_up() >> john.rings() >> Elapse(20)
    s = s << the.TransferEnded(outcome="no_answer") << the.CallQueued(queue="sales")
    s = talking() >> refers(OUTSIDE) >> maria.hangs_up() >> outside("answers")
    s = s << the.SetAudioPaths(paths=both("w1/1", "l2"))


def test_a_phone_that_hangs_up_because_its_transfer_has_failed() -> None:
    """Baresip does: the caller is not hung up on but waits in the queue again, with the place of before. A second
    later it is a human who hangs up, on the caller.
    """
    s = talking("john") >> refers("202") >> john.fails(486) >> maria.hangs_up()
    s = (
        s
        << the.CallHandedOver(agent="maria", how="returned", to_queue="sales")
        << the.CallQueued(queue="sales")
    )
    assert s.center.contacts["c1"].head_start == 10.0 and view(s).state == "wrap_up"
    s = talking("john") >> refers("202") >> john.fails(486) >> Elapse(1.5) >> maria.hangs_up()
    s = s << the.CallEnded(party="agent")


def test_the_caller_hangs_up_between_refer_and_bridge() -> None:
    """The target's ring stops and nobody has missed a call; maria wraps up. One that answers at that moment is hung
    up on.
    """
    s = talking("john") >> refers("202") >> john.rings() >> caller.hangs_up() << the.EndLeg(leg="l2")
    s = s << the.EndLeg(leg="l1") << the.CallEnded(party="caller") << the.WrapUpStarted(agent="maria")
    s = s << the.TransferEnded(agent="john", outcome="call_over")
    assert s.center.agents["john"].available
    s = s >> john.answers() >> maria.is_gone() >> john.is_gone() >> is_recorded >> maria.disposes()
    assert [part[4] for part in parts(s)] == ["caller/hang_up"]


def test_the_target_hangs_up_while_ringing_or_right_after() -> None:
    """While it rings that is a refusal; afterwards it is john who has hung up on the caller."""
    s = talking("john") >> refers("202") >> john.rings() >> john.fails(487) << told(503)
    assert view(s).state == "talking"
    s = talking("john") >> refers("202") >> john.answers() >> john.hangs_up() << the.CallEnded(party="agent")


def test_refer_and_the_pages_transfer_at_once() -> None:
    """Whichever comes first is done, the other is too late."""
    s = talking("john", "ana")
    seen = s.center.contacts["c1"].version
    s = s >> refers("202") >> maria.asks(TransferRequested, version=seen, to_agent="ana")
    s = s << the.Reply(ok=False, code="stale")
    s = s >> maria.asks(TransferRequested, to_agent="ana") << the.Reply(ok=False, code="others_in_call")
    s = s >> john.answers() << told(200)
    s = talking("john", "ana") >> maria.asks(TransferRequested, to_agent="ana")
    (s >> refers("202")).without(the.DialLeg()).without(the.TellTransfer())
    assert s.late == 1


def test_a_refer_that_comes_twice() -> None:
    """The second is refused, the first goes on: one phone rings."""
    s = talking("john", "ana") >> refers("202") >> refers("ana") << told(486)
    s.without(the.DialLeg())
    assert [c.target for c in s.commands if isinstance(c, commands.DialLeg)] == ["maria", "john"]


def test_the_page_takes_the_caller_back_or_lets_go_at_once() -> None:
    """What the phone has begun is seen in the page: cancelled there the phone is told 487, completed it is let go."""
    s = talking("john") >> refers("202") >> john.rings() >> maria.asks(CancelConsultRequested)
    s = (
        s
        << told(487)
        << the.SetAudioPaths(paths=both("w1/1", "l1"))
        << the.TransferEnded(outcome="cancelled")
    )
    assert s.center.agents["john"].available
    s = (
        talking("john")
        >> refers("202")
        >> john.rings()
        >> maria.asks(CompleteRequested)
        << the.EndLeg(leg="l1")
    )
    s = s >> john.answers() << the.TransferEnded(outcome="answered") << the.CallBridged(agent="john")


# --- the second line -----------------------------------------------------------------------------------


def test_a_second_line_is_a_consult() -> None:
    """Its INVITE is no new call: john's phone rings on the same worker, the line is answered when john answers, and
    they talk there, while the caller hears music.
    """
    s = talking("john") >> maria.holds() >> calls("202") << the.PlayPrompts(leg="w1/1", repeat=True)
    s = s << the.DialLeg(target="john", worker="w1") << the.ConsultStarted(agent="maria", to_agent="john")
    s = s.without(the.CallArrived()).without(the.AnswerLeg()) >> john.rings()
    s = s.without(the.PlayPrompts(leg="l1")) >> john.answers()
    s = s << the.AnswerLeg(leg=LINE) << the.SetAudioPaths(paths=both(LINE, "l2")) >> line_answered
    assert (view(s).parties[0]["agent"], view(s, "john").role) == ("john", "consulted")
    assert len(s.center.contacts) == 1


def test_an_attended_transfer_from_the_phone() -> None:
    """REFER with Replaces: caller and john are joined, both lines of maria's phone are let go, she wraps up."""
    s = consulting() >> Elapse(20) >> refers("202", replaces=LINE) << told(200) << the.EndLeg(leg=LINE)
    s = (
        s
        << the.EndLeg(leg="l1")
        << the.SetAudioPaths(paths=both("w1/1", "l2"))
        << the.RecordLegs(legs=("l2",))
    )
    s = (
        s
        << the.CallHandedOver(agent="maria", how="attended", to_agent="john")
        << the.CallBridged(agent="john")
    )
    s = s >> maria.is_gone() >> signals.LegEnded("w1", LINE, "local") >> Elapse(5) >> maria.disposes()
    s = s >> Elapse(25) >> caller.hangs_up() >> john.is_gone() >> is_recorded >> john.disposes()
    assert parts(s) == [
        ("maria", "agent", 10.0, 23.0, "attended:john"),
        ("john", "agent", 30.0, 0.0, "caller/hang_up"),
    ]


def test_the_refer_may_come_on_the_other_line() -> None:
    """Some phones send it where the consult is, and name the caller's."""
    s = consulting() >> refers("1000", leg=LINE, replaces="l1") << told(200, LINE)
    s = s << the.CallHandedOver(how="attended", to_agent="john")


def test_somebody_outside_is_consulted_by_the_second_line() -> None:
    """As the admin allows; what they hear of the agent is the second line."""
    s = talking() >> calls("0034911234567") << the.DialLeg(target=OUTSIDE, headers={"X-CTI-Trunk": "carrier"})
    s = s >> outside("answers") << the.AnswerLeg(leg=LINE) << the.SetAudioPaths()
    s = s >> line_answered >> refers(OUTSIDE, replaces=LINE)
    s = s << the.CallHandedOver(how="attended", to_number=OUTSIDE)
    assert s.center.contacts["c1"].agent_leg == "l2"


def test_a_transfer_while_the_second_line_still_rings() -> None:
    """The phone is told when john answers, and may hang up its second line meanwhile; or both."""
    s = talking("john") >> maria.holds() >> calls("202") >> john.rings() >> refers("202", replaces=LINE)
    s = s << the.ConsultEnded(outcome="handed_over") << the.TransferStarted(agent="john")
    s = (s >> line_hangs_up).without(the.EndLeg())
    stays = s >> john.answers() << told(200) << the.CallHandedOver(how="blind", to_agent="john")
    assert stays.center.contacts["c1"].agent == "john"
    s = talking("john") >> calls("202") >> john.rings() >> refers("202", replaces=LINE) >> line_hangs_up
    s = (
        s
        >> maria.hangs_up()
        << the.WrapUpStarted(agent="maria")
        >> Elapse(20)
        << the.CallQueued(queue="sales")
    )
    s = talking("john") >> calls("202") >> john.rings() >> refers("202", replaces=LINE) >> john.fails(486)
    s = s << told(486) << the.EndLeg(leg=LINE, sip_code=486) << the.SetAudioPaths(paths=both("w1/1", "l1"))


def test_the_phone_says_with_whom_the_agent_talks() -> None:
    """Its hold and resume on either line: who is not talked with hears music, and both never hear each other."""
    s = consulting() >> maria.holds(False) << the.StopPlayback(leg="w1/1")
    s = (
        s
        >> LegHeld("w1", LINE, True)
        << the.PlayPrompts(leg="l2")
        << the.SetAudioPaths(paths=both("w1/1", "l1"))
    )
    s = s >> LegHeld("w1", LINE, False) << the.StopPlayback(leg="l2") >> maria.holds()
    s = s << the.SetAudioPaths(paths=both(LINE, "l2"))
    assert view(s).held
    s = (
        s
        >> maria.asks(HoldRequested, held=False)
        << the.SetAudioPaths(paths=(*both("w1/1", "l1"), *both(LINE, "l2")))
    )


def test_the_second_line_is_hung_up() -> None:
    """Before or after john has answered: he is free, and the caller is no longer on hold for the engine."""
    for s in (consulting(), talking("john") >> calls("202") >> john.rings()):
        s = s >> line_hangs_up << the.EndLeg(leg="l2") << the.SetAudioPaths(paths=both("w1/1", "l1"))
        s = s << the.ConsultEnded(outcome="cancelled")
        assert s.center.agents["john"].available and not s.center.contacts["c1"].controls.held


def test_who_was_asked_hangs_up_or_is_not_reached() -> None:
    """The second line ends with the reason; the caller is with the agent's first line."""
    s = consulting() >> john.hangs_up() << the.EndLeg(leg=LINE) << the.SetAudioPaths(paths=both("w1/1", "l1"))
    s = talking("john") >> calls("202") >> john.fails(486) << the.EndLeg(leg=LINE, sip_code=486)
    s = s << the.SetAudioPaths(paths=both("w1/1", "l1")) << the.ConsultEnded(outcome="busy")
    s = s >> signals.LegEnded("w1", LINE, "local") >> refers("2000") << told(200)


def test_the_caller_hangs_up_while_the_second_line_talks() -> None:
    """All is over, as in a consult from the page; john is free."""
    s = (
        consulting()
        >> caller.hangs_up()
        << the.EndLeg(leg="l1")
        << the.EndLeg(leg="l2")
        << the.EndLeg(leg=LINE)
    )
    s = s << the.WrapUpStarted(agent="maria") << the.ConsultEnded(outcome="call_over")
    assert s.center.agents["john"].available


def test_the_first_line_is_hung_up_in_a_consult() -> None:
    """Who has the caller leaves: as from the page, the caller goes to whoever was asked."""
    s = (
        consulting()
        >> maria.hangs_up()
        << the.EndLeg(leg=LINE)
        << the.SetAudioPaths(paths=both("w1/1", "l2"))
    )
    s = s << the.CallHandedOver(how="attended", to_agent="john")


def test_the_page_may_complete_or_join_what_the_phone_has_begun() -> None:
    """The second line is let go in both cases; joined, maria is in the room with her first."""
    s = consulting() >> maria.asks(CompleteRequested) << the.EndLeg(leg=LINE) << the.EndLeg(leg="l1")
    s = consulting() >> maria.holds(False) >> maria.asks(JoinRequested) << the.EndLeg(leg=LINE)
    s = s << the.SetAudioPaths(paths=both("w1/1", "l1", "l2"))


@pytest.mark.parametrize(
    ("target", "code"), [("nobody", 403), ("ana", 486), ("+1900123456", 403), ("maria", 404)]
)
def test_a_second_call_that_is_not_made(target: str, code: int) -> None:
    """Refused as a transfer there would be; no contact, no record, the caller is not put on hold."""
    s = talking("john") >> calls(target) << the.RejectLeg(leg=LINE, sip_code=code)
    s = s.without(the.DialLeg()).without(the.SetAudioPaths()).without(the.CallArrived())
    s = s >> signals.LegEnded("w1", LINE, "local", code)
    assert list(s.center.contacts) == ["c1"] and LINE not in s.center.legs and len(s.anomalies) == 1


def test_a_second_call_when_there_is_no_conversation_for_it() -> None:
    """A third line, one of a colleague who is asked, and one after the call."""
    s = consulting() >> signals.InviteReceived("w1", "w1/3", "maria", OUTSIDE, source="account:maria")
    s = s << the.RejectLeg(leg="w1/3", sip_code=486)
    s = consulting() >> signals.InviteReceived("w1", "w1/3", "john", OUTSIDE, source="account:john")
    s = s << the.RejectLeg(leg="w1/3", sip_code=403)
    s = talking("john") >> caller.hangs_up() >> calls("202") << the.RejectLeg(leg=LINE, sip_code=403)


def test_a_replaces_that_names_no_consult() -> None:
    """Refused and told; nothing happens."""
    s = talking("john") >> refers("202", replaces="w1/1") << told(403)
    s.without(the.SetAudioPaths())
    s = consulting() >> refers("202", replaces="l2") << told(403)
    s.without(the.CallHandedOver())


@pytest.mark.parametrize("moment", range(5))
def test_the_engine_is_killed_at_any_moment_of_an_attended_transfer(moment: int) -> None:
    """Nothing is lost, whichever step was the last that was stored."""
    s = talking("john")
    steps = [maria.holds(), calls("202"), john.answers(), line_answered, refers("202", replaces=LINE)]
    for number, step in enumerate(steps):
        s = s >> step
        if number == moment:
            s = s >> Restart()
    assert s.center.contacts["c1"].agent == "john"
    s = s >> maria.is_gone() >> signals.LegEnded("w1", LINE, "local") >> caller.hangs_up() >> john.is_gone()
    s = s >> is_recorded >> maria.disposes() >> john.disposes()
    assert [part[4] for part in parts(s)] == ["attended:john", "caller/hang_up"]


def test_the_worker_dies_with_two_lines() -> None:
    """All phones get their BYE from the edge, both agents are free."""
    s = consulting() >> signals.WorkerLost("w1", "killed") << the.CallEnded(cause="worker_lost")
    assert s.center.agents["maria"].available and s.center.agents["john"].available
