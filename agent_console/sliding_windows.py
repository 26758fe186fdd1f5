"""How often something happened lately, by key: sliding windows that a flood of new keys cannot blow up."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable

MAX_KEYS = 10_000  # the oldest are forgotten first, so that a flood of names cannot fill the memory


class SlidingWindow:
    """Counts in the last `seconds`; at most `most` a key are kept. `now` is any clock that only grows, in seconds."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._times: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def wait(self, key: Hashable, limit: int, now: float) -> float:
        """Seconds until there are fewer than `limit` of this key; 0.0 when there are now."""
        times = self._times.get(key)
        if times is None:
            return 0.0
        while times and times[0] <= now - self._seconds:
            times.popleft()
        if len(times) < limit:
            return 0.0
        return times[-limit] + self._seconds - now

    def count(self, key: Hashable, now: float) -> None:
        self._times.setdefault(key, deque(maxlen=self._most)).append(now)
        self._times.move_to_end(key)
        while len(self._times) > MAX_KEYS:
            self._times.popitem(last=False)
