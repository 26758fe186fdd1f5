"""The gateway as a process: `serve(config)` runs until SIGTERM and writes the ready file when browsers may connect."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys

import uvloop

from cti_engine.webrtc_gateway.config import GatewayConfig
from cti_engine.webrtc_gateway.gateway import Gateway
from cti_engine.wire.clock import Clock
from cti_engine.wire.private_files import write_private

_log = logging.getLogger("cti.gateway")


def serve(config: GatewayConfig) -> None:
    """Run the gateway. Exits 3 with one line if it cannot stand up."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("aioice").setLevel("WARNING")  # a line for each candidate
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(config))
    except OSError as error:
        _log.error("the gateway cannot run on %s: %s", config.bind, error)
        sys.exit(3)


async def _serve(config: GatewayConfig) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    gateway = Gateway(config, Clock().now)
    await gateway.start()
    said = {"sip_port": gateway.sip_port, "pid": os.getpid()}
    write_private(config.ready_file, json.dumps(said).encode())
    _log.info("browser phones at %s, SIP on %s:%d", config.address, config.bind, gateway.sip_port)
    await stop.wait()
    await gateway.close()
    config.ready_file.unlink(missing_ok=True)
