"""A call of a browser phone: the dialog with the worker (RFC 3261 13.3, as the called side), and its plain RTP.

ringing --answer--> talking --BYE--> over; ringing --CANCEL or decline--> over. What a new life of the gateway needs to
go on with a call is in its `Saved`: the dialog, the ports and where the stream stood.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from sipmessage import Request

from cti_engine.webrtc_gateway import rtp
from cti_engine.webrtc_gateway.registration import Line
from cti_engine.webrtc_gateway.rtp import FRAME, FRAME_SECONDS, Packet, Stream
from cti_engine.webrtc_gateway.sdp import NoAudio, Offer, answer, read_offer
from cti_engine.webrtc_gateway.sip_endpoint import LIFE, T1, T2, NoAnswer
from cti_engine.wire.tasks import spawn

STALLED = 0.2  # seconds without a packet of the browser after which we send silence in its place
_PORT_TRIES = 50

_log = logging.getLogger("cti.gateway.call")


@dataclass(frozen=True, slots=True)
class Saved:
    """A call that talks, as it is kept for the gateway's next life. `at` is wall time of sequence and timestamp."""

    agent: str
    number: str
    name: str
    call_id: str
    local: str
    remote: str
    target: str
    routes: tuple[str, ...]
    cseq: int
    version: int
    rtp_port: int
    host: str
    port: int
    ssrc: int
    sequence: int
    timestamp: int
    at: float


@dataclass(frozen=True, slots=True)
class SavedRing:
    """A call that rings: its INVITE, and the tag that our 180 had."""

    agent: str
    invite: str
    tag: str


class RtpPort(asyncio.DatagramProtocol):
    """A pair of UDP ports (RFC 3550 11): RTP comes to the even one, RTCP to the next, where nobody listens to it."""

    def __init__(self, on_packet: Callable[[Packet], None]) -> None:
        self._on_packet = on_packet
        self.transport: asyncio.DatagramTransport | None = None
        self.peer: tuple[str, int] | None = None
        self.port = 0
        self._control: socket.socket | None = None

    async def open(self, host: str, port: int = 0) -> None:
        """Raises OSError."""
        for _ in range(_PORT_TRIES):
            pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
            try:
                pair[0].bind((host, port))
                self.port = pair[0].getsockname()[1]
                if self.port % 2:
                    raise OSError("an odd port")
                pair[1].bind((host, self.port + 1))
            except OSError:
                for one in pair:
                    one.close()
                if port:
                    raise
                continue
            pair[0].setblocking(False)
            loop = asyncio.get_running_loop()
            self.transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=pair[0])
            self._control = pair[1]
            return
        raise OSError(f"no pair of free UDP ports on {host}")

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr[:2] == self.peer:  # a stranger's audio has no place in the call
            packet = rtp.read(data)
            if packet is not None:
                self._on_packet(packet)

    def send(self, data: bytes) -> None:
        if self.transport is not None and self.peer is not None and not self.transport.is_closing():
            self.transport.sendto(data, self.peer)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()
        if self._control is not None:
            self._control.close()


class Call:
    """`on_audio` gets the worker's packets, `on_change` is told of `talking` and `over`. `may_be_silent()`: whether
    silence may still stand in for a browser that sends nothing."""

    def __init__(
        self,
        line: Line,
        agent: str,
        bind: str,
        on_audio: Callable[[Packet], None],
        on_change: Callable[[], None],
        may_be_silent: Callable[[], bool],
    ) -> None:
        self._line = line
        self.agent = agent
        self._bind = bind
        self._on_change = on_change
        self._may_be_silent = may_be_silent
        self.state = "ringing"
        self.number = self.name = ""
        self._invite: Request | None = None
        self._offer = Offer("", 0, "sendrecv")
        self.call_id = self._local = self._remote = self._target = ""
        self._routes: tuple[str, ...] = ()
        self._cseq = 0
        self._version = 1
        self._port = RtpPort(on_audio)
        self._stream = Stream(secrets.randbits(32), (secrets.randbits(15), secrets.randbits(31)))
        self._heard_at = 0.0
        self._clock: asyncio.Task[None] | None = None
        self._repeating: asyncio.Task[None] | None = None

    # --- an INVITE --------------------------------------------------------------------------------

    def ring(self, invite: Request, tag: str = "") -> None:
        """Say 180, or 488 to what we cannot answer with audio; then it is over. `tag` is the one of an earlier life."""
        self._invite = invite
        self.call_id = invite.call_id
        caller = invite.from_address
        self.number, self.name = caller.uri.user or "", caller.name or ""
        self._remote = invite.headers["From"]
        self._local = f"{invite.headers['To']};tag={tag or secrets.token_hex(6)}"
        try:
            self._target = str(invite.contact[0].uri)
            self._routes = tuple(str(route) for route in invite.record_route)
            self._offer = read_offer(invite.body)
        except (NoAudio, IndexError, ValueError) as problem:
            _log.warning("a call for %s cannot be taken: %s", self.agent, problem)
            self._respond(488, "Not Acceptable Here")
            self._over()
            return
        self._respond(180, "Ringing")

    def _respond(self, code: int, phrase: str, body: bytes = b"") -> bytes:
        assert self._invite is not None
        contact = ("Contact", self._line.contact(self.agent))
        return self._line.endpoint.respond(self._invite, code, phrase, contact, tag=self._tag, body=body)

    @property
    def _tag(self) -> str:
        return self._local.rpartition("tag=")[2]

    async def answer(self) -> None:
        """Pick up; harmless when it rings no more. Raises OSError when there is no port for its audio."""
        if self.state != "ringing" or self._invite is None:
            return
        self.state = "talking"
        try:
            await self._port.open(self._bind)
        except OSError:
            self._respond(500, "No Port For Audio")
            self._over()
            raise
        if self.over:  # cancelled meanwhile
            self._port.close()
            return
        ok = self._respond(200, "OK", answer(self._offer, self._line.host, self._port.port, self._version))
        self._repeating = spawn(self._repeat(ok), "200 OK")
        self._begin()

    async def _repeat(self, ok: bytes) -> None:
        """A 200 is repeated until its ACK comes; without one the call is over (RFC 3261 13.3.1.4)."""
        pause, waited = T1, 0.0
        while waited < LIFE:
            await asyncio.sleep(pause)
            self._line.endpoint.send(ok)
            waited, pause = waited + pause, min(2 * pause, T2)
        _log.warning("the call of %s was answered, but nobody noticed", self.agent)
        self.hang_up()

    def _begin(self) -> None:
        self._port.peer = (self._offer.host, self._offer.port)
        self._heard_at = 0.0
        self._clock = spawn(self._fill(), "silence")
        self._on_change()

    # --- requests in the dialog -------------------------------------------------------------------

    def take(self, request: Request) -> None:
        """What the worker says after its INVITE."""
        match request.method:
            case "ACK":
                if self._repeating is not None:
                    self._repeating.cancel()
            case "CANCEL":
                self._line.endpoint.respond(request, 200, "OK")
                if self.state == "ringing":
                    self._respond(487, "Request Terminated")
                    self._over()
            case "BYE":
                self._line.endpoint.respond(request, 200, "OK")
                self._over()
            case "INVITE" | "UPDATE":
                self._again(request)
            case _:
                self._line.endpoint.respond(request, 200, "OK")

    def _again(self, request: Request) -> None:
        """A re-INVITE may hold, resume or move the audio; one without an offer gets ours as it is."""
        try:
            if request.body:
                self._offer = read_offer(request.body)
        except NoAudio:
            self._line.endpoint.respond(request, 488, "Not Acceptable Here")
            return
        self._port.peer = (self._offer.host, self._offer.port)
        self._version += 1
        body = answer(self._offer, self._line.host, self._port.port, self._version)
        contact = ("Contact", self._line.contact(self.agent))
        if request.method == "UPDATE" and not request.body:
            body = b""
        self._line.endpoint.respond(request, 200, "OK", contact, body=body)

    def hang_up(self) -> None:
        """Decline, or say BYE; harmless when it is over."""
        if self.state == "ringing":
            self._respond(603, "Decline")
        elif self.state == "talking":
            spawn(self._bye(), "BYE")
        self._over()

    async def _bye(self) -> None:
        self._cseq += 1
        routes = "".join(f"Route: {route}\r\n" for route in self._routes)
        text = (
            f"BYE {self._target} SIP/2.0\r\nVia: {{via}}\r\nMax-Forwards: 70\r\n{routes}"
            f"From: {self._local}\r\nTo: {self._remote}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {self._cseq} BYE\r\nContent-Length: 0\r\n\r\n"
        )
        try:
            await self._line.endpoint.ask(
                lambda branch: text.replace("{via}", self._line.via(branch), 1).encode()
            )
        except NoAnswer:
            _log.warning("nobody took the BYE of %s", self.agent)

    @property
    def over(self) -> bool:
        return self.state == "over"

    def _over(self) -> None:
        if self.state == "over":
            return
        self.state = "over"
        for task in (self._clock, self._repeating):
            if task is not None:
                task.cancel()
        self._port.close()
        self._on_change()

    # --- audio ------------------------------------------------------------------------------------

    def say(self, packet: Packet) -> None:
        """Audio of the browser, to the worker."""
        if self.state == "talking":
            now = time.monotonic()
            self._heard_at = now
            self._port.send(self._stream.forward(packet, now))

    async def _fill(self) -> None:
        """A clock of 20 ms only while the browser says nothing: away, or with a stalled line."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            now = time.monotonic()
            if now - self._heard_at > STALLED and self._may_be_silent():
                self._port.send(self._stream.own(rtp.SILENCE, now))
            else:
                due = loop.time() + STALLED
                await asyncio.sleep(STALLED)
                continue
            due += FRAME_SECONDS
            if due < loop.time():
                due = loop.time()
            await asyncio.sleep(due - loop.time())

    # --- the next life ----------------------------------------------------------------------------

    def saved_ring(self) -> SavedRing:
        assert self._invite is not None
        return SavedRing(self.agent, bytes(self._invite).decode(), self._tag)

    def saved(self, wall: float) -> Saved:
        return Saved(
            self.agent, self.number, self.name, self.call_id, self._local, self._remote, self._target,
            self._routes, self._cseq, self._version, self._port.port, self._offer.host, self._offer.port,
            self._stream.ssrc, self._stream.sequence, self._stream.timestamp, wall,
        )  # fmt: skip

    async def resume(self, saved: Saved, wall: float) -> None:
        """Go on with a call of an earlier life. Raises OSError when its port is not to be had."""
        await self._port.open(self._bind, saved.rtp_port)
        self.state = "talking"
        self.number, self.name, self.call_id = saved.number, saved.name, saved.call_id
        self._local, self._remote, self._target = saved.local, saved.remote, saved.target
        self._routes, self._cseq, self._version = saved.routes, saved.cseq, saved.version
        self._offer = Offer(saved.host, saved.port, "sendrecv")
        frames = max(0, round((wall - saved.at) / FRAME_SECONDS))
        self._stream = Stream(
            saved.ssrc,
            ((saved.sequence + frames) & 0xFFFF, (saved.timestamp + frames * FRAME) & 0xFFFFFFFF),
        )
        self._begin()
