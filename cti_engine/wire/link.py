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
from pathlib import Path
from typing import Any

import msgspec

from cti_engine.wire.tasks import spawn

PROTOCOL = 1
MAX_FRAME = 1 << 20
MAX_WAITING = 100_000

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
    """`host:port` of a TCP address; None when it is the path of a Unix socket."""
    if "/" in address:
        return None
    host, _, port = address.rpartition(":")
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
        self._peer = peer
        self._kind = kind
        self._hello_body = hello_body
        self._on_frame = on_frame
        self._on_connected = on_connected
        self._session = uuid.uuid4().hex
        self._next = 1
        self._waiting: deque[tuple[Frame, float]] = deque()  # not acknowledged; (frame, happened)
        self._received = 0
        self._epoch = 0
        self._writer: asyncio.StreamWriter | None = None
        self._closing = False
        self._drained = asyncio.Event()
        self.away_since: float | None = time.monotonic()

    @property
    def connected(self) -> bool:
        return self._writer is not None

    @property
    def unacknowledged(self) -> int:
        return len(self._waiting)

    def send(self, type_: str, body: dict[str, Any], *, happened: float | None = None) -> None:
        """Queue a frame. `happened` is a `time.monotonic()` reading, default now."""
        if len(self._waiting) >= MAX_WAITING:
            raise OverflowError(f"{MAX_WAITING} frames wait for {self._address}")
        moment = time.monotonic() if happened is None else happened
        frame = Frame(seq=self._next, type=type_, body=body)
        self._next += 1
        self._waiting.append((frame, moment))
        if self._writer is not None:
            self._transmit(self._writer, frame, moment)

    def _transmit(self, writer: asyncio.StreamWriter, frame: Frame, moment: float) -> None:
        frame.age = max(0.0, time.monotonic() - moment)
        frame.ack = self._received
        _write(writer, frame)

    async def run(self) -> None:
        """Connect, serve, and connect again, until `close`."""
        pause = 0.02
        while not self._closing:
            try:
                await self._connect_once()
                pause = 0.02
            except (OSError, asyncio.IncompleteReadError, ValueError, msgspec.MsgspecError) as error:
                if not isinstance(error, (OSError, asyncio.IncompleteReadError)):
                    _log.error("link to %s: %s", self._address, error)
            if not self._closing:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 0.5)

    async def _connect_once(self) -> None:
        tcp = _split(self._address)
        if tcp is None:
            reader, writer = await asyncio.open_unix_connection(self._address)
        else:
            reader, writer = await asyncio.open_connection(*tcp)
        try:
            _write(
                writer,
                Hello(self._peer, self._kind, self._session, self._received, body=self._hello_body()),
            )
            welcome = _welcomes.decode(await _read(reader))
            if welcome.error:
                raise ValueError(welcome.error)
            if welcome.epoch < self._epoch:
                raise ValueError(f"server epoch {welcome.epoch} is older than {self._epoch}")
            self._epoch = welcome.epoch
            self._acknowledged(welcome.received)
            for frame, moment in self._waiting:
                self._transmit(writer, frame, moment)
            self._writer = writer
            self.away_since = None
            if self._on_connected is not None:
                self._on_connected(True)
            while True:
                self._take(_frames.decode(await _read(reader)))
        finally:
            was = self._writer
            self._writer = None
            if was is not None:
                self.away_since = time.monotonic()
                if self._on_connected is not None:
                    self._on_connected(False)
            writer.close()

    def _take(self, frame: Frame) -> None:
        self._acknowledged(frame.ack)
        if frame.seq == 0 or frame.seq <= self._received:
            return
        if frame.epoch < self._epoch:
            _log.warning("refused %s of epoch %d, now %d", frame.type, frame.epoch, self._epoch)
            return
        self._on_frame(frame.type, frame.body)
        self._received = frame.seq
        if self._writer is not None:
            _write(self._writer, Frame(ack=self._received))

    def _acknowledged(self, seq: int) -> None:
        while self._waiting and self._waiting[0][0].seq <= seq:
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
        if self._writer is not None:
            self._writer.close()


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
        """Send frame `seq` (growing per peer); the peer acknowledges it when it has been done."""
        _write(self._writer, Frame(seq=seq, type=type_, body=body, epoch=self._epoch))

    def acknowledge(self, seq: int) -> None:
        """Tell the peer that everything up to `seq` is held for good."""
        _write(self._writer, Frame(ack=seq, epoch=self._epoch))

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
