"""Moments at which the matcher has to act, in the order of docs/routing.md: a heap that forgets lazily.

Whoever takes a moment out asks whether it still holds; what no longer holds is swept when it is the greater part.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

Owner = TypeVar("Owner")
SWEEP_AT = 128
"""Entries of a heap that is never swept."""


class Timers(Generic[Owner]):
    """`heap` of (at, seq, owner); `holds(at, owner)` tells whether one still counts. Times in ms."""

    def __init__(self, holds: Callable[[int, Owner], bool]) -> None:
        self.heap: list[tuple[int, int, Owner]] = []
        self._holds = holds
        self._sweep_at = SWEEP_AT

    def __len__(self) -> int:
        return len(self.heap)

    def set(self, at: int, seq: int, owner: Owner) -> None:
        heappush(self.heap, (at, seq, owner))
        if len(self.heap) > self._sweep_at:
            self.heap = [entry for entry in self.heap if self._holds(entry[0], entry[2])]
            heapify(self.heap)
            self._sweep_at = SWEEP_AT + 2 * len(self.heap)

    def first(self) -> tuple[int, int, Owner] | None:
        """The first that counts."""
        heap = self.heap
        while heap and not self._holds(heap[0][0], heap[0][2]):
            heappop(heap)
        return heap[0] if heap else None

    def next(self) -> int | None:
        first = self.first()
        return None if first is None else first[0]

    def take(self) -> Owner:
        """Remove the first that counts. Raises IndexError when there is none."""
        self.first()
        return heappop(self.heap)[2]
