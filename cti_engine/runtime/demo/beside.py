"""The demo in a process beside the center it joins: `cti-engine run --demo`."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

END_WITHIN = 15.0


@contextlib.contextmanager
def start_beside(var: Path) -> Iterator[Callable[[], None]]:
    """Yields what starts the demo once the center is up; leaving ends it in order.

    It stays in the terminal's process group, so Ctrl-C ends the robots' calls while the center drains.
    """
    demos: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        demos.append(subprocess.Popen([sys.executable, "-m", "cti_engine", "--var", str(var), "demo"]))

    try:
        yield start
    finally:
        for demo in demos:
            demo.send_signal(signal.SIGINT)
            try:
                demo.wait(END_WITHIN)
            except subprocess.TimeoutExpired:
                demo.kill()
