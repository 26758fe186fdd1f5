"""`make bench-gateway`: what a browser leg costs the gateway, and whether all audio arrives.

A gateway by itself; this process is the browsers (aiortc, DTLS-SRTP), the edge and the workers' plain RTP. Each leg has
a packet of 20 ms each way. The cost of a further leg is the slope between few and many legs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pickle
import random
import sys
import tempfile
import time
from pathlib import Path

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from benchmarks.process_cost import cost_of
from benchmarks.report import Report
from cti_engine.webrtc_gateway.call import RtpPort
from cti_engine.webrtc_gateway.config import GatewayConfig
from cti_engine.webrtc_gateway.passthrough import _PCMU, _Quiet, _run, listen_on
from cti_engine.webrtc_gateway.rtp import FRAME_SECONDS, Packet, Stream
from cti_engine.wire import browser_phone
from cti_engine.wire.browser_phone import PageAsks, Reply
from cti_engine.wire.tasks import spawn
from tests.phones.child import Child
from tests.phones.ports import HOST, free_port
from tests.phones.waiting import until
from tests.sip_edge.agent import Agent

GOAL_PERCENT = 3.0
GOAL_ARRIVED = 0.999
SETTLE = 1.0  # seconds before counting
_ROOT = Path(__file__).parents[1]
_SERVE = (
    "import pickle, sys; from cti_engine.webrtc_gateway.main import serve; "
    "serve(pickle.loads(open(sys.argv[1], 'rb').read()))"
)


class Leg:
    """One agent: a browser's peer connection, and the worker's RTP of the call that it answered."""

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.heard = self.said = self.browser_heard = self.browser_said = 0
        self.worker = RtpPort(self._heard)
        self._stream = Stream(random.getrandbits(32))
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._transceiver = self._peer.addTransceiver(_Quiet(), direction="sendrecv")
        self._transceiver.setCodecPreferences(_PCMU)
        self._transceiver.receiver._handle_rtp_packet = self._browser_heard  # type: ignore[method-assign]
        self._browser_stream = Stream(self._transceiver.sender._ssrc)

    def _heard(self, packet: Packet) -> None:
        self.heard += 1

    async def _browser_heard(self, packet: object, arrival_time_ms: int) -> None:
        self.browser_heard += 1

    async def offer(self) -> str:
        await self._peer.setLocalDescription(await self._peer.createOffer())
        return str(self._peer.localDescription.sdp)

    async def accept(self, sdp: str) -> None:
        await self._peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        await until(lambda: self._peer.connectionState == "connected", "a browser's line", within=20)

    async def talk(self) -> None:
        """Both sides, until cancelled; packets in time on average, as phones send them."""
        loop = asyncio.get_running_loop()
        due = loop.time() + random.random() * FRAME_SECONDS
        payload = bytes(random.getrandbits(8) for _ in range(160))
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            due += FRAME_SECONDS
            now = time.monotonic()
            self.worker.send(self._stream.own(payload, now))
            _run(self._transceiver.sender.transport._send_rtp(self._browser_stream.own(payload, now)))
            self.said += 1
            self.browser_said += 1

    async def close(self) -> None:
        self.worker.close()
        await self._peer.close()


class Bench:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._edge = Agent("edge", port=free_port())
        self._legs: list[Leg] = []
        self._talking: list[asyncio.Task[None]] = []
        self._replies: dict[str, Reply] = {}

    async def start(self) -> None:
        listen_on(HOST)
        await self._edge.open()
        folder = self._folder
        config = GatewayConfig(
            str(folder / "gateway.sock"), HOST, HOST, HOST, self._edge.port, folder / "accounts.db", "bench.cti",
            folder / "calls", folder / "gateway.json",
        )  # fmt: skip
        (folder / "config").write_bytes(pickle.dumps(config))
        argv = [sys.executable, "-c", _SERVE, str(folder / "config")]
        self._child = Child(argv, folder, name="gateway", env={"PYTHONPATH": str(_ROOT)})
        await self._child.start()
        await until(config.ready_file.exists, "the gateway", within=20)
        self.pid = self._child.pid
        self._edge.edge_port = json.loads(config.ready_file.read_text())["sip_port"]
        spawn(self._registrar(), "registrar")
        reader, self._console = await asyncio.open_unix_connection(
            config.address, limit=browser_phone.MAX_LINE
        )
        spawn(self._read(reader), "console")

    async def _registrar(self) -> None:
        while True:
            request = await self._edge.expect_request("REGISTER", within=3600)
            self._edge.respond(request, 200)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            said = browser_phone.read_to_console(line)
            if isinstance(said, Reply):
                self._replies[said.message.id] = said

    async def _ask(self, agent: str, name: str, **args: object) -> dict[str, object]:
        id_ = f"{agent}-{name}"
        asked = PageAsks(f"page-{agent}", id_, name, {"agent": agent, **args})
        self._console.write(browser_phone.line_of(asked))
        await until(lambda: id_ in self._replies, f"a reply to {name}", within=20)
        reply = self._replies.pop(id_).message
        assert reply.ok, reply
        return reply.result

    async def add(self, count: int) -> None:
        """More agents who talk."""
        for _ in range(count):
            leg = Leg(f"agent{len(self._legs)}")
            await leg.worker.open(HOST)
            answer = await self._ask(leg.agent, "ConnectPhone", tab="t", sdp=await leg.offer())
            await leg.accept(str(answer["sdp"]))
            await self._call(leg)
            self._legs.append(leg)
            self._talking.append(spawn(leg.talk(), leg.agent))

    async def _call(self, leg: Leg) -> None:
        sdp = f"v=0\r\nc=IN IP4 {HOST}\r\nm=audio {leg.worker.port} RTP/AVP 0\r\n".encode()
        sent = self._edge.invite(leg.agent, body=sdp)
        await self._edge.expect_response(180)
        await self._ask(leg.agent, "AnswerPhone")
        answered = await self._edge.expect_response(200, "INVITE")
        leg.worker.peer = (HOST, int(answered.body.split(b"m=audio ")[1].split()[0]))
        ack = self._edge.request(
            "ACK", str(sent.uri), to=answered.headers["To"], from_=sent.headers["From"],
            call_id=sent.call_id, cseq=sent.cseq.sequence,
        )  # fmt: skip
        self._edge.send(ack)

    async def measure(self, seconds: float) -> tuple[float, float]:
        """Percent of a core that the gateway takes, and the share of packets that arrived."""
        await asyncio.sleep(SETTLE)
        before = [(leg.said, leg.browser_heard, leg.browser_said, leg.heard) for leg in self._legs]
        percent = (await cost_of([self.pid], {self.pid: "gateway"}, seconds)).cpu
        said = heard = 0
        for leg, (a, b, c, d) in zip(self._legs, before, strict=True):
            said += leg.said - a + leg.browser_said - c
            heard += leg.browser_heard - b + leg.heard - d
        return percent, heard / said

    async def close(self) -> None:
        for task in self._talking:
            task.cancel()
        for leg in self._legs:
            await leg.close()
        self._console.close()
        await self._child.stop()
        await self._edge.close()


async def bench(folder: Path, few: int, many: int, seconds: float) -> Report:
    world = Bench(folder)
    await world.start()
    try:
        await world.add(few)
        low, _ = await world.measure(seconds)
        await world.add(many - few)
        high, arrived = await world.measure(seconds)
    finally:
        await world.close()
    report = Report("bench-gateway")
    slope = (high - low) / (many - few)
    report.goal("gateway_cpu_percent_per_leg", f"<= {GOAL_PERCENT:g}", slope, "%")
    report.goal("packets_arrived", f">= {GOAL_ARRIVED:g}", arrived, "")
    for legs, percent in ((few, low), (many, high)):
        report.figure(f"cpu_percent_{legs}_legs", percent)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--few", type=int, default=2, help="legs in the first count")
    parser.add_argument("--many", type=int, default=12, help="legs in the second")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each count")
    args = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        print("the browsers need a core of their own", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="bench-gateway") as folder:
        return asyncio.run(bench(Path(folder), args.few, args.many, args.seconds)).finish()


if __name__ == "__main__":
    sys.exit(main())
