"""A queue's metrics by their names and formulas in the routing notes (Metrics): a pure fold over events and records.

Counts are those of `QueueCounts`, which the live center shows; this adds what needs each call: waits and handle times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from cti_engine.core import events as ev
from cti_engine.core.reporting.service_level import QueueCounts

QUANTILES = (50, 90, 95)
METRICS = (
    "offered", "answered", "abandoned", "flowed_out", "service_level", "service_level_abandons_ignored",
    "service_level_abandons_penalised", "service_level_abandons_credited", "abandon_rate", "short_abandon", "asa",
    *(f"wait_p{each}" for each in QUANTILES), "longest_wait", "att", "hold_time", "acw", "aht",
)  # fmt: skip


@dataclass(slots=True)
class QueueFigures:
    """`waits` of the answered, seconds; `early`: abandoned within the threshold, `short`: under `short_abandon`."""

    counts: QueueCounts = field(default_factory=lambda: QueueCounts(""))
    waits: list[float] = field(default_factory=list)
    early: int = 0
    short: int = 0
    longest: float = 0.0
    handled: int = 0
    talk: float = 0.0
    hold: float = 0.0
    wrap_up: float = 0.0

    def apply(self, event: ev.Event, threshold: float, short_abandon: float) -> None:
        """Take one event of this queue; both times in seconds."""
        self.counts.apply(event, threshold)
        match event:
            case ev.CallBridged():
                self.waits.append(event.waited_s)
            case ev.CallAbandoned():
                self.early += event.waited_s <= threshold
                self.short += event.waited_s < short_abandon
            case ev.QueueLeft():
                pass
            case _:
                return
        self.longest = max(self.longest, event.waited_s)

    def closed(self, talk: float, hold: float, wrap_up: float) -> None:
        """An answered call of this queue is over; seconds, as in its record."""
        self.handled += 1
        self.talk += talk
        self.hold += hold
        self.wrap_up += wrap_up

    def metrics(self) -> dict[str, float]:
        """By the names of METRICS: shares of 1, seconds; nan where there was nothing to divide by."""
        counts, waits = self.counts, sorted(self.waits)
        handled = self.handled
        found = {
            "offered": float(counts.offered),
            "answered": float(counts.answered),
            "abandoned": float(counts.abandoned),
            "flowed_out": float(counts.flowed_out),
            "service_level": _ratio(counts.in_time, counts.offered - self.short),
            "service_level_abandons_ignored": _ratio(counts.in_time, counts.offered - self.early),
            "service_level_abandons_penalised": _ratio(counts.in_time, counts.offered),
            "service_level_abandons_credited": _ratio(counts.in_time + self.early, counts.offered),
            "abandon_rate": _ratio(counts.abandoned, counts.offered),
            "short_abandon": float(self.short),
            "asa": _ratio(sum(waits), len(waits)),
            "longest_wait": self.longest,
            "att": _ratio(self.talk, handled),
            "hold_time": _ratio(self.hold, handled),
            "acw": _ratio(self.wrap_up, handled),
            "aht": _ratio(self.talk + self.hold + self.wrap_up, handled),
        }
        for each in QUANTILES:  # nearest rank
            found[f"wait_p{each}"] = waits[-(-each * len(waits) // 100) - 1] if waits else math.nan
        return {name: found[name] for name in METRICS}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
