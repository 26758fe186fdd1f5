"""RTP of one direction (RFC 3550 5.1): packets of changing sources become one stream without a jump.

Audio is G.711 mu-law all the way, in 20 ms; a payload is passed through and never decoded.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

PCMU = 0
RATE = 8000
FRAME = 160  # samples and bytes of 20 ms
FRAME_SECONDS = FRAME / RATE
SILENCE = b"\xff" * FRAME
_HEADER = struct.Struct("!BBHII")


class Packet(NamedTuple):
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def read(data: bytes) -> Packet | None:
    """None for what is no RTP."""
    if len(data) < _HEADER.size or data[0] >> 6 != 2:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    begin = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:  # a header extension
        if len(data) < begin + 4:
            return None
        begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4], "big")
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if begin > end:
        return None
    return Packet(second & 0x7F, sequence, timestamp, ssrc, data[begin:end])


class Stream:
    """What we send: one SSRC, sequence and timestamps that go on whoever the source is.

    `start` (sequence, timestamp) continues an earlier life's. `now` is any clock in seconds.
    """

    def __init__(self, ssrc: int, start: tuple[int, int] = (0, 0)) -> None:
        self.ssrc = ssrc
        self.sequence, self.timestamp = start  # of the last packet
        self._sent_at: float | None = None
        self._source: int | None = None
        self._shift = (0, 0)

    def forward(self, packet: Packet, now: float) -> bytes:
        """A source's packet, its gaps kept: a loss stays a loss for who listens."""
        fresh = packet.ssrc != self._source
        if fresh:
            sequence, timestamp = self._next(now)
            self._shift = (sequence - packet.sequence, timestamp - packet.timestamp)
            self._source = packet.ssrc
        sequence = (packet.sequence + self._shift[0]) & 0xFFFF
        timestamp = (packet.timestamp + self._shift[1]) & 0xFFFFFFFF
        if fresh or (sequence - self.sequence) & 0xFFFF < 0x8000:  # a late one does not turn the stream back
            self.sequence, self.timestamp, self._sent_at = sequence, timestamp, now
        return self._packed(fresh, sequence, timestamp, packet.payload)

    def own(self, payload: bytes, now: float) -> bytes:
        """A packet of our own: silence, or an echo."""
        fresh = self._sent_at is None or self._source is not None
        self._source = None
        self.sequence, self.timestamp = self._next(now)
        self._sent_at = now
        return self._packed(fresh, self.sequence, self.timestamp, payload)

    def _next(self, now: float) -> tuple[int, int]:
        """The clock goes on while nobody speaks; the numbers do not (RFC 3550 5.1)."""
        frames = 1 if self._sent_at is None else max(1, round((now - self._sent_at) / FRAME_SECONDS))
        return (self.sequence + 1) & 0xFFFF, (self.timestamp + frames * FRAME) & 0xFFFFFFFF

    def _packed(self, marker: bool, sequence: int, timestamp: int, payload: bytes) -> bytes:
        return _HEADER.pack(0x80, marker << 7 | PCMU, sequence, timestamp, self.ssrc) + payload
