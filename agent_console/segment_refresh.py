"""Customers' figures are made anew each day, at the time of config/segments.yaml, in a process of its own with low
priority: neither pages nor calls wait for it. A day that was missed (the machine was off) is made up for.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from cti_engine.adapters.campaign_lists import scored_at
from cti_engine.adapters.sql_database import Database, DatabaseFault
from cti_engine.definitions.segment_loader import recompute_at

FIRST_LOOK, LOOK_EVERY = 60.0, 600.0  # seconds; a center that starts has other things to do
DAY = 86_400.0

_log = logging.getLogger("cti.console")


def due_since(now: float, at: int, utc_offset: float) -> float:
    """The last moment, up to `now`, when it was `at` minutes after the center's midnight; wall seconds."""
    midnight = now - (now + utc_offset) % DAY
    moment = midnight + at * 60.0
    return moment if moment <= now else moment - DAY


class SegmentRefresh:
    """`environment`: of the child beside ours, which finds files and customers by it as the command line does."""

    def __init__(
        self,
        database: Database,
        home: Path,
        now: Callable[[], float],
        utc_offset: float,
        environment: dict[str, str],
    ) -> None:
        self._database = database
        self._home = home
        self._now = now
        self._utc_offset = utc_offset
        self._environment = environment

    async def run(self) -> None:
        await asyncio.sleep(FIRST_LOOK)
        while True:
            try:
                if await asyncio.to_thread(self._is_due):
                    await self._refresh()
            except (DatabaseFault, OSError) as error:
                _log.warning("customers' figures are made later: %s", error)
            await asyncio.sleep(LOOK_EVERY)

    def _is_due(self) -> bool:
        at = recompute_at(self._home)
        return at is not None and scored_at(self._database) < due_since(self._now(), at, self._utc_offset)

    async def _refresh(self) -> None:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cti_engine", "customers", "segments", "--json",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env={**os.environ, **self._environment},
        )  # fmt: skip
        try:
            os.setpriority(os.PRIO_PROCESS, child.pid, 15)
            _, told = await child.communicate()
        except asyncio.CancelledError:
            child.kill()
            raise
        if child.returncode:
            _log.warning("customers' figures: %s", told.decode(errors="replace").strip()[-500:])
