"""A hop is where bytes go next: transport, host and port. For TCP it also names the open connection."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from sipmessage import URI

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_address = lru_cache(maxsize=4096)(ipaddress.ip_address)  # 4 µs else, for each new call several times


class Hop(NamedTuple):
    """`transport` is `udp` or `tcp`; `host` an IP address as text."""

    transport: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.transport}:{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Hop:
        """The inverse of `str`. Raises ValueError."""
        transport, _, rest = text.partition(":")
        host, _, port = rest.rpartition(":")
        if transport not in ("udp", "tcp") or not host:
            raise ValueError(f"{text!r} is not a hop")
        return cls(transport, host, int(port))


def hop_of(uri: URI) -> Hop | None:
    """Where a SIP URI with an IP address points (RFC 3263 without DNS); None for names and other schemes."""
    if uri.scheme != "sip" or not is_address(uri.host) or not 0 < (uri.port or 5060) < 65536:
        return None
    transport = (uri.parameters.get("transport") or "udp").lower()
    return Hop(transport, uri.host, uri.port or 5060) if transport in ("udp", "tcp") else None


def reachable_at(contact: URI | None, source: Hop) -> Hop:
    """Where the sender of a request is reached later.

    Its Contact counts only if it names the address that the packet came from: else a NAT stands between, and
    only the way back through the NAT leads there. On TCP that way is the open connection.
    """
    if contact is None or source.transport != "udp" or contact.host != source.host:
        return source
    return hop_of(contact) or source


def is_address(host: str) -> bool:
    try:
        _address(host)
    except ValueError:
        return False
    return True


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Raises ValueError for text that is neither an address nor a network."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def is_in(host: str, nets: tuple[Network, ...]) -> bool:
    if not nets:
        return False
    try:
        address = _address(host)
    except ValueError:
        return False
    return any(address in net for net in nets)
