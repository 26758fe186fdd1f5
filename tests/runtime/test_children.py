"""Services never outlive their supervisor: the next one must find the ports free."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from cti_engine.runtime import children
from cti_engine.runtime.log_setup import LogSettings
from tests.phones.waiting import until

ROOT = Path(__file__).parents[2]


def serve(ready: Path) -> None:
    """A service that does nothing until SIGTERM."""
    ready.write_text(str(os.getpid()))
    time.sleep(60)


def supervise(folder: str) -> None:
    """A supervisor with two services; run in a process of its own, and killed."""
    context = children.forkserver([])
    log = LogSettings(Path(folder), terminal=False)
    for name in ("one", "two"):
        children.start(context, name, log, serve, Path(folder) / name)
    time.sleep(60)


def _lives(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


async def test_services_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    """kill -9 of the supervisor ends every service at once, although each of them keeps the forkserver alive."""
    code = f"from tests.runtime.test_children import supervise; supervise({str(tmp_path)!r})"
    supervisor = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT)
    files = [tmp_path / "one", tmp_path / "two"]
    try:
        await until(lambda: all(f.exists() and f.read_text() for f in files), "two services", within=30.0)
        pids = [int(file.read_text()) for file in files]
    finally:
        supervisor.send_signal(signal.SIGKILL)
        await supervisor.wait()
    await until(lambda: not any(_lives(pid) for pid in pids), "both to be gone")
