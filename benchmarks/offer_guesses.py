"""How good guesses are in a world of purchases: one that is named, the frozen one by default, or a real basket set.

A world is what a generator makes of a seed. docs/benchmark-offers.md says what it has to be.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, cast

from benchmarks.report import Report
from cti_engine.learning.affinities import POPULARITY
from cti_engine.learning.time_split import TOP, TimeSplit, hit_rate, split


class Purchased(Protocol):
    """`at`: wall seconds."""

    @property
    def customer(self) -> str: ...
    @property
    def at(self) -> float: ...
    @property
    def product(self) -> str: ...


class PurchaseWorld(Protocol):
    """Purchases from `cut` (wall seconds) on are for the test. `segments` by customer; who has none is left out."""

    @property
    def purchases(self) -> Sequence[Purchased]: ...
    @property
    def segments(self) -> Mapping[str, str]: ...
    @property
    def cut(self) -> float: ...


class KnownWorld(PurchaseWorld, Protocol):
    """It tells, too, what each of these customers most likely buys after the cut, by its own laws."""

    def optima(self, customers: Iterable[str], at_most: int) -> dict[str, list[str]]: ...


Generator = Callable[[int], PurchaseWorld]


def generator(name: str) -> Generator:
    """`module:function`. Raises ValueError with a text when there is none."""
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{name!r} is no module:function: {error}") from None
    if not callable(found):
        raise ValueError(f"{name!r} is not a function of a seed")
    return cast(Generator, found)


def guesses(report: Report, world: PurchaseWorld) -> None:
    """The penalty is chosen within the time before the cut: nothing of the test is seen."""
    began = time.perf_counter()
    judged = judge(world)
    report.goal("hit_rate_at_3_vs_popularity", ">= 1.2", judged.against_popularity)
    report.figure("hit_rate_at_3", judged.hit_rate)
    report.figure("popularity_hit_rate_at_3", judged.popularity)
    bought = _bought(world)
    if hasattr(world, "optima"):
        optimum = hit_rate(cast(KnownWorld, world).optima(bought, TOP), bought)
        report.figure("optimum_hit_rate_at_3", optimum)
        report.figure("share_of_optimum", judged.hit_rate / optimum)
    report.figure("purchases_learned", judged.learned.purchases)
    report.figure("customers_judged", judged.customers)
    by_popularity = judged.learned.penalty == POPULARITY
    report.figure("penalty", "popularity alone" if by_popularity else judged.learned.penalty)
    report.figure("learn_and_judge_s", time.perf_counter() - began)


def judge(world: PurchaseWorld) -> TimeSplit:
    rows = [(each.customer, each.at, each.product) for each in world.purchases]
    return split(rows, world.segments, world.cut)


def _bought(world: PurchaseWorld) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in world.purchases:
        if each.at >= world.cut:
            found.setdefault(each.customer, set()).add(each.product)
    return found
