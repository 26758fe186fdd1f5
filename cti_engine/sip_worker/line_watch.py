"""Which lines have become poor, or good again: what came of the packets in the last ten seconds. Pure.

Told only as it changes, so a good line costs no message at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cti_engine.core.line_quality import is_poor, mos

INTERVAL = 2.0
"""Seconds between two looks."""
LOOKS = 6
FRAME = 20.0  # ms
LEAST = 150
"""So many packets are three seconds: of less nothing is said, for a call begins with late and lost ones."""


@dataclass(frozen=True, slots=True)
class LineCounts:
    """Since the stream began (RFC 3550): packets `received`, `lost` on the way, and of those that we have `sent` how
    many the phone says it has `missed`. `jitter` and `round_trip` in ms. What the jitter buffer says is not asked:
    nobody reads it while the caller is only spoken to, so it discards all.
    """

    received: int
    lost: int
    sent: int
    missed: int
    jitter: float
    round_trip: float


@dataclass(frozen=True, slots=True)
class Line:
    """`loss` (share of the packets) of the worse direction; `jitter`, `delay` in ms."""

    poor: bool
    mos: float
    loss: float
    jitter: float
    delay: float


class LineWatch:
    """Ask every INTERVAL seconds."""

    def __init__(self) -> None:
        self._looks: dict[str, deque[LineCounts]] = {}
        self._poor: set[str] = set()

    def changed(self, lines: Mapping[str, LineCounts | None]) -> Iterator[tuple[str, Line]]:
        """`lines`: of each leg that lives; None while nothing is heard of it (hold): then it stays what it was."""
        self._looks = {leg: looks for leg, looks in self._looks.items() if leg in lines}
        self._poor &= lines.keys()
        for leg, now in lines.items():
            looks = self._looks.setdefault(leg, deque(maxlen=LOOKS))
            if now is None or (looks and now.received < looks[-1].received):
                looks.clear()  # another stream counts from 0
            if now is None:
                continue
            looks.append(now)
            line = _line(looks[0], now, was=leg in self._poor)
            if line is not None and line.poor != (leg in self._poor):
                self._poor ^= {leg}
                yield leg, line


def _line(before: LineCounts, now: LineCounts, *, was: bool) -> Line | None:
    received, lost = now.received - before.received, max(0, now.lost - before.lost)
    if received + lost < LEAST:
        return None
    sent, missed = now.sent - before.sent, max(0, now.missed - before.missed)
    loss = max(lost / (received + lost), min(1.0, missed / sent) if sent >= LEAST else 0.0)
    delay = now.round_trip / 2 + 2 * now.jitter + FRAME  # a buffer that adapts holds about twice the jitter
    score = mos(loss, delay)
    return Line(is_poor(score, was), score, loss, now.jitter, delay)
