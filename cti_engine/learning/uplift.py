"""What hints gain: customers who were shown some against those held out, by chance, who would have been.

The share that bought in each arm, and the difference of the two with Newcombe's hybrid score interval (R. G. Newcombe
1998, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17, method 10):
each share's Wilson interval, joined. It holds near 0 and 1 and for a small hold-out, where the textbook interval does
not. Means of handle time and survey: Welch's interval, unequal variances.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cti_engine.core.reporting.intervals import student_quantile, wilson


@dataclass(frozen=True, slots=True)
class Call:
    """A call in which hints were shown, or held out. `sold`: it ended as a sale, or an offered product was bought
    after it. `handle_s` seconds, `survey` the answer as a share of its scale; None where there is none.
    """

    held_out: bool
    sold: bool
    handle_s: float | None = None
    survey: float | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Shown less held out, with its 95 % interval; None where an arm is too small to tell."""

    shown: float | None
    held_out: float | None
    difference: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Uplift:
    shown: int
    held_out: int
    sales: Difference
    handle_s: Difference
    survey: Difference


def difference_of_shares(hits: int, of: int, other_hits: int, other_of: int) -> Difference:
    """The first less the other. Newcombe's method 10."""
    if not of or not other_of:
        return Difference(
            hits / of if of else None, other_hits / other_of if other_of else None, None, None, None
        )
    one, other = hits / of, other_hits / other_of
    (low, high), (other_low, other_high) = wilson(one, of), wilson(other, other_of)
    gain = one - other
    below = math.hypot(one - low, other_high - other)
    above = math.hypot(high - one, other - other_low)
    return Difference(one, other, gain, gain - below, gain + above)


def difference_of_means(these: Sequence[float], others: Sequence[float]) -> Difference:
    """The mean of the first less that of the others, Welch's interval (1947); an arm of less than two tells none."""
    one = float(np.mean(these)) if these else None
    other = float(np.mean(others)) if others else None
    if one is None or other is None or min(len(these), len(others)) < 2:
        return Difference(one, other, None, None, None)
    parts = [float(np.var(each, ddof=1)) / len(each) for each in (these, others)]
    error = math.sqrt(sum(parts))
    if error == 0.0:
        return Difference(one, other, one - other, one - other, one - other)
    degrees = sum(parts) ** 2 / (parts[0] ** 2 / (len(these) - 1) + parts[1] ** 2 / (len(others) - 1))
    half = student_quantile(degrees) * error
    return Difference(one, other, one - other, one - other - half, one - other + half)


def uplift(calls: Iterable[Call]) -> Uplift:
    told = list(calls)
    shown = [call for call in told if not call.held_out]
    held = [call for call in told if call.held_out]
    return Uplift(
        len(shown),
        len(held),
        difference_of_shares(sum(c.sold for c in shown), len(shown), sum(c.sold for c in held), len(held)),
        difference_of_means(
            [c.handle_s for c in shown if c.handle_s is not None],
            [c.handle_s for c in held if c.handle_s is not None],
        ),
        difference_of_means(
            [c.survey for c in shown if c.survey is not None],
            [c.survey for c in held if c.survey is not None],
        ),
    )
