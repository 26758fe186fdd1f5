"""The console's world serves here too: a broker, a scripted engine and a real console."""

from __future__ import annotations

from tests.console.conftest import broker, console, engine

__all__ = ["broker", "console", "engine"]
