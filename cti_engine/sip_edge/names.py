"""From what an admin writes for a carrier's address to a hop: `HOST`, `HOST:PORT`, either with `;transport=tcp`."""

from __future__ import annotations

import asyncio
import socket

from cti_engine.sip_edge.hop import Hop

SIP_PORT = 5060


async def resolve(address: str) -> Hop:
    """Raises OSError when the name has no IPv4 address."""
    where, _, parameter = address.partition(";")
    host, _, port = where.partition(":")
    transport = "tcp" if parameter.strip().lower() == "transport=tcp" else "udp"
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(
        host, int(port or SIP_PORT), family=socket.AF_INET, type=socket.SOCK_STREAM
    )
    return Hop(transport, *found[0][4][:2])
