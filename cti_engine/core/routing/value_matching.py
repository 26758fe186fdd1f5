"""Value matching (docs/routing.md, section 9): in a burst, which of the calls that are served goes to which agent.

Value decides who with whom, never who waits: the calls served are those that the order of calls serves, as many as
there are agents for; among them the sum of what the pairs are worth is made as great as possible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.routing.agent_book import Ticket
from cti_engine.core.routing.attribute_columns import AttributeColumns
from cti_engine.core.routing.burst import Call, Group, Mask, Pairing
from cti_engine.core.routing.call_classes import Waiting
from cti_engine.core.routing.exchange import Calls, improve

Numbers = NDArray[np.int64]
MOST_VALUE = 100_000
"""A call's value counts from 0 to this: sums over thousands of calls stay within 64 bits."""


def call_value(waiting: Waiting) -> int:
    """`call.value` as a whole number; 1 where it is not known."""
    value = waiting.call.names("call.value")
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return 1
    return round(max(0, min(value, MOST_VALUE)))


def agent_points(
    columns: AttributeColumns, rows: NDArray[np.intp], weights: Sequence[tuple[str, int]]
) -> Numbers:
    """The sum over `weights` of weight x attribute, for each row (true is 1, undefined or text 0)."""
    total = np.zeros(len(rows), np.int64)
    for name, weight in weights:
        total += weight * columns.numbers(f"agent.{name}", rows, booleans=True)
    return total


def match_values(
    groups: Sequence[Group], could: Mask, free: Sequence[Ticket], points: Callable[[Waiting], Numbers]
) -> list[tuple[Waiting, Ticket, tuple[int, int, int]]]:
    """Queue entry, agent, and what the pair is worth: points x value, points, value. In the order of calls.

    `points`: of each free agent in the queue of this entry.
    """
    values = [[call_value(call) for call in group.calls] for group in groups]
    of_group = [_points(group, points) for group in groups]
    normal = Pairing(groups, could)
    normal.change_hands(normal.left())
    served = sorted(normal.agent_of, key=lambda call: groups[call[0]].places[call[1]])
    agent_of = _best_first(served, groups, could, of_group, values)
    options = [np.flatnonzero(row) for row in could]
    calls = Calls(
        [options[group] for group, _ in served],
        [of_group[group][options[group]] * values[group][number] for group, number in served],
    )
    improve(agent_of, calls, len(free))
    found = []
    for (group, number), agent in zip(served, agent_of.tolist(), strict=True):
        own, value = int(of_group[group][agent]), values[group][number]
        found.append((groups[group].queue_for(number, agent), free[agent], (own * value, own, value)))
    return found


def _points(group: Group, points: Callable[[Waiting], Numbers]) -> Numbers:
    """Of each agent, in the first queue that lets the agent have the group's calls."""
    queues = [each for each in group.calls[0].chain() if each.cls is not None]
    found = points(queues[-1])
    for each, mask in zip(queues[-2::-1], group.masks[-2::-1], strict=True):
        found = np.where(mask, points(each), found)
    return found


def _best_first(
    served: Sequence[Call],
    groups: Sequence[Group],
    could: Mask,
    points: Sequence[Numbers],
    values: Sequence[Sequence[int]],
) -> Numbers:
    """The most valuable call first, each to the best agent left; then agents change hands until all have one."""
    liked = [np.flatnonzero(row) for row in could]
    liked = [own[np.argsort(-points[number][own], kind="stable")] for number, own in enumerate(liked)]
    best = [iter(own.tolist()) for own in liked]
    pairing = Pairing(groups, could)
    taken: set[int] = set()
    left = []
    for place in sorted(
        range(len(served)), key=lambda place: (-values[served[place][0]][served[place][1]], place)
    ):
        call = served[place]
        agent = next((agent for agent in best[call[0]] if agent not in taken), None)
        if agent is None:
            left.append(call)
        else:
            taken.add(agent)
            pairing.pair(call, agent)
    pairing.change_hands(left)
    return np.array([pairing.agent_of[call] for call in served], np.int64)
