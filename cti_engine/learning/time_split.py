"""How well affinities tell what is bought next: learned before a day, judged on what was bought after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cti_engine.learning.affinities import Affinities, Purchase, learn, month_of

TOP = 3
"""As many as an agent is shown."""


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """Of `customers` who bought after `cut`: the share who bought one of three guesses, by affinities and by popularity
    (whichever is better of all products and of those that they have not).
    """

    cut: float
    customers: int
    hit_rate: float
    popularity: float
    learned: Affinities

    @property
    def against_popularity(self) -> float:
        return self.hit_rate / self.popularity if self.popularity else 0.0


def split(
    purchases: Sequence[Purchase], segments: Mapping[str, str], cut: float, *, penalty: float | None = None
) -> TimeSplit:
    """Raises ValueError when nothing was bought on one side of the `cut` (wall seconds)."""
    before = [each for each in purchases if each[1] < cut]
    bought = _by_customer([each for each in purchases if each[1] >= cut])
    if not before or not bought:
        raise ValueError("there are no purchases before that day, or none after it")
    learned = learn(before, segments, penalty=penalty)
    had = _by_customer(before)
    months = sorted({month_of(each[1]) for each in purchases if each[1] >= cut})
    guesses = {
        customer: guess(learned, had.get(customer, set()), segments.get(customer, ""), months)
        for customer in bought
    }
    return TimeSplit(cut, len(bought), hit_rate(guesses, bought), popularity(before, had, bought), learned)


def guess(learned: Affinities, had: set[str], segment: str, months: Sequence[str]) -> list[str]:
    """Three products; a month of several is the one in the middle of what is to come."""
    month = months[len(months) // 2] if months else ""
    return learned.ranked((*sorted(had), f"segment:{segment}", month))[:TOP]


def hit_rate(guesses: Mapping[str, Sequence[str]], bought: Mapping[str, set[str]]) -> float:
    return sum(not bought[each].isdisjoint(guesses[each]) for each in bought) / len(bought)


def popularity(
    before: Sequence[Purchase], had: Mapping[str, set[str]], bought: Mapping[str, set[str]]
) -> float:
    counts = Counter(product for _, _, product in before)
    order = sorted(counts, key=lambda product: (-counts[product], product))
    top = dict.fromkeys(bought, order[:TOP])
    new = {
        customer: [each for each in order if each not in had.get(customer, set())][:TOP]
        for customer in bought
    }
    return max(hit_rate(top, bought), hit_rate(new, bought))


def _by_customer(purchases: Sequence[Purchase]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for customer, _, product in purchases:
        found.setdefault(customer, set()).add(product)
    return found
