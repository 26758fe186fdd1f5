"""How customers are valued and put into segments, and what a segment means to their calls: the admin's settings.

Built from config/segments.yaml by `definitions/segment_loader.py`. Weights are the admin's; nothing is learned here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.values import BOOLEAN, NUMBER, TEXT, Type, text_of

DAY = 86_400.0

VARIABLES = ("recency", "frequency", "monetary", "tenure", "products")
"""Of the score, in the order in which they are told."""

KINDS = ("person", "company")
AT_RISK = 0.5
"""From this retention risk on people are told that a customer may leave."""

CUSTOMER_NAMES: Mapping[str, Type] = {
    "customer.kind": text_of(*KINDS),
    "customer.language": TEXT,
    "customer.imported_segment": TEXT,  # as the import or the CRM says it
    "customer.imported_value": NUMBER,
    "customer.score": NUMBER,  # 0 to 100
    "customer.value": NUMBER,  # money a window
    "customer.recency": NUMBER,  # groups from 1, the best is the last; 0: never bought
    "customer.frequency": NUMBER,
    "customer.monetary": NUMBER,
    "customer.purchases": NUMBER,  # in the window
    "customer.spent": NUMBER,
    "customer.days_since_purchase": NUMBER,  # undefined: never bought
    "customer.tenure_days": NUMBER,  # since the first purchase that is known
    "customer.products": NUMBER,  # held
    "customer.retention_risk": NUMBER,  # 0 to 1
    "customer.growth": NUMBER,  # 0 to 1
    "customer.days_since_complaint": NUMBER,  # undefined: never complained
    "customer.open_complaint": BOOLEAN,
    "customer.survey": NUMBER,  # the last answer: 0 the worst, 1 the best; undefined: none
    "customer.days_since_survey": NUMBER,
    "customer.days_to_contract_end": NUMBER,  # negative: it is over; undefined: none is known
}
"""What conditions about a customer may ask; with the segment, when that is decided, `customer.segment`."""

AFTERWARDS: Mapping[str, Type] = {**CUSTOMER_NAMES, "customer.segment": TEXT}

LEVEL_NAMES: Mapping[str, Type] = {"agent.id": TEXT, "agent.site": TEXT, "agent.group": TEXT}
"""What conditions of levels may ask beside the declared attributes."""

AGENT_LEVEL = "agent"
"""The level of whoever no condition of `levels:` puts higher."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A part of the score: its `weight`, and how its groups are cut: by `bounds` (ascending; of recency and tenure
    seconds), else into `groups` of equally many customers.
    """

    weight: float
    bounds: tuple[float, ...] = ()
    groups: int = 5

    @property
    def count(self) -> int:
        return len(self.bounds) + 1 if self.bounds else self.groups


@dataclass(frozen=True, slots=True)
class RiskRules:
    """Weight of each sign, 0: not looked at. Times in seconds. A customer is overdue from `overdue_from` times the own
    rhythm on, and wholly so at `overdue_full` times. Answers below `survey_below` (0 to 1) are bad ones.
    """

    overdue: float = 0.0
    overdue_from: float = 1.5
    overdue_full: float = 3.0
    complaint: float = 0.0
    complaint_within: float = 90 * DAY
    survey: float = 0.0
    survey_within: float = 180 * DAY
    survey_below: float = 0.5
    contract_end: float = 0.0
    contract_end_within: float = 60 * DAY
    decline: float = 0.0


@dataclass(frozen=True, slots=True)
class GrowthRules:
    """Weight of each sign, 0: not looked at."""

    trend: float = 0.0
    products: float = 0.0
    spend: float = 0.0


@dataclass(frozen=True, slots=True)
class Segment:
    """Customers for whom `when` holds and whose score is from `least` on and below `below` (None: any).

    Their calls get `priority` points and `head_start` seconds, and are taken as if `vip_number` had been dialled.
    `greeting` by language, with {name}. `grants`: by level of the agent the most that is granted without asking.
    """

    id: str
    when: Condition | None = None
    least: float | None = None
    below: float | None = None
    priority: int = 0
    head_start: float = 0.0
    vip_number: str = ""
    greeting: Mapping[str, str] = field(default_factory=dict)
    grants: Mapping[str, float] = field(default_factory=dict)

    def grant_limit(self, level: str) -> float:
        return self.grants.get(level, self.grants.get(AGENT_LEVEL, 0.0))


@dataclass(frozen=True, slots=True)
class Level:
    """Agents for whom `when` holds: who may grant what is said per level."""

    id: str
    when: Condition


@dataclass(frozen=True, slots=True)
class Campaign:
    """Customers for whom `when` holds, with a `name` and what to do for them, the `action`, by language. They are
    called by the agents of `queue` (empty: nobody is called), while the calendar `hours` is open (empty: always).
    """

    id: str
    name: Mapping[str, str]
    when: Condition
    action: Mapping[str, str]
    queue: str = ""
    hours: str = ""


PURCHASES, IMPORTED, LARGER = "purchases", "imported", "larger"


@dataclass(frozen=True, slots=True)
class SegmentRules:
    """`segments`: the first that holds is the customer's; none: the imported one stays. `window` seconds: purchases
    before it do not count for frequency, monetary and value. `value_from`: what was spent in the window, the imported
    value, or the larger; where one is not known, the other. `levels`: the first that holds is the agent's.
    `grants_within` seconds: what a customer was granted then counts against the limit. `recompute_at`: minutes after
    midnight. `complaint_dispositions` and `complaint_categories` say which contacts and tickets are complaints.
    """

    segments: tuple[Segment, ...] = ()
    currency: str = "EUR"
    window: float = 365 * DAY
    value_from: str = LARGER
    score: Mapping[str, Variable] = field(default_factory=dict)
    risk: RiskRules = RiskRules()
    growth: GrowthRules = GrowthRules()
    levels: tuple[Level, ...] = ()
    grants_within: float = 30 * DAY
    recompute_at: int = 210
    complaint_dispositions: tuple[str, ...] = ("complaint",)
    complaint_categories: tuple[str, ...] = ("complaint",)

    @property
    def vip_numbers(self) -> frozenset[str]:
        return frozenset(segment.vip_number for segment in self.segments if segment.vip_number)

    def segment(self, id_: object) -> Segment | None:
        return next((segment for segment in self.segments if segment.id == id_), None)


UNSEGMENTED = SegmentRules()
