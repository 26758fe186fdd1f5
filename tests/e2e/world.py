"""A whole center on free ports, as `make run` starts it, with desks and phones: what end-to-end tests dial into."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from cti_engine.adapters.account_store import read_accounts_file
from cti_engine.commands.plan import RTP_PORTS_PER_WORKER
from cti_engine.ports import Store
from cti_engine.runtime.demo.desk import Desk
from cti_engine.runtime.stores import open_store
from cti_engine.wire.tasks import spawn
from tests.phones.baresip import Baresip
from tests.phones.child import Child
from tests.phones.ports import HOST, free_ports
from tests.phones.tones import tone_wav
from tests.phones.waiting import until

ROOT = Path(__file__).parents[2]
CALLER_HZ, AGENT_HZ = 440, 880
WORKERS = 48
RTP_PORTS = RTP_PORTS_PER_WORKER * WORKERS


class TestDesk(Desk):
    """An agent's page without a browser: shows what the console says, asks what a test asks."""

    __test__ = False

    def __init__(self, origin: str, user: str, password: str, *, shows_pops: bool = True) -> None:
        super().__init__(origin, user, password)
        self.views: dict[tuple[str, str], dict[str, Any]] = {}
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        self.refusals: list[dict[str, Any]] = []
        self._shows_pops = shows_pops
        self._task = spawn(self.run(), f"desk of {user}")

    @property
    def me_view(self) -> dict[str, Any]:
        return self.views.get(("agent", self.user), {})

    def on_state(self, kind: str, id_: str, view: dict[str, Any] | None) -> None:
        if view is not None:
            self.views[(kind, id_)] = view

    def on_event(self, name: str, contact: str, data: dict[str, Any]) -> None:
        self.events.append((name, contact, data))
        if name == "CallOffered" and self._shows_pops and data["agent"] == self.user:
            spawn(self.ask("OfferShown", {"offer": data["offer"]}), "pop shown")

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "reply" and not message["ok"]:
            self.refusals.append(message["error"])
        super()._take(message)

    async def state(self, state: str, *, within: float = 10.0) -> dict[str, Any]:
        """Wait until the engine says that this agent is in `state`."""
        await until(
            lambda: self.me_view.get("state") == state, f"{self.user} {state}: {self.me_view}", within=within
        )
        return self.me_view

    async def ready(self) -> None:
        """Log in, wait for the phone, and get ready."""
        await until(lambda: self.me_view.get("phone"), f"the phone of {self.user}", within=15.0)
        await self.ask("Ready")
        await until(lambda: self.me_view.get("status") == "ready", f"{self.user} ready: {self.refusals}")

    async def wrap_up(self, disposition: str, note: str = "") -> None:
        view = await self.state("wrap_up")
        args = {"disposition": disposition, "note": note}
        await self.ask("SubmitDisposition", args, contact=view["contact"], version=view["state_version"])
        await self.state("idle")

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


class Center:
    """`changes` maps a YAML file to (dotted key -> value), laid over a copy of the shipped files."""

    def __init__(
        self,
        folder: Path,
        *,
        changes: dict[str, dict[str, Any]] | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.home, self.var = folder / "home", folder / "var"
        for name in ("config", "ivr_flows", "routing_rules"):
            shutil.copytree(ROOT / name, self.home / name)
        self.change("config/engine.yaml", {"workers.max": WORKERS})
        for file, keys in (changes or {}).items():
            self.change(file, keys)
        first = free_ports(2)
        rtp = free_ports(RTP_PORTS)
        self.child = Child(
            [sys.executable, "-m", "cti_engine", "--home", str(self.home), "--var", str(self.var), "run"],
            folder,
            name="center",
            env={
                "PYTHONPATH": str(ROOT),
                "CTI_SIP_PORT": str(first),
                "CTI_CONSOLE_PORT": "0",
                "CTI_BROKER_PORT": "0",
                "CTI_RTP_PORTS": f"{rtp}-{rtp + RTP_PORTS - 1}",
                **(env or {}),
            },
        )
        self._desks: list[TestDesk] = []
        self._phones: list[Baresip] = []
        self._store: Store | None = None

    def change(self, file: str, keys: dict[str, Any]) -> None:
        """Set `a.b.c` keys of a YAML file of this center."""
        path = self.home / file
        content = yaml.safe_load(path.read_text())
        for dotted, value in keys.items():
            node = content
            *way, last = dotted.split(".")
            for key in way:
                node = node.setdefault(key, {})
            node[last] = value
        draft = path.with_suffix(".draft")
        draft.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
        draft.replace(path)

    # --- life ----------------------------------------------------------------------------------

    async def __aenter__(self) -> Center:
        prompts = os.environ.get("CTI_TEST_PROMPTS")
        if prompts:
            shutil.copytree(prompts, self.var / "prompts")
        await self.child.start()
        await until(self.up, "the center to be up", within=90.0)
        return self

    def up(self) -> bool:
        assert self.child.exit_code is None, f"the center ended\n{self.child.log()}"
        file = self.var / "run.json"
        return file.exists() and self.run["worker_states"].get("ready", 0) >= 2

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for desk in self._desks:
            await desk.close()
        for phone in self._phones:
            await phone.stop()
        if self._store is not None:
            self._store.close()
        await self.child.send(signal.SIGTERM)
        await self.child.send(signal.SIGTERM)
        await self.child.stop(within=20.0)

    @property
    def run(self) -> dict[str, Any]:
        """run.json as it stands now."""
        found: dict[str, Any] = json.loads((self.var / "run.json").read_text())
        return found

    @property
    def sip_port(self) -> int:
        return int(self.run["ports"]["sip_port"])

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.run['ports']['console_port']}"

    def password(self, user: str) -> str:
        return next(a.password for a in read_accounts_file(self.var / "accounts.txt") if a.user == user)

    def kill(self, process: str) -> int:
        """kill -9 of `engine`, `edge`, `broker`, `console` or a worker's name; returns the process number."""
        run = self.run
        pid: int = run["pids"].get(process) or run["workers"][process]
        os.kill(pid, signal.SIGKILL)
        return pid

    @property
    def store(self) -> Store:
        """The engine's store, read only."""
        if self._store is None:
            self._store = open_store("sqlite:", read_only=True, folder=self.var)
        return self._store

    async def cdrs(self, count: int, *, within: float = 15.0) -> list[dict[str, Any]]:
        """Wait for `count` closed records; all of them, in the order of their ends."""
        await until(lambda: len(self.store.cdrs()) >= count, f"{count} CDRs", within=within, every=0.05)
        return self.store.cdrs()

    # --- people --------------------------------------------------------------------------------

    async def agent(self, user: str, **phone: Any) -> tuple[TestDesk, Baresip]:
        """An agent with a baresip phone that plays 880 Hz, at a desk, ready."""
        handset = await self.phone(user, play=self.tone(AGENT_HZ), **phone)
        desk = self.desk(user)
        await desk.ready()
        return desk, handset

    def desk(self, user: str, **how: Any) -> TestDesk:
        desk = TestDesk(self.origin, user, self.password(user), **how)
        self._desks.append(desk)
        return desk

    async def phone(self, user: str, **how: Any) -> Baresip:
        """A registered baresip of this account."""
        folder = self.folder / f"phone-{user}-{len(self._phones)}"
        phone = Baresip(user, self.password(user), HOST, self.sip_port, folder, **how)
        self._phones.append(phone)
        await phone.start()
        await phone.told("REGISTER_OK")
        return phone

    async def caller(self, **how: Any) -> Baresip:
        """A baresip that plays 440 Hz."""
        return await self.phone("caller", play=self.tone(CALLER_HZ), **how)

    def number(self, dnis: str) -> str:
        return f"sip:{dnis}@{HOST}:{self.sip_port}"

    def tone(self, hertz: int) -> Path:
        path = self.folder / f"{hertz}.wav"
        return path if path.exists() else tone_wav(path, hertz)
