"""Burst (docs/routing.md, section 9): the rarest call first, to the agent whom the fewest of the calls need.

Calls of one class that wait nowhere else and exclude nobody are one group: their choice of agents is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.routing.agent_book import Ticket
from cti_engine.core.routing.call_classes import CallClass, Waiting

Rank = tuple[int, int, int, int, int, str]
Mask = NDArray[np.bool_]
_TAKEN = 2**29
_RANKS = 2**32
"""How many agents a call could have times this, plus its place in the order: the smallest is the rarest, first call."""
_CLOSED = 2**62
Eligible = Callable[[Waiting, CallClass], Mask]
"""Which of the free agents, in their order, may get the call from this queue."""


@dataclass(slots=True)
class _Group:
    """`calls` first queues of calls, in the order of rule 5; `masks`: the eligible agents, queue by queue."""

    masks: list[Mask]
    calls: list[Waiting] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    matched: int = 0


def match_burst(
    calls: Iterable[Waiting],
    free: Sequence[Ticket],
    eligible: Eligible,
    rank: Callable[[Waiting, CallClass], Rank],
    excludes: Callable[[Waiting], bool],
) -> list[tuple[Waiting, Ticket, int]]:
    """Queue entry, agent, and how many of the calls left could have had the agent.

    `calls`: each call's first queue. Empty unless two calls and two agents could be matched.
    """
    groups = _groups(calls, eligible, rank, excludes)
    if sum(len(group.calls) for group in groups) < 2:
        return []
    could = np.array([np.logical_or.reduce(group.masks) for group in groups], np.int32)
    left = np.array([len(group.calls) for group in groups], np.int32)
    of_call, of_agent = could.sum(axis=1, dtype=np.int64), left @ could
    if np.count_nonzero(of_agent) < 2:
        return []
    kept_off = (1 - could) * _TAKEN
    of_call *= _RANKS
    of_call += [group.places[0] for group in groups]
    found = []
    while (rarest := of_call.item(chosen := int(of_call.argmin()))) < _CLOSED // 2:
        group = groups[chosen]
        agent = int((of_agent + kept_off[chosen]).argmin())  # the first of equals: they are in their order
        found.append((_queue_for(group, agent), free[agent], of_agent.item(agent)))
        group.matched += 1
        of_agent -= could[chosen]
        of_agent[agent] = _TAKEN  # whatever is subtracted later, it stays out of reach
        places = group.places
        if group.matched < len(places):
            of_call[chosen] += places[group.matched] - rarest % _RANKS
        else:
            of_call[chosen] = _CLOSED
        of_call -= could[:, agent].astype(np.int64) * _RANKS
        of_call[of_call < _RANKS] = _CLOSED  # nobody is left for them
    return found


def _queue_for(group: _Group, agent: int) -> Waiting:
    """The first queue of the group's next call that lets this agent have it."""
    queues = [each for each in group.calls[group.matched].chain() if each.cls is not None]
    return next(each for each, mask in zip(queues, group.masks, strict=True) if mask[agent])


def _groups(
    calls: Iterable[Waiting],
    eligible: Eligible,
    rank: Callable[[Waiting, CallClass], Rank],
    excludes: Callable[[Waiting], bool],
) -> list[_Group]:
    ranked = []
    for call in calls:
        ranks = [rank(each, each.cls) for each in call.chain() if each.cls is not None]
        if ranks:
            ranked.append((min(ranks), call))
    ranked.sort(key=lambda entry: entry[0])
    groups: dict[object, _Group] = {}
    for place, (_, call) in enumerate(ranked):
        alone = call.next is None and not excludes(call)
        key: object = call.cls if alone else call
        group = groups.get(key)
        if group is None:
            masks = [eligible(each, each.cls) for each in call.chain() if each.cls is not None]
            group = groups[key] = _Group(masks)
        group.calls.append(call)
        group.places.append(place)
    return [group for group in groups.values() if any(mask.any() for mask in group.masks)]
