"""The waiting calls: where each stands in each of its queues, whom it excludes, and every timer of it.

Times in ms; `now` is the last moment that the matcher was told, and never goes back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cti_engine.core.routing.bound_conditions import read_bound
from cti_engine.core.routing.call_classes import MAX_NEG, CallClass, Waiting
from cti_engine.core.routing.model import (
    QueueNames,
    QueueRules,
    RoutingRules,
    Standing,
    StepChange,
    StepRule,
    WaitingCall,
)
from cti_engine.core.routing.pool_index import PoolIndex
from cti_engine.core.routing.queue_plans import QueuePlan, delays_by_queue, make_plans
from cti_engine.core.routing.step_walk import StepWalk
from cti_engine.core.routing.timers import DistantTimers, Timers


def _plan_of_gone(standing: Standing, index: PoolIndex) -> QueuePlan:
    """Of a queue that a reload has taken away: its calls stand there until their time is over, as before a restart."""
    steps = (StepRule(),) * (standing.step + 1)
    rules = QueueRules(standing.queue, len(index.plans), steps)
    return make_plans(RoutingRules("", {standing.queue: rules}, index.rules.profiles))[standing.queue]


class CallBook:
    """`first`: each call's first queue by index; the others follow in its chain. `excluded`: agent -> until."""

    def __init__(self, index: PoolIndex, names: QueueNames) -> None:
        self.index = index
        self.now = 0
        self.first: dict[str, Waiting] = {}
        self.excluded: dict[str, dict[str, int]] = {}
        self._walk = StepWalk(
            names,
            lambda key, conditions: self.index.pool(key, conditions),
            lambda pool: self.index.drop(pool),
            lambda pool: self.index.anybody(pool),
        )
        self._deadlines: DistantTimers[Waiting] = DistantTimers(_deadline)
        self._shifts: Timers[Waiting] = Timers(_shift_holds)
        self._wakes: Timers[Waiting] = Timers(_wake_holds)
        self._woken: tuple[int, Waiting] | None = None
        self._cool_downs: Timers[tuple[str, str]] = Timers(self._cool_down_holds)

    # --- coming and going -----------------------------------------------------------------------

    def join(self, call: WaitingCall, queue: str, now: int) -> StepChange:
        """Raises ValueError when it stands in this queue already, KeyError when there is no such queue."""
        self.now = max(self.now, now)
        first = self.first.get(call.contact)
        if first is not None:
            call = first.call
            if any(each.plan.rules.id == queue for each in first.chain()):
                raise ValueError(f"{call.contact} waits in {queue} already")
        waiting = Waiting(call, self.index.plans[queue], now)
        change = self._walk.enter(waiting, 0, now)
        if first is not None and first.offered_at is not None:
            _freeze(waiting, now)
        else:
            self._seat(waiting)
            self._set_wake(waiting)
        self._insert(waiting)
        return change

    def restore(self, call: WaitingCall, standings: Iterable[Standing], now: int) -> None:
        """As `standings` told it, with the present rules."""
        self.now = max(self.now, now)
        self.leave(call.contact)
        for standing in standings:
            plan = self.index.plans.get(standing.queue) or _plan_of_gone(standing, self.index)
            waiting = Waiting(call, plan, standing.joined_at)
            waiting.rang = standing.rang
            if standing.step >= len(plan.steps):
                self._walk.enter(waiting, 0, now)
                if standing.offered_at is not None:
                    _freeze(waiting, now)
                    waiting.offered_at = standing.offered_at
            else:
                waiting.step, waiting.raised = standing.step, standing.raised
                waiting.deadline, waiting.left = standing.deadline, standing.left
                waiting.offered_at = standing.offered_at
                if standing.step >= 0:
                    conditions = [read_bound(text) for text in standing.pool]
                    waiting.pool = self.index.pool(standing.pool, conditions)
            if waiting.offered_at is None:
                self._seat(waiting)
                self._set_wake(waiting)
            self._insert(waiting)

    def leave_queue(self, contact: str, queue: str) -> None:
        first = self.first.get(contact)
        chain = list(first.chain()) if first is not None else []
        kept = [each for each in chain if each.plan.rules.id != queue]
        for each in chain:
            if each.plan.rules.id == queue:
                self._remove(each)
        self._link(contact, kept)

    def leave(self, contact: str) -> None:
        waiting = self.first.pop(contact, None)
        if self.excluded:
            self.excluded.pop(contact, None)
        while waiting is not None:
            self._remove(waiting)
            waiting = waiting.next

    def _remove(self, waiting: Waiting) -> None:
        self.index.classes.take(waiting)
        waiting.deadline = None
        pool = waiting.pool
        if pool is not None:
            waiting.pool = None
            if pool.uses > 1:
                pool.uses -= 1
            else:
                self.index.drop(pool)

    def _insert(self, waiting: Waiting) -> None:
        first = self.first.get(waiting.call.contact)
        if first is None:
            self.first[waiting.call.contact] = waiting
        else:
            self._link(waiting.call.contact, sorted([*first.chain(), waiting]))

    def _link(self, contact: str, chain: list[Waiting]) -> None:
        for place, each in enumerate(chain, 1):
            each.next = chain[place] if place < len(chain) else None
        if chain:
            self.first[contact] = chain[0]
        else:
            self.first.pop(contact, None)
            self.excluded.pop(contact, None)

    def _seat(self, waiting: Waiting) -> None:
        """Into the order of its queue, and its timers set."""
        pool, call = waiting.pool, waiting.call
        if pool is None:
            return
        if not -MAX_NEG < waiting.neg < MAX_NEG:
            raise ValueError(f"{call.contact}: its score is out of range")
        self.index.classes.add(waiting, pool, self.now)
        self._deadlines.set(waiting)
        cls = waiting.cls
        if cls is not None and cls.shape.end is not None:
            self._shifts.set(call.queued_at + cls.shape.end, call.seq, waiting)

    def _set_wake(self, waiting: Waiting) -> None:
        """For the next age at which it may be open to more agents."""
        queued_at = waiting.call.queued_at
        for age in waiting.plan.wakes:
            if queued_at + age > self.now:
                self._wakes.set(queued_at + age, waiting.call.seq, waiting)
                return

    # --- ringing --------------------------------------------------------------------------------

    def offered(self, contact: str, now: int) -> None:
        self.now = max(self.now, now)
        first = self.first.get(contact)
        if first is not None and first.offered_at is None:
            for each in first.chain():
                self.index.classes.take(each)
                _freeze(each, now)

    def back(self, contact: str, now: int) -> None:
        self.now = max(self.now, now)
        first = self.first.get(contact)
        if first is None or first.offered_at is None:
            return
        for each in first.chain():
            if each.offered_at is not None:
                each.rang += now - each.offered_at
            each.deadline = None if each.left is None else now + each.left
            each.left = each.offered_at = None
            self._seat(each)
            self._set_wake(each)

    def exclude(self, contact: str, agent: str, until: int) -> None:
        first = self.first.get(contact)
        if first is not None:
            self.excluded.setdefault(contact, {})[agent] = until
            self._cool_downs.set(until, first.call.seq, (contact, agent))

    def raise_priority(self, contact: str, points: int) -> None:
        first = self.first.get(contact)
        if first is None:
            return
        call = replace(first.call, priority=first.call.priority + points)
        for each in first.chain():
            seated = each.cls is not None
            self.index.classes.take(each)
            each.call = call
            if seated:
                self._seat(each)

    def standings(self, contact: str) -> tuple[Standing, ...]:
        first = self.first.get(contact)
        return tuple(_standing(each) for each in first.chain()) if first is not None else ()

    # --- rules change ---------------------------------------------------------------------------

    def move_to(self, index: PoolIndex) -> None:
        """Every call to the same place in another index, with the steps that it entered with."""
        old, self.index = self.index, index
        delays = delays_by_queue(index.rules)
        plans: dict[QueuePlan, QueuePlan] = {}
        changed: set[QueuePlan] = set()
        moved: set[CallClass | None] = set()

        def plan_of(before: QueuePlan) -> QueuePlan:
            plan = plans.get(before)
            if plan is None:
                plan = index.plans.get(before.rules.id, before)
                if plan.version != before.version or plan.rules != before.rules:
                    plan = before
                bands = before.boundaries
                plan.set_delays(delays.get(plan.rules.id, frozenset()))
                if plan.boundaries != bands:
                    changed.add(plan)
                plans[before] = plan
            return plan

        for classes in old.classes.of_queue.values():
            for cls in classes:
                plan = plan_of(cls.plan)
                if plan not in changed:
                    moved.add(self._move_class(cls, plan))
        for first in self.first.values():
            for each in first.chain():
                if each.cls not in moved:
                    each.plan = plan_of(each.plan)
                    if each.pool is not None:
                        each.pool = index.pool(each.pool.key, each.pool.conditions)
                    if each.cls is not None:
                        each.cls = None
                        self._seat(each)
                if each.plan.wakes and each.cls is not None:
                    self._set_wake(each)
        index.forget_ready()

    def _move_class(self, cls: CallClass, plan: QueuePlan) -> CallClass:
        pool = self.index.pool(cls.pool.key, cls.pool.conditions)
        pool.uses += len(cls) - 1
        for each in cls.waiting():
            each.pool, each.plan = pool, plan
        new = self.index.classes.get(pool, plan, cls.band)
        self.index.classes.take_over(cls, new)
        return new

    def replan(self, now: int) -> list[StepChange]:
        """All calls that do not ring take the present rules, by (seq, index)."""
        self.now = max(self.now, now)
        waiting = [each for first in self.first.values() for each in first.chain() if each.offered_at is None]
        waiting.sort(key=lambda each: (each.call.seq, each.plan.order))
        changes = []
        for each in waiting:
            plan = self.index.plans.get(each.plan.rules.id)
            if plan is None:
                continue
            self._remove(each)
            each.plan, each.step, each.raised = plan, -1, 0
            changes.append(self._walk.enter(each, 0, now))
            self._seat(each)
            self._set_wake(each)
        for contact, first in self.first.items():
            if first.next is not None:
                self._link(contact, sorted(first.chain()))
        return changes

    # --- time -----------------------------------------------------------------------------------

    def advance(self, now: int) -> None:
        """Calls that have become old enough for another band move into it."""
        if now > self.now:
            self.now = now
        if not self._shifts.heap:
            return
        while (at := self._shifts.next()) is not None and at <= self.now:
            waiting = self._shifts.take()
            self.index.classes.take(waiting)
            if waiting.pool is not None:
                self.index.classes.add(waiting, waiting.pool, self.now)
            if waiting.cls is not None and waiting.cls.shape.end is not None:
                end = waiting.call.queued_at + waiting.cls.shape.end
                self._shifts.set(end, waiting.call.seq, waiting)

    def next_timer(self) -> int | None:
        moments = (self._deadlines.next(), self._wakes.next(), self._cool_downs.next())
        return min((at for at in moments if at is not None), default=None)

    def take_due(self, now: int) -> StepChange | str | None:
        """Steps before the rest of the same moment; then by seq."""
        self.now = max(self.now, now)
        while (at := self.next_timer()) is not None and at <= now:
            if self._deadlines.next() == at:
                return self._step_over()
            wake, cool_down = self._wakes.first(), self._cool_downs.first()
            if wake is not None and wake[0] == at and (cool_down is None or wake[:2] <= cool_down[:2]):
                waiting = self._wakes.take()
                self._set_wake(waiting)
                if self._woken != (at, waiting):
                    self._woken = (at, waiting)
                    return waiting.call.contact
            else:
                contact, agent = self._cool_downs.take()
                del self.excluded[contact][agent]
                if self.first[contact].offered_at is None:
                    return contact
        return None

    def _step_over(self) -> StepChange:
        waiting = self._deadlines.take()
        deadline = waiting.deadline
        self.index.classes.take(waiting)
        change = self._walk.enter(waiting, waiting.step + 1, self.now if deadline is None else deadline)
        self._seat(waiting)
        return change

    def _cool_down_holds(self, at: int, owner: tuple[str, str]) -> bool:
        return self.excluded.get(owner[0], {}).get(owner[1]) == at


def _freeze(waiting: Waiting, now: int) -> None:
    waiting.left = None if waiting.deadline is None else max(0, waiting.deadline - now)
    waiting.deadline, waiting.offered_at = None, now


def _deadline(waiting: Waiting) -> tuple[int, int] | None:
    return None if waiting.deadline is None else (waiting.deadline, waiting.call.seq)


def _shift_holds(at: int, waiting: Waiting) -> bool:
    cls = waiting.cls
    return cls is not None and cls.shape.end is not None and waiting.call.queued_at + cls.shape.end == at


def _wake_holds(at: int, waiting: Waiting) -> bool:
    return waiting.cls is not None and at - waiting.call.queued_at in waiting.plan.wakes


def _standing(waiting: Waiting) -> Standing:
    return Standing(
        waiting.plan.rules.id,
        waiting.joined_at,
        waiting.step,
        waiting.pool.key if waiting.pool is not None else (),
        waiting.raised,
        waiting.deadline,
        waiting.left,
        waiting.rang,
        waiting.offered_at,
    )
