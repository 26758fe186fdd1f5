"""Many customers as columns: what they have bought, complained of, answered and hold. The input of scores.

`owner` is the customer's place in `customers`; times are wall seconds, money is in the center's currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def floats(values: Iterable[float]) -> Floats:
    return np.fromiter(values, np.float64)


@dataclass(frozen=True, slots=True)
class Facts:
    """What happened to whom, when, and how much of it; in any order."""

    owner: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    at: Floats = field(default_factory=lambda: np.zeros(0))
    amount: Floats = field(default_factory=lambda: np.zeros(0))

    @staticmethod
    def of(rows: Sequence[tuple[int, float, float]]) -> Facts:
        """From (owner, at, amount)."""
        owner = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        table = np.fromiter((x for row in rows for x in row[1:]), np.float64, 2 * len(rows)).reshape(-1, 2)
        return Facts(owner, table[:, 0].copy(), table[:, 1].copy())

    def where(self, chosen: NDArray[np.bool_]) -> Facts:
        return Facts(self.owner[chosen], self.at[chosen], self.amount[chosen])


@dataclass(frozen=True, slots=True)
class Histories:
    """Of n customers: `kind`, `language`, imported `segment` and `value` (0: none), products held, when the first
    contract of theirs ends (NaN: none known), whether a complaint is open. `surveys` have amounts from 0, the worst
    answer, to 1, the best; the amounts of `complaints` do not matter.
    """

    customers: Sequence[str]
    kind: Sequence[str]
    language: Sequence[str]
    segment: Sequence[str]
    value: Floats
    products: Ints
    contract_ends: Floats
    open_complaint: NDArray[np.bool_]
    purchases: Facts = Facts()
    complaints: Facts = Facts()
    surveys: Facts = Facts()

    def __len__(self) -> int:
        return len(self.customers)
