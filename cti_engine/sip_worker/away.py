"""What a worker decides by itself while the engine is away (architecture decision 6). Pure.

While the engine is connected none of this is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LegNow:
    """`since`: when the leg began, `time.monotonic()` seconds; `partners`: the legs that it talks with."""

    incoming: bool
    answered: bool
    since: float
    partners: frozenset[str]


class Partners:
    """Who has talked with whom, as long as both live: who is on hold hears nobody, and is not left alone. Who only
    listens is nobody's partner.
    """

    def __init__(self) -> None:
        self._pairs: set[frozenset[str]] = set()

    def bridged(self, paths: Iterable[tuple[str, str]]) -> None:
        told = set(paths)
        self._pairs |= {frozenset(pair) for pair in told if pair[::-1] in told}

    def over(self, leg: str) -> None:
        self._pairs = {pair for pair in self._pairs if leg not in pair}

    def of(self, leg: str) -> frozenset[str]:
        return frozenset().union(*(pair - {leg} for pair in self._pairs if leg in pair))


@dataclass(frozen=True, slots=True)
class Release:
    """End `leg`; after the apology has been heard if `apology`."""

    leg: str
    apology: bool
    reason: str


def left_behind(ended: str, legs: Mapping[str, LegNow]) -> list[str]:
    """Legs to end because `ended` (no longer in `legs`) is over.

    Who was bridged to it and to nobody else; and an agent's leg when no caller is left to wait for it.
    """
    caller_left = any(leg.incoming for leg in legs.values())
    return [
        name
        for name, leg in legs.items()
        if leg.partners == {ended} or (not leg.incoming and not leg.partners and not caller_left)
    ]


def due(
    legs: Mapping[str, LegNow], away_since: float, now: float, release_after: float, max_length: float
) -> list[Release]:
    """Legs whose time is up: nobody bridged them in `release_after` seconds, or they reached `max_length`."""
    found = []
    for name, leg in legs.items():
        if now - leg.since >= max_length:
            found.append(Release(name, False, "maximum length"))
        elif not leg.partners and now - max(away_since, leg.since) >= release_after:
            found.append(Release(name, leg.incoming and leg.answered, "engine away"))
    return found
