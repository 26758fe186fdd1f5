"""How long a caller will wait, as quantiles, learnt from the queue's own service; how it is made: `WaitModel`.

Pure: told what happens in one queue, asked only when somebody wants to know. Times are integer ms of wall time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from cti_engine.core.routing.wait_scores import WaitScores

PROMISED = (0.5, 0.8, 0.95)
"""The quantiles that are promised."""

TAKEN_MEMORY = 40.0
"""Departures that the rate of taking remembers: a day's changes take hold within some minutes."""
LEFT_MEMORY = 200.0
"""Departures that the rate of hanging up remembers."""
HANDLED_MEMORY = 200.0
"""Calls that the mean handle time remembers."""
AS_TAKEN = 2.0
"""Departures that the known handle time is worth: all there is on a cold start, soon little."""
NEXT, BEHIND, OVERTAKING = range(3)
"""Where a caller joined: next to be served, behind others, ahead of some who were there before. Waits are learnt from
apart, because what is yet to come, such as others who overtake, touches them differently.
"""


class Law(NamedTuple):
    """A wait's law by the bare model: Gamma with this mean (ms) and shape (1 / squared coefficient of variation).

    `place`: NEXT, BEHIND or OVERTAKING.
    """

    mean: float
    shape: float
    place: int

    def score(self, wait: float) -> float:
        """The wait in standard deviations of a normal law, by Wilson and Hilferty (PNAS 17, 1931, 684-688)."""
        ninth = 1.0 / (9.0 * self.shape)
        return (math.cbrt(wait / self.mean) - 1.0 + ninth) / math.sqrt(ninth)

    def wait(self, score: float) -> int:
        """The reverse, whole ms."""
        ninth = 1.0 / (9.0 * self.shape)
        return round(self.mean * max(0.0, 1.0 - ninth + score * math.sqrt(ninth)) ** 3)


class Promise(NamedTuple):
    """What a caller was told, ms, and the law that it was made from, to learn from how it came out (None: AT_ONCE)."""

    p50: int
    p80: int
    p95: int
    law: Law | None

    @property
    def seconds(self) -> tuple[float, float, float]:
        return self.p50 / 1000, self.p80 / 1000, self.p95 / 1000


AT_ONCE = Promise(0, 0, 0, None)
"""An agent is free."""


@dataclass(slots=True)
class WaitModel:
    """Row kind `waits`, one a queue. `staff` is always how many agents served the queue since the last word, be they
    free or busy; how long a phone rings before an agent answers (`rang`) is part of a wait.

    **The bare model.** While callers stand in line, agents take the next one at the rate r = staff x (calls taken) /
    (agents' time meanwhile); each of those in line hangs up at the rate theta = (hung up) / (time stood in line), which
    is the maximum likelihood estimate from censored patience (who was answered is a right-censored patience). With n
    callers ahead the wait is a sum of n + 1 exponential times of the rates r + i theta, i = 0 ... n: QL_m of Ibrahim
    and Whitt, Management Science 55 (2009) 1729-1742; without hanging up it is Erlang's law, the conditional wait of
    Erlang C. Both rates forget by departures, and the doubt about r widens the law.

    **On a cold start** an agent takes a call every mean handle time; before any call was handled nothing is promised.

    **The calibration.** How a wait came out is kept as its score, the normal deviate of its place in the bare law. Who
    hung up would have waited longer: a right-censored score (`WaitScores`). A promised quantile is the scores' quantile
    taken back through the bare law (Kuleshov, Fenner, Ermon, ICML 2018, PMLR 80, 2796-2804).
    """

    id: str
    at: int = 0
    line: int = 0
    taken: float = 0.0
    taken_in: float = 0.0
    left: float = 0.0
    left_in: float = 0.0
    handled: float = 0.0
    handled_in: float = 0.0
    rang: float = 0.0
    scores: list[WaitScores] = field(default_factory=lambda: [WaitScores() for _ in range(3)])

    # --- what happens ---------------------------------------------------------------------------

    def passes(self, now: int, staff: int) -> None:
        """Time goes by; to be told before another number of agents serves while somebody stands in line."""
        passed = max(0, now - self.at)
        self.at = max(self.at, now)
        if self.line:
            self.taken_in += passed * staff
            self.left_in += passed * self.line

    def joins(self, now: int, staff: int) -> None:
        """A call stands in line, for the first time or again."""
        self.passes(now, staff)
        self.line += 1

    def takes(self, now: int, staff: int, *, stood: bool) -> None:
        """An agent takes a call; `stood` False: at once, which tells nothing about the rate."""
        self.passes(now, staff)
        self.line -= 1
        if stood:
            kept = 1.0 - 1.0 / TAKEN_MEMORY
            self.taken = self.taken * kept + 1.0
            self.taken_in *= kept
            self._departs(0.0)

    def leaves(self, now: int, staff: int) -> None:
        """A call leaves the line without an agent."""
        self.passes(now, staff)
        self.line -= 1
        self._departs(1.0)

    def _departs(self, left: float) -> None:
        kept = 1.0 - 1.0 / LEFT_MEMORY
        self.left = self.left * kept + left
        self.left_in *= kept

    def handles(self, handle: int, rang: int) -> None:
        """A call kept an agent so long, from its phone's ringing, `rang` of it, to the end of wrap-up."""
        kept = 1.0 - 1.0 / HANDLED_MEMORY
        self.handled = self.handled * kept + 1.0
        self.handled_in = self.handled_in * kept + handle
        self.rang = self.rang * kept + rang

    def learn(self, law: Law, wait: int, *, answered: bool) -> None:
        """How a promise came out; not answered: the caller was gone after `wait`."""
        self.scores[law.place].add(law.score(wait), answered)

    # --- what is asked --------------------------------------------------------------------------

    def promise(self, staff: int, ahead: int, behind: int = 0) -> Promise | None:
        """For a caller who has so many in line ahead and joins with so many behind; None: nothing to go by."""
        law = self._law(staff, ahead, OVERTAKING if behind > 0 else BEHIND if ahead else NEXT)
        if law is None:
            return None
        p50, p80, p95 = (law.wait(score) for score in self.scores[law.place].quantiles(PROMISED))
        return Promise(p50, p80, p95, law)

    def _law(self, staff: int, ahead: int, place: int) -> Law | None:
        """By the bare model. None: nobody serves, or no call was ever handled."""
        prior = AS_TAKEN * self.handled_in / self.handled if self.handled else 0.0
        known = self.taken + (AS_TAKEN if prior else 0.0)
        time = self.taken_in + prior
        if not (staff > 0 and known > 0.0 and time > 0.0):
            return None
        leaving = self.left / self.left_in if self.left_in else 0.0
        mean, variance = sums(staff * known / time, leaving, ahead + 1)
        shape = 1.0 / (variance / mean**2 + 1.0 / known)
        rings = self.rang / self.handled if self.handled else 0.0
        return Law(mean + rings, shape * (1.0 + rings / mean) ** 2, place)


def sums(rate: float, leaving: float, terms: int) -> tuple[float, float]:
    """Sums of 1 / (rate + i leaving) and of its square over i < terms: some terms, then Euler and Maclaurin."""
    first = min(terms, 16)
    mean = variance = 0.0
    for i in range(first):
        each = 1.0 / (rate + i * leaving)
        mean += each
        variance += each * each
    if terms == first:
        return mean, variance
    a, b = rate + first * leaving, rate + (terms - 1) * leaving
    many = terms - 1 - first
    # the integrals of 1/x and 1/x^2 in i from `first` to `terms - 1`
    inside = math.log1p(many * leaving / a) / leaving if leaving else many / a
    mean += inside + 0.5 * (1.0 / a + 1.0 / b) + leaving / 12.0 * (1.0 / a**2 - 1.0 / b**2)
    variance += many / (a * b) + 0.5 * (1.0 / a**2 + 1.0 / b**2) + leaving / 6.0 * (1.0 / a**3 - 1.0 / b**3)
    return mean, variance
