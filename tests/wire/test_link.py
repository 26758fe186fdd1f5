"""The link between real sockets: order, repetition, fencing, slow and silent ends, restarts on the same address."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cti_engine.wire import link
from cti_engine.wire.link import Frame, Hello, LinkClient, LinkServer, Peer, Welcome
from cti_engine.wire.tasks import spawn
from tests.phones.ports import free_port
from tests.phones.waiting import until


class Listener:
    """A server that keeps what it hears; it holds a frame for good when `acknowledge` is True."""

    def __init__(self, address: str, epoch: int = 1, *, acknowledge: bool = True) -> None:
        self.address = address
        self.heard: list[Frame] = []
        self.hellos: list[Hello] = []
        self.gone: list[Peer] = []
        self.done: list[int] = []
        self.held: dict[str, int] = {}
        self.acknowledge = acknowledge
        self.server = LinkServer(
            epoch,
            on_connected=lambda peer, hello: self.hellos.append(hello),
            on_frame=self._on_frame,
            on_gone=self.gone.append,
            on_acknowledged=lambda peer, seq: self.done.append(seq),
            received=lambda hello: self.held.get(hello.session, 0),
        )

    def _on_frame(self, peer: Peer, frame: Frame) -> None:
        self.heard.append(frame)
        if self.acknowledge:
            self.held[peer.session] = frame.seq
            peer.acknowledge(frame.seq)

    @property
    def numbers(self) -> list[Any]:
        return [frame.body["n"] for frame in self.heard]

    @property
    def peer(self) -> Peer:
        return self.server.peers["w1"]

    async def start(self) -> Listener:
        await self.server.start(self.address)
        return self


class Ends:
    """Makes listeners and clients, and ends them with the test."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._clients: list[tuple[LinkClient, asyncio.Task[None]]] = []
        self._listeners: list[Listener] = []
        self.done: list[tuple[str, dict[str, Any]]] = []

    async def listener(self, epoch: int = 1, **more: Any) -> Listener:
        made = await Listener(self.address, epoch, **more).start()
        self._listeners.append(made)
        return made

    def client(
        self, on_frame: Callable[[str, dict[str, Any]], None] | None = None, name: str = "w1", **more: Any
    ) -> LinkClient:
        made = LinkClient(
            self.address,
            name,
            "worker",
            hello_body=lambda: {"legs": ["l1"]},
            on_frame=on_frame or (lambda type_, body: self.done.append((type_, body))),
            **more,
        )
        self._clients.append((made, spawn(made.run(), name)))
        return made

    async def close(self) -> None:
        for client, task in self._clients:
            client.close()
            await asyncio.wait_for(task, 5)
        for listener in self._listeners:
            await listener.server.close()


@pytest.fixture(params=["unix", "tcp"])
async def ends(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ends]:
    made = Ends(str(tmp_path / "link.sock") if request.param == "unix" else f"127.0.0.1:{free_port()}")
    yield made
    await made.close()


async def test_frames_arrive_once_in_order_and_are_forgotten_when_held(ends: Ends) -> None:
    """What a peer sends is heard in order, once, and no longer kept when it is acknowledged."""
    server = await ends.listener()
    client = ends.client()
    for n in range(500):
        client.send("Signal", {"n": n})
    await until(lambda: client.unacknowledged == 0, "all is acknowledged")
    assert server.numbers == list(range(500))
    assert server.hellos[0].peer == "w1"
    assert server.hellos[0].body == {"legs": ["l1"]}


async def test_nothing_is_lost_while_the_server_is_away(ends: Ends) -> None:
    """Frames sent before the first server, and between two servers on the same address, arrive in order."""
    client = ends.client()
    for n in range(300):
        client.send("Signal", {"n": n})
    first = await ends.listener()
    await until(lambda: len(first.heard) == 300, "the first server hears all")
    await first.server.close()
    await until(lambda: not client.connected, "the loss is noticed")
    assert client.away_since is not None
    for n in range(300, 600):
        client.send("Signal", {"n": n})
    second = Listener(ends.address, epoch=2)
    second.held = first.held
    await second.start()
    ends._listeners.append(second)
    await until(lambda: client.unacknowledged == 0, "the second has the rest")
    assert first.numbers + second.numbers == list(range(600))
    assert client.away_since is None


async def test_what_was_heard_but_not_held_comes_again(ends: Ends) -> None:
    """A frame that the server did not hold for good when it died is sent again; one that it held is not."""
    first = await ends.listener(acknowledge=False)
    client = ends.client()
    for n in range(10):
        client.send("Signal", {"n": n})
    await until(lambda: len(first.heard) == 10, "all are heard")
    first.peer.acknowledge(4)
    await until(lambda: client.unacknowledged == 6, "four are held")
    await first.server.close()
    second = Listener(ends.address, epoch=2)
    second.held[first.hellos[0].session] = 5  # it had held one more than it could tell
    await second.start()
    ends._listeners.append(second)
    await until(lambda: client.unacknowledged == 0, "the rest is held")
    assert second.numbers == [5, 6, 7, 8, 9]


async def test_sending_while_a_backlog_goes_out_keeps_the_order(ends: Ends) -> None:
    """New frames queue behind the old ones, also when the server reads slowly."""
    client = ends.client()
    for n in range(2000):
        client.send("Signal", {"n": n, "pad": "x" * 2000})
    server = await ends.listener()
    n = 2000
    while client.unacknowledged or n < 2300:
        if n < 2300:
            client.send("Signal", {"n": n, "pad": ""})
            n += 1
        await asyncio.sleep(0)
    assert server.numbers == list(range(2300))


async def test_commands_are_done_once_and_acknowledged(ends: Ends) -> None:
    """A peer does each numbered frame once, however often it is sent, and the server learns what is done."""
    server = await ends.listener()
    client = ends.client()
    await until(lambda: client.connected and server.server.peers, "connected")
    for seq in (1, 2, 2, 1, 5):
        server.peer.send(seq, "Command", {"seq": seq})
    await until(lambda: server.done[-1:] == [5], "all are done")
    assert [body["seq"] for _, body in ends.done] == [1, 2, 5]
    await server.server.close()
    again = await ends.listener(epoch=2)
    await until(lambda: again.hellos, "the peer is back")
    assert again.hellos[0].received == 5
    again.peer.send(5, "Command", {"seq": 5})
    again.peer.send(6, "Command", {"seq": 6})
    await until(lambda: again.done[-1:] == [6], "the new one is done")
    assert [body["seq"] for _, body in ends.done] == [1, 2, 5, 6]


async def test_an_older_engine_is_refused(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    """A peer that has met epoch 7 does nothing for epoch 6, at the welcome and for single frames."""
    new = await ends.listener(epoch=7)
    client = ends.client()
    await until(lambda: client.connected and new.server.peers, "connected")
    new.peer._put(Frame(seq=1, type="Command", epoch=6))
    new.peer._put(Frame(seq=2, type="Command", epoch=7))
    await until(lambda: new.done == [2], "only the second is done")
    assert len(ends.done) == 1
    await new.server.close()
    old = await ends.listener(epoch=6)
    await until(lambda: "server epoch 6 is older than 7" in caplog.text, "the old one is refused")
    assert not client.connected
    await old.server.close()
    await ends.listener(epoch=8)
    await until(lambda: client.connected, "a newer one is taken")


async def test_a_server_that_does_not_read_fills_no_memory(ends: Ends) -> None:
    """Towards a server that hangs, the peer keeps its frames once and writes no more than a small buffer."""
    client = ends.client()
    hanging = _Hanging(ends.address)
    await until(lambda: client.connected, "connected")
    for n in range(500):
        client.send("Signal", {"n": n, "pad": "x" * 100_000})
    assert client._writer is not None
    assert client._writer.transport.get_write_buffer_size() < 2 * link.FULL
    hanging.close()
    server = await ends.listener()
    await until(lambda: client.unacknowledged == 0, "all arrives at the next server", within=20)
    assert server.numbers == list(range(500))


class _Hanging:
    """A server that says welcome and then never reads: as one stopped in a debugger."""

    def __init__(self, address: str) -> None:
        unix = "/" in address
        self._socket = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(address if unix else ("127.0.0.1", int(address.rpartition(":")[2])))
        self._socket.listen()
        self._connections: list[socket.socket] = []
        self._task = spawn(asyncio.to_thread(self._welcome), "hanging")

    def _welcome(self) -> None:
        connection, _ = self._socket.accept()
        self._connections.append(connection)
        packed = msgspec.msgpack.encode(Welcome(1, 0))
        connection.sendall(len(packed).to_bytes(4, "big") + packed)

    def close(self) -> None:
        for one in (self._socket, *self._connections):
            one.close()


async def _raw(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if "/" in address:
        return await asyncio.open_unix_connection(address)
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


def _hello(writer: asyncio.StreamWriter, name: str, **more: Any) -> None:
    link._write(writer, Hello(name, "worker", "session-" + name, **more))


async def test_a_peer_that_does_not_read_is_hung_up_on(
    ends: Ends, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Commands for a peer that stopped reading do not pile up: the connection ends, which the owner is told."""
    monkeypatch.setattr(link, "STUCK", 1 << 20)
    server = await ends.listener()
    reader, writer = await _raw(ends.address)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    _hello(writer, "w1")
    await until(lambda: server.server.peers, "connected")
    peer = server.peer
    for seq in range(1, 200):
        peer.send(seq, "Command", {"pad": "x" * 100_000})
    await until(lambda: server.gone == [peer], "the owner is told")
    assert "does not read" in caplog.text
    writer.close()
    assert reader is not None


async def test_a_connection_that_says_nothing_is_given_up(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server drops a connection without hello; a peer leaves a server without welcome and finds the next."""
    monkeypatch.setattr(link, "GREETING", 0.05)
    server = await ends.listener()
    reader, writer = await _raw(ends.address)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    await server.server.close()
    if "/" in ends.address:
        Path(ends.address).unlink()
    unix = "/" in ends.address
    silent = socket.create_server(
        ends.address if unix else ("127.0.0.1", int(ends.address.rpartition(":")[2])),
        family=socket.AF_UNIX if unix else socket.AF_INET,
    )
    client = ends.client()
    await until(lambda: client._connection is not None, "connecting")
    silent.close()
    await ends.listener(epoch=2)
    await until(lambda: client.connected, "the next server is found")


@pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\0",
        b"\0\0\0\x04\xc1\xc1\xc1\xc1",
        b"\0\0\0\x01\x05",
        b"\xff\xff\xff\xff",
    ],
)
async def test_nonsense_ends_one_connection_only(ends: Ends, noise: bytes) -> None:
    """Bytes that are no frame are counted and end their connection; others are served on."""
    server = await ends.listener()
    client = ends.client()
    await until(lambda: client.connected, "connected")
    reader, writer = await _raw(ends.address)
    writer.write(noise)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    assert server.server.malformed == 1
    client.send("Signal", {"n": 1})
    await until(lambda: server.numbers == [1], "the other is heard")


async def test_another_protocol_is_told_why(ends: Ends) -> None:
    """A peer of another protocol version gets a welcome with the reason, and nothing else."""
    await ends.listener()
    reader, writer = await _raw(ends.address)
    _hello(writer, "w1", protocol=99)
    welcome = msgspec.msgpack.decode(await link._read(reader), type=Welcome)
    assert "protocol 99" in welcome.error
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_failing_command_costs_itself_only(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    """A handler that raises is logged and counted; the frame counts as done and later ones are done too."""
    done: list[int] = []

    def on_frame(type_: str, body: dict[str, Any]) -> None:
        if body["seq"] == 2:
            raise KeyError("leg")
        done.append(body["seq"])

    server = await ends.listener()
    client = ends.client(on_frame)
    await until(lambda: client.connected and server.server.peers, "connected")
    for seq in (1, 2, 3):
        server.peer.send(seq, "Command", {"seq": seq})
    await until(lambda: server.done[-1:] == [3], "all count as done")
    assert done == [1, 3]
    assert client.failed == 1


async def test_a_failing_callback_does_not_end_the_link(ends: Ends) -> None:
    """An owner's callback that raises at a connect costs that connect; the link tries again."""
    calls: list[bool] = []

    def on_connected(up: bool) -> None:
        calls.append(up)
        if len(calls) == 1:
            raise RuntimeError("not yet")

    await ends.listener()
    client = ends.client(on_connected=on_connected)
    await until(lambda: client.connected, "connected at the second try")
    assert calls == [True, False, True]


async def test_a_peer_that_connects_anew_replaces_its_old_connection(ends: Ends) -> None:
    """A half-open connection's frames are dropped once the peer is back, and its end is not told as a loss."""
    server = await ends.listener(acknowledge=False)
    _, old = await _raw(ends.address)
    _hello(old, "w1")
    await until(lambda: server.server.peers, "the old one is connected")
    first = server.peer
    _, new = await _raw(ends.address)
    _hello(new, "w1")
    await until(lambda: server.peer is not first, "the new one replaces it")
    if not old.is_closing():
        link._write(old, Frame(seq=1, type="Signal", body={"n": "old"}))
    link._write(new, Frame(seq=1, type="Signal", body={"n": "new"}))
    await until(lambda: server.heard, "the new one is heard")
    assert server.numbers == ["new"]
    assert server.gone == []
    second = server.peer
    new.close()
    await until(lambda: server.gone == [second], "now it is gone")
    old.close()


async def test_a_body_that_no_frame_holds_is_refused_at_once(ends: Ends) -> None:
    """A body over the limit is an error of the caller and does not block what follows."""
    server = await ends.listener()
    client = ends.client()
    with pytest.raises(ValueError, match="over"):
        client.send("Signal", {"pad": "x" * link.MAX_FRAME})
    client.send("Signal", {"n": 1, "pad": "x" * (link.MAX_BODY - 100)})
    await until(lambda: server.numbers == [1], "the largest passes")


async def test_what_waits_is_bounded(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no server for too long, `send` says so instead of eating the memory."""
    monkeypatch.setattr(link, "MAX_WAITING", 3)
    client = ends.client()
    for n in range(3):
        client.send("Signal", {"n": n})
    with pytest.raises(OverflowError, match="3 frames wait"):
        client.send("Signal", {"n": 3})


async def test_a_body_is_taken_as_it_is_now(ends: Ends) -> None:
    """What the caller does to the body after `send` changes nothing."""
    client = ends.client()
    body = {"n": 1}
    client.send("Signal", body)
    body["n"] = 2
    server = await ends.listener()
    await until(lambda: server.heard, "heard")
    assert server.numbers == [1]


async def test_frames_say_how_old_they_are(ends: Ends) -> None:
    """`age` is the time since it happened, also after waiting for a server; no clocks are compared."""
    client = ends.client()
    client.send("Signal", {"n": 1}, happened=time.monotonic() - 5.0)
    server = await ends.listener()
    await until(lambda: server.heard, "heard")
    assert 5.0 <= server.heard[0].age < 8.0


async def test_flush_waits_for_the_server(ends: Ends) -> None:
    """`flush` is True when all is held for good, False when the time ran out."""
    client = ends.client()
    assert await client.flush(0.01)
    client.send("Signal", {"n": 1})
    assert not await client.flush(0.01)
    await ends.listener()
    assert await client.flush(5.0)


async def test_a_restarted_server_is_found_quickly(ends: Ends) -> None:
    """However long the outage before, a server that restarts is found again within a tenth of a second or two."""
    client = ends.client()
    await until(lambda: client._pause >= link.LONGEST_PAUSE, "the pauses have grown")
    first = await ends.listener()
    await until(lambda: client.connected, "connected")
    await first.server.close()
    await until(lambda: not client.connected, "lost")
    assert client._pause <= 2 * link.FIRST_PAUSE
    await ends.listener(epoch=2)
    start = time.monotonic()
    await until(lambda: client.connected, "connected again")
    assert time.monotonic() - start < 0.5


@pytest.mark.parametrize("address", ["10.0.0.1:7000", "0.0.0.0:7000", "[::]:7000"])
async def test_a_link_is_never_open_to_the_network(address: str) -> None:
    """TCP addresses beyond this machine are refused by both ends: the link has no encryption of its own."""
    with pytest.raises(ValueError):
        await Listener(address).start()
    with pytest.raises(ValueError):
        LinkClient(address, "w1", "worker", hello_body=dict, on_frame=lambda *_: None)
