"""A browser without a browser: an aiortc peer at an agent's desk, which says a tone and keeps what it hears.

It decodes and encodes as any WebRTC client does; only the signalling is the page's own.
"""

from __future__ import annotations

import asyncio
import fractions
import time
from typing import Any

import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from cti_engine.webrtc_gateway.passthrough import listen_on
from cti_engine.wire.tasks import spawn
from tests.e2e.desk import TestDesk
from tests.phones.tones import RATE, tone, tone_level_db
from tests.phones.waiting import until

FRAME = 160


class ToneTrack(MediaStreamTrack):
    """An endless tone in frames of 20 ms."""

    kind = "audio"

    def __init__(self, hertz: float) -> None:
        super().__init__()
        self._pcm = tone(hertz, 1.0)
        self._sent = 0
        self._began = 0.0

    async def recv(self) -> AudioFrame:
        if not self._sent:
            self._began = time.monotonic()
        await asyncio.sleep(max(0.0, self._began + self._sent * 0.02 - time.monotonic()))
        at = self._sent * FRAME % RATE
        frame = AudioFrame.from_ndarray(
            self._pcm[at : at + FRAME].reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = RATE
        frame.pts = self._sent * FRAME
        frame.time_base = fractions.Fraction(1, RATE)
        self._sent += 1
        return frame


class BrowserDesk(TestDesk):
    """`hertz`: what its human says."""

    __test__ = False

    def __init__(
        self, origin: str, user: str, password: str, *, hertz: float = 880, tab: str = "tab"
    ) -> None:
        self._hertz = hertz
        self.tab = tab
        self.phone: dict[str, Any] = {}
        self.replies: dict[str, dict[str, Any]] = {}
        self.heard: list[np.ndarray[Any, np.dtype[np.int16]]] = []
        self.peer: RTCPeerConnection | None = None
        self.line = ""
        super().__init__(origin, user, password)

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "phone":
            self.phone = message
        elif message["type"] == "reply":
            self.replies[message["id"]] = message
        super()._take(message)

    async def ask_phone(self, name: str, **args: Any) -> dict[str, Any]:
        """Ask, and give the reply whatever it is."""
        await until(lambda: self._socket is not None, f"the page of {self.user}", within=20.0)
        assert self._socket is not None
        id_ = f"phone-{next(self._numbers)}"
        await self._socket.send_json({"type": "ask", "id": id_, "name": name, "args": args})
        await until(lambda: id_ in self.replies, f"a reply to {name}", within=15.0)
        return self.replies.pop(id_)

    async def connect(self, **args: Any) -> dict[str, Any]:
        """Make this page the agent's phone; the gateway's reply."""
        listen_on("127.0.0.1")
        await until(lambda: self.phone.get("up"), "the gateway", within=20.0)
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        transceiver = peer.addTransceiver(ToneTrack(self._hertz), direction="sendrecv")
        codecs = RTCRtpSender.getCapabilities("audio").codecs
        transceiver.setCodecPreferences([c for c in codecs if c.mimeType in ("audio/opus", "audio/PCMU")])
        peer.on("track", lambda track: spawn(self._hear(track), "hearing"))
        await peer.setLocalDescription(await peer.createOffer())
        reply = await self.ask_phone("ConnectPhone", tab=self.tab, sdp=peer.localDescription.sdp, **args)
        if not reply["ok"]:
            await peer.close()
            return reply
        await peer.setRemoteDescription(RTCSessionDescription(reply["result"]["sdp"], "answer"))
        await until(lambda: peer.connectionState == "connected", "a line to the gateway", within=15.0)
        await self.hang_line()
        self.peer, self.line = peer, reply["result"]["line"]
        return reply

    async def _hear(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                assert frame.sample_rate == RATE
                self.heard.append(frame.to_ndarray().reshape(-1).astype(np.int16))
        except MediaStreamError:
            return

    async def hears(self, hertz: float, *, over: float, within: float = 15.0) -> None:
        """Wait until half a second of what is heard is `hertz`, 20 dB above `over` hertz."""
        begin = len(self.heard)

        def so() -> bool:
            if len(self.heard) - begin < 25:
                return False
            pcm = np.concatenate(self.heard[-25:]) / 32768
            level = tone_level_db(pcm, RATE, hertz)
            return level > -30 and level - tone_level_db(pcm, RATE, over) > 20

        await until(so, f"{hertz} Hz in the browser of {self.user}", within=within, every=0.05)

    async def hang_line(self) -> None:
        """Close the line to the gateway, as a page does that is left."""
        if self.peer is not None:
            peer, self.peer = self.peer, None
            await peer.close()

    async def log_out(self) -> None:
        """As a page does: what stays of the phone would ring nobody."""
        await super().log_out()
        await self.ask_phone("DisconnectPhone")

    async def close(self) -> None:
        await self.hang_line()
        await super().close()
