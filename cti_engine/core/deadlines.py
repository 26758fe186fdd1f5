"""Deadlines as data: who must be woken when. A heap with lazy deletion; the runtime arms one timer for the first.

An entry is (owner kind, owner id, name). Setting it again moves it; owners keep their own copy, so that a restart
rebuilds this from the rows.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

Key = tuple[str, str, str]


class Deadlines:
    def __init__(self) -> None:
        self._at: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []

    def __len__(self) -> int:
        return len(self._at)

    def set(self, key: Key, at: float) -> None:
        if self._at.get(key) == at:
            return
        self._at[key] = at
        heappush(self._heap, (at, key))
        if len(self._heap) > 64 and len(self._heap) > 4 * len(self._at):
            self._heap = [(at, key) for key, at in self._at.items()]
            heapify(self._heap)

    def cancel(self, key: Key) -> None:
        self._at.pop(key, None)

    def next(self) -> float | None:
        """Wall time of the first one, None when there is none."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> Key | None:
        """Remove and return the first one due at `now`; ties in key order, so a replay agrees."""
        first = self.next()
        if first is None or first > now:
            return None
        key = heappop(self._heap)[1]
        del self._at[key]
        return key
