"""The edge as a child process with its files, and stand-ins for what it is linked to: engine and workers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pickle
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

from cti_engine.core import signals
from cti_engine.sip_edge.config import EdgeConfig, Guests, Limits, Trunk
from cti_engine.wire.link import Frame, Hello, LinkClient, LinkServer, Peer
from cti_engine.wire.tasks import spawn
from cti_engine.wire.vocabulary import to_plain
from tests.phones.child import Child
from tests.phones.waiting import until
from tests.sip_edge.agent import Agent

SECRET = b"a secret of the tests, 32 bytes.."
REALM = "cti.test"
TRUNK_HOST = "127.0.0.2"
GUEST_HOST = "127.0.0.3"
STRANGER_HOST = "127.0.0.9"
_SERVE = (
    "import pickle, sys; from cti_engine.sip_edge.main import serve; "
    "serve(pickle.loads(open(sys.argv[1], 'rb').read()))"
)
_ROOT = Path(__file__).parents[2]


def write_accounts(path: Path, passwords: dict[str, str], algorithm: str = "md5") -> None:
    """accounts.db as the engine writes it (adapters/account_store), with these accounts added."""
    hashed = {"md5": md5, "sha-256": sha256}[algorithm]
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute(
            "CREATE TABLE IF NOT EXISTS accounts(user TEXT PRIMARY KEY, role TEXT, display TEXT, algorithm TEXT, "
            "ha1 TEXT, password_hash TEXT, permissions TEXT, disabled INTEGER)"
        )
        for user, password in passwords.items():
            ha1 = hashed(f"{user}:{REALM}:{password}".encode()).hexdigest()
            row = (user, "agent", user, algorithm, ha1, "", "", 0)
            db.execute("INSERT OR REPLACE INTO accounts VALUES(?,?,?,?,?,?,?,?)", row)


@dataclass
class Engine:
    """The engine's end of the link: keeps what the edge tells, sends what a test asks."""

    address: str
    told: list[object] = field(default_factory=list)
    hellos: list[Hello] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._next = 0
        self._peer: Peer | None = None
        self._server = LinkServer(
            1, on_connected=self._connected, on_frame=self._frame, on_gone=lambda peer: None
        )

    async def start(self) -> None:
        await self._server.start(self.address)

    def _connected(self, peer: Peer, hello: Hello) -> None:
        self._peer = peer
        self.hellos.append(hello)

    def _frame(self, peer: Peer, frame: Frame) -> None:
        self.told.append(getattr(signals, frame.type)(**frame.body))
        peer.acknowledge(frame.seq)

    def command(self, command: object) -> None:
        assert self._peer is not None
        self._next += 1
        self._peer.send(self._next, *to_plain(command))

    async def close(self) -> None:
        await self._server.close()


class Worker(Agent):
    """A stand-in worker: a SIP endpoint on loopback that reports its slot to the edge."""

    def __init__(self, name: str = "worker") -> None:
        super().__init__(name)
        self.link: LinkClient | None = None

    def report(self, free: bool, *agents: str) -> None:
        """`agents`: who is in a call here."""
        assert self.link is not None
        self.link.send("Slots", {**self._slots(free), "agents": agents})

    def _slots(self, free: bool) -> dict[str, Any]:
        return {"free": free, "sip": f"{self.host}:{self.port}"}

    async def connect(self, address: str) -> Worker:
        self.link = LinkClient(
            address,
            self.name,
            "worker",
            hello_body=lambda: self._slots(True),
            on_frame=lambda type_, body: None,
        )
        spawn(self.link.run(), self.name)
        link = self.link
        await until(lambda: link.connected, f"{self.name} connected to the edge")
        return self

    async def close(self) -> None:
        if self.link is not None:
            self.link.close()
        await super().close()


@dataclass
class RunningEdge:
    """One edge and everything around it; all agents made here are closed with it."""

    config: EdgeConfig
    engine: Engine
    folder: Path
    port: int = 0
    child: Child | None = None
    agents: list[Agent] = field(default_factory=list)

    async def start(self) -> None:
        pickled = self.folder / "config.pickle"
        pickled.write_bytes(pickle.dumps(self.config))
        self.child = Child(
            [sys.executable, "-c", _SERVE, str(pickled)],
            self.folder,
            name="edge",
            env={"PYTHONPATH": str(_ROOT)},
        )
        await self.child.start()
        ready = self.config.ready_file

        def is_ready() -> bool:
            assert self.child is not None
            assert self.child.exit_code is None, self.child.log()
            return ready.exists() and json.loads(ready.read_text())["pid"] == self.child.pid

        await until(is_ready, "the edge is ready", within=10)
        self.port = json.loads(ready.read_text())["sip_port"]
        self.config = replace(self.config, sip_port=self.port)

    async def agent(
        self, name: str, *, host: str = "127.0.0.1", transport: str = "udp", port: int = 0
    ) -> Agent:
        """A SIP endpoint of which each byte is written by the test."""
        agent = Agent(name, host=host, transport=transport, edge_port=self.port, port=port)
        self.agents.append(agent)
        await agent.open()
        return agent

    async def worker(self, name: str = "worker") -> Worker:
        worker = Worker(name)
        worker.edge_port = self.port
        self.agents.append(worker)
        await worker.open()
        return await worker.connect(self.config.placement_address)

    def log(self) -> str:
        assert self.child is not None
        return self.child.log()

    async def stop(self) -> int:
        assert self.child is not None
        return await self.child.stop()


DEFAULT_TRUNKS = (Trunk("carrier", networks=(TRUNK_HOST,)),)


@contextlib.asynccontextmanager
async def running_edge(tmp_path: Path, **settings: Any) -> AsyncIterator[RunningEdge]:
    """An edge with a trunk at TRUNK_HOST, guests at GUEST_HOST and the accounts maria, john, ana."""
    with tempfile.TemporaryDirectory(prefix="edge") as sockets:  # tmp_path is too long for a Unix socket
        accounts = tmp_path / "accounts.db"
        write_accounts(accounts, {"maria": "secret-m", "john": "secret-j", "ana": "secret-a"})
        config = EdgeConfig(
            bind="127.0.0.1", advertise="127.0.0.1", sip_port=0, realm=REALM, secret=SECRET,
            edge_db=tmp_path / "edge.db", accounts_db=accounts, engine_address=f"{sockets}/engine",
            placement_address=f"{sockets}/placement", ready_file=tmp_path / "edge.json",
            trunks=DEFAULT_TRUNKS, guests=Guests(enabled=True, networks=(GUEST_HOST,), rate=2.0),
            limits=Limits(min_expires=1),
        )  # fmt: skip
        config = replace(config, **settings)
        engine = Engine(config.engine_address)
        await engine.start()
        edge = RunningEdge(config, engine, tmp_path)
        await edge.start()
        try:
            yield edge
        finally:
            for agent in edge.agents:
                await agent.close()
            await edge.stop()
            await engine.close()
            assert "Traceback" not in edge.log(), edge.log()


async def silence(seconds: float) -> None:
    """Let time pass in which nothing may happen; the one thing that cannot be waited for."""
    await asyncio.sleep(seconds)
