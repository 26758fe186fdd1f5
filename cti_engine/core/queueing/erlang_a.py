"""Erlang A (M/M/c + M, and with a limited queue M/M/c/K + M): who waits too long hangs up; exact, any load.

Rates are per unit of time, times in that unit. lambda, mu, theta = 1 / mean patience, c servers, at most K waiting.
Sources: C. Palm 1957; F. Baccelli, G. Hebuterne 1981; S. Zeltyn, A. Mandelbaum, Queueing Systems 51 (2005) 361-402.

The wait V that an infinitely patient call would have has the density (relative to p(c - 1), calls that may join)
    v(t) = lambda exp(-c mu t) sum over n < K of z**n / n!,    z = lambda H(t),  H(t) = (1 - exp(-theta t)) / theta
         = lambda exp(lambda H(t) - c mu t) P(Poisson(z) < K).
P(no wait) = 1 / B(c - 1) and P(blocked) = lambda * integral of exp(-c mu t) z**K / K! in the same measure, and all
results are ratios of integrals of v, without a difference of near numbers anywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from cti_engine.core.queueing import checks
from cti_engine.core.queueing.erlang_b import log_blocking
from cti_engine.core.queueing.integrals import LogF, Panels, log_integral
from cti_engine.core.queueing.poisson import Array, log_cdf, log_pmf


class ServiceLevel(StrEnum):
    """The four definitions in use; T is the threshold.

    `offered`: answered <= T / all calls. `answered`: answered <= T / answered. `abandons_ignored`: answered <= T /
    (answered + abandoned after T), as ContactCenters does. `virtual`: P(V <= T) of a call that may join.
    """

    OFFERED = "offered"
    ANSWERED = "answered"
    ABANDONS_IGNORED = "abandons_ignored"
    VIRTUAL = "virtual"


@dataclass(frozen=True)
class ErlangA:
    """`arrivals`, `service` (of one server): calls a unit of time. `patience`: mean time, infinite if nobody hangs up.

    `places`: how many may wait, None for any number; a call that finds them taken is blocked. Raises ValueError for
    rates or patience not above 0, less than one server, negative places, or a load that has no steady state.
    """

    arrivals: float
    service: float
    servers: int
    patience: float = math.inf
    places: int | None = None

    def __post_init__(self) -> None:
        checks.positive(arrivals=self.arrivals, service=self.service)
        checks.count(1, servers=self.servers)
        if self.places is not None:
            checks.count(0, places=self.places)
        if self.patience != math.inf:
            checks.positive(patience=self.patience)
        elif self.places is None:
            checks.steady(self.load, self.servers)

    @property
    def load(self) -> float:
        """Erlang: arrivals / service."""
        return self.arrivals / self.service

    # What becomes of all calls

    @property
    def no_wait(self) -> float:
        """Share of all calls that are answered at once."""
        return math.exp(self._log_no_wait - self._log_all)

    @property
    def wait_probability(self) -> float:
        """Share of all calls that have to wait (blocked calls do not)."""
        return math.exp(self._log_waiting - self._log_all)

    @property
    def blocking(self) -> float:
        """Share of all calls that find no place."""
        return math.exp(self._log_blocked - self._log_all)

    @property
    def abandonment(self) -> float:
        """Share of all calls that hang up while waiting: theta lambda E[W] / lambda."""
        if self.patience == math.inf:
            return 0.0
        return math.exp(self._log_waited - self._log_all) / self.patience

    @property
    def answered(self) -> float:
        """Share of all calls that are answered."""
        return math.exp(self._log_answered - self._log_all)

    @property
    def occupancy(self) -> float:
        """Share of the servers' time that is busy: lambda P(answered) / (c mu)."""
        return self.load * self.answered / self.servers

    # Waiting

    @property
    def asa(self) -> float:
        """Mean speed of answer: mean wait of the answered."""
        return math.exp(self._over(lambda t: np.log(t) - self._theta * t) - self._log_answered)

    @property
    def mean_wait(self) -> float:
        """Mean wait of all calls that are not blocked, answered or not."""
        return math.exp(self._log_waited - self._log_joined)

    @property
    def queue_length(self) -> float:
        """Mean number waiting: lambda times the mean wait of all calls (Little)."""
        return self.arrivals * math.exp(self._log_waited - self._log_all)

    def service_level(self, threshold: float, definition: ServiceLevel = ServiceLevel.OFFERED) -> float:
        """Share answered within `threshold`, which is not negative, by one of the four definitions."""
        checks.time(threshold)
        if definition is ServiceLevel.VIRTUAL:
            return math.exp(
                np.logaddexp(self._log_no_wait, self._over(_all, 0.0, threshold)) - self._log_joined
            )
        answered = np.logaddexp(self._log_no_wait, self._over(self._staying, 0.0, threshold))
        return math.exp(answered - self._log_counted(threshold, definition))

    def wait_longer(self, threshold: float) -> float:
        """Share of the answered that waited longer than `threshold`."""
        checks.time(threshold)
        return math.exp(self._over(self._staying, threshold) - self._log_answered)

    def wait_quantile(self, share: float) -> float:
        """The shortest time within which this share of the answered is answered; ValueError outside of (0, 1)."""
        return self._quantile(share, self._answered_panels, self._log_answered)

    def caller_wait_quantile(self, share: float) -> float:
        """The same of all calls that are not blocked, until answer or hang-up: P(> t) = exp(-theta t) P(V > t)."""
        return self._quantile(share, self._waiting_panels, self._log_joined, rate=self._theta)

    def offered_wait_quantile(self, share: float) -> float:
        """The same of V, the wait that a call with endless patience would have; ValueError outside of (0, 1)."""
        return self._quantile(share, self._waiting_panels, self._log_joined)

    # Integrals, as logarithms relative to p(c - 1)

    @cached_property
    def _log_no_wait(self) -> float:
        return -log_blocking(self.load, self.servers - 1)

    @cached_property
    def _waiting_panels(self) -> Panels | None:
        return self._panels(_all)

    @cached_property
    def _answered_panels(self) -> Panels | None:
        return self._panels(self._staying)

    @cached_property
    def _log_waiting(self) -> float:
        return self._log_whole(self._waiting_panels)

    @cached_property
    def _log_joined(self) -> float:
        return float(np.logaddexp(self._log_no_wait, self._log_waiting))

    @cached_property
    def _log_all(self) -> float:
        return float(np.logaddexp(self._log_joined, self._log_blocked))

    @cached_property
    def _log_answered(self) -> float:
        return float(np.logaddexp(self._log_no_wait, self._log_whole(self._answered_panels)))

    @cached_property
    def _log_waited(self) -> float:
        """E[min(V, patience)]: v H."""
        return self._over(lambda t: np.log(self._horizon(t)))

    @cached_property
    def _log_blocked(self) -> float:
        if self.places is None:
            return -math.inf
        places = self.places
        log_f = lambda t: self._drift(t) + log_pmf(places, self.arrivals * self._horizon(t))  # noqa: E731
        return math.log(self.arrivals) + log_integral(log_f, 0.0, math.inf, self._scale)

    def _log_counted(self, threshold: float, definition: ServiceLevel) -> float:
        """The calls that a service level counts."""
        if definition is ServiceLevel.OFFERED:
            return self._log_all
        if definition is ServiceLevel.ANSWERED or self.patience == math.inf:
            return self._log_answered
        late = self._over(
            lambda t: np.log(-np.expm1(-self._theta * (t - threshold))) - self._theta * threshold, threshold
        )
        return float(np.logaddexp(self._log_answered, late))

    @property
    def _theta(self) -> float:
        return 1.0 / self.patience

    @property
    def _scale(self) -> float:
        return 1.0 / (self.arrivals + self.servers * self.service)

    def _staying(self, t: Array) -> Array:
        """log of the share that has not hung up by t."""
        return -self._theta * t

    def _over(self, log_weight: LogF, low: float = 0.0, high: float = math.inf) -> float:
        """log of the integral of v times a weight, which is log-concave, over [low, high]."""
        if self.places == 0:
            return -math.inf

        log_f = self._weighed(log_weight)
        return math.log(self.arrivals) + log_integral(log_f, low, high, self._scale)

    def _panels(self, log_weight: LogF) -> Panels | None:
        """The same over all times, to be asked for quantiles; None when nobody can wait."""
        if self.places == 0:
            return None
        return Panels.of(self._weighed(log_weight), 0.0, math.inf, self._scale)

    def _log_whole(self, panels: Panels | None) -> float:
        return -math.inf if panels is None else math.log(self.arrivals) + panels.log_whole

    def _weighed(self, log_weight: LogF) -> LogF:
        """log(v weight / lambda)."""

        def log_f(t: Array) -> Array:
            with np.errstate(divide="ignore"):  # a weight may be 0 at the left end
                weight = log_weight(t)
            return self._log_density(t) + weight

        return log_f

    def _log_density(self, t: Array) -> Array:
        """log v(t) / lambda."""
        drift = self._drift(t)
        if self.places is None:
            return drift
        mean = self.arrivals * self._horizon(t)
        # A Poisson law with this mean is below K but for a share of 1e-20.
        near = mean > self.places - 10.0 * math.sqrt(self.places)
        if near.any():
            drift[near] += log_cdf(self.places - 1, mean[near])
        return drift

    def _drift(self, t: Array) -> Array:
        """lambda H(t) - c mu t, from its peak where it has one, because near terms of 1e6 would cost digits."""
        capacity = self.servers * self.service
        surplus = self.arrivals - capacity
        if self.patience == math.inf:
            return surplus * t
        theta_t = self._theta * t
        if surplus <= 0.0:
            return (surplus * -np.expm1(-theta_t) - capacity * _bend(theta_t)) * self.patience
        over = surplus / capacity
        peak = over - math.log1p(over)
        return (peak - _bend(theta_t - math.log1p(over))) * capacity * self.patience

    def _horizon(self, t: Array) -> Array:
        """H(t): mean time that a call stays which would wait t."""
        if self.patience == math.inf:
            return t
        return np.asarray(-np.expm1(-self._theta * t) * self.patience)

    def _quantile(self, share: float, panels: Panels | None, log_whole: float, rate: float = 0.0) -> float:
        """The time that the rest of v * weight, times exp(-rate t), leaves to 1 - share of the whole."""
        checks.share(share=share)
        if panels is None:
            return 0.0
        return panels.reach(math.log1p(-share) + log_whole - math.log(self.arrivals), rate)


def _all(t: Array) -> Array:
    return np.zeros_like(t)


def _bend(y: Array) -> Array:
    """y + exp(-y) - 1, by its series near 0."""
    series = 1.0 - y / 3.0 * (1.0 - y / 4.0 * (1.0 - y / 5.0 * (1.0 - y / 6.0 * (1.0 - y / 7.0))))
    return np.where(np.abs(y) < 0.01, 0.5 * y * y * series, y + np.expm1(-y))
