"""Live calls by the rules of routing: steps, priorities, callers who come again, several phones, queues that help."""

from __future__ import annotations

from dataclasses import replace

from cti_engine.core.definitions import (
    AgentDefinition,
    CenterDefinitions,
    DialledNumber,
    OverflowLink,
    PriorityRule,
    QueueDefinition,
)
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.routing.model import ALL, StepRule
from tests.scenarios.playbook import Caller, Desk, Elapse, Restart, Scenario, the
from tests.scenarios.small_center import DEFINITIONS, with_queues

maria, john, ana = Desk("maria"), Desk("john"), Desk("ana")
caller, second, third = Caller(), Caller("w2", "+34600000002"), Caller("w3", "+34600000003")


def require(text: str) -> Condition:
    return Condition(parse(text))


SKILLED = {
    "maria": AgentDefinition("maria", "Maria", {"spanish": 9}),
    "john": AgentDefinition("john", "John", {"spanish": 5}),
    "ana": AgentDefinition("ana", "Ana", {"spanish": 2}),
}
BY_STEPS = QueueDefinition(
    "sales",
    "Sales",
    ("maria", "john", "ana"),
    steps=(
        StepRule(require("agent.spanish >= 7"), wait=15_000),
        StepRule(require("agent.spanish >= 4"), wait=30_000, raise_priority=5),
        StepRule(),
    ),
)
STEPS = replace(with_queues(BY_STEPS), agents=SKILLED)


def arrives(scenario: Scenario, who: Caller, contact: str, dnis: str = "1000", **profile: object) -> Scenario:
    return scenario >> who.calls(dnis) >> who.found(contact, **profile) >> who.connects()


def test_the_best_first_then_whoever_is_enough() -> None:
    """Step 1 reaches the bilingual agent; after its wait step 2 reaches the next one, who was free all along."""
    s = arrives(Scenario(ready=("maria", "john"), definitions=STEPS), caller, "c1") << the.CallOffered(
        agent="maria"
    )
    s = arrives(s, second, "c2").without(the.CallOffered(contact="c2"))
    s = s >> Elapse(14.9)
    s = s.without(the.CallOffered(contact="c2")) >> Elapse(0.2)
    s = s << the.QueueStepAdvanced(contact="c2", step=1, left=0, pool=2, free=1)
    s << the.CallOffered(contact="c2", agent="john", waited_s=15.0)


def test_ringing_uses_up_no_step() -> None:
    """Eight seconds of ringing in step 1 do not count: the step ends eight seconds later."""
    s = arrives(Scenario(ready=("maria", "john"), definitions=STEPS), caller, "c1") >> Elapse(5)
    s = s >> maria.rings() >> Elapse(8) >> maria.fails(486) >> Elapse(14.9)
    s = s.without(the.QueueStepAdvanced()) >> Elapse(0.2)
    s << the.QueueStepAdvanced(step=1) << the.CallOffered(agent="john")


def test_a_step_of_which_nobody_is_there_is_skipped() -> None:
    """With nobody of step 1 logged in the call is in step 2 at once, and the record says why."""
    s = arrives(Scenario(ready=("john",), definitions=STEPS), caller, "c1")
    s << the.QueueStepAdvanced(left=-1, step=1, skipped=((0, "nobody"),)) << the.CallOffered(agent="john")


def test_a_restart_finds_the_call_in_its_step() -> None:
    """The engine is killed ten seconds into step 1: step 2 begins after its five seconds that were left."""
    s = arrives(Scenario(ready=("maria", "john"), definitions=STEPS), second, "c1")
    s = arrives(s, caller, "c2") >> Elapse(10) >> Restart(away=1.0) >> Elapse(3.9)
    s = s.without(the.QueueStepAdvanced()) >> Elapse(0.2)
    s << the.QueueStepAdvanced(contact="c2", step=1) << the.CallOffered(contact="c2", agent="john")


def test_gold_goes_before_standard_until_standard_has_waited_longer_by_its_points() -> None:
    """Sixty points are a minute of waiting; ageing makes starvation impossible."""
    rules = replace(DEFINITIONS, priorities=(PriorityRule(require('call.segment == "gold"'), add=60),))
    s = arrives(Scenario(definitions=rules), caller, "c1", segment="standard") >> Elapse(50)
    s = arrives(s, second, "c2", segment="gold") << the.CallQueued(contact="c2", priority=60, position=1)
    s = s >> Elapse(20)
    s = arrives(s, third, "c3", segment="gold") << the.CallQueued(contact="c3", position=3)
    s = s >> maria.registers() >> maria.is_ready() << the.CallOffered(contact="c2")


def test_a_vip_number_has_a_head_start() -> None:
    """Its calls count as having waited already."""
    vip = DialledNumber("1002", "direct", "en", head_start=30.0)
    rules = replace(DEFINITIONS, dialled_numbers={**DEFINITIONS.dialled_numbers, "1002": vip})
    s = arrives(Scenario(definitions=rules), caller, "c1") >> Elapse(20)
    s = arrives(s, second, "c2", dnis="1002")
    s >> maria.registers() >> maria.is_ready() << the.CallOffered(contact="c2", waited_s=0.0)


def test_who_gave_up_and_calls_again_gets_the_old_place() -> None:
    """The first caller hangs up after 60 s and calls again: before the one who came 30 s after the first call."""
    rules = replace(DEFINITIONS, re_caller_within=600.0)
    s = arrives(Scenario(definitions=rules), caller, "c1") >> Elapse(30)
    s = arrives(s, second, "c2") >> Elapse(30) >> caller.hangs_up() >> Elapse(10) >> Restart()
    again = Caller("w4", caller.ani)
    s = arrives(s, again, "c3") << the.CallQueued(contact="c3", position=1)
    s >> maria.registers() >> maria.is_ready() << the.CallOffered(contact="c3")


def test_who_calls_again_too_late_is_like_any_other() -> None:
    """After `re_caller_within` nothing is left of the earlier wait."""
    rules = replace(DEFINITIONS, re_caller_within=60.0)
    s = arrives(Scenario(definitions=rules), caller, "c1") >> Elapse(5)
    s = arrives(s, second, "c2") >> Elapse(5) >> caller.hangs_up() >> Elapse(61)
    s = arrives(s, Caller("w4", caller.ani), "c3") << the.CallQueued(contact="c3", position=2)
    assert s.center.recallers == {}


RING_ALL = with_queues(
    QueueDefinition("sales", "Sales", ("maria", "john", "ana"), steps=(StepRule(offer_to=ALL),))
)


def test_all_phones_ring_and_the_first_answer_wins() -> None:
    """The others are rescinded at once and are free again with their idle clock; the call has one agent."""
    s = arrives(Scenario(ready=("maria", "john"), definitions=RING_ALL), caller, "c1")
    s = s << the.DialLeg(target="maria") << the.DialLeg(target="john")
    s = s >> maria.rings() >> john.rings() >> john.answers()
    s = s << the.EndLeg() << the.OfferEnded(agent="maria", outcome="answered_elsewhere")
    s = s << the.CallBridged(agent="john") >> maria.fails(487)
    s = s.without(the.AgentRona())
    assert s.center.agents["maria"].available and s.center.agents["john"].state == "talking"
    assert s.center.contacts["c1"].agent == "john"


def test_two_answers_at_once_bridge_one() -> None:
    """The second 200 comes before our CANCEL arrives: its leg is ended, its agent is free."""
    s = arrives(Scenario(ready=("maria", "john"), definitions=RING_ALL), caller, "c1")
    s = s >> maria.rings() >> john.rings() >> john.answers() >> maria.answers() >> maria.is_gone()
    assert s.center.agents["maria"].available
    assert [type(e).__name__ for _, e in s.facts].count("CallBridged") == 1


def test_one_of_two_phones_that_refuses_leaves_the_other_ringing() -> None:
    """Only when nobody is left does the call go back to its place."""
    s = arrives(Scenario(ready=("maria", "john"), definitions=RING_ALL), caller, "c1")
    s = (s >> maria.rings() >> john.rings() >> maria.fails(603)).without(the.CallRequeued())
    s = s >> john.fails(603) << the.CallRequeued(contact="c1")


def test_the_caller_hangs_up_while_two_phones_ring() -> None:
    """Both legs are ended, both agents are free."""
    s = arrives(Scenario(ready=("maria", "john"), definitions=RING_ALL), caller, "c1")
    s = s >> maria.rings() >> john.rings() >> caller.hangs_up() << the.CallAbandoned()
    s = s >> maria.fails(487) >> john.fails(487) << the.ContactClosed()
    assert all(s.center.agents[agent].available for agent in ("maria", "john"))


HELPED = replace(
    with_queues(
        QueueDefinition("sales", "Sales", ("john",)), QueueDefinition("support", "Support", ("maria",))
    ),
    overflow=(OverflowLink("sales", "support", open_wait=20.0, close_wait=5.0),),
)


def test_another_queue_helps_while_somebody_waits_too_long() -> None:
    """After 20 s the call waits in the lender too, whose free agent gets it; its own queue says that it flowed out."""
    s = arrives(Scenario(ready=("maria",), definitions=HELPED), caller, "c1") >> Elapse(19.9)
    s = s.without(the.CallOffered()) >> Elapse(0.2)
    s = s << the.CallQueued(queue="support") << the.CallOffered(queue="support", agent="maria")
    s = s >> maria.rings() >> maria.answers()
    s = s << the.QueueLeft(queue="sales", reason="answered_elsewhere") << the.CallBridged(queue="support")
    assert s.center.queues["sales"].helped_by == []


def test_help_ends_when_nobody_waits_long_any_more() -> None:
    """Hysteresis: opened at 20 s, closed when the longest wait is not over 5 s; who waits leaves the lender."""
    s = arrives(Scenario(definitions=HELPED), caller, "c1") >> Elapse(21)
    assert s.center.queues["sales"].helped_by == ["support"]
    s = arrives(s, second, "c2") << the.CallQueued(contact="c2", queue="support")
    s = s >> caller.hangs_up() << the.QueueLeft(contact="c2", queue="support", reason="overflow_closed")
    assert s.center.queues["sales"].helped_by == []


def test_a_full_queue_sends_the_next_call_elsewhere() -> None:
    """Two may wait; the third is told so by another queue's treatment, and counted."""
    full = replace(DEFINITIONS.queues["sales"], full_over=2, full_to="support")
    s = Scenario(definitions=with_queues(full))
    for number, who in enumerate((caller, second, third), 1):
        s = arrives(s, who, f"c{number}")
    (
        s
        << the.QueueLeft(contact="c3", queue="sales", reason="full")
        << the.CallQueued(contact="c3", queue="support")
    )
    assert (s.center.queues["sales"].offered, s.center.queues["sales"].flowed_out) == (3, 1)


def test_queues_that_are_full_of_each_other_end_in_a_fault() -> None:
    """No call runs in circles for ever."""
    queues = [
        replace(DEFINITIONS.queues[one], full_over=1, full_to=other)
        for one, other in (("sales", "strict"), ("strict", "sales"))
    ]
    s = arrives(Scenario(definitions=with_queues(*queues)), caller, "c1")
    s = arrives(s, second, "c2", dnis="5000")
    arrives(s, third, "c3") << the.CallEnded(contact="c3", cause="flow_fault")


def test_steps_that_run_out_lead_to_another_queue() -> None:
    """`exhausted: overflow`: the call leaves with its first queue time."""
    steps = (StepRule(require("agent.spanish >= 7"), wait=10_000),)
    short = replace(BY_STEPS, steps=steps, exhausted="overflow", overflow_to="support")
    base: CenterDefinitions = replace(with_queues(short), agents=SKILLED)
    s = arrives(Scenario(ready=("maria",), definitions=base), caller, "c1") >> maria.rings()
    s = arrives(s, second, "c2") >> Elapse(10)
    (
        s
        << the.QueueLeft(contact="c2", queue="sales", reason="overflow", waited_s=10.0)
        << the.CallQueued(queue="support")
    )
