"""New definitions in mid-flight: taken at once, and never at the cost of a call."""

from __future__ import annotations

from dataclasses import replace

from cti_engine.core.acd import Acd
from cti_engine.core.definitions import AgentDefinition, QueueDefinition
from cti_engine.core.ivr.flow import EndCall, EnterQueue
from cti_engine.core.signals import Restarted, TimePassed
from tests.scenarios.playbook import Caller, Desk, Elapse, Install, Restart, Scenario, is_recorded, the
from tests.scenarios.small_center import DEFINITIONS, MENU, flow, with_flows, with_queues

caller, maria, john, ana = Caller(), Desk("maria"), Desk("john"), Desk("ana")
WITHOUT_MARIA = replace(DEFINITIONS, agents={a: d for a, d in DEFINITIONS.agents.items() if a != "maria"})
WITHOUT_SALES = replace(DEFINITIONS, queues={q: d for q, d in DEFINITIONS.queues.items() if q != "sales"})
OTHER_MENU = with_flows(
    flow("menu", "2", ask=MENU, to_sales=EnterQueue("support"), to_support=EnterQueue("sales"), bye=EndCall())
)


def queued(*ready: str) -> Scenario:
    return Scenario(ready=ready) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()


def test_a_call_keeps_the_flow_version_it_began_with() -> None:
    """Who is in the old menu hears the old menu to its end; the next caller gets the new one."""
    second = Caller("w2")
    s = Scenario() >> caller.calls("2000") >> caller.found("c1") >> caller.connects() >> Install(OTHER_MENU)
    s = s >> caller.presses("1") << the.CallQueued(queue="sales")
    s = s >> second.calls("2000") >> second.found("c2") >> second.connects()
    s = s >> second.presses("1") << the.CallQueued(queue="support")


def test_old_flow_versions_are_forgotten_when_nobody_runs_them() -> None:
    """Reloads do not pile up."""
    s = Scenario() >> Install(OTHER_MENU) >> Install(DEFINITIONS) >> Install(OTHER_MENU)
    assert len(s.center.flows) == len(OTHER_MENU.flows)


def test_after_reload_and_restart_the_flow_goes_on_in_the_current_version() -> None:
    """The old version is gone with the process: the same step of the new one, if there is one."""
    s = Scenario() >> caller.calls("2000") >> caller.found("c1") >> caller.connects() >> Install(OTHER_MENU)
    s = s >> Restart() >> caller.presses("1") << the.CallQueued(queue="support")


def test_a_step_that_is_gone_after_reload_and_restart_ends_the_call() -> None:
    """There is nowhere to go on: system/flow_fault."""
    s = Scenario() >> caller.calls("2000") >> caller.found("c1") >> caller.connects()
    s = s >> Install(with_flows(flow("menu", "3", elsewhere=EndCall()))) >> Restart()
    s = s >> caller.presses("1") << the.CallEnded(cause="flow_fault")


def test_an_agent_taken_out_while_idle_is_logged_out() -> None:
    """At once, told as a fact; calls are not offered to them any more, and requests are refused."""
    s = (
        Scenario(ready=("maria",))
        >> Install(WITHOUT_MARIA)
        << the.AgentStateChanged(agent="maria", status="logged_out")
    )
    s = (s >> caller.calls("1000") >> caller.found("c1") >> caller.connects()).without(the.CallOffered())
    s = s >> maria.is_ready() << the.Reply(ok=False, code="unknown_agent")


def test_an_agent_taken_out_while_talking_finishes_the_call() -> None:
    """The conversation goes on; after its wrap-up they are not available, whatever was asked before."""
    s = queued("maria") >> maria.answers() >> maria.is_not_ready() >> Install(WITHOUT_MARIA)
    s.without(the.CallEnded()).without(the.EndLeg())
    s = s >> caller.hangs_up() << the.WrapUpStarted() >> maria.is_gone() >> is_recorded >> Elapse(30)
    s = s << the.AgentStateChanged(agent="maria", status="logged_out", state="idle") << the.ContactClosed()
    assert s.record()["cause"] == "caller/hang_up"


def test_an_agent_taken_out_twice_does_not_come_back_ready() -> None:
    """Out of the files in mid-call, in again and ready for afterwards, then out: logged out they stay."""
    s = queued("maria") >> maria.answers() >> Install(WITHOUT_MARIA) >> Install(DEFINITIONS)
    s = s >> maria.is_ready() << the.Reply(ok=True) >> Install(WITHOUT_MARIA)
    s = s >> caller.hangs_up() >> maria.is_gone() >> is_recorded >> Elapse(30)
    assert (s.center.agents["maria"].status, s.center.agents["maria"].state) == ("logged_out", "idle")


def test_a_new_agent_can_log_in_at_once() -> None:
    """Logged out since the reload; no restart is needed."""
    eve = Desk("eve")
    sales = replace(DEFINITIONS.queues["sales"], members=("eve",))
    more = replace(with_queues(sales), agents={**DEFINITIONS.agents, "eve": AgentDefinition("eve", "Eve")})
    s = queued() >> Install(more) >> Elapse(5) >> eve.registers() >> eve.is_ready()
    s = s << the.AgentStateChanged(agent="eve", was_for=5.0) << the.CallOffered(agent="eve", waited_s=5.0)


def test_new_members_serve_a_waiting_call_at_once() -> None:
    """Free agents are matched anew on reload: nobody waits for the next event."""
    s = (
        Scenario(ready=("maria",))
        >> caller.calls("5000")
        >> caller.found("c1")
        >> caller.connects()
        >> Elapse(5)
    )
    s = s.without(the.CallOffered()) >> Install(with_queues(QueueDefinition("strict", "Strict", ("maria",))))
    s = s << the.DialLeg(target="maria") << the.CallOffered(agent="maria", waited_s=5.0)


def test_a_queue_taken_out_keeps_its_waiting_calls_until_their_time_is_over() -> None:
    """Nobody serves it, nothing fails, the caller may hang up or time out."""
    s = queued() >> Install(WITHOUT_SALES)
    s = (s >> maria.registers() >> maria.is_ready()).without(the.CallOffered())
    s = (
        s
        >> Elapse(3)
        >> caller.hangs_up()
        << the.CallAbandoned(queue="sales", waited_s=3.0)
        << the.ContactClosed()
    )
    assert s.center.queues["sales"].abandoned == 1


def test_a_queue_taken_out_while_the_phone_rings() -> None:
    """The offer goes on and is answered like any."""
    s = (
        queued("maria")
        >> maria.rings()
        >> Install(WITHOUT_SALES)
        >> maria.answers()
        << the.CallBridged(queue="sales")
    )
    s = s >> caller.hangs_up() << the.WrapUpStarted()


def test_a_queue_taken_out_under_a_flow_that_enters_it() -> None:
    """An old menu leads to a queue that is no more: system/flow_fault."""
    s = (
        Scenario()
        >> caller.calls("2000")
        >> caller.found("c1")
        >> caller.connects()
        >> Install(WITHOUT_SALES)
    )
    s = s >> caller.presses("1") << the.CallEnded(cause="flow_fault")
    assert s.anomalies == ["contact c1: there is no queue sales"]


def test_a_reload_while_loading_loses_no_row() -> None:
    """An engine that starts with other definitions than it stopped with keeps who is ready, but not who is gone."""
    s = Scenario(ready=("maria", "john"))
    s.definitions = WITHOUT_MARIA
    s = s >> Restart() << the.AgentStateChanged(agent="maria", status="logged_out")
    assert s.center.agents["john"].available


def test_a_reload_of_thousands_of_agents_is_quick_and_silent() -> None:
    """Nobody changes state, so no fact is told; the views of all are."""
    names = [f"agent{n}" for n in range(3000)]
    big = replace(
        with_queues(QueueDefinition("sales", "Sales", tuple(names))),
        agents={n: AgentDefinition(n, n) for n in names},
    )
    acd = Acd(big)
    acd.handle(Restarted(), 1000.0)
    acd.install(replace(big, version="2"))
    outcome = acd.handle(TimePassed(), 1001.0)
    assert (outcome.events, outcome.commands, len(outcome.agents)) == ([], [], 3000)


def test_a_restart_keeps_who_waits_in_a_queue_that_is_gone() -> None:
    """They stand where they stood, and are served when the queue comes back."""
    s = (queued() >> Install(WITHOUT_SALES) >> Restart()).quiet()
    s = s >> Install(DEFINITIONS) >> maria.registers() >> maria.is_ready() << the.CallOffered(agent="maria")
