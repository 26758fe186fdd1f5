"""In which queues each agent could stand, by the rules' conditions alone: for `least_flexible` and for queue views."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.routing.attribute_columns import AttributeColumns, Evaluation
from cti_engine.core.routing.bound_conditions import letting_in
from cti_engine.core.routing.queue_plans import QueuePlan


class Flexibility:
    """`counts`: number of queues, by row. One bit per queue and row says which."""

    def __init__(self, plans: Iterable[QueuePlan], columns: AttributeColumns, evaluation: Evaluation) -> None:
        self._columns = columns
        self._queues: list[str] = []
        self._asks: list[tuple[Condition, ...]] = []  # none: everybody
        self._by_name: dict[str, list[int]] = {}
        capacity = max(64, -(-columns.rows // 64) * 64)
        self.counts: NDArray[np.int64] = np.zeros(capacity, np.int64)
        bits = []
        for plan in plans:
            mask = np.zeros(capacity, np.bool_)
            asks = self._asked(plan)
            mask[: columns.rows] = not asks
            for condition in asks:
                mask[: columns.rows] |= evaluation.holds(condition.node)
            self.counts += mask
            bits.append(np.packbits(mask, bitorder="little"))
            self._asks.append(asks)
            self._queues.append(plan.rules.id)
        self._bits = np.array(bits, np.uint8).reshape(len(bits), capacity // 8)

    def _asked(self, plan: QueuePlan) -> tuple[Condition, ...]:
        asks: tuple[Condition, ...] = ()
        for step in plan.steps:
            if step.condition is None:
                asks = ()
                break
            asks += (Condition(letting_in(step.condition.node)) if step.call_names else step.condition,)
        for name in {"agent.id"}.union(*(each.names_used for each in asks)):
            self._by_name.setdefault(name, []).append(len(self._asks))
        return asks

    def follow(
        self, row: int, names: Iterable[str], holds: Callable[[Condition], bool], *, present: bool
    ) -> None:
        """These names of the agent in `row` have changed, of whom `holds` tells conditions."""
        if row >= len(self.counts):
            self.counts = np.concatenate([self.counts, np.zeros_like(self.counts)])
            self._bits = np.concatenate([self._bits, np.zeros_like(self._bits)], axis=1)
        bit = 1 << (row & 7)
        for queue in set().union(*(self._by_name.get(name, ()) for name in names)):
            asks = self._asks[queue]
            could = present and (not asks or any(map(holds, asks)))
            if could != bool(self._bits[queue, row >> 3] & bit):
                self._bits[queue, row >> 3] ^= bit
                self.counts[row] += 1 if could else -1

    def queues_of(self, row: int) -> list[str]:
        """In the order of the rules."""
        found = np.flatnonzero(self._bits[:, row >> 3] & (1 << (row & 7)))
        return [self._queues[place] for place in found.tolist()]
