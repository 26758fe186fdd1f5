"""What a worker lives among, for tests: an engine and an edge that only listen and order, and phones."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import multiprocessing.process
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from cti_engine.core.commands import AnswerLeg, DialLeg, SetAudioPaths
from cti_engine.core.signals import InviteReceived, LegAnswered, Signal
from cti_engine.sip_worker.config import WorkerConfig
from cti_engine.sip_worker.main import serve
from cti_engine.wire import vocabulary
from cti_engine.wire.link import Frame, Hello, LinkServer, Peer
from cti_engine.wire.tokens import SIGNATURE_HEADER, SOURCE_HEADER, edge_signature
from tests.sip_worker import robot, tones

SECRET = b"only for tests"
NAME = "w1@host/main"
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["cti_engine.sip_worker.main", "tests.sip_worker.robot"])

_S = TypeVar("_S")
_rtp_ports = itertools.count(31_000 + 400 * (uuid.getnode() + id(object()) // 64) % 20_000, 40)


class Changes:
    """Wakes whoever waits for a condition, each time something happened."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def happened(self) -> None:
        self._event.set()

    async def until(self, what: Callable[[], _S | None], told: Callable[[], object], timeout: float) -> _S:
        """What `what()` gives as soon as it is neither None nor False; `told()` goes into the failure."""
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            found = what()
            if found is not None and found is not False:
                return found
            self._event.clear()
            left = deadline - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._event.wait(), max(left, 0.001))
            except TimeoutError:
                raise AssertionError(f"not within {timeout} s; so far: {told()}") from None


class FakeEngine:
    """Holds every signal, sends the commands a test wants; `answer_at_once` is an engine that only answers."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.signals: list[Signal] = []
        self.hellos: list[Hello] = []
        self.changes = Changes()
        self.on_signal: Callable[[Signal], None] = lambda signal: None
        self._held: dict[str, int] = {}
        self._seq = itertools.count(1)
        self._epoch = 0
        self._server: LinkServer | None = None

    async def start(self) -> None:
        self._epoch += 1
        self._server = LinkServer(
            self._epoch,
            on_connected=self._connected,
            on_frame=self._frame,
            on_gone=lambda peer: self.changes.happened(),
            received=lambda hello: self._held.get(hello.session, 0),
        )
        await self._server.start(self.address)

    async def stop(self) -> None:
        """Go away as a killed engine does: no good-bye, nothing listens."""
        assert self._server is not None
        await self._server.close()
        Path(self.address).unlink(missing_ok=True)
        self._server = None

    def _connected(self, peer: Peer, hello: Hello) -> None:
        self.hellos.append(hello)
        self.changes.happened()

    def _frame(self, peer: Peer, frame: Frame) -> None:
        self._held[peer.session] = frame.seq
        signal = vocabulary.signal_from(frame.type, frame.body)
        self.signals.append(signal)
        peer.acknowledge(frame.seq)
        self.on_signal(signal)
        self.changes.happened()

    def order(self, command: object) -> None:
        assert self._server is not None
        self.send(*vocabulary.to_plain(command))

    def send(self, type_: str, body: dict[str, Any]) -> None:
        assert self._server is not None
        self._server.peers[NAME].send(next(self._seq), type_, body)

    async def connected(self) -> None:
        await self.changes.until(
            lambda: self._server is not None and NAME in self._server.peers, lambda: self.hellos, 10
        )

    async def gets(self, kind: type[_S], timeout: float = 8.0, **fields: object) -> _S:
        """The first signal of this kind with these field values, now or within `timeout` seconds."""

        def found() -> _S | None:
            for signal in self.signals:
                if isinstance(signal, kind) and all(getattr(signal, k) == v for k, v in fields.items()):
                    return signal
            return None

        return await self.changes.until(found, lambda: self.signals, timeout)


class FakeEdge:
    """The edge's placement end: which slots are free."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.slots: list[dict[str, Any]] = []
        self.changes = Changes()
        self._server = LinkServer(
            1, on_connected=self._hello, on_frame=self._frame, on_gone=lambda peer: None
        )

    async def start(self) -> None:
        await self._server.start(self.address)

    async def stop(self) -> None:
        await self._server.close()

    def _hello(self, peer: Peer, hello: Hello) -> None:
        self.slots.append(hello.body)
        self.changes.happened()

    def _frame(self, peer: Peer, frame: Frame) -> None:
        self.slots.append(frame.body)
        peer.acknowledge(frame.seq)
        self.changes.happened()

    async def sees(self, free: bool, timeout: float = 8.0) -> str:
        """Wait until the last word on the worker is `free`; its SIP address."""

        def last() -> str | None:
            return str(self.slots[-1]["sip"]) if self.slots and self.slots[-1]["free"] is free else None

        return await self.changes.until(last, lambda: self.slots, timeout)

    async def agents(self, *names: str) -> None:
        """Wait until the worker has said that these are in a call there."""
        await self.changes.until(
            lambda: tuple(self.slots[-1].get("agents", ())) == names, lambda: self.slots, 8.0
        )


class Child:
    """A child process with a pipe whose messages wake the test."""

    def __init__(self, target: Callable[..., None], make_args: Callable[[Any], tuple[Any, ...]]) -> None:
        self.pipe, theirs = PROCESSES.Pipe()
        self.process: multiprocessing.process.BaseProcess = PROCESSES.Process(
            target=target, args=make_args(theirs), daemon=True
        )
        self.events: list[Any] = []
        self.changes = Changes()
        self.process.start()
        theirs.close()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.pipe.fileno(), self._readable)
        self._loop.add_reader(self.process.sentinel, self._ended)

    def _readable(self) -> None:
        try:
            self.events.append(self.pipe.recv())
        except (EOFError, OSError):
            self._loop.remove_reader(self.pipe.fileno())
        self.changes.happened()

    def _ended(self) -> None:
        self._loop.remove_reader(self.process.sentinel)
        self.changes.happened()

    async def exits(self, timeout: float = 8.0) -> int:
        def code() -> int | None:
            return self.process.exitcode

        return await self.changes.until(code, lambda: self.events, timeout)

    def kill(self) -> None:
        self._loop.remove_reader(self.pipe.fileno())
        self._loop.remove_reader(self.process.sentinel)
        self.pipe.close()
        self.process.kill()
        self.process.join(5)


class Phone(Child):
    """A robot that plays a tone of `hz`, or the file `says`, over and over and records what it hears."""

    def __init__(
        self, folder: Path, hz: float, answers: tuple[int, ...] = (180, 200), says: str = "", loses: int = 0
    ) -> None:
        name = uuid.uuid4().hex[:8]
        self.heard_path = folder / f"{name}.heard.wav"
        play = says or tones.write(folder / f"{name}.wav", hz, 2.0)
        super().__init__(robot.serve, lambda pipe: (pipe, play, str(self.heard_path), answers, loses))

    async def address(self) -> str:
        return str((await self.tells("ready"))[1])

    async def tells(self, *event: object, timeout: float = 8.0) -> tuple[Any, ...]:
        """The first event that begins with these values."""

        def found() -> tuple[Any, ...] | None:
            return next((one for one in self.events if one[: len(event)] == event), None)

        return await self.changes.until(found, lambda: self.events, timeout)

    async def gets(self, begins: str, has: str) -> None:
        """Wait for a SIP message of the call that begins so and has this in it."""
        await self.changes.until(
            lambda: any(
                one[0] == "message" and one[1].startswith(begins) and has in one[1] for one in self.events
            ),
            lambda: self.events,
            8.0,
        )

    def do(self, *order: object) -> None:
        self.pipe.send(order)

    def call(
        self, worker: str, dnis: str = "2000", source: str = "guest", signed: bool = True, **headers: str
    ) -> str:
        """INVITE straight to the worker as the edge would place it; the Call-ID."""
        call_id = uuid.uuid4().hex
        signature = edge_signature(SECRET, call_id, source) if signed else "forged"
        placed = {
            "X-Test-Call-ID": call_id, SOURCE_HEADER: source, SIGNATURE_HEADER: signature,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }  # fmt: skip
        self.do("call", f"sip:{dnis}@{worker}", placed)
        return call_id

    async def recording(self) -> tones.Samples:
        """Put the phone away and give what it heard."""
        self.do("stop")
        await self.exits()
        return tones.read(self.heard_path)[0]


async def port_of(phone: Phone) -> int:
    return int((await phone.address()).rpartition(":")[2])


class World:
    """One worker with its engine and edge; phones as a test needs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = FakeEngine(str(folder / "engine.sock"))
        self.edge = FakeEdge(str(folder / "edge.sock"))
        self.phones: list[Phone] = []
        self.workers: list[Child] = []
        self.worker: Child
        self.sip = ""

    def config(self, **changes: Any) -> WorkerConfig:
        config = WorkerConfig(
            name=NAME,
            engine_address=self.engine.address,
            placement_address=self.edge.address,
            edge_host="127.0.0.1",
            edge_port=9,
            realm="cti.test",
            secret=SECRET,
            recordings=str(self.folder / "recordings"),
            rtp_port=next(_rtp_ports),
        )
        return replace(config, **changes)

    async def start(self, **changes: Any) -> None:
        """Engine, edge and worker, ready; `edge_port` is the phone's that stands behind the edge."""
        await self.edge.start()
        await self.engine.start()
        await self.start_worker(**changes)

    async def start_worker(self, **changes: Any) -> None:
        config = self.config(**changes)
        self.worker = Child(serve, lambda pipe: (config, pipe))
        self.workers.append(self.worker)
        self.sip = await self.edge.sees(free=True)
        await self.engine.connected()

    async def phone(
        self, hz: float = 440, answers: tuple[int, ...] = (180, 200), says: str = "", loses: int = 0
    ) -> Phone:
        phone = Phone(self.folder, hz, answers, says, loses)
        self.phones.append(phone)
        await phone.address()
        return phone

    async def call_in(self, phone: Phone) -> str:
        """A call from `phone` that the engine has answered; the leg's name."""
        call_id = phone.call(self.sip)
        leg = (await self.engine.gets(InviteReceived, call_id=call_id)).leg
        self.engine.order(AnswerLeg(NAME, leg))
        await self.engine.gets(LegAnswered, leg=leg)
        return leg

    def dial(
        self, target: str, number: str, name: str = "", leg: str = "a1", transfers: bool = False
    ) -> None:
        self.engine.order(DialLeg(NAME, leg, "c1", target, number, name, transfers=transfers))

    async def dialled(self, leg: str = "a1", *, transfers: bool = False) -> None:
        """The phone behind the edge, dialled and answered; with `transfers` an agent's."""
        self.dial("maria", "+13105550123", leg=leg, transfers=transfers)
        await self.engine.gets(LegAnswered, leg=leg)

    def bridge(self, *legs: str) -> None:
        """Each of these hears each other; nobody else hears anybody."""
        self.engine.order(SetAudioPaths(NAME, tuple(itertools.permutations(legs, 2))))

    async def stop(self) -> None:
        for child in [*self.phones, *self.workers]:
            if not child.pipe.closed:
                child.kill()
        if self.engine._server is not None:
            await self.engine.stop()
        await self.edge.stop()
