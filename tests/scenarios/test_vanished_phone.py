"""A phone that vanishes in mid-call (no BYE, no RTP any more): its leg ends by `media_timeout`."""

from __future__ import annotations

import pytest

from cti_engine.core.signals import LegEnded, LogOutRequested
from tests.scenarios.playbook import Caller, Desk, Elapse, Scenario, Step, is_recorded, the

caller, maria = Caller(), Desk("maria")
CALLER_VANISHES, AGENT_VANISHES = (LegEnded("w1", leg, "media_timeout") for leg in ("w1/1", "l1"))


def talking() -> Scenario:
    s = Scenario(ready=("maria",)) >> caller.calls("1000") >> caller.connects() >> caller.found("c1")
    return s >> maria.rings() >> maria.answers() << the.CallBridged() >> Elapse(60)


def test_the_callers_phone() -> None:
    """The agent's leg is ended and wrapped up as after a hang-up; the record says whose phone fell silent."""
    s = (
        talking()
        >> CALLER_VANISHES
        << the.StopRecording(recording="r1")
        << the.EndLeg(leg="l1", reason="media_timeout")
        << the.CallEnded(cause="media_timeout", party="caller", q850=27)
        << the.WrapUpStarted(agent="maria")
        >> maria.is_gone()
        >> is_recorded
        >> maria.disposes()
        << the.ContactClosed()
    )
    assert (s.record()["cause"], s.record()["outcome"]) == ("caller/media_timeout", "answered")
    assert s.center.agents["maria"].available
    assert s.anomalies == []


def test_the_agents_phone() -> None:
    """The caller is released, and after the wrap-up the agent is not ready: that phone would get no call."""
    s = (
        talking()
        >> AGENT_VANISHES
        << the.EndLeg(leg="w1/1", reason="media_timeout")
        << the.CallEnded(cause="media_timeout", party="agent")
        >> caller.is_gone()
        >> is_recorded
        >> maria.disposes()
        << the.AgentStateChanged(agent="maria", state="idle", status="not_ready", reason="phone_unreachable")
        << the.ContactClosed()
    )
    assert s.record()["cause"] == "agent/media_timeout"
    assert s.anomalies == []


def test_an_agent_who_asked_to_leave_leaves() -> None:
    """What the agent asked for during the call comes before the reason that the phone gives."""
    s = talking() >> LogOutRequested("q1", "maria") >> AGENT_VANISHES >> caller.is_gone() >> is_recorded
    s = s >> maria.disposes() << the.ContactClosed()
    assert s.center.agents["maria"].status == "logged_out"


@pytest.mark.parametrize("steps", [(CALLER_VANISHES, AGENT_VANISHES), (AGENT_VANISHES, CALLER_VANISHES)])
def test_both_phones(steps: tuple[Step, ...]) -> None:
    """Wi-Fi lost for the whole house: the first told decides the cause, the second changes nothing."""
    s = talking()
    for step in steps:
        s = s >> step
    s = s >> is_recorded >> maria.disposes() << the.ContactClosed()
    assert s.record()["cause"] == f"{'caller' if steps[0] is CALLER_VANISHES else 'agent'}/media_timeout"
    assert s.anomalies == []


def test_in_the_queue() -> None:
    """Whoever vanishes while waiting has abandoned the call, for all figures of the queue."""
    s = Scenario() >> caller.calls("1000") >> caller.connects() >> caller.found("c1") >> Elapse(30)
    s = s >> CALLER_VANISHES << the.CallAbandoned(queue="sales", waited_s=30.0) << the.ContactClosed()
    assert (s.record()["cause"], s.record()["outcome"]) == ("caller/media_timeout", "abandoned")
