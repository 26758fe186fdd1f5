"""How long each agent was busy within the present and the last 29 whole minutes, in one-minute buckets by row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MINUTE, MINUTES = 60_000, 30


class BusyWindow:
    """A bucket counts only while `_minute` says that it is of the window. Times in ms."""

    def __init__(self, rows: int) -> None:
        self._busy = np.zeros((rows, MINUTES), np.int32)
        self._minute = np.full((rows, MINUTES), -MINUTES, np.int32)
        self._since = np.full(rows, -1, np.int64)

    def grow(self, rows: int) -> None:
        more = BusyWindow(rows - len(self._since))
        self._busy = np.concatenate([self._busy, more._busy])
        self._minute = np.concatenate([self._minute, more._minute])
        self._since = np.concatenate([self._since, more._since])

    def reordered(self, rows: NDArray[np.intp], places: NDArray[np.intp], size: int) -> BusyWindow:
        """What was kept of `rows`, at `places` of a new window."""
        other = BusyWindow(size)
        other._busy[places] = self._busy[rows]
        other._minute[places] = self._minute[rows]
        other._since[places] = self._since[rows]
        return other

    def forget(self, row: int) -> None:
        self._minute[row] = -MINUTES
        self._since[row] = -1

    def begin(self, row: int, now: int) -> None:
        self._since[row] = now

    def end(self, row: int, now: int) -> None:
        at = max(int(self._since[row]), _window_start(now))
        self._since[row] = -1
        minutes, busy = self._minute[row].data, self._busy[row].data  # single numbers are quicker by a view
        while at < now:
            minute = at // MINUTE
            until = min(now, (minute + 1) * MINUTE)
            place = minute % MINUTES
            if minutes[place] != minute:
                minutes[place], busy[place] = minute, 0
            busy[place] += until - at
            at = until

    def busy(self, rows: NDArray[np.intp], now: int) -> NDArray[np.int64]:
        """Busy ms of these rows."""
        oldest = now // MINUTE - MINUTES + 1
        over = np.where(self._minute[rows] >= oldest, self._busy[rows], 0).sum(axis=1, dtype=np.int64)
        since = self._since[rows]
        running = now - np.maximum(since, _window_start(now))
        found: NDArray[np.int64] = over + np.where(since >= 0, np.maximum(running, 0), 0)
        return found


def _window_start(now: int) -> int:
    return (now // MINUTE - MINUTES + 1) * MINUTE
