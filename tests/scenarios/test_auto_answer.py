"""Agents who want it: the phone is told to answer by itself, and a short tone comes before the caller."""

from __future__ import annotations

from dataclasses import replace

from cti_engine.core.definitions import AgentDefinition
from tests.scenarios.playbook import Caller, Desk, Scenario, the
from tests.scenarios.small_center import DEFINITIONS

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
