"""What the admin allows to be offered, and when nothing is (`config/offers.yaml`). Times in seconds, shares 0 to 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cti_engine.core.expressions.condition import Condition

DAY = 86_400.0
Season = tuple[tuple[int, int], tuple[int, int]]
"""First and last (month, day), both included; a last before the first is next year's."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A `product` to propose: to who holds all of `needs` and none of `excludes`, fits `when`, in one of the `seasons`
    (none: always), while there is `stock` (None: no end), by an agent who fits `require`.

    `margin` is what an acceptance is worth, `rate` how many accept before anything is known. `reason` by the agent's
    language, `line` by the caller's. `repeatable`: to who has it too. Who said no or yes is asked again `again_after`.
    `alone`: to whom it may be offered, nothing else is.
    """

    id: str
    product: str
    line: Mapping[str, str]
    reason: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    when: Condition | None = None
    require: Condition | None = None
    seasons: tuple[Season, ...] = ()
    stock: int | None = None
    margin: float = 0.0
    rate: float = 0.1
    repeatable: bool = False
    again_after: float = 90 * DAY
    alone: bool = False


@dataclass(frozen=True, slots=True)
class AbstainRules:
    """When nothing is offered, whatever would fit. A 0 (or empty) turns a rule off.

    `consent`: `given` (it has to be there), `not_refused` or `not_asked` (the rule is off). `intents` and `queues`: of
    calls that are a complaint or a cancellation. `bad_survey`: by scale the best answer that is bad.
    """

    open_tickets: bool = True
    intents: tuple[str, ...] = ("complaint", "cancellation")
    queues: tuple[str, ...] = ()
    refused_within: float = 30 * DAY
    consent: str = "given"
    waited_over: float = 120.0
    again_within: float = 3 * DAY
    poor_line: bool = True
    bad_survey: Mapping[str, int] = field(default_factory=lambda: {"1-5": 2, "0-10": 6})
    bad_survey_within: float = 180 * DAY


@dataclass(frozen=True, slots=True)
class OfferRules:
    """`hold_out`: this share of the calls is shown nothing, so that the effect can be told. `at_most` hints a call.

    A customer bought for the report who buys `within`, or whose call ends with one of `sold`. `prior`: so many answers
    `rate` is worth. `explore`: draw who comes first (Thompson), so that little known offers are tried.
    """

    offers: Mapping[str, Offer] = field(default_factory=dict)
    abstain: AbstainRules = AbstainRules()
    hold_out: float = 0.05
    at_most: int = 3
    currency: str = ""
    prior: float = 20.0
    explore: bool = True
    sold: tuple[str, ...] = ()
    within: float = 14 * DAY
