"""Bad input of time and people: the machine's clock steps, moments that are equal, agents of whom nothing is known."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from cti_engine.core import signals as sig
from cti_engine.core.acd import Acd
from cti_engine.core.definitions import AgentDefinition, QueueDefinition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.routing.model import Order, StepRule
from tests.scenarios.playbook import Caller, Desk, Elapse, Scenario, the
from tests.scenarios.small_center import AGENTS, DEFINITIONS, with_queues

maria, john = Desk("maria"), Desk("john")
caller, second, third = Caller(), Caller("w2", "+34600000002"), Caller("w3", "+34600000003")
SKILLS = {"maria": {"spanish": 9}, "john": {"spanish": 5}, "ana": {}}
STEPS = replace(
    with_queues(
        QueueDefinition(
            "sales",
            "Sales",
            AGENTS,
            steps=(
                StepRule(Condition(parse("agent.spanish >= 7")), wait=15_000),
                StepRule(Condition(parse("agent.spanish >= 4")), order=(Order("most_skilled"),)),
            ),
        )
    ),
    agents={agent: AgentDefinition(agent, agent.title(), SKILLS[agent]) for agent in AGENTS},
)


def arrives(scenario: Scenario, who: Caller, contact: str) -> Scenario:
    return scenario >> who.calls("1000") >> who.found(contact) >> who.connects()


def stepped(scenario: Scenario, seconds: float) -> Scenario:
    """The clock that the engine reads jumps, whatever the runtime does against it."""
    scenario.now += seconds
    return scenario


def test_a_clock_five_seconds_back_stops_no_timer_and_inverts_no_order() -> None:
    """A call that arrives in the repeated seconds stands behind the one before it; the step ends when the clock has
    come to its end, and nothing fires twice."""
    s = arrives(Scenario(STEPS, ready=("maria", "john")), caller, "c1") >> maria.rings() >> maria.answers()
    s = arrives(s, second, "c2") >> Elapse(1)
    s = stepped(s, -5.0)
    s = arrives(s, third, "c3") << the.CallQueued(contact="c3", position=2)
    s = (s >> Elapse(18.9)).without(the.CallOffered())
    s = s >> Elapse(0.2) << the.CallOffered(contact="c2", agent="john")
    s = s >> Elapse(1) << the.QueueStepAdvanced(contact="c3", step=1)
    assert [type(fact).__name__ for _, fact in s.facts].count("QueueStepAdvanced") == 2
    told = [at for at, _ in s.facts]
    assert told == sorted(told)


def test_a_clock_a_minute_ahead_runs_what_is_due_once_and_in_order() -> None:
    """Both calls' steps are over in the jump: each advances once, the older one has the agent; the next call waits
    its whole step from then on."""
    s = arrives(Scenario(STEPS, ready=("maria", "john")), caller, "c1") >> maria.rings() >> maria.answers()
    s = arrives(s, second, "c2") >> Elapse(1)
    s = stepped(arrives(s, third, "c3"), 60.0) >> sig.TimePassed()
    s = s << the.QueueStepAdvanced(contact="c2", step=1) << the.CallOffered(contact="c2", agent="john")
    assert s.center.contacts["c3"].standings[0].step == 1
    s = arrives(s, Caller("w4", "+34600000004"), "c4") >> Elapse(14.9)
    assert s.center.contacts["c4"].standings[0].step == 0
    s = s >> Elapse(0.2) << the.QueueStepAdvanced(contact="c4", step=1)


def test_equal_time_stamps_keep_the_order_in_which_calls_came() -> None:
    """Three calls of one moment, and three agents free since one moment: first come first served, ids in order."""
    s = Scenario(DEFINITIONS)
    for number, who in enumerate((caller, second, third), 1):
        s = arrives(s, who, f"c{number}")
    assert len({s.center.contacts[f"c{number}"].queued_at for number in (1, 2, 3)}) == 1
    for agent in AGENTS:
        s = s >> Desk(agent).registers()
    served = []
    for agent in ("john", "maria", "ana"):
        s = s >> Desk(agent).is_ready()
        served.append((agent, s.center.agents[agent].contact))
    assert served == [("john", "c1"), ("maria", "c2"), ("ana", "c3")]
    s = Scenario(DEFINITIONS)
    for agent in AGENTS:
        s = s >> Desk(agent).registers()
        s = s >> Desk(agent).is_ready()
    for each in s.center.agents.values():
        each.idle_since = s.now
        s.center.matcher.set_available(each.id, True, round(s.now * 1000))
    arrives(s, caller, "c1") << the.CallOffered(contact="c1", agent="ana")


def test_an_agent_without_attributes_is_matched_by_no_comparison_and_by_everybody() -> None:
    """What is not known is undefined: neither `>= 4` nor `not (>= 4)` reaches ana, a step for everybody does."""
    for text in ("agent.spanish >= 4", "not (agent.spanish >= 4)", "agent.spanish != 5"):
        only = QueueDefinition("sales", "Sales", AGENTS, steps=(StepRule(Condition(parse(text))),))
        s = arrives(
            Scenario(replace(STEPS, queues={**STEPS.queues, "sales": only}), ready=("ana",)), caller, "c1"
        )
        s.without(the.CallOffered())
    everybody = QueueDefinition("sales", "Sales", AGENTS, steps=(StepRule(order=(Order("most_skilled"),)),))
    s = Scenario(replace(STEPS, queues={**STEPS.queues, "sales": everybody}), ready=("ana",))
    arrives(s, caller, "c1") << the.CallOffered(contact="c1", agent="ana")


def waiting_center(calls: int) -> tuple[Acd, float]:
    acd, now = Acd(STEPS), 1_700_000_000.0
    acd.handle(sig.Restarted(), now)
    acd.handle(sig.EdgeSeen(AGENTS), now)
    for agent in AGENTS:
        acd.handle(sig.ReadyRequested(f"r-{agent}", agent), now)
    for number in range(1, calls + 1):
        who = Caller(f"w{number}", f"+3460{number:07d}")
        for signal in (who.calls("1000"), who.found(f"c{number}"), who.connects()):
            acd.handle(signal, now)
    return acd, now


@pytest.mark.parametrize(("jump", "step"), [(-5.0, 0), (60.0, 1)])
def test_no_signal_after_a_step_of_the_clock_takes_long(jump: float, step: int) -> None:
    """With 500 calls that wait in steps, the signal that meets the jump is done in 50 ms of work (the best of three),
    and all calls stand in the step that is theirs then."""
    took = []
    for _ in range(3):
        acd, now = waiting_center(500)
        began = time.thread_time()
        acd.handle(sig.TimePassed(), now + jump)
        took.append(time.thread_time() - began)
        contacts = [acd.center.contacts[f"c{number}"] for number in range(3, 501)]
        assert {contact.standings[0].step for contact in contacts} == {step}
    assert min(took) < 0.05
