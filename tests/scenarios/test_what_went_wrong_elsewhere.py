"""What went wrong in other centers and must be impossible here: a test for each line of the design notes' list.

The list stands at the end of the routing notes; each docstring begins with its line. The last of them, "wait estimate
that never worked", is judged by the calibration report of the wait estimates.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from cti_engine.core import signals as sig
from cti_engine.core.acd import Acd
from cti_engine.core.definitions import AgentDefinition, CenterDefinitions, QueueDefinition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.routing.model import ALL, StepRule
from cti_engine.core.view_builder import agent_view, queue_view
from cti_engine.ports import Batch
from tests.phones.waiting import until
from tests.runtime.test_engine import Running
from tests.scenarios.playbook import Caller, Desk, Elapse, Install, Restart, Scenario, is_recorded, the
from tests.scenarios.small_center import AGENTS, DEFINITIONS, with_queues

maria, john, ana = Desk("maria"), Desk("john"), Desk("ana")
caller, second, third = Caller(), Caller("w2", "+34600000002"), Caller("w3", "+34600000003")
STATES = {"reserved": (), "ringing": (maria.rings(),), "talking": (maria.rings(), maria.answers())}


def arrives(scenario: Scenario, who: Caller, contact: str, dnis: str = "1000") -> Scenario:
    return scenario >> who.calls(dnis) >> who.found(contact) >> who.connects()


def named(scenario: Scenario, name: str) -> list[object]:
    return [fact for _, fact in scenario.facts if type(fact).__name__ == name]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("restarted", [False, True])
def test_agent_stuck_in_reserved_or_in_a_call(state: str, restarted: bool) -> None:
    """Agent stuck in *reserved* or *in a call* after a lost event: the worker never says another word, and yet the
    agent can take the next call without a restart or a hand in the database; a restart changes nothing."""
    s = arrives(Scenario(ready=("maria",)), caller, "c1")
    for step in STATES[state]:
        s = s >> step
    assert s.center.agents["maria"].state == state
    if restarted:
        s = s >> Restart(hellos=False)
    s = s >> Elapse(1800 + 10 + 30)  # maximum length, legs that nobody ends, wrap-up
    assert s.center.agents["maria"].state == "idle" and s.center.reservations == {}
    if restarted:  # the phone has to be told again, as by the edge's hello
        s = s >> sig.EdgeSeen(("maria",))
    s = s >> maria.is_ready()
    assert s.center.agents["maria"].available
    arrives(s, second, "c2") << the.CallOffered(contact="c2", agent="maria")


def test_the_caller_hangs_up_while_the_agents_phone_rings() -> None:
    """Caller hangs up while the agent's phone rings: the phone is silenced at once, an answer that crosses is ended
    and bridges nothing, and the agent keeps the idle clock."""
    s = arrives(Scenario(ready=("maria",)), caller, "c1") >> maria.rings()
    idle_since = s.center.agents["maria"].idle_since
    s = s >> caller.hangs_up() << the.EndLeg(leg=s.agent_leg("maria").leg) << the.CallAbandoned(contact="c1")
    s = (s >> maria.answers()).without(the.CallBridged()).without(the.SetAudioPaths())
    s = s >> maria.is_gone() << the.ContactClosed(contact="c1")
    agent = s.center.agents["maria"]
    assert agent.available and agent.idle_since == idle_since and not named(s, "AgentRona")


def test_two_agents_answer_the_same_call() -> None:
    """Two agents answer the same call: of three phones that ring and are all picked up, one is bridged."""
    rings_all = with_queues(QueueDefinition("sales", "Sales", AGENTS, steps=(StepRule(offer_to=ALL),)))
    s = arrives(Scenario(rings_all, ready=AGENTS), caller, "c1")
    s = (
        s
        >> maria.rings()
        >> john.rings()
        >> ana.rings()
        >> john.answers()
        >> maria.answers()
        >> ana.answers()
    )
    s = s >> maria.is_gone() >> ana.is_gone()
    assert [(fact.agent, fact.contact) for fact in named(s, "CallBridged")] == [("john", "c1")]  # type: ignore[attr-defined]
    assert [s.center.agents[agent].state for agent in AGENTS] == ["idle", "talking", "idle"]


def test_one_call_counted_twice() -> None:
    """One call counted twice: through a miss, another agent and a restart it is one offered and one answered call,
    and in every state offered = answered + abandoned + flowed out + waiting."""
    s = arrives(Scenario(ready=("maria", "john")), caller, "c1") >> maria.rings() >> maria.fails(486)
    s = s >> Restart() >> john.rings() >> john.answers()
    s = arrives(s, second, "c2") >> second.hangs_up()
    s = arrives(s, third, "c3")
    counts = s.center.queues["sales"]
    assert (counts.offered, counts.answered, counts.abandoned, counts.flowed_out) == (3, 1, 1, 0)
    assert len(s.center.waiting_in("sales")) == 1
    s = s >> caller.hangs_up() >> john.is_gone() >> is_recorded >> john.disposes() << the.ContactClosed()
    assert (s.record("c1")["agent"], list(s.store.cdrs)) == ("john", ["c2", "c1"])


def test_a_member_shown_answered_hours_after_hang_up() -> None:
    """A member shown *answered* hours after hang-up: what pages see follows the call's end at once, whoever ends it,
    and also when the worker is gone and nobody can tell."""
    s = arrives(Scenario(ready=("maria",)), caller, "c1") >> maria.rings() >> maria.answers()
    s = s >> caller.hangs_up()
    assert agent_view(s.center, "maria").state == "wrap_up"
    s = arrives(Scenario(ready=("maria",)), caller, "c1") >> maria.rings() >> maria.answers()
    s = s >> sig.WorkerLost("w1", "killed")
    view = agent_view(s.center, "maria")
    assert (view.state, view.contact) == ("idle", "")


@pytest.mark.parametrize("sip_code", [486, 603, 500, 480])
def test_a_reject_ends_the_callers_call(sip_code: int) -> None:
    """A reject ends the caller's call: whatever an agent's phone says, the caller waits on where they stood."""
    s = (
        arrives(Scenario(ready=("maria",)), caller, "c1")
        >> Elapse(5)
        >> maria.rings()
        >> maria.fails(sip_code)
    )
    s = s << the.CallRequeued(contact="c1", position=1)
    s.without(the.CallEnded()).without(the.EndLeg(leg=s.center.contacts["c1"].caller_leg))
    assert s.center.contacts["c1"].state == "queued"


def test_an_agent_thrown_out_for_ever_after_a_missed_call() -> None:
    """An agent thrown out of the queue for ever after a missed call: one press on Ready is enough for other calls,
    and for the missed call too when its cool-down is over."""
    s = arrives(Scenario(ready=("maria",)), caller, "c1") >> maria.rings() >> Elapse(20)
    s = s << the.AgentRona(agent="maria")
    s = (s >> maria.fails(487) >> maria.is_ready()).without(the.CallOffered())
    s = arrives(s, second, "c2") << the.CallOffered(contact="c2", agent="maria")
    s = s >> maria.rings() >> second.hangs_up() >> maria.fails(487) >> Elapse(30)
    s << the.CallOffered(contact="c1", agent="maria")


def test_a_lower_score_answered_first_and_nobody_can_say_why() -> None:
    """A call with a lower score answered first and nobody can say why: the record of the offer names the call that
    came second and the term in which it lost."""
    s = arrives(Scenario(), caller, "c1") >> Elapse(5)
    s = arrives(s, second, "c2", dnis="1001")  # a VIP number: 10 points, that is 10 s
    s = s >> maria.registers() >> maria.is_ready() << the.CallOffered(contact="c2")
    [reserved] = named(s, "AgentReserved")
    why = reserved.why  # type: ignore[attr-defined]
    assert why["runner_up"]["contact"] == "c1" and why["lost_by"] == "score"
    assert why["terms"][3] == -10_000_000 and why["runner_up"]["terms"][3] == -5_000_000


def test_order_across_queues_undefined() -> None:
    """Order across queues undefined: an agent of two queues serves them as one line by score; of two equal calls the
    one that was queued first."""
    both = with_queues(replace(DEFINITIONS.queues["sales"], priority=3))
    s = arrives(Scenario(both), caller, "c1", dnis="3000") >> Elapse(2)
    s = arrives(s, second, "c2")  # 3 points for its queue, 2 s younger
    s = arrives(s, third, "c3") >> ana.registers() >> ana.is_ready() << the.CallOffered(contact="c2")
    s = s >> ana.rings() >> ana.answers() >> second.hangs_up() >> ana.is_gone() >> ana.disposes("c2")
    s << the.CallOffered(contact="c3")


def test_a_free_agent_not_served_until_another_leaves_wrap_up() -> None:
    """Free agent not served until another leaves wrap-up: with one member in wrap-up the next one who becomes free
    gets the waiting call in that very moment."""
    s = arrives(Scenario(ready=("maria",)), caller, "c1") >> maria.rings() >> maria.answers()
    s = arrives(s, second, "c2") >> caller.hangs_up() << the.WrapUpStarted(agent="maria")
    s = s >> john.registers() >> john.is_ready() << the.CallOffered(contact="c2", agent="john")
    assert s.center.agents["maria"].state == "wrap_up"


def test_waiting_calls_not_offered_after_a_rule_change() -> None:
    """Waiting calls not offered at all after a rule change: whom the change lets in gets the call with the reload,
    and a call that keeps the old rules goes on through their steps."""
    skilled = {agent: AgentDefinition(agent, agent.title(), {"spanish": 2}) for agent in AGENTS}
    steps = (StepRule(Condition(parse("agent.spanish >= 7")), wait=30_000, skip_when_none=False), StepRule())
    queue = QueueDefinition("sales", "Sales", AGENTS, steps=steps)
    rules = replace(with_queues(queue), agents=skilled)
    s = arrives(Scenario(rules, ready=("maria",)), caller, "c1").without(the.CallOffered())
    taught = {**skilled, "maria": AgentDefinition("maria", "Maria", {"spanish": 8})}
    s >> Install(replace(rules, version="2", agents=taught)) << the.CallOffered(contact="c1", agent="maria")
    s = arrives(Scenario(rules, ready=("maria",)), caller, "c1").without(the.CallOffered())
    harder = replace(queue, steps=(StepRule(Condition(parse("agent.spanish >= 9"))),))
    s = s >> Install(replace(with_queues(harder), version="2", agents=skilled)) >> Elapse(30)
    s << the.QueueStepAdvanced(contact="c1", step=1) << the.CallOffered(contact="c1", agent="maria")


def test_always_the_first_agent_picked() -> None:
    """Always the first agent picked: calls one after the other go round, each agent gets as many as any other."""
    quick = with_queues(QueueDefinition("sales", "Sales", AGENTS, wrap_up=0.0))
    s = Scenario(quick, ready=AGENTS)
    for number in range(1, 10):
        s = arrives(s, Caller(f"x{number}"), f"c{number}")
        agent = Desk(s.center.reservations[s.center.contacts[f"c{number}"].offers[0]].agent)
        s = s >> agent.rings() >> agent.answers() >> Elapse(60) >> agent.hangs_up()
    assert Counter(fact.agent for fact in named(s, "CallBridged")) == dict.fromkeys(AGENTS, 3)  # type: ignore[attr-defined]


def test_everyone_rings_again_when_the_one_who_answered_drops() -> None:
    """Everyone rings again when the one who answered drops: the conversation has begun, so its end is the call's end
    and no other phone rings."""
    rings_all = with_queues(QueueDefinition("sales", "Sales", AGENTS, steps=(StepRule(offer_to=ALL),)))
    s = arrives(Scenario(rings_all, ready=AGENTS), caller, "c1")
    s = s >> maria.rings() >> john.rings() >> john.answers() >> maria.fails(487) >> ana.fails(487)
    s = s >> john.hangs_up() << the.CallEnded(contact="c1")
    s.without(the.DialLeg()).without(the.CallOffered()).without(the.CallRequeued())


def test_a_reload_of_thousands_of_members_floods_the_engine() -> None:
    """Reload of thousands of members floods the engine: five thousand agents with calls in hand and calls that wait;
    the reload tells no fact, sends no command and stores no agent anew."""
    names = tuple(f"agent{number}" for number in range(5000))
    big: CenterDefinitions = replace(
        with_queues(QueueDefinition("sales", "Sales", names)),
        agents={name: AgentDefinition(name, name) for name in names},
    )
    acd = Acd(big)
    acd.handle(sig.Restarted(), 1000.0)
    acd.handle(sig.EdgeSeen(names[:100]), 1000.0)
    for number, name in enumerate(names[:100]):
        acd.handle(sig.ReadyRequested(f"r{number}", name), 1000.0)
    acd.install(replace(big, version="2"))
    outcome = acd.handle(sig.TimePassed(), 1001.0)
    assert (outcome.events, outcome.commands, outcome.rows) == ([], [], {})
    assert sum(agent.available for agent in acd.center.agents.values()) == 100


async def test_one_shared_database_stalls_all_queues(tmp_path: Path) -> None:
    """One shared database stalls all queues: while a write hangs, a call of one queue is placed with its agent and
    the order of the waiting ones goes on; when it ends, everything is stored, in order and once."""
    running = await Running(tmp_path).start()
    go_on, hangs, write = threading.Event(), threading.Event(), running.store.write

    def slow(batch: Batch) -> None:
        hangs.set()
        assert go_on.wait(20)
        write(batch)

    try:
        running.store.write = slow  # type: ignore[method-assign]
        await running.make_ready("maria")
        await until(hangs.is_set, "the write hangs")
        for number, who in ((1, caller), (2, second)):
            running.engine.take(who.calls("1000"))
            running.engine.take(who.found(f"c{number}"))
            running.engine.take(who.connects())
        center = running.engine.acd.center
        assert not go_on.is_set()
        assert center.contacts["c1"].state == "offered" and center.agents["maria"].contact == "c1"
        assert center.matcher.waiting("sales") == ["c2"]
        go_on.set()
        await until(lambda: len(running.events("CallQueued")) == 2, "both calls stored")
        stored = [event.seq for event in running.store.events_since(0, 1000)]
        assert stored == list(range(1, len(stored) + 1))
    finally:
        go_on.set()
        await running.engine.close()


def test_statistics_reset_by_a_restart() -> None:
    """Statistics computed every six hours, or reset by a restart: the counts follow each call at once, and are the
    same after the engine was killed."""
    s = arrives(Scenario(ready=("maria",)), caller, "c1") >> maria.rings() >> maria.answers()
    s = arrives(s, second, "c2") >> second.hangs_up()
    before = queue_view(s.center, "sales")
    assert (before.offered, before.answered, before.abandoned, before.service_level) == (2, 1, 1, 0.5)
    s = s >> Restart()
    assert queue_view(s.center, "sales") == before
