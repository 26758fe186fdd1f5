"""Whom the steps of queues reach, proven over the agents there are: steps that nobody meets, that only take agents
away, that bring nobody, that are over before they begin.

What `call.*` decides is bounded from both sides: a pool holds at least the agents whom no call can keep out, and at
most those whom some call lets in. Only what follows from these bounds is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.expressions.syntax import Junction, Node
from cti_engine.core.routing.attribute_columns import AttributeColumns, Evaluation
from cti_engine.core.routing.bound_conditions import letting_in
from cti_engine.core.routing.model import AgentFacts, ProfileQueue, QueueRules, StepRule

Members = NDArray[np.bool_]
"""One flag per agent, in the order given."""
NOBODY, PROFILES, NARROWER, SAME, OVER = "nobody", "profiles", "narrower", "same", "over"


class StepPools:
    """The agents of steps, whatever the call; equal comparisons are evaluated once for all queues."""

    def __init__(self, agents: Sequence[AgentFacts]) -> None:
        self.agents = agents
        self._evaluation = Evaluation(AttributeColumns(agents))

    def most(self, step: StepRule) -> Members:
        """Who is in the pool of some call."""
        return self._members(step, negated=False)

    def least(self, step: StepRule) -> Members:
        """Who is in the pool of every call."""
        return self._members(step, negated=True)

    def _members(self, step: StepRule, *, negated: bool) -> Members:
        if step.require is None:
            return np.ones(len(self.agents), np.bool_)
        return self._evaluation.holds(letting_in(step.require.node, negated=negated))

    def of_queue(self, rules: QueueRules) -> Members:
        """Who is in some step's pool of some call."""
        found = np.zeros(len(self.agents), np.bool_)
        for step in rules.steps:
            found |= self.most(step)
        return found

    def taking(self, queue: str, profiles: Mapping[str, Mapping[str, ProfileQueue]]) -> Members:
        """Whose profile takes this queue: those without one do."""
        takes = {name: queue in entries for name, entries in profiles.items()} | {"": True}
        return np.fromiter((takes.get(facts.profile, False) for facts in self.agents), np.bool_)

    def unmet(self, node: Node) -> list[str]:
        """Of a condition that nobody meets, the parts that each alone nobody meets; empty when only all together."""
        parts = node.operands if isinstance(node, Junction) and node.operator == "and" else (node,)
        return [str(part) for part in parts if not self._evaluation.holds(letting_in(part)).any()]


@dataclass(frozen=True, slots=True)
class StepFinding:
    """`what` of step number `step`. `agents`: in the step; `before`: in the pool that the call has before it, 0 where
    that plays no part. `because`: for `nobody` the parts that nobody meets, for `over` the step that lasts longer.
    """

    step: int
    what: str
    agents: int = 0
    before: int = 0
    because: tuple[str, ...] = ()


def review_steps(rules: QueueRules, pools: StepPools, takes: Members) -> list[StepFinding]:
    """`takes`: whose profile takes the queue."""
    found = []
    for number, step in enumerate(rules.steps):
        most = pools.most(step)
        if not most.any():
            unmet = pools.unmet(step.require.node) if step.require is not None else []
            found.append(StepFinding(number, NOBODY, because=tuple(unmet)))
        elif not (most & takes).any():
            found.append(StepFinding(number, PROFILES, int(np.count_nonzero(most))))
        elif (longer := _outlasting(rules, number)) is not None:
            found.append(StepFinding(number, OVER, because=(str(longer + 1),)))
        elif (shadowed := _shadowed(rules, number, most, pools)) is not None:
            found.append(shadowed)
    return found


def _outlasting(rules: QueueRules, number: int) -> int | None:
    """With `clock: from_enqueue`, an earlier step that is always looked at and lasts as long as this one or longer."""
    wait = rules.steps[number].wait
    if not rules.from_enqueue or wait is None:
        return None
    return next(
        (
            place
            for place, step in enumerate(rules.steps[:number])
            if step.consider_if is None and step.wait is not None and step.wait >= wait
        ),
        None,
    )


def _shadowed(rules: QueueRules, number: int, most: Members, pools: StepPools) -> StepFinding | None:
    step = rules.steps[number]
    before = _pool_before(rules, number, pools.least)
    if before is None or (most & ~before).any():
        return None
    agents, known = int(np.count_nonzero(most)), int(np.count_nonzero(before))
    takes_away = agents < known or not pools.least(step)[most].all()
    if not step.cumulative and takes_away:
        return StepFinding(number, NARROWER, agents, known)
    last = rules.steps[number - 1]
    changes = step.raise_priority or step.order != last.order or step.offer_to != last.offer_to
    return None if changes else StepFinding(number, SAME, agents, known)


def _pool_before(rules: QueueRules, number: int, least: Callable[[StepRule], Members]) -> Members | None:
    """Who is in the pool for sure when step `number` is reached; None when it may be the first that is entered.

    A step that was skipped because nobody of it was logged in counts as entered: then nobody of a part of it is.
    """
    found: Members | None = None
    for place in range(number - 1, -1, -1):
        step = rules.steps[place]
        pool = least(step)
        if step.cumulative:
            earlier = _pool_before(rules, place, least)
            pool = pool if earlier is None else pool | earlier
        found = pool if found is None else found & pool
        may_be_skipped = step.consider_if is not None or (
            step.skip_when_none and not rules.steps[number].skip_when_none
        )
        if not may_be_skipped:
            return found
    return None
