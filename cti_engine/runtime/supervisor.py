"""The supervisor: starts every process of the center in order, keeps them alive, tells where they are, and drains.

It holds no business logic and no call: whatever it restarts, conversations go on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from cti_engine.core.signals import WorkerLost
from cti_engine.runtime.children import Child, forkserver, ready
from cti_engine.runtime.log_setup import LogSettings
from cti_engine.runtime.places import Places
from cti_engine.runtime.worker_pool import WorkerPool, Workers
from cti_engine.wire.link import LinkClient
from cti_engine.wire.private_files import write_private
from cti_engine.wire.tasks import spawn
from cti_engine.wire.vocabulary import to_plain

READY_WITHIN = 30.0
STOP_WITHIN = 8.0
TELL_PAUSE = 0.1  # seconds between two writings of run.json

_log = logging.getLogger("cti.supervisor")


@dataclass(frozen=True, slots=True)
class Service:
    """One process that must always be there. `ready`: it writes a ready file before the next one starts.
    `drains`: it is told by SIGUSR1 when a drain begins.

    `config_of(ports)` makes its picklable config from what the earlier ones wrote into their ready files, and at a
    restart from its own: a port that was any free one stays the same.
    """

    name: str
    serve: Callable[[Any], None]
    config_of: Callable[[dict[str, int]], Any]
    ready: bool = True
    drains: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that runs, worked out before anything is started. `preload`: slow imports, done once."""

    places: Places
    services: tuple[Service, ...]
    workers: Callable[[dict[str, int]], Workers]
    preload: tuple[str, ...]
    log: LogSettings
    addresses: dict[str, str]


class Supervisor:
    def __init__(self, plan: Plan, announce: Callable[[dict[str, Any]], None]) -> None:
        self._plan = plan
        self._announce = announce
        self._ports: dict[str, int] = {}
        self._children: list[Child] = []
        self._context = forkserver(list(plan.preload))
        self._pool: WorkerPool | None = None
        self._changed = asyncio.Event()
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._link = LinkClient(
            plan.places.engine_socket,
            f"supervisor@{os.getpid()}",
            "supervisor",
            hello_body=dict,
            on_frame=lambda type_, body: None,
        )

    async def run(self) -> None:
        """Until a signal says stop; then drain."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._asked_to_stop)
        for file in self._plan.places.run.glob("*.json"):
            file.unlink()
        link = spawn(self._link.run(), "engine link")
        try:
            await self._start_all()
            await self._stop.wait()
            await self._drain()
        finally:
            await self._stop_all()
            self._link.close()
            link.cancel()
            self._plan.places.run_json.unlink(missing_ok=True)

    def _asked_to_stop(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def _start_all(self) -> None:
        for service in self._plan.services:
            config_of = partial(service.config_of, self._ports)
            child = Child(
                self._context, service.name, self._plan.log, service.serve, config_of, self._changed.set
            )
            self._children.append(child)
            child.start()
            if service.ready:
                path = self._plan.places.ready_file(service.name)
                await ready(path, READY_WITHIN)
                said = json.loads(path.read_text())
                self._ports.update({k: v for k, v in said.items() if k.endswith("_port")})
        self._pool = WorkerPool(
            self._context,
            self._plan.log,
            self._plan.workers(self._ports),
            generation=format(int(time.time()), "x"),
            on_lost=self._worker_lost,
            on_change=self._changed.set,
        )
        self._pool.fill()
        spawn(self._pool.watch(), "worker watch")
        spawn(self._tell_pids(), "pids")
        self._announce({**self._plan.addresses, "ports": self._ports})

    def _worker_lost(self, name: str, reason: str) -> None:
        self._link.send(*to_plain(WorkerLost(name, reason)))

    async def _tell_pids(self) -> None:
        """Keep run.json true: tests, doctor and demo find the center by it."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            assert self._pool is not None
            told = {
                "supervisor": os.getpid(),
                **self._plan.addresses,
                "ports": self._ports,
                "pids": {child.name: child.pid for child in self._children},
                "workers": self._pool.pids,
                "worker_states": self._pool.counts(),
            }
            write_private(self._plan.places.run_json, json.dumps(told, indent=1).encode())
            await asyncio.sleep(TELL_PAUSE)

    async def _drain(self) -> None:
        if self._pool is None or not self._pool.busy:
            return
        self._pool.drain()
        for service, child in zip(self._plan.services, self._children, strict=True):
            if service.drains:
                child.tell(signal.SIGUSR1)
        print(
            f"Draining: calls in progress go on ({self._pool.busy}), new ones are refused. Ctrl-C again stops at once.",
            file=sys.stderr,
        )
        while self._pool.busy and not self._hurry.is_set():
            try:
                await asyncio.wait_for(self._hurry.wait(), 0.2)
            except TimeoutError:
                continue

    async def _stop_all(self) -> None:
        """Workers first, so that the edge still carries their BYEs; the broker last."""
        if self._pool is not None:
            await self._pool.stop(STOP_WITHIN)
            await self._link.flush(2.0)
        for child in reversed(self._children):
            await child.stop(STOP_WITHIN)
