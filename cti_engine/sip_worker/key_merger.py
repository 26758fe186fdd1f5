"""One press of a key that a phone sends in several ways is counted once; each way reports a press at most once. Pure.

So the n-th report of a key by one way is the n-th press: a key that is really pressed twice counts twice, however fast.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LATE = 0.5
"""Seconds after the end of a press (its beginning, where the end is not known) in which another way may report it.
INFO comes when the key is let go, tones are recognised after the jitter buffer and some 50 ms."""


@dataclass(slots=True)
class _Press:
    key: str
    at: float
    until: float
    ways: set[str] = field(default_factory=set)


class KeyMerger:
    """The keys of one leg. Times are seconds of any one clock; reports come in the order of their arrival."""

    def __init__(self) -> None:
        self._presses: list[_Press] = []
        self._held: dict[str, _Press] = {}

    def pressed(self, key: str, way: str, at: float, *, held: bool = False) -> bool:
        """Whether this report is a press that has not been counted; `held`: `released` will tell its end."""
        self._presses = [one for one in self._presses if one.until + LATE >= at]
        press = next(
            (one for one in self._presses if one.key == key and way not in one.ways and at >= one.at - LATE),
            None,
        )
        new = press is None
        if press is None:
            press = _Press(key, at, at)
            self._presses.append(press)
        press.ways.add(way)
        if held:
            press.until = float("inf")
            self._held[way] = press
        return new

    def released(self, way: str, at: float) -> None:
        """The key that this way reported as held has been let go."""
        press = self._held.pop(way, None)
        if press is not None:
            press.until = max(at, press.at)
