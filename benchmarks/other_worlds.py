"""Worlds of purchases unlike `purchase_world`, to see that guesses hold where nobody has looked: `--generator
benchmarks.other_worlds:NAME`.

What a customer likes comes from hidden interests, not from pairs or segments alone; a purchase draws one of the
interests, then a product of it by popularity and, where prices matter, by how near its price is to what the customer
spends. The segment tells of interests and budget only in part.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.purchase_world import Purchase

DAY = 86_400.0
START, DAYS, TEST_DAYS = 1_735_689_600.0, 540, 90  # from 2025-01-01 on
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """`focus`: how much more an interest likes its own products (1: no structure at all). `steep`: the exponent of
    popularity. `each`: purchases a customer, on average. `prices`: how much a wrong price deters. `season`: how much
    more a tenth of the products is bought in one quarter of the year. `told`: how much more likely a segment's own
    interest is. `once`: this share of the products is bought once only.
    """

    products: int
    customers: int
    each: float
    focus: float = 12.0
    steep: float = 0.7
    interests: int = 6
    prices: float = 0.0
    season: float = 1.0
    once: float = 0.3
    told: float = 6.0


@dataclass(frozen=True, slots=True)
class OtherWorld:
    """As `purchase_world.World` is told to `guesses`: see docs/benchmark-offers.md."""

    purchases: list[Purchase]
    segments: dict[str, str]
    cut: float
    chances: dict[str, Floats]
    once: npt.NDArray[np.bool_]

    def optima(self, customers: Iterable[str], at_most: int) -> dict[str, list[str]]:
        """By the customer's own interests and budget, which nobody but the world knows."""
        had: dict[str, list[int]] = {}
        for each in self.purchases:
            if each.at < self.cut:
                had.setdefault(each.customer, []).append(int(each.product[1:]))
        found = {}
        for customer in customers:
            chances = self.chances[customer].copy()
            has = np.array(had.get(customer, []), dtype=np.int64)
            chances[has[self.once[has]]] = 0.0
            found[customer] = [f"p{index}" for index in np.argsort(-chances, kind="stable")[:at_most]]
        return found


def make(seed: int, shape: Shape) -> OtherWorld:
    random = np.random.default_rng([66, seed])
    popularity = 1.0 / (1.0 + random.permutation(shape.products).astype(np.float64)) ** shape.steep
    likes = np.ones((shape.interests, shape.products))
    likes[random.integers(shape.interests, size=shape.products), np.arange(shape.products)] = shape.focus
    by_interest = likes * popularity
    price = random.normal(0.0, 1.0, shape.products)
    quarter = np.where(random.random(shape.products) < 0.1, random.integers(4, size=shape.products), -1)
    once = random.random(shape.products) < shape.once
    purchases: list[Purchase] = []
    segments: dict[str, str] = {}
    chances: dict[str, Floats] = {}
    for number in range(shape.customers):
        name = f"c{number}"
        segment = int(random.integers(3))
        leaning = np.ones(shape.interests)
        leaning[segment % shape.interests] = shape.told
        taste = random.dirichlet(0.3 * leaning) @ (by_interest / by_interest.sum(axis=1, keepdims=True))
        budget = 0.8 * (segment - 1) + random.normal(0.0, 0.7)
        taste = taste * np.exp(-shape.prices * (price - budget) ** 2)
        segments[name], chances[name] = f"s{segment}", taste
        left = taste.copy()
        for day in np.sort(random.uniform(0, DAYS, random.poisson(shape.each))):
            now = np.where(quarter == int(day // 91) % 4, left * shape.season, left)
            product = int(random.choice(shape.products, p=now / now.sum()))
            left[product] = 0.0 if once[product] else left[product]
            purchases.append(Purchase(name, START + day * DAY, f"p{product}"))
            if not left.any():
                break
    purchases.sort(key=lambda purchase: (purchase.at, purchase.customer))
    return OtherWorld(purchases, segments, START + (DAYS - TEST_DAYS) * DAY, chances, once)


def small(seed: int) -> OtherWorld:
    """20 products."""
    return make(seed, Shape(products=20, customers=4_000, each=6.0))


def large(seed: int) -> OtherWorld:
    """2,000 products."""
    return make(seed, Shape(products=2_000, customers=8_000, each=12.0, interests=12, focus=60.0))


def sparse(seed: int) -> OtherWorld:
    """Two purchases a customer."""
    return make(seed, Shape(products=60, customers=10_000, each=2.0, focus=30.0))


def steep(seed: int) -> OtherWorld:
    """Very few products make up most purchases."""
    return make(seed, Shape(products=100, customers=5_000, each=6.0, steep=1.4))


def priced(seed: int) -> OtherWorld:
    """Who has little money buys cheap things, whatever they are; and a tenth has a season."""
    return make(seed, Shape(products=80, customers=6_000, each=6.0, focus=4.0, prices=0.8, season=3.0))


def aimless(seed: int) -> OtherWorld:
    """No structure but popularity: nothing can be learned, and nothing may be lost."""
    return make(seed, Shape(products=60, customers=5_000, each=5.0, focus=1.0, once=0.0))


def aimless_once(seed: int) -> OtherWorld:
    """No structure but that most things are bought once only."""
    return make(seed, Shape(products=60, customers=5_000, each=5.0, focus=1.0, once=0.8))


ALL = (small, large, sparse, steep, priced, aimless, aimless_once)
