"""Phones that the center rings: a customer who asked for it on the web; for a flow or an agent, somebody else's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.desk import TestDesk
from tests.e2e.who_hears import OTHER_HZ, SUPERVISOR_HZ, heard_now, hears_only
from tests.e2e.world import AGENT_HZ, CALLER_HZ, ROOT, Center, world_port, world_trunk
from tests.phones.baresip import Baresip
from tests.phones.child import Child
from tests.phones.tones import read_wav, tone_level_db, tone_margin_db
from tests.phones.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

SITE = "https://www.example.org"
CUSTOMER, EXPERT = "+34611223344", "+34911000222"


def changes() -> dict[str, dict[str, Any]]:
    """The web site may ask for calls to Spanish mobiles, which leave by the trunk `world`."""
    return {
        "config/sip.yaml": world_trunk(),
        "config/engine.yaml": {
            "callbacks": {"numbers": ["+346"], "trunk": "world", "ring_timeout": "20s"},
            "transfers": {"trunk": "world", "numbers": ["+349"]},
            "outbound": {
                "permissions": [{"agents": ["maria"], "numbers": ["+346"]}],
                "trunk": "world",
                "shows": "+34910000000",
            },
            "recording": [{"numbers": ["3002"], "consent": "ask"}],
            "emergency": {"policy": "allow", "numbers": ["112"], "trunk": "world"},
            "call_me": {"queues": ["support_en"], "origins": [SITE], "number": "2000"},
        },
        "config/agents.yaml": {"agents.ana.auto_answer": True},
        "routing_rules/dialled_numbers.yaml": {
            "dialled_numbers.7001": {"flow": "extension", "language": "en"},
            "dialled_numbers.7002": {"flow": "outside", "language": "en"},
        },
        "ivr_flows/outside.yaml": {
            "flow": "outside",
            "languages": ["en"],
            "start": "first",
            "steps": {
                "first": {"transfer": {"number": EXPERT, "busy": "second", "failed": "bye"}},
                "second": {"transfer": {"number": EXPERT, "ring": "30s", "failed": "bye"}},
                "bye": {"hang_up": None},
            },
        },
    }


async def test_asked_on_the_web_and_called(center: Center) -> None:
    """A page of the site asks over HTTP; the wish waits in the queue until an agent gets ready; the agent's phone
    rings, then the customer's, with the center's number; both hear each other. The id tells how it
    stands before and after.
    """
    customer = await center.outside(CUSTOMER, world_port(), answer="manual")
    key = (center.var / "secrets" / "call-me.txt").read_text().strip()
    async with aiohttp.ClientSession(center.origin, headers={"Origin": SITE}) as site:
        wish = {"number": "+34 611 22 33 44", "queue": "support_en", "language": "en", "name": "Eva"}
        refused = await site.post("/api/call-me", json=wish)
        assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, SITE)
        asked = await site.post("/api/call-me", json=wish, headers={"Authorization": f"Bearer {key}"})
        answer = await asked.json()
        assert (asked.status, answer["state"], answer["queue"]) == (201, "waiting", "support_en")
        queued = await center.event("CallQueued")
        assert (queued.contact, queued.data["queue"]) == (answer["contact"], "support_en")
        looked = await (await site.get(asked.headers["Location"])).json()
        assert (looked["state"], looked["calls"]) == ("waiting", 0)

        desk, handset = await center.agent("john")
        await center.event("CallOffered", kind="callback", agent="john")
        await customer.told("CALL_INCOMING", within=20.0)
        assert [event.type for event in handset.events].count("CALL_ESTABLISHED") == 1
        assert "2000" in next(event.peer for event in customer.events if event.type == "CALL_INCOMING")
        await customer.accept()
        bridged = await center.event("CallBridged", agent="john")
        assert bridged.contact == answer["contact"]
        await customer.hears_more(2.0)
        await customer.hang_up()
        await desk.state("wrap_up")
        await desk.wrap_up()
        record = await center.cdr()
        assert (record["kind"], record["source"], record["outcome"]) == ("callback", "web", "answered")
        looked = await (await site.get(asked.headers["Location"])).json()
        assert (looked["state"], looked["calls"]) == ("reached", 1)
    assert tone_margin_db(customer.recordings()[-1].heard, AGENT_HZ, CALLER_HZ) > 20
    assert tone_margin_db(handset.recordings()[-1].heard, CALLER_HZ, AGENT_HZ) > 20


async def test_no_call_at_the_companys_expense(center: Center) -> None:
    """A number that the admin does not allow is refused, and nothing leaves by the trunk."""
    customer = await center.outside("+34806123456", world_port(), answer="manual")
    key = (center.var / "secrets" / "call-me.txt").read_text().strip()
    await center.agent("john")
    wish = {"number": "+34806123456", "queue": "support_en"}
    async with aiohttp.ClientSession(center.origin, headers={"Authorization": f"Bearer {key}"}) as server:
        response = await server.post("/api/call-me", json=wish)
        assert (response.status, (await response.json())["error"]["code"]) == (422, "bad_number")
    assert not center.events("CallbackRequested") and not customer.events


async def test_a_caller_dials_an_extension(center: Center) -> None:
    """The keys ring the agent with that extension, and nobody else; both hear each other; the record tells of it."""
    desk, handset = await center.agent("john")
    await center.agent("ana")
    caller = await center.caller()
    await caller.dial(center.number("7001"))
    await center.event("IvrStepEntered", step="ask")
    await caller.hears(1.0)
    await caller.digits("202")
    started = await center.event("TransferStarted")
    assert (started.data["agent"], started.data["number"]) == ("john", "")
    bridged = await center.event("CallBridged", agent="john")
    assert bridged.data["queue"] == ""
    await caller.hears_more(2.0)
    await caller.hang_up()
    await desk.state("wrap_up")
    await handset.told("CALL_CLOSED")
    await desk.wrap_up()
    record = await center.cdr()
    assert (record["agent"], record["outcome"], record["cause"]) == ("john", "answered", "caller/hang_up")
    assert record["transfers"] == ["john:answered"] and record["recording_s"] > 1.0
    assert tone_margin_db(caller.recordings()[-1].heard, AGENT_HZ, CALLER_HZ) > 20
    assert tone_margin_db(handset.recordings()[-1].heard, CALLER_HZ, AGENT_HZ) > 20


async def test_a_flow_transfers_to_a_phone_outside(center: Center) -> None:
    """Busy, the flow goes on by that way and rings once more; answered, both hear each other; who is outside hangs up
    and the caller's call ends.
    """
    expert = await center.outside(EXPERT, world_port(), answer="manual", play=center.tone(AGENT_HZ))
    caller = await center.caller()
    await caller.dial(center.number("7002"))
    await expert.told("CALL_INCOMING", within=20.0)
    assert "7002" in next(event.peer for event in expert.events if event.type == "CALL_INCOMING")
    await caller.hears(1.0)
    await expert.hang_up()
    await center.event("TransferEnded", outcome="busy")
    await expert.told("CALL_INCOMING", number=2, within=20.0)
    await expert.accept()
    await center.event("TransferEnded", outcome="answered")
    await caller.hears_more(2.0)
    await expert.hang_up()
    await caller.told("CALL_CLOSED")
    record = await center.cdr()
    assert (record["outcome"], record["cause"], record["agent"]) == ("transferred", "outside/hang_up", "")
    assert record["transfers"] == [f"{EXPERT}:busy", f"{EXPERT}:answered"]
    assert tone_margin_db(expert.recordings()[-1].heard, CALLER_HZ, AGENT_HZ) > 20
    assert tone_margin_db(caller.recordings()[-1].heard, AGENT_HZ, CALLER_HZ) > 20


async def test_a_caller_who_hangs_up_while_it_rings_outside(center: Center) -> None:
    """The phone outside stops ringing."""
    expert = await center.outside(EXPERT, world_port(), answer="manual")
    caller = await center.caller()
    await caller.dial(center.number("7002"))
    await expert.told("CALL_INCOMING", within=20.0)
    await caller.hang_up()
    await expert.told("CALL_CLOSED")
    record = await center.cdr()
    assert (record["cause"], record["transfers"]) == (
        "caller/abandoned_in_transfer",
        [f"{EXPERT}:caller_gone"],
    )


async def test_the_engine_is_killed_while_it_rings_outside(center: Center) -> None:
    """It rings on; answered meanwhile or later, both talk."""
    expert = await center.outside(EXPERT, world_port(), answer="manual", play=center.tone(AGENT_HZ))
    caller = await center.caller()
    await caller.dial(center.number("7002"))
    await expert.told("CALL_INCOMING", within=20.0)
    since = center.kill("engine")
    await center.back("engine", since)
    await expert.accept()
    await center.event("TransferEnded", outcome="answered")
    await caller.hears_more(1.0)
    await caller.hang_up()
    await expert.told("CALL_CLOSED")
    assert (await center.cdr())["outcome"] == "transferred"


async def test_an_agent_calls_a_customer(center: Center) -> None:
    """Asked in the page, the agent's phone rings, then the customer's, which shows our number; both hear each other;
    the record is of the kind outbound. A number that is not allowed, and a second wish, are refused.
    """
    customer = await center.outside(CUSTOMER, world_port(), answer="manual")
    desk, handset = await center.agent("maria")
    await desk.ask("Dial", {"number": "+44 7700 900123"})
    assert await desk.refused() == "number_not_allowed"
    await desk.ask("Dial", {"number": "+34 611 22 33 44"})
    offered = await center.event("CallOffered", kind="outbound", agent="maria")
    await handset.told("CALL_ESTABLISHED", within=20.0)
    incoming = await customer.told("CALL_INCOMING", within=20.0)
    assert "+34910000000" in incoming.peer
    await desk.ask("Dial", {"number": CUSTOMER})
    assert await desk.refused() == "not_idle"
    await handset.hears_more(1.0)
    await customer.accept()
    bridged = await center.event("CallBridged", agent="maria")
    assert bridged.contact == offered.contact
    await customer.hears_more(2.0)
    await customer.hang_up()
    await desk.state("wrap_up")
    await desk.wrap_up()
    record = await center.cdr()
    assert (record["kind"], record["outcome"], record["ani"]) == ("outbound", "answered", CUSTOMER)
    assert record["recording"]
    assert tone_margin_db(customer.recordings()[-1].heard, AGENT_HZ, CALLER_HZ) > 20
    assert tone_margin_db(handset.recordings()[-1].heard, CALLER_HZ, AGENT_HZ) > 20


async def test_an_agents_phone_dials_the_emergency_number(center: Center) -> None:
    """112 at a registered phone leaves by the emergency trunk, and both hear each other; supervisors are told."""
    rescue = await center.outside("112", world_port())
    caller = await center.caller()
    await caller.dial(center.number("112"))
    told = await center.event("EmergencyCalled")
    assert (told.data["agent"], told.data["trunk"]) == ("caller", "world")
    await rescue.told("CALL_ESTABLISHED", within=20.0)
    await caller.hears_more(3.0)
    await caller.hang_up()
    await center.cdr()
    assert rescue.recordings()


async def test_a_phone_that_answers_by_itself(center: Center, tmp_path: Path) -> None:
    """An agent with auto_answer, at the softphone of the command line: nobody picks up, the INVITE asks the phone to
    answer; the agent hears the short tone, then the caller, who hears the agent.
    """
    softphone = Child(
        [sys.executable, "-m", "cti_engine", "--var", str(center.var), "softphone", "ana", "--json",
         "--tone", str(AGENT_HZ), "--record", str(tmp_path / "heard")],
        tmp_path, name="softphone", env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    async with softphone:
        desk = center.desk("ana")
        await desk.ready()
        caller = await center.caller()
        await caller.dial(center.number("3000"))
        await center.event("CallBridged", agent="ana")
        await caller.hears_more(3.0)
        await caller.hang_up()
        await softphone.logged('"fact": "over"', within=10.0)
        await desk.state("wrap_up")
        await desk.wrap_up()
    (heard,) = (tmp_path / "heard").glob("*.wav")
    pcm, rate = read_wav(heard)
    assert tone_level_db(pcm[: 2 * rate], rate, 1400) > -60
    assert tone_level_db(pcm, rate, CALLER_HZ) > -30
    assert tone_margin_db(caller.recordings()[-1].heard, AGENT_HZ, 1400) > 20


# --- several in one call ---------------------------------------------------------------------------------


async def asks(desk: TestDesk, request: str, **args: Any) -> None:
    """About the call on this desk, with what it shows."""
    view = desk.me_view
    await desk.ask(request, args, contact=view["contact"], version=view["state_version"])


def talks_with(desk: TestDesk, agent: str) -> bool:
    """By what this page shows of the others in the call."""
    return any(one["agent"] == agent and one["state"] == "talking" for one in desk.me_view["parties"])


async def with_john(center: Center) -> tuple[Baresip, TestDesk, Baresip, TestDesk, Baresip]:
    """A caller talks with john; then ana is ready, whose phone plays another tone."""
    john, handset = await center.agent("john")
    caller = await center.caller()
    await caller.dial(center.number("3000"))
    await center.event("CallBridged", agent="john")
    phone = await center.phone("ana", play=center.tone(OTHER_HZ))
    ana = center.desk("ana")
    await ana.ready()
    return caller, john, handset, ana, phone


async def test_ask_a_colleague_talk_together_and_leave(center: Center) -> None:
    """Consult: the two agents hear each other, and the caller neither; a conference: all three; who began it leaves
    and the others talk on. The recording has both agents on its side; the record a part for each.
    """
    caller, john, handset, ana, phone = await with_john(center)
    await asks(john, "Consult", to_agent="ana", note="refund?")
    offered = await center.event("CallOffered", agent="ana")
    assert (offered.data["purpose"], offered.data["by"], offered.data["note"]) == (
        "consult",
        "john",
        "refund?",
    )
    await until(lambda: talks_with(john, "ana"), "ana on the phone")
    await hears_only(handset, OTHER_HZ)
    await hears_only(phone, AGENT_HZ)
    assert not {AGENT_HZ, OTHER_HZ} & heard_now(caller)
    await asks(john, "JoinCall")
    await ana.until_view(role="conferee")
    await hears_only(caller, AGENT_HZ, OTHER_HZ)
    await hears_only(handset, CALLER_HZ, OTHER_HZ)
    await hears_only(phone, CALLER_HZ, AGENT_HZ)
    await asks(john, "HangUp")
    await ana.until_view(role="agent")
    await hears_only(caller, OTHER_HZ)
    await john.wrap_up(note="with ana")
    await caller.hang_up()
    await ana.wrap_up()
    record = await center.cdr()
    assert [(part["agent"], part["ended"]) for part in record["segments"]] == [
        ("john", "left:ana"),
        ("ana", "caller/hang_up"),
    ]
    pcm, rate = read_wav(center.var / "recordings" / record["recording"].rpartition("/")[2], channel=1)
    assert min(tone_level_db(pcm, rate, hertz) for hertz in (AGENT_HZ, OTHER_HZ)) > -30


async def test_an_attended_transfer_and_then_a_blind_one_outside(center: Center) -> None:
    """Who was asked gets the call, and gives it to a number outside without asking: each time the caller hears the
    new one alone, and who had it wraps up beside the talk.
    """
    expert = await center.outside(EXPERT, world_port(), answer="manual", play=center.tone(AGENT_HZ))
    caller, john, handset, ana, phone = await with_john(center)
    await asks(john, "Consult", to_agent="ana")
    await until(lambda: talks_with(john, "ana"), "ana on the phone")
    await asks(john, "CompleteTransfer")
    await handset.told("CALL_CLOSED")
    await hears_only(caller, OTHER_HZ)
    await hears_only(phone, CALLER_HZ)
    assert john.me_view["state"] == "wrap_up"
    await asks(ana, "Transfer", to_number=EXPERT)
    await expert.told("CALL_INCOMING", within=20.0)
    await phone.told("CALL_CLOSED")
    await expert.accept()
    await center.event("TransferEnded", outcome="answered")
    await hears_only(caller, AGENT_HZ)
    await hears_only(expert, CALLER_HZ)
    await john.wrap_up()
    await ana.wrap_up()
    await expert.hang_up()
    await caller.told("CALL_CLOSED")
    record = await center.cdr()
    assert [(part["agent"] or part["number"], part["ended"]) for part in record["segments"]] == [
        ("john", "attended:ana"),
        ("ana", f"blind:{EXPERT}"),
        (EXPERT, "outside/hang_up"),
    ]


async def test_a_supervisor_beside_an_agent_of_a_conference(center: Center) -> None:
    """Four phones. Who listens hears all and is heard by nobody; a whisper is heard by john alone, and is in no
    recording; barging in, all hear each other; taken over, john is out and the others talk on, the
    supervisor with an agent's controls.
    """
    caller, john, handset, ana, phone = await with_john(center)
    await asks(john, "Consult", to_agent="ana")
    await until(lambda: talks_with(john, "ana"), "ana on the phone")
    await asks(john, "JoinCall")
    await ana.until_view(role="conferee")
    supervisor = center.desk("supervisor")
    boss = await center.phone("supervisor", play=center.tone(SUPERVISOR_HZ))
    await until(lambda: ("phone", "supervisor") in center.store.load().rows, "the supervisor's phone")
    await until(lambda: ("agent", "john") in supervisor.views, "john on the floor")

    async def asks_of_john(request: str, **args: Any) -> None:
        view = supervisor.views[("agent", "john")]
        await supervisor.ask(request, args, contact=view["contact"], version=view["state_version"])

    await asks_of_john("Monitor", listened="john", mode="listen")
    await center.event("MonitorStarted", supervisor="supervisor", agent="john")
    await hears_only(boss, CALLER_HZ, AGENT_HZ, OTHER_HZ)
    for one, hears in (
        (caller, {AGENT_HZ, OTHER_HZ}),
        (handset, {CALLER_HZ, OTHER_HZ}),
        (phone, {CALLER_HZ, AGENT_HZ}),
    ):
        assert heard_now(one) == hears, one.user
    await asks_of_john("MonitorMode", mode="whisper")
    await hears_only(handset, CALLER_HZ, OTHER_HZ, SUPERVISOR_HZ)
    assert heard_now(caller) == {AGENT_HZ, OTHER_HZ} and heard_now(phone) == {CALLER_HZ, AGENT_HZ}
    await asks_of_john("MonitorMode", mode="barge")
    await hears_only(caller, AGENT_HZ, OTHER_HZ, SUPERVISOR_HZ)
    assert heard_now(phone) == {CALLER_HZ, AGENT_HZ, SUPERVISOR_HZ}
    assert heard_now(boss) == {CALLER_HZ, AGENT_HZ, OTHER_HZ}
    await asks_of_john("TakeOver")
    await hears_only(caller, OTHER_HZ, SUPERVISOR_HZ)
    await hears_only(boss, CALLER_HZ, OTHER_HZ)

    async def asks_of_mine(request: str, **args: Any) -> None:
        view = supervisor.views[("supervisor", "supervisor")]
        await supervisor.ask(request, args, contact=view["contact"], version=view["state_version"])

    await asks_of_mine("Hold", held=True)
    await hears_only(boss, OTHER_HZ)
    assert not heard_now(caller) & {OTHER_HZ, SUPERVISOR_HZ}
    await asks_of_mine("Hold", held=False)
    await asks_of_mine("Mute", muted=True)
    await hears_only(caller, OTHER_HZ)
    assert supervisor.refusals == []
    await john.wrap_up()
    await caller.hang_up()
    await ana.wrap_up()
    await center.event("WrapUpStarted", supervisor="supervisor")
    await asks_of_mine("SubmitDisposition", disposition="solved", note="calmed down")
    record = await center.cdr()
    assert [(part["agent"] or part["number"], part["role"]) for part in record["segments"]] == [
        ("john", "agent"),
        ("ana", "conferee"),
        ("supervisor", "supervisor"),
    ]
    assert (record["segments"][2]["disposition"], record["segments"][2]["note"]) == ("solved", "calmed down")
    (listened,) = record["monitored"]
    assert (listened["agent"], listened["ended"]) == ("john", "taken_over")
    assert min(listened[f"{mode}_s"] for mode in ("listen", "whisper", "barge")) > 1.0
    pcm, rate = read_wav(center.var / "recordings" / record["recording"].rpartition("/")[2], channel=1)
    barged = listened["began_at"] + listened["listen_s"] + listened["whisper_s"] - record["bridged_at"]
    before, after = pcm[: round((barged - 0.3) * rate)], pcm[round((barged + 0.3) * rate) :]
    assert tone_level_db(before[-rate:], rate, SUPERVISOR_HZ) < -40
    assert tone_level_db(after[:rate], rate, SUPERVISOR_HZ) > -30


async def test_a_caller_who_does_not_want_to_be_recorded(center: Center) -> None:
    """Asked first, the caller presses 2: agent and caller talk, nothing is recorded, and the record says so."""
    desk, handset = await center.agent("john")
    caller = await center.caller()
    await caller.dial(center.number("3002"))
    await center.event("IvrStepEntered", step="ask")
    await caller.hears(1.0)
    await caller.digits("2")
    await center.event("CallBridged", agent="john")
    assert (await desk.until_view(state="talking"))["recording"] == "refused"
    await handset.hears_more(1.0)
    await caller.hang_up()
    await desk.state("wrap_up")
    await desk.wrap_up()
    record = await center.cdr()
    assert (record["recording_consent"], record["recording"]) == ("refused", "")
