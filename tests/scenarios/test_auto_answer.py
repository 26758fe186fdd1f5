"""Agents who want it: the phone is told to answer by itself, and a short tone comes before the caller."""

from __future__ import annotations

from dataclasses import replace

from cti_engine.core import signals
from cti_engine.core.definitions import AgentDefinition, DialPermission, OutboundRules
from cti_engine.core.party_signals import ConsultRequested
from tests.scenarios.playbook import Caller, Desk, Scenario, the
from tests.scenarios.small_center import DEFINITIONS, with_queues

maria = Desk("maria")
caller = Caller()
AGENTS = {**DEFINITIONS.agents, "maria": AgentDefinition("maria", "Maria", auto_answer=True)}
TONE = {
    "Call-Info": "<sip:cti>;answer-after=0",
    "Alert-Info": "<http://127.0.0.1>;info=alert-autoanswer;delay=0",
}


def called(auto: bool) -> Scenario:
    s = Scenario(replace(DEFINITIONS, agents=AGENTS) if auto else DEFINITIONS, ready=("maria",))
    return s >> caller.calls("1000") >> caller.connects() >> caller.found("c1")


def test_the_phone_is_told_and_a_tone_is_heard() -> None:
    """The INVITE asks for an answer at once; with the bridge a tone plays to the agent, and nothing to the caller."""
    s = called(auto=True) << the.DialLeg(target="maria", headers=TONE)
    s = s >> maria.rings() >> maria.answers()
    leg = s.agent_leg("maria").leg
    s = s << the.SetAudioPaths() << the.PlayPrompts(leg=leg, repeat=False)
    s.without(the.PlayPrompts(leg=caller.leg))
    view = s.acd.agent_view("maria")
    assert view is not None and view.auto_answer


def test_by_default_the_agent_picks_up() -> None:
    """No header and no tone."""
    s = called(auto=False) << the.DialLeg(target="maria", headers={})
    (s >> maria.answers()).without(the.PlayPrompts())


def test_by_queue() -> None:
    """A queue whose agents' phones answer by themselves: its calls only, and the page's phone is told so meanwhile."""
    queue = replace(DEFINITIONS.queues["sales"], auto_answer=True)
    s = Scenario(with_queues(queue), ready=("maria", "ana"))
    view = s.acd.agent_view("maria")
    assert view is not None and not view.auto_answer
    s = s >> caller.calls("1000") >> caller.connects() >> caller.found("c1")
    s = s << the.DialLeg(target="maria", headers=TONE)
    view = s.acd.agent_view("maria")
    assert view is not None and view.auto_answer
    s = s >> maria.answers() << the.PlayPrompts(leg=s.agent_leg("maria").leg, repeat=False)
    other = Caller("w2", "+34600000002")
    s = (
        s
        >> other.calls("3000")
        >> other.connects()
        >> other.found("c2")
        << the.DialLeg(target="ana", headers={})
    )
    (s >> Desk("ana").answers()).without(the.PlayPrompts(repeat=False))


def test_who_is_asked_and_who_calls_out_hear_it_too() -> None:
    """A colleague whose phone answers by itself hears the tone before they are asked, and an agent before the other's
    phone rings.
    """
    s = Scenario(replace(DEFINITIONS, agents=AGENTS), ready=("john",)) >> signals.WorkerSeen("w9")
    s = s >> caller.calls("1000") >> caller.connects() >> caller.found("c1") >> Desk("john").answers()
    s = s >> maria.registers() >> maria.is_ready()
    s = (
        s
        >> Desk("john").asks(ConsultRequested, to_agent="maria")
        << the.DialLeg(target="maria", headers=TONE)
    )
    s = s >> maria.answers() << the.PlayPrompts(leg=s.agent_leg("maria").leg, repeat=False)

    rules = OutboundRules((DialPermission(("+34",), agents=("maria",)),), trunk="carrier")
    s = Scenario(replace(DEFINITIONS, agents=AGENTS, outbound=rules), ready=("maria",))
    s = s >> signals.WorkerSeen("w9") >> signals.DialRequested("dial", "maria", "+34600000007")
    s = s << the.DialLeg(target="maria", headers=TONE) >> maria.answers()
    s << the.DialLeg(target="+34600000007") << the.PlayPrompts(leg=s.agent_leg("maria").leg, repeat=False)
