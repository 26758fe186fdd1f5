"""Children of a test: own folder, own log, killed with the test (or with pytest), log shown when it fails."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.phones.waiting import until

_LOG_SHOWN = 8000
# Children that were started and not yet forgotten by `forget_stopped`; tests/conftest.py prints their logs.
started: list[Child] = []


class MissingTool(AssertionError):
    """A program that tests need is not installed; a test without it fails, it is never skipped."""


def tool(name: str) -> str:
    """The path of a program of packaging/apt-test.txt."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        raise MissingTool(f"{name} is not installed: packaging/system-packages.sh test")
    return found


class Child:
    """`async with Child([...], folder)` runs a program; its output goes to `folder/<name>.log`.

    `as_root` starts it by `sudo -n` where the tests do not run as root (raw sockets).
    The kernel kills it when pytest dies, so nothing outlives a run (prctl(2), PR_SET_PDEATHSIG).
    """

    def __init__(
        self,
        argv: Sequence[str],
        folder: Path,
        *,
        name: str = "",
        env: Mapping[str, str] | None = None,
        as_root: bool = False,
    ) -> None:
        self.name = name or Path(argv[0]).name
        self.folder = folder
        self.log_path = folder / f"{self.name}.log"
        self._argv = [tool(argv[0]) if "/" not in argv[0] else argv[0], *argv[1:]]
        self._env = {**os.environ, **(env or {})}
        self._sudo = [tool("sudo"), "-n"] if as_root and os.geteuid() != 0 else []
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> Child:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._sudo, tool("setpriv"), "--pdeathsig", "KILL", "--", *self._argv,
                cwd=self.folder, env=self._env, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        started.append(self)
        return self

    async def __aenter__(self) -> Child:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs, minus the signal's number when a signal ended it."""
        return None if self._process is None else self._process.returncode

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    async def logged(self, pattern: str, *, within: float = 5.0) -> re.Match[str]:
        """Wait until the log matches; fails at once when the child has ended without saying it."""

        def look() -> re.Match[str] | None:
            found = re.search(pattern, self.log(), re.MULTILINE)
            ended = self.exit_code is not None
            assert found or not ended, (
                f"{self.name} ended ({self.exit_code}) before {pattern!r}\n{self.log()}"
            )
            return found

        found = await until(look, f"{pattern!r} in the log of {self.name}", within=within)
        assert found is not None
        return found

    async def ended(self, *, within: float = 30.0) -> int:
        """Wait for the child to end by itself and return its exit code."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), within)

    async def send(self, number: signal.Signals) -> None:
        """Signal the child and whatever it started; nothing happens when it is gone."""
        if self._process is None or self._process.returncode is not None:
            return
        if self._sudo:
            kill = await asyncio.create_subprocess_exec(
                *self._sudo, tool("kill"), "-s", number.name, "--", f"-{self._process.pid}"
            )
            await kill.wait()
            return
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass  # it ended between the look and the signal

    async def stop(self, *, within: float = 5.0) -> int:
        """TERM, then KILL after `within` seconds; returns the exit code."""
        if self._process is None:
            return 0
        await self.send(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), within)
        except TimeoutError:
            await self.send(signal.SIGKILL)
            return await self._process.wait()

    def report(self) -> tuple[str, str]:
        """Title and the last part of the log, for a failing test's report."""
        state = "running" if self.exit_code is None else f"exit code {self.exit_code}"
        return f"{self.name} (pid {self.pid}, {state})", self.log()[-_LOG_SHOWN:]


def forget_stopped() -> None:
    """Drop the children that have ended, so that a later test does not show their logs."""
    started[:] = [child for child in started if child.exit_code is None]
