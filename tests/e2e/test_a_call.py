"""The whole path on real phones: INVITE, menu, queue, pop, ring, talk, hold, record."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from tests.e2e.world import AGENT_HZ, CALLER_HZ, CARRIER, Center
from tests.phones.capture import Capture, SipMessage
from tests.phones.media import TELEPHONE_EVENT
from tests.phones.ports import HOST
from tests.phones.tones import tone_margin_db

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

ASSERTED_CALLER = Path(__file__).with_name("scenarios") / "asserted_caller.xml"
EXACT = 0.1  # seconds that a record may differ from what was on the wire
AUDIBLE_DB = 20.0


async def test_both_hear_each_other(center: Center) -> None:
    """A caller presses 2 and reaches a support agent: each phone hears the other's tone, and the stereo recording
    holds the caller on its left and the agent on its right channel, as long as they talked."""
    desk, phone = await center.agent("john")
    caller = await center.caller()
    await caller.dial(center.number("2000"))
    answered = await caller.told("CALL_ESTABLISHED")
    await caller.digits("2")
    bridged = await phone.told("CALL_ESTABLISHED")
    await desk.state("talking")
    await phone.hears(3.0)
    await caller.hang_up()
    await desk.wrap_up("solved", "all well")
    await phone.told("CALL_CLOSED")
    await caller.told("CALL_CLOSED")

    (agents,), (callers,) = phone.recordings(), caller.recordings()
    assert tone_margin_db(agents.heard, CALLER_HZ, AGENT_HZ, start=0.5) >= AUDIBLE_DB
    talk = bridged.at - answered.at + 0.5  # before it the caller heard the menu
    assert tone_margin_db(callers.heard, AGENT_HZ, CALLER_HZ, start=talk, end=talk + 2.0) >= AUDIBLE_DB

    cdr = await center.cdr()
    assert (cdr["agent"], cdr["queue"], cdr["cause"]) == ("john", "support_en", "caller/hang_up")
    assert (cdr["disposition"], cdr["note"]) == ("solved", "all well")
    steps = [step for step in cdr["flow_path"] if step.startswith("main_en.")]
    assert steps[-5:] == [
        f"main_en.{step}" for step in ("welcome", "ticket", "menu", "support", "wait_for_support")
    ]
    recording = Path(cdr["recording"])
    with wave.open(str(recording)) as stored:
        assert (stored.getnchannels(), stored.getframerate()) == (2, 8000)
        assert stored.getnframes() / 8000 == pytest.approx(cdr["recording_s"], abs=0.02)
    assert cdr["recording_s"] == pytest.approx(cdr["talk_s"], abs=0.3)
    assert tone_margin_db(recording, CALLER_HZ, AGENT_HZ, channel=0, start=0.5) >= AUDIBLE_DB
    assert tone_margin_db(recording, AGENT_HZ, CALLER_HZ, channel=1, start=0.5) >= AUDIBLE_DB


@pytest.mark.parametrize(
    ("number", "digit", "queue", "intent"),
    [
        ("1000", "1", "sales_es", "sales"),
        ("1000", "2", "support_es", "support"),
        ("2000", "1", "sales_en", "sales"),
        ("2000", "2", "support_en", "support"),
        ("2000", "0", "support_en", "operator"),
    ],
)
async def test_the_digit_chooses_the_queue(
    center: Center, number: str, digit: str, queue: str, intent: str
) -> None:
    """What the caller presses in the menu of the number that he dialled decides in which queue he waits."""
    caller = await center.caller()
    await caller.dial(center.number(number))
    await caller.told("CALL_ESTABLISHED")
    await caller.digits(digit)
    queued = await center.event("CallQueued", within=25.0)
    assert queued.data["queue"] == queue
    chosen = [event.data["attributes"] for event in center.events("CallAttributesSet")]
    assert {"intent": intent} in chosen
    await caller.hang_up()
    cdr = await center.cdr()
    assert (cdr["queue"], cdr["language"]) == (queue, "es" if number == "1000" else "en")


def _first(messages: list[SipMessage]) -> float:
    return messages[0].at


async def test_the_record_agrees_with_the_wire(center: Center, capture: Capture) -> None:
    """Wait, ring, talk and hold of the record are within 0.1 s of the key, the 180, the 200, the re-INVITEs and the
    BYE as they passed."""
    desk, phone = await center.agent("john", answer="manual")
    caller = await center.caller()
    await caller.dial(center.number("2000"))
    await caller.told("CALL_ESTABLISHED")
    await caller.digits("2")
    await phone.told("CALL_INCOMING")
    await caller.hears(4.0)
    await phone.accept()
    await desk.state("talking")
    await phone.hears(1.5)
    await phone.hold()
    await center.event("CallHeld", held=True)
    await caller.hears(7.5)
    await phone.resume()
    await center.event("CallHeld", held=False)
    await caller.hears(9.0)
    await phone.hang_up()
    await desk.wrap_up()
    cdr = await center.cdr()
    await capture.caught_up()

    keys = [
        packet.at
        for stream in capture.rtp(ports=caller.rtp_ports)
        for packet in stream.packets
        if packet.payload_type == TELEPHONE_EVENT
    ]
    rings = _first(capture.sip(method="INVITE", status=180, source_port=phone.sip_port))
    answer = _first(capture.sip(method="INVITE", status=200, source_port=phone.sip_port))
    hold, resume = capture.sip(method="INVITE", status=0, source_port=phone.sip_port)
    assert "a=sendonly" in hold.body and "a=sendrecv" in resume.body
    bye = _first(capture.sip(method="BYE", status=0, source_port=phone.sip_port))
    held = resume.at - hold.at
    assert cdr["wait_s"] == pytest.approx(answer - keys[0], abs=EXACT)
    assert cdr["ring_s"] == pytest.approx(answer - rings, abs=EXACT)
    assert cdr["hold_s"] == pytest.approx(held, abs=EXACT)
    assert cdr["talk_s"] == pytest.approx(bye - answer - held, abs=EXACT)
    assert (cdr["bridged_at"], cdr["ended_at"]) == pytest.approx((answer, bye), abs=EXACT)
    assert (cdr["cause"], cdr["q850"]) == ("agent/hang_up", 16)


async def test_a_customer_is_known_by_the_number(center: Center) -> None:
    """A carrier's P-Asserted-Identity finds the customer: the pop has name, segment, contacts, that they call again."""
    desk, _ = await center.agent("john")
    edge = f"{HOST}:{center.sip_port}"
    keys = {"asserted": "+12135550104"}
    caller = await center.sipp(
        ASSERTED_CALLER, to=edge, host=CARRIER, number="3000", keys=keys, calls=1, talk=1.0
    )
    pop = (await center.event("CallOffered", agent="john")).data
    assert (pop["number"], pop["name"]) == ("+12135550104", "Emily Carter")
    assert (pop["segment"], pop["language"]) == ("standard", "en")
    assert [seen["queue"] for seen in pop["contacts"]] == ["support_en", "support_en"]
    assert (pop["calls_again"], pop["products"], pop["prefers"]) == (2, ["fibre_300"], "voice")
    await caller.finished()
    await desk.wrap_up()
    cdr = await center.cdr()
    assert (cdr["customer"], cdr["segment"], cdr["source"]) == ("c03", "standard", "trunk:carrier")


async def test_a_guest_is_not_believed(center: Center) -> None:
    """Who is no carrier may assert what he likes: his call is taken, but as nobody's."""
    edge = f"{HOST}:{center.sip_port}"
    keys = {"asserted": "+12135550104"}
    caller = await center.sipp(ASSERTED_CALLER, to=edge, number="3000", keys=keys, calls=1, talk=0.5)
    await caller.finished()
    cdr = await center.cdr()
    assert (cdr["ani"], cdr["customer"], cdr["source"]) == ("anonymous", "", "guest")
