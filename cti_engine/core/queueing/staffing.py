"""The fewest servers that meet targets. Every target is easier with more servers, so that it can be enclosed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from cti_engine.core.queueing import checks
from cti_engine.core.queueing.erlang_a import ErlangA, ServiceLevel
from cti_engine.core.queueing.erlang_b import log_blocking


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

    def margin(self, queue: ErlangA) -> float:
        """Not negative when the queue meets them all. It grows with the servers, nearly in a straight line."""
        margins = []
        if self.occupancy is not None:
            margins.append(_log(self.occupancy) - _log(queue.occupancy))
        if self.abandonment is not None:
            margins.append(_log(self.abandonment) - _log(queue.abandonment))
        if self.asa is not None:
            margins.append(_log(self.asa) - _log(queue.asa))
        if self.service_level is not None:
            level = queue.service_level(self.threshold, self.definition)
            margins.append(_logit(level) - _logit(self.service_level))
        return min(margins)

    def fluid(self, load: float, patience: float) -> float:
        """What calls that flow like water would need: near the answer, nearer the greater the load."""
        needs = []
        if self.occupancy is not None:
            needs.append(1.0 / self.occupancy)
        if self.abandonment is not None:
            needs.append(1.0 - self.abandonment)
        if self.asa is not None:
            needs.append(math.exp(-self.asa / patience))
        if self.service_level is not None:
            stay = math.exp(-self.threshold / patience)
            # of all calls that share has to be answered at all
            needs.append(max(stay, self.service_level) if self.definition is ServiceLevel.OFFERED else stay)
        return load * max(needs)


def servers_for(arrivals: float, service: float, targets: Targets, *, patience: float = math.inf) -> int:
    """The fewest servers of M/M/c + M that meet the targets. Rates in calls, patience in time, of one unit of time.

    Raises ValueError for rates or patience that are not above 0.
    """
    checks.positive(arrivals=arrivals, service=service)
    least = 1 if patience != math.inf else math.floor(arrivals / service) + 1

    def margin(servers: int) -> float:
        return targets.margin(ErlangA(arrivals, service, servers, patience))

    return _smallest(margin, least, targets.fluid(arrivals / service, patience))


def servers_for_blocking(load: float, blocking: float) -> int:
    """The fewest trunks on which this load (Erlang) loses at most this share. Raises ValueError as ErlangB does."""
    checks.positive(load=load)
    checks.share(blocking=blocking)
    wanted = math.log(blocking)
    return _smallest(lambda servers: wanted - log_blocking(load, servers), 1, load)


def _smallest(margin: Callable[[int], float], least: int, guess: float) -> int:
    """The first number from `least` up whose margin is not negative.

    Outward from the guess until the root is enclosed, then between by straight lines, where the value of an end that
    stays is halved (the Illinois method: M. Dowell, P. Jarratt, BIT 11 (1971) 168-174); in the middle when three of
    them have not halved what is left.
    """
    low, high = least - 1, max(least, math.ceil(guess))
    below, above = -math.inf, margin(high)
    step = max(1, math.isqrt(high))
    if above < 0.0:
        while above < 0.0:
            low, below = high, above
            high += step
            above = margin(high)
            step = _stride(step, high - low, above - below, -above)
    else:
        while high - step > low:
            lower = high - step
            value = margin(lower)
            if value < 0.0:
                low, below = lower, value
                break
            step = _stride(step, step, above - value, value)
            high, above = lower, value
    tried, widest, moved = 0, high - low, 0
    while high - low > 1:
        middle = (low + high) // 2
        if tried < 3 and math.isfinite(below) and above > below:
            # a little to the side of the longer part, so that both ends close in
            line = low + (high - low) * -below / (above - below)
            middle = math.floor(line) if line - low > (high - low) / 2 else math.ceil(line)
            middle = min(max(middle, low + 1), high - 1)
        value = margin(middle)
        if value < 0.0:
            low, below, above = middle, value, above / 2.0 if moved < 0 else above
            moved = -1
        else:
            high, above, below = middle, value, below / 2.0 if moved > 0 else below
            moved = 1
        tried += 1
        if high - low <= widest / 2:
            tried, widest = 0, high - low
    return high


def _stride(step: int, width: int, gained: float, missing: float) -> int:
    """How far to go next: to where the straight line says and a tenth more, within 1 and 16 times the last step."""
    if gained <= 0.0:
        return 2 * step
    return min(max(math.ceil(1.1 * abs(missing) * width / gained), step), 16 * step)


def _log(value: float) -> float:
    return math.log(max(value, 1e-300))


def _logit(share: float) -> float:
    return _log(share) - _log(1.0 - share)
