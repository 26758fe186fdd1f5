"""What the engine process is told at its start; apart from the engine, so that the supervisor need not import that."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from speech.engines import Engine as VoiceEngine


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """`address` is where workers, edge and supervisor connect. `utc_offset` (for the center's day) and
    `keep_events` in seconds.
    """

    home: Path
    var: Path
    store_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    broker_user: str
    broker_password: str = field(repr=False)
    address: str
    secret: bytes = field(repr=False)
    customers_url: str = field(repr=False)
    customers_cache: str = field(repr=False)
    accounts_db: Path
    realm: str
    digest: str
    prompts: Path
    voices: tuple[VoiceEngine, ...]
    utc_offset: float
    ready_file: Path
    keep_events: float


def utc_offset(time_zone: str) -> float:
    """Seconds that the center's day is ahead of UTC now; empty: the machine's own zone."""
    moment = datetime.fromtimestamp(time.time(), UTC)
    local = moment.astimezone(ZoneInfo(time_zone) if time_zone else None)
    offset = local.utcoffset()
    return offset.total_seconds() if offset is not None else 0.0
