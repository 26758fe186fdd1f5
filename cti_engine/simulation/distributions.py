"""Times that chance decides: each distribution is its quantile function, uniform number in, seconds out."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

Distribution = Callable[[float], float]
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Constant:
    seconds: float

    def __call__(self, u: float) -> float:
        return self.seconds


NOTHING, NEVER = Constant(0.0), Constant(math.inf)


@dataclass(frozen=True, slots=True)
class Exponential:
    mean: float

    def __call__(self, u: float) -> float:
        return -self.mean * math.log1p(-u)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """By its mean and its coefficient of variation: sigma² = ln(1 + cv²), mu = ln(mean) - sigma²/2."""

    mean: float
    cv: float

    def __call__(self, u: float) -> float:
        if u <= 0.0:
            return 0.0
        variance = math.log1p(self.cv * self.cv)
        return self.mean * math.exp(math.sqrt(variance) * _NORMAL.inv_cdf(u) - variance / 2.0)


@dataclass(frozen=True, slots=True)
class AtOnce:
    """0 with this probability, else as `rest`: callers who hang up when they are not answered at once."""

    probability: float
    rest: Distribution

    def __call__(self, u: float) -> float:
        return 0.0 if u < self.probability else self.rest((u - self.probability) / (1.0 - self.probability))


@dataclass(frozen=True, slots=True)
class Observed:
    """One of these sorted values, each as likely as the other."""

    values: tuple[float, ...]

    def __call__(self, u: float) -> float:
        return self.values[int(u * len(self.values))]


@dataclass(frozen=True, slots=True)
class Stepwise:
    """P(T <= times[i]) = reached[i], and beyond the last time exponential with mean `tail` (infinite: never)."""

    times: tuple[float, ...]
    reached: tuple[float, ...]
    tail: float

    def __call__(self, u: float) -> float:
        place = bisect_left(self.reached, u)
        if place < len(self.times):
            return self.times[place]
        last, share = (self.times[-1], self.reached[-1]) if self.times else (0.0, 0.0)
        return last + Exponential(self.tail)((u - share) / (1.0 - share))
