"""Fixtures of the worker's tests: a world of its own for each, put away afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.sip_worker.world import World


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world whose worker is not started yet: tests choose its settings."""
    made = World(tmp_path)
    yield made
    await made.stop()
