"""An agent calls somebody: who may, the agent's phone first, and every way in which it comes to nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core import commands, signals
from cti_engine.core.definitions import AgentDefinition, CenterDefinitions, DialPermission, OutboundRules
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

maria, john, ana = Desk("maria"), Desk("john"), Desk("ana")
WORKER = "w9"
NUMBER = "+34600000007"
RULES = OutboundRules(
    (
        DialPermission(("+34",), agents=("maria",)),
        DialPermission(("+44",), profiles=("sellers",), shows="+4420000"),
    ),
    never=("+34803",),
    trunk="carrier",
    shows="+34911",
    ring_timeout=40.0,
)
AGENTS = {**DEFINITIONS.agents, "john": AgentDefinition("john", "John", profile="sellers")}
CENTER: CenterDefinitions = replace(DEFINITIONS, outbound=RULES, agents=AGENTS)


def center(*ready: str, worker: bool = True) -> Scenario:
    s = Scenario(CENTER, ready=ready)
    return s >> signals.WorkerSeen(WORKER) if worker else s


def asks(agent: str = "maria", number: str = NUMBER, name: str = "") -> signals.DialRequested:
    return signals.DialRequested("dial", agent, number, name)


def other(name: str, **values: object) -> Deferred:
    """What happens to the phone of who is called."""

    def signal(s: Scenario) -> signals.Signal:
        dialled = [c for c in s.commands if isinstance(c, commands.DialLeg) and c.target.startswith("+")][-1]
        worker, leg = dialled.worker, dialled.leg
        match name:
            case "rings":
                return signals.LegRinging(worker, leg)
            case "answers":
                return signals.LegAnswered(worker, leg, dialog(leg))
            case "fails":
                return signals.LegFailed(worker, leg, int(str(values["code"])))
            case "refused":
                return signals.CommandRefused(worker, "DialLeg", leg, "failed")
            case _:
                return signals.LegEnded(worker, leg, str(values["by"]))

    return Deferred(f"the other's phone {name} {values}", signal)


def dialling(s: Scenario) -> Scenario:
    """Maria is on the line, and the other's phone is dialled."""
    return s >> asks() >> maria.rings() >> maria.answers() << the.DialLeg(target=NUMBER)


def gone(s: Scenario) -> Scenario:
    """The workers have done all EndLegs."""
    while ending := [leg for leg in s.center.legs.values() if leg.state == "ending"]:
        s = s >> signals.LegEnded(ending[0].worker, ending[0].id, "local")
    return s


def free_again(s: Scenario) -> None:
    """Nothing is left of it, and the next call comes to the same agent."""
    agent = s.center.agents["maria"]
    assert agent.state == "idle" and not agent.contact
    assert not [c for c in gone(s).center.contacts.values() if c.kind == "outbound"]
    s >> maria.is_ready() >> Caller("w1").calls("1000") >> Caller("w1").connects() >> Elapse(1)
    assert agent.state in ("reserved", "ringing")


def test_agent_first_then_the_number() -> None:
    """The pop comes, the agent's phone rings, then the number is dialled by the trunk under the number shown; the agent
    hears it ring; both talk and are recorded; the agent wraps up, and the record is of the kind outbound.
    """
    s = center("maria") >> maria.opens_page() >> asks(number="00 34 600-000-007", name="Lucía")
    s = s << the.Reply(request="dial", ok=True, result={"contact": "c1"})
    s = s << the.DialStarted(contact="c1", agent="maria", number=NUMBER, trunk="carrier", shown="+34911")
    s = s << the.CallOffered(contact="c1", kind="outbound", number=NUMBER, name="Lucía", queue="")
    s = s >> Caller().found("c1", customer="7", name="Lucía Gil", segment="gold")
    assert s.center.agents["maria"].shown["name"] == "Lucía Gil"
    s = s >> maria.sees_offer() << the.DialLeg(target="maria", worker=WORKER, fresh=True)
    s = s >> maria.rings() >> maria.answers()
    s = s << the.DialLeg(
        target=NUMBER, worker=WORKER, caller_number="+34911", headers={"X-CTI-Trunk": "carrier"}
    )
    s = (s >> Elapse(3) >> other("rings") << the.PlayPrompts(worker=WORKER, repeat=True)).without(
        the.CallBridged()
    )
    s = s >> Elapse(8) >> other("answers") << the.StopPlayback() << the.SetAudioPaths(worker=WORKER)
    s = s << the.DialEnded(contact="c1", agent="maria", outcome="answered", rang_s=8.0)
    s = s << the.CallBridged(contact="c1", agent="maria", queue="", waited_s=0.0, rang_s=8.0)
    s = s >> Elapse(60) >> other("ends", by="remote") << the.WrapUpStarted(agent="maria")
    s = gone(s) >> is_recorded >> Elapse(5) >> maria.disposes() << the.ContactClosed()
    record = s.record("c1")
    assert (record["kind"], record["outcome"], record["cause"]) == ("outbound", "answered", "caller/hang_up")
    assert (record["ani"], record["dnis"], record["source"]) == (NUMBER, "+34911", "agent:maria")
    assert (record["agent"], record["talk_s"], record["ring_s"], record["wrap_up_s"]) == (
        "maria",
        60.0,
        8.0,
        5.0,
    )
    assert (record["customer"], record["disposition"]) == ("7", "sold")
    assert str(record["recording"]).endswith(".wav")


def test_the_agent_hangs_up_and_the_controls_work() -> None:
    """In the conversation it is a call as any other: hold, mute, keys; the agent ends it in the page."""
    s = dialling(center("maria")) >> other("answers")
    s = s >> maria.asks(signals.HoldRequested, held=True) << the.CallHeld(held=True)
    s = s >> maria.asks(signals.DigitsRequested, digits="12#") << the.SendDigits(digits="12#")
    s = s >> maria.asks_hang_up() << the.CallEnded(cause="hang_up", party="agent")
    gone(s) >> is_recorded >> Elapse(31) << the.ContactClosed()


@pytest.mark.parametrize(
    ("agent", "number", "code"),
    [
        ("ana", NUMBER, "not_permitted"),
        ("maria", "+447700900123", "number_not_allowed"),
        ("maria", "+34803111111", "number_not_allowed"),
        ("john", NUMBER, "number_not_allowed"),
        ("john", "+44 7700 900123", ""),
        ("maria", "lucia", "bad_number"),
        ("maria", "+34600000007;ext=1", "bad_number"),
        ("maria", "", "bad_number"),
        ("maria", "+34" + "0" * 14, "bad_number"),
        ("nobody", NUMBER, "unknown_agent"),
    ],
)
def test_who_may_call_whom(agent: str, number: str, code: str) -> None:
    """Only agents and profiles that are named, numbers that begin as allowed, and never what nobody may call."""
    s = center("maria", "john", "ana") >> asks(agent, number)
    if code:
        (s << the.Reply(ok=False, code=code)).without(the.DialStarted())
    else:
        s << the.DialLeg(target="john") << the.Reply(ok=True)
        s >> john.answers() << the.DialLeg(target="+447700900123", caller_number="+4420000")


def test_nobody_may_by_default() -> None:
    """Without a word in the configuration no agent calls out."""
    s = Scenario(DEFINITIONS, ready=("maria",)) >> signals.WorkerSeen(WORKER) >> asks()
    s << the.Reply(ok=False, code="not_permitted")
    view = s.acd.agent_view("maria")
    assert view is not None and not view.dials


def test_the_page_knows_who_may() -> None:
    """The agent's view says whether there is a number at all that this agent may call."""
    s = center("maria", "ana")
    views = {agent: s.acd.agent_view(agent) for agent in ("maria", "john", "ana")}
    assert {agent: view.dials for agent, view in views.items() if view} == {
        "maria": True,
        "john": True,
        "ana": False,
    }


def test_the_agent_has_to_be_free() -> None:
    """Logged out, without a phone, offered a call or in one: refused with a code, and nothing changes."""
    s = center() >> asks() << the.Reply(code="phone_not_registered")
    s = s >> maria.registers() >> asks() << the.Reply(code="not_idle")
    s = s >> maria.is_ready() >> Caller("w1").calls("1000") >> Caller("w1").connects()
    s = s >> Caller().found("c1") >> asks() << the.Reply(code="not_idle")
    s = s >> maria.answers() >> asks() << the.Reply(code="not_idle")
    s = s >> maria.asks_hang_up() >> asks() << the.Reply(code="not_idle")  # in wrap-up
    assert len(s.center.contacts) == 1


def test_not_ready_is_free_too() -> None:
    """Who is not ready may call, and is not ready afterwards as before."""
    s = dialling(center() >> maria.registers() >> maria.is_not_ready()) >> other("fails", code=486)
    agent = s.center.agents["maria"]
    assert (agent.state, agent.status, agent.reason) == ("idle", "not_ready", "lunch")


def test_no_call_is_offered_meanwhile() -> None:
    """From the request on the agent has the call: one who waits is offered only when it is over."""
    s = center("maria") >> asks()
    s = (s >> Caller("w1").calls("1000") >> Caller("w1").connects() >> Caller().found("c2")).without(
        the.CallOffered(contact="c2")
    )
    s = (s >> maria.answers() >> other("rings")).without(the.CallOffered(contact="c2"))
    s >> other("fails", code=486) << the.CallOffered(contact="c2", agent="maria")


def test_asked_twice() -> None:
    """The second request finds the agent busy; one call is made."""
    s = center("maria") >> asks() >> asks() << the.Reply(ok=False, code="not_idle")
    assert len(s.center.contacts) == 1
    s = s >> maria.answers() >> asks() << the.Reply(code="not_idle")
    assert sum(isinstance(c, commands.DialLeg) and c.target == NUMBER for c in s.commands) == 1


@pytest.mark.parametrize(
    ("ends", "outcome", "cause"),
    [
        (other("fails", code=486), "busy", "outside/busy"),
        (other("fails", code=603), "rejected", "outside/rejected"),
        (other("fails", code=480), "no_answer", "outside/no_answer"),
        (other("fails", code=404), "not_registered", "carrier/not_reached"),
        (other("refused"), "unreachable", "carrier/not_reached"),
        (other("ends", by="remote"), "unreachable", "carrier/not_reached"),
        (Elapse(40.0), "no_answer", "outside/no_answer"),
    ],
)
def test_the_other_is_not_reached(ends: Deferred | Elapse, outcome: str, cause: str) -> None:
    """The agent's leg is ended, the agent is free at once without a wrap-up, and both event and record say why."""
    s = dialling(center("maria")) >> ends << the.EndLeg(worker=WORKER)
    s = s << the.DialEnded(contact="c1", agent="maria", number=NUMBER, outcome=outcome)
    s = gone(s.without(the.WrapUpStarted()))
    record = s.record("c1")
    assert (record["outcome"], record["cause"], record["agent"]) == ("not_reached", cause, "maria")
    free_again(s)


@pytest.mark.parametrize("how", ["phone", "page", "vanished"])
def test_the_agent_gives_up_while_it_rings(how: str) -> None:
    """The other's phone stops ringing; nobody is blamed."""
    s = dialling(center("maria")) >> other("rings")
    leg = s.agent_leg("maria")
    steps: dict[str, Deferred | signals.LegEnded] = {
        "phone": maria.hangs_up(),
        "page": maria.asks_hang_up(),
        "vanished": signals.LegEnded(leg.worker, leg.leg, "media_timeout"),
    }
    s = s >> steps[how] << the.EndLeg() << the.DialEnded(outcome="agent_gone")
    s << the.CallEnded(cause="hang_up", party="agent")
    free_again(s)


def test_the_other_answers_as_the_agent_gives_up() -> None:
    """Both cross: the leg is ended already, nobody is bridged."""
    s = dialling(center("maria")) >> maria.hangs_up()
    s = (s >> other("answers")).without(the.CallBridged())
    free_again(s)


def test_the_other_answers_as_the_time_is_over() -> None:
    """Too late is too late."""
    s = dialling(center("maria")) >> Elapse(40.0) << the.DialEnded(outcome="no_answer")
    free_again((s >> other("answers")).without(the.CallBridged()))


@pytest.mark.parametrize(
    ("ends", "outcome", "status"),
    [
        (maria.fails(486), "agent_busy", "not_ready"),
        (maria.fails(480), "agent_not_registered", "not_ready"),
        (Elapse(20.5), "agent_no_answer", "not_ready"),
        (maria.asks_hang_up(), "agent_gone", "ready"),
    ],
)
def test_the_agents_own_phone_is_not_answered(ends: Deferred | Elapse, outcome: str, status: str) -> None:
    """Then nobody is called. A phone that is not picked up counts as any missed offer; to take it back does not."""
    s = center("maria") >> asks() >> maria.rings() >> ends << the.DialEnded(outcome=outcome)
    assert not [c for c in s.commands if isinstance(c, commands.DialLeg) and c.target == NUMBER]
    assert s.center.agents["maria"].status == status
    free_again(s)


def test_no_worker_is_free() -> None:
    """Refused at once with a code; the agent stays free."""
    s = center("maria", worker=False) >> asks() << the.Reply(ok=False, code="no_line")
    assert s.center.agents["maria"].available and not s.center.contacts


def test_the_worker_serves_a_call_already() -> None:
    """The edge was faster: it is over with the outcome no_line, and the agent is not blamed."""
    s = center("maria") >> asks()
    s = s >> signals.CommandRefused(WORKER, "DialLeg", s.agent_leg("maria").leg, "wrong_state")
    s = s << the.DialEnded(outcome="no_line")
    assert s.center.agents["maria"].available
    free_again(s)


@pytest.mark.parametrize("when", ["offered", "dialling", "talking"])
def test_its_worker_is_lost(when: str) -> None:
    """All phones get their BYE from the edge, the agent is free, the record says worker_lost."""
    s = center("maria") >> asks() >> maria.rings()
    s = s >> maria.answers() if when != "offered" else s
    s = s >> other("answers") if when == "talking" else s
    s = s >> signals.WorkerLost(WORKER) << the.EndDialog()
    if when != "talking":
        s = s << the.DialEnded(outcome="worker_lost")
    s = s >> Elapse(11)
    assert s.record("c1")["cause"] == "system/worker_lost"
    free_again(s)


@pytest.mark.parametrize("before", ["offered", "dialled", "rings", "talking"])
def test_the_engine_is_killed(before: str) -> None:
    """At any moment: the rows say everything, and both talk in the end."""
    s = center("maria") >> asks() >> maria.rings()
    s = s >> Restart() if before == "offered" else s
    s = s >> maria.answers()
    s = s >> Restart() if before == "dialled" else s
    s = s >> other("rings")
    s = s >> Restart() if before == "rings" else s
    s = s >> other("answers")
    s = s >> Restart() if before == "talking" else s
    s = s >> Elapse(5)
    assert (s.center.contacts["c1"].state, s.center.agents["maria"].state) == ("talking", "talking")


def test_the_engine_is_away_while_it_ends() -> None:
    """A leg that nobody knows any more when the engine is back: the call is over, the agent free."""
    s = dialling(center("maria"))
    s = (
        s
        >> Restart(hellos=False)
        >> signals.WorkerSeen(WORKER, ())
        >> signals.EdgeSeen(("maria",))
        >> Elapse(2)
    )
    assert s.center.agents["maria"].state == "idle"
    free_again(s)


def test_it_never_rings_longer_than_a_call_may_last() -> None:
    """The maximum length counts from the request, so that nothing can hang."""
    s = Scenario(
        replace(CENTER, outbound=replace(RULES, ring_timeout=9000.0)), ready=("maria",)
    ) >> signals.WorkerSeen(WORKER)
    s = dialling(s) >> Elapse(1800) << the.DialEnded(outcome="maximum_length")
    free_again(s)
