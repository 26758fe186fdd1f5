"""A real redis-server for a test: own folder, free port, append-only file on, can be killed and started again."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.phones.child import Child
from tests.phones.ports import HOST, free_port


class RedisServer:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://{HOST}:{self.port}/0"
        self._child: Child | None = None
        self._runs = 0

    async def start(self) -> RedisServer:
        self._runs += 1
        argv = ["redis-server", "--port", str(self.port), "--bind", HOST, "--dir", str(self._folder)]
        argv += ["--appendonly", "yes", "--save", ""]
        self._child = await Child(argv, self._folder, name=f"redis-{self._runs}").start()
        await self._child.logged("Ready to accept connections")
        return self

    async def kill(self) -> None:
        """As by kill -9: no farewell, no last save."""
        assert self._child is not None
        await self._child.send(signal.SIGKILL)
        await self._child.ended()

    async def stop(self) -> None:
        if self._child is not None:
            await self._child.stop()
