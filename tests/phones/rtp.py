"""RTP streams (RFC 3550) as they passed: packets, loss by sequence number, the longest gap."""

from __future__ import annotations

import itertools
import struct
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

_RTCP = range(72, 77)  # 200-204 without the marker bit (RFC 5761 section 4)


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """`at` is wall seconds; `source` and `to` are `host:port`."""

    at: float
    source: str
    to: str
    ssrc: int
    sequence: int
    payload_type: int
    payload: bytes

    @classmethod
    def parse(cls, at: float, source: str, to: str, datagram: bytes) -> RtpPacket | None:
        """None when it is not RTP version 2 (STUN, RTCP, SIP)."""
        if len(datagram) < 12 or datagram[0] >> 6 != 2 or datagram[1] & 0x7F in _RTCP:
            return None
        sequence, _, ssrc = struct.unpack_from("!HII", datagram, 2)
        body = 12 + 4 * (datagram[0] & 0x0F)
        return cls(at, source, to, ssrc, sequence, datagram[1] & 0x7F, datagram[body:])


@dataclass(frozen=True, slots=True)
class RtpStream:
    """One SSRC from one address to one other; times in wall seconds."""

    source: str
    to: str
    ssrc: int
    packets: tuple[RtpPacket, ...]

    @property
    def first_at(self) -> float:
        return self.packets[0].at

    @property
    def last_at(self) -> float:
        return self.packets[-1].at

    @property
    def lost(self) -> int:
        """Sequence numbers between the lowest and the highest that never came (RFC 3550 appendix A.3)."""
        numbers = self._extended()
        return max(numbers) - min(numbers) + 1 - len(set(numbers))

    @property
    def longest_gap_ms(self) -> float:
        """The longest time between one packet and the next."""
        times = [packet.at for packet in self.packets]
        return max((later - at for at, later in itertools.pairwise(times)), default=0.0) * 1000

    def _extended(self) -> list[int]:
        """Sequence numbers over the 16-bit wrap: each taken as near to the one before as it can be."""
        extended = [self.packets[0].sequence]
        for packet in self.packets[1:]:
            step = (packet.sequence - extended[-1] + 0x8000) % 0x10000 - 0x8000
            extended.append(extended[-1] + step)
        return extended


def streams(packets: Iterable[RtpPacket | None]) -> list[RtpStream]:
    """Packets sorted into streams, oldest stream first."""
    found: dict[tuple[str, str, int], list[RtpPacket]] = defaultdict(list)
    for packet in packets:
        if packet is not None:
            found[packet.source, packet.to, packet.ssrc].append(packet)
    return [RtpStream(*way, tuple(of_stream)) for way, of_stream in found.items()]
