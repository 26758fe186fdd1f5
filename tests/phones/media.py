"""What a sipp caller says, as a pcap of RTP: tones and digits (RFC 4733 or in-band) in one stream, one SSRC, no gap."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.phones.tones import RATE, tone

PCMU = 0
TELEPHONE_EVENT = 101
_FRAME = 160  # samples in 20 ms
_EVENT_FRAMES = 8  # 160 ms a key
_ETHERNET = 1
_SSRC = 0x5EED_CA11
_KEYS = "0123456789*#ABCD"
KEY_TONES = {
    key: (low, high)
    for low, row in zip((697, 770, 852, 941), ("123A", "456B", "789C", "*0#D"), strict=True)
    for high, key in zip((1209, 1336, 1477, 1633), row, strict=True)
}


@dataclass(frozen=True, slots=True)
class Tone:
    hertz: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Digit:
    key: str


@dataclass(frozen=True, slots=True)
class Flood:
    """Keys each of which is one packet of RFC 4733 that says it is over already, 10 ms apart."""

    keys: str


@dataclass(frozen=True, slots=True)
class InbandDigit:
    """A key as its two tones (ITU-T Q.23), and the pause behind it; 20 ms steps."""

    key: str
    seconds: float = 0.1
    pause: float = 0.1

    def pcm(self) -> NDArray[np.int16]:
        low, high = KEY_TONES[self.key]
        both = tone(low, self.seconds, level_db=-13.0) + tone(high, self.seconds, level_db=-13.0)
        return np.concatenate([both, np.zeros(int(self.pause * RATE), np.int16)])


def mu_law(pcm: NDArray[np.int16]) -> bytes:
    """G.711 mu-law (ITU-T G.711, as in every textbook: bias 132, sign, exponent, mantissa, inverted)."""
    wide = pcm.astype(np.int32)
    sign = np.where(wide < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(wide), 32635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return np.asarray(~(sign | (exponent << 4) | mantissa) & 0xFF, np.uint8).tobytes()


def _rtp(sequence: int, timestamp: int, payload_type: int, marker: bool, payload: bytes) -> bytes:
    return (
        struct.pack("!BBHII", 0x80, payload_type | marker << 7, sequence & 0xFFFF, timestamp, _SSRC) + payload
    )


Part = Tone | Digit | Flood | InbandDigit


def _packets(script: tuple[Part, ...]) -> list[tuple[int, bytes]]:
    """When (in samples) and what: an RTP packet every 20 ms, of a flood every 10.

    An event keeps the timestamp of its start (RFC 4733 section 2.5.1.2).
    """
    packets: list[tuple[int, bytes]] = []
    clock = 0
    for part in script:
        if isinstance(part, Flood):
            for key in part.keys:
                event = struct.pack("!BBH", _KEYS.index(key), 1 << 7 | 10, _FRAME)
                packets.append((clock, _rtp(len(packets), clock, TELEPHONE_EVENT, True, event)))
                clock += _FRAME // 2
        elif not isinstance(part, Digit):
            coded = mu_law(tone(part.hertz, part.seconds) if isinstance(part, Tone) else part.pcm())
            for at in range(0, len(coded) - _FRAME + 1, _FRAME):
                rtp = _rtp(len(packets), clock, PCMU, not packets, coded[at : at + _FRAME])
                packets.append((clock, rtp))
                clock += _FRAME
        else:
            start = clock
            for frame in range(_EVENT_FRAMES + 3):  # the end is sent three times (section 2.5.1.4)
                ends = frame >= _EVENT_FRAMES
                duration = min(frame + 1, _EVENT_FRAMES) * _FRAME
                event = struct.pack("!BBH", _KEYS.index(part.key), ends << 7 | 10, duration)
                packets.append((clock, _rtp(len(packets), start, TELEPHONE_EVENT, frame == 0, event)))
                clock += _FRAME
    return packets


def write_pcap(path: Path, *script: Part) -> Path:
    """A pcap for sipp's `play_pcap_audio`; sipp puts its own addresses and ports in."""
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, _ETHERNET))
        for at, rtp in _packets(script):
            udp = struct.pack("!HHHH", 6000, 6000, 8 + len(rtp), 0) + rtp
            ip = struct.pack(
                "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1"
            )
            frame = bytes(12) + b"\x08\x00" + ip + udp
            out.write(struct.pack("<IIII", at // RATE, at % RATE * 1_000_000 // RATE, len(frame), len(frame)))
            out.write(frame)
    return path
