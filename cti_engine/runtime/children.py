"""Child processes of the supervisor: started from its forkserver, in a process group of their own, restarted.

A child that dies at once is started again with a growing pause, so that a broken setting does not burn the machine.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import multiprocessing
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from cti_engine.runtime.log_setup import LogSettings, log_to

LIVED_LONG = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0

_OWN = ("multiprocessing.popen_forkserver",)  # what multiprocessing imports in each child

_log = logging.getLogger("cti.supervisor")

Serve = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Entry:
    """The function `serve` of a module that only the process which runs it imports: the supervisor stays small."""

    module: str

    def __call__(self, *arguments: Any) -> None:
        importlib.import_module(self.module).serve(*arguments)


def forkserver(preload: list[str]) -> ForkServerContext:
    """The one forkserver; `preload` are modules that its children need: what each imports by itself is not shared."""
    program = sys.modules["__main__"]
    program.__spec__ = program.__file__ = None  # else each child imports it again, which costs 6 MB
    # glibc gives each thread an arena of its own: 0.3 MB a worker, for a media thread that allocates little
    os.environ.setdefault("MALLOC_ARENA_MAX", "1")
    # Nothing here is shared by name, so there is nothing to clean up, for which a process would wait with 7 MB.
    resource_tracker._resource_tracker._fd = os.open(os.devnull, os.O_WRONLY)  # type: ignore[attr-defined]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cti_engine.runtime.forkserver_shield", __name__, *_OWN, *preload])
    return context


def _enter(name: str, log: LogSettings, ends_with: int, serve: Serve, arguments: tuple[Any, ...]) -> None:
    gc.freeze()  # a full collection would write to, hence copy, every page that is shared with the forkserver
    os.setsid()  # Ctrl-C reaches the supervisor only
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    log_to(log, name)
    if ends_with:
        _end_with(ends_with)
    serve(*arguments)


def _end_with(supervisor: int) -> None:
    """SIGTERM to ourselves when that process is gone. (Our parent is the forkserver, which outlives it for as long as
    any child holds its pipe.)"""
    try:
        descriptor = os.pidfd_open(supervisor)
    except ProcessLookupError:
        sys.exit(0)

    def wait() -> None:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="supervisor watch", daemon=True).start()


def start(
    context: ForkServerContext,
    name: str,
    log: LogSettings,
    serve: Serve,
    *arguments: Any,
    ends_with_us: bool = True,
) -> BaseProcess:
    """`ends_with_us`: SIGTERM when the supervisor dies, so that a new one finds the ports free; a worker goes on
    with its call instead, and ends by itself."""
    ends_with = os.getpid() if ends_with_us else 0
    process = context.Process(target=_enter, args=(name, log, ends_with, serve, arguments), name=name)
    process.start()
    return process


class Child:
    """One process that must always be there. `config_of` is asked before every start: a restarted process is told
    which ports it had. `on_change` is told when it has started or ended."""

    def __init__(
        self,
        context: ForkServerContext,
        name: str,
        log: LogSettings,
        serve: Serve,
        config_of: Callable[[], Any],
        on_change: Callable[[], None],
    ) -> None:
        self.name = name
        self._context = context
        self._log_settings = log
        self._serve = serve
        self._config_of = config_of
        self._on_change = on_change
        self._pause = FIRST_PAUSE
        self._started = 0.0
        self._stopping = False
        self.process: BaseProcess | None = None

    @property
    def pid(self) -> int:
        return (self.process.pid or 0) if self.process is not None else 0

    def start(self) -> None:
        self._started = time.monotonic()
        self.process = start(self._context, self.name, self._log_settings, self._serve, self._config_of())
        asyncio.get_running_loop().add_reader(self.process.sentinel, self._exited, self.process)
        self._on_change()

    def _exited(self, process: BaseProcess) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(process.sentinel)
        process.join()
        code = process.exitcode or 0
        process.close()
        self.process = None
        self._on_change()
        if self._stopping:
            return
        if time.monotonic() - self._started > LIVED_LONG:
            self._pause = FIRST_PAUSE
        _log.warning("%s ended (%s), starting it again in %.2f s", self.name, how(code), self._pause)
        loop.call_later(self._pause, self._again)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _again(self) -> None:
        if not self._stopping:
            self.start()

    def tell(self, signal_: signal.Signals) -> None:
        """Send a signal; one that is dead just now is not told."""
        if self.process is not None and self.process.pid is not None:
            os.kill(self.process.pid, signal_)

    async def stop(self, timeout: float) -> None:
        """SIGTERM, then SIGKILL when it has not ended after `timeout` seconds."""
        self._stopping = True
        await end(self.process, timeout)


async def end(process: BaseProcess | None, timeout: float) -> None:
    """Ask a process to end; insist after `timeout` seconds."""
    if process is None or process.pid is None:
        return
    gone = process_watch(process.pid)
    for signal_, patience in ((signal.SIGTERM, timeout), (signal.SIGKILL, 5.0)):
        try:
            os.kill(process.pid, signal_)
        except ProcessLookupError:
            return
        try:
            await asyncio.wait_for(gone, patience)
        except TimeoutError:
            _log.warning("%s did not end within %.0f s", process.name, patience)
            gone = process_watch(process.pid)
        else:
            return


def process_watch(pid: int) -> asyncio.Future[None]:
    """Done when the process is gone (pidfd, so that a reused number is no trap)."""
    loop = asyncio.get_running_loop()
    gone: asyncio.Future[None] = loop.create_future()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        gone.set_result(None)
        return gone

    def readable() -> None:
        if not gone.done():
            gone.set_result(None)

    def finished(_: asyncio.Future[None]) -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)

    loop.add_reader(descriptor, readable)
    gone.add_done_callback(finished)
    return gone


def how(code: int) -> str:
    """An exit code in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


async def ready(path: Path, timeout: float) -> None:
    """Wait until a child has written its ready file. Raises TimeoutError."""
    deadline = time.monotonic() + timeout
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path.stem} was not ready within {timeout:.0f} s; see its log")
        await asyncio.sleep(0.02)
