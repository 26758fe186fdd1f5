"""The browser's end: an aiortc peer connection whose audio is passed through as it came, never decoded.

The only file that reaches into aiortc (pinned for that): the receiver's `_handle_rtp_packet` is ours, packets go out by
the transport's `_send_rtp` under the sender's SSRC, the sender's counters are kept true for its RTCP reports, and
aioice is told on which addresses to listen. Incoming packets still feed aiortc's statistics, so that the browser learns
from RTCP what was lost on its way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import aioice.ice
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.clock import current_ntp_time
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import RtpPacket

from cti_engine.webrtc_gateway.rtp import PCMU, RATE, Packet
from cti_engine.webrtc_gateway.sdp import BadOffer

_PCMU = [codec for codec in RTCRtpSender.getCapabilities("audio").codecs if codec.mimeType == "audio/PCMU"]
_STREAMS = "_RTCRtpReceiver__remote_streams"
_COUNTS = "_RTCRtpSender__packet_count", "_RTCRtpSender__octet_count"
_CLOCKS = "_RTCRtpSender__ntp_timestamp", "_RTCRtpSender__rtp_timestamp"


def listen_on(address: str) -> None:
    """Where browsers reach us, for this whole process: `address` alone, or all of the machine's if it is 0.0.0.0."""
    if address != "0.0.0.0":
        aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [address]


class _Quiet(MediaStreamTrack):
    """Keeps aiortc's own sender waiting: what is sent, we send."""

    kind = "audio"

    async def recv(self) -> Any:
        await asyncio.get_running_loop().create_future()


class BrowserPeer:
    """One page's peer connection. `on_audio` gets each of its packets, `on_state` `connected`, then `closed`, once."""

    def __init__(self, on_audio: Callable[[Packet], None], on_state: Callable[[str], None]) -> None:
        self._on_audio = on_audio
        self._on_state = on_state
        self._state = "new"
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._transceiver = self._connection.addTransceiver(_Quiet(), direction="sendrecv")
        self._transceiver.setCodecPreferences(_PCMU)
        self._connection.on("connectionstatechange", self._changed)
        self._receiver = self._transceiver.receiver
        self._sender = self._transceiver.sender
        self._receiver._handle_rtp_packet = self._take  # type: ignore[method-assign]
        self.ssrc: int = self._sender._ssrc

    @property
    def connected(self) -> bool:
        return self._state == "connected"

    async def answer(self, sdp: str) -> str:
        """The answer to the browser's offer, with all our candidates. Raises BadOffer."""
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            transceivers = self._connection.getTransceivers()
            if len(transceivers) != 1 or self._connection.sctp is not None:
                raise BadOffer("an offer of one audio stream is wanted")
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except (
            ValueError,
            IndexError,
            KeyError,
            AttributeError,
            AssertionError,
        ) as error:  # aiortc's, of bad SDP
            raise BadOffer(str(error) or type(error).__name__) from error
        return str(self._connection.localDescription.sdp)

    async def _take(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        streams = getattr(self._receiver, _STREAMS)
        if packet.ssrc not in streams:
            streams[packet.ssrc] = StreamStatistics(RATE)
        streams[packet.ssrc].add(packet)
        if packet.payload_type == PCMU and packet.payload:
            self._on_audio(
                Packet(PCMU, packet.sequence_number, packet.timestamp, packet.ssrc, packet.payload)
            )

    def send(self, packet: bytes, timestamp: int) -> None:
        """One RTP packet under our `ssrc`; nothing happens while not connected."""
        if self._state != "connected":
            return
        sender = self._sender
        for name, step in zip(_COUNTS, (1, len(packet) - 12), strict=True):
            setattr(sender, name, getattr(sender, name) + step)
        for name, value in zip(_CLOCKS, (current_ntp_time(), timestamp), strict=True):
            setattr(sender, name, value)
        _run(sender.transport._send_rtp(packet))

    def _changed(self) -> None:
        state = self._connection.connectionState
        known = {"connected": "connected", "failed": "closed", "closed": "closed"}.get(state)
        if known is not None and known != self._state and self._state != "closed":
            self._state = known
            self._on_state(known)

    async def close(self) -> None:
        self._state = "closed"
        await self._connection.close()


def _run(sending: Coroutine[Any, Any, None]) -> None:
    """Run what never really waits without a task for each packet; a transport that has closed meanwhile loses it."""
    try:
        sending.send(None)
    except (StopIteration, ConnectionError):
        return
    sending.close()
