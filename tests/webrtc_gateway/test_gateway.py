"""The gateway's side towards edge and workers, without a browser: dialogs, silence in a page's place, strangers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from cti_engine.webrtc_gateway.call import RtpPort, Saved
from cti_engine.webrtc_gateway.config import GatewayConfig
from cti_engine.webrtc_gateway.gateway import Gateway, Life
from cti_engine.webrtc_gateway.rtp import SILENCE, Packet
from tests.phones.ports import HOST, free_port
from tests.phones.waiting import until
from tests.sip_edge.agent import SDP, Agent, caller_dialog

CALL = Saved(
    "maria", "600", "Ana", "call-1", "<sip:maria@127.0.0.1>;tag=us", "<sip:600@127.0.0.1>;tag=them",
    "sip:600@127.0.0.1:9", (), 0, 1, 0, HOST, 9, 77, 5, 800, 0.0,
)  # fmt: skip


class World:
    """A gateway in this process; `edge` is what it takes for its edge, `worker` the plain RTP of a call."""

    def __init__(self, folder: Path) -> None:
        self.heard: list[tuple[float, Packet]] = []
        self.worker = RtpPort(lambda packet: self.heard.append((time.monotonic(), packet)))
        self.edge = Agent("edge", port=free_port())
        self.config = GatewayConfig(
            str(folder / "s"), HOST, HOST, HOST, self.edge.port, folder / "accounts.db", "test", folder / "calls",
            folder / "ready", call_grace=1.0,
        )  # fmt: skip
        self.gateway: Gateway | None = None

    async def start(self, *calls: Saved) -> Gateway:
        await self.edge.open()
        await self.worker.open(HOST)
        if calls:
            port = free_port()
            kept = [replace(call, port=self.worker.port, at=time.time() - 2.0) for call in calls]
            self.config.calls_file.write_bytes(msgspec.json.encode(Life(port, tuple(kept))))
        self.gateway = Gateway(self.config, time.time)
        await self.gateway.start()
        self.edge.edge_port = self.gateway.sip_port
        return self.gateway

    async def close(self) -> None:
        self.worker.close()
        if self.gateway is not None:
            await self.gateway.close()
        await self.edge.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    await world.close()


def rtp_port(body: bytes) -> int:
    return int(body.split(b"m=audio ")[1].split()[0])


async def test_an_answer_is_repeated_until_it_is_known(world: World) -> None:
    """The 200 comes again until its ACK (RFC 3261 13.3.1.4) and not after it; the same INVITE again makes no second
    call; silence is heard meanwhile; BYE is answered and ends it."""
    gateway = await world.start()
    edge = world.edge
    sent = edge.invite("maria", body=SDP.replace(b"4000", str(world.worker.port).encode()))
    await edge.expect_response(180)
    edge.send(bytes(sent))
    await edge.expect_response(180)
    phone = gateway._phones["maria"]
    await phone.answer()
    first = await edge.expect_response(200, "INVITE")
    again = await edge.expect_response(200, "INVITE")
    assert bytes(first) == bytes(again)
    world.worker.peer = (HOST, rtp_port(first.body))
    await until(lambda: len(world.heard) > 10, "silence")
    assert {packet.payload for _, packet in world.heard} == {SILENCE}
    dialog = caller_dialog(sent, first)
    edge.within(dialog, "ACK")
    call = phone.call
    assert call is not None
    await until(lambda: call._repeating is None or call._repeating.done(), "no 200 any more")
    edge.within(dialog, "BYE")
    await edge.expect_response(200, "BYE")
    assert phone.call is None
    edge.within(dialog, "BYE")
    await edge.expect_response(481, "BYE")


async def test_a_call_of_an_earlier_life_goes_on(world: World) -> None:
    """The same ports and SSRC, numbers that go on as if nothing had been, and after `call_grace` without a page the
    silence ends, so that the worker's media time-out ends the call as of any phone that vanished."""
    probe = RtpPort(lambda packet: None)
    await probe.open(HOST)
    probe.close()
    gateway = await world.start(replace(CALL, rtp_port=probe.port))
    world.worker.peer = (HOST, probe.port)
    await until(lambda: world.heard, "audio")
    first = world.heard[0][1]
    assert first.ssrc == CALL.ssrc
    assert first.sequence - CALL.sequence == pytest.approx(100, abs=15)
    assert first.timestamp - CALL.timestamp == pytest.approx(16_000, abs=2_400)
    await until(lambda: time.monotonic() - world.heard[-1][0] > 0.5, "the end of silence", within=5.0)
    assert len(world.heard) == pytest.approx(50, abs=20)
    assert gateway._phones["maria"].call is not None


async def test_a_ring_of_an_earlier_life_goes_on(world: World) -> None:
    """A gateway that dies while a call rings: the next life says 180 again, in the same dialog, and the call can be
    answered, or cancelled."""
    gateway = await world.start()
    sent = world.edge.invite("maria", body=SDP.replace(b"4000", str(world.worker.port).encode()))
    rung = await world.edge.expect_response(180)
    gateway._endpoint.close()
    assert gateway._server is not None
    gateway._server.close()
    await asyncio.sleep(0)
    again = world.gateway = Gateway(world.config, time.time)
    await again.start()
    assert again.sip_port == gateway.sip_port
    assert (await world.edge.expect_response(180)).headers["To"] == rung.headers["To"]
    world.edge.cancel(sent)
    await world.edge.expect_response(200, "CANCEL")
    assert (await world.edge.expect_response(487)).headers["To"] == rung.headers["To"]
    assert again._phones["maria"].call is None


async def test_the_gateway_says_goodbye(world: World) -> None:
    """When it is stopped each call gets its BYE in its dialog, and nothing is kept for another life."""
    probe = RtpPort(lambda packet: None)
    await probe.open(HOST)
    probe.close()
    gateway = await world.start(replace(CALL, rtp_port=probe.port))
    closing = asyncio.ensure_future(gateway.close())
    bye = await world.edge.expect_request("BYE")
    assert (bye.call_id, bye.headers["From"], bye.headers["To"]) == (CALL.call_id, CALL.local, CALL.remote)
    world.edge.respond(bye, 200)
    await closing
    assert not world.config.calls_file.exists()


async def test_strangers_get_no_answer(world: World) -> None:
    """Only the edge is listened to: an INVITE, nonsense and an answer from another port change nothing."""
    gateway = await world.start()
    stranger = Agent("stranger")
    await stranger.open()
    stranger.edge_port = gateway.sip_port
    stranger.invite("maria")
    stranger.send(b"nonsense")
    world.edge.send(b"nonsense")
    await until(lambda: gateway._endpoint.dropped == 3, "three dropped")
    assert gateway._phones == {}
    assert stranger.inbox == []
    await stranger.close()


async def test_offers_that_cannot_be_answered(world: World) -> None:
    """Without PCMU 488; a second call 486; after a while an agent without a page 480."""
    gateway = await world.start()
    world.edge.invite("maria", body=SDP.replace(b"RTP/AVP 0", b"RTP/AVP 9"))
    await world.edge.expect_response(488)
    world.edge.invite("maria")
    await world.edge.expect_response(180)
    world.edge.invite("maria")
    await world.edge.expect_response(486)
    gateway._started_at -= 60
    world.edge.invite("john")
    await world.edge.expect_response(480)
