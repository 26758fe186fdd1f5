"""What a gateway process is told at start: plain frozen data that can be pickled to a child process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """`address` is the Unix socket for consoles. SIP and audio take any free ports.

    `accounts_db` has each agent's HA1, with which the gateway registers as that agent at the edge: no password is
    needed, and the HA1 never leaves the machine. `calls_file` holds what a new life needs to go on: port and calls.
    Seconds: a phone whose page does not come back is un-registered after `idle_grace`; in a call it is kept alive
    with silence for `call_grace`, then the worker's media time-out ends it as that of any phone that vanished.
    """

    address: str
    bind: str
    advertise: str
    edge_host: str
    edge_port: int
    accounts_db: Path
    realm: str
    calls_file: Path
    ready_file: Path
    idle_grace: float = 20.0
    call_grace: float = 60.0
    expires: int = 60
