"""Waiting calls in classes: one pool, one queue's rules, one band of age. Inside a class only the score decides.

With score = rate x (now - queued_at + head_start) + 1e6 x priority, the part without `now` orders a class for ever:
`neg` is its negative, so the smallest (`neg`, seq) is served first. Classes of big pools have a slot each in `heads`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.routing.agent_book import AgentState
from cti_engine.core.routing.model import WaitingCall
from cti_engine.core.routing.pools import Pool
from cti_engine.core.routing.queue_plans import Band, QueuePlan

EMPTY = np.iinfo(np.int64).max
MAX_NEG = 2**62
"""Scores beyond this many millionths of a point are refused."""
GAPS = 256
"""Unused slots that are left; more are closed when they are the greater part."""


class Waiting:
    """One call in one queue. `cls` None: it rings, is in no step or has left. `next`: the same call, next queue.

    Times in ms. `left`: what was left of the step when it was offered; `rang`: ringing time so far.
    """

    __slots__ = (
        "call", "cls", "deadline", "joined_at", "left", "neg", "next", "offered_at", "plan", "pool", "raised",
        "rang", "step",
    )  # fmt: skip

    def __init__(self, call: WaitingCall, plan: QueuePlan, joined_at: int) -> None:
        self.call, self.plan, self.joined_at = call, plan, joined_at
        self.cls: CallClass | None = None
        self.pool: Pool | None = None
        self.next: Waiting | None = None
        self.deadline: int | None = None
        self.left: int | None = None
        self.offered_at: int | None = None
        self.step = -1
        self.raised = self.rang = self.neg = 0

    def __lt__(self, other: Waiting) -> bool:
        """Between two queues of one call."""
        return self.plan.order < other.plan.order

    def chain(self) -> Iterator[Waiting]:
        """It and its later queues."""
        waiting: Waiting | None = self
        while waiting is not None:
            yield waiting
            waiting = waiting.next


Place = tuple[int, int, Waiting]
_GONE = cast(Place, None)


class CallClass:
    """A sorted list that begins at `first`: the served head leaves without moving the others."""

    __slots__ = ("band", "first", "order", "plan", "pool", "shape", "slot")

    def __init__(self, pool: Pool, plan: QueuePlan, band: int) -> None:
        self.pool, self.plan, self.band = pool, plan, band
        self.shape: Band = plan.bands[band]
        self.order: list[Place] = []
        self.first = 0
        self.slot = -1

    def __len__(self) -> int:
        return len(self.order) - self.first

    def waiting(self) -> Iterator[Waiting]:
        """In the order of service."""
        for place in range(self.first, len(self.order)):
            yield self.order[place][2]

    def ahead_of(self, neg: int, seq: int) -> int:
        """How many stand before this place."""
        return bisect_left(self.order, (neg, seq), lo=self.first) - self.first

    def add(self, waiting: Waiting) -> bool:
        """Whether it is the new head."""
        order, entry = self.order, (waiting.neg, waiting.call.seq, waiting)
        if not order or order[-1] < entry:
            order.append(entry)
            return len(order) - self.first == 1
        insort(order, entry, lo=self.first)
        return order[self.first] is entry

    def take(self, waiting: Waiting) -> bool:
        """Whether it was the head."""
        order, first = self.order, self.first
        if order[first][2] is not waiting:
            del order[bisect_left(order, (waiting.neg, waiting.call.seq), lo=first)]
            return False
        order[first] = _GONE
        first += 1
        if 2 * first >= len(order):
            del order[:first]
            first = 0
        self.first = first
        return True


class ClassBook:
    """All classes. `heads`: for each slot `neg` of the first call, `EMPTY` when none waits."""

    def __init__(self) -> None:
        self.heads: NDArray[np.int64] = np.full(256, EMPTY)
        self.slots: list[CallClass | None] = []
        self.of_queue: dict[str, dict[CallClass, None]] = {}
        self.count = 0
        self.epoch = 0
        self._fixed = 0
        self._unused = 0

    def fix(self) -> None:
        """The slots so far stay for ever: they belong to the rules."""
        self._fixed = len(self.slots)

    def get(self, pool: Pool, plan: QueuePlan, band: int) -> CallClass:
        cls = pool.classes.get((plan, band))
        if cls is None:
            cls = pool.classes[plan, band] = CallClass(pool, plan, band)
            if pool.few is None:
                self.give_slot(cls)
        return cls

    def give_slot(self, cls: CallClass) -> None:
        cls.slot = len(self.slots)
        self.slots.append(cls)
        if cls.slot == len(self.heads):
            self.heads = np.concatenate([self.heads, np.full(len(self.heads), EMPTY)])
        self._tell_head(cls)

    def forget(self, pool: Pool) -> None:
        """Nobody waits in it, and nobody will."""
        for cls in pool.classes.values():
            if cls.slot >= 0:
                self.slots[cls.slot] = None
                self._unused += 1
        pool.classes.clear()
        if self._unused > GAPS and 2 * self._unused > len(self.slots) - self._fixed:
            self._compact()

    def _compact(self) -> None:
        """Close the gaps behind the fixed slots; agents learn their slots anew."""
        kept = [cls for cls in self.slots[self._fixed :] if cls is not None]
        del self.slots[self._fixed :]
        self.heads[self._fixed :] = EMPTY
        for cls in kept:
            self.give_slot(cls)
        self._unused = 0
        self.epoch += 1

    def add(self, waiting: Waiting, pool: Pool, now: int) -> None:
        plan = waiting.plan
        band = plan.band_at(now - waiting.call.queued_at) if plan.boundaries else 0
        cls = waiting.cls = self.get(pool, plan, band)
        if not len(cls):
            self.of_queue.setdefault(plan.rules.id, {})[cls] = None
        self.count += 1
        if cls.add(waiting) and cls.slot >= 0:
            self.heads[cls.slot] = waiting.neg

    def take_over(self, old: CallClass, cls: CallClass) -> None:
        """All calls of another book's class."""
        cls.order, cls.first = old.order, old.first
        for waiting in cls.waiting():
            waiting.cls = cls
        self.count += len(cls)
        self.of_queue.setdefault(cls.plan.rules.id, {})[cls] = None
        if cls.slot >= 0:
            self._tell_head(cls)

    def take(self, waiting: Waiting) -> None:
        cls = waiting.cls
        if cls is None:
            return
        waiting.cls = None
        self.count -= 1
        if cls.take(waiting):
            if cls.slot >= 0:
                self._tell_head(cls)
            if not len(cls):
                del self.of_queue[cls.plan.rules.id][cls]

    def _tell_head(self, cls: CallClass) -> None:
        self.heads[cls.slot] = cls.order[cls.first][0] if cls.order else EMPTY

    # --- the classes of one agent ---------------------------------------------------------------

    def slots_of(self, state: AgentState) -> NDArray[np.int32]:
        """The slots of all classes whose pool is big and holds the agent."""
        if state.epoch != self.epoch:
            state.slots = state.slots[state.slots < self._fixed]
            state.seen, state.epoch = min(state.seen, self._fixed), self.epoch
        size = len(self.slots)
        if state.seen < size:
            new = [
                slot
                for slot in range(state.seen, size)
                if (cls := self.slots[slot]) is not None and cls.pool.has(state.row)
            ]
            state.seen = size
            if new:
                state.slots = np.concatenate([state.slots, np.array(new, np.int32)])
        return state.slots

    def pool_changed(self, pool: Pool, state: AgentState, member: bool) -> None:
        """The agent has come into this big pool, or left it."""
        mine = {cls.slot for cls in pool.classes.values() if cls.slot < state.seen}
        if not mine:
            return
        kept = [slot for slot in state.slots.tolist() if slot not in mine]
        state.slots = np.array(sorted([*kept, *mine]) if member else kept, np.int32)

    def waiting_for(self, state: AgentState) -> Iterator[CallClass]:
        """The classes with calls that the agent's skills allow."""
        slots = self.slots_of(state)
        for slot in slots[self.heads[slots] != EMPTY].tolist():
            cls = self.slots[slot]
            if cls is not None:
                yield cls
        for pool in state.few or ():
            for cls in pool.classes.values():
                if len(cls):
                    yield cls
