"""UDP and TCP on one port. A TCP hop is its open connection; a new one is made only towards a listener.

The intake gets one whole message at a time, framed by Content-Length on TCP (RFC 3261 18.3). UDP is read here and
not by the loop's transport, because what belongs first can only be told once the socket has been emptied.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Callable
from typing import cast

from cti_engine.sip_edge.counters import Counters
from cti_engine.sip_edge.hop import Hop
from cti_engine.sip_edge.intake import Intake
from cti_engine.wire.tasks import spawn

MAX_MESSAGE = 65_535
_MAX_UNSENT = 1 << 20
_RECEIVE_BUFFER = 4 << 20  # bytes, cut to net.core.rmem_max; 4 MB hold 600 calls/s for a second
_CONNECT_TIMEOUT = 3.0
_PARTIAL_TIMEOUT = 10.0
_CONTENT_LENGTH = re.compile(rb"\r\n(?:Content-Length|l)[ \t]*:[ \t]*(\d{1,6})[ \t]*(?=\r\n)", re.IGNORECASE)

_log = logging.getLogger("cti.edge.transports")


class Framer:
    """Cuts a stream into messages. CRLFs between them are keep-alives (RFC 5626 3.5.1)."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.pings = 0

    @property
    def partial(self) -> bool:
        """Whether the beginning of a message is waiting for its rest."""
        return bool(self._buffer.strip(b"\r\n"))

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are now whole. Raises ValueError if the stream can no longer be framed."""
        self._buffer += data
        messages: list[bytes] = []
        while True:
            begin = 0
            while self._buffer[begin : begin + 2] == b"\r\n":
                begin += 2
            self.pings += begin // 4
            del self._buffer[:begin]
            head_end = self._buffer.find(b"\r\n\r\n")
            if head_end < 0:
                if len(self._buffer) > MAX_MESSAGE:
                    raise ValueError("a header part without end")
                return messages
            length = _CONTENT_LENGTH.search(self._buffer, 0, head_end + 2)
            if length is None:
                raise ValueError("no Content-Length on a stream")
            end = head_end + 4 + int(length[1])
            if end > MAX_MESSAGE:
                raise ValueError("a message that is too long")
            if len(self._buffer) < end:
                return messages
            messages.append(bytes(self._buffer[:end]))
            del self._buffer[:end]


class _Tcp(asyncio.Protocol):
    def __init__(self, owner: Transports) -> None:
        self._owner = owner
        self._framer = Framer()
        self._watch: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport
        self.hop: Hop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        peer = transport.get_extra_info("peername")
        if not peer or len(self._owner.connections) >= self._owner.max_connections:
            self._owner.counters.add("refused.connections")
            self.hop = Hop("tcp", "", 0)
            self.transport.abort()
            return
        self.hop = Hop("tcp", peer[0], peer[1])
        self._owner.connections[self.hop] = self

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._framer.feed(data)
        except ValueError as error:
            self._owner.counters.add("dropped.unframed")
            _log.debug("closing %s: %s", self.hop, error)
            self.transport.close()
            return
        while self._framer.pings:
            self._framer.pings -= 1
            self._owner.counters.add("keepalive.tcp")
            self.transport.write(b"\r\n")
        for message in messages:
            self._owner.intake.put(message, self.hop)
        self._owner.intake.work()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._framer.partial:
            # nobody may hold a connection with half a message
            self._watch = asyncio.get_running_loop().call_later(_PARTIAL_TIMEOUT, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._owner.connections.get(self.hop) is self:
            del self._owner.connections[self.hop]
            self._owner.lost(self.hop)

    def write(self, data: bytes) -> bool:
        if self.transport.is_closing():
            return False
        if self.transport.get_write_buffer_size() > _MAX_UNSENT:
            self.transport.abort()  # a peer that does not read
            return False
        self.transport.write(data)
        return True


class Transports:
    """The edge's one address. `lost`, for connections that end, is set before `start`."""

    def __init__(
        self, host: str, port: int, max_connections: int, intake: Intake, counters: Counters
    ) -> None:
        self._host = host
        self._wanted_port = port
        self.max_connections = max_connections
        self.intake = intake
        self.counters = counters
        self.lost: Callable[[Hop], None] = lambda hop: None
        self.connections: dict[Hop, _Tcp] = {}
        self.port = 0
        self._tcp: asyncio.AbstractServer | None = None

    def bind(self) -> None:
        """Take the port. Raises OSError if another has it."""
        self._udp, self._listening = _same_port(self._host, self._wanted_port)
        self.port = self._udp.getsockname()[1]

    async def start(self) -> None:
        """Receive from now on."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._udp, self._readable)
        self._tcp = await loop.create_server(lambda: _Tcp(self), sock=self._listening, backlog=512)

    def _readable(self) -> None:
        self._read_all()
        self.intake.work()

    def _read_all(self) -> None:
        while not self.intake.full:
            try:
                data, address = self._udp.recvfrom(MAX_MESSAGE)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error for what was sent earlier
                self.counters.add("send_failed.udp")
                continue
            if len(data) <= 4 or not data.strip(b"\r\n\0"):
                self.counters.add("keepalive.udp")
            else:
                self.intake.put(data, Hop("udp", address[0], address[1]))

    def when_read(self, callback: Callable[[], None]) -> None:
        """Call back when all that has come by now is done: a time-out whose answer waits unread is none."""
        self._read_all()
        self.intake.put_callback(callback)
        self.intake.work()

    def connected(self, hop: Hop) -> bool:
        """Whether bytes to this hop have a way now (always on UDP)."""
        return hop.transport == "udp" or hop in self.connections

    def send(self, hop: Hop, data: bytes, on_failure: Callable[[], None] | None = None) -> None:
        """Send now, or after a connection has been made. `on_failure` is called (soon) if there is no way."""
        if hop.transport == "udp":
            try:
                self._udp.sendto(data, (hop.host, hop.port))
            except BlockingIOError:  # as if it had been lost on the way; SIP sends again
                self.counters.add("send_failed.udp")
            except (OSError, ValueError, OverflowError):  # port 0, too long for a datagram
                self._failed(hop, on_failure)
            return
        connection = self.connections.get(hop)
        if connection is None:
            spawn(self._connect_and_send(hop, data, on_failure), f"connect {hop}")
        elif not connection.write(data):
            self._failed(hop, on_failure)

    def reply(self, hop: Hop, data: bytes) -> None:
        """Send a response: on TCP on the connection that the request came by, or not at all."""
        if hop.transport == "tcp" and hop not in self.connections:
            self.counters.add("dropped.connection_gone")
        else:
            self.send(hop, data)

    def _failed(self, hop: Hop, on_failure: Callable[[], None] | None) -> None:
        self.counters.add(f"send_failed.{hop.transport}")
        if on_failure is not None:
            asyncio.get_running_loop().call_soon(on_failure)

    async def _connect_and_send(self, hop: Hop, data: bytes, on_failure: Callable[[], None] | None) -> None:
        loop = asyncio.get_running_loop()
        try:
            connecting = loop.create_connection(lambda: _Tcp(self), hop.host, hop.port)
            _, connection = await asyncio.wait_for(connecting, _CONNECT_TIMEOUT)
        except (OSError, TimeoutError):
            self._failed(hop, on_failure)
            return
        if not connection.write(data):
            self._failed(hop, on_failure)

    def close(self) -> None:
        if self._tcp is not None:
            self._tcp.close()
        for connection in list(self.connections.values()):
            connection.transport.close()
        asyncio.get_running_loop().remove_reader(self._udp)
        self._udp.close()


def _same_port(bind: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a listening TCP socket on one port; with port 0 on any. Raises OSError."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    for attempt in range(20):
        udp = socket.socket(family, socket.SOCK_DGRAM)
        tcp = socket.socket(family, socket.SOCK_STREAM)
        try:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            udp.bind((bind, port))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((bind, udp.getsockname()[1]))
        except OSError:
            udp.close()
            tcp.close()
            if port or attempt == 19:
                raise
            continue
        udp.setblocking(False)
        tcp.setblocking(False)
        return udp, tcp
    raise AssertionError("the loop returns or raises")
