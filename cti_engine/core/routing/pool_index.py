"""Everything that follows from rules and agents: columns, pools, classes of calls, each agent's classes.

Made by a pure function of both, so that a reload can make it in a thread beside a live matcher and hand it in; from
then on it follows every agent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.routing.agent_book import AgentBook, AgentState
from cti_engine.core.routing.attribute_columns import AttributeColumns, Evaluation
from cti_engine.core.routing.bound_conditions import read_bound
from cti_engine.core.routing.call_classes import ClassBook
from cti_engine.core.routing.flexibility import Flexibility
from cti_engine.core.routing.model import AgentFacts, RoutingRules
from cti_engine.core.routing.pools import Key, Pool, PoolBook, union_key
from cti_engine.core.routing.queue_plans import QueuePlan, make_plans

KEPT = 1024
"""Big pools that nobody uses just now and that are kept, because the next call may bind the same."""


class PoolIndex:
    """`bound`: pools in which calls stand, to have them ready too (`PrecisionMatcher.pools_in_use`)."""

    def __init__(
        self, rules: RoutingRules, agents: Iterable[AgentFacts] = (), bound: Iterable[Key] = ()
    ) -> None:
        found = sorted({facts.id: facts for facts in agents}.values(), key=lambda facts: facts.id)
        self.rules = rules
        self.plans = make_plans(rules)
        self.agents = AgentBook(found)
        self.columns = AttributeColumns(found)
        self.pools = PoolBook(self.columns, self.agents)
        self.classes = ClassBook()
        self._unused: dict[Pool, None] = {}
        evaluation = Evaluation(self.columns)
        self.flexibility = Flexibility(self.plans.values(), self.columns, evaluation)
        for plan in self.plans.values():
            for key, conditions in _fixed_pools(plan):
                pool = self.pool(key, conditions, evaluation)
                for band in range(len(plan.bands)):
                    self.classes.get(pool, plan, band)
        self._ready = [self.pool(key, [read_bound(text) for text in key], evaluation) for key in bound]

    # --- pools, counted by who uses them --------------------------------------------------------

    def pool(
        self, key: Key, conditions: Iterable[Condition | None], evaluation: Evaluation | None = None
    ) -> Pool:
        """The pool that unites these bound conditions, used once more."""
        pool = self.pools.pools.get(key)
        if pool is None:
            pool = self.pools.make(key, tuple(conditions), evaluation)
            for state in self._few(pool):
                state.few = (*state.few, pool)
        elif not pool.uses:
            self._unused.pop(pool, None)
        pool.uses += 1
        return pool

    def drop(self, pool: Pool) -> None:
        """Used once less; nobody's any longer, it goes: a big one when `KEPT` others are unused for less long."""
        pool.uses -= 1
        if pool.uses:
            return
        if pool.few is None:
            self._unused[pool] = None
            if len(self._unused) <= KEPT:
                return
            pool = next(iter(self._unused))
        self._unused.pop(pool, None)
        self._leave_few(pool)
        self.classes.forget(pool)
        self.pools.forget(pool)

    def anybody(self, pool: Pool) -> bool:
        """Whether a member is logged in."""
        logged_in = self.agents.logged_in
        if pool.few is not None:
            return any(logged_in[row] for row in pool.few)
        if not (logged_in[pool.witness] and pool.has(pool.witness)):
            pool.witness = int((pool.mask() & logged_in).argmax())
        return bool(logged_in[pool.witness]) and pool.has(pool.witness)

    def members(self, pool: Pool, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which of these rows are in the pool."""
        if pool.few is not None:
            few = np.zeros(self.agents.capacity, np.bool_)
            few[pool.few] = True
            return few[rows]
        found: NDArray[np.bool_] = pool.mask()[rows] == 1
        return found

    def free_rows(self, pool: Pool) -> NDArray[np.intp]:
        """The free members."""
        if pool.few is not None:
            return np.array([row for row in pool.few if self.agents.is_free[row]], np.intp)
        return np.flatnonzero(pool.mask() & self.agents.is_free)

    def forget_ready(self) -> None:
        """Pools that were made ready count from now on only where calls stand in them."""
        for pool in self._ready:
            self.drop(pool)
        self._ready = []

    def _few(self, pool: Pool) -> Iterator[AgentState]:
        for row in pool.few or ():
            state = self.agents.rows[row]
            if state is not None:
                yield state

    def _leave_few(self, pool: Pool) -> None:
        for state in self._few(pool):
            state.few = tuple(each for each in state.few if each is not pool)

    # --- agents come, change and go -------------------------------------------------------------

    def put_agent(self, facts: AgentFacts) -> None:
        state = self.agents.put(facts)
        self.pools.make_room()
        self.pools.present[state.row] = True
        self._follow(state, self.columns.put(state.row, facts))

    def remove_agent(self, agent: str) -> None:
        state = self.agents.forget(agent)
        if state is not None:
            self.pools.present[state.row] = False
            self._follow(state, self.columns.put(state.row, None))

    def _follow(self, state: AgentState, names: set[str]) -> None:
        """Bring pools up to date with the agent's changed names."""
        row, holds = state.row, self.columns.answers(state.row)
        for pool in self.pools.affected(names):
            member = self.pools.admits(pool, row, holds)
            if member == pool.has(row):
                continue
            if pool.few is None:
                pool.put(row, member, self.pools.capacity)
                self.classes.pool_changed(pool, state, member)
                continue
            self._leave_few(pool)
            pool.put(row, member, self.pools.capacity)
            if pool.few is None:
                for cls in pool.classes.values():
                    self.classes.give_slot(cls)
            for each in self._few(pool):
                each.few = (*each.few, pool)
        self.flexibility.follow(row, names, holds, present=bool(self.pools.present[row]))


def _fixed_pools(plan: QueuePlan) -> Iterator[tuple[Key, list[Condition | None]]]:
    """The pools of a queue's steps that no call binds, entered one after the other."""
    united: Mapping[str, Condition | None] = {}
    for step in plan.steps:
        if step.call_names:
            united = {}
            continue
        own = {step.text: step.condition}
        united = {**united, **own} if step.rule.cumulative else own
        key = union_key(tuple(united))
        yield key, [united[text] for text in key]
