"""Integrals of log-concave functions to 13 digits, whatever their scale and wherever their peak.

The peak and the span where the function is not negligible are looked for on grids, then Gauss-Legendre panels are
halved until halving changes nothing. All arithmetic relative to the peak, so that nothing over- or underflows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cti_engine.core.queueing.poisson import NEGLIGIBLE, Array, unit_gauss

LogF = Callable[[Array], Array]

_NODES, _WEIGHTS = unit_gauss(16)
_OCTAVES = 2.0 ** np.arange(-40.0, 41.0)
_FINE = np.linspace(0.0, 1.0, 17)
_FIRST_PANELS = np.linspace(0.0, 1.0, 5)
_CLOSE = 1e-11
"""Halving a panel changed this share of the whole: what the halves still miss is then far smaller."""
_ROUNDS = 12


def log_integral(log_f: LogF, low: float, high: float, scale: float) -> float:
    """log of the integral of exp(log_f) over [low, high]; `high` may be infinite, an empty span gives -inf.

    `log_f` takes an array, is concave and may be -inf at `low`; `scale` (> 0): any width that is right within 2**40.
    """
    return Panels.of(log_f, low, high, scale).log_whole if low < high else -math.inf


@dataclass(frozen=True, slots=True)
class Panels:
    """The integral of exp(log_f - peak) in pieces from left to right."""

    log_f: LogF
    peak: float
    left: Array
    width: Array
    sums: Array

    @classmethod
    def of(cls, log_f: LogF, low: float, high: float, scale: float) -> Panels:
        """Arguments as of `log_integral`, with low < high."""
        peak_at, peak = _peak_of(log_f, low, high, scale)
        start, end = _span(log_f, low, high, peak_at, peak - NEGLIGIBLE, scale)
        edges = start + (end - start) * _FIRST_PANELS
        left, width = edges[:-1], np.diff(edges)
        sums = _sums(log_f, left, width, peak)
        whole = float(sums.sum())
        done: list[tuple[Array, Array, Array]] = []
        for _ in range(_ROUNDS):
            left, width = np.stack((left, left + width / 2.0)), np.stack((width, width)) / 2.0
            halves = _sums(log_f, left, width, peak)
            change = np.abs(halves.sum(axis=0) - sums)
            close = change <= _CLOSE * whole
            done.append((left[:, close].ravel(), width[:, close].ravel(), halves[:, close].ravel()))
            left, width, sums = left[:, ~close].ravel(), width[:, ~close].ravel(), halves[:, ~close].ravel()
            if not len(left):
                break
        done.append((left, width, sums))
        left, width, sums = (np.concatenate(parts) for parts in zip(*done, strict=True))
        order = left.argsort()
        return cls(log_f, peak, left[order], width[order], sums[order])

    @property
    def log_whole(self) -> float:
        whole = float(self.sums.sum())
        return self.peak + math.log(whole) if whole else -math.inf

    def reach(self, log_tail: float, rate: float) -> float:
        """Where log(integral from t) - rate t falls to `log_tail`; 0 if it begins below.

        The function is concave, so that Newton nears the root from the right, from its second step at the latest.
        """
        wanted = log_tail - self.peak
        edges = np.append(self.left, self.left[-1] + self.width[-1])
        tails = np.append(self.sums[::-1].cumsum()[::-1], 0.0)
        with np.errstate(divide="ignore"):
            above = np.log(tails) - rate * edges > wanted
        if not above[0]:
            return 0.0
        right = int(above.sum())
        end, rest = float(edges[right]), float(tails[right])
        t = float(edges[right - 1])
        if rest > 0.0:  # else the end has no tail to divide by
            # by a straight line between the edges of the panel
            ends = np.log(tails[right - 1 : right + 1]) - rate * edges[right - 1 : right + 1] - wanted
            t = end - (end - t) * float(ends[1] / (ends[1] - ends[0]))
        for _ in range(100):
            at = np.append(t, t + (end - t) * _NODES)
            values = np.exp(self.log_f(at) - self.peak)
            tail = rest + float(values[1:] @ _WEIGHTS) * (end - t)
            step = (math.log(tail) - rate * t - wanted) / (float(values[0]) / tail + rate)
            t += step
            if abs(step) <= 1e-13 * t:
                break
        return t


def _sums(log_f: LogF, left: Array, width: Array, peak: float) -> Array:
    """The integral over each panel."""
    at = left[..., None] + width[..., None] * _NODES
    values = np.exp(log_f(at.ravel()) - peak).reshape(at.shape)
    return np.asarray((values @ _WEIGHTS) * width)


def _peak_of(log_f: LogF, low: float, high: float, scale: float) -> tuple[float, float]:
    """A place in [low, high] where exp(log_f) is within a factor e of its greatest value, and log_f there."""
    grid = np.append(low, np.minimum(low + scale * _OCTAVES, high))
    while True:
        values = log_f(grid)
        best = int(values.argmax())
        around = slice(max(best - 1, 0), best + 2)
        first, last = grid[around][0], grid[around][-1]
        if values[best] - values[around].min() < 1.0 or last - first <= 1e-15 * last:
            return float(grid[best]), float(values[best])
        grid = first + (last - first) * _FINE


def _span(
    log_f: LogF, low: float, high: float, peak_at: float, floor: float, scale: float
) -> tuple[float, float]:
    """The first steps of doubling width to both sides of the peak at which log_f is below `floor`."""
    right = np.minimum(peak_at + scale * _OCTAVES, high)
    end = right[min(int((log_f(right) > floor).sum()), len(right) - 1)]
    if peak_at == low:
        return low, float(end)
    left = np.maximum(peak_at - scale * _OCTAVES, low)
    start = left[min(int((log_f(left) > floor).sum()), len(left) - 1)]
    return float(start), float(end)
