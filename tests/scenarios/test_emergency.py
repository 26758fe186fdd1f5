"""Emergency numbers: one policy before every other rule, from the page and from a phone; supervisors are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core import signals
from cti_engine.core.definitions import CenterDefinitions, EmergencyRules
from cti_engine.definitions.outbound_loader import emergency_flows
from tests.scenarios.playbook import Caller, Deferred, Desk, Elapse, Restart, Scenario, dialog, the
from tests.scenarios.small_center import DEFINITIONS
from tests.scenarios.test_outbound import CENTER as MAY_DIAL

maria = Desk("maria")
ALLOWED = EmergencyRules(("112", "911"), "allow", "sos", "es")
REFUSED = EmergencyRules(("112",), "refuse", "", "es")
NO_TRUNK = EmergencyRules(("112",), "allow", "", "es")
WORKER = "w9"
phone = Caller("w1", "2001")


def center(rules: EmergencyRules, base: CenterDefinitions = DEFINITIONS) -> Scenario:
    flows = {**base.flows, **emergency_flows(rules)}
    s = Scenario(replace(base, emergency=rules, flows=flows), ready=("maria",))
    return s >> signals.WorkerSeen(WORKER)


def asks(number: str = "112") -> signals.DialRequested:
    return signals.DialRequested("dial", "maria", number)


def dials(number: str = "112", source: str = "account:maria") -> signals.Signal:
    return signals.InviteReceived(phone.worker, phone.leg, phone.ani, number, source=source)


def rescue(name: str, code: int = 0) -> Deferred:
    """What happens at the other end."""

    def signal(s: Scenario) -> signals.Signal:
        leg = next(leg for leg in s.center.legs.values() if leg.role == "outside")
        if name == "answers":
            return signals.LegAnswered(leg.worker, leg.id, dialog(leg.id))
        return signals.LegFailed(leg.worker, leg.id, code)

    return Deferred(f"the other end {name} {code}", signal)


def test_from_the_page_without_any_permission() -> None:
    """An agent who may call nobody reaches the emergency number by its own trunk; everybody who watches is told; the
    recording of this call cannot be paused.
    """
    s = center(ALLOWED) >> asks("1 1 2") << the.Reply(ok=True) >> maria.answers()
    s = s << the.DialLeg(target="112", headers={"X-CTI-Trunk": "sos"})
    s = s << the.EmergencyCalled(contact="c1", agent="maria", number="112", trunk="sos")
    leg = s.center.contacts["c1"].caller_leg
    s = s >> signals.LegAnswered(WORKER, leg, dialog(leg)) << the.StartRecording() << the.CallBridged()
    s = s >> maria.asks(signals.PauseRecordingRequested, paused=True) << the.Reply(ok=False, code="emergency")


@pytest.mark.parametrize("state", ["wrap_up", "logged_out", "not_ready"])
def test_it_waits_for_no_wrap_up_and_no_log_in(state: str) -> None:
    """Wrap-up ends at once; who is logged out or not ready may call for help too."""
    s = center(ALLOWED)
    if state == "wrap_up":
        s = s >> phone.calls("1000") >> phone.connects() >> phone.found("c1") >> maria.answers()
        s = s >> maria.asks_hang_up() << the.WrapUpStarted()
    else:
        s = s >> (maria.logs_out() if state == "logged_out" else maria.is_not_ready())
    s >> asks() << the.DialLeg(target="maria") << the.Reply(ok=True)


@pytest.mark.parametrize("rules", [REFUSED, NO_TRUNK])
def test_from_the_page_refused(rules: EmergencyRules) -> None:
    """By policy or for want of a trunk: a clear code, and supervisors are told that somebody has tried."""
    s = center(rules, MAY_DIAL) >> asks() << the.EmergencyRefused(agent="maria", number="112")
    s << the.Reply(ok=False, code="emergency_refused")
    assert not s.center.contacts


def test_from_a_phone() -> None:
    """A phone registered here dials 112: it is rung by the trunk, both talk, and supervisors are told."""
    s = center(ALLOWED) >> dials() << the.AnswerLeg() >> phone.connects() >> phone.found("c1")
    s = s << the.DialLeg(target="112", headers={"X-CTI-Trunk": "sos"})
    s = s << the.EmergencyCalled(contact="c1", agent="maria", number="112", trunk="sos")
    s = s >> rescue("answers") << the.SetAudioPaths() << the.TransferEnded(outcome="answered")
    assert s.center.contacts["c1"].state == "talking"


def test_from_a_phone_and_nobody_is_reached() -> None:
    """The caller is told so in words, and is not left in silence."""
    s = center(ALLOWED) >> dials() >> phone.connects() >> phone.found("c1") >> rescue("fails", 503)
    s << the.PlayPrompts(leg=phone.leg)


@pytest.mark.parametrize("rules", [REFUSED, NO_TRUNK])
def test_from_a_phone_refused(rules: EmergencyRules) -> None:
    """The phone hears a sentence in the language of the policy; supervisors are told; nobody is dialled."""
    s = center(rules) >> dials() << the.EmergencyRefused(contact="c1", agent="maria", number="112")
    s = s >> phone.connects() >> phone.found("c1")
    (played,) = [c for c in s.commands if type(c).__name__ == "PlayPrompts"]
    (prompt,) = played.prompts  # type: ignore[union-attr]  # it is one
    assert prompt.language == "es" and "emergencia" in prompt.value
    s = (s >> Elapse(1)).without(the.DialLeg())


@pytest.mark.parametrize("source", ["guest", "trunk:carrier"])
def test_nobody_else_calls_for_help_through_us(source: str) -> None:
    """Guests and carriers' callers hear that there is no such number."""
    s = center(ALLOWED) >> dials(source=source) << the.RejectLeg(sip_code=404)
    s.without(the.EmergencyCalled())


def test_the_edge_lets_them_in() -> None:
    """They are among the numbers that the edge is told, and not among those that flows transfer to."""
    definitions = center(ALLOWED).definitions
    assert {"112", "911", "1000"} <= definitions.all_numbers
    assert "112" not in definitions.dialled_numbers


@pytest.mark.parametrize("before", ["ready", "lunch"])
def test_an_agent_at_a_desk_phone_is_offered_nothing_meanwhile(before: str) -> None:
    """Who calls for help at the phone is not ready for as long as it lasts, and as before when it is over; the engine
    may be killed in between.
    """
    s = center(ALLOWED)
    s = s >> maria.is_not_ready() if before == "lunch" else s
    s = s >> dials() >> phone.connects() >> phone.found("c1") >> rescue("answers")
    other = Caller("w5")
    s = (s >> other.calls("1000") >> other.connects() >> other.found("c2")).without(the.CallOffered())
    agent = s.center.agents["maria"]
    assert (agent.status, agent.reason) == ("not_ready", "emergency" if before == "ready" else "lunch")
    s = s >> Restart() >> phone.hangs_up()
    agent = s.center.agents["maria"]
    assert (agent.status, agent.reason) == (("ready", "") if before == "ready" else ("not_ready", "lunch"))
    assert (agent.contact == "c2") is (before == "ready")


def test_an_emergency_call_in_wrap_up_counts_afterwards() -> None:
    """When the wrap-up runs out the agent is not free while the phone is in that call."""
    s = center(ALLOWED) >> Caller("w5").calls("1000") >> Caller("w5").connects() >> Caller("w5").found("c1")
    s = s >> maria.answers() >> maria.asks_hang_up() << the.WrapUpStarted()
    s = s >> dials() >> phone.connects() >> phone.found("c2") >> rescue("answers") >> Elapse(31)
    assert (s.center.agents["maria"].status, s.center.agents["maria"].state) == ("not_ready", "idle")
    s = s >> phone.hangs_up()
    assert s.center.agents["maria"].available


def test_who_gets_ready_meanwhile_stays_so() -> None:
    """What the human chooses counts, also when the call ends."""
    s = center(ALLOWED) >> dials() >> phone.connects() >> phone.found("c1") >> rescue("answers")
    s = s >> maria.is_not_ready() >> phone.hangs_up()
    assert (s.center.agents["maria"].status, s.center.agents["maria"].reason) == ("not_ready", "lunch")
