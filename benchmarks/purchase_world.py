"""A world of purchases whose laws are known: the frozen generator of `make bench-offers`.

Customers of four segments buy for 24 months; what they buy next is drawn by weights that multiply: the product's own,
the segment's taste for its group and for it, the season's, and a lift for each planted pair whose first product the
customer has. Some products are bought once, others again. Who knows the weights has the best possible guess; that is
`World.optima`. Frozen: a change of anything here makes another world, so it never changes; other seeds do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DAY = 86_400.0
MONTH = 30.4375 * DAY
START = 1_735_689_600.0  # 2025-01-01, UTC
MONTHS, TEST_MONTHS = 24, 3
PRODUCTS, GROUPS, SEGMENTS = 60, 8, 4
CUSTOMERS = 8_000
PAIRS, SEASONAL = 90, 15

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Purchase:
    customer: str
    at: float
    product: str


@dataclass(frozen=True, slots=True)
class World:
    """`purchases` in the order of time; those from `cut` on are for the test. `segments` by customer."""

    seed: int
    purchases: list[Purchase]
    segments: dict[str, str]
    cut: float
    laws: Laws

    def optima(self, customers: Iterable[str], at_most: int) -> dict[str, list[str]]:
        """The products that each most likely buys in the months of the test, by the world's own laws."""
        had: dict[str, set[str]] = {customer: set() for customer in customers}
        for purchase in self.purchases:
            if purchase.at < self.cut and purchase.customer in had:
                had[purchase.customer].add(purchase.product)
        return {
            customer: self.laws.best(int(self.segments[customer][1:]), products, at_most)
            for customer, products in had.items()
        }


@dataclass(frozen=True, slots=True)
class Laws:
    """Weights multiply: `base` (products), `taste` (segments, products), `season` (months, products), `lift`
    (has, buys). `once`: who has it does not buy it again.
    """

    base: Floats
    taste: Floats
    season: Floats
    lift: Floats
    once: npt.NDArray[np.bool_]

    def weights(self, segment: int, month: int, has: npt.NDArray[np.bool_]) -> Floats:
        weights = self.base * self.taste[segment] * self.season[month % 12]
        if has.any():
            weights = weights * self.lift[has].prod(axis=0)
        found: Floats = np.where(self.once & has, 0.0, weights)
        return found

    def best(self, segment: int, had: set[str], at_most: int) -> list[str]:
        has = np.zeros(PRODUCTS, dtype=bool)
        has[[int(product[1:]) for product in had]] = True
        chances = np.zeros(PRODUCTS)
        for month in range(MONTHS - TEST_MONTHS, MONTHS):
            weights = self.weights(segment, month, has)
            chances += weights / weights.sum()
        return [f"p{index}" for index in np.argsort(-chances, kind="stable")[:at_most]]


def _laws(random: np.random.Generator) -> Laws:
    base: Floats = 1.0 / (1.0 + random.permutation(PRODUCTS).astype(np.float64)) ** 0.7
    group = random.integers(GROUPS, size=PRODUCTS)
    taste = np.exp(random.normal(0, 0.8, (SEGMENTS, GROUPS)))[:, group] * np.exp(
        random.normal(0, 0.3, (SEGMENTS, PRODUCTS))
    )
    season = np.ones((12, PRODUCTS))
    for product in random.choice(PRODUCTS, SEASONAL, replace=False):
        first, length = random.integers(12), random.integers(2, 4)
        season[:, product] = 0.6
        season[(first + np.arange(length)) % 12, product] = random.uniform(3, 6)
    lift = np.ones((PRODUCTS, PRODUCTS))
    pairs = random.choice(PRODUCTS * PRODUCTS, PAIRS, replace=False)
    lift.flat[pairs] = random.uniform(3, 10, PAIRS)
    np.fill_diagonal(lift, 1.0)
    return Laws(base, taste, season, lift, random.random(PRODUCTS) < 0.6)


def make(seed: int, customers: int = CUSTOMERS) -> World:
    """The world of this seed: the same for the same, on any machine with the same numpy."""
    random = np.random.default_rng([6, seed])
    laws = _laws(random)
    shares = random.dirichlet(np.full(SEGMENTS, 4.0))
    purchases: list[Purchase] = []
    segments: dict[str, str] = {}
    for number in range(customers):
        name, segment = f"c{number}", int(random.choice(SEGMENTS, p=shares))
        segments[name] = f"s{segment}"
        begins = random.uniform(0, MONTHS - TEST_MONTHS)
        count = random.poisson(random.gamma(2.0, 0.25) * (MONTHS - begins))
        has = np.zeros(PRODUCTS, dtype=bool)
        for at in np.sort(random.uniform(begins, MONTHS, count)):
            weights = laws.weights(segment, int(at), has)
            product = int(np.searchsorted(np.cumsum(weights), random.random() * weights.sum()))
            has[product] = True
            purchases.append(Purchase(name, START + at * MONTH, f"p{product}"))
    purchases.sort(key=lambda purchase: (purchase.at, purchase.customer))
    return World(seed, purchases, segments, START + (MONTHS - TEST_MONTHS) * MONTH, laws)
