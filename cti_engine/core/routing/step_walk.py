"""Entering the steps of a queue (docs/routing.md, section 4): what is skipped, entered, exhausted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.values import Lookup
from cti_engine.core.routing.call_classes import Waiting
from cti_engine.core.routing.model import QueueNames, StepChange
from cti_engine.core.routing.pools import Pool, union_key
from cti_engine.core.routing.queue_plans import StepPlan

GetPool = Callable[[tuple[str, ...], Iterable[Condition | None]], Pool]
"""The pool of these texts and conditions, counted as used once more."""


class StepWalk:
    """Moves a call that is in no order. `get_pool` and `drop_pool` count who uses a pool."""

    def __init__(
        self,
        names: QueueNames,
        get_pool: GetPool,
        drop_pool: Callable[[Pool], None],
        anybody: Callable[[Pool], bool],
    ) -> None:
        self._names = names
        self._get_pool = get_pool
        self._drop_pool = drop_pool
        self._anybody = anybody

    def enter(self, waiting: Waiting, step: int, at: int) -> StepChange:
        """The first step from `step` on that may be entered at `at`."""
        call, rules = waiting.call, waiting.plan.rules
        steps, before = waiting.plan.steps, waiting.step
        skipped: list[tuple[int, str]] = []
        names: Lookup | None = None
        while step < len(steps):
            plan = steps[step]
            rule = plan.rule
            deadline = None
            if rule.consider_if is not None:
                names = names or self._names(call.contact, rules.id)
                if not rule.consider_if.holds(names):
                    skipped.append((step, "consider_if"))
                    step += 1
                    continue
            if rule.wait is not None:
                deadline = at + rule.wait
                if rules.from_enqueue:
                    deadline = waiting.joined_at + rule.wait + waiting.rang
                    if deadline <= at:
                        skipped.append((step, "clock"))
                        step += 1
                        continue
            pool = self._bound(waiting, (plan,), waiting.pool if rule.cumulative else None)
            if rule.skip_when_none and not self._anybody(pool):
                self._drop_pool(pool)
                skipped.append((step, "nobody"))
                step += 1
                continue
            self._stand(waiting, step, pool)
            waiting.raised += rule.raise_priority
            waiting.deadline = deadline
            return StepChange(call.contact, rules.id, before, step, tuple(skipped))
        self._exhausted(waiting)
        overflow = waiting.step < 0
        return StepChange(call.contact, rules.id, before, waiting.step, tuple(skipped), overflow)

    def _exhausted(self, waiting: Waiting) -> None:
        steps, rules = waiting.plan.steps, waiting.plan.rules
        last = len(steps) - 1
        waiting.deadline = None
        if rules.exhausted == "overflow" and not waiting.call.stays:
            self._stand(waiting, -1, None)
        elif rules.exhausted == "any_member":
            self._stand(waiting, last, self._bound(waiting, steps, None))
        elif waiting.step < 0:
            self._stand(waiting, last, self._bound(waiting, steps[last:], None))
            waiting.raised += steps[last].rule.raise_priority

    def _stand(self, waiting: Waiting, step: int, pool: Pool | None) -> None:
        if waiting.pool is not None:
            self._drop_pool(waiting.pool)
        waiting.step, waiting.pool = step, pool

    def _bound(self, waiting: Waiting, steps: Sequence[StepPlan], before: Pool | None) -> Pool:
        """The union of these steps' pools for this call, and of the pool before."""
        if before is None and len(steps) == 1:
            text, condition = steps[0].bound(waiting.call.names)
            return self._get_pool((text,), (condition,))
        conditions: dict[str, Condition | None] = {}
        if before is not None:
            conditions.update(zip(before.key, before.conditions, strict=True))
        for step in steps:
            text, condition = step.bound(waiting.call.names)
            conditions[text] = condition
        key = union_key(tuple(conditions))
        return self._get_pool(key, [conditions[text] for text in key])
