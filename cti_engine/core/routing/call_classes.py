"""Waiting calls in classes: one pool, one queue's rules, one band of age. Inside a class only the score decides.

With score = rate x (now - queued_at + head_start) + 1e6 x priority, the part without `now` orders a class for ever:
`neg` is its negative, so the smallest (`neg`, seq) is served first. Classes of big pools have a slot each in `heads`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.routing.agent_book import AgentState
from cti_engine.core.routing.model import WaitingCall
from cti_engine.core.routing.pools import Pool
from cti_engine.core.routing.queue_plans import Band, QueuePlan

EMPTY = int(np.iinfo(np.int64).max)
MAX_NEG = 2**62
"""Scores beyond this many millionths of a point are refused."""
NEVER = 2**40
"""The tier of calls that an agent's profile does not take (now)."""
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
    """A sorted list that begins at `first`: the served head leaves without moving the others.

    `head` is what its slot says of it, if it has one.
    """

    __slots__ = ("band", "first", "head", "order", "plan", "pool", "shape", "slot")

    def __init__(self, pool: Pool, plan: QueuePlan, band: int) -> None:
        self.pool, self.plan, self.band = pool, plan, band
        self.shape: Band = plan.bands[band]
        self.order: list[Place] = []
        self.first = 0
        self.slot = -1
        self.head = EMPTY

    def __len__(self) -> int:
        return len(self.order) - self.first

    def score(self, now: int) -> int:
        """The negative score of its head."""
        return self.order[self.first][0] - self.plan.rules.rate * now

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
    """All classes. `heads`: for each slot `neg` of the first call, `EMPTY` when none waits.

    `scores`: how many slots have a head of this `neg`. `plain`: all calls age alike and nothing but the score
    decides between them, so that `heads` alone tells who is first.
    """

    def __init__(self) -> None:
        self.heads: NDArray[np.int64] = np.full(256, EMPTY)
        self.slots: list[CallClass | None] = []
        self.of_queue: dict[str, dict[CallClass, None]] = {}
        self.scores: dict[int, int] = {}
        self.rates: NDArray[np.int64] = np.zeros(256, np.int64)
        self.plain = True
        self.count = 0
        self.epoch = 0
        self._rate: int | None = None
        self._tiers: dict[str, tuple[int, NDArray[np.int64]]] = {}
        self._fixed = 0
        self._is_fixed = False
        self._bound = _Members()
        self._unused = 0

    def fix(self) -> None:
        """The slots so far stay for ever: they belong to the rules, and agents are told theirs."""
        self._fixed = len(self.slots)
        self._is_fixed = True

    def get(self, pool: Pool, plan: QueuePlan, band: int) -> CallClass:
        cls = pool.classes.get((plan, band))
        if cls is None:
            cls = pool.classes[plan, band] = CallClass(pool, plan, band)
            if self._rate is None:
                self._rate = plan.rules.rate
            self.plain = self.plain and self._rate == plan.rules.rate and plan.alike
            if pool.few is None:
                self.give_slot(cls)
        return cls

    def give_slot(self, cls: CallClass) -> None:
        cls.slot = len(self.slots)
        self.slots.append(cls)
        if cls.slot == len(self.heads):
            self.heads = np.concatenate([self.heads, np.full(len(self.heads), EMPTY)])
            self.rates = np.concatenate([self.rates, np.zeros_like(self.rates)])
        self.rates[cls.slot] = cls.plan.rules.rate
        self._tell_head(cls)
        if self._is_fixed:
            self._bound.add(cls.slot - self._fixed, cls.pool.mask())

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
        self._bound = _Members()
        for cls in kept:
            self._set_head(cls, EMPTY)
            self.give_slot(cls)
        self._tiers.clear()
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
            self._set_head(cls, waiting.neg)

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
        self._set_head(cls, cls.order[cls.first][0] if cls.order else EMPTY)

    def _set_head(self, cls: CallClass, neg: int) -> None:
        old, scores = cls.head, self.scores
        if old == neg:
            return
        if old != EMPTY:
            if scores[old] == 1:
                del scores[old]
            else:
                scores[old] -= 1
        if neg != EMPTY:
            scores[neg] = scores.get(neg, 0) + 1
        cls.head = neg
        self.heads[cls.slot] = neg

    # --- the classes of one agent ---------------------------------------------------------------

    def slots_of(self, state: AgentState) -> NDArray[np.int32]:
        """The slots of all classes whose pool is big and holds the agent."""
        if state.epoch != self.epoch:
            state.slots = state.slots[state.slots < self._fixed]
            state.seen, state.epoch = min(state.seen, self._fixed), self.epoch
        size, fixed = len(self.slots), self._fixed
        if state.seen < size:
            new = [
                slot
                for slot in range(state.seen, fixed)
                if (cls := self.slots[slot]) is not None and cls.pool.has(state.row)
            ]
            bound = self._bound.of(state.row, max(state.seen - fixed, 0)) + fixed
            state.seen = size
            if new or len(bound):
                state.slots = np.concatenate([state.slots, np.array(new, np.int32), bound], dtype=np.int32)
        return state.slots

    def pool_changed(self, pool: Pool, state: AgentState, member: bool) -> None:
        """The agent has come into this big pool, or left it."""
        for cls in pool.classes.values():
            if cls.slot >= self._fixed:
                self._bound.put(state.row, cls.slot - self._fixed, member)
        mine = {cls.slot for cls in pool.classes.values() if cls.slot < state.seen}
        if not mine:
            return
        kept = [slot for slot in state.slots.tolist() if slot not in mine]
        state.slots = np.array(sorted([*kept, *mine]) if member else kept, np.int32)

    def waiting_for(self, state: AgentState) -> Iterator[CallClass]:
        """The classes with calls that the agent's skills allow."""
        slots = self.slots_of(state)
        yield from self._at(slots[self.heads[slots] != EMPTY])
        yield from _few(state)

    def first_plain(self, state: AgentState) -> CallClass | None:
        """The class whose head the agent serves first. Only while `plain`."""
        slots = self.slots_of(state)
        best: CallClass | None = None
        if slots.size:
            heads = self.heads.take(slots, None, None, "clip")  # checks nothing, twice as fast
            place = heads.argmin()
            neg = heads.item(place)
            if neg != EMPTY:
                if self.scores[neg] == 1:
                    best = self.slots[slots.item(place)]
                else:
                    best = min(self._at(slots[heads == neg]), key=_key)
        if state.few is None:
            return best
        return min((*_few(state), *((best,) if best is not None else ())), key=_key, default=None)

    def first(self, state: AgentState, now: int, tier: Callable[[CallClass], int]) -> CallClass | None:
        """The same when rates, bands or the agent's profile play a part: `tier` orders classes before scores do.

        Classes of the tier `NEVER` are not served. `tier` depends on the class and the agent's profile alone.
        """
        few = [cls for cls in _few(state) if tier(cls) != NEVER]
        slots = self.slots_of(state)
        heads = self.heads[slots]
        tiers = np.where(heads == EMPTY, NEVER, self._tiers_of(state.profile, tier)[slots])
        if tiers.size and (lowest := tiers.min()) != NEVER:
            among = tiers == lowest
            slots = slots[among]
            scores = heads[among] - self.rates[slots] * now
            few += self._at(slots[scores == scores.min()])
        return min(few, key=lambda cls: (tier(cls), cls.score(now), *_key(cls)[1:]), default=None)

    def in_order(self, state: AgentState, now: int, tier: Callable[[CallClass], int]) -> Iterator[CallClass]:
        """The classes with calls that the agent may serve, by tier and score of their heads; equals in any order."""
        few = sorted(
            ((tier(cls), cls.score(now), cls.plan.order, cls) for cls in _few(state) if tier(cls) != NEVER),
            key=lambda entry: entry[:3],
            reverse=True,
        )
        slots = self.slots_of(state)
        slots = slots[self.heads[slots] != EMPTY]
        tiers = self._tiers_of(state.profile, tier)[slots]
        scores = self.heads[slots] - self.rates[slots] * now
        while True:
            lowest = int(tiers.min()) if tiers.size else NEVER
            if lowest == NEVER and not few:
                return
            place = int(np.where(tiers == lowest, scores, EMPTY).argmin()) if lowest != NEVER else 0
            if few and (lowest == NEVER or few[-1][:2] <= (lowest, int(scores[place]))):
                yield few.pop()[3]
                continue
            tiers[place] = NEVER
            yield from self._at(slots[place : place + 1])

    def _tiers_of(self, profile: str, tier: Callable[[CallClass], int]) -> NDArray[np.int64]:
        known, tiers = self._tiers.get(profile, (0, self.heads[:0]))
        if known < len(self.slots):
            more = [NEVER if cls is None else tier(cls) for cls in self.slots[known:]]
            tiers = np.concatenate([tiers[:known], np.array(more, np.int64)])
            self._tiers[profile] = len(self.slots), tiers
        return tiers

    def _at(self, slots: NDArray[np.int32]) -> Iterator[CallClass]:
        for slot in slots.tolist():
            cls = self.slots[slot]
            if cls is not None:
                yield cls


class _Members:
    """Which agents the slots of bound pools hold: a line of bits for each agent, so that one look tells theirs."""

    def __init__(self) -> None:
        self._bits = np.zeros((0, 32), np.uint8)

    def _make_room(self, rows: int, slot: int) -> None:
        height, width = self._bits.shape
        if rows > height or slot >= 8 * width:
            larger = np.zeros((max(rows, height), width if slot < 8 * width else 2 * width), np.uint8)
            larger[:height, :width] = self._bits
            self._bits = larger

    def add(self, slot: int, members: NDArray[np.uint8]) -> None:
        self._make_room(len(members), slot)
        self._bits[: len(members), slot >> 3] |= members << (slot & 7)

    def put(self, row: int, slot: int, member: bool) -> None:
        self._make_room(row + 1, slot)
        bit = np.uint8(1 << (slot & 7))
        self._bits[row, slot >> 3] = self._bits[row, slot >> 3] & ~bit | (bit if member else 0)

    def of(self, row: int, first: int) -> NDArray[np.intp]:
        """The slots from `first` on that hold the agent."""
        if row >= len(self._bits):
            return np.zeros(0, np.intp)
        begin = first >> 3
        found = np.flatnonzero(np.unpackbits(self._bits[row, begin:], bitorder="little")) + 8 * begin
        return found[np.searchsorted(found, first) :]


def _few(state: AgentState) -> Iterator[CallClass]:
    """The classes with calls in the agent's pools of few."""
    for pool in state.few or ():
        for cls in pool.classes.values():
            if len(cls):
                yield cls


def _key(cls: CallClass) -> tuple[int, int, int, str]:
    """Of heads that age alike."""
    neg, seq, waiting = cls.order[cls.first]
    return neg, seq, *waiting.plan.order
