"""The next best offer: who may have it by the rules, how likely it is taken, what that is worth; three at most.

An offer's chance p is log-odds that add up: of the offer in the customer's segment (a Beta law of what was accepted and
declined there, its prior the admin's `rate`), and of the customer's affinity to the product, as learned from purchases
(`cti_engine/learning/affinities.py`), less what the counted customers had of it on average. Offers are ranked by
p times margin. With `explore` each p is drawn from its law (Thompson 1933; Russo et al. 2018, "A tutorial on Thompson
sampling"), so an offer of which little is known comes first now and then, and one that is known to be bad never.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from typing import Any

import numpy as np

from cti_engine.core.customers.abstain import Abstention, Profile, abstentions
from cti_engine.core.customers.offer_facts import CallFacts, Holdings, numbers, rows, table
from cti_engine.core.customers.offer_rules import Offer, OfferRules

ANSWERS = ("accepted", "declined", "not_now")
CROSS_SELL = "cross_sell"
"""The kind of an imported hint that sells: it obeys the same rules."""
_CERTAIN = 1e-6
_NO_COUNTS = (0.0, 0.0, 0.0)
_MOST = 1e9  # answers; a profile that says more lies
_STRONGEST = 3.0  # log-odds that an affinity may give: it is a guess from other people


@dataclass(frozen=True, slots=True)
class Hint:
    """`chance` that it is taken and `expected_value`, both by what is known, not as drawn. `line` in the caller's
    language, `reason` by language; without one the page tells of `affinity` (log-odds).
    """

    offer: str
    product: str
    reason: Mapping[str, str]
    line: str
    chance: float
    expected_value: float
    affinity: float

    def told(self, currency: str) -> dict[str, object]:
        return {
            "offer": self.offer,
            "product": self.product,
            "reason": dict(self.reason),
            "line": self.line,
            "chance": round(self.chance, 4),
            "expected_value": round(self.expected_value, 2),
            "currency": currency,
            "affinity": round(self.affinity, 3),
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """`hints`, best first, or `abstained`: why there are none. `held_out`: none are shown, to tell what they gain."""

    hints: tuple[Hint, ...] = ()
    abstained: tuple[Abstention, ...] = ()
    held_out: bool = False


def choose(
    rules: OfferRules, profile: Profile, call: CallFacts, seed: bytes, left: Mapping[str, int] | None = None
) -> Choice:
    """`seed` makes chance: of the call, secret. `left`: stock by offer, where it is less than the rules say."""
    abstained = abstentions(rules.abstain, profile, call)
    if abstained:
        return Choice(abstained=abstained)
    customer, stock = Holdings.of(profile, call.now), left or {}
    hints: list[Hint] = []
    untrained = False
    offers = tuple(rules.offers.values())
    alone = tuple(
        each
        for each in offers
        if each.alone and not why_not(each, customer, call, stock) and _trained(each, call)
    )
    for offer, expected, affinity in ranked(rules, alone or offers, profile, seed):
        if why_not(offer, customer, call, stock):
            continue
        if not _trained(offer, call):
            untrained = True
            continue
        line = offer.line[call.language]
        worth = expected * offer.margin
        hints.append(Hint(offer.id, offer.product, offer.reason, line, expected, worth, affinity))
        if len(hints) == rules.at_most:
            break
    if not hints:
        return Choice(abstained=(Abstention("not_trained" if untrained else "nothing_fits"),))
    return Choice(tuple(hints), held_out=chance(seed, "hold_out") < rules.hold_out)


def why_not(offer: Offer, customer: Holdings, call: CallFacts, left: Mapping[str, int]) -> str:
    """The first thing but the agent that keeps an offer from the customer, as a code; empty when nothing does."""
    has = customer.has
    if not has.issuperset(offer.needs):
        return "needs"
    if not has.isdisjoint(offer.excludes) or (offer.product in has and not offer.repeatable):
        return "excludes"
    if offer.seasons and not any(in_season(call.today, *season) for season in offer.seasons):
        return "season"
    if offer.stock is not None and left.get(offer.id, offer.stock) <= 0:
        return "stock"
    if call.language not in offer.line:
        return "language"
    if offer.id in call.answers or customer.answered.get(offer.id, offer.again_after) < offer.again_after:
        return "answered"
    return "" if offer.when is None or offer.when.holds(call.names) else "when"


def in_season(today: tuple[int, int], first: tuple[int, int], last: tuple[int, int]) -> bool:
    return first <= today <= last if first <= last else today >= first or today <= last


def _trained(offer: Offer, call: CallFacts) -> bool:
    return offer.require is None or offer.require.holds(call.about_agent)


def ranked(
    rules: OfferRules, offers: Sequence[Offer], profile: Profile, seed: bytes
) -> list[tuple[Offer, float, float]]:
    """All of these, the best first: offer, chance that it is taken, affinity (log-odds).

    Ranking costs the same for one offer as for hundreds, asking whether it fits does not: so it is asked afterwards,
    of the best, until as many fit as are shown.
    """
    if not offers:
        return []
    likes, counts = table(profile, "affinities"), table(profile, "offer_counts")
    affinities = np.clip(numbers([likes.get(o.product, 0.0) for o in offers]), -_STRONGEST, _STRONGEST)
    told = [counts.get(offer.id, _NO_COUNTS) for offer in offers]
    accepted, declined, asked = numbers(list(chain.from_iterable(map(_three, told)))).reshape(-1, 3).T
    accepted, declined = np.clip(accepted, 0.0, _MOST), np.clip(declined, 0.0, _MOST)
    rates, margins = np.array([o.rate for o in offers]), np.array([o.margin for o in offers])
    wins, losses = rules.prior * rates + accepted, rules.prior * (1 - rates) + declined
    had = np.clip(asked / (rules.prior + accepted + declined), -_STRONGEST, _STRONGEST)
    moved = affinities - had  # of whom the offer's law already tells
    chances = _moved(wins / (wins + losses), moved)
    worth = chances * margins
    if rules.explore:
        random = np.random.Generator(np.random.PCG64(_whole(seed, "explore")))
        worth = _moved(random.beta(wins, losses), moved) * margins
    each = zip(offers, worth.tolist(), chances.tolist(), affinities.tolist(), strict=True)
    best = sorted(each, key=lambda one: (-one[1], -one[2], one[0].id))
    return [(offer, chance, affinity) for offer, _, chance, affinity in best]


def _moved(chances: Any, log_odds: Any) -> Any:
    """Chances (array) with so much added to their log-odds."""
    held = np.clip(chances, _CERTAIN, 1 - _CERTAIN)
    return 1 / (1 + (1 - held) / held * np.exp(-log_odds))


def _three(found: object) -> Sequence[object]:
    """Accepted, declined, and the sum of the affinities of those who were asked."""
    if not isinstance(found, list | tuple) or len(found) < 2:
        return _NO_COUNTS
    return found if len(found) == 3 else (found[0], found[1], 0.0 if len(found) < 3 else found[2])


def shown_hints(profile: Profile, choice: Choice) -> Iterator[Mapping[str, Any]]:
    """Imported hints, without those that sell where nothing may be sold or shown."""
    for hint in rows(profile, "hints"):
        if hint.get("kind") != CROSS_SELL or not forbids(choice):
            yield hint


def forbids(choice: Choice) -> bool:
    """Whether nothing at all may be sold: that no offer of the admin's fits forbids no imported one."""
    rules = {abstention.rule for abstention in choice.abstained}
    return choice.held_out or bool(rules - {"nothing_fits"})


def seed_of(secret: str, contact: str) -> bytes:
    """Chance of a call: the same however often it is asked, and with a secret seed no agent can foresee it."""
    return blake2b(contact.encode(), digest_size=16, key=secret.encode()[:64]).digest()


def _whole(seed: bytes, purpose: str) -> int:
    return int.from_bytes(blake2b(purpose.encode(), digest_size=7, key=seed).digest())


def chance(seed: bytes, purpose: str) -> float:
    """In [0, 1)."""
    return _whole(seed, purpose) / 2.0**56
