"""Affinities from purchases: what goes together is found, chance and a common cause are not, and time is not turned."""

from __future__ import annotations

import numpy as np
import pytest

from cti_engine.learning.affinities import POPULARITY, learn, month_of
from cti_engine.learning.time_split import split

DAY = 86_400.0
JUNE, DECEMBER = 1_748_736_000.0, 1_764_547_200.0


def test_what_goes_together() -> None:
    """Who has a camera buys a tripod next, and not the other way round."""
    bought = [(f"a{i}", JUNE + i, "camera") for i in range(60)]
    bought += [(f"a{i}", JUNE + DAY + i, "tripod" if i % 4 else "radio") for i in range(60)]
    bought += [(f"b{i}", JUNE + i, "tripod") for i in range(60)]
    bought += [(f"b{i}", JUNE + DAY + i, "radio" if i % 4 else "lamp") for i in range(60)]
    learned = learn(bought, {}, penalty=1.0)
    assert learned.ranked(["camera", "month:06"])[0] == "tripod"
    assert learned.ranked(["tripod", "month:06"])[0] == "radio"


def test_a_common_cause() -> None:
    """Gold buys wine, and has a sim more often than a card: no reason to think that a sim makes one buy wine."""
    bought, segments = [], {}
    for i in range(400):
        gold = i % 2 == 0
        segments[f"c{i}"] = "gold" if gold else "silver"
        has = "sim" if (i % 8 < 6) == gold else "card"
        bought += [(f"c{i}", JUNE + i, has), (f"c{i}", JUNE + DAY + i, "wine" if gold else "beer")]
    weights = learn(bought, segments, penalty=1.0).weights
    assert weights["segment:gold", "wine"] - weights["segment:silver", "wine"] > 2.0
    assert (
        abs(weights["sim", "wine"] - weights["card", "wine"]) < 1.0
    )  # counted alone it would be log 9 = 2.2


def test_a_season() -> None:
    """What everybody buys in December is put to December."""
    bought = [(f"a{i}", (DECEMBER if i % 2 else JUNE) + i, "gift" if i % 2 else "lamp") for i in range(100)]
    weights = learn(bought, {}, penalty=1.0).weights
    assert weights["month:12", "gift"] > 1.0 > weights["month:06", "gift"]
    assert month_of(DECEMBER) == "month:12"


def test_the_order_of_purchases_does_not_matter() -> None:
    """Rows of a database come in any order; the same purchases give the same affinities."""
    bought = [(f"c{i % 7}", JUNE + i * DAY, f"p{i * i % 5}") for i in range(60)]
    assert learn(bought, {}, penalty=3.0) == learn(bought[::-1], {}, penalty=3.0)


def test_no_purchases() -> None:
    """Nothing is known, and nobody is ranked; a split without a side is refused."""
    assert learn([], {}).ranked(["x"]) == []
    with pytest.raises(ValueError, match="no purchases"):
        split([("c", JUNE, "p")], {}, JUNE - 1)


def test_a_time_split_looks_only_back() -> None:
    """What is bought after the day never teaches: of a product that appears only then there is no guess."""
    bought = [(f"c{i}", JUNE + i, "a" if i % 3 else "b") for i in range(90)]
    after = [(f"c{i}", DECEMBER + i, "new") for i in range(30)]
    judged = split(bought + after, {}, DECEMBER, penalty=1.0)
    assert judged.customers == 30 and judged.hit_rate == 0.0 and "new" not in judged.learned.base


def test_where_nothing_can_be_learned() -> None:
    """Purchases by chance alone: what is most popular is guessed, exactly as popularity says, and no weight is kept."""
    random = np.random.default_rng(5)
    shares = np.array([8, 7, 6, 5, 4, 3, 2, 1]) / 36
    draws = random.choice(8, 4_000, p=shares)
    bought = [(f"c{i % 900}", JUNE + i * 3600, f"p{product}") for i, product in enumerate(draws)]
    learned = learn(bought, {})
    assert learned.penalty == POPULARITY and not learned.weights
    judged = split(bought, {}, JUNE + 3_200 * 3600)
    assert judged.against_popularity == 1.0
    assert learned.ranked(["p7"])[:3] == ["p0", "p1", "p2"]


def test_what_is_bought_once() -> None:
    """Popular things that everybody has by now are not guessed again, though nothing else can be learned."""
    random = np.random.default_rng(6)
    bought = []
    for i in range(800):
        order = sorted(range(8), key=lambda product: random.exponential(1.0 + product))
        bought += [(f"c{i}", JUNE + random.uniform(0, 200) * DAY, f"p{product}") for product in order[:5]]
    learned = learn(bought, {})
    assert "p0" not in learned.ranked(["p0", "month:06"])[:3]
    assert split(bought, {}, JUNE + 150 * DAY).against_popularity >= 1.0


def test_hidden_interests() -> None:
    """Twenty products of two kinds that nobody names: who has one of a kind is guessed the rest of it."""
    random = np.random.default_rng(7)
    bought = []
    for i in range(600):
        kind = i % 2
        for _ in range(4):
            product = 2 * int(random.integers(10)) + (kind if random.random() < 0.9 else 1 - kind)
            bought.append((f"c{i}", JUNE + random.uniform(0, 300) * DAY, f"p{product:02d}"))
    learned = learn(bought, {})
    assert learned.penalty != POPULARITY
    best = learned.ranked(["p00", "p02", "month:08"])[:3]
    assert all(int(product[1:]) % 2 == 0 for product in best)
