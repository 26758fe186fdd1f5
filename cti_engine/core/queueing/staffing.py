"""The fewest servers that meet targets. Every target is easier with more servers, so bisection finds the number."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from cti_engine.core.queueing import checks
from cti_engine.core.queueing.erlang_a import ErlangA, ServiceLevel
from cti_engine.core.queueing.erlang_b import ErlangB


@dataclass(frozen=True, slots=True)
class Targets:
    """What is wanted; None: anything. Shares in (0, 1), times in the unit of the rates' unit of time.

    `service_level`: at least this share within `threshold`, by `definition`. `asa`, `abandonment`, `occupancy`: at
    most. Raises ValueError for a value out of range or no target at all.
    """

    service_level: float | None = None
    threshold: float = 0.0
    definition: ServiceLevel = ServiceLevel.OFFERED
    asa: float | None = None
    abandonment: float | None = None
    occupancy: float | None = None

    def __post_init__(self) -> None:
        checks.time(self.threshold)
        shares = {name: getattr(self, name) for name in ("service_level", "abandonment", "occupancy")}
        checks.share(**{name: value for name, value in shares.items() if value is not None})
        if self.asa is not None:
            checks.positive(asa=self.asa)
        if self.asa is None and not any(shares.values()):
            raise ValueError("at least one target is needed")

    def met_by(self, queue: ErlangA) -> bool:
        """Whether the queue meets them all; the cheap ones are asked first."""
        return (
            (self.occupancy is None or queue.occupancy <= self.occupancy)
            and (self.abandonment is None or queue.abandonment <= self.abandonment)
            and (self.asa is None or queue.asa <= self.asa)
            and (
                self.service_level is None
                or queue.service_level(self.threshold, self.definition) >= self.service_level
            )
        )


def servers_for(arrivals: float, service: float, targets: Targets, *, patience: float = math.inf) -> int:
    """The fewest servers of M/M/c + M that meet the targets. Rates in calls, patience in time, of one unit of time.

    Raises ValueError for rates or patience that are not above 0.
    """
    checks.positive(arrivals=arrivals, service=service)
    least = 1 if patience != math.inf else math.floor(arrivals / service) + 1
    return _smallest(
        lambda servers: targets.met_by(ErlangA(arrivals, service, servers, patience)),
        least,
        arrivals / service,
    )


def servers_for_blocking(load: float, blocking: float) -> int:
    """The fewest trunks on which this load (Erlang) loses at most this share. Raises ValueError as ErlangB does."""
    checks.positive(load=load)
    checks.share(blocking=blocking)
    return _smallest(lambda servers: ErlangB(load, servers).blocking <= blocking, 1, load)


def _smallest(good: Callable[[int], bool], least: int, load: float) -> int:
    """The first number from `least` up that is good: outward from the load by steps that double, then halving."""
    step = max(1, math.isqrt(math.ceil(load)) // 2)
    low, high = least - 1, max(least, math.ceil(load))
    if good(high):
        while (lower := high - step) > low:
            if not good(lower):
                low = lower
                break
            high, step = lower, step * 2
    else:
        low = high
        while not good(high := high + step):
            low, step = high, step * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if good(middle) else (middle, high)
    return high
