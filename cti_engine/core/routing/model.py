"""What the matcher is given and gives back: rules, agents, calls, decisions. Their meaning: docs/routing.md.

Times are integer milliseconds of wall time, priorities integer points; nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.values import Lookup

SERVICE_LEVEL_CLASSES = ("missed", "lost", "at_risk", "safe")
ORDERS = (
    "longest_idle", "least_occupied", "fewest_calls", "most_skilled", "least_skilled", "weighted",
    "least_flexible", "lowest_cost", "round_robin", "random", "top_down", "site_affinity", "site_balance",
)  # fmt: skip
ALL = 1_000_000
"""`offer_to` of a step that rings everybody."""


@dataclass(frozen=True, slots=True)
class Order:
    """One entry of a step's `order`; `weights` (attribute, weight) only for `weighted`."""

    name: str
    weights: tuple[tuple[str, int], ...] = ()


LONGEST_IDLE = (Order("longest_idle"),)


@dataclass(frozen=True, slots=True)
class StepRule:
    """`require` None: everybody. `wait` in ms, None: for ever. `offer_to`: agents offered at once."""

    require: Condition | None = None
    wait: int | None = None
    skip_when_none: bool = True
    consider_if: Condition | None = None
    cumulative: bool = False
    raise_priority: int = 0
    order: tuple[Order, ...] = LONGEST_IDLE
    offer_to: int = 1


@dataclass(frozen=True, slots=True)
class ServiceClasses:
    """`order`: the four names, served in this order. Times in ms before the threshold."""

    order: tuple[str, ...]
    threshold: int
    lost: int
    at_risk: int


@dataclass(frozen=True, slots=True)
class QueueRules:
    """`exhausted`: `stay_on_last`, `any_member` or `overflow`. `rate`: ageing in milli-points per second.

    `index` is the queue's place in the rules; `longest_wait_cap` in ms.
    From `at_most_wait` ms on all groups are alike. `value`: (attribute, weight), an agent's points in a burst.
    `source`: file and line, for people.
    """

    id: str
    index: int
    steps: tuple[StepRule, ...]
    from_enqueue: bool = False
    exhausted: str = "stay_on_last"
    rate: int = 1000
    longest_wait_cap: int | None = None
    classes: ServiceClasses | None = None
    at_most_wait: int | None = None
    value: tuple[tuple[str, int], ...] = ()
    source: str = ""


class ProfileQueue(NamedTuple):
    """How agents of a profile take a queue: `rank` 0 first; not before a call has waited `delay` ms."""

    rank: int
    delay: int = 0


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """`near`: for a site of callers, the sites of agents from near to far."""

    version: str
    queues: Mapping[str, QueueRules]
    profiles: Mapping[str, Mapping[str, ProfileQueue]] = field(default_factory=dict)
    near: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    burst: bool = False


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What rules may read of an agent. `place`: in the agents' file. `cost` in cents. `group`: of adapting levels."""

    id: str
    attributes: Mapping[str, bool | int | str] = field(default_factory=dict)
    site: str = "main"
    name: str = ""
    profile: str = ""
    capacity: int = 1
    cost: int = 0
    place: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A call that joins. `names` gives `call.*` values for binding (asked at each step's entry). One that `stays` never
    overflows: it stands in the last step for as long as it takes.
    """

    contact: str
    seq: int
    queued_at: int
    priority: int = 0
    head_start: int = 0
    site: str = ""
    names: Lookup = lambda name: None
    stays: bool = False


@dataclass(slots=True)
class Standing:
    """Where a call stands in one queue: all that a restart needs. Row data of the contact; times in ms.

    `step` -1: none entered yet. `pool`: the bound conditions, printed, that the pool unites ("" is everybody).
    `deadline` None: none. `left`: what was left when it was offered; `rang`: time spent ringing in this queue.
    """

    queue: str
    joined_at: int
    step: int = -1
    pool: tuple[str, ...] = ()
    raised: int = 0
    deadline: int | None = None
    left: int | None = None
    rang: int = 0
    offered_at: int | None = None


class StepChange(NamedTuple):
    """A call entered a step, or left a queue by its rules. `skipped`: (step, why) with why `consider_if`, `clock`
    or `nobody`. `step` is -1 with `overflow`: the call has to leave, which the Acd does.
    """

    contact: str
    queue: str
    left: int
    step: int
    skipped: tuple[tuple[int, str], ...] = ()
    overflow: bool = False


class Decision(NamedTuple):
    """One offer. `side`: `call` when the call asked, `agent` when the agent did, `burst`, `value`. `terms`: the
    winner's rank in the asked side's order, as docs/routing.md lists it.
    """

    contact: str
    agent: str
    queue: str
    step: int
    side: str
    terms: tuple[int, ...]
    rules: str


QueueNames = Callable[[str, str], Lookup]
"""(contact, queue) -> the names `call.*`, `queue.*` and `now.*` for `consider_if`."""
