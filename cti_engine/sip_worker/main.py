"""One worker process: wires pjsua2, the links to engine and edge and the supervisor's pipe, and ends in order."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cti_engine.core import signals
from cti_engine.sip_worker.config import WorkerConfig
from cti_engine.sip_worker.control import ControlPipe
from cti_engine.sip_worker.endpoint import SipEndpoint
from cti_engine.sip_worker.flood import FloodBrake
from cti_engine.sip_worker.orders import Orders
from cti_engine.sip_worker.pump import Pump, sip_socket
from cti_engine.sip_worker.recorder import PartsFolder
from cti_engine.sip_worker.worker import Worker
from cti_engine.wire.link import LinkClient
from cti_engine.wire.tasks import spawn
from cti_engine.wire.vocabulary import to_plain
from cti_engine.wire.worker_frames import Slots

BYE_TIME = 2.0
_log = logging.getLogger("cti.worker")


def serve(config: WorkerConfig, control: Connection | None = None) -> None:
    """Run until SIGTERM, `stop`, or drained; never returns: a plain exit would abort in native code."""
    try:
        asyncio.run(_Process(config, control).run())
    except Exception:
        _log.exception("worker %s failed", config.name)
        os._exit(1)
    os._exit(0)


class _Process:
    def __init__(self, config: WorkerConfig, control: Connection | None) -> None:
        self._config = config
        self._pipe = control
        self._control: ControlPipe | None = None
        self._told: tuple[str, int] | None = None
        self._slots: Slots | None = None

    async def run(self) -> None:
        config, loop = self._config, asyncio.get_running_loop()
        self._ending = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, self._ending.set)
        loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C is the supervisor's to pass on
        parts = PartsFolder(Path(config.recordings))
        endpoint = SipEndpoint(config)
        self._sip = "{}:{}".format(*endpoint.address)
        fd = sip_socket(*endpoint.address)
        pump = Pump(endpoint.library, fd, config.tick, lambda: self._worker.calm)
        brake = FloodBrake(pump.pause)
        endpoint.library.on_rejected = brake.rejected
        self._engine = LinkClient(
            config.engine_address,
            config.name,
            "worker",
            hello_body=lambda: {"legs": list(self._worker.legs), "sip": self._sip},
            on_frame=lambda type_, body: self._orders.take(type_, body),
            on_connected=self._engine_connected,
        )
        self._edge = LinkClient(
            config.placement_address,
            config.name,
            "worker",
            hello_body=lambda: to_plain(self._free_slots())[1],
            on_frame=lambda type_, body: _log.error("the edge sent %s, which workers do not take", type_),
        )
        self._worker = Worker(
            config,
            endpoint,
            brake,
            parts,
            send=self._signal,
            away_since=lambda: self._engine.away_since,
            on_change=self._changed,
        )
        self._orders = Orders(config, self._worker, self._signal)
        # The hello says it. Said again behind the hello it would come when the edge has given us a call already.
        self._slots = self._free_slots()
        if self._pipe is not None:
            self._control = ControlPipe(self._pipe, self._order)
        pump.start()
        spawn(self._engine.run(), "engine link")
        spawn(self._edge.run(), "placement link")
        spawn(self._finish_leftovers(parts), "leftover recordings")
        self._tell_ready()
        self._every_second()
        await self._ending.wait()
        await self._end(pump, endpoint, parts)

    def _tell_ready(self) -> None:
        if self._config.ready_file:
            path = Path(self._config.ready_file)
            part = path.with_name(path.name + ".part")
            part.write_text(json.dumps({"sip": self._sip, "pid": os.getpid()}))
            part.replace(path)

    async def _finish_leftovers(self, parts: PartsFolder) -> None:
        for recording, path, seconds in await asyncio.to_thread(parts.left_behind):
            _log.warning("finished recording %s of a worker that died: %s", recording, path)
            self._signal(signals.RecordingEnded(self._config.name, recording, path, seconds))

    # --- links -----------------------------------------------------------------------------------

    def _signal(self, what: signals.Signal) -> None:
        self._engine.send(*to_plain(what))

    def _engine_connected(self, connected: bool) -> None:
        if connected:
            self._worker.engine_back()
        else:
            _log.warning("the engine is away; calls go on")

    def _order(self, do: str) -> None:
        if do == "stop":
            self._ending.set()
        else:
            self._worker.drain()

    def _changed(self) -> None:
        """Tell the edge and the supervisor, and end when drained."""
        slots = self._free_slots()
        if slots != self._slots:
            self._slots = slots
            self._edge.send(*to_plain(slots))
        if (self._worker.state, len(self._worker.legs)) != self._told:
            self._beat()
        if self._worker.draining and self._worker.idle:
            self._ending.set()

    def _free_slots(self) -> Slots:
        return Slots(self._worker.free, self._sip, self._worker.agents)

    def _every_second(self) -> None:
        asyncio.get_running_loop().call_later(1.0, self._every_second)
        self._worker.check_away()
        self._changed()
        self._beat()

    def _beat(self) -> None:
        self._told = (self._worker.state, len(self._worker.legs))
        if self._control is not None:
            self._control.beat(self._heartbeat())

    def _heartbeat(self) -> dict[str, Any]:
        return {
            "worker": self._config.name,
            "state": self._worker.state,
            "legs": len(self._worker.legs),
            "done": self._worker.interactions,
            "at": time.monotonic(),
        }

    # --- the end ---------------------------------------------------------------------------------

    async def _end(self, pump: Pump, endpoint: SipEndpoint, parts: PartsFolder) -> None:
        await self._worker.close(BYE_TIME)
        self._changed()
        await asyncio.gather(self._engine.flush(1.0), self._edge.flush(0.2))
        self._engine.close()
        self._edge.close()
        pump.stop()
        endpoint.close()
        parts.close()
