"""The number of each agent's last offer from a queue, for `round_robin`; of all offers, for `random`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.routing.agent_book import AgentBook
from cti_engine.core.routing.model import RoutingRules


class OfferNumbers:
    """Queues whose present rules have no `round_robin` keep no numbers."""

    def __init__(self, rules: RoutingRules, agents: AgentBook) -> None:
        self.total = 0
        self._agents = agents
        self._count: dict[str, int] = {}
        self._last: dict[str, NDArray[np.int64]] = {}  # by queue, then row
        self._set_queues(rules)

    def _set_queues(self, rules: RoutingRules) -> None:
        queues = {
            queue.id
            for queue in rules.queues.values()
            if any(order.name == "round_robin" for step in queue.steps for order in step.order)
        }
        self._count = {queue: self._count.get(queue, 0) for queue in queues}
        self._last = {queue: self._last[queue] for queue in queues if queue in self._last}

    def install(self, rules: RoutingRules, agents: AgentBook) -> None:
        """Other rules, other rows, and perhaps other people."""
        before = self._agents.states
        known = {queue: self._numbers(queue) for queue in self._last}  # made as long as there are rows
        self._agents = agents
        self._set_queues(rules)
        if not self._last:
            return
        both = [(state.row, before[id_].row) for id_, state in agents.states.items() if id_ in before]
        here, there = [row for row, _ in both], [row for _, row in both]
        for queue in self._last:
            numbers = self._last[queue] = np.zeros(agents.capacity, np.int64)
            numbers[here] = known[queue][there]

    def took(self, queue: str, row: int) -> None:
        self.total += 1
        number = self._count.get(queue)
        if number is not None:
            self._count[queue] = number + 1
            self._numbers(queue)[row] = number + 1

    def of(self, queue: str) -> NDArray[np.int64]:
        """By row; 0 for who never had one."""
        return self._numbers(queue) if queue in self._count else np.zeros(self._agents.capacity, np.int64)

    def forget(self, row: int) -> None:
        for queue in self._last:
            self._numbers(queue)[row] = 0

    def _numbers(self, queue: str) -> NDArray[np.int64]:
        numbers = self._last.get(queue)
        if numbers is None or len(numbers) < self._agents.capacity:
            kept, numbers = numbers, np.zeros(self._agents.capacity, np.int64)
            if kept is not None:
                numbers[: len(kept)] = kept
            self._last[queue] = numbers
        return numbers
