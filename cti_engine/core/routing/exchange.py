"""Which call with which agent, so that the sum of what the pairs are worth is greatest: agents go round in circles.

A node is a matched call, and one more stands for all idle agents. An edge from call c to the holder of an agent whom c
may have gains what c is worth with them, less what c is worth now. Where no circle gains, the sum is the greatest there
is (Klein 1967, cycle cancelling for the assignment problem); circles are found by Bellman and Ford's labels over all
edges at once. Every state between is a matching of the same calls, so work may stop at any bound. Integers only.
"""

from __future__ import annotations

from math import isqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
WORK = 4_000_000
"""Edges looked at for one burst: some 40 ms."""
PER_ROUND, PER_CALL = 2500, 4
"""What one round over all edges costs beside them, in edges; a call's label costs as much as so many."""
TO_DEAL = 600
"""What it costs to deal a call into a part."""
WHOLE, OF_PART, DEALS = 16_000, 1500, 2
"""So many edges are one problem; otherwise about so many are in a part, and calls are dealt up to so many times."""


class Calls(NamedTuple):
    """By call: `options`, the agents (by place, growing) who may get it; `worth`: of each of these pairs."""

    options: list[NDArray[np.intp]]
    worth: list[Numbers]


class Edges(NamedTuple):
    """Pairs that may be, sorted by agent: places of calls and agents, what a pair is worth."""

    calls: Numbers
    agents: Numbers
    worth: Numbers


def improve(agent_of: Numbers, calls: Calls, agents: int, work: int = WORK) -> int:
    """Changes `agent_of` (by call, every one has an agent) in place. Returns the work that is left.

    Up to `WHOLE` edges all is looked at as one: the sum is then the greatest that these calls can have, unless the work
    is used up. More are dealt into parts, calls with their agents and idle agents in turn, each on its own; while work
    is left they are dealt anew.
    """
    number = sum(map(len, calls.options))
    parts = 1 if number <= WHOLE else isqrt(number // OF_PART) + 1
    places, idle = np.arange(len(agent_of)), np.ones(agents, np.bool_)
    for deal in range(DEALS if parts > 1 else 1):
        work -= TO_DEAL * len(agent_of)
        if work <= 0:
            break
        part_of = places // parts**deal % parts
        idle[:] = True
        idle[agent_of] = False
        of_agent = np.zeros(agents, np.int64)
        of_agent[agent_of] = part_of
        of_agent[idle] = np.arange(np.count_nonzero(idle)) % parts
        each = work // parts
        for part in range(parts):
            own, people = np.flatnonzero(part_of == part), np.flatnonzero(of_agent == part)
            if not len(own):
                continue
            local = np.searchsorted(people, agent_of[own])
            edges = _edges(own.tolist(), people, of_agent == part, calls)
            work -= each - max(0, _improve(local, edges, len(people), each))
            agent_of[own] = people[local]
    return work


def _edges(own: list[int], people: NDArray[np.intp], inside: NDArray[np.bool_], calls: Calls) -> Edges:
    """Of these calls with these people, both numbered from 0."""
    kept = [inside[calls.options[call]] for call in own]
    agents = np.concatenate([calls.options[call][keep] for call, keep in zip(own, kept, strict=True)])
    worth = np.concatenate([calls.worth[call][keep] for call, keep in zip(own, kept, strict=True)])
    number = np.repeat(np.arange(len(own)), [int(np.count_nonzero(keep)) for keep in kept])
    order = np.argsort(agents, kind="stable")
    return Edges(number[order], np.searchsorted(people, agents[order]), worth[order])


def _improve(agent_of: Numbers, edges: Edges, agents: int, work: int) -> int:
    prices = np.zeros(agents, np.int64)
    while work > 0:
        circles, work = _circles(agent_of, edges, prices, work)
        if not circles:
            break
        for circle in circles:
            agent_of[edges.calls[circle]] = edges.agents[circle]
    return work


def _circles(agent_of: Numbers, edges: Edges, prices: Numbers, work: int) -> tuple[list[list[int]], int]:
    """Disjoint circles that gain, each as the edges that become pairs. None: there is none, or `work` is used up.

    Labels go with the agents, as `prices`: any will do to begin with, and those of the last time are nearly right.
    """
    count, number = len(agent_of), len(edges.calls)
    idle, root = count, count + 1
    holder = np.full(len(prices), idle, np.int64)
    holder[agent_of] = np.arange(count)
    own = edges.agents == agent_of[edges.calls]
    now = np.zeros(count, np.int64)
    now[edges.calls[own]] = edges.worth[own]
    starts = np.flatnonzero(np.diff(edges.agents, prepend=-1))
    held_by = holder[edges.agents[starts]]
    held, free = np.flatnonzero(held_by != idle), np.flatnonzero(held_by == idle)
    # a label and the edge that gave it in one number, so that one maximum finds both
    gains = (edges.worth - now[edges.calls]) * number + np.arange(number - 1, -1, -1)
    label = np.append(prices[agent_of], prices[holder == idle].max(initial=0))
    given = np.full(count + 1, -1, np.int64)
    parent = np.full(count + 2, root, np.int64)
    while work > 0:
        work -= number + PER_CALL * count + PER_ROUND
        best = np.maximum.reduceat((label * number)[edges.calls] + gains, starts)
        before = label.copy()
        _raise(label, given, held_by[held], best[held], number)
        if free.size:
            _raise(label, given, np.array([idle]), best[free].max(keepdims=True), number)
            released = np.flatnonzero(label[:count] < label[idle])
            label[released], given[released] = label[idle], -2
        if np.array_equal(before, label):
            return [], work
        parent[: count + 1] = np.where(given >= 0, edges.calls[given], np.where(given == -2, idle, root))
        circles = _cycles(parent, root)
        found = [[int(given[node]) for node in circle if given[node] >= 0] for circle in circles]
        found = [circle for circle in found if _gain(circle, edges, now) > 0]
        if found:
            prices[:] = label[holder]
            return found, work
    return [], work


def _raise(label: Numbers, given: Numbers, nodes: Numbers, best: Numbers, number: int) -> None:
    labels = best // number
    higher = labels > label[nodes]
    label[nodes[higher]] = labels[higher]
    given[nodes[higher]] = number - 1 - best[higher] % number


def _gain(circle: list[int], edges: Edges, now: Numbers) -> int:
    return int((edges.worth[circle] - now[edges.calls[circle]]).sum())


def _cycles(parent: Numbers, root: int) -> list[list[int]]:
    """Of the graph in which each node has one parent, `root` being its own."""
    far = parent
    for _ in range(len(parent).bit_length()):
        far = far[far]
    found, seen = [], {root}
    for node in np.unique(far).tolist():
        circle = []
        while node not in seen:
            seen.add(node)
            circle.append(node)
            node = int(parent[node])
        if circle:
            found.append(circle)
    return found
