"""New definitions while calls run: the files are read in a process of their own.

Reading 10,000 agents takes seconds of the interpreter and millions of short-lived objects: not beside the live loop.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from asyncio.subprocess import Process
from pathlib import Path

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.problems import Problem
from cti_engine.runtime.garbage import without_collections


class FilesReader:
    """`load_definitions(home)`, by a child. One that has imported everything waits for the next time: that is a third
    of what a reload takes.
    """

    def __init__(self) -> None:
        self._waiting: Process | None = None

    async def get_ready(self) -> bool:
        """Have a child wait; False when none can be started now."""
        try:
            self._waiting = await self._child()
        except OSError:
            return False
        return True

    async def _child(self) -> Process:
        if self._waiting is not None and self._waiting.returncode is None:
            return self._waiting
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cti_engine.runtime.definitions_reader",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
        )

    async def read(self, home: Path) -> tuple[CenterDefinitions | None, list[Problem]]:
        """Raises OSError when it cannot be started, or does not come to an end."""
        child, self._waiting = await self._child(), None
        try:
            printed, _ = await child.communicate(str(home).encode())
        finally:
            if child.returncode is None:
                child.kill()
        if child.returncode != 0:
            raise OSError(f"reading the files ended with {child.returncode}")
        found: tuple[CenterDefinitions | None, list[Problem]]
        with without_collections():
            found = await asyncio.to_thread(pickle.loads, printed)
        return found

    async def close(self) -> None:
        """The child that waits is told that nothing comes any more."""
        if self._waiting is not None:
            await self._waiting.communicate(b"")
            self._waiting = None
