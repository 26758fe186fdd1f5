"""Everything that the edge sees, refuses or drops is counted here, and told once a minute in one log line."""

from __future__ import annotations

from collections import Counter


class Counters:
    """Names are dotted: what, then why (`refused.unknown_source`, `dropped.malformed`)."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._told: dict[str, int] = {}

    def add(self, name: str) -> None:
        self._counts[name] += 1

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def news(self) -> dict[str, int]:
        """What has been counted since the last call, by name."""
        now = dict(self._counts)
        news = {name: count - self._told.get(name, 0) for name, count in sorted(now.items())}
        self._told = now
        return {name: count for name, count in news.items() if count}
