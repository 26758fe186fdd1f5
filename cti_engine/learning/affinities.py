"""Which products go together, for whom and when: log-odds learned from purchases, that add up.

The chance that a purchase is of product y is proportional to exp(b_y + sum of w_ay over what is known of the buyer:
each product had before, the segment, the month). That is multinomial logistic regression (conditional logit, McFadden
1974). Unlike pairwise association, which counts one cause several times (who buys in December, in a segment that likes
it), the weights explain purchases together. They are of three parts: one of each pair's own; one of few dimensions,
which says what interests lie behind (factors penalised by their squares: Srebro et al. 2004, "Maximum-margin matrix
factorization"); and one that all products share, that who has a thing buys it again or not. A penalty on squares
shrinks what few purchases speak for towards zero. A customer's affinity to y is the sum of w_ay: a look-up, no model to
serve.

What is learned has to prove itself on the last fifth of the purchases: where it tells no more than popularity does,
popularity it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]
Hits = npt.NDArray[np.bool_]
Purchase = tuple[str, float, str]
"""Customer, wall seconds, product."""
MOST_PRODUCTS = 300
MOST_PURCHASES = 200_000
PENALTIES = (1.0, 3.0, 10.0, 30.0)
POPULARITY = math.inf
"""The penalty where nothing but popularity is believed."""
INTERESTS = 8
"""Dimensions of the part that pairs have in common."""
STEPS = 60
GUESSES = 3
SURE = 1.645
"""Standard errors by which the hits have to be more: one chance in twenty that they are not."""
_NEVER = -10.0  # log-odds


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
    the last fifth of the purchases best from those before, or POPULARITY. Of more than MOST_PURCHASES the newest count,
    of more than MOST_PRODUCTS those that are bought most. No purchases: no affinities.
    """
    ordered = sorted(purchases, key=lambda each: (each[1], each[0], each[2]))
    data = _data(ordered, segments)
    rows = len(data.bought)
    if rows == 0:
        return Affinities({}, {})
    cut = max(1, rows * 4 // 5)
    before, after = _rows(data, 0, cut), _rows(data, cut, rows)
    if penalty is None:
        fits = {each: _fit(before, each, STEPS // 2) for each in PENALTIES}
        penalty = max(PENALTIES, key=lambda each: _likelihood(after, *fits[each]))
        if not _better(_hits(after, *fits[penalty]), max(_popular(before, after), key=np.sum)):
            penalty = POPULARITY
    if penalty == POPULARITY:
        again, new = (hits.sum() for hits in _popular(before, after))
        weights, base = _by_popularity(data, new=bool(new > again))
    else:
        weights, base = _fit(data, penalty, STEPS)
    table = {
        (name, product): float(weights[i, j])
        for i, name in enumerate(data.names)
        for j, product in enumerate(data.products)
        if weights[i, j]
    }
    return Affinities(table, dict(zip(data.products, map(float, base), strict=True)), penalty, rows)


def _by_popularity(data: _Data, *, new: bool) -> tuple[Floats, Floats]:
    """As often as it was bought; `new`: by who has not got it."""
    products = len(data.products)
    weights = np.zeros((len(data.names), products))
    if new:
        np.fill_diagonal(weights, _NEVER)
    return weights, _shares(data)


def _popular(before: _Data, after: _Data) -> tuple[Hits, Hits]:
    return (
        _hits(after, *_by_popularity(before, new=False)),
        _hits(after, *_by_popularity(before, new=True)),
    )


def _hits(data: _Data, weights: Floats, base: Floats) -> Hits:
    """Of each purchase whether one of three guesses is it."""
    odds = np.asarray(data.features @ weights) + base
    best = np.argsort(-odds, axis=1, kind="stable")[:, :GUESSES]
    found: Hits = (best == data.bought[:, None]).any(axis=1)
    return found


def _better(these: Hits, others: Hits) -> bool:
    """Whether these are more, by more than chance makes them (McNemar 1947: only the purchases tell that one has)."""
    gained, lost = int((these & ~others).sum()), int((others & ~these).sum())
    return gained - lost > SURE * math.sqrt(gained + lost)


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


def _shares(data: _Data) -> Floats:
    """Log-odds of the products before anything is known, around 0."""
    counts = np.bincount(data.bought, minlength=len(data.products)).astype(np.float64)
    shares: Floats = np.log(counts + 1.0)
    shares -= shares.mean()
    return shares


def _fit(data: _Data, penalty: float, steps: int) -> tuple[Floats, Floats]:
    """Weights (antecedents, products) and base by L-BFGS, from the shares of the products."""
    antecedents, products = len(data.names), len(data.products)
    rank = min(INTERESTS, products)
    counts = np.bincount(data.bought, minlength=products).astype(np.float64)
    ones = (np.ones(len(data.bought)), (np.arange(len(data.bought)), data.bought))
    observed = (data.features.T @ sparse.csr_matrix(ones, shape=(len(data.bought), products))).toarray()
    transposed = data.features.T.tocsr()
    ends = np.cumsum([antecedents * products, antecedents * rank, rank * products, 1])
    itself = np.arange(products)

    def parts(flat: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        own, left, right, again, base = np.split(flat, ends)
        pairs = own.reshape(antecedents, products)
        return pairs, left.reshape(antecedents, rank), right.reshape(rank, products), again, base

    def whole(flat: Floats) -> tuple[Floats, Floats]:
        own, left, right, again, base = parts(flat)
        weights = own + left @ right
        weights[itself, itself] += again
        return weights, base

    def loss(flat: Floats) -> tuple[float, Floats]:
        own, left, right, *_ = parts(flat)
        chances, told = _chances(data, *whole(flat))
        slope = observed - np.asarray(transposed @ chances)
        slopes = (
            slope - penalty * own,
            slope @ right.T - penalty * left,
            left.T @ slope - penalty * right,
            slope[itself, itself].sum(keepdims=True),
            counts - chances.sum(axis=0),
        )
        squares = sum(float((each**2).sum()) for each in (own, left, right))
        return penalty / 2 * squares - told, -np.concatenate([each.ravel() for each in slopes])

    begin = np.zeros(int(ends[-1]) + products)
    random = np.random.default_rng(0)  # factors that are all 0 have no slope
    begin[ends[0] : ends[2]] = random.normal(0, 0.1, int(ends[2] - ends[0]))
    begin[ends[3] :] = _shares(data)
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": steps})
    return whole(found.x)
