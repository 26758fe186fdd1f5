"""What really was on the wire: dumpcap on loopback, read as SIP messages and RTP streams with kernel times.

Loss and gaps are counted here, outside of every phone and of pjsua2. Needs root (or `sudo -n`).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType

from tests.phones.child import Child
from tests.phones.ports import HOST, free_port
from tests.phones.rtp import RtpPacket, RtpStream, streams
from tests.phones.waiting import until

_ETHERNET = 14
_IPV4, _TCP, _UDP = 0x0800, 6, 17
_LARGEST_SIP = 65535


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Packet:
    """One datagram or TCP segment with payload. `at` is wall seconds by the kernel, to the microsecond."""

    at: float
    protocol: int
    source: Address
    to: Address
    payload: bytes


@dataclass(frozen=True)
class SipMessage:
    """`at` is when its last byte passed."""

    at: float
    transport: str
    source: Address
    to: Address
    text: str

    @cached_property
    def start_line(self) -> str:
        return self.text.split("\r\n", 1)[0]

    @property
    def method(self) -> str:
        """Of a request; of an answer the method that it answers."""
        return self.header("CSeq").partition(" ")[2].strip()

    @property
    def status(self) -> int:
        """0 for a request."""
        return int(self.start_line.split(" ")[1]) if self.start_line.startswith("SIP/2.0 ") else 0

    @property
    def call_id(self) -> str:
        return self.header("Call-ID") or self.header("i")

    @property
    def body(self) -> str:
        return self.text.partition("\r\n\r\n")[2]

    def header(self, name: str) -> str:
        """The first header of that name, empty when there is none."""
        return next(iter(self.headers(name)), "")

    def headers(self, name: str) -> list[str]:
        wanted = name.lower()
        lines = self.text.partition("\r\n\r\n")[0].split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines)
        return [value.strip() for key, _, value in pairs if key.strip().lower() == wanted]


class Capture:
    """`async with Capture(folder)`; everything on loopback since then can be asked at any time, also after it.

    dumpcap writes every 100 ms, so what just happened may take that long to be seen: `await caught_up()`.
    """

    def __init__(self, folder: Path, *, capture_filter: str = "udp or tcp") -> None:
        self._path = folder / "capture.pcap"
        self._child = Child(
            ["dumpcap", "-q", "-i", "lo", "-P", "-B", "32", "-f", capture_filter, "-w", str(self._path)],
            folder,
            name="dumpcap",
            as_root=True,
        )
        self._offset = 24  # behind the file's header
        self._packets: list[Packet] = []

    async def start(self) -> Capture:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch()  # ours, so that we may read what a dumpcap under sudo writes
        await self._child.start()
        await self.caught_up()
        return self

    async def __aenter__(self) -> Capture:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._child.stop()

    async def caught_up(self) -> None:
        """Wait until a datagram sent now is in the file, hence everything before it."""
        port = free_port()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:

            def seen() -> bool:
                ended = self._child.exit_code
                assert ended is None, f"dumpcap cannot capture on lo (root is needed): {self._child.log()}"
                probe.sendto(b"probe", (HOST, port))
                before = len(self._packets)
                return any(packet.to.port == port for packet in self.packets()[before:])

            await until(seen, "a probe in the capture", within=10, every=0.02)

    def packets(self) -> list[Packet]:
        """All packets with payload so far, in order."""
        with self._path.open("rb") as source:
            source.seek(self._offset)
            new = source.read()
        at = 0
        while at + 16 <= len(new):
            seconds, micros, size, _ = struct.unpack_from("<IIII", new, at)
            if at + 16 + size > len(new):
                break  # the rest is being written
            packet = _packet(seconds + micros / 1e6, new[at + 16 : at + 16 + size])
            if packet is not None:
                self._packets.append(packet)
            at += 16 + size
        self._offset += at
        return self._packets

    def sip(
        self,
        *,
        method: str = "",
        status: int | None = None,
        call_id: str = "",
        port: int = 0,
        source_port: int = 0,
        to_port: int = 0,
    ) -> list[SipMessage]:
        """SIP messages in order, retransmissions too. `status` 0 is requests only; `port` is either end's."""
        return [
            sip
            for sip in _sip_messages(self.packets())
            if (not method or sip.method == method)
            and (status is None or sip.status == status)
            and (not call_id or sip.call_id == call_id)
            and (not port or port in (sip.source.port, sip.to.port))
            and (not source_port or sip.source.port == source_port)
            and (not to_port or sip.to.port == to_port)
        ]

    def rtp(
        self, *, ports: Container[int] | None = None, start: float = 0.0, end: float = float("inf")
    ) -> list[RtpStream]:
        """RTP streams with an end in `ports`, cut to `start <= at < end` (wall seconds), oldest first."""
        return streams(
            RtpPacket.parse(packet.at, str(packet.source), str(packet.to), packet.payload)
            for packet in self.packets()
            if packet.protocol == _UDP
            and start <= packet.at < end
            and (ports is None or packet.source.port in ports or packet.to.port in ports)
        )


def _packet(at: float, frame: bytes) -> Packet | None:
    """Ethernet, IPv4 (RFC 791), then TCP or UDP; None for anything else and for empty segments."""
    if len(frame) < _ETHERNET + 20 or struct.unpack_from("!H", frame, 12)[0] != _IPV4:
        return None
    ip = frame[_ETHERNET:]
    protocol, header = ip[9], (ip[0] & 0x0F) * 4
    total = struct.unpack_from("!H", ip, 2)[0] or len(ip)  # 0: segmentation offload
    transport = ip[header:total]
    if protocol == _UDP and len(transport) >= 8:
        payload = transport[8:]
    elif protocol == _TCP and len(transport) >= 20:
        payload = transport[(transport[12] >> 4) * 4 :]
    else:
        return None
    if not payload:
        return None
    source, to = struct.unpack_from("!HH", transport)
    return Packet(
        at,
        protocol,
        Address(socket.inet_ntoa(ip[12:16]), source),
        Address(socket.inet_ntoa(ip[16:20]), to),
        payload,
    )


def _starts_sip(payload: bytes) -> bool:
    first = payload.split(b"\r\n", 1)[0]
    return first.startswith(b"SIP/2.0 ") or first.endswith(b" SIP/2.0")


def _sip_messages(packets: list[Packet]) -> Iterator[SipMessage]:
    """One message per datagram; TCP is cut by Content-Length (RFC 3261 section 18.3)."""
    unfinished: dict[tuple[Address, Address], bytes] = {}
    for packet in packets:
        if packet.protocol == _UDP:
            if _starts_sip(packet.payload):
                yield SipMessage(
                    packet.at, "udp", packet.source, packet.to, packet.payload.decode(errors="replace")
                )
            continue
        way = (packet.source, packet.to)
        held = unfinished.pop(way, b"") + packet.payload
        while _starts_sip(held := held.lstrip(b"\r\n")):
            head, blank, rest = held.partition(b"\r\n\r\n")
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith((b"content-length:", b"l:"))
                ),
                0,
            )
            if not blank or len(rest) < length:
                break
            text = (head + blank + rest[:length]).decode(errors="replace")
            yield SipMessage(packet.at, "tcp", packet.source, packet.to, text)
            held = rest[length:]
        if held and len(held) < _LARGEST_SIP:
            unfinished[way] = held
