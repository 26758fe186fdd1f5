"""The retained views of agents, queues and supervisors who have taken a call over: an agent's at once, a queue's at
most ten times a second.

A busy queue changes with every call; nobody reads faster than that, and each view costs a look at all its members.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from cti_engine.core.acd import Acd

QUEUE_EVERY = 0.1
AGENTS_AT_ONCE, MEMBERS_AT_ONCE = 200, 5000
"""Agents' views of one batch, and members that its queues' views look at: new rules touch everybody, and thousands at
once would halt the loop."""

Key = tuple[str, str]
"""(`agent`, `queue` or `supervisor`, id)."""


class Views:
    def __init__(self, acd: Acd) -> None:
        self._acd = acd
        self._told_at: dict[Key, float] = {}
        self._late: dict[Key, None] = {}

    def due(self, seen: set[Key], now: float) -> tuple[dict[Key, Any], float | None]:
        """The views to publish now, and in how many seconds to ask again (None: nothing was put off).

        What changed just now comes before what was put off.
        """
        waiting = dict.fromkeys(chain(sorted(seen), self._late))
        room = {"agent": AGENTS_AT_ONCE, "queue": MEMBERS_AT_ONCE, "supervisor": AGENTS_AT_ONCE}
        queue_definition = self._acd.center.queue_definition
        views: dict[Key, Any] = {}
        backlog = False
        for key in waiting:
            if now - self._told_at.get(key, 0.0) < QUEUE_EVERY:
                continue
            if room[key[0]] <= 0:
                backlog = True
                continue
            room[key[0]] -= 1 + len(queue_definition(key[1]).members) if key[0] == "queue" else 1
            views[key] = self._view(key)
            if key[0] == "queue":
                self._told_at[key] = now
        for key in views:
            del waiting[key]
        self._late = waiting
        return views, 0.0 if backlog else QUEUE_EVERY if waiting else None

    def all(self) -> dict[Key, Any]:
        center = self._acd.center
        keys = [("agent", a) for a in center.definitions.agents]
        keys += [("queue", q) for q in center.definitions.queues]
        supervisors = {one for contact in center.contacts.values() for one in contact.supervisors}
        keys += [("supervisor", s) for s in sorted(supervisors | center.other_phones.keys())]
        return {key: self._view(key) for key in keys}

    def _view(self, key: Key) -> Any:
        """None for what has been taken out of the definitions, or is over: its retained state is taken away."""
        acd = self._acd
        view = {"agent": acd.agent_view, "queue": acd.queue_view, "supervisor": acd.supervisor_view}[key[0]]
        return view(key[1])
