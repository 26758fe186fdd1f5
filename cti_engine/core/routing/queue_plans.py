"""A queue's rules made ready: steps split into what is fixed and what a call binds, and ages of calls into bands.

Between two boundaries of its age a call keeps its service-level class, its cap and every profile's and group's view of
it, so calls of one band differ by score only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.values import Lookup
from cti_engine.core.routing.bound_conditions import EVERYBODY, bind
from cti_engine.core.routing.model import (
    SERVICE_LEVEL_CLASSES,
    ProfileQueue,
    QueueRules,
    RoutingRules,
    StepRule,
)

PLAIN_ORDER = ("longest_idle",)
REMEMBERED = 64
"""Bound conditions of a step that are not made anew for the next call of the same values."""
NO_CLASSES = 2
"""Service-level class of a queue without such a list."""


class StepPlan:
    """One step: its rule, and the text of its condition unless a call has to bind it."""

    __slots__ = ("_bound", "call_names", "condition", "longest_idle", "rule", "text")

    def __init__(self, rule: StepRule) -> None:
        self.rule = rule
        self._bound: dict[tuple[object, ...], tuple[str, Condition]] = {}
        self.condition = rule.require
        names = rule.require.names_used if rule.require is not None else frozenset()
        self.call_names = tuple(sorted(name for name in names if name.startswith("call.")))
        self.text = EVERYBODY if rule.require is None else str(rule.require)
        self.longest_idle = tuple(order.name for order in rule.order) in (PLAIN_ORDER, ())

    def bound(self, names: Lookup) -> tuple[str, Condition | None]:
        """The condition over agents alone, and its text."""
        if not self.call_names or self.condition is None:
            return self.text, self.condition
        values = [names(name) for name in self.call_names]
        if not all(value is None or isinstance(value, bool | int | float | str) for value in values):
            # a list is as a rule the call's own
            condition = bind(self.condition, names)
            return str(condition), condition
        key = tuple((type(value), value) for value in values)
        found = self._bound.get(key)
        if found is None:
            condition = bind(self.condition, names)
            if len(self._bound) >= REMEMBERED:
                self._bound.clear()
            found = self._bound[key] = str(condition), condition
        return found


@dataclass(frozen=True, slots=True)
class Band:
    """Calls that have waited from `begin` ms (None: less than any boundary) until `end` (None: for ever).

    `groups_alike`: adapting levels count no longer.
    """

    begin: int | None
    end: int | None
    capped: bool
    service_class: int
    groups_alike: bool


@dataclass(slots=True, eq=False)
class QueuePlan:
    """One version of one queue's rules. `wakes`: ages at which a call may have become open to more agents."""

    rules: QueueRules
    version: str
    steps: tuple[StepPlan, ...]
    boundaries: tuple[int, ...] = ()
    bands: tuple[Band, ...] = ()
    wakes: tuple[int, ...] = ()
    delays: frozenset[int] = field(default=frozenset())
    order: tuple[int, str] = field(init=False)

    def __post_init__(self) -> None:
        self.order = self.rules.index, self.rules.id

    @property
    def alike(self) -> bool:
        """Whether nothing but the score decides between its calls, for agents without a profile."""
        return len({(band.capped, band.service_class) for band in self.bands}) == 1

    def set_delays(self, delays: frozenset[int]) -> bool:
        """Take the delays with which profiles serve this queue; whether the bands changed."""
        rules, before = self.rules, self.boundaries
        ages = set(delays)
        if rules.classes is not None:
            limit = rules.classes.threshold + 1
            ages |= {limit, limit - rules.classes.lost, limit - rules.classes.at_risk}
        cap = rules.longest_wait_cap
        if cap is not None:
            ages.add(cap)
        if rules.at_most_wait is not None:
            ages.add(rules.at_most_wait)
        self.delays = delays
        self.boundaries = tuple(sorted(ages))
        self.wakes = tuple(sorted({delay if cap is None else min(delay, cap) for delay in delays}))
        begins = (None, *self.boundaries)
        self.bands = tuple(
            self._band(begin, end) for begin, end in zip(begins, (*self.boundaries, None), strict=True)
        )
        return self.boundaries != before

    def _band(self, begin: int | None, end: int | None) -> Band:
        waited = begin if begin is not None else end - 1 if end is not None else 0
        cap, at_most = self.rules.longest_wait_cap, self.rules.at_most_wait
        capped = cap is not None and waited >= cap
        alike = capped or (at_most is not None and waited >= at_most)
        return Band(begin, end, capped, _service_class(self.rules, waited), alike)

    def band_at(self, waited: int) -> int:
        return bisect_right(self.boundaries, waited)

    def level(self, band: int, entry: ProfileQueue | None) -> int | None:
        """How a profile sees calls of this band; None: not at all, or not yet."""
        if entry is None:
            return None
        shape = self.bands[band]
        if shape.capped:
            return -1
        waited_enough = entry.delay <= 0 or (shape.begin is not None and shape.begin >= entry.delay)
        return entry.rank if waited_enough else None


def _service_class(rules: QueueRules, waited: int) -> int:
    classes = rules.classes
    if classes is None:
        return NO_CLASSES
    if waited > classes.threshold:
        place = 0
    elif waited > classes.threshold - classes.lost:
        place = 1
    elif waited > classes.threshold - classes.at_risk:
        place = 2
    else:
        place = 3
    return classes.order.index(SERVICE_LEVEL_CLASSES[place])


def make_plans(rules: RoutingRules) -> dict[str, QueuePlan]:
    plans = {}
    delays = delays_by_queue(rules)
    for queue in rules.queues.values():
        plan = QueuePlan(queue, rules.version, tuple(map(StepPlan, queue.steps)))
        plan.set_delays(delays.get(queue.id, frozenset()))
        plans[queue.id] = plan
    return plans


def delays_by_queue(rules: RoutingRules) -> Mapping[str, frozenset[int]]:
    """The delays above 0 that profiles have for each queue."""
    found: dict[str, set[int]] = {}
    for profile in rules.profiles.values():
        for queue, entry in profile.items():
            if entry.delay > 0:
                found.setdefault(queue, set()).add(entry.delay)
    return {queue: frozenset(delays) for queue, delays in found.items()}
