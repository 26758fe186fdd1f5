"""Mean waits of classes that share one M/M/c queue with equal handle times; nobody hangs up, no call is interrupted.

With r_i = lambda_i / (c mu), r = sum of r_i < 1 and C of Erlang C over all classes, W0 = C / (c mu):
non-preemptive priority (A. Cobham 1954; O. Kella, U. Yechiali 1985 for c servers), class 1 first, s_i = r_1 + .. + r_i:
    W_i = W0 / ((1 - s_(i-1)) (1 - s_i))
accumulating priority, a call's priority grows at its class's rate b (L. Kleinrock 1964; D. Stanford, P. Taylor,
I. Ziedins, Queueing Systems 77 (2014) 297-330), from the lowest rate up:
    W_p = (W0 / (1 - r) - sum over lower i of r_i W_i (1 - b_i/b_p)) / (1 - sum over higher i of r_i (1 - b_p/b_i))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cti_engine.core.queueing import checks
from cti_engine.core.queueing.erlang_c import ErlangC


@dataclass(frozen=True, slots=True)
class SharedServers:
    """`arrivals` of each class and `service` of one server, calls a unit of time.

    Raises ValueError for rates not above 0, no class, less than one server, or a load that has no steady state.
    """

    arrivals: tuple[float, ...]
    service: float
    servers: int

    def __post_init__(self) -> None:
        checks.count(1, classes=len(self.arrivals))
        for rate in self.arrivals:
            checks.positive(arrivals=rate)
        ErlangC(sum(self.arrivals), self.service, self.servers)

    def by_priority(self) -> tuple[float, ...]:
        """Mean wait of each class when the first class always goes first, the last class last."""
        waits, before = [], 0.0
        for share in self._shares:
            upto = before + share
            waits.append(self._head_of_line / ((1.0 - before) * (1.0 - upto)))
            before = upto
        return tuple(waits)

    def by_accumulation(self, rates: Sequence[float]) -> tuple[float, ...]:
        """Mean wait of each class when a call's priority is its class's rate times its wait.

        Equal rates are served in the order of arrival. Raises ValueError for a rate that is not above 0 or when
        there is not one for each class.
        """
        for rate in rates:
            checks.positive(rate=rate)
        classes = sorted(zip(rates, self._shares, range(len(self.arrivals)), strict=True))
        fifo = self._head_of_line / (1.0 - sum(self._shares))
        waits = [0.0] * len(classes)
        for place, (rate, _, one) in enumerate(classes):
            lower, higher = classes[:place], classes[place + 1 :]
            passed = sum(share * waits[other] * (1.0 - slow / rate) for slow, share, other in lower)
            passing = sum(share * (1.0 - rate / fast) for fast, share, _ in higher)
            waits[one] = (fifo - passed) / (1.0 - passing)
        return tuple(waits)

    @property
    def _shares(self) -> list[float]:
        return [rate / (self.servers * self.service) for rate in self.arrivals]

    @property
    def _head_of_line(self) -> float:
        """W0: the mean time until a server is free, over all calls."""
        together = ErlangC(sum(self.arrivals), self.service, self.servers)
        return together.wait_probability / (self.servers * self.service)
