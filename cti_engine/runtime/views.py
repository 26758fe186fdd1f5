"""The retained views of agents and queues: an agent's at once, a queue's at most ten times a second.

A busy queue changes with every call; nobody reads faster than that, and each view costs a look at all its members.
"""

from __future__ import annotations

from typing import Any

from cti_engine.core.acd import Acd

QUEUE_EVERY = 0.1

Key = tuple[str, str]
"""(`agent` or `queue`, id)."""


class Views:
    def __init__(self, acd: Acd) -> None:
        self._acd = acd
        self._told_at: dict[Key, float] = {}
        self._late: set[Key] = set()

    def due(self, seen: set[Key], now: float) -> tuple[dict[Key, Any], float | None]:
        """The views to publish now, and in how many seconds to ask again (None: nothing was put off)."""
        wanted = sorted(seen | self._late)
        self._late = {key for key in wanted if now - self._told_at.get(key, 0.0) < QUEUE_EVERY}
        views = {}
        for key in wanted:
            if key not in self._late:
                views[key] = self._view(key)
                if key[0] == "queue":
                    self._told_at[key] = now
        return views, QUEUE_EVERY if self._late else None

    def all(self) -> dict[Key, Any]:
        definitions = self._acd.center.definitions
        keys = [("agent", a) for a in definitions.agents] + [("queue", q) for q in definitions.queues]
        return {key: self._view(key) for key in keys}

    def _view(self, key: Key) -> Any:
        """None for what has been taken out of the definitions: its retained state is taken away."""
        return self._acd.agent_view(key[1]) if key[0] == "agent" else self._acd.queue_view(key[1])
