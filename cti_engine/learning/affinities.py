"""Which products go together, for whom and when: log-odds learned from purchases, that add up.

The chance that a purchase is of product y is proportional to exp(b_y + sum of w_ay over what is known of the buyer:
each product had before, the segment, the month). That is multinomial logistic regression (conditional logit, McFadden
1974) with a penalty on squared weights, which shrinks what few purchases speak for towards zero. Unlike pairwise
association, which counts one cause several times (who buys in December, in a segment that likes it), the weights
explain purchases together. A customer's affinity to y is the sum of w_ay: a look-up, no model to serve.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]
Purchase = tuple[str, float, str]
"""Customer, wall seconds, product."""
MOST_PRODUCTS = 300
MOST_PURCHASES = 200_000
PENALTIES = (1.0, 3.0, 10.0)
STEPS = 60


@dataclass(frozen=True, slots=True)
class Affinities:
    """`weights`: (antecedent, product) to log-odds; an antecedent is a product, `segment:gold` or `month:11`.
    `base`: log-odds of each product before anything is known.
    """

    weights: Mapping[tuple[str, str], float]
    base: Mapping[str, float]
    penalty: float = 0.0
    purchases: int = 0

    def ranked(self, known: Iterable[str]) -> list[str]:
        """Products, the likeliest first, for whom so much is known."""
        antecedents = tuple(known)
        scores = {
            product: base + sum(self.weights.get((each, product), 0.0) for each in antecedents)
            for product, base in self.base.items()
        }
        return sorted(scores, key=lambda product: (-scores[product], product))


@dataclass(frozen=True, slots=True)
class _Data:
    """One row a purchase: what was known of the buyer before it (features), and which product it was (`bought`)."""

    features: sparse.csr_matrix
    bought: npt.NDArray[np.int64]
    names: tuple[str, ...]
    products: tuple[str, ...]


def month_of(at: float) -> str:
    return f"month:{datetime.fromtimestamp(at, UTC).month:02d}"


def learn(
    purchases: Sequence[Purchase], segments: Mapping[str, str], *, penalty: float | None = None
) -> Affinities:
    """From purchases in any order; `segments` by customer. Without a `penalty` the one of PENALTIES is taken that tells
    the last fifth of the purchases best from those before. Of more than MOST_PURCHASES the newest count, of more than
    MOST_PRODUCTS those that are bought most. No purchases: no affinities.
    """
    ordered = sorted(purchases, key=lambda each: (each[1], each[0], each[2]))
    data = _data(ordered, segments)
    rows = len(data.bought)
    if rows == 0:
        return Affinities({}, {})
    if penalty is None:
        cut = max(1, rows * 4 // 5)
        fits = {each: _fit(_rows(data, 0, cut), each, STEPS // 2) for each in PENALTIES}
        penalty = max(PENALTIES, key=lambda each: _likelihood(_rows(data, cut, rows), *fits[each]))
    weights, base = _fit(data, penalty, STEPS)
    table = {
        (name, product): float(weights[i, j])
        for i, name in enumerate(data.names)
        for j, product in enumerate(data.products)
    }
    return Affinities(table, dict(zip(data.products, map(float, base), strict=True)), penalty, rows)


def _data(ordered: Sequence[Purchase], segments: Mapping[str, str]) -> _Data:
    counts: dict[str, int] = {}
    for _, _, product in ordered:
        counts[product] = counts.get(product, 0) + 1
    products = tuple(sorted(sorted(counts, key=lambda each: (-counts[each], each))[:MOST_PRODUCTS]))
    index = {product: i for i, product in enumerate(products)}
    names: dict[str, int] = dict(index)
    columns: list[int] = []
    ends = [0]
    bought: list[int] = []
    had: dict[str, dict[int, None]] = {}
    newest = max(0, len(ordered) - MOST_PURCHASES)
    for number, (customer, at, product) in enumerate(ordered):
        if product not in index:
            continue
        before = had.setdefault(customer, {})
        if number >= newest:
            columns += before
            columns += [
                names.setdefault(each, len(names)) for each in _circumstances(segments.get(customer, ""), at)
            ]
            ends.append(len(columns))
            bought.append(index[product])
        before[index[product]] = None
    shape = (len(bought), len(names))
    features = sparse.csr_matrix((np.ones(len(columns)), columns, ends), shape=shape)
    return _Data(features, np.array(bought, dtype=np.int64), tuple(names), products)


def _circumstances(segment: str, at: float) -> list[str]:
    return [f"segment:{segment}", month_of(at)] if segment else [month_of(at)]


def _rows(data: _Data, first: int, last: int) -> _Data:
    return _Data(data.features[first:last], data.bought[first:last], data.names, data.products)


def _chances(data: _Data, weights: Floats, base: Floats) -> tuple[Floats, float]:
    """The chance of each product at each purchase, and the log-likelihood of those that were bought."""
    odds = np.asarray(data.features @ weights) + base
    odds -= odds.max(axis=1, keepdims=True)
    chances = np.exp(odds)
    totals = chances.sum(axis=1, keepdims=True)
    told = float((odds[np.arange(len(data.bought)), data.bought] - np.log(totals[:, 0])).sum())
    chances /= totals
    return chances, told


def _likelihood(data: _Data, weights: Floats, base: Floats) -> float:
    return _chances(data, weights, base)[1] if len(data.bought) else 0.0


def _fit(data: _Data, penalty: float, steps: int) -> tuple[Floats, Floats]:
    """Weights (antecedents, products) and base by L-BFGS, from the shares of the products."""
    antecedents, products = len(data.names), len(data.products)
    counts = np.bincount(data.bought, minlength=products).astype(np.float64)
    ones = (np.ones(len(data.bought)), (np.arange(len(data.bought)), data.bought))
    observed = (data.features.T @ sparse.csr_matrix(ones, shape=(len(data.bought), products))).toarray()
    transposed = data.features.T.tocsr()

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat[: antecedents * products].reshape(antecedents, products)
        base = flat[antecedents * products :]
        chances, told = _chances(data, weights, base)
        slope = np.concatenate(
            [
                (observed - np.asarray(transposed @ chances) - penalty * weights).ravel(),
                counts - chances.sum(axis=0),
            ]
        )
        return penalty / 2 * float((weights**2).sum()) - told, -slope

    shares = np.log((counts + 1.0) / (counts.sum() + products))
    begin = np.concatenate([np.zeros(antecedents * products), shares - shares.mean()])
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": steps})
    weights = found.x[: antecedents * products].reshape(antecedents, products)
    return weights, found.x[antecedents * products :]
