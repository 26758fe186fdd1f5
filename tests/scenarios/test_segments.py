"""What a segment means to a call: who comes first, which number it is taken as, the greeting, and what an agent may
grant.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cti_engine.core.customer_signals import GrantDecided, GrantRequested
from cti_engine.core.customers.segment_rules import Level, Segment, SegmentRules
from cti_engine.core.definitions import AgentDefinition, DialledNumber
from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.values import BOOLEAN
from cti_engine.core.ivr.flow import EnterQueue
from cti_engine.core.signals import Signal
from tests.scenarios.playbook import Caller, Desk, Elapse, Restart, Scenario, the
from tests.scenarios.small_center import DEFINITIONS, flow, with_flows

DAY = 86_400.0
SENIOR, _ = read_condition("agent.senior == true", {"agent.senior": BOOLEAN})
assert SENIOR is not None
GOLD = Segment(
    "gold",
    priority=50,
    vip_number="1999",
    greeting={"en": "Hello {name}, thank you for your loyalty."},
    grants={"agent": 30.0, "senior": 100.0},
)
CENTER = replace(
    with_flows(flow("vip", enter=EnterQueue("support"))),
    segments=SegmentRules((GOLD,), levels=(Level("senior", SENIOR),)),
    agents={**DEFINITIONS.agents, "ana": AgentDefinition("ana", "Ana", {"senior": True})},
    dialled_numbers={**DEFINITIONS.dialled_numbers, "1999": DialledNumber("1999", "vip", "en", priority=7)},
)
NO_VIP = replace(CENTER, segments=replace(CENTER.segments, segments=(replace(GOLD, vip_number=""),)))

caller, maria, ana = Caller(), Desk("maria"), Desk("ana")


def _found(**more: Any) -> Signal:
    return caller.found("c1", customer="k1", name="Eva", segment="gold", **more)


def _talking(**profile: Any) -> Scenario:
    s = Scenario(NO_VIP, ready=("maria",)) >> caller.calls("1000") >> _found(**profile) >> caller.connects()
    return s >> maria.rings() >> maria.answers()


def _grants(
    amount: float, reason: str = "late delivery", *, agent: str = "maria", ask: bool = False
) -> Signal:
    return GrantRequested("r", agent, "c1", float(amount), reason, ask)


def _decides(approved: bool = True, grant: str = "g1", by: str = "boss") -> Signal:
    return GrantDecided("r", by, "c1", grant, approved)


def _grant_view(s: Scenario) -> dict[str, Any]:
    view = s.acd.agent_view("maria")
    assert view is not None
    return dict(view.grant)


def test_a_call_of_the_segment_is_taken_as_its_number() -> None:
    """Whichever number was dialled, the flow, priority and queue are those of the segment's own; the record keeps what
    was dialled.
    """
    s = Scenario(CENTER) >> caller.calls("1000") >> _found() >> caller.connects()
    s = s << the.CallAttributesSet(attributes={"language": "en", "taken_as": "1999"})
    s << the.CallQueued(queue="support", priority=57)
    assert s.center.contacts["c1"].dnis == "1000"


def test_other_callers_are_not() -> None:
    """Who is in no segment, or in one without a number, gets the flow of the number dialled and no points."""
    s = Scenario(CENTER) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()
    s << the.CallQueued(queue="sales", priority=0)
    s = Scenario(NO_VIP) >> caller.calls("1000") >> _found() >> caller.connects()
    s << the.CallQueued(queue="sales", priority=50)


def test_the_agent_sees_how_to_greet() -> None:
    """In the call's language and with the customer's name."""
    s = Scenario(NO_VIP, ready=("maria",)) >> caller.calls("1000") >> _found() >> caller.connects()
    s << the.CallOffered(greeting="Hello Eva, thank you for your loyalty.")


def test_a_grant_within_the_limit_is_a_fact() -> None:
    """No question is asked: amount, reason and customer stand in the log, and what is left shows on the page."""
    s = _talking() >> _grants(20) << the.GrantMade(
        agent="maria", customer="k1", segment="gold", amount=20, currency="EUR", reason="late delivery", approved_by=""
    )  # fmt: skip
    s = s << the.Reply(ok=True)
    assert (_grant_view(s)["limit"], _grant_view(s)["left"]) == (30.0, 10.0)
    s = s >> _grants(10.01) << the.Reply(ok=False, code="over_limit", result={"limit": 30.0, "left": 10.0})
    s = s >> _grants(10) << the.GrantMade(amount=10)
    (s >> _grants(10) << the.Reply(code="granted_already")).without(the.GrantMade())


def test_what_was_granted_lately_counts() -> None:
    """Calling again does not double the limit; what is older than `grants_within` is forgotten."""
    now = Scenario().center.now
    s = _talking(granted=[{"at": now - 5 * DAY, "amount": 25}, {"at": now - 40 * DAY, "amount": 30}, "odd"])
    (s >> _grants(6) << the.Reply(code="over_limit")).without(the.GrantMade())
    s >> _grants(5) << the.GrantMade(amount=5)


def test_a_higher_level_grants_more() -> None:
    """The limit is the segment's for the level of the agent."""
    s = Scenario(NO_VIP, ready=("ana",)) >> caller.calls("1000") >> _found() >> caller.connects()
    s = s >> ana.rings() >> ana.answers()
    s >> _grants(100, agent="ana") << the.GrantMade(agent="ana", amount=100)


def test_above_the_limit_a_supervisor_decides() -> None:
    """Asked for, it waits; approved, it is granted in the agent's name; a second decision is refused."""
    s = _talking() >> _grants(80, ask=True) << the.GrantAsked(agent="maria", amount=80, limit=30.0)
    s = s.without(the.GrantMade()) >> Restart()
    assert _grant_view(s)["grants"][0]["state"] == "asked"
    s = s >> _grants(1) << the.Reply(code="grant_pending")
    s = s >> _decides() << the.GrantMade(agent="maria", amount=80, approved_by="boss") << the.Reply(ok=True)
    s = s >> _decides() << the.Reply(code="already_decided")
    assert _grant_view(s)["left"] == 0.0


def test_a_supervisor_may_refuse() -> None:
    """Then nothing is granted, and the agent may ask for less."""
    s = _talking() >> _grants(80, ask=True) >> _decides(False) << the.GrantRefused(agent="maria", by="boss")
    s = s.without(the.GrantMade()) >> _grants(30) << the.GrantMade(amount=30)


def test_nobody_approves_their_own() -> None:
    """A supervisor who takes calls asks another one; and what was never asked cannot be approved."""
    s = _talking() >> _grants(80, ask=True) >> _decides(by="maria") << the.Reply(code="own_grant")
    s = s >> _decides(grant="g9") << the.Reply(code="unknown_grant")
    s.without(the.GrantMade())


@pytest.mark.parametrize(
    ("amount", "reason", "code"),
    [
        (0, "why", "bad_amount"),
        (-5, "why", "bad_amount"),
        (1.001, "why", "bad_amount"),
        (float("nan"), "why", "bad_amount"),
        (float("inf"), "why", "bad_amount"),
        (5, "  ", "no_reason"),
        (5, "x" * 201, "no_reason"),
    ],
)
def test_what_is_no_grant(amount: float, reason: str, code: str) -> None:
    """Amounts are above 0 with whole cents, and each has a reason."""
    (_talking() >> _grants(amount, reason) << the.Reply(ok=False, code=code)).without(the.GrantMade())


def test_only_who_has_the_call_grants() -> None:
    """Another agent, and one whose phone still rings, are refused; in wrap-up it is still possible."""
    s = (
        Scenario(NO_VIP, ready=("maria",))
        >> caller.calls("1000")
        >> _found()
        >> caller.connects()
        >> maria.rings()
    )
    s = s >> _grants(5) << the.Reply(ok=False)
    s = s >> _grants(5, agent="john") << the.Reply(code="not_your_call") >> maria.answers()
    s = s >> Elapse(5) >> caller.hangs_up() >> _grants(5) << the.GrantMade(amount=5)


def test_a_stranger_is_granted_nothing() -> None:
    """Without a segment there is no limit to grant within; a supervisor may still be asked."""
    s = Scenario(NO_VIP, ready=("maria",)) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()
    s = s >> maria.rings() >> maria.answers() >> _grants(1) << the.Reply(code="over_limit")
    s >> _grants(1, ask=True) << the.GrantAsked(amount=1, limit=0.0)
