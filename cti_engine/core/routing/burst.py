"""Burst (docs/routing.md, section 9): the rarest call first, to the agent whom the fewest of the calls need.

Then agents change hands while that gives one more call an agent, so no way of matching serves more calls.

Calls of one class that wait nowhere else and exclude nobody are one group: their choice of agents is the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.routing.agent_book import Ticket
from cti_engine.core.routing.call_classes import CallClass, Waiting

Rank = tuple[int, int, int, int, int, str]
Mask = NDArray[np.bool_]
Call = tuple[int, int]
"""Its group, and its number in it."""
Eligible = Callable[[Waiting, CallClass], Mask]
"""Which of the free agents, in their order, may get the call from this queue."""
_OUT = 2**61
"""Of a group without calls or agents left, and of an agent who is taken: beyond every count, also after subtracting."""


@dataclass(slots=True)
class Group:
    """`calls` first queues of calls, in the order of rule 5; `masks`: the eligible agents, queue by queue."""

    masks: list[Mask]
    calls: list[Waiting] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def could(self) -> Mask:
        """The agents who may get the calls from any of their queues."""
        found: Mask = np.logical_or.reduce(self.masks)
        return found

    def queue_for(self, number: int, agent: int) -> Waiting:
        """The first queue of this call that lets the agent have it."""
        queues = [each for each in self.calls[number].chain() if each.cls is not None]
        return next(each for each, mask in zip(queues, self.masks, strict=True) if mask[agent])


def match_burst(
    groups: Sequence[Group], could: Mask, free: Sequence[Ticket]
) -> list[tuple[Waiting, Ticket, int]]:
    """Queue entry, agent, and how many of the calls left could have had the agent when the agent was taken."""
    pairing = Pairing(groups, could)
    pairing.rarest_first()
    pairing.change_hands(pairing.left())
    return [
        (groups[group].queue_for(number, agent), free[agent], pairing.wanted[agent])
        for (group, number), agent in pairing.agent_of.items()
    ]


def is_burst(groups: Sequence[Group], could: Mask) -> bool:
    """Two calls and two agents could be matched."""
    return sum(len(group.calls) for group in groups) > 1 and int(could.any(axis=0).sum()) > 1


class Pairing:
    """`agent_of` each call; `wanted`: by agent, how many calls left could have had them."""

    def __init__(self, groups: Sequence[Group], could: NDArray[np.bool_]) -> None:
        self._groups, self._could = groups, could
        self._options = [np.flatnonzero(row) for row in could]
        self.agent_of: dict[Call, int] = {}
        self.wanted: dict[int, int] = {}
        self._call_of: dict[int, Call] = {}
        self._matched = [0] * len(groups)

    def rarest_first(self) -> None:
        groups, could = self._groups, self._could
        in_need = np.ascontiguousarray(could.T)
        left = [len(group.calls) for group in groups]
        of_agent = np.array(left, np.int64) @ could
        options = self._options
        ways = 1 + max(group.places[-1] for group in groups)
        # one number by which groups go: fewest agents left, then the place of the next call
        keys = np.array(
            [ways * len(own) + group.places[0] for own, group in zip(options, groups, strict=True)], np.int64
        )
        while (key := int(keys[chosen := int(keys.argmin())])) < _OUT // 2:
            if key < ways:
                keys[chosen] = _OUT
                continue
            own = options[chosen]
            counts = of_agent[own]
            first = int(counts.argmin())  # the first of equals: they are in their order
            agent = int(own[first])
            self.pair((chosen, self._matched[chosen]), agent, int(counts[first]))
            number = self._matched[chosen] = self._matched[chosen] + 1
            of_agent[own] -= 1
            of_agent[agent] = _OUT
            places = groups[chosen].places
            keys[chosen] = _OUT if number == left[chosen] else key - places[number - 1] + places[number]
            keys[np.flatnonzero(in_need[agent])] -= ways

    def left(self) -> list[Call]:
        """The calls without an agent, by their places."""
        calls = [
            (place, (number, at))
            for number, group in enumerate(self._groups)
            for at, place in enumerate(group.places)
            if (number, at) not in self.agent_of
        ]
        return [call for _, call in sorted(calls)]

    def change_hands(self, left: Iterable[Call]) -> None:
        """For each of these calls, in order, the shortest chain of calls that pass on their agents, if there is one."""
        live = np.ones(self._could.shape[1], np.bool_)
        idle = live.copy()
        idle[list(self._call_of)] = False
        hopeless: set[int] = set()
        direct: dict[int, Iterator[int]] = {}
        for number, at in left:
            if number in hopeless:
                continue
            if number not in direct:
                direct[number] = iter(self._options[number].tolist())
            first = next((agent for agent in direct[number] if idle[agent]), None)
            if first is None:
                hopeless |= self._search(number, at, live, idle)
            else:  # a chain of one
                self.pair((number, at), first)
                idle[first] = False

    def _search(self, number: int, at: int, live: Mask, idle: Mask) -> set[int]:
        """Breadth first. Who was looked at in vain, here the groups returned, leads nobody to an idle agent later."""
        giver: dict[int, Call] = {}
        seen = {number}
        open_ = live.copy()
        line = deque([(number, at)])
        while line:
            call = line.popleft()
            own = self._options[call[0]]
            found = own[open_[own]]
            ends = found[idle[found]]
            if ends.size:
                self._pass_on(call, int(ends[0]), giver)
                idle[ends[0]] = False
                return set()
            open_[found] = False
            for agent in found.tolist():
                giver[agent] = call
                holder = self._call_of[agent]
                if holder[0] not in seen:
                    seen.add(holder[0])
                    line.append(holder)
        live &= open_
        return seen

    def _pass_on(self, call: tuple[int, int], agent: int, giver: dict[int, Call]) -> None:
        """The call takes the agent; its own goes to the call that reached it through this one, and so on."""
        self.wanted[agent] = 0
        while True:
            own = self.agent_of.get(call)
            self.agent_of[call] = agent
            self._call_of[agent] = call
            if own is None:
                return
            call, agent = giver[own], own

    def pair(self, call: Call, agent: int, wanted: int = 0) -> None:
        self.agent_of[call] = agent
        self._call_of[agent] = call
        self.wanted[agent] = wanted


def groups_of(
    calls: Iterable[Waiting],
    eligible: Eligible,
    rank: Callable[[Waiting, CallClass], Rank],
    excludes: Callable[[Waiting], bool],
) -> list[Group]:
    """Of the calls that have an eligible agent; `places` are those in the order of all calls."""
    ranked = []
    for call in calls:
        ranks = [rank(each, each.cls) for each in call.chain() if each.cls is not None]
        if ranks:
            ranked.append((min(ranks), call))
    ranked.sort(key=lambda entry: entry[0])
    groups: dict[object, Group] = {}
    for place, (_, call) in enumerate(ranked):
        alone = call.next is None and not excludes(call)
        key: object = call.cls if alone else call
        group = groups.get(key)
        if group is None:
            masks = [eligible(each, each.cls) for each in call.chain() if each.cls is not None]
            group = groups[key] = Group(masks)
        group.calls.append(call)
        group.places.append(place)
    return [group for group in groups.values() if any(mask.any() for mask in group.masks)]
