"""Did waits come out as promised? A pure fold over a queue's events: coverage, and the loss beside naive guesses.

Who hung up or went elsewhere waited longer than that: a censored wait, never one that was short.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cti_engine.core import events as ev
from cti_engine.core.reporting.intervals import wilson

SHARES = (0.5, 0.8, 0.95)
Array = npt.NDArray[np.float64]


class Kept(NamedTuple):
    """One promise and what became of it, seconds. `last`: the wait of the caller answered last before it; `mean`: the
    mean of the answered of the day until then; None before the first.
    """

    promised: tuple[float, ...]
    wait: float
    answered: bool
    last: float | None
    mean: float | None


class Coverage(NamedTuple):
    """Share of the waits that were within the promise, and its interval at 95 %."""

    value: float
    low: float
    high: float


@dataclass(slots=True)
class QueuePromises:
    """The fold over one queue's events. `at_once`: an agent was free; `unknown`: nothing could be promised."""

    queue: str
    at_once: int = 0
    unknown: int = 0
    kept: list[Kept] = field(default_factory=list)
    _open: dict[str, tuple[float, tuple[float, ...], float | None, float | None]] = field(
        default_factory=dict
    )
    _last: float | None = None
    _sum: float = 0.0
    _answered: int = 0
    _day: int = 0

    def apply(self, event: ev.Event, at: float, day: int) -> None:
        """Take one event of this queue that happened at wall time `at`, on that day of the center."""
        if day != self._day:
            self._day, self._sum, self._answered = day, 0.0, 0
        match event:
            case ev.CallQueued(contact=contact, promised=promised):
                if promised is None:
                    self.unknown += 1
                elif not promised[-1]:
                    self.at_once += 1
                else:
                    mean = self._sum / self._answered if self._answered else None
                    self._open[contact] = (at, promised, self._last, mean)
            case ev.CallBridged(contact=contact, waited_s=waited):
                self._ends(contact, at, answered=True)
                self._last = waited
                self._sum += waited
                self._answered += 1
            case ev.CallAbandoned(contact=contact):
                self._ends(contact, at, answered=False)
            case ev.QueueLeft(contact=contact, reason=reason):
                self._ends(contact, at, answered=reason == "answered_elsewhere")
            case _:
                return

    def _ends(self, contact: str, at: float, *, answered: bool) -> None:
        promise = self._open.pop(contact, None)
        if promise is not None:
            since, promised, last, mean = promise
            self.kept.append(Kept(promised, max(0.0, at - since), answered, last, mean))


def coverage(kept: Sequence[Kept], place: int) -> Coverage:
    """P(wait <= the promise at `place`) by the product-limit estimate of wait / promise at 1 (Kaplan and Meier, JASA 53
    (1958) 457-481), which takes this ratio and the patience to be independent, with Wilson's interval for as many
    promises as give Greenwood's variance; without censored waits the plain share and Wilson's binomial interval. NaN
    without promises.
    """
    if not kept:
        return Coverage(math.nan, math.nan, math.nan)
    wait = np.array([each.wait for each in kept])
    promise = np.array([each.promised[place] for each in kept])
    answered = np.array([each.answered for each in kept])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(wait <= promise, np.minimum(wait / promise, 1.0), 2.0)
    surviving, greenwood = _product_limit(np.nan_to_num(ratio), answered, 1.0)
    number = float(len(kept))
    if 0.0 < surviving < 1.0:
        number = (1.0 - surviving) / (surviving * greenwood)
    return Coverage(1.0 - surviving, *wilson(1.0 - surviving, number))


def _product_limit(time: Array, ends: npt.NDArray[np.bool_], until: float) -> tuple[float, float]:
    """The share that lasts beyond `until`, and Greenwood's sum. At equal times ends come before censorings."""
    times, deaths = np.unique(time[ends & (time <= until)], return_counts=True)
    at_risk = len(time) - np.searchsorted(np.sort(time), times, side="left")
    surviving = float(np.prod(1.0 - deaths / at_risk))
    rest = at_risk - deaths
    with np.errstate(divide="ignore"):
        greenwood = float(np.sum(np.where(rest > 0, deaths / (at_risk * np.maximum(rest, 1)), math.inf)))
    return surviving, greenwood


def losses(kept: Sequence[Kept]) -> dict[str, float]:
    """Mean pinball loss (seconds, over the three quantiles) of `promised`, `last` and `mean` on the same calls.

    Only answered waits have a loss; each counts as many times as callers like it were still there, 1 / P(not censored
    before), so that censoring leaves no trace (H. Koul, V. Susarla, J. Van Ryzin, Annals of Statistics 9 (1981)
    1276-1288). Empty when no call can be compared.
    """
    compared = [each for each in kept if each.last is not None and each.mean is not None]
    weight = _still_there(compared)
    if not weight.any():
        return {}
    wait = np.array([each.wait for each in compared])
    total = weight.sum()
    found = {}
    for name, guesses in (
        ("promised", [each.promised for each in compared]),
        ("last", [(each.last,) * len(SHARES) for each in compared]),
        ("mean", [(each.mean,) * len(SHARES) for each in compared]),
    ):
        over = wait[:, None] - np.array(guesses, dtype=float)
        loss = np.maximum(np.array(SHARES) * over, (np.array(SHARES) - 1.0) * over).mean(axis=1)
        found[name] = float((weight * loss).sum() / total)
    return found


def _still_there(kept: Sequence[Kept]) -> Array:
    """For each answered wait 1 / the product-limit estimate of not being censored before it; 0 for the censored."""
    wait = np.array([each.wait for each in kept])
    answered = np.array([each.answered for each in kept], dtype=bool)
    order = np.lexsort((~answered, wait))  # at equal times answers come before censorings
    at_risk = np.arange(len(kept), 0, -1)
    factors = np.where(answered[order], 1.0, 1.0 - 1.0 / at_risk)
    there = np.concatenate(([1.0], np.cumprod(factors)[:-1]))
    weight = np.zeros(len(kept))
    weight[order] = np.where(answered[order], 1.0 / np.maximum(there, 1e-12), 0.0)
    return weight


def fold(happened: Iterable[tuple[float, ev.Event]], utc_offset: float = 0.0) -> dict[str, QueuePromises]:
    """By queue, from events in order; days begin at midnight of `utc_offset`."""
    queues: dict[str, QueuePromises] = {}
    for at, event in happened:
        queue = getattr(event, "queue", "")
        if queue:
            day = int((at + utc_offset) // 86_400.0)
            queues.setdefault(queue, QueuePromises(queue)).apply(event, at, day)
    return queues
