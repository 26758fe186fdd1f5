"""Waiting calls in classes: one pool, one queue's rules, one band of age. Inside a class only the score decides.

With score = rate x (now - queued_at + head_start) + 1e6 x priority, the part without `now` orders a class for ever:
`neg` is its negative, so the smallest (`neg`, seq) is served first. Classes of big pools have a slot each in `heads`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
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
RANKED = 512
"""So many classes are ranked at once; as a rule one of the first twenty holds the agent."""


class Waiting:
    """One call in one queue. `cls` None: it rings, is in no step or has left. `next`: the same call, next queue.

    Times in ms. `left`: what was left of the step when it was offered; `rang`: ringing time so far.
    """

    __slots__ = (
        "call", "cls", "deadline", "joined_at", "left", "next", "offered_at", "plan", "pool", "raised", "rang",
        "step",
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
        self.raised = self.rang = 0

    @property
    def neg(self) -> int:
        """The part of the negative score that time does not change. While it stands in a class nothing of it does."""
        call = self.call
        priority = call.priority + self.raised
        return self.plan.rules.rate * (call.queued_at - call.head_start) - 1_000_000 * priority

    def __lt__(self, other: Waiting) -> bool:
        """Between two queues of one call."""
        return self.plan.order < other.plan.order

    def chain(self) -> Iterator[Waiting]:
        """It and its later queues."""
        waiting: Waiting | None = self
        while waiting is not None:
            yield waiting
            waiting = waiting.next


Entry = tuple[int, int, "CallClass"]
"""Byte and bit of the class's slot."""
_GONE = cast(Waiting, None)
_UNUSED = cast(Entry, None)


class CallClass:
    """Calls in order and their `negs`, both beginning at `first`: the served head leaves without moving the others.

    `head`: `neg` of its head as the book has noted it; `entry` tells where a line of bits has its slot, if it has one.
    """

    __slots__ = ("band", "entry", "first", "head", "negs", "order", "plan", "pool", "shape", "slot")

    def __init__(self, pool: Pool, plan: QueuePlan, band: int) -> None:
        self.pool, self.plan, self.band = pool, plan, band
        self.shape: Band = plan.bands[band]
        self.order: list[Waiting] = []
        self.negs = array("q")
        self.first = 0
        self.slot = -1
        self.head = EMPTY
        self.entry: Entry = (0, 0, self)

    def __len__(self) -> int:
        return len(self.order) - self.first

    def score(self, now: int) -> int:
        """The negative score of its head."""
        return self.head - self.plan.rules.rate * now

    def waiting(self) -> Iterator[Waiting]:
        """In the order of service."""
        for place in range(self.first, len(self.order)):
            yield self.order[place]

    def ahead_of(self, neg: int, seq: int) -> int:
        """How many stand before this place."""
        return self._place(neg, seq) - self.first

    def _place(self, neg: int, seq: int) -> int:
        low = bisect_left(self.negs, neg, self.first)
        high = bisect_right(self.negs, neg, low)
        return low if low == high else bisect_left(self.order, seq, low, high, key=_seq)

    def add(self, waiting: Waiting) -> bool:
        """Whether it is the new head."""
        negs, order, neg = self.negs, self.order, waiting.neg
        if not negs or negs[-1] < neg:
            negs.append(neg)
            order.append(waiting)
            return len(negs) - self.first == 1
        place = self._place(neg, waiting.call.seq)
        negs.insert(place, neg)
        order.insert(place, waiting)
        return place == self.first

    def take(self, waiting: Waiting) -> bool:
        """Whether it was the head."""
        negs, order, first = self.negs, self.order, self.first
        if order[first] is not waiting:
            place = self._place(waiting.neg, waiting.call.seq)
            del negs[place], order[place]
            return False
        order[first] = _GONE
        first += 1
        if 2 * first >= len(order):
            del negs[:first], order[:first]
            first = 0
        self.first = first
        return True


class ClassBook:
    """All classes. `heads`: for each slot `neg` of the first call, `EMPTY` when none waits.

    `plain`: all calls age alike and nothing but the score decides between them. Then the classes whose head is below
    `limit` are `ranked` by it (`negs` beside them, equals in any order), and the first that holds an agent has the
    agent's call. A class whose head has been served goes far back as a rule, and needs no rank there.
    """

    def __init__(self) -> None:
        self.heads: NDArray[np.int64] = np.full(256, EMPTY)
        self.slots: list[CallClass | None] = []
        self.of_queue: dict[str, dict[CallClass, None]] = {}
        self.ranked: list[Entry] = []
        self.negs = array("q")
        self.rates: NDArray[np.int64] = np.zeros(256, np.int64)
        self.plain = True
        self.limit = EMPTY
        self.count = 0
        self._most = 2 * RANKED
        self._rate: int | None = None
        self._members = _Members()
        self._entries: list[Entry] = []  # by slot, to rank them without a look at each class
        self._unused: list[int] = []
        self._given: list[int] = []
        self._tiers: dict[tuple[str, str], tuple[int, NDArray[np.int64]]] = {}

    def get(self, pool: Pool, plan: QueuePlan, band: int) -> CallClass:
        cls = pool.classes.get((plan, band))
        if cls is None:
            cls = pool.classes[plan, band] = CallClass(pool, plan, band)
            if self._rate is None:
                self._rate = plan.rules.rate
            if self.plain and not (self._rate == plan.rules.rate and plan.alike):
                self.plain = False
                del self.ranked[:], self.negs[:]
            if pool.few is None:
                self.give_slot(cls)
        return cls

    def give_slot(self, cls: CallClass) -> None:
        if self._unused:
            slot = self._unused.pop()
            self.slots[slot] = cls
        else:
            slot = len(self.slots)
            self.slots.append(cls)
            self._entries.append(cls.entry)
            if slot == len(self.heads):
                self.heads = np.concatenate([self.heads, np.full(len(self.heads), EMPTY)])
                self.rates = np.concatenate([self.rates, np.zeros_like(self.rates)])
        cls.slot = slot
        cls.entry = self._entries[slot] = (slot >> 3, 1 << (slot & 7), cls)
        self.rates[slot] = cls.plan.rules.rate
        self._members.set(slot, cls.pool.mask())
        self._given.append(slot)
        if len(self._given) > 4 * len(self.slots):
            self._tiers.clear()
            self._given = list(range(len(self.slots)))
        cls.head = EMPTY
        self._tell_head(cls)

    def forget(self, pool: Pool) -> None:
        """Nobody waits in it, and nobody will."""
        for cls in pool.classes.values():
            if cls.slot >= 0:
                self.slots[cls.slot], self._entries[cls.slot] = None, _UNUSED
                self._unused.append(cls.slot)
        pool.classes.clear()

    def add(self, waiting: Waiting, pool: Pool, now: int) -> None:
        plan = waiting.plan
        band = plan.band_at(now - waiting.call.queued_at) if plan.boundaries else 0
        cls = waiting.cls = self.get(pool, plan, band)
        if not len(cls):
            self.of_queue.setdefault(plan.rules.id, {})[cls] = None
        self.count += 1
        if cls.add(waiting):
            self._tell_head(cls)

    def take_over(self, old: CallClass, cls: CallClass) -> None:
        """All calls of another book's class."""
        cls.order, cls.negs, cls.first = old.order, old.negs, old.first
        for waiting in cls.waiting():
            waiting.cls = cls
        self.count += len(cls)
        self.of_queue.setdefault(cls.plan.rules.id, {})[cls] = None
        self._tell_head(cls)

    def take(self, waiting: Waiting) -> None:
        cls = waiting.cls
        if cls is None:
            return
        waiting.cls = None
        self.count -= 1
        if cls.take(waiting):
            self._tell_head(cls)
            if not cls.order:
                del self.of_queue[cls.plan.rules.id][cls]

    def _tell_head(self, cls: CallClass) -> None:
        old, entry = cls.head, cls.entry
        cls.head = neg = cls.negs[cls.first] if cls.negs else EMPTY
        if cls.slot < 0:
            return
        self.heads[cls.slot] = neg
        if not self.plain:
            return
        negs, ranked = self.negs, self.ranked
        if old < self.limit:
            place = bisect_left(negs, old)
            while ranked[place] is not entry:
                place += 1
            del negs[place], ranked[place]
        if neg < self.limit:
            place = bisect_left(negs, neg)
            negs.insert(place, neg)
            ranked.insert(place, entry)
        if len(negs) > self._most or (2 * len(negs) < RANKED and self.limit != EMPTY):
            self._rank()

    def _rank(self) -> None:
        """Anew: the first `RANKED`, and those whose heads equal the last one's."""
        heads = self.heads[: len(self.slots)]
        found = np.flatnonzero(heads != EMPTY)
        self.limit = EMPTY
        if len(found) > RANKED:
            self.limit = int(np.partition(heads[found], RANKED - 1)[RANKED - 1]) + 1
            found = found[heads[found] < self.limit]
        found = found[heads[found].argsort()]
        self.negs = array("q", heads[found].tobytes())
        entries = self._entries
        self.ranked = [entries[slot] for slot in found.tolist()]
        self._most = 2 * max(RANKED, len(found))

    # --- the classes of one agent ---------------------------------------------------------------

    def pool_changed(self, pool: Pool, state: AgentState, member: bool) -> None:
        """The agent has come into this big pool, or left it."""
        for cls in pool.classes.values():
            self._members.put(state.row, cls.slot, member)

    def slots_of(self, state: AgentState) -> NDArray[np.intp]:
        """The slots of all classes whose pool is big and holds the agent."""
        return self._members.of(state.row)

    def waiting_for(self, state: AgentState) -> Iterator[CallClass]:
        """The classes with calls that the agent's skills allow."""
        slots = self.slots_of(state)
        yield from map(self._at, slots[self.heads[slots] != EMPTY].tolist())
        yield from _few(state)

    def first_plain(self, state: AgentState) -> CallClass | None:
        """The class whose head the agent serves first. Only while `plain`."""
        best: CallClass | None = None
        mine = self._members.line(state.row)
        ranked = iter(self.ranked)
        for byte, bit, cls in ranked:
            if mine[byte] & bit:
                best = cls
                break
        if best is not None:
            for byte, bit, cls in ranked:
                if cls.head != best.head:
                    break
                if mine[byte] & bit and _key(cls) < _key(best):
                    best = cls
        elif self.limit != EMPTY:
            best = self._first_of_all(state)
        for pool in state.few:
            for cls in pool.classes.values():
                if cls.head != EMPTY and (best is None or _comes_before(cls, best)):
                    best = cls
        return best

    def _first_of_all(self, state: AgentState) -> CallClass | None:
        slots = self.slots_of(state)
        heads = self.heads[slots]
        neg = heads.min(initial=EMPTY)
        return None if neg == EMPTY else min(map(self._at, slots[heads == neg].tolist()), key=_key)

    def first(self, state: AgentState, now: int, tier: Callable[[CallClass], int]) -> CallClass | None:
        """The same when rates, bands or the agent's profile play a part: `tier` orders classes before scores do.

        Classes of the tier `NEVER` are not served. `tier` depends on the class, the agent's profile and
        the agent's group alone.
        """
        few = [cls for cls in _few(state) if tier(cls) != NEVER]
        slots = self.slots_of(state)
        heads = self.heads[slots]
        tiers = np.where(heads == EMPTY, NEVER, self._tiers_of(state, tier)[slots])
        if tiers.size and (lowest := tiers.min()) != NEVER:
            among = tiers == lowest
            slots = slots[among]
            scores = heads[among] - self.rates[slots] * now
            few += map(self._at, slots[scores == scores.min()].tolist())
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
        tiers = self._tiers_of(state, tier)[slots]
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
            yield self._at(slots.item(place))

    def forget_tiers(self) -> None:
        """What orders classes before scores do has changed."""
        self._tiers.clear()

    def _tiers_of(self, state: AgentState, tier: Callable[[CallClass], int]) -> NDArray[np.int64]:
        """By slot; kept from one question to the next, so only slots given in the meantime are looked at."""
        kind = state.profile, state.group
        known, tiers = self._tiers.get(kind, (0, self.heads[:0]))
        if known < len(self._given):
            if len(tiers) < len(self.slots):
                tiers = np.concatenate([tiers, np.full(len(self.heads) - len(tiers), NEVER)])
            for slot in self._given[known:]:
                cls = self.slots[slot]
                tiers[slot] = NEVER if cls is None else tier(cls)
            self._tiers[kind] = len(self._given), tiers
        return tiers

    def _at(self, slot: int) -> CallClass:
        """In a slot in use. Raises KeyError."""
        cls = self.slots[slot]
        if cls is None:
            raise KeyError(slot)
        return cls


class _Members:
    """Which agents the pools of all slots hold: a line of bits for each agent, so that one look tells theirs."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._bits = np.zeros((0, 32), np.uint8)
        self._height, self._width = self._bits.shape

    def _make_room(self, rows: int, slot: int) -> None:
        height, width = self._height, self._width
        if rows > height or slot >= 8 * width:
            wanted = width if slot < 8 * width else max(32, 3 * (slot // 8 + 1) // 2)
            self._bytes = bytearray(max(rows, height) * wanted)
            larger = np.frombuffer(self._bytes, np.uint8).reshape(-1, wanted)
            larger[:height, :width] = self._bits
            self._bits = larger
            self._height, self._width = larger.shape

    def set(self, slot: int, members: NDArray[np.uint8]) -> None:
        self._make_room(len(members), slot)
        column = self._bits[: len(members), slot >> 3]
        column &= np.uint8(~(1 << (slot & 7)) & 0xFF)
        column |= members << (slot & 7)

    def put(self, row: int, slot: int, member: bool) -> None:
        self._make_room(row + 1, slot)
        bit = np.uint8(1 << (slot & 7))
        self._bits[row, slot >> 3] = self._bits[row, slot >> 3] & ~bit | (bit if member else 0)

    def line(self, row: int) -> bytearray:
        """A bit for each slot."""
        width = self._width
        return self._bytes[row * width : (row + 1) * width] if row < self._height else bytearray(width)

    def of(self, row: int) -> NDArray[np.intp]:
        """The slots that hold the agent."""
        return np.flatnonzero(np.unpackbits(np.frombuffer(self.line(row), np.uint8), bitorder="little"))


def _few(state: AgentState) -> Iterator[CallClass]:
    """The classes with calls in the agent's pools of few."""
    for pool in state.few:
        for cls in pool.classes.values():
            if len(cls):
                yield cls


def _comes_before(cls: CallClass, other: CallClass) -> bool:
    """Of heads that age alike."""
    return cls.head < other.head or (cls.head == other.head and _key(cls) < _key(other))


def _key(cls: CallClass) -> tuple[int, int, int, str]:
    """Of heads that age alike."""
    waiting = cls.order[cls.first]
    return cls.head, waiting.call.seq, *waiting.plan.order


def _seq(waiting: Waiting) -> int:
    return waiting.call.seq
