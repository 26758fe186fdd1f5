"""Which agents have a desk in front of them, told to the engine: it holds the ring for a pop only then.

A desk in a hidden tab paints nothing, so it does not count. The engine forgets pages when it restarts,
so all of them are told again whenever it comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Tell = Callable[[str, str, dict[str, Any]], None]  # agent, request, arguments


class Presence:
    """Pages by id. `tell` publishes; while the engine is away nothing is told, for it would expire."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._visible: dict[str, str] = {}  # page to agent
        self._engine_up = False

    def show(self, page: str, agent: str) -> None:
        """The desk of `agent` came in front on `page`."""
        if page not in self._visible:
            self._visible[page] = agent
            self._say("PageOpened", page, agent)

    def hide(self, page: str) -> None:
        """The desk on `page` is closed or hidden."""
        agent = self._visible.pop(page, None)
        if agent is not None:
            self._say("PageClosed", page, agent)

    def on_engine(self, up: bool) -> None:
        self._engine_up = up
        for page, agent in self._visible.items():
            self._say("PageOpened", page, agent)

    def _say(self, name: str, page: str, agent: str) -> None:
        if self._engine_up:
            self._tell(agent, name, {"page": page})
