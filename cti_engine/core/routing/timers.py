"""Moments at which the matcher has to act, in the order of docs/routing.md: heaps that forget lazily.

Whoever takes a moment out asks whether it still holds; what no longer holds is swept when it is the greater part.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

Owner = TypeVar("Owner")
SWEEP_AT = 128
"""Entries that are never swept."""
SECOND = 1000


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


class DistantTimers(Generic[Owner]):
    """The same for very many owners of one moment each, which `moment` tells as (at, seq), None for none.

    Until their second comes they stand in it unsorted: 8 bytes each, where an entry of the heap has 72.
    """

    def __init__(self, moment: Callable[[Owner], tuple[int, int] | None]) -> None:
        self._moment = moment
        self._near: Timers[Owner] = Timers(self._holds)
        self._far: dict[int, list[Owner]] = {}
        self._seconds: list[int] = []  # a heap of those in `_far`
        self._begun = -1
        self._distant = 0
        self._sweep_at = SWEEP_AT

    def _holds(self, at: int, owner: Owner) -> bool:
        moment = self._moment(owner)
        return moment is not None and moment[0] == at

    def __len__(self) -> int:
        return self._distant + len(self._near)

    def set(self, owner: Owner) -> None:
        """Its moment is a new one."""
        moment = self._moment(owner)
        if moment is None:
            return
        second = moment[0] // SECOND
        if second <= self._begun:
            self._near.set(*moment, owner)
            return
        far = self._far.get(second)
        if far is None:
            self._far[second] = [owner]
            heappush(self._seconds, second)
        else:
            far.append(owner)
        self._distant += 1
        if self._distant > self._sweep_at:
            self._sweep()

    def _sweep(self) -> None:
        for second, owners in self._far.items():
            owners[:] = self._of(second, owners)
        self._distant = sum(map(len, self._far.values()))
        self._sweep_at = SWEEP_AT + 2 * self._distant

    def _of(self, second: int, owners: list[Owner]) -> list[Owner]:
        """Whose moment is in this second, each once."""
        found = []
        for owner in dict.fromkeys(owners):
            moment = self._moment(owner)
            if moment is not None and moment[0] // SECOND == second:
                found.append(owner)
        return found

    def next(self) -> int | None:
        while (at := self._near.next()) is None and self._seconds:
            self._begun = heappop(self._seconds)
            owners = self._far.pop(self._begun)
            self._distant -= len(owners)
            for owner in self._of(self._begun, owners):
                moment = self._moment(owner)
                if moment is not None:
                    self._near.set(*moment, owner)
        return at

    def take(self) -> Owner:
        """Remove the first. Raises IndexError when there is none."""
        self.next()
        return self._near.take()
