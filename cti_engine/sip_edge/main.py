"""The edge as a process: `serve(config)` runs until SIGTERM and writes the ready file when it can be called."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sqlite3
import sys
from dataclasses import asdict

import uvloop

from cti_engine.sip_edge.config import EdgeConfig
from cti_engine.sip_edge.edge import Edge
from cti_engine.sip_edge.names import resolve
from cti_engine.wire.tasks import spawn

_TELL_EVERY = 60.0  # seconds; also how often the names of trunks are resolved again

_log = logging.getLogger("cti.edge")


def serve(config: EdgeConfig) -> None:
    """Run the edge. Exits 3 with one line if it cannot stand up (port taken, file not writable).

    SIGUSR1 takes our log-ins at carriers back, before a drain. Logs go where the parent set them up, else to stderr.
    """
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(config))
    except (OSError, sqlite3.Error, ValueError) as error:
        _log.error("the edge cannot run on %s:%d: %s", config.bind, config.sip_port, error)
        sys.exit(3)


async def _serve(config: EdgeConfig) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    edge = Edge(config)
    await edge.start()
    spawn(edge.link.run(), "engine link")
    every_minute = spawn(_every_minute(edge), "every minute")
    port = edge.transports.port
    edge.trunk_logins.changed = lambda: _write_ready(config, edge)
    loop.add_signal_handler(signal.SIGUSR1, lambda: spawn(edge.trunk_logins.log_out(), "drain"))
    _write_ready(config, edge)
    _log.info("listening on %s:%d (UDP and TCP), announced as %s", config.bind, port, config.advertise)
    await stop.wait()
    every_minute.cancel()
    await edge.close()
    config.ready_file.unlink(missing_ok=True)


def _write_ready(config: EdgeConfig, edge: Edge) -> None:
    """Also how `doctor` learns where our log-ins at carriers stand."""
    config.ready_file.parent.mkdir(parents=True, exist_ok=True)
    draft = config.ready_file.with_name(f".{config.ready_file.name}.{os.getpid()}")
    said = {
        "sip_port": edge.transports.port,
        "pid": os.getpid(),
        "trunks": {name: asdict(standing) for name, standing in edge.trunk_logins.standings.items()},
    }
    draft.write_text(json.dumps(said))
    draft.replace(config.ready_file)


async def _every_minute(edge: Edge) -> None:
    while True:
        for name, destination in edge.trunks.destinations.items():
            try:
                edge.trunks.resolved(name, await resolve(destination))
            except (OSError, ValueError) as error:  # the address known before stays in force
                _log.error("trunk %s: no address for %s: %s", name, destination, error)
        await asyncio.sleep(_TELL_EVERY)
        news = edge.counters.news()
        if news:
            _log.info("counters %s", json.dumps(news))
