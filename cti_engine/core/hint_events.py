"""Facts about hints: what an agent was given to sell, or why nothing, and how the customer took it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HintsGiven:
    """The conversation begins with these `offers` ({offer, affinity}) on the agent's page; `held_out`: they would be
    there, but this call is among those that show nothing. `abstained`: the rules that forbid any.
    """

    contact: str
    customer: str
    segment: str
    agent: str
    queue: str
    offers: tuple[dict[str, object], ...] = ()
    held_out: bool = False
    abstained: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HintAnswered:
    """What the customer said to an offer: `accepted`, `declined` or `not_now`; a later answer replaces it."""

    contact: str
    customer: str
    segment: str
    agent: str
    offer: str
    answer: str
    affinity: float = 0.0


@dataclass(frozen=True, slots=True)
class HintsTakenBack:
    """Something became known that forbids them by these `rules`: what was to be sold has gone from the agent's page."""

    contact: str
    agent: str
    rules: tuple[str, ...]
