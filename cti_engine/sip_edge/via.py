"""One Via value, read by hand: each message needs one or two, and sipmessage's own takes 12 µs for each."""

from __future__ import annotations

from typing import NamedTuple

from cti_engine.sip_edge.hop import Hop


class Via(NamedTuple):
    """`port` 0 when it names none; `rport` "" when given without a value, None when absent."""

    transport: str
    host: str
    port: int
    branch: str
    received: str
    rport: str | None

    @property
    def sent_by(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def answer_to(self) -> Hop:
        """Where a response goes by this Via (RFC 3261 18.2.2, RFC 3581 4)."""
        return Hop(self.transport, self.received or self.host, int(self.rport or self.port or 5060))


def parse_via(value: str) -> Via:
    """Raises ValueError."""
    first, _, parameters = value.partition(";")
    words = first.split()
    if len(words) != 2 or not words[0].upper().startswith("SIP/2.0/"):
        # "SIP / 2.0 / UDP host : port" is legal too (RFC 3261 25.1), and rare
        words = first.replace(" :", ":").replace(": ", ":").replace(" /", "/").replace("/ ", "/").split()
        if len(words) != 2 or not words[0].upper().startswith("SIP/2.0/"):
            raise ValueError("Via is not a SIP/2.0 Via")
    transport, sent_by = words
    host, colon, port = sent_by.rpartition(":")
    if not colon or sent_by.endswith("]"):
        host, port = sent_by, "0"
    branch, received, rport = "", "", None
    for parameter in parameters.split(";"):
        name, equals, given = parameter.partition("=")
        name = name.strip().lower()
        if name == "branch":
            branch = given.strip()
        elif name == "rport":
            rport = given.strip() if equals else ""
        elif name == "received":
            received = given.strip()
    if not host or not _is_port(port, 0) or (rport and not _is_port(rport, 1)):
        raise ValueError("Via names no usable address")
    return Via(transport[8:].lower(), host, int(port), branch, received, rport)


def stamped(value: str, received: str, rport: int | None) -> str:
    """The Via value with where it really came from (RFC 3261 18.2.1, RFC 3581 4)."""
    first, *parameters = value.split(";")
    kept = [one for one in parameters if one.partition("=")[0].strip().lower() not in ("rport", "received")]
    kept.append(f"received={received}")
    if rport is not None:
        kept.append(f"rport={rport}")
    return ";".join((first, *kept))


def _is_port(text: str, lowest: int) -> bool:
    return text.isdecimal() and lowest <= int(text) < 65536
