"""The message link between engine (or edge) and its peers: framed msgpack, numbered, at least once.

A frame is a 4-byte big-endian length and a msgpack map. A peer (client) connects to a fixed address
(Unix socket path, or `host:port`) for as long as it lives and says `hello`; what it sends is kept until the
server acknowledges it, so nothing is lost while the server is away. What the server sends carries a number
that only grows, also over restarts, and the server's epoch; a peer ignores numbers that it has done already
and refuses lower epochs (fencing). Times travel as `age` in seconds, so no two clocks are ever compared.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable
from ipaddress import ip_address
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from cti_engine.wire.tasks import spawn

PROTOCOL = 1
MAX_FRAME = 1 << 20
MAX_BODY = MAX_FRAME - 4096
MAX_WAITING = 100_000
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5  # seconds between attempts to connect
GREETING = 10.0  # seconds until a connection that says nothing is given up
FULL = 1 << 18  # bytes in a peer's write buffer from which on we wait for it to read
STUCK = 1 << 23  # bytes that a server keeps for a peer that does not read, before it hangs up

_log = logging.getLogger("cti.link")
_encode = msgspec.msgpack.Encoder().encode


class Hello(msgspec.Struct):
    """First frame of a peer. `session` is new per process; `received` the last number it has done."""

    peer: str
    kind: str
    session: str
    received: int = 0
    protocol: int = PROTOCOL
    body: dict[str, Any] = {}


class Welcome(msgspec.Struct):
    """The server's answer: `received` is the last number of this session that it holds for good."""

    epoch: int
    received: int
    protocol: int = PROTOCOL
    error: str = ""


class Frame(msgspec.Struct, omit_defaults=True):
    """`seq` 0 is a bare acknowledgement. `type` names a dataclass, `body` holds its fields."""

    seq: int = 0
    ack: int = 0
    type: str = ""
    body: dict[str, Any] = {}
    age: float = 0.0
    epoch: int = 0


class _Kept(NamedTuple):
    """A frame until it is acknowledged; its body is packed once, when it happened."""

    seq: int
    type: str
    body: msgspec.Raw
    happened: float


class _Sent(msgspec.Struct):
    """A Frame with a body that is packed already."""

    seq: int
    ack: int
    type: str
    body: msgspec.Raw
    age: float


_frames = msgspec.msgpack.Decoder(Frame)
_hellos = msgspec.msgpack.Decoder(Hello)
_welcomes = msgspec.msgpack.Decoder(Welcome)


async def _read(reader: asyncio.StreamReader) -> bytes:
    size = int.from_bytes(await reader.readexactly(4), "big")
    if size > MAX_FRAME:
        raise ValueError(f"frame of {size} bytes is over {MAX_FRAME}")
    return await reader.readexactly(size)


def _write(writer: asyncio.StreamWriter, struct: msgspec.Struct) -> None:
    payload = _encode(struct)
    writer.write(len(payload).to_bytes(4, "big") + payload)


def _split(address: str) -> tuple[str, int] | None:
    """`host:port` of a TCP address; None when it is the path of a Unix socket.

    A link is not encrypted and asks for no password, so TCP is for this machine only.
    """
    if "/" in address:
        return None
    host, _, port = address.rpartition(":")
    if not ip_address(host).is_loopback:
        raise ValueError(f"a link to {host} would be open to the network: only loopback addresses are taken")
    return host, int(port)


class LinkClient:
    """A peer's end. Reconnects for ever; `send` never waits and never loses while the process lives.

    `on_frame(type, body)` is called in order, once per frame; when it returns the frame counts as done.
    `hello_body()` is asked at every connect (live legs and the like).
    """

    def __init__(
        self,
        address: str,
        peer: str,
        kind: str,
        *,
        hello_body: Callable[[], dict[str, Any]],
        on_frame: Callable[[str, dict[str, Any]], None],
        on_connected: Callable[[bool], None] | None = None,
    ) -> None:
        self._address = address
        self._tcp = _split(address)
        self._peer = peer
        self._kind = kind
        self._hello_body = hello_body
        self._on_frame = on_frame
        self._on_connected = on_connected
        self._session = uuid.uuid4().hex
        self._next = 1
        self._sent = 0  # the last one written to this connection; all below it are written or acknowledged
        self._waiting: deque[_Kept] = deque()  # not acknowledged, consecutive numbers
        self._received = 0
        self._epoch = 0
        self._pause = FIRST_PAUSE
        self._connection: asyncio.StreamWriter | None = None  # from connecting on
        self._writer: asyncio.StreamWriter | None = None  # from the welcome on
        self._closing = False
        self._more = asyncio.Event()
        self._drained = asyncio.Event()
        self.failed = 0  # frames whose handling raised
        self.away_since: float | None = time.monotonic()

    @property
    def connected(self) -> bool:
        return self._writer is not None

    @property
    def unacknowledged(self) -> int:
        return len(self._waiting)

    def send(self, type_: str, body: dict[str, Any], *, happened: float | None = None) -> None:
        """Queue a frame. `happened` is a `time.monotonic()` reading, default now.

        Raises ValueError for a body that no frame holds, OverflowError when too much waits already.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise OverflowError(f"{MAX_WAITING} frames wait for {self._address}")
        packed = _encode(body)
        if len(packed) > MAX_BODY:
            raise ValueError(f"{type_} of {len(packed)} bytes is over {MAX_BODY}")
        moment = time.monotonic() if happened is None else happened
        frame = _Kept(self._next, type_, msgspec.Raw(packed), moment)
        self._next += 1
        self._waiting.append(frame)
        if self._writer is None:
            return
        if self._sent == frame.seq - 1 and self._writer.transport.get_write_buffer_size() < FULL:
            self._transmit(self._writer, frame)
        else:
            self._more.set()

    def _transmit(self, writer: asyncio.StreamWriter, kept: _Kept) -> None:
        age = max(0.0, time.monotonic() - kept.happened)
        _write(writer, _Sent(kept.seq, self._received, kept.type, kept.body, age))
        self._sent = kept.seq

    async def _transmit_rest(self, writer: asyncio.StreamWriter) -> None:
        """Write what could not be written at once, as fast as the server reads, in order."""
        try:
            while True:
                while self._waiting and self._sent < self._waiting[-1].seq:
                    start = max(0, self._sent + 1 - self._waiting[0].seq)
                    for frame in list(islice(self._waiting, start, start + 100)):
                        self._transmit(writer, frame)
                    await writer.drain()
                self._more.clear()
                await self._more.wait()
        except OSError as error:
            _log.debug("link to %s: %s", self._address, error)  # the reading side ends the connection

    async def run(self) -> None:
        """Connect, serve, and connect again, until `close`."""
        while not self._closing:
            try:
                await self._connect_once()
            except (OSError, asyncio.IncompleteReadError) as error:
                _log.debug("link to %s: %s", self._address, error)
            except (ValueError, msgspec.MsgspecError) as error:
                _log.error("link to %s: %s", self._address, error)
            except Exception:  # of a callback: whoever lives by this link needs it all the same
                _log.exception("link to %s", self._address)
            if not self._closing:
                await asyncio.sleep(self._pause)
                self._pause = min(self._pause * 2, LONGEST_PAUSE)

    async def _connect_once(self) -> None:
        if self._tcp is None:
            reader, writer = await asyncio.open_unix_connection(self._address)
        else:
            reader, writer = await asyncio.open_connection(*self._tcp)
        self._connection = writer
        try:
            await self._greet(reader, writer)
            self._pause = FIRST_PAUSE
            rest = spawn(self._transmit_rest(writer), "link sender")
            try:
                self._connected_is(writer)
                while not self._closing:
                    self._take(_frames.decode(await _read(reader)))
            finally:
                rest.cancel()
                self._connected_is(None)
        finally:
            self._connection = None
            writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hello and welcome. A server that does not answer in time counts as away."""
        hello = Hello(self._peer, self._kind, self._session, self._received, body=self._hello_body())
        _write(writer, hello)
        async with asyncio.timeout(GREETING):
            welcome = _welcomes.decode(await _read(reader))
        if welcome.error:
            raise ValueError(welcome.error)
        if welcome.epoch < self._epoch:
            raise ValueError(f"server epoch {welcome.epoch} is older than {self._epoch}")
        self._epoch = welcome.epoch
        self._acknowledged(welcome.received)
        self._sent = self._waiting[0].seq - 1 if self._waiting else self._next - 1

    def _connected_is(self, writer: asyncio.StreamWriter | None) -> None:
        self._writer = writer
        self.away_since = time.monotonic() if writer is None else None
        if self._on_connected is not None and not self._closing:
            self._on_connected(writer is not None)

    def _take(self, frame: Frame) -> None:
        self._acknowledged(frame.ack)
        if frame.seq == 0 or frame.seq <= self._received:
            return
        if frame.epoch < self._epoch:
            _log.warning("refused %s of epoch %d, now %d", frame.type, frame.epoch, self._epoch)
            return
        try:
            self._on_frame(frame.type, frame.body)
        except Exception:  # done all the same: it would fail again, for ever
            self.failed += 1
            _log.exception("%s from %s failed", frame.type, self._address)
        self._received = frame.seq
        if self._writer is not None:
            _write(self._writer, Frame(ack=self._received))

    def _acknowledged(self, seq: int) -> None:
        while self._waiting and self._waiting[0].seq <= seq:
            self._waiting.popleft()
        if not self._waiting:
            self._drained.set()

    async def flush(self, timeout: float = 2.0) -> bool:
        """Wait until everything sent is acknowledged; False when the time ran out."""
        self._drained.clear()
        if self._waiting:
            try:
                await asyncio.wait_for(self._drained.wait(), timeout)
            except TimeoutError:
                return False
        return True

    def close(self) -> None:
        self._closing = True
        if self._connection is not None:
            self._connection.close()


class Peer:
    """The server's end of one connected peer."""

    def __init__(self, hello: Hello, writer: asyncio.StreamWriter, epoch: int) -> None:
        self.name = hello.peer
        self.kind = hello.kind
        self.session = hello.session
        self.done = hello.received
        self._writer = writer
        self._epoch = epoch

    def send(self, seq: int, type_: str, body: dict[str, Any]) -> None:
        """Send frame `seq` (growing per peer); the peer acknowledges it when it has been done.

        A peer that has stopped to read is hung up on: it connects again when it can, and gets the rest then.
        """
        self._put(Frame(seq=seq, type=type_, body=body, epoch=self._epoch))

    def acknowledge(self, seq: int) -> None:
        """Tell the peer that everything up to `seq` is held for good."""
        self._put(Frame(ack=seq, epoch=self._epoch))

    def _put(self, frame: Frame) -> None:
        if self._writer.is_closing():
            return
        _write(self._writer, frame)
        if self._writer.transport.get_write_buffer_size() > STUCK:
            _log.error("%s does not read: hung up", self.name)
            self._writer.transport.abort()

    def close(self) -> None:
        self._writer.close()


class LinkServer:
    """Listens at an address. The owner decides when a frame is held for good and acknowledges it then.

    `received(hello)` gives the last number held of that peer's session (0 for an unknown session).
    `on_connected(peer, hello)` comes before any frame; `on_frame(peer, frame)` once per new frame, in order;
    `on_acknowledged(peer, seq)` when the peer has done our frame; `on_gone(peer)` when the connection ends.
    """

    def __init__(
        self,
        epoch: int,
        *,
        on_connected: Callable[[Peer, Hello], None],
        on_frame: Callable[[Peer, Frame], None],
        on_gone: Callable[[Peer], None],
        on_acknowledged: Callable[[Peer, int], None] | None = None,
        received: Callable[[Hello], int] | None = None,
    ) -> None:
        self._epoch = epoch
        self._on_connected = on_connected
        self._on_frame = on_frame
        self._on_gone = on_gone
        self._on_acknowledged = on_acknowledged
        self._received = received or (lambda hello: 0)
        self._server: asyncio.AbstractServer | None = None
        self.peers: dict[str, Peer] = {}
        self.malformed = 0

    async def start(self, address: str) -> None:
        tcp = _split(address)
        if tcp is None:
            Path(address).unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._accept, address)
            Path(address).chmod(0o600)
        else:
            self._server = await asyncio.start_server(self._accept, *tcp)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        spawn(self._serve(reader, writer), "link")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer: Peer | None = None
        try:
            async with asyncio.timeout(GREETING):
                hello = _hellos.decode(await _read(reader))
            if hello.protocol != PROTOCOL:
                text = f"protocol {hello.protocol} of {hello.peer}; this side speaks {PROTOCOL}"
                _write(writer, Welcome(self._epoch, 0, error=text))
                return
            last = self._received(hello)
            _write(writer, Welcome(self._epoch, last))
            peer = Peer(hello, writer, self._epoch)
            stale = self.peers.pop(peer.name, None)
            if stale is not None:
                stale.close()
            self.peers[peer.name] = peer
            self._on_connected(peer, hello)
            while True:
                frame = _frames.decode(await _read(reader))
                if self.peers.get(peer.name) is not peer:
                    return  # it has connected anew: what this connection still held comes again there
                if frame.ack > peer.done:
                    peer.done = frame.ack
                    if self._on_acknowledged is not None:
                        self._on_acknowledged(peer, frame.ack)
                if frame.seq > last:
                    last = frame.seq
                    self._on_frame(peer, frame)
        except (OSError, asyncio.IncompleteReadError):
            _log.debug("peer gone: %s", peer.name if peer else "unknown")
        except (ValueError, msgspec.MsgspecError) as error:
            self.malformed += 1
            _log.warning("dropped a peer that sent nonsense: %s", error)
        finally:
            writer.close()
            if peer is not None and self.peers.get(peer.name) is peer:
                del self.peers[peer.name]
                self._on_gone(peer)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for peer in list(self.peers.values()):
            peer.close()
