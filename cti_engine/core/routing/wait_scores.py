"""How waits came out beside what the bare model expected: a law of scores, learnt from answered and censored waits.

Bounded, forgets, O(1) for each wait; a quantile costs one walk over the bins.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

ONE = 16
"""A wait's weight: an integer that may be halved four times."""
MEMORY = 800
"""Waits; when so many are remembered, each of them weighs half from then on."""
PRIOR = 20
"""Waits that the bare model, whose scores are normal, is worth."""
EDGES = (
    *(-8.0 + 0.5 * i for i in range(11)),
    *(-2.5 + 0.25 * i for i in range(22)),
    *(3.0 + 1.0 * i for i in range(10)),
)
"""Of the bins, in standard deviations; what lies beyond counts in the first or the last."""
BINS = len(EDGES) - 1


def _normal(score: float) -> float:
    return 0.5 * math.erfc(-score / math.sqrt(2.0))


_BARE = [_normal(right) - _normal(left) for left, right in pairwise(EDGES)]


@dataclass(slots=True)
class WaitScores:
    """Weights by bin of the waits that ended with an answer and of those that were cut short; `total` of all."""

    total: int = 0
    answered: list[int] = field(default_factory=lambda: [0] * BINS)
    censored: list[int] = field(default_factory=lambda: [0] * BINS)

    def add(self, score: float, answered: bool) -> None:
        bin = min(max(bisect_right(EDGES, score) - 1, 0), BINS - 1)
        (self.answered if answered else self.censored)[bin] += ONE
        self.total += ONE
        if self.total >= MEMORY * ONE:
            self.answered = [each // 2 for each in self.answered]
            self.censored = [each // 2 for each in self.censored]
            self.total = sum(self.answered) + sum(self.censored)

    def quantiles(self, shares: tuple[float, ...]) -> list[float]:
        """The scores that these shares (growing, in (0, 1)) of all waits stay below, linear within a bin.

        The product-limit estimate over bins (E. Kaplan, P. Meier, JASA 53 (1958) 457-481): in each bin the hazard is
        the answered over those still at risk, where who was cut short in it counts half, as in a life table.
        """
        prior = PRIOR * ONE
        at_risk = float(self.total + prior)
        found: list[float] = []
        surviving = 1.0
        for bin, bare in enumerate(_BARE):
            answered, censored = self.answered[bin] + prior * bare, self.censored[bin]
            left = surviving * (1.0 - min(1.0, answered / (at_risk - 0.5 * censored)))
            while len(found) < len(shares) and left <= 1.0 - shares[len(found)]:
                into = (surviving - 1.0 + shares[len(found)]) / (surviving - left)
                found.append(EDGES[bin] + into * (EDGES[bin + 1] - EDGES[bin]))
            if len(found) == len(shares):
                return found
            surviving = left
            at_risk -= answered + censored
        return found + [EDGES[-1]] * (len(shares) - len(found))
