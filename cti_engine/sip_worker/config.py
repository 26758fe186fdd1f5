"""What one worker process is told at its start; picklable, so that it crosses a forkserver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """`secret` signs the edge's placements and is never logged (`repr` leaves it out). Times in seconds.

    `media_timeout`: without a packet from a phone for so long its leg is ended; 0 waits for ever.
    `apology`: WAV files that an unbridged caller hears before being released when the engine stays away.
    `recognisers`: who understands callers, as socket by language.
    `inband_dtmf`: whether keys are looked for in the audio: `auto`, `always` or `never` (keys.py).
    `domains`: hosts of SIP addresses that are this center's, beside those that are named here anyway.
    `sip_port` 0 takes any free one; `rtp_ports` is the size of the slice that starts at `rtp_port`.
    """

    name: str
    engine_address: str
    placement_address: str
    edge_host: str
    edge_port: int
    realm: str
    secret: bytes = field(repr=False)
    recordings: str
    rtp_port: int
    rtp_ports: int = 40
    bind: str = "127.0.0.1"
    media_address: str = "127.0.0.1"
    sip_port: int = 0
    apology: tuple[str, ...] = ()
    recognisers: Mapping[str, str] = field(default_factory=dict)
    max_length: float = 4 * 3600.0
    calls_max: int = 4
    reuse_limit: int = 200
    tick: float = 0.1
    engine_away_release: float = 60.0
    media_timeout: float = 30.0
    inband_dtmf: str = "auto"
    domains: tuple[str, ...] = ()
    ready_file: str = ""
