"""A real PostgreSQL server for a test: own folder, free port, no fsync; can be killed and started again."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import tempfile
from pathlib import Path

from tests.phones.child import Child, MissingTool, tool
from tests.phones.ports import HOST, free_port


def _program(name: str) -> str:
    """Debian keeps the server's programs out of the PATH."""
    found = shutil.which(name) or next(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), None)
    if found is None:
        raise MissingTool(f"{name} is not installed: packaging/system-packages.sh test")
    return found


class PostgresServer:
    """Not run as root, which it refuses; the folder is then its user's."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="cti-postgres-"))
        become = [tool("setpriv"), "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"]
        # To become another clears what kills it when we die: set that again.
        self._as_user = [*become, tool("setpriv"), "--pdeathsig", "KILL", "--"]
        if os.geteuid() != 0:
            self._as_user = []
        self.port = free_port()
        self.url = f"postgresql://cti@{HOST}:{self.port}/postgres"
        self._child: Child | None = None
        self._runs = 0

    async def start(self) -> PostgresServer:
        data = self._folder / "data"
        if not self._runs:
            if self._as_user:
                user = pwd.getpwnam("postgres")
                os.chown(self._folder, user.pw_uid, user.pw_gid)
            makes = await asyncio.create_subprocess_exec(
                *self._as_user, _program("initdb"), "-D", str(data), "-U", "cti", "-A", "trust", "-E", "UTF8",
                "--locale=C", "--no-sync",
                cwd=self._folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            said, _ = await makes.communicate()
            assert makes.returncode == 0, said.decode()
        self._runs += 1
        argv = [*self._as_user, _program("postgres"), "-D", str(data), "-p", str(self.port), "-h", HOST]
        argv += ["-k", str(self._folder), "-c", "fsync=off", "-c", "max_connections=40", "-c", "jit=off"]
        self._child = await Child(argv, self._folder, name=f"postgres-{self._runs}").start()
        await self._child.logged("database system is ready to accept connections", within=20)
        return self

    async def kill(self) -> None:
        """As by kill -9: no farewell."""
        assert self._child is not None
        await self._child.send(signal.SIGKILL)
        await self._child.ended()

    async def stop(self) -> None:
        if self._child is not None:
            await self._child.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
