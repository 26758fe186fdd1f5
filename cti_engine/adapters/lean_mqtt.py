"""aiomqtt and paho as we use them: without dnspython, which paho would load (2 MB a process) for a look-up that we
never ask, and with fewer questions to the kernel.
"""

import socket
import ssl
import sys
from typing import Any

_hidden = sys.modules.setdefault("dns", None)  # type: ignore[arg-type]  # "not to be found"

import aiomqtt  # noqa: E402
import paho.mqtt.client as paho  # noqa: E402

if _hidden is None:
    del sys.modules["dns"]

__all__ = ["ReadAhead", "aiomqtt", "paho"]

READ = 16 * 1024  # bytes at a time, some 25 messages: whatever else the loop has to do waits for them


class ReadAhead:
    """A connected socket that reads a lot at once. paho would ask the kernel four times for each packet, and aiomqtt
    the loop once; while something is `pending`, as TLS has it too, aiomqtt goes on by itself.
    """

    def __init__(self, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # aiomqtt would, of a plain socket only
        self._sock = sock
        self._read = memoryview(b"")

    def recv(self, size: int) -> bytes:
        """At most `size` bytes; what the socket raises."""
        if not self._read:
            self._read = memoryview(self._sock.recv(READ))
        part, self._read = self._read[:size], self._read[size:]
        return bytes(part)

    def pending(self) -> int:
        """How many bytes are here already."""
        return len(self._read) or (self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
