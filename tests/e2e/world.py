"""A whole center on free ports, as `make run` starts it, with desks and phones: what end-to-end tests dial into."""

from __future__ import annotations

import asyncio
import fcntl
import functools
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from cti_engine.adapters.account_store import read_accounts_file
from cti_engine.commands.process_configs import RTP_PORTS_PER_WORKER
from cti_engine.definitions.library import load_definitions
from cti_engine.ports import Store, StoredEvent
from cti_engine.runtime.prompt_files import prompts_of
from cti_engine.runtime.stores import open_store
from speech.prompt_cache import PromptCache
from tests.e2e.desk import TestDesk
from tests.phones.baresip import Baresip
from tests.phones.child import Child
from tests.phones.ports import HOST, free_port, free_ports
from tests.phones.sipp import Sipp
from tests.phones.tones import tone_wav
from tests.phones.waiting import until

ROOT = Path(__file__).parents[2]
CALLER_HZ, AGENT_HZ = 440, 880
WORKERS = 48
CARRIER = "127.0.0.2"
"""The trunk `carrier` of every test center: callers from this address are believed who they say they are."""
WORLD = "127.0.0.5"
"""Where a test's trunk `world` leads, see `Center.outside`."""
STRAIGHT: dict[str, tuple[str, dict[str, Any]]] = {
    "3000": ("support_en", {}),
    "3001": ("impatient_en", {"max_wait": "2s"}),
    "3002": ("hasty_en", {"ring_timeout": "3s"}),
}
"""Numbers that only test centers have: queue and its keys, see `straight`."""


@functools.cache
def world_port() -> int:
    """Where phones of the outside world are called."""
    return free_ports(2)


def world_trunk() -> dict[str, Any]:
    """Keys of sip.yaml."""
    return {"trunks.world": {"networks": [WORLD], "destination": f"{WORLD}:{world_port()}"}}


_kept: list[tempfile.TemporaryDirectory[str]] = []


@functools.cache
def prompts() -> Path:
    """All prompts of the shipped flows, made once in a run of tests, by whoever wants them first."""
    if "CTI_TEST_PROMPTS" not in os.environ:  # as in benchmarks: in tests it stands in tests/conftest.py
        _kept.append(tempfile.TemporaryDirectory(prefix="cti-prompts-"))  # removed when the run ends
    folder = Path(os.environ.get("CTI_TEST_PROMPTS") or _kept[0].name)
    definitions, problems = load_definitions(ROOT)
    assert definitions is not None, problems
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        report = PromptCache(folder, base=ROOT).build(prompts_of(definitions))
    assert not report.faults, report.faults
    return folder


def straight(number: str, queue: str, keys: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Changes: a number without a menu, straight into a queue like support_en, but for these keys."""
    like = yaml.safe_load((ROOT / "routing_rules/queues.yaml").read_text())["queues"]["support_en"]
    flow = f"to_{queue}"
    return {
        f"ivr_flows/{flow}.yaml": {
            "flow": flow,
            "languages": ["en"],
            "start": "wait",
            "steps": {"wait": {"enqueue": queue}},
        },
        "routing_rules/dialled_numbers.yaml": {f"dialled_numbers.{number}": {"flow": flow, "language": "en"}},
        "routing_rules/queues.yaml": {
            f"queues.{queue}": {**{k: v for k, v in like.items() if k != "after_call"}, **keys}
        },
    }


class Center:
    """`changes` maps a YAML file to (dotted key -> value), laid over a copy of the shipped files, or a file
    more. `rtp_first` is where the workers' RTP ports begin; without it they are drawn with all others."""

    def __init__(
        self,
        folder: Path,
        *,
        changes: dict[str, dict[str, Any]] | None = None,
        env: dict[str, str] | None = None,
        rtp_first: int = 0,
    ) -> None:
        self.folder = folder
        self.home, self.var = folder / "home", folder / "var"
        for name in ("config", "ivr_flows", "routing_rules"):
            shutil.copytree(ROOT / name, self.home / name)
        self.change("config/engine.yaml", {"workers.max": WORKERS})
        self.change("config/sip.yaml", {"trunks.carrier": {"networks": [CARRIER]}})
        self._nobody_is_surveyed()
        straights = [straight(number, *about) for number, about in STRAIGHT.items()]
        for file, keys in (each for change in (*straights, changes or {}) for each in change.items()):
            self.change(file, keys)
        workers = self.read("config/engine.yaml")["workers"]["max"]
        rtp = rtp_first or free_ports(RTP_PORTS_PER_WORKER * workers)
        sip = free_port()
        self.child = Child(
            [sys.executable, "-m", "cti_engine", "--home", str(self.home), "--var", str(self.var), "run"],
            folder,
            name="center",
            env={
                "PYTHONPATH": str(ROOT),
                "CTI_SIP_PORT": str(sip),
                "CTI_CONSOLE_PORT": "0",
                "CTI_BROKER_PORT": "0",
                "CTI_RTP_PORTS": f"{rtp}-{rtp + RTP_PORTS_PER_WORKER * workers - 1}",
                **(env or {}),
            },
        )
        self._desks: list[TestDesk] = []
        self._phones: list[Baresip | Sipp] = []
        self._registered: list[tuple[str, str]] = []  # users and contacts of phones that cannot un-register
        self._numbered = 0
        self._store: Store | None = None
        self._seq_before = 0

    def change(self, file: str, keys: dict[str, Any]) -> None:
        """Set `a.b.c` keys of a YAML file of this center."""
        path, content = self.home / file, self.read(file)
        for dotted, value in keys.items():
            node = content
            *way, last = dotted.split(".")
            for key in way:
                node = node.setdefault(key, {})
            node[last] = value
        draft = path.with_suffix(".draft")
        draft.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
        draft.replace(path)

    def read(self, file: str) -> dict[str, Any]:
        path = self.home / file
        content: dict[str, Any] = yaml.safe_load(path.read_text()) if path.exists() else {}
        return content

    def _nobody_is_surveyed(self) -> None:
        """By chance some would be, and the end of their calls would be another: tests that want it say so."""
        queues = self.read("routing_rules/queues.yaml")["queues"]
        plain = {name: {k: v for k, v in keys.items() if k != "after_call"} for name, keys in queues.items()}
        self.change("routing_rules/queues.yaml", {"queues": plain})

    async def changed(self, file: str, keys: dict[str, Any]) -> None:
        """Change a file of the running center, and wait until the engine runs on it."""
        log = self.var / "log" / "engine.log"
        before = log.read_text().count("are in force")
        self.change(file, keys)
        await until(lambda: log.read_text().count("are in force") > before, f"{file} in force", within=20.0)

    # --- life ----------------------------------------------------------------------------------

    async def __aenter__(self) -> Center:
        self.var.mkdir()
        (self.var / "prompts").symlink_to(await asyncio.to_thread(prompts))
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
        await asyncio.gather(*(phone.stop() for phone in self._phones))
        await asyncio.gather(*(desk.close() for desk in self._desks))
        if self._store is not None:
            self._store.close()
        await self.child.send(signal.SIGTERM)
        await self.child.send(signal.SIGTERM)
        await self.child.stop(within=20.0)

    async def reset(self) -> None:
        """Switch all phones off, log everybody out, and wait until the center is as empty as at its start."""
        await asyncio.gather(*(phone.stop() for phone in self._phones))
        for user, contact in self._registered:
            await self._register(user, contact, expires=0)
        seated = {desk.user for desk in self._desks if not desk.closed}
        for kind, agent in self.live_rows():
            if kind == "agent" and agent not in seated:
                self.desk(agent)  # one who has a browser's page, or has gone without logging out
        await asyncio.gather(*(desk.log_out() for desk in self._desks if not desk.closed))
        await asyncio.gather(*(desk.close() for desk in self._desks))
        self._phones, self._desks, self._registered = [], [], []
        await until(lambda: not self.live_rows(), "an empty center", within=30.0, every=0.05)
        self._seq_before = self.store.load().last_seq

    async def until_row(self, kind: str, id_: str, so: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until the engine's row of this kind and id is `so`."""
        await until(lambda: so(self.store.load().rows[kind, id_]), f"{kind} {id_}", within=10.0, every=0.02)

    def live_rows(self) -> list[tuple[str, str]]:
        """Rows of contacts, legs and reservations, and of agents who are logged in or have a phone."""
        return [
            key
            for key, row in self.store.load().rows.items()
            if key[0] in ("contact", "leg", "reservation")
            or (key[0] == "agent" and (row["phone"] or row["status"] != "logged_out"))
        ]

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

    def kill(self, process: str) -> float:
        """kill -9 of `engine`, `edge`, `broker`, `console` or a worker's name; returns the moment, wall seconds."""
        run = self.run
        at = time.time()
        os.kill(run["pids"].get(process) or run["workers"][process], signal.SIGKILL)
        return at

    async def back(self, process: str, since: float) -> None:
        """Wait until a process that was killed at `since` has been started again and is ready."""
        file = self.var / "run" / f"{process}.json"
        await until(
            lambda: file.exists() and file.stat().st_mtime > since, f"{process} back", within=20.0, every=0.01
        )

    @property
    def store(self) -> Store:
        """The engine's store, read only."""
        if self._store is None:
            self._store = open_store("sqlite:", read_only=True, folder=self.var)
        return self._store

    def events(self, *names: str) -> list[StoredEvent]:
        """What the engine has stored since the last reset, of these names."""
        store, found, seq = self.store, [], self._seq_before
        while batch := store.events_since(seq):
            found += [event for event in batch if event.event in names or not names]
            seq = batch[-1].seq
        return found

    async def event(self, name: str, *, number: int = 1, within: float = 15.0, **data: Any) -> StoredEvent:
        """Wait for the `number`-th event of this name, with these values, since the last reset."""

        def look() -> StoredEvent | None:
            found = [
                event
                for event in self.events(name)
                if all(event.data.get(key) == value for key, value in data.items())
            ]
            return found[number - 1] if len(found) >= number else None

        found = await until(look, f"event {name} {data} number {number}", within=within, every=0.02)
        assert found is not None
        return found

    async def cdrs(self, count: int, *, within: float = 20.0) -> list[dict[str, Any]]:
        """Wait for `count` contacts to close since the last reset; their records, in the order of closing."""
        await until(
            lambda: len(self.events("ContactClosed")) >= count, f"{count} CDRs", within=within, every=0.05
        )
        return [event.data["cdr"] for event in self.events("ContactClosed")]

    async def cdr(self, *, within: float = 20.0) -> dict[str, Any]:
        """The record of the one contact since the last reset."""
        (record,) = await self.cdrs(1, within=within)
        return record

    # --- people --------------------------------------------------------------------------------

    async def agent(self, user: str, **phone: Any) -> tuple[TestDesk, Baresip]:
        """An agent with a baresip phone that plays 880 Hz, at a desk, ready."""
        handset = await self.phone(user, play=self.tone(AGENT_HZ), **phone)
        desk = self.desk(user)
        await desk.ready()
        return desk, handset

    async def sipp_agent(self, user: str, scenario: str, **how: Any) -> TestDesk:
        """An agent whose phone is a sipp with this scenario, at a desk, ready."""
        phone = await self.sipp(scenario, **how)
        await self._register(user, phone.address)
        self._registered.append((user, phone.address))
        desk = self.desk(user)
        await desk.ready()
        return desk

    async def _register(self, user: str, contact: str, *, expires: int = 60) -> None:
        keys = {"contact": contact, "expires": str(expires)}
        edge, password = f"{HOST}:{self.sip_port}", self.password(user)
        sipp = await self.sipp("register", to=edge, number=user, password=password, keys=keys, calls=1)
        await sipp.finished()

    async def sipp(self, scenario: str | Path, **how: Any) -> Sipp:
        """A running sipp; with `to=center.trunk` a caller from the carrier's address."""
        self._numbered += 1
        sipp = Sipp(scenario, self.folder / f"sipp-{self._numbered}", **how)
        self._phones.append(sipp)
        return await sipp.start()

    def desk(self, user: str, **how: Any) -> TestDesk:
        desk = TestDesk(self.origin, user, self.password(user), **how)
        self.seat(desk)
        return desk

    def seat(self, desk: TestDesk) -> None:
        """A desk that a test made: it is logged out and closed at the end."""
        self._desks.append(desk)

    async def phone(self, user: str, *, guest: bool = False, **how: Any) -> Baresip:
        """A registered baresip of this account; of a `guest` one that has none and is called so."""
        self._numbered += 1
        folder = self.folder / f"phone-{self._numbered}-{user}"
        password = "" if guest else self.password(user)
        phone = Baresip(user, password, HOST, self.sip_port, folder, **how)
        self._phones.append(phone)
        await phone.start()
        return phone

    async def caller(self, **how: Any) -> Baresip:
        """A baresip that plays 440 Hz."""
        return await self.phone("caller", play=self.tone(CALLER_HZ), **how)

    async def outside(self, number: str, port: int, **how: Any) -> Baresip:
        """A phone in the outside world: whatever the trunk `world` is given for this number rings there."""
        how = {"play": self.tone(CALLER_HZ), "host": WORLD, "sip_port": port, **how}
        return await self.phone(number, guest=True, **how)

    def number(self, dnis: str) -> str:
        return f"sip:{dnis}@{HOST}:{self.sip_port}"

    def tone(self, hertz: int) -> Path:
        path = self.folder / f"{hertz}.wav"
        return path if path.exists() else tone_wav(path, hertz)
