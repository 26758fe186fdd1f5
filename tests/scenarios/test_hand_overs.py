"""An agent lets a call go: blind transfer, back to the queue, parked, escalated; the caller is never lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cti_engine.core import commands, signals
from cti_engine.core.definitions import TransferRules
from cti_engine.core.party_signals import (
    EscalateRequested,
    ParkRequested,
    PickUpRequested,
    ReturnRequested,
    TargetsRequested,
    TransferRequested,
)
from tests.scenarios import test_callbacks as callbacks
from tests.scenarios.playbook import Caller, Deferred, Desk, Elapse, Restart, Scenario, is_recorded, the
from tests.scenarios.small_center import DEFINITIONS
from tests.scenarios.test_consult import both, outside, view

caller, maria, john, ana = Caller(), Desk("maria"), Desk("john"), Desk("ana")
OUTSIDE = "+34911234567"
RULES = TransferRules(numbers=("+349",), trunk="carrier")


def talking(*ready: str, rules: TransferRules = RULES, dnis: str = "1000") -> Scenario:
    """Maria has answered after 5 s in the queue, and talked for 30; then the others are ready."""
    s = Scenario(replace(DEFINITIONS, transfers=rules)) >> caller.calls(dnis) >> caller.found("c1")
    s = s >> caller.connects() >> Elapse(5) >> maria.registers() >> maria.is_ready()
    s = s >> maria.rings() >> maria.answers() << the.CallBridged(agent="maria", waited_s=5.0) >> Elapse(30)
    for agent in ready:
        s = s >> Desk(agent).registers() >> Desk(agent).is_ready()
    return s


def transfers(**target: Any) -> Deferred:
    return maria.asks(TransferRequested, **target)


def to_john() -> Scenario:
    return talking("john") >> transfers(to_agent="john", note="wants a refund")


# --- blind ---------------------------------------------------------------------------------------------


def test_a_blind_transfer_lets_the_agent_go_at_once() -> None:
    """Maria wraps up while john's phone rings and the caller hears music; john's page says by whom and why."""
    s = to_john() << the.PlayPrompts(leg="w1/1", repeat=True) << the.SetAudioPaths(paths=())
    s = s << the.EndLeg(leg="l1") << the.DialLeg(target="john", worker="w1") << the.Reply(ok=True)
    s = (
        s
        << the.CallHandedOver(agent="maria", how="blind", to_agent="john")
        << the.WrapUpStarted(agent="maria")
    )
    s = s << the.CallOffered(agent="john", queue="", purpose="blind", by="maria", note="wants a refund")
    s = s >> john.rings() >> Elapse(4) >> john.answers() << the.SetAudioPaths(paths=both("w1/1", "l2"))
    s = s << the.CallBridged(agent="john", queue="", waited_s=0.0)
    s = s >> maria.is_gone() >> maria.disposes(note="one") >> Elapse(10) >> caller.hangs_up()
    s = s >> john.is_gone() >> is_recorded >> john.disposes(note="two")
    record = s.record()
    assert [part["ended"] for part in record["segments"]] == ["blind:john", "caller/hang_up"]
    assert (record["wait_s"], record["talk_s"], record["agent"]) == (5.0, 40.0, "john")
    assert (record["note"], record["transfers"]) == ("two", ["john:answered"])


@pytest.mark.parametrize("how", ["no answer", "rejected", "phone lost"])
def test_a_target_that_is_not_reached_loses_nobody(how: str) -> None:
    """Back to the queue it came from, with all that has been waited and talked as its place."""
    match how:
        case "no answer":
            s = to_john() >> john.rings() >> Elapse(20)
        case "rejected":
            s = to_john() >> john.fails(603)
        case _:
            s = to_john() >> john.rings() >> john.fails(408)
    s = s << the.StopPlayback(leg="w1/1") << the.CallQueued(queue="sales")
    contact = s.center.contacts["c1"]
    assert contact.state == "queued" and contact.head_start >= 35.0
    s = s >> ana.registers() >> ana.is_ready() << the.CallOffered(agent="ana", queue="sales", by="maria")


def test_who_was_called_first_comes_first_again() -> None:
    """A call that comes back stands before one that came meanwhile."""
    second = Caller("w2", "+12135550100")
    s = to_john() >> second.calls("1000") >> second.found("c2") >> second.connects() >> john.fails(486)
    s = s >> ana.registers() >> ana.is_ready() << the.CallOffered(contact="c1", agent="ana")


def test_a_call_without_a_queue_goes_where_its_number_leads() -> None:
    """A flow had given it to maria: unreached it is in the flow of the number again."""
    s = talking("john")
    s.center.contacts["c1"].queue = ""
    s.center.touch(s.center.contacts["c1"])
    s = s >> transfers(to_agent="john") >> john.fails(486)
    s = s << the.IvrStepEntered(flow="direct") << the.CallQueued(queue="sales")


def test_to_a_number_outside() -> None:
    """By the trunk; answered both talk, unreached the caller waits in the queue again."""
    s = talking() >> transfers(to_number="0034911234567")
    s = s << the.DialLeg(target=OUTSIDE, headers={"X-CTI-Trunk": "carrier"})
    s = s << the.CallHandedOver(to_number=OUTSIDE)
    answered = s >> outside("answers") << the.SetAudioPaths(paths=both("w1/1", "l2"))
    answered = answered >> maria.disposes() >> Elapse(8) >> outside("ends", "remote")
    answered = answered << the.CallEnded(party="outside") >> caller.is_gone() >> is_recorded >> Elapse(11)
    record = answered.record()
    assert (record["outcome"], record["segments"][1]["number"]) == ("transferred", OUTSIDE)
    assert record["segments"][1]["talk_s"] == 8.0
    s = talking() >> transfers(to_number=OUTSIDE) >> Elapse(20)
    s = s << the.TransferEnded(outcome="no_answer") << the.CallQueued(queue="sales")


def test_to_a_queue_and_to_one_of_our_numbers() -> None:
    """A queue is joined with the time of before; a number is its flow, as if the caller had dialled it."""
    s = talking() >> transfers(to_queue="support", note="n")
    s = s << the.CallHandedOver(how="blind", to_queue="support") << the.CallQueued(queue="support")
    assert s.center.contacts["c1"].head_start == pytest.approx(35.0)
    s = s >> maria.disposes() >> ana.registers() >> ana.is_ready()
    s = s << the.CallOffered(agent="ana", purpose="blind", note="n", waited_s=0.0)
    s = talking() >> transfers(to_number="2000") << the.CallHandedOver(to_number="2000")
    s = s << the.IvrStepEntered(flow="menu")


def test_the_caller_hangs_up_while_the_target_rings() -> None:
    """The ring stops, john is free, maria's wrap-up goes on and then the record closes."""
    s = to_john() >> john.rings() >> caller.hangs_up() << the.EndLeg(leg="l2")
    s = s << the.CallEnded(cause="abandoned_in_transfer")
    assert s.center.agents["john"].available
    s = s >> john.fails(487) >> maria.is_gone() >> is_recorded >> maria.disposes()
    assert s.record()["party"] == "caller"


def test_the_target_hangs_up_after_answering() -> None:
    """That is the end of the call, as with any agent."""
    _ = to_john() >> john.answers() >> Elapse(3) >> john.hangs_up() << the.CallEnded(party="agent")


def test_a_blind_transfer_survives_a_kill_of_the_engine() -> None:
    """While it rings, and when it comes to nothing."""
    s = to_john() >> john.rings() >> Restart() >> john.answers() << the.CallBridged(agent="john")
    s = to_john() >> john.rings() >> Restart() >> Elapse(20) << the.CallQueued(queue="sales")
    s = s >> Restart()
    assert s.center.contacts["c1"].state == "queued" and s.center.agents["maria"].state == "wrap_up"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({}, "unknown_target"),
        ({"to_agent": "john", "to_queue": "sales"}, "unknown_target"),
        ({"to_agent": "maria"}, "unknown_target"),
        ({"to_agent": "ana"}, "target_busy"),
        ({"to_queue": "nothing"}, "unknown_target"),
        ({"to_number": "+4420"}, "number_not_allowed"),
    ],
)
def test_where_a_call_cannot_go(target: dict[str, Any], code: str) -> None:
    """Refused with a code; the agent still has the call."""
    s = talking("john") >> transfers(**target) << the.Reply(ok=False, code=code)
    s.without(the.EndLeg()).without(the.SetAudioPaths())
    assert view(s).role == "agent"


# --- back, and to a supervisor ---------------------------------------------------------------------------


def test_back_to_the_queue_with_the_old_place() -> None:
    """Not to the same agent again soon; to the next one as the first in line."""
    second = Caller("w2", "+12135550100")
    s = talking() >> second.calls("1000") >> second.found("c2") >> second.connects() >> Elapse(1)
    s = s >> maria.asks(ReturnRequested, note="x") << the.CallHandedOver(how="returned", to_queue="sales")
    s = s << the.CallQueued(contact="c1", position=1)
    s = s >> maria.is_gone() >> maria.disposes("c1") << the.CallOffered(contact="c2", agent="maria")
    s = s >> john.registers() >> john.is_ready() << the.CallOffered(contact="c1", agent="john")
    assert s.center.queues["sales"].offered == 3  # the second waiting of the first caller counts too


def test_an_escalation_consults_a_free_supervisor_else_goes_to_the_queue() -> None:
    """With the context; nobody and no queue is a refusal."""
    rules = replace(RULES, supervisors=("john", "ana"), escalation_queue="support")
    s = talking("ana", rules=rules) >> maria.asks(EscalateRequested, note="angry")
    s = s << the.CallOffered(agent="ana", purpose="consult", by="maria", note="angry")
    s = talking(rules=rules) >> maria.asks(EscalateRequested, note="angry")
    s = s << the.CallHandedOver(how="escalated", to_queue="support", note="angry")
    s = s << the.CallQueued(queue="support")
    s = talking() >> maria.asks(EscalateRequested) << the.Reply(ok=False, code="no_supervisor")


# --- parked ------------------------------------------------------------------------------------------------


def parked() -> Scenario:
    return talking("john") >> maria.asks(ParkRequested, note="looks it up")


def pick_up(slot: int = 1, agent: str = "john") -> signals.Signal:
    return PickUpRequested("asked", agent, slot)


def shown_parked(s: Scenario) -> list[dict[str, object]]:
    """In the state of the queue that everybody sees."""
    found = s.acd.queue_view("sales")
    assert found is not None
    return list(found.parked)


def test_a_parked_call_is_picked_up_by_any_agent() -> None:
    """Music meanwhile; the phone of who picks it up rings, and then they talk."""
    s = parked() << the.PlayPrompts(leg="w1/1", repeat=True) << the.EndLeg(leg="l1")
    s = s << the.CallHandedOver(how="parked", slot=1) << the.WrapUpStarted(agent="maria")
    listed = s >> TargetsRequested("q", "ana")
    assert listed.commands[-1].result["parked"] == [{"slot": 1, "since_at": s.now, "queue": "sales"}]  # type: ignore[union-attr]
    assert shown_parked(s) == [{"slot": 1, "since_at": s.now}]
    assert shown_parked(s >> Restart()) == shown_parked(s)
    s = (
        s
        >> Elapse(9)
        >> pick_up()
        << the.DialLeg(target="john")
        << the.ParkingEnded(agent="john", parked_s=9.0)
    )
    s = s << the.CallOffered(agent="john", purpose="parked", by="maria", note="looks it up")
    s = s >> john.rings() >> john.answers() << the.StopPlayback(leg="w1/1")
    s = s << the.SetAudioPaths(paths=both("w1/1", "l2"))
    assert not shown_parked(s)
    s = s >> pick_up() << the.Reply(ok=False, code="nothing_parked")


def test_nobody_picks_it_up() -> None:
    """After its time it is in its queue again, with the old place; a restart changes nothing."""
    for restart in (False, True):
        s = parked() >> Elapse(60)
        s = s >> Restart() if restart else s
        s = s >> Elapse(61) << the.ParkingEnded(agent="", slot=1) << the.CallQueued(queue="sales")
        s = s << the.CallOffered(agent="john", queue="sales")
        assert not shown_parked(s)


def test_each_parked_call_has_a_slot_of_its_own() -> None:
    """The lowest that is free; who hangs up leaves theirs."""
    second = Caller("w2", "+12135550100")
    s = parked() >> second.calls("1000") >> second.found("c2") >> second.connects()
    s = s >> john.rings() >> john.answers() >> john.asks(ParkRequested, "c2")
    s = s << the.CallHandedOver(contact="c2", slot=2)
    assert [one["slot"] for one in shown_parked(s)] == [1, 2]
    s = s >> caller.hangs_up() << the.CallEnded(contact="c1", cause="abandoned_in_transfer")
    assert [one["slot"] for one in shown_parked(s)] == [2]
    s = s >> pick_up(1, "ana") << the.Reply(ok=False, code="nothing_parked")
    s = s >> pick_up(2, "ana") << the.Reply(ok=False, code="wrong_state")  # ana has no phone


def test_the_list_of_targets_tells_names_and_who_is_free() -> None:
    """Nobody logged out, nobody's call, oneself not; the free first."""
    s = (
        talking("john")
        >> ana.registers()
        >> ana.is_ready()
        >> ana.is_not_ready()
        >> TargetsRequested("q", "maria")
    )
    reply = s.commands[-1]
    assert isinstance(reply, commands.Reply)
    assert reply.result["agents"] == [
        {"agent": "john", "name": "John", "state": "free"},
        {"agent": "ana", "name": "Ana", "state": "not_ready"},
    ]
    assert {"queue": "sales", "name": "Sales"} in reply.result["queues"]  # type: ignore[operator]
    assert reply.result["numbers"] is True and reply.result["escalation"] is False
    (s >> TargetsRequested("q", "nobody")) << the.Reply(ok=False, code="unknown_agent")


def test_a_callback_that_was_reached_is_a_call_like_any_other() -> None:
    """Its caller is on the line: it can wait in a queue again, with music, and nobody is called a second time."""
    s = callbacks.leaves(callbacks.waits(callbacks.center(), caller, "c1"), caller)
    s = s >> maria.registers() >> maria.is_ready() >> maria.rings() >> maria.answers()
    s = s >> callbacks.phone("answers") << the.CallBridged(contact="c2", agent="maria")
    s = s >> Elapse(5) >> maria.asks(ReturnRequested, "c2") << the.CallQueued(contact="c2", queue="sales")
    s = s << the.PlayPrompts(leg=s.center.contacts["c2"].caller_leg)
    s = s >> john.registers() >> john.is_ready() >> john.rings() >> john.answers()
    s = s << the.SetAudioPaths(worker=callbacks.WORKER) << the.CallBridged(contact="c2", agent="john")
    s.without(the.CallbackAttempted())
