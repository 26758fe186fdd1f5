"""How calls end, a test per row: by the caller at every stage, by the agent or his phone, by a rule of the center."""

from __future__ import annotations

import pytest

from tests.e2e.desk import TestDesk
from tests.e2e.world import Center
from tests.phones.baresip import Baresip
from tests.phones.capture import Capture

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def talk(center: Center) -> tuple[TestDesk, Baresip, Baresip]:
    """A caller and john in conversation: desk, agent's phone, caller."""
    desk, phone = await center.agent("john")
    caller = await center.caller()
    await caller.dial(center.number("3000"))
    await phone.told("CALL_ESTABLISHED")
    await desk.state("talking")
    return desk, phone, caller


# --- the caller hangs up -----------------------------------------------------------------------


async def test_caller_hangs_up_in_the_menu(center: Center) -> None:
    """Who leaves while the menu speaks was never queued: no agent is asked, the record says left_in_menu."""
    desk, phone = await center.agent("john")
    caller = await center.caller()
    await caller.dial(center.number("2000"))
    await center.event("IvrStepEntered", step="menu")
    await caller.hang_up()
    cdr = await center.cdr()
    assert (cdr["cause"], cdr["outcome"]) == ("caller/left_in_menu", "left_in_menu")
    assert (cdr["queue"], cdr["agent"], cdr["offers"], cdr["wait_s"]) == ("", "", 0, 0.0)
    assert "main_en.welcome" in cdr["flow_path"] and cdr["flow_path"][-1] == "main_en.menu"
    assert "CALL_INCOMING" not in [event.type for event in phone.events]
    assert (desk.me_view["state"], desk.me_view["status"]) == ("idle", "ready")


async def test_caller_hangs_up_in_the_queue(center: Center) -> None:
    """Who leaves while waiting is an abandoned call with its wait; the queue is empty again."""
    caller = await center.caller()
    await caller.dial(center.number("3000"))
    queued = await center.event("CallQueued", queue="support_en", position=1)
    await caller.hears(1.0)
    await caller.hang_up()
    cdr = await center.cdr()
    assert (cdr["cause"], cdr["outcome"]) == ("caller/abandoned_in_queue", "abandoned")
    (left,) = center.events("CallAbandoned")
    assert cdr["wait_s"] == pytest.approx(left.at - queued.at, abs=0.1)


async def test_caller_hangs_up_while_the_agent_rings(center: Center, capture: Capture) -> None:
    """The agent's phone is told by CANCEL and stops ringing, the agent is idle and gets the next call at once."""
    desk, phone = await center.agent("john", answer="manual")
    caller = await center.caller()
    await caller.dial(center.number("3000"))
    await phone.told("CALL_INCOMING")
    await desk.state("ringing")
    await caller.hang_up()
    cdr = await center.cdr()
    assert (cdr["cause"], cdr["outcome"]) == ("caller/abandoned_while_ringing", "abandoned")
    assert cdr["missed_offers"] == ["john:caller_gone"]
    await phone.told("CALL_CLOSED")
    await desk.until_view(state="idle", status="ready", contact="")
    await capture.caught_up()
    assert capture.sip(method="CANCEL", status=0, to_port=phone.sip_port)
    assert [sip.status for sip in capture.sip(method="INVITE", source_port=phone.sip_port)][-1] == 487

    await caller.dial(center.number("3000"))
    await phone.told("CALL_INCOMING", number=2)
    await phone.accept()
    await desk.state("talking")


async def test_caller_hangs_up_while_talking(center: Center) -> None:
    """The agent's phone is hung up too, and the agent has his wrap-up; the record closes after it."""
    desk, phone, caller = await talk(center)
    await caller.hears(1.0)
    await caller.hang_up()
    await phone.told("CALL_CLOSED")
    await desk.wrap_up("solved", "all well")
    cdr = await center.cdr()
    assert (cdr["cause"], cdr["outcome"], cdr["agent"]) == ("caller/hang_up", "answered", "john")
    assert (cdr["disposition"], cdr["note"]) == ("solved", "all well")


# --- the agent and his phone -------------------------------------------------------------------


async def test_agent_hangs_up_from_the_phone(center: Center) -> None:
    """The caller is hung up, the agent wraps up, the record names the agent."""
    desk, phone, caller = await talk(center)
    await phone.hang_up()
    await caller.told("CALL_CLOSED")
    await desk.wrap_up()
    assert (await center.cdr())["cause"] == "agent/hang_up"


async def test_agent_hangs_up_from_the_page(center: Center) -> None:
    """The button on the page ends both legs; an old page, which has not seen the call change, is refused."""
    desk, phone, caller = await talk(center)
    view = desk.me_view
    await desk.ask("HangUp", contact=view["contact"], version=view["state_version"] - 1)
    assert await desk.refused() == "stale"
    await desk.hang_up()
    await caller.told("CALL_CLOSED")
    await phone.told("CALL_CLOSED")
    await desk.wrap_up()
    assert (await center.cdr())["cause"] == "agent/hang_up"


async def test_agent_rejects_on_the_phone(center: Center) -> None:
    """486 of the phone: the call goes to the next agent at once, the one who rejected is made not ready."""
    john, phone = await center.agent("john", answer="manual")
    ana, other = await center.agent("ana")
    caller = await center.caller()
    await caller.dial(center.number("3000"))
    await phone.told("CALL_INCOMING")
    await phone.hang_up()
    await other.told("CALL_ESTABLISHED")
    await ana.state("talking")
    await john.until_view(state="idle", status="not_ready", reason="phone_busy")
    await caller.hang_up()
    await ana.wrap_up()
    cdr = await center.cdr()
    assert (cdr["agent"], cdr["offers"], cdr["missed_offers"]) == ("ana", 2, ["john:busy"])


@pytest.mark.parametrize(
    ("scenario", "outcome", "reason"),
    [("agent_rejects", "rejected", "rejected"), ("agent_dead", "unreachable", "phone_unreachable")],
)
async def test_agents_phone_declines_or_is_dead(
    center: Center, scenario: str, outcome: str, reason: str
) -> None:
    """603 of a phone, and a phone that does not answer at all: the next agent gets the call, with its wait kept."""
    john = await center.sipp_agent("john", scenario)
    ana, other = await center.agent("ana")
    caller = await center.caller()
    await caller.dial(center.number("3002"))
    await center.event("OfferEnded", agent="john", outcome=outcome)
    await other.told("CALL_ESTABLISHED")
    await ana.state("talking")
    await john.until_view(state="idle", status="not_ready", reason=reason)
    await caller.hang_up()
    await ana.wrap_up()
    (queued,), (bridged,) = center.events("CallQueued"), center.events("CallBridged")
    cdr = await center.cdr()
    assert (cdr["agent"], cdr["missed_offers"]) == ("ana", [f"john:{outcome}"])
    assert cdr["wait_s"] == pytest.approx(bridged.at - queued.at, abs=0.1)


async def test_agent_does_not_answer(center: Center, capture: Capture) -> None:
    """RONA: the phone is cancelled after the ring time, the agent is not ready, the call keeps its place and the
    next agent gets it before a call that came later."""
    john, phone = await center.agent("john", answer="manual")
    first, second = await center.caller(), await center.caller()
    await first.dial(center.number("3002"))
    await phone.told("CALL_INCOMING")
    early = (await center.event("CallQueued")).contact
    await second.dial(center.number("3002"))
    late = (await center.event("CallQueued", number=2)).contact
    await center.event("AgentRona", agent="john")
    requeued = await center.event("CallRequeued")
    assert (requeued.contact, requeued.data["position"]) == (early, 1)
    await phone.told("CALL_CLOSED")
    await john.until_view(state="idle", status="not_ready", reason="rona")
    (ringing, over) = (await center.event("AgentDialled")), (await center.event("OfferEnded"))
    assert over.data["rang_s"] == pytest.approx(3.0, abs=0.25)
    assert over.at - ringing.at == pytest.approx(3.0, abs=0.25)
    await capture.caught_up()
    assert capture.sip(method="CANCEL", status=0, to_port=phone.sip_port)

    ana, _ = await center.agent("ana")
    await ana.state("talking")
    assert ana.me_view["contact"] == early
    await first.hang_up()
    await ana.wrap_up()
    await ana.state("talking")
    assert ana.me_view["contact"] == late
    await second.hang_up()
    await ana.wrap_up()
    first_cdr, second_cdr = await center.cdrs(2)
    assert (first_cdr["missed_offers"], second_cdr["missed_offers"]) == (["john:no_answer"], [])


async def test_phone_that_is_not_registered(center: Center) -> None:
    """Without a phone an agent cannot get ready; a phone that goes away takes no more calls until it is back."""
    desk, phone = await center.agent("john")
    await phone.stop()
    await desk.until_view(phone=False)
    await desk.ask("Ready")
    assert await desk.refused() == "phone_not_registered"
    caller = await center.caller()
    await caller.dial(center.number("3000"))
    await center.event("CallQueued")
    assert not center.events("CallOffered")
    back = await center.phone("john")
    await back.told("CALL_ESTABLISHED")
    await desk.state("talking")


# --- rules of the center -----------------------------------------------------------------------


async def test_unknown_number(center: Center) -> None:
    """A number that nobody dials is refused with 404, and never becomes a call."""
    caller = await center.caller()
    await caller.dial(center.number("4711"))
    closed = await caller.told("CALL_CLOSED")
    assert closed.param.startswith("404")
    assert not center.events("CallArrived")


async def test_nobody_is_logged_in(center: Center) -> None:
    """Without any agent a caller waits as long as the queue allows, hears the apology, and is hung up."""
    caller = await center.caller()
    await caller.dial(center.number("3001"))
    await caller.told("CALL_ESTABLISHED")
    left = await center.event("QueueLeft", reason="time_out")
    assert left.data["waited_s"] == pytest.approx(2.0, abs=0.25)
    await center.event("IvrStepEntered", flow="sorry", step="apology")
    await caller.told("CALL_CLOSED", within=20.0)
    cdr = await center.cdr()
    assert (cdr["cause"], cdr["outcome"], cdr["agent"]) == ("system/flow_ended", "flowed_out", "")
    assert cdr["flow_path"] == ["to_impatient_en.wait", "sorry.apology", "sorry.goodbye"]


async def test_maximum_length(center: Center) -> None:
    """A call that is too long is ended on both sides by the center, and its record says so."""
    await center.changed("config/engine.yaml", {"calls.maximum_length": "5s"})
    desk, phone, caller = await talk(center)
    answered = await caller.told("CALL_ESTABLISHED")
    closed = await caller.told("CALL_CLOSED")
    assert closed.at - answered.at == pytest.approx(5.0, abs=0.25)
    await phone.told("CALL_CLOSED")
    await desk.wrap_up()
    cdr = await center.cdr()
    assert (cdr["cause"], cdr["agent"]) == ("system/maximum_length", "john")
    await center.changed("config/engine.yaml", {"calls.maximum_length": "2h"})
