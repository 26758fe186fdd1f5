"""Erlang B (M/M/c/c): a call that finds all servers busy is lost. Loads in Erlang.

Source: A. K. Erlang 1917. The usual recursion 1/B(k) = 1 + (k/a) / B(k - 1) from 1/B(0) = 1 gives the same numbers;
here B = P(X = c) / P(X <= c) with X Poisson of mean a, in logarithms, whose cost does not grow with c.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cti_engine.core.queueing import checks
from cti_engine.core.queueing.poisson import log_cdf, log_pmf


@dataclass(frozen=True, slots=True)
class ErlangB:
    """`load` offered to `servers`. Raises ValueError for a load that is not above 0 or less than one server."""

    load: float
    servers: int

    def __post_init__(self) -> None:
        checks.positive(load=self.load)
        checks.count(1, servers=self.servers)

    @property
    def blocking(self) -> float:
        """Share of calls lost; 0.0 where it is below 1e-308."""
        return math.exp(log_blocking(self.load, self.servers))

    @property
    def carried(self) -> float:
        """Mean number of busy servers, in Erlang: a (1 - B)."""
        return self.load * (1.0 - self.blocking)

    @property
    def occupancy(self) -> float:
        """Share of the servers' time that is busy: a (1 - B) / c."""
        return self.carried / self.servers


def log_blocking(load: float, servers: int) -> float:
    """log B(a, c) for a > 0 and c >= 0."""
    mean = np.array([float(load)])
    return float((log_pmf(servers, mean) - log_cdf(servers, mean))[0])


def load_for_blocking(servers: int, blocking: float) -> float:
    """The greatest load (Erlang) that loses no more than this share: Newton on log B over log a, which is concave.

    Raises ValueError for less than one server or a share outside of (0, 1).
    """
    checks.count(1, servers=servers)
    checks.share(blocking=blocking)
    wanted = math.log(blocking)
    # B <= a/c, and to the left of the root Newton on an increasing concave function never passes it.
    load = servers * blocking
    while log_blocking(load, servers) > wanted:
        load /= 2.0
    for _ in range(200):
        log_b = log_blocking(load, servers)
        # d log B / d log a = c - a (1 - B), Jagerman 1974
        slope = servers - load * -math.expm1(log_b)
        step = math.exp((wanted - log_b) / slope)
        load *= step
        if abs(step - 1.0) < 1e-15 * servers:
            break
    return load
