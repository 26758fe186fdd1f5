"""Tests wait on conditions with a deadline, never for a fixed time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


async def until(condition: Callable[[], _T], what: str, *, within: float = 5.0, every: float = 0.005) -> _T:
    """Ask `condition` until it is true and return what it gave; AssertionError after `within` seconds."""
    end = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {within:g} s: {what}"
        await asyncio.sleep(every)
    return value
