"""Token buckets per address: so many a second, as many at once, and forgotten when long unused."""

from __future__ import annotations

from collections import OrderedDict

_REMEMBERED = 10_000  # addresses; a flood from more of them only forgets the ones seen longest ago


class Buckets:
    """`allow(key, now)` takes one token; `rate` tokens come back each second, up to `rate` (at least 1)."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._size = max(1.0, rate)
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, key: str, now: float) -> bool:
        level, since = self._levels.pop(key, (self._size, now))
        level = min(self._size, level + (now - since) * self._rate)
        allowed = level >= 1.0
        self._levels[key] = (level - 1.0 if allowed else level, now)
        if len(self._levels) > _REMEMBERED:
            self._levels.popitem(last=False)
        return allowed
