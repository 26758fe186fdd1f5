"""Erlang C (M/M/c): everybody waits, in the order of arrival, until served.

Rates are per unit of time, times in that unit, whichever it is. Source: A. K. Erlang 1917; L. Kleinrock, Queueing
Systems I (1975), 3.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cti_engine.core.queueing import checks
from cti_engine.core.queueing.erlang_b import log_blocking


@dataclass(frozen=True, slots=True)
class ErlangC:
    """`arrivals` and `service`: calls a unit of time, `service` of one server.

    Raises ValueError for rates that are not above 0, less than one server, or a load that has no steady state.
    """

    arrivals: float
    service: float
    servers: int

    def __post_init__(self) -> None:
        checks.positive(arrivals=self.arrivals, service=self.service)
        checks.count(1, servers=self.servers)
        checks.steady(self.load, self.servers)

    @property
    def load(self) -> float:
        """Erlang: arrivals / service."""
        return self.arrivals / self.service

    @property
    def occupancy(self) -> float:
        """Share of the servers' time that is busy: a / c."""
        return self.load / self.servers

    @property
    def spare(self) -> float:
        """c mu - lambda, the rate at which the wait of those who wait ends."""
        return self.servers * self.service - self.arrivals

    @property
    def wait_probability(self) -> float:
        """C = B / (1 - (a/c) (1 - B)), the share of calls that wait at all."""
        log_b = log_blocking(self.load, self.servers)
        idle = self.spare / (self.servers * self.service)
        return math.exp(log_b) / (idle + self.occupancy * math.exp(log_b))

    @property
    def asa(self) -> float:
        """Mean wait of all calls, which all are answered: C / (c mu - lambda)."""
        return self.wait_probability / self.spare

    @property
    def mean_wait_of_waiting(self) -> float:
        """Mean wait of those who wait: 1 / (c mu - lambda)."""
        return 1.0 / self.spare

    @property
    def queue_length(self) -> float:
        """Mean number waiting: lambda ASA (Little)."""
        return self.arrivals * self.asa

    def service_level(self, threshold: float) -> float:
        """Share answered within `threshold`: 1 - C exp(-(c mu - lambda) T), by every definition."""
        return 1.0 - self.wait_longer(threshold)

    def wait_longer(self, threshold: float) -> float:
        """Share that waits longer than `threshold`: C exp(-(c mu - lambda) T)."""
        checks.time(threshold)
        return self.wait_probability * math.exp(-self.spare * threshold)

    def wait_quantile(self, share: float) -> float:
        """The shortest time within which this share of calls is answered. Raises ValueError outside of (0, 1)."""
        checks.share(share=share)
        return max(0.0, math.log(self.wait_probability / (1.0 - share)) / self.spare)
