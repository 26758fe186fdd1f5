"""What the matcher keeps of each agent, and the free ones in the order of their idle clocks.

A row is an agent's place in every array and mask; it is used again when its agent has been forgotten.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.routing.busy_window import BusyWindow
from cti_engine.core.routing.model import AgentFacts
from cti_engine.core.routing.pools import Pool

Ticket = tuple[int, str, int]
"""Idle clock, id, row: the order of free agents."""
STALE = 64
"""Tickets of agents no longer free that are left in the order; more are swept when they are the greater part."""
IDLE, COST, PLACE, ANSWERED, RANK, SITE, PROFILE, GROUP = range(8)


class AgentState:
    """`few`: the pools of few agents that hold them. `ticket`: the place among the free, None when not free."""

    __slots__ = (
        "available", "capacity", "few", "group", "id", "idle_since", "load", "logged_in", "profile", "row",
        "site", "ticket",
    )  # fmt: skip

    def __init__(self, id_: str, row: int) -> None:
        self.id, self.row = id_, row
        self.site = self.profile = self.group = ""
        self.capacity = 1
        self.load = self.idle_since = 0
        self.available = self.logged_in = False
        self.ticket: Ticket | None = None
        self.few: tuple[Pool, ...] = ()


class AgentBook:
    """All agents of one installation. `numbers[IDLE]` and so on are by row; `profiled` agents have a profile."""

    def __init__(self, agents: Sequence[AgentFacts] = ()) -> None:
        self.capacity = max(64, -(-len(agents) // 64) * 64)
        self.states: dict[str, AgentState] = {}
        self.rows: list[AgentState | None] = []
        self.numbers = np.zeros((8, self.capacity), np.int64)
        self.is_free = np.zeros(self.capacity, np.uint8)
        self._view()
        self.logged_in = np.zeros(self.capacity, np.uint8)
        self.busy = BusyWindow(self.capacity)
        self.names: list[str] = []  # of sites, profiles and groups
        self.free_count = 0
        self.profiled = 0
        self._codes: dict[str, int] = {}
        self._unused: list[int] = []
        self._ranked = True
        self._order: list[Ticket] = []
        self._first = 0
        self._stale = 0
        self._logged_in: dict[str, int] = {}
        self._busy_at: dict[str, int] = {}
        for facts in sorted(agents, key=lambda facts: facts.id):
            self.put(facts)

    # --- who there is --------------------------------------------------------------------------

    def put(self, facts: AgentFacts) -> AgentState:
        """A new agent, or what changed of one."""
        state = self.states.get(facts.id)
        if state is None:
            state = self._new(facts.id)
        self.profiled += bool(facts.profile) - bool(state.profile)
        self._count(state, -1)
        state.site, state.profile, state.capacity = facts.site, facts.profile, facts.capacity
        state.group = facts.group
        self._count(state, 1)
        row, numbers = state.row, self.numbers
        numbers[COST, row], numbers[PLACE, row] = facts.cost, facts.place
        numbers[SITE, row], numbers[PROFILE, row] = self.code(facts.site), self.code(facts.profile)
        numbers[GROUP, row] = self.code(facts.group)
        self._settle(state)
        return state

    def _new(self, id_: str) -> AgentState:
        row = self._unused.pop() if self._unused else len(self.rows)
        state = self.states[id_] = AgentState(id_, row)
        if row < len(self.rows):
            self.rows[row] = state
        else:
            self.rows.append(state)
            if row == self.capacity:
                self._grow()
        self._ranked = False
        return state

    def _grow(self) -> None:
        self.capacity *= 2
        self.numbers = np.concatenate([self.numbers, np.zeros_like(self.numbers)], axis=1)
        self.is_free = np.concatenate([self.is_free, np.zeros_like(self.is_free)])
        self._view()
        self.logged_in = np.concatenate([self.logged_in, np.zeros_like(self.logged_in)])
        self.busy.grow(self.capacity)

    def _view(self) -> None:
        """One number is written through a view in half the time."""
        self._idle_of, self._is_free_of = self.numbers[IDLE].data, self.is_free.data

    def forget(self, id_: str) -> AgentState | None:
        state = self.states.pop(id_, None)
        if state is None:
            return None
        self._count(state, -1)
        state.available = False
        self.profiled -= bool(state.profile)
        self._settle(state)
        self.logged_in[state.row] = 0
        self.rows[state.row] = None
        self.numbers[:, state.row] = 0
        self.busy.forget(state.row)
        self._unused.append(state.row)
        self._ranked = False
        return state

    def carry_over(self, old: AgentBook) -> None:
        """Take the clocks, loads and counts of those who were there before; called once, while nobody is free here."""
        both = [
            (self.states[id_], before)
            for id_, before in old.states.items()
            if (before.logged_in or before.load or before.available or before.idle_since)
            and id_ in self.states
        ]
        for state, before in both:
            state.available, state.logged_in = before.available, before.logged_in
            state.load, state.idle_since = before.load, before.idle_since
            self._count(state, 1)
            if state.available and state.load < state.capacity:
                state.ticket = (state.idle_since, state.id, state.row)
                self._order.append(state.ticket)
        self._order.sort()
        self.free_count = len(self._order)
        self.is_free[[ticket[2] for ticket in self._order]] = 1
        here = np.array([state.row for state, _ in both], np.intp)
        there = np.array([before.row for _, before in both], np.intp)
        self.logged_in[here] = old.logged_in[there]
        for number in (IDLE, ANSWERED):
            self.numbers[number, here] = old.numbers[number, there]
        self.busy = old.busy.reordered(there, here, self.capacity)

    def state(self, row: int) -> AgentState:
        """Of a row in use. Raises KeyError."""
        state = self.rows[row]
        if state is None:
            raise KeyError(row)
        return state

    def code(self, name: str) -> int:
        """A small number for a site, a profile or a group."""
        code = self._codes.get(name)
        if code is None:
            code = self._codes[name] = len(self.names)
            self.names.append(name)
        return code

    def ranks(self) -> NDArray[np.int64]:
        """Each agent's place among all ids, sorted, by row."""
        if not self._ranked:
            for rank, id_ in enumerate(sorted(self.states)):
                self.numbers[RANK, self.states[id_].row] = rank
            self._ranked = True
        found: NDArray[np.int64] = self.numbers[RANK]
        return found

    # --- what happens to them ------------------------------------------------------------------

    def set_available(self, state: AgentState, available: bool, idle_since: int) -> None:
        state.available = available
        if state.idle_since != idle_since:
            state.idle_since = idle_since
            self._idle_of[state.row] = idle_since
        self._settle(state)

    def log_in(self, state: AgentState, logged_in: bool) -> None:
        self._count(state, -1)
        state.logged_in = logged_in
        self.logged_in[state.row] = logged_in
        self._count(state, 1)

    def begin_contact(self, state: AgentState, now: int) -> None:
        if state.load == 0:
            self.busy.begin(state.row, now)
        self._count(state, -1)
        state.load += 1
        self._count(state, 1)
        self._settle(state)

    def end_contact(self, state: AgentState, now: int, *, answered: bool) -> None:
        if state.load == 0:
            return
        self._count(state, -1)
        state.load -= 1
        self._count(state, 1)
        if state.load == 0:
            self.busy.end(state.row, now)
        self.numbers[ANSWERED, state.row] += answered
        self._settle(state)

    def new_day(self) -> None:
        self.numbers[ANSWERED] = 0

    def _count(self, state: AgentState, by: int) -> None:
        if state.logged_in:
            self._logged_in[state.site] = self._logged_in.get(state.site, 0) + by
            if state.load:
                self._busy_at[state.site] = self._busy_at.get(state.site, 0) + by

    def site_loads(self) -> NDArray[np.int64]:
        """Millionths of the logged-in agents of each site that are busy, by the site's code."""
        found = np.zeros(len(self.names), np.int64)
        for site, logged_in in self._logged_in.items():
            if logged_in:
                found[self._codes[site]] = 1_000_000 * self._busy_at.get(site, 0) // logged_in
        return found

    # --- who is free ---------------------------------------------------------------------------

    def _settle(self, state: AgentState) -> None:
        """Bring the agent's place among the free up to date."""
        ticket = state.ticket
        if not (state.available and state.load < state.capacity):
            if ticket is not None:
                state.ticket = None
                self._is_free_of[state.row] = 0
                self.free_count -= 1
                if self._order[-1] is ticket:  # as a rule of who came last and got a call at once
                    self._order.pop()
                    return
                self._stale += 1
                if self._stale > STALE and self._stale > self.free_count:
                    self._compact()
            return
        if ticket is not None:
            if ticket[0] == state.idle_since:
                return
            self._stale += 1
        else:
            self.free_count += 1
            self._is_free_of[state.row] = 1
        ticket = state.ticket = (state.idle_since, state.id, state.row)
        if not self._order or self._order[-1] < ticket:
            self._order.append(ticket)
        else:
            insort(self._order, ticket, lo=self._first)

    def _compact(self) -> None:
        self._order = list(self.free())
        self._first = self._stale = 0

    def free(self) -> Iterator[Ticket]:
        """The free agents, the one who has been idle longest first."""
        order, rows = self._order, self.rows
        size = len(order)
        while self._first < size and not _current(order[self._first], rows):
            self._first += 1
        for place in range(self._first, size):
            ticket = order[place]
            state = rows[ticket[2]]
            if state is not None and state.ticket is ticket:
                yield ticket


def _current(ticket: Ticket, rows: list[AgentState | None]) -> bool:
    state = rows[ticket[2]]
    return state is not None and state.ticket is ticket
