"""95 % intervals of means and shares, for counts that may be small and, by weight, no whole numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z = 1.959963984540054
"""The normal law's 0.975 quantile."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """`low` and `high` are None where there are too few to tell."""

    value: float
    low: float | None
    high: float | None


def wilson(share: float, number: float) -> tuple[float, float]:
    """E. Wilson, JASA 22 (1927) 209-212. `number` > 0."""
    z2 = Z * Z
    middle = (share + z2 / (2.0 * number)) / (1.0 + z2 / number)
    half = math.sqrt(z2 * (share * (1.0 - share) / number + z2 / (4.0 * number**2))) / (1.0 + z2 / number)
    return max(0.0, middle - half), min(1.0, middle + half)


def less_the_other(one: float, other: float, number: float) -> tuple[float, float]:
    """The interval of `one` - `other`, two shares of the same `number` of people who are in one of both at most.

    D. Bonett, R. Price, J. of Educational and Behavioral Statistics 37 (2012) 479-488: a Wald interval with one more
    in each of both. B. Rocks, The American Statistician 70 (2016) 365-372, finds such ones right for promoter scores.
    """
    plus, minus = (one * number + 1.0) / (number + 2.0), (other * number + 1.0) / (number + 2.0)
    half = Z * math.sqrt((plus + minus - (plus - minus) ** 2) / (number + 2.0))
    return max(-1.0, plus - minus - half), min(1.0, plus - minus + half)


def of_mean(mean: float, variance: float, number: float) -> tuple[float, float] | None:
    """Student's interval; `variance` as of a sample. None for fewer than two, and where all are alike, of which no law
    of the mean follows.
    """
    if number < 2.0 or variance <= 0.0:
        return None
    half = student_quantile(number - 1.0) * math.sqrt(variance / number)
    return mean - half, mean + half


def student_quantile(freedom: float) -> float:
    """The 0.975 quantile of Student's law with `freedom` > 0, whole or not, to nine digits."""
    low, high = Z, 1e6
    while high - low > 1e-10 * high:
        middle = (low + high) / 2.0
        if 0.5 * _incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + middle * middle)) > 0.025:
            low = middle
        else:
            high = middle
    return high


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised, by its continued fraction (DLMF 8.17.22) from the end, where it converges fast: turned where x is
    large.
    """
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - _incomplete_beta(b, a, 1.0 - x)
    front = math.exp(
        a * math.log(x)
        + b * math.log1p(-x)
        + math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        - math.log(a)
    )
    fraction = 1.0
    for m in range(200, 0, -1):
        odd = -(a + m - 1.0) * (a + b + m - 1.0) * x / ((a + 2.0 * m - 2.0) * (a + 2.0 * m - 1.0))
        even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        fraction = 1.0 + odd / (1.0 + even / fraction)
    return front / fraction
