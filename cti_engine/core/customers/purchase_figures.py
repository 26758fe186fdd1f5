"""What purchases say of each customer: how lately, how often, how much, in what rhythm. Columns in, columns out.

Rows of one customer and moment are one purchase (a basket). One that costs nothing, or gives money back, counts in
what was spent but not as a purchase. What lies in the future is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cti_engine.core.customers.histories import Facts, Floats, Ints


@dataclass(frozen=True, slots=True)
class PurchaseFigures:
    """Times in seconds; `idle` (since the last purchase), `tenure` (since the first) and `rhythm` are NaN for who never
    bought; with one purchase `rhythm` is everybody's. `spent_lately`, `spent_before`: in the two halves of the window.
    """

    purchases: Ints
    spent: Floats
    spent_lately: Floats
    spent_before: Floats
    idle: Floats
    tenure: Floats
    rhythm: Floats


def purchase_figures(facts: Facts, customers: int, window: float, now: float) -> PurchaseFigures:
    """The rhythm is the mean time between purchases, drawn to everybody's: (last - first + M) / purchases, where M is
    the median over customers of (last - first) / (purchases - 1); NaN where nobody has bought twice.
    """
    baskets = _baskets(facts.where(facts.at <= now))
    lately = baskets.where(baskets.at > now - window)
    half = now - window / 2
    bought = baskets.where(baskets.amount > 0)
    count = np.bincount(bought.owner, minlength=customers)
    first, last = np.full(customers, np.inf), np.full(customers, -np.inf)
    np.minimum.at(first, bought.owner, bought.at)
    np.maximum.at(last, bought.owner, bought.at)
    none = count == 0
    first[none] = last[none] = np.nan
    often = count >= 2
    with np.errstate(invalid="ignore", divide="ignore"):
        own = (last - first) / (count - 1)
        usual = float(np.median(own[often])) if often.any() else np.nan
        rhythm = (last - first + usual) / count
    return PurchaseFigures(
        purchases=np.bincount(lately.where(lately.amount > 0).owner, minlength=customers),
        spent=_summed(lately, customers),
        spent_lately=_summed(lately.where(lately.at > half), customers),
        spent_before=_summed(lately.where(lately.at <= half), customers),
        idle=now - last,
        tenure=now - first,
        rhythm=rhythm,
    )


def _baskets(facts: Facts) -> Facts:
    if not len(facts.owner):
        return facts
    order = np.lexsort((facts.at, facts.owner))
    owner, at = facts.owner[order], facts.at[order]
    begins = np.flatnonzero(np.r_[True, (owner[1:] != owner[:-1]) | (at[1:] != at[:-1])])
    return Facts(owner[begins], at[begins], np.add.reduceat(facts.amount[order], begins))


def _summed(facts: Facts, customers: int) -> Floats:
    return np.bincount(facts.owner, weights=facts.amount, minlength=customers).astype(np.float64)
