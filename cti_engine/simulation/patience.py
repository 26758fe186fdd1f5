"""Patience from a day's waits: who was answered (or sent elsewhere) would have waited longer, so these are censored."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from cti_engine.simulation.distributions import Stepwise


class Wait(NamedTuple):
    """Seconds; `gave_up` False: censored, the caller was answered or left the queue otherwise."""

    seconds: float
    gave_up: bool


def kaplan_meier(waits: Iterable[Wait]) -> Stepwise:
    """The product-limit estimate: S(t) = product over moments of giving up t_i <= t of 1 - d_i / n_i, with d_i who gave
    up at t_i and n_i who still waited just before (Kaplan, Meier, JASA 53 (1958) 457-481).

    Beyond the last moment of giving up nothing is known but the rate: exponential, with the mean of all waiting
    together over how many gave up. Nobody gave up: never.
    """
    ordered = sorted(waits)
    gave_up = sum(wait.gave_up for wait in ordered)
    if not gave_up:
        return Stepwise((), (), math.inf)
    times: list[float] = []
    reached: list[float] = []
    survive, place, waiting = 1.0, 0, len(ordered)
    while place < len(ordered):
        at, before = ordered[place].seconds, waiting
        died = 0
        while place < len(ordered) and ordered[place].seconds == at:
            died += ordered[place].gave_up
            waiting -= 1
            place += 1
        if died:
            survive *= 1.0 - died / before
            times.append(at)
            reached.append(1.0 - survive)
    return Stepwise(tuple(times), tuple(reached), sum(wait.seconds for wait in ordered) / gave_up)
