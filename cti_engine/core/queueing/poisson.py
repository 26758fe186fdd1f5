"""The Poisson law for means up to millions, by quadrature instead of Gamma functions, which lose ten digits there.

With w(u) = u - log(1 + u) and d = z/n - 1 (DLMF 8.2.2, substituted s = n(1 + u)):
    P(X = n)  = exp(-n w(d)) / (n N),    P(X <= n) = I(d) / N,
    I(d) = integral of exp(-n w(u)) over u > d,    N = I(-1).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

NEGLIGIBLE = 46.0
"""A factor exp(-46) = 1e-20 ends every integral."""


def unit_gauss(points: int) -> tuple[Array, Array]:
    """Nodes and weights of Gauss and Legendre on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    return np.asarray(0.5 * (nodes + 1.0)), np.asarray(0.5 * weights)


_NODES, _WEIGHTS = unit_gauss(48)


def log_pmf(n: int, mean: Array) -> Array:
    """log P(X = n) of a Poisson law with these means (> 0), for n >= 0."""
    if n == 0:
        return -mean
    return -n * _w_of(n, mean) - math.log(n) - _log_whole(n)


def log_cdf(n: int, mean: Array) -> Array:
    """log P(X <= n) of a Poisson law with these means (> 0), for n >= 0."""
    if n == 0:
        return -mean
    d = (mean - n) / n
    above = d > 0.0
    out = np.empty(mean.shape)
    if above.any():
        d_above = d[above]
        out[above] = np.log1p(d_above) + np.log(_right(n, d_above)) - n * _w_of(n, mean[above])
    if not above.all():
        out[~above] = np.log(_left(n, d[~above]) + _right_of_zero(n))
    return out - _log_whole(n)


def _w_of(n: int, mean: Array) -> Array:
    """w(mean/n - 1); the logarithm from whichever of its arguments is exact."""
    d = (mean - n) / n
    with np.errstate(divide="ignore"):
        return d - np.where(d > -0.5, np.log1p(d), np.log(mean / n))


def _right(n: int, d: Array) -> Array:
    """exp(n w(d)) I(d) / (1 + d) for d >= 0: the integral of exp(-n (d s + w(s))) over s > 0."""
    by_curve = (NEGLIGIBLE + math.sqrt(NEGLIGIBLE * (NEGLIGIBLE + 2.0 * n))) / n
    with np.errstate(divide="ignore"):
        reach = np.minimum(by_curve, NEGLIGIBLE / (n * d))
    s = reach[:, None] * _NODES
    return np.asarray((np.exp(-n * ((1.0 + d[:, None]) * s - np.log1p(s))) @ _WEIGHTS) * reach)


def _left(n: int, d: Array) -> Array:
    """I(d) - I(0) for d in [-1, 0]."""
    reach = np.minimum(-d, math.sqrt(2.0 * NEGLIGIBLE / n))
    u = -reach[:, None] * _NODES
    return np.asarray((np.exp(-n * (u - np.log1p(u))) @ _WEIGHTS) * reach)


@lru_cache(maxsize=256)
def _right_of_zero(n: int) -> float:
    return float(_right(n, np.zeros(1))[0])


@lru_cache(maxsize=256)
def _log_whole(n: int) -> float:
    return math.log(float(_left(n, np.full(1, -1.0))[0]) + _right_of_zero(n))
