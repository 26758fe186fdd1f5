"""Transfers by a flow: an agent or a number is rung for the caller; who answers has the call, else the flow goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.commands.explain_words import why
from cti_engine.core import commands, events, signals
from cti_engine.core.definitions import AgentDefinition, CenterDefinitions, TransferRules
from cti_engine.core.ivr.flow import (
    EndCall,
    EnterQueue,
    Gather,
    GoToFlow,
    Say,
    Spoken,
    Step,
    Template,
    Transfer,
)
from tests.scenarios.playbook import (
    Caller,
    Deferred,
    Desk,
    Elapse,
    Late,
    Restart,
    Scenario,
    dialog,
    is_recorded,
    the,
)
from tests.scenarios.small_center import DEFINITIONS, flow, spoken, with_flows, with_number, with_queues

maria, john = Desk("maria"), Desk("john")
caller = Caller("w1")
OUTSIDE = "+34911234567"
STEP = Transfer(content=spoken("music"), busy="is_busy", no_answer="nobody", failed="fails", seconds=15.0)
REST: dict[str, Step] = {
    "is_busy": Say(spoken("The line is busy."), "bye"),
    "nobody": Say(spoken("Nobody answers."), "bye"),
    "fails": Say(spoken("That does not work."), "bye"),
    "bye": EndCall(),
}
TYPED = Gather(prompt=spoken("Which number?"), into="typed", next="go", no_input="bye", no_match="bye")


def center(step: Transfer | GoToFlow, *ready: str, typed: bool = False, **rules: object) -> Scenario:
    """The caller of 7000 is transferred at once, or after typing a number."""
    first = {"ask": TYPED, "go": step} if typed else {"go": step}
    return in_flow(with_number("7000", "over", with_flows(flow("over", **first, **REST))), *ready, **rules)


def in_flow(base: CenterDefinitions, *ready: str, **rules: object) -> Scenario:
    agents = {**base.agents, "maria": AgentDefinition("maria", "Maria", extension="201")}
    definitions = replace(base, agents=agents, transfers=TransferRules(**rules))  # type: ignore[arg-type]
    s = Scenario(definitions, ready=ready)
    return s >> caller.calls("7000") >> caller.connects() >> caller.found("c1")


def to(**target: object) -> Transfer:
    return replace(STEP, **target)  # type: ignore[arg-type]


def outside(name: str, value: object = "") -> Deferred:
    """What the phone outside does."""

    def signal(s: Scenario) -> signals.Signal:
        leg = next(c for c in reversed(s.commands) if isinstance(c, commands.DialLeg))
        match name:
            case "rings":
                return signals.LegRinging(leg.worker, leg.leg, 180, dialog(leg.leg))
            case "answers":
                return signals.LegAnswered(leg.worker, leg.leg, dialog(leg.leg))
            case "fails":
                return signals.LegFailed(leg.worker, leg.leg, int(str(value)))
            case "refused":
                return signals.CommandRefused(leg.worker, "DialLeg", leg.leg, str(value))
            case _:
                return signals.LegEnded(leg.worker, leg.leg, str(value))

    return Deferred(f"the phone outside {name} {value}", signal)


def hears(s: Scenario, text: str) -> Scenario:
    played = [c for c in s.commands if isinstance(c, commands.PlayPrompts)][-1]
    assert text in played.prompts[0].value, played
    return s


# --- to an agent -------------------------------------------------------------------------------------


def test_to_an_agent() -> None:
    """The agent gets the pop and the ring as for any call, on the caller's worker; answered, both talk and are
    recorded, the flow is over. The record has agent, talk and transfer; there was no queue.
    """
    s = center(to(agent="maria"), "maria", "john") << the.PlayPrompts(repeat=True)
    s = s << the.DialLeg(target="maria", worker="w1", caller_number=caller.ani)
    s = s << the.TransferStarted(contact="c1", agent="maria", ring_s=15.0)
    s = s << the.CallOffered(contact="c1", agent="maria", queue="", waited_s=0.0)
    assert s.center.contacts["c1"].state == "transferring"
    s = s >> maria.rings() >> Elapse(4) >> maria.answers() << the.StopPlayback() << the.SetAudioPaths()
    s = s << the.TransferEnded(agent="maria", outcome="answered", rang_s=4.0)
    s = s << the.CallBridged(contact="c1", agent="maria", queue="", waited_s=0.0)
    assert s.center.contacts["c1"].flow is None
    s = s >> Elapse(60) >> caller.hangs_up() << the.WrapUpStarted(agent="maria")
    s = s >> maria.is_gone() >> is_recorded >> maria.disposes()
    record = s.record()
    assert (record["agent"], record["outcome"], record["queue"]) == ("maria", "answered", "")
    assert (record["talk_s"], record["ring_s"], record["wait_s"]) == (60.0, 4.0, 0.0)
    assert record["transfers"] == ["maria:answered"]
    assert s.center.agents["maria"].available


def test_the_offer_explains_itself() -> None:
    """`cti-engine explain` says that a flow wanted this agent: no rules were asked."""
    s = center(to(agent="maria"), "maria")
    reserved = next(fact for _, fact in s.facts if isinstance(fact, events.AgentReserved))
    assert list(why({"queue": reserved.queue, "why": reserved.why})) == [
        "A flow of this call, or another agent, wanted this agent and no other."
    ]


def test_the_pop_comes_before_the_ring() -> None:
    """An agent with a page open sees who calls first, with what the caller chose."""
    step = to(agent=Template((Spoken("typed", ""),)))
    base = with_number("7000", "over", with_flows(flow("over", ask=TYPED, go=step, **REST)))
    agents = {**base.agents, "maria": AgentDefinition("maria", "Maria", extension="201")}
    s = Scenario(replace(base, agents=agents), ready=("maria",)) >> maria.opens_page()
    s = s >> caller.calls("7000") >> caller.connects() >> caller.found("c1", segment="gold")
    for key in "201":
        s = s >> caller.presses(key)
    s = (s >> caller.presses("#") << the.CallOffered(agent="maria", segment="gold")).without(the.DialLeg())
    s >> maria.sees_offer() << the.DialLeg(target="maria")


@pytest.mark.parametrize(
    ("ends", "outcome", "heard"),
    [
        (maria.fails(486), "busy", "busy"),
        (maria.fails(603), "rejected", "busy"),
        (maria.fails(480), "not_registered", "does not work"),
        (Elapse(15.0), "no_answer", "Nobody"),
    ],
)
def test_an_agent_who_does_not_take_it(ends: Deferred | Elapse, outcome: str, heard: str) -> None:
    """The flow goes on by the way for that, and the agent is treated as after any missed offer."""
    s = center(to(agent="maria"), "maria") >> maria.rings() >> ends
    s = s << the.TransferEnded(agent="maria", outcome=outcome)
    s = hears(s, heard)
    assert s.center.contacts["c1"].state == "in_flow"
    assert s.center.agents["maria"].status == "not_ready"
    s = s >> maria.is_gone() if outcome == "no_answer" else s
    s = s >> caller.hangs_up()
    assert s.record()["transfers"] == [f"maria:{outcome}"]
    assert (s.record()["outcome"], s.record()["cause"]) == ("left_in_menu", "caller/left_in_menu")


@pytest.mark.parametrize(
    ("agent", "doing", "heard"),
    [
        ("maria", (maria.is_not_ready(),), "busy"),
        ("maria", (maria.logs_out(),), "does not work"),
        ("maria", (maria.unregisters(),), "does not work"),
        ("ghost", (), "does not work"),
        ("", (), "does not work"),
    ],
)
def test_an_agent_who_cannot_be_rung(agent: str, doing: tuple[signals.Signal, ...], heard: str) -> None:
    """No phone rings: at once by the way for that."""
    base = with_number("7000", "over", with_flows(flow("over", go=to(agent=agent), **REST)))
    s = Scenario(base, ready=("maria",))
    for each in doing:
        s = s >> each
    s = (s >> caller.calls("7000") >> caller.connects() >> caller.found("c1")).without(the.DialLeg())
    s = hears(s.without(the.TransferStarted()), heard)


def test_an_agent_who_talks_is_busy() -> None:
    """Nobody is rung in a conversation, and the matcher cannot take who is being rung."""
    s = center(to(agent="maria"), "maria") >> maria.answers()
    second = Caller("w2", "+34600000002")
    s = s >> second.calls("7000") >> second.connects() >> second.found("c2")
    hears(s.without(the.DialLeg()), "busy")
    s = center(to(agent="maria"), "maria")
    (s >> second.calls("1000") >> second.connects() >> second.found("c2")).without(
        the.CallOffered(agent="maria")
    )


# --- outside -----------------------------------------------------------------------------------------


def test_to_the_outside() -> None:
    """By the trunk, with the center's number; answered, both talk and are recorded until one hangs up; no agent is
    involved, nobody wraps up.
    """
    s = (
        center(to(number=OUTSIDE, trunk="carrier"))
        << the.PlayPrompts(repeat=True)
        << the.DialLeg(
            target=OUTSIDE, worker="w1", caller_number="7000", headers={"X-CTI-Trunk": "carrier"}, fresh=False
        )
    )
    s = s << the.TransferStarted(number=OUTSIDE, trunk="carrier", agent="")
    s = s >> outside("rings") >> Elapse(6) >> outside("answers") << the.StopPlayback()
    s = s << the.SetAudioPaths() << the.StartRecording()
    s = s << the.TransferEnded(number=OUTSIDE, outcome="answered", rang_s=6.0)
    assert (s.center.contacts["c1"].state, s.center.contacts["c1"].flow) == ("talking", None)
    s = s >> Elapse(90) >> outside("ends", "remote") << the.EndLeg(leg=caller.leg)
    s = s.without(the.WrapUpStarted()) >> caller.is_gone() >> is_recorded
    record = s.record()
    assert (record["outcome"], record["agent"], record["cause"]) == ("transferred", "", "outside/hang_up")
    assert (record["talk_s"], record["ring_s"], record["transfers"]) == (90.0, 6.0, [f"{OUTSIDE}:answered"])
    assert record["recording"] == "/rec/c1.wav"


def test_the_caller_hangs_up_in_the_talk() -> None:
    """The phone outside is hung up too."""
    s = center(to(number=OUTSIDE)) >> outside("answers") >> Elapse(9) >> caller.hangs_up()
    s = s << the.EndLeg() << the.CallEnded(cause="hang_up", party="caller") >> outside("ends", "local")
    s = s >> is_recorded
    assert (s.record()["talk_s"], s.record()["outcome"]) == (9.0, "transferred")


@pytest.mark.parametrize(
    ("ends", "outcome", "heard"),
    [
        (outside("fails", 486), "busy", "busy"),
        (outside("fails", 603), "rejected", "busy"),
        (outside("fails", 404), "not_registered", "does not work"),
        (outside("fails", 503), "unreachable", "does not work"),
        (outside("fails", 480), "not_registered", "Nobody"),
        (outside("fails", 408), "unreachable", "Nobody"),
        (outside("ends", "remote"), "unreachable", "does not work"),
        (outside("refused", "no_leg_left"), "unreachable", "does not work"),
        (Elapse(15.0), "no_answer", "Nobody"),
    ],
)
def test_a_number_that_is_not_reached(ends: Deferred | Elapse, outcome: str, heard: str) -> None:
    """The flow goes on, and the caller's call is as it was."""
    s = center(to(number=OUTSIDE)) >> outside("rings") >> ends << the.TransferEnded(outcome=outcome)
    s = hears(s, heard)
    assert s.center.contacts["c1"].state == "in_flow"
    s = s >> outside("ends", "local") if outcome == "no_answer" else s
    s = s >> caller.hangs_up()
    assert s.record()["transfers"] == [f"{OUTSIDE}:{outcome}"]


@pytest.mark.parametrize(
    ("typed", "allowed"),
    [
        ("34911234567", False),  # begins otherwise than allowed
        ("0034911234567", True),
        ("0034806123456", False),  # premium rate
        ("00447700900123", False),
    ],
)
def test_a_number_that_the_caller_typed(typed: str, allowed: bool) -> None:
    """Only one that begins as the settings allow is dialled; by default none."""
    step = to(number=Template((Spoken("typed", ""),)))
    for rules in ({"numbers": ("+349",), "trunk": "carrier"}, {}):
        s = center(step, typed=True, **rules)
        for key in typed:
            s = s >> caller.presses(key)
        s = s >> caller.presses("#")
        if allowed and rules:
            s << the.DialLeg(target=f"+{typed[2:]}", headers={"X-CTI-Trunk": "carrier"})
        else:
            hears(s.without(the.DialLeg()), "does not work")


# --- races -------------------------------------------------------------------------------------------


def test_the_caller_hangs_up_while_it_rings() -> None:
    """The phone stops ringing, an agent is free again without blame, and the record says so."""
    s = center(to(agent="maria"), "maria") >> maria.rings() >> Elapse(3) >> caller.hangs_up()
    s = s << the.EndLeg(reason="caller_gone") << the.TransferEnded(outcome="caller_gone")
    s = s >> maria.is_gone()
    assert s.center.agents["maria"].available
    assert s.record()["cause"] == "caller/abandoned_in_transfer"
    s = center(to(number=OUTSIDE)) >> outside("rings") >> caller.hangs_up() << the.EndLeg()
    s = s << the.TransferEnded(number=OUTSIDE, outcome="caller_gone") >> outside("ends", "local")
    assert s.record()["cause"] == "caller/abandoned_in_transfer"


@pytest.mark.parametrize("target", ["agent", "number"])
def test_it_is_answered_as_the_caller_hangs_up(target: str) -> None:
    """The answer crossed the hang-up: whoever answered is hung up on, nobody is bridged to nobody."""
    s = center(to(agent="maria") if target == "agent" else to(number=OUTSIDE), "maria")
    s = s >> caller.hangs_up() >> outside("answers")
    s = s.without(the.SetAudioPaths()) >> outside("ends", "local")
    assert s.center.agents["maria"].available and s.record()["talk_s"] == 0.0
    assert s.anomalies == []


@pytest.mark.parametrize("target", ["agent", "number"])
def test_it_is_answered_as_the_time_is_over(target: str) -> None:
    """Too late is too late: the flow has gone on already."""
    s = center(to(agent="maria") if target == "agent" else to(number=OUTSIDE), "maria")
    s = s >> outside("rings") >> Elapse(15.0) << the.TransferEnded(outcome="no_answer")
    s = (s >> Late(0.5, outside("answers"))).without(the.SetAudioPaths())
    assert s.center.contacts["c1"].state == "in_flow" and s.anomalies == []


@pytest.mark.parametrize("target", ["agent", "number"])
@pytest.mark.parametrize("before", ["rings", "answers", "fails"])
def test_the_engine_is_killed(before: str, target: str) -> None:
    """At any moment: it rings on, is bridged or goes on by the right way, and the record is whole."""
    s = center(to(agent="maria") if target == "agent" else to(number=OUTSIDE), "maria")
    if before == "rings":
        s = s >> Restart()
    s = s >> outside("rings")
    if before == "answers":
        s = s >> Restart() >> outside("answers")
        assert s.center.contacts["c1"].state == "talking"
        s = s >> Restart() >> caller.hangs_up() >> outside("ends", "local") >> is_recorded >> Elapse(31)
        assert len(s.record()["transfers"]) == 1
    else:
        s = s >> Restart() >> outside("fails", 486) >> Elapse(2.5)
        assert s.center.contacts["c1"].flow is not None
        assert s.center.contacts["c1"].flow.step == "is_busy"


def test_the_phone_is_lost_while_the_engine_is_away() -> None:
    """The worker does not know the leg any more: the flow goes on."""
    s = center(to(number=OUTSIDE)) >> outside("rings")
    s = s >> signals.WorkerSeen("w1", (caller.leg,)) >> Elapse(1.5)
    hears(s, "does not work")


@pytest.mark.parametrize("target", ["agent", "number"])
def test_the_worker_dies(target: str) -> None:
    """The call ends as any whose worker is lost; the agent is free without blame."""
    s = center(to(agent="maria") if target == "agent" else to(number=OUTSIDE), "maria") >> outside("rings")
    s = s >> signals.WorkerLost("w1") << the.EndDialog() << the.TransferEnded(outcome="worker_lost")
    assert s.center.agents["maria"].available
    assert s.record()["cause"] == "system/worker_lost"


def test_a_phone_outside_that_vanishes() -> None:
    """Its RTP stays away in the talk: the call ends, with the other side as the cause."""
    s = center(to(number=OUTSIDE)) >> outside("answers") >> outside("ends", "media_timeout")
    s << the.CallEnded(cause="media_timeout", party="outside")


# --- within the center -------------------------------------------------------------------------------


def test_to_another_flow() -> None:
    """This flow is over, that one begins anew; what was chosen before is kept for the agent."""
    s = center(GoToFlow("to_support")) << the.IvrStepEntered(flow="to_support", step="enter")
    s << the.CallQueued(queue="support")


def test_to_a_number_of_this_center() -> None:
    """As if the caller had dialled it: its flow, in its language, and no phone rings."""
    numbers = replace(DEFINITIONS.dialled_numbers["3000"], language="es")
    base = replace(DEFINITIONS, dialled_numbers={**DEFINITIONS.dialled_numbers, "3000": numbers})
    over = flow("over", go=to(number="3000"), **REST)
    s = in_flow(with_number("7000", "over", with_flows(over, base=base)))
    s = s.without(the.DialLeg()) << the.CallAttributesSet(attributes={"language": "es"})
    s = s << the.CallQueued(queue="support")
    assert s.center.contacts["c1"].language == "es"


def test_flows_that_hand_over_in_circles() -> None:
    """Ended as a fault of the flows, not by the engine hanging."""
    back = flow("back", go=GoToFlow("over"))
    s = in_flow(with_number("7000", "over", with_flows(flow("over", go=GoToFlow("back")), back)))
    s << the.CallEnded(cause="flow_fault")


def waits(step: Transfer, *ready: str) -> Scenario:
    """In the queue support, whose treatment transfers with the key 1."""
    treatment = flow("treat", ask=TYPED, go=step, back=EnterQueue("support"), **REST)
    support = replace(DEFINITIONS.queues["support"], treatment="treat")
    base = with_queues(support, base=with_flows(treatment))
    return in_flow(with_number("7000", "to_support", base), *ready)


def test_out_of_a_queue_and_back() -> None:
    """Who waits leaves the queue for it. Where nobody answers, a step back into the queue finds the old place."""
    s = waits(to(number=OUTSIDE, no_answer="back")) >> Elapse(3)
    s = s >> caller.presses("1") >> caller.presses("#") << the.QueueLeft(contact="c1", reason="flow")
    s = s << the.TransferStarted(number=OUTSIDE) >> Elapse(15) << the.CallQueued(queue="support")
    assert s.center.contacts["c1"].queued_at == s.start + 0.0
    s = s >> outside("ends", "local") >> Desk("ana").registers() >> Desk("ana").is_ready()
    s << the.CallOffered(agent="ana", queue="support", waited_s=18.0)


def test_too_late_out_of_a_queue() -> None:
    """An agent's phone rings for the call already: nobody else is rung."""
    s = waits(to(number=OUTSIDE), "ana")
    assert s.center.contacts["c1"].state == "offered"
    (s >> caller.presses("1") >> caller.presses("#")).without(the.TransferStarted())
