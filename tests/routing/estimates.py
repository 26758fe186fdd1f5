"""From replications to a band: ratios of sums, made sharper by controls, at a level that holds for a whole table.

A control is a number of the same replication whose true mean is known (here always 0), such as how full an endless
group of agents would have been. Its chance deviation is taken out of a result by regression (S. Lavenberg, P. Welch,
Management Science 27 (1981) 322-335).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats


class Replication(NamedTuple):
    """`sums`: by quantity, numerator and denominator of its ratio. `controls`: true mean 0 each."""

    sums: dict[str, tuple[float, float]]
    controls: tuple[float, ...]


class Band(NamedTuple):
    """`half` is half of the band's width."""

    value: float
    half: float

    def holds(self, value: float) -> bool:
        return abs(value - self.value) <= self.half


def band(replications: Sequence[Replication], quantity: str, miss: float) -> Band:
    """Where the ratio lies, but for this probability. Raises ValueError when there are too few replications."""
    top, bottom = np.array([each.sums[quantity] for each in replications]).T
    controls = np.array([each.controls for each in replications])
    design = np.column_stack((np.ones(len(top)), controls))
    freedom = len(top) - design.shape[1]
    if freedom < 10:
        raise ValueError(f"{len(top)} replications are too few for {controls.shape[1]} controls")
    ratio = top.sum() / bottom.sum()
    deviation = (top - ratio * bottom) / bottom.mean()
    # The controls' columns have very different sizes: scaled, so that none is taken for 0.
    scale = np.abs(design).max(axis=0)
    scale[scale == 0.0] = 1.0
    inverse = np.linalg.pinv(design / scale)
    weights = inverse @ deviation
    rest = deviation - design / scale @ weights
    spread = float(rest @ rest) / freedom * float(inverse[0] @ inverse[0])
    quantile = float(stats.t.ppf(1.0 - miss / 2.0, freedom))
    return Band(float(ratio + weights[0] / scale[0]), quantile * spread**0.5)
