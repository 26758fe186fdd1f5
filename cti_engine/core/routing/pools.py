"""Pools: the agents for whom one of a set of bound conditions is true. Shared by all calls that ask the same.

A pool of few agents knows them by row; any other one is a bit per row. Pools follow agents at once; a bound pool goes
when no call stands in it any longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.syntax import Comparison, Literal
from cti_engine.core.expressions.values import BOOLEAN
from cti_engine.core.routing.attribute_columns import AttributeColumns, Evaluation
from cti_engine.core.routing.bound_conditions import EVERYBODY, only_agents

if TYPE_CHECKING:
    from cti_engine.core.routing.agent_book import AgentBook
    from cti_engine.core.routing.call_classes import CallClass
    from cti_engine.core.routing.queue_plans import QueuePlan

FEW = 16
"""Up to so many agents a pool is a list."""
Key = tuple[str, ...]
_TRUE = Literal(True, BOOLEAN)


class Pool:
    """`uses`: calls that stand in it, and one more when the rules name it. `classes`: the waiting calls.

    `witness`: the row of the member who was seen logged in last; asked first the next time.
    """

    __slots__ = ("bits", "classes", "conditions", "few", "key", "size", "uses", "witness")

    def __init__(self, key: Key, conditions: tuple[Condition | None, ...]) -> None:
        self.key = key
        self.conditions = conditions
        self.uses = 0
        self.size = self.witness = 0
        self.few: list[int] | None = []
        self.bits = bytearray()
        self.classes: dict[tuple[QueuePlan, int], CallClass] = {}

    def has(self, row: int) -> bool:
        if self.few is not None:
            return row in self.few
        return bool(self.bits[row >> 3] >> (row & 7) & 1)

    def rows(self) -> list[int]:
        return self.few if self.few is not None else np.flatnonzero(self.mask()).tolist()

    def mask(self) -> NDArray[np.uint8]:
        """1 per member, by row. Only for a pool of bits."""
        return np.unpackbits(np.frombuffer(self.bits, np.uint8), bitorder="little")

    def names(self) -> set[str]:
        """The names whose change may change it; a new agent changes all, by the id."""
        found = {"agent.id"}
        for condition in self.conditions:
            if condition is not None:
                found |= condition.names_used
        return found

    def set_members(self, members: NDArray[np.bool_]) -> None:
        """By row, for as many rows as there is room."""
        self.size = int(np.count_nonzero(members))
        if self.size <= FEW:
            self.few, self.bits = np.flatnonzero(members).tolist(), bytearray()
        else:
            self.few, self.bits = None, bytearray(np.packbits(members, bitorder="little"))

    def put(self, row: int, member: bool, capacity: int) -> None:
        """One agent comes or goes. A list that grows beyond `FEW` becomes bits, and stays so."""
        if member == self.has(row):
            return
        self.size += 1 if member else -1
        if self.few is None:
            self.bits[row >> 3] ^= 1 << (row & 7)
        elif not member:
            self.few.remove(row)
        elif len(self.few) < FEW:
            self.few.append(row)
        else:
            members = np.zeros(capacity, np.bool_)
            members[[*self.few, row]] = True
            self.set_members(members)


def union_key(*keys: Key) -> Key:
    """Of pools united: everybody takes all others in."""
    texts = sorted(set().union(*keys))
    return (EVERYBODY,) if EVERYBODY in texts else tuple(texts)


class PoolBook:
    """All pools over one set of agents. Rows are places of agents, `present` those in use."""

    def __init__(self, columns: AttributeColumns, agents: AgentBook) -> None:
        self.pools: dict[Key, Pool] = {}
        self.capacity = agents.capacity
        self.present = np.zeros(self.capacity, np.bool_)
        self.present[: columns.rows] = True
        self._columns = columns
        self._agents = agents
        self._by_name: dict[str, set[Pool]] = {}

    def make(self, key: Key, conditions: tuple[Condition | None, ...], evaluation: Evaluation | None) -> Pool:
        """A pool that is not there yet."""
        pool = self.pools[key] = Pool(key, conditions)
        self._fill(pool, evaluation)
        for name in pool.names():
            self._by_name.setdefault(name, set()).add(pool)
        return pool

    def _fill(self, pool: Pool, evaluation: Evaluation | None) -> None:
        """Only a condition that does not name its agents is evaluated for all."""
        few: set[int] = set()
        many: NDArray[np.bool_] | None = None
        states = self._agents.states
        for condition in pool.conditions:
            named = None if condition is None else only_agents(condition.node)
            if named is not None and condition is not None:
                rows = [states[agent].row for agent in named if agent in states]
                whole = isinstance(condition.node, Comparison)  # then who is named is who is meant
                few.update(row for row in rows if whole or condition.holds(self._columns.names(row)))
            else:
                evaluation = evaluation or Evaluation(self._columns)
                found = evaluation.holds(_TRUE if condition is None else condition.node)
                many = found if many is None else many | found
        if many is None and len(few) <= FEW:
            pool.few, pool.size = sorted(few), len(few)
            return
        members = np.zeros(self.capacity, np.bool_)
        if many is not None:
            members[: len(many)] = many
            members &= self.present
        members[list(few)] = True
        pool.set_members(members)

    def forget(self, pool: Pool) -> None:
        del self.pools[pool.key]
        for name in pool.names():
            self._by_name[name].discard(pool)

    def affected(self, names: Iterable[str]) -> set[Pool]:
        """Pools that a change of these names of an agent may change."""
        return set().union(*(self._by_name.get(name, ()) for name in names))

    def admits(self, pool: Pool, row: int, holds: Callable[[Condition], bool]) -> bool:
        """Evaluated anew for one agent, of whom `holds` tells conditions."""
        return bool(self.present[row]) and any(
            condition is None or holds(condition) for condition in pool.conditions
        )

    def make_room(self) -> None:
        """There may be more agents than there was room for."""
        more = self._agents.capacity - self.capacity
        if not more:
            return
        self.capacity += more
        self.present = np.concatenate([self.present, np.zeros(more, np.bool_)])
        for pool in self.pools.values():
            if pool.few is None:
                pool.bits.extend(bytes(more // 8))
