"""What is known as hints are chosen: the call's facts from the core, the customer's from a profile that may lie.

A profile comes from outside: what is of the wrong kind counts as unknown, or, where it would allow a sale, as no.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from cti_engine.core.expressions.values import Lookup


@dataclass(frozen=True, slots=True)
class CallFacts:
    """`now` wall seconds, `today` (month, day) of the center. `waited` seconds on the line. `gave_up`: hung up in line
    a moment ago. `names`: what conditions may ask of the call; `agent`: of the agent by dotted name. `answers`: by
    offer, given in this call already.
    """

    now: float
    today: tuple[int, int]
    names: Lookup
    agent: Mapping[str, object]
    language: str = ""
    intent: str = ""
    queue: str = ""
    waited: float = 0.0
    calls_us: bool = True
    gave_up: bool = False
    line_is_poor: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)

    def about_agent(self, name: str) -> object:
        """The lookup of `require`: the agent's names before the call's."""
        return self.agent.get(name) if name.startswith("agent.") else self.names(name)


def table(profile: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A map in the profile; empty where something else stands."""
    found = profile.get(key)
    return found if isinstance(found, dict) else {}


def rows(profile: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The maps of a list in the profile; whatever else stands there is left out."""
    found = profile.get(key)
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list | tuple) else []


def number(value: object) -> float | None:
    """A finite number, else None."""
    if type(value) is int and abs(value) < 2**1000:
        return float(value)
    return value if type(value) is float and math.isfinite(value) else None


def numbers(values: list[object]) -> npt.NDArray[np.float64]:
    """Each as a finite number, else 0: all at once where all are numbers, as a rule."""
    if set(map(type, values)) <= {int, float}:
        with suppress(OverflowError):  # a whole number of hundreds of digits
            found = np.array(values, dtype=np.float64)
            found[~np.isfinite(found)] = 0.0
            return found
    return np.array([number(value) or 0.0 for value in values])


def since(row: Mapping[str, Any], now: float) -> float:
    """Seconds; without a readable time as if it were now: a refusal that cannot be dated is a fresh one."""
    at = number(row.get("at"))
    return 0.0 if at is None else max(0.0, now - at)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What an offer's rules ask of the customer: the products `has` (still), and by offer how long ago (seconds) the
    last yes or no was `answered`.
    """

    has: frozenset[str]
    answered: Mapping[str, float]

    @staticmethod
    def of(profile: Mapping[str, Any], now: float) -> Holdings:
        has = frozenset(
            str(row["product"])
            for row in rows(profile, "products")
            if row.get("product") and ((until := number(row.get("until"))) is None or until > now)
        )
        answered: dict[str, float] = {}
        for row in rows(profile, "offer_answers"):
            if row.get("answer") in ("accepted", "declined"):
                offer, ago = str(row.get("offer")), since(row, now)
                answered[offer] = min(ago, answered.get(offer, ago))
        return Holdings(has, answered)


def hint_kinds(profile: Mapping[str, Any]) -> Iterator[str]:
    """Of the hints that an import brought: `complaint`, `cross_sell` ..."""
    for hint in rows(profile, "hints"):
        yield str(hint.get("kind", ""))
