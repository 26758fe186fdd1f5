"""An agent's browser as a phone, from the page's requests to the worker's audio, in a whole center."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.world import AGENT_HZ, CALLER_HZ, Center
from tests.phones.baresip import Baresip
from tests.phones.tones import tone_margin_db
from tests.phones.waiting import until
from tests.webrtc_gateway.python_browser import BrowserDesk

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

AUDIBLE_DB = 20.0


async def browser_agent(center: Center, user: str = "john", **how: str) -> BrowserDesk:
    """An agent whose page is the phone, ready."""
    desk = BrowserDesk(center.origin, user, center.password(user), hertz=AGENT_HZ, **how)
    center.seat(desk)
    reply = await desk.connect()
    assert reply["ok"], reply
    await desk.ready()
    return desk


async def call_in(center: Center, desk: BrowserDesk) -> Baresip:
    """A caller rings at the browser."""
    caller = await center.caller()
    await caller.dial(center.number("3000"))
    await until(lambda: desk.phone.get("call") == "ringing", "a ringing browser", within=15.0)
    return caller


async def test_both_hear_each_other(center: Center) -> None:
    """The browser is registered as the agent's phone, rings with the caller's number, picks up on request, and each
    side hears the other's tone; the caller's hang-up ends it there too."""
    desk = await browser_agent(center)
    caller = await call_in(center, desk)
    assert desk.phone["number"] == "caller"
    assert (await desk.ask_phone("AnswerPhone"))["ok"]
    await desk.state("talking")
    await desk.hears(CALLER_HZ, over=AGENT_HZ)
    await caller.hears(3.0)
    await caller.hang_up()
    await until(lambda: desk.phone["call"] == "none", "a quiet browser")
    await desk.wrap_up()
    (callers,) = caller.recordings()
    assert tone_margin_db(callers.heard, AGENT_HZ, CALLER_HZ, start=1.5, end=3.0) >= AUDIBLE_DB
    assert (await center.cdr())["cause"] == "caller/hang_up"


async def talking(center: Center, desk: BrowserDesk) -> Baresip:
    """A caller and the browser talk."""
    caller = await call_in(center, desk)
    assert (await desk.ask_phone("AnswerPhone"))["ok"]
    await desk.state("talking")
    await desk.hears(CALLER_HZ, over=AGENT_HZ)
    return caller


async def test_the_browser_hangs_up(center: Center) -> None:
    """The receiver put down in the page ends the call as any phone's BYE does."""
    desk = await browser_agent(center)
    caller = await talking(center, desk)
    assert (await desk.ask_phone("HangUpPhone"))["ok"]
    await caller.told("CALL_CLOSED")
    await desk.wrap_up()
    assert (await center.cdr())["cause"] == "agent/hang_up"


async def test_a_declined_call_goes_back(center: Center) -> None:
    """Declining in the page is a phone's 603: the call waits on, the agent is not ready."""
    desk = await browser_agent(center)
    await call_in(center, desk)
    assert (await desk.ask_phone("HangUpPhone"))["ok"]
    ended = await center.event("OfferEnded", agent="john")
    assert (ended.data["outcome"], ended.data["sip_code"]) == ("rejected", 603)
    await desk.until_view(status="not_ready", reason="rejected")


async def test_a_caller_who_gives_up_stops_the_ring(center: Center) -> None:
    """CANCEL ends the ring in the page; a late answer is refused and changes nothing."""
    desk = await browser_agent(center)
    caller = await call_in(center, desk)
    await caller.hang_up()
    await until(lambda: desk.phone["call"] == "none", "a quiet browser")
    assert (await desk.ask_phone("AnswerPhone"))["error"]["code"] == "not_ringing"
    assert (await center.cdr())["cause"] == "caller/abandoned_while_ringing"
    await desk.until_view(state="idle", status="ready")


async def test_a_page_loaded_again_gets_its_audio_back(center: Center) -> None:
    """The page goes in mid-call without a word, the caller stays on the line, and the same tab has both directions
    again as soon as it is back."""
    desk = await browser_agent(center)
    caller = await talking(center, desk)
    await desk.close()
    back = BrowserDesk(center.origin, "john", center.password("john"), hertz=AGENT_HZ)
    center.seat(back)
    assert (await back.connect())["ok"]
    assert back.phone["call"] == "talking"
    await back.hears(CALLER_HZ, over=AGENT_HZ)
    heard = len(caller.recordings()[0].heard.read_bytes()) / 16000
    await caller.hears(heard + 2.0)
    await caller.hang_up()
    await back.wrap_up()
    (callers,) = caller.recordings()
    assert tone_margin_db(callers.heard, AGENT_HZ, CALLER_HZ, start=heard + 0.5) >= AUDIBLE_DB
    assert (await center.cdr())["cause"] == "caller/hang_up"


async def test_a_new_websocket_keeps_the_line(center: Center) -> None:
    """A console that is restarted in mid-call interrupts no audio: the page goes on with its line and its controls."""
    desk = await browser_agent(center)
    caller = await talking(center, desk)
    killed = center.kill("console")
    await desk.hears(CALLER_HZ, over=AGENT_HZ)
    await center.back("console", killed)
    await until(lambda: desk.snapshots == 2, "the page again", within=20.0)
    await until(lambda: desk.phone.get("up"), "the gateway again", within=20.0)
    assert (await desk.ask_phone("ConnectPhone", tab=desk.tab, line=desk.line))["ok"]
    await until(lambda: desk.phone["call"] == "talking", "the call in the page")
    assert (await desk.ask_phone("HangUpPhone"))["ok"]
    await caller.told("CALL_CLOSED")
    await desk.wrap_up()


async def test_a_killed_gateway_loses_no_call(center: Center) -> None:
    """kill -9 of the gateway in mid-call: the caller stays on the line, and within 5 s both hear each other again over
    a new line of the page. Nobody is dialled again: the call's record knows one ring."""
    desk = await browser_agent(center)
    caller = await talking(center, desk)
    loop = asyncio.get_running_loop()
    began = loop.time()
    center.kill("gateway")
    await until(lambda: not desk.phone["up"], "the page to know")
    await desk.hang_line()
    assert (await desk.connect())["ok"]
    await desk.hears(CALLER_HZ, over=AGENT_HZ)
    assert loop.time() - began < 5.0
    assert desk.phone["call"] == "talking"
    heard = len(caller.recordings()[0].heard.read_bytes()) / 16000
    await caller.hears(heard + 2.0)
    assert (await desk.ask_phone("HangUpPhone"))["ok"]
    await caller.told("CALL_CLOSED")
    await desk.wrap_up()
    (callers,) = caller.recordings()
    assert tone_margin_db(callers.heard, AGENT_HZ, CALLER_HZ, start=heard + 0.5) >= AUDIBLE_DB
    assert (await center.cdr())["cause"] == "agent/hang_up"
    assert len(center.events("AgentDialled")) == 1


async def test_a_gateway_killed_while_it_rings(center: Center) -> None:
    """kill -9 while the browser rings: it rings again in the page that has connected anew, and can be answered; the
    agent has missed nothing."""
    desk = await browser_agent(center)
    caller = await call_in(center, desk)
    center.kill("gateway")
    await until(lambda: not desk.phone["up"], "the page to know")
    await desk.hang_line()
    assert (await desk.connect())["ok"]
    assert desk.phone["call"] == "ringing"
    assert (await desk.ask_phone("AnswerPhone"))["ok"]
    await desk.state("talking")
    await desk.hears(CALLER_HZ, over=AGENT_HZ)
    await caller.hang_up()
    await desk.wrap_up()
    assert center.events("AgentRona") == []


async def test_one_page_has_the_phone(center: Center) -> None:
    """A second tab is told that the phone is elsewhere; it may take it over, and the first is told so."""
    desk = await browser_agent(center)
    other = BrowserDesk(center.origin, "john", center.password("john"), tab="other")
    center.seat(other)
    assert (await other.connect())["error"]["code"] == "phone_elsewhere"
    assert (await other.connect(take_over=True))["ok"]
    await until(lambda: desk.phone["elsewhere"], "the first page to know")
    assert (await desk.ask_phone("AnswerPhone"))["error"]["code"] == "no_such_line"
    assert (await desk.ask_phone("ConnectPhone", tab=desk.tab, line=desk.line))["error"][
        "code"
    ] == "phone_elsewhere"


async def test_the_browser_rings_before_the_desk_phone(center: Center) -> None:
    """While the agent has chosen the browser it rings there, also when the desk phone has registered since; when the
    browser is given up the desk phone rings, without a gap in which there is no phone."""
    desk = await browser_agent(center)
    handset = await center.phone("john", answer="manual")
    caller = await talking(center, desk)
    await caller.hang_up()
    await desk.wrap_up()
    assert (await desk.ask_phone("DisconnectPhone"))["ok"]
    await (await center.caller()).dial(center.number("3000"))
    await handset.told("CALL_INCOMING")
    assert center.events("PhoneStateChanged")[-1].data["registered"] is True


async def test_an_echo_without_a_call(center: Center) -> None:
    """The echo test plays back what was said, a second later, to whoever said it; a call ends it."""
    desk = await browser_agent(center)
    assert (await desk.ask_phone("TestEcho", on=True))["ok"]
    await desk.hears(AGENT_HZ, over=CALLER_HZ)
    await call_in(center, desk)
    assert desk.phone["echo"] is False
    assert (await desk.ask_phone("TestEcho", on=True))["error"]["code"] == "in_call"


async def test_nonsense_is_refused_in_words(center: Center) -> None:
    """Bad SDP, wrong types, another agent's phone and requests without a phone: an error each, and all goes on."""
    desk = BrowserDesk(center.origin, "john", center.password("john"))
    center.seat(desk)
    await until(lambda: desk.phone.get("up"), "the gateway", within=20.0)

    async def code(name: str, **args: Any) -> str:
        return str((await desk.ask_phone(name, **args))["error"]["code"])

    for sdp in ("nonsense", "v=0\r\n", "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "x" * 20_000):
        assert await code("ConnectPhone", tab="t", sdp=sdp) == "bad_offer"
    assert await code("ConnectPhone", tab=7) == "bad_request"
    assert await code("ConnectPhone", tab="t", line="unknown") == "no_such_line"
    assert await code("AnswerPhone") == "no_such_line"
    assert await code("TestEcho", on=None) == "bad_request"
    assert (await desk.connect())["ok"]
    assert await code("HangUpPhone") == "no_call"
    assert desk._socket is not None
    await desk._socket.send_json({"type": "ask", "id": "x", "name": "HangUpPhone", "agent": "maria"})
    await until(lambda: "x" in desk.replies, "a reply")
    assert desk.replies["x"]["error"]["code"] == "forbidden"
