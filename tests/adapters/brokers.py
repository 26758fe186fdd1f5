"""A real broker for a test, started as the supervisor starts it, that can be killed and started again."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from tests.phones.child import Child
from tests.phones.ports import HOST, free_port

PASSWORDS = {"engine": "engine-secret", "console": "console-secret", "public": "public-secret"}
_ROOT = Path(__file__).parents[2]
_SERVE = """
import json, logging, sys
from pathlib import Path
from cti_engine.adapters.embedded_broker import BrokerConfig, serve
logging.basicConfig(level=logging.INFO)
kind, port, folder = sys.argv[1:4]
serve(BrokerConfig(int(port), Path(folder), json.loads(sys.argv[4]), Path(folder) / "ready.json", kind))
"""


class Broker:
    """`kind` as in BrokerConfig. `port` stays over restarts."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.port = free_port()
        self.url = f"mqtt://{HOST}:{self.port}"
        self._child: Child | None = None
        self._runs = 0

    async def start(self) -> Broker:
        self._runs += 1
        argv = [sys.executable, "-c", _SERVE, self.kind, str(self.port), str(self.folder / "broker")]
        name = f"{self.kind}-{self._runs}"
        env = {"PYTHONPATH": str(_ROOT)}
        self._child = await Child([*argv, json.dumps(PASSWORDS)], self.folder, name=name, env=env).start()
        await self._child.logged(r"on port \d+.* running", within=15.0)
        return self

    @property
    def child(self) -> Child:
        assert self._child is not None, "the broker was never started"
        return self._child

    async def kill(self) -> None:
        """As by kill -9, the process that started it too."""
        await self.child.send(signal.SIGKILL)
        await self.child.ended()

    async def pause(self) -> None:
        """It stays connected and reads nothing any more, the process that started it neither."""
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    async def go_on(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def _pids(self) -> set[int]:
        said = json.loads((self.folder / "broker" / "ready.json").read_text())
        return {self.child.pid, int(said["pid"])}

    async def stop(self) -> int:
        return await self.child.stop() if self._child is not None else 0
