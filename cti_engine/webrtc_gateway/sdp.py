"""SDP towards the worker (RFC 3264, 4566): plain RTP, PCMU alone."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from cti_engine.webrtc_gateway.rtp import PCMU

_MIRROR = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


class BadOffer(ValueError):
    """An offer of a browser (`passthrough`) cannot be answered; the text says why."""


class NoAudio(ValueError):
    """The offer has nothing that we could answer; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Where the worker wants audio, and `sendrecv` or the like."""

    host: str
    port: int
    direction: str


def read_offer(body: bytes) -> Offer:
    """Raises NoAudio."""
    host, port, direction, payload_types = "", 0, "sendrecv", []
    in_audio, told = False, False
    for line in body.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition("=")
        words = value.split()
        if name == "m":
            in_audio = not told and words[:1] == ["audio"]
            if in_audio and len(words) > 3 and words[1].isdecimal():
                told, port, payload_types = True, int(words[1]), words[3:]
        elif name == "c" and len(words) == 3 and (in_audio or not told):
            host = words[2].partition("/")[0]
        elif name == "a" and value in _MIRROR and (in_audio or not told):
            direction = value
    try:
        IPv4Address(host)
    except ValueError:
        raise NoAudio(f"audio is wanted at {host[:40]!r}, which is no address") from None
    if not 0 < port < 65536:
        raise NoAudio("no audio is offered")
    if str(PCMU) not in payload_types:
        raise NoAudio("PCMU is not offered")
    return Offer(host, port, direction)


def answer(offer: Offer, host: str, port: int, version: int) -> bytes:
    """What we say to `offer`: audio comes to `host`:`port`. `version` grows with each answer of a dialog."""
    lines = [
        "v=0", f"o=- {port} {version} IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0",
        f"m=audio {port} RTP/AVP {PCMU}", f"a=rtpmap:{PCMU} PCMU/8000", "a=ptime:20", f"a={_MIRROR[offer.direction]}",
    ]  # fmt: skip
    return "\r\n".join([*lines, ""]).encode()
