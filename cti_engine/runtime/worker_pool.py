"""The pool of SIP workers: enough spares ready, the used-up ones replaced, the silent ones killed, all losses told.

A worker carries one interaction at a time; each has its own slice of RTP ports (decisions 8, 12, 14).
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Any

from cti_engine.runtime import children
from cti_engine.runtime.log_setup import LogSettings

SILENT_IDLE, SILENT_IN_CALL = 10.0, 30.0
CHECK = 1.0
STARTING_LIMIT = 15.0
RESTART_PAUSE = 0.5

_log = logging.getLogger("cti.workers")


@dataclass(slots=True)
class _Worker:
    name: str
    slice: int
    process: BaseProcess
    control: Connection
    state: str = "starting"
    legs: int = 0
    heard: float = field(default_factory=time.monotonic)
    born: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Workers:
    """What the pool needs to know of workers. `config_of(name, slice)` makes the picklable config of one;
    slices of RTP ports are numbered from 0. `host` is `host/site`, the second half of every name.
    """

    host: str
    serve: Callable[..., None]
    config_of: Callable[[str, int], Any]
    spares: int
    largest: int


class WorkerPool:
    """`serve(config, control)` is a worker's life; `on_lost(name, reason)` tells of each that is gone for good,
    `on_change()` of everything that `pids` and `counts` show.
    """

    def __init__(
        self,
        context: ForkServerContext,
        log: LogSettings,
        workers: Workers,
        *,
        generation: str,
        on_lost: Callable[[str, str], None],
        on_change: Callable[[], None],
    ) -> None:
        self._context = context
        self._log = log
        self._what = workers
        self._generation = generation
        self._on_lost = on_lost
        self._on_change = on_change
        self._born = 0
        self._failed = 0
        self._draining = False
        self._slices = list(range(workers.largest - 1, -1, -1))
        self._workers: dict[str, _Worker] = {}

    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for worker in self._workers.values():
            counts[worker.state] = counts.get(worker.state, 0) + 1
        return counts

    @property
    def busy(self) -> int:
        """Workers with live legs."""
        return sum(worker.legs > 0 for worker in self._workers.values())

    @property
    def pids(self) -> dict[str, int]:
        return {worker.name: worker.process.pid or 0 for worker in self._workers.values()}

    def fill(self) -> None:
        """Start what is missing to `spares` ready ones."""
        if self._draining:
            return
        ready = sum(worker.state in ("ready", "starting") for worker in self._workers.values())
        for _ in range(self._what.spares - ready):
            if not self._slices:
                return
            self._start()

    def _start(self) -> None:
        self._born += 1
        slice_ = self._slices.pop()
        name = f"w{self._generation}-{self._born}@{self._what.host}"
        config = self._what.config_of(name, slice_)
        ours, theirs = self._context.Pipe()
        process = children.start(
            self._context, f"worker{slice_}", self._log, self._what.serve, config, theirs, ends_with_us=False
        )
        theirs.close()
        worker = _Worker(name, slice_, process, ours)
        self._workers[name] = worker
        loop = asyncio.get_running_loop()
        loop.add_reader(ours.fileno(), self._heard, worker)
        loop.add_reader(process.sentinel, self._exited, worker)
        self._on_change()

    def _heard(self, worker: _Worker) -> None:
        before = worker.state
        try:
            while worker.control.poll():
                beat = worker.control.recv()
                worker.heard = time.monotonic()
                worker.state, worker.legs = str(beat["state"]), int(beat["legs"])
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(worker.control.fileno())
            return
        if worker.state == before:
            return
        if worker.state == "ready":
            self._failed = 0
        if worker.state == "dirty":
            self._tell(worker, "stop")
        self.fill()
        self._on_change()

    def _tell(self, worker: _Worker, what: str) -> None:
        try:
            worker.control.send({"do": what})
        except OSError as error:
            _log.debug("%s does not listen: %s", worker.name, error)

    def _exited(self, worker: _Worker) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(worker.process.sentinel)
        loop.remove_reader(worker.control.fileno())
        worker.process.join()
        code = worker.process.exitcode or 0
        worker.process.close()
        worker.control.close()
        del self._workers[worker.name]
        self._slices.append(worker.slice)
        reason = children.how(code)
        if code:
            _log.warning("%s ended with %d legs: %s", worker.name, worker.legs, reason)
        self._on_lost(worker.name, reason)
        self._on_change()
        if worker.state == "starting":
            self._failed += 1
            loop.call_later(min(RESTART_PAUSE * self._failed, 5.0), self.fill)
        else:
            self.fill()

    async def watch(self) -> None:
        """Kill who has been silent too long: 10 s without a call, 30 s with live legs."""
        while True:
            await asyncio.sleep(CHECK)
            now = time.monotonic()
            for worker in list(self._workers.values()):
                patience = SILENT_IN_CALL if worker.legs else SILENT_IDLE
                if worker.state == "starting":
                    patience = STARTING_LIMIT
                if now - worker.heard > patience and worker.process.pid:
                    _log.error("%s has been silent for %.0f s, killing it", worker.name, patience)
                    os.kill(worker.process.pid, signal.SIGKILL)

    def drain(self) -> None:
        """No new calls; whoever talks goes on talking."""
        self._draining = True
        for worker in self._workers.values():
            self._tell(worker, "drain")

    async def stop(self, timeout: float) -> None:
        self._draining = True
        await asyncio.gather(
            *(children.end(worker.process, timeout) for worker in list(self._workers.values()))
        )
