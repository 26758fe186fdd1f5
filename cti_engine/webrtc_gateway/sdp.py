"""SDP towards the worker (RFC 3264, 4566): plain RTP, PCMU alone, and keys as RFC 4733 where the worker takes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

from cti_engine.webrtc_gateway.rtp import PCMU

_MIRROR = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}

_KEYS = re.compile(r"rtpmap:(\d{1,3}) telephone-event/8000", re.IGNORECASE)


class NoAudio(ValueError):
    """The offer has nothing that we could answer; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Where the worker wants audio. `keys`: its payload type for telephone events, None if it takes none."""

    host: str
    port: int
    keys: int | None
    direction: str


def read_offer(body: bytes) -> Offer:
    """Raises NoAudio."""
    host, port, keys, direction, payload_types = "", 0, None, "sendrecv", []
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
        elif name == "a" and (in_audio or not told):
            if value in _MIRROR:
                direction = value
            elif found := _KEYS.match(value):
                keys = int(found[1])
    try:
        IPv4Address(host)
    except ValueError:
        raise NoAudio(f"audio is wanted at {host[:40]!r}, which is no address") from None
    if not 0 < port < 65536:
        raise NoAudio("no audio is offered")
    if str(PCMU) not in payload_types:
        raise NoAudio("PCMU is not offered")
    return Offer(host, port, keys if str(keys) in payload_types else None, direction)


def answer(offer: Offer, host: str, port: int, version: int) -> bytes:
    """What we say to `offer`: audio comes to `host`:`port`. `version` grows with each answer of a dialog."""
    keys = [] if offer.keys is None else [offer.keys]
    lines = [
        "v=0", f"o=- {port} {version} IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, [PCMU, *keys]))}", f"a=rtpmap:{PCMU} PCMU/8000",
        *(f"a=rtpmap:{one} telephone-event/8000" for one in keys), *(f"a=fmtp:{one} 0-15" for one in keys),
        "a=ptime:20", f"a={_MIRROR[offer.direction]}",
    ]  # fmt: skip
    return "\r\n".join([*lines, ""]).encode()
