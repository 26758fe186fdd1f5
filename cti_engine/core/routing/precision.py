"""The precision matcher: which agent for a call, which call for an agent, exact to the last tie (docs/routing.md).

Event-driven: the Acd tells what happened and asks; nothing is polled. `now` never goes back. Times are integer ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.expressions.values import Lookup
from cti_engine.core.routing.agent_book import PROFILE, AgentState, Ticket
from cti_engine.core.routing.agent_orders import Question, random_mix, ranked
from cti_engine.core.routing.burst import Rank, groups_of, is_burst, match_burst
from cti_engine.core.routing.call_book import CallBook
from cti_engine.core.routing.call_classes import NEVER, CallClass, Waiting
from cti_engine.core.routing.decision_record import DecisionRecord, Outlook, Recorder
from cti_engine.core.routing.model import (
    AgentFacts,
    Decision,
    ProfileQueue,
    QueueNames,
    RoutingRules,
    Standing,
    StepChange,
    WaitingCall,
)
from cti_engine.core.routing.offer_numbers import OfferNumbers
from cti_engine.core.routing.pool_index import PoolIndex
from cti_engine.core.routing.pools import Key
from cti_engine.core.routing.value_matching import agent_points, match_values

_NO_PROFILE = ProfileQueue(0)
_NOBODY: frozenset[str] = frozenset()
LOOK_AT = 32
"""Of the free agents, longest idle first, so many are looked at one by one before all are at once."""


def _no_names(contact: str, queue: str) -> Lookup:
    return lambda name: None


class PrecisionMatcher:
    """`names` gives what `consider_if` reads; `seed` is for the order `random`.

    An agent or contact that is not known is passed over: a late word of somebody who has gone is no fault.
    """

    def __init__(
        self,
        rules: RoutingRules,
        agents: Iterable[AgentFacts] = (),
        *,
        names: QueueNames = _no_names,
        seed: int = 0,
    ) -> None:
        self._seed = seed
        self._calls = CallBook(PoolIndex(rules, agents), names)
        self._take(self._calls.index)
        self._offers = OfferNumbers(rules, self._agents)
        self._slow: dict[str, frozenset[str]] = {}
        self._slow_somewhere: frozenset[str] = frozenset()

    def _take(self, index: PoolIndex) -> None:
        self._index = index
        self._agents = index.agents
        self._rules = index.rules
        self._by_value = any(queue.value for queue in index.rules.queues.values())

    # --- rules and people -----------------------------------------------------------------------

    def pools_in_use(self) -> list[Key]:
        """For a `PoolIndex` that is made elsewhere: what calls are bound to now."""
        return list(self._index.pools.pools)

    def install(
        self, rules: RoutingRules, agents: Iterable[AgentFacts] = (), *, index: PoolIndex | None = None
    ) -> None:
        """Swap both; `index` is what `PoolIndex(rules, agents, pools_in_use())` has made in the meantime."""
        new = index or PoolIndex(rules, agents, self.pools_in_use())
        new.agents.carry_over(self._agents)
        self._calls.move_to(new)
        self._take(new)
        self._offers.install(new.rules, new.agents)

    def replan(self, now: int) -> list[StepChange]:
        return self._calls.replan(now)

    def set_agent(self, facts: AgentFacts) -> None:
        self._index.put_agent(facts)

    def remove_agent(self, agent: str) -> None:
        state = self._agents.states.get(agent)
        if state is not None:
            self._offers.forget(state.row)
            self._index.remove_agent(agent)

    def log_in(self, agent: str, logged_in: bool) -> None:
        state = self._agents.states.get(agent)
        if state is not None:
            self._agents.log_in(state, logged_in)

    def set_available(self, agent: str, available: bool, idle_since: int) -> None:
        state = self._agents.states.get(agent)
        if state is not None:
            self._agents.set_available(state, available, idle_since)

    def begin_contact(self, agent: str, now: int) -> None:
        state = self._agents.states.get(agent)
        if state is not None:
            self._agents.begin_contact(state, now)

    def end_contact(self, agent: str, now: int, *, answered: bool) -> None:
        state = self._agents.states.get(agent)
        if state is not None:
            self._agents.end_contact(state, now, answered=answered)

    def set_slow(self, queue: str, groups: Iterable[str]) -> None:
        """The groups of agents who serve this queue after the others: adapting levels (docs/routing.md, section 12)."""
        slow = frozenset(groups)
        if slow == self._slow.get(queue, _NOBODY):
            return
        self._slow[queue] = slow
        self._slow_somewhere = frozenset().union(*self._slow.values())
        self._index.classes.forget_tiers()

    def new_day(self) -> None:
        self._agents.new_day()

    # --- calls ----------------------------------------------------------------------------------

    def join(self, call: WaitingCall, queue: str, now: int) -> StepChange:
        return self._calls.join(call, queue, now)

    def restore(self, call: WaitingCall, standings: Iterable[Standing], now: int) -> None:
        self._calls.restore(call, standings, now)

    def leave_queue(self, contact: str, queue: str) -> None:
        self._calls.leave_queue(contact, queue)

    def leave(self, contact: str) -> None:
        self._calls.leave(contact)

    def offered(self, contact: str, queue: str, now: int) -> None:
        self._calls.offered(contact, now)

    def back(self, contact: str, now: int) -> None:
        self._calls.back(contact, now)

    def exclude(self, contact: str, agent: str, until: int) -> None:
        self._calls.exclude(contact, agent, until)

    def raise_priority(self, contact: str, points: int) -> None:
        self._calls.raise_priority(contact, points)

    def standings(self, contact: str) -> tuple[Standing, ...]:
        return self._calls.standings(contact)

    # --- decisions ------------------------------------------------------------------------------

    def agents_for(self, contact: str, now: int) -> list[Decision]:
        first = self._calls.first.get(contact)
        self._calls.advance(now)
        if first is None or not self._agents.free_count:
            return []
        for waiting in first.chain():
            if waiting.cls is not None:
                decisions = self._agents_for(waiting, waiting.cls, now)
                if decisions:
                    return decisions
        return []

    def _agents_for(self, waiting: Waiting, cls: CallClass, now: int) -> list[Decision]:
        agents = self._agents
        step = waiting.plan.steps[waiting.step]
        excluded = self._calls.excluded.get(waiting.call.contact, {})
        slow = self._slow_now(cls)
        if step.longest_idle and step.rule.offer_to == 1:
            first = self._longest_idle(cls, slow, excluded, now)
            if first is not None:
                idle_since, agent, row = first
                terms = (0, *(idle_since for _ in step.rule.order), idle_since, int(agents.ranks()[row]))
                return [self._decision(waiting, agent, "call", terms)]
            if not slow and (cls.pool.few is not None or agents.free_count <= LOOK_AT):
                return []
        rows = self._taking(cls, self._index.free_rows(cls.pool), excluded, now)
        if not len(rows):
            return []
        question = Question(
            agents, self._index.columns, self._rules, waiting, now, self._index.flexibility.counts,
            self._offers, random_mix(self._seed, self._offers.total), slow,
        )  # fmt: skip
        return [
            self._decision(waiting, agents.state(row).id, "call", terms)
            for row, terms in ranked(question, rows, step.rule.offer_to)
        ]

    def _longest_idle(
        self, cls: CallClass, slow: frozenset[str], excluded: dict[str, int], now: int
    ) -> Ticket | None:
        """The first free agent of no slow group; of a big pool only if among the first `LOOK_AT` free ones."""
        agents = self._agents
        if cls.pool.few is None:
            for ticket in islice(agents.free(), LOOK_AT):
                state = agents.states[ticket[1]]
                if not cls.pool.has(ticket[2]) or state.group in slow:
                    continue
                if self._takes(cls, state, excluded, now):
                    return ticket
            return None
        best: Ticket | None = None
        for row in cls.pool.few:
            member = agents.rows[row]
            if member is None or member.ticket is None or (best is not None and best < member.ticket):
                continue
            if member.group not in slow and self._takes(cls, member, excluded, now):
                best = member.ticket
        return best

    def _takes(self, cls: CallClass, state: AgentState, excluded: dict[str, int], now: int) -> bool:
        """Neither excluded by the call nor by the agent's profile."""
        return not now < excluded.get(state.id, now) and self._level(cls, state.profile) is not None

    def _slow_now(self, cls: CallClass) -> frozenset[str]:
        """The groups whom calls of this class are offered after the others."""
        if not self._slow or cls.shape.groups_alike:
            return _NOBODY
        return self._slow.get(cls.plan.rules.id, _NOBODY)

    def _taking(
        self, cls: CallClass, rows: NDArray[np.intp], excluded: dict[str, int], now: int
    ) -> NDArray[np.intp]:
        """The same for many agents at once, by row."""
        agents = self._agents
        out = [
            agents.states[id_].row for id_, until in excluded.items() if now < until and id_ in agents.states
        ]
        if out:
            rows = rows[~np.isin(rows, out)]
        if agents.profiled:
            takes = np.array([self._level(cls, name) is not None for name in agents.names])
            rows = rows[takes[agents.numbers[PROFILE, rows]]]
        return rows

    def _level(self, cls: CallClass, profile: str) -> int | None:
        if not profile:
            return cls.plan.level(cls.band, _NO_PROFILE)
        return cls.plan.level(cls.band, self._rules.profiles.get(profile, {}).get(cls.plan.rules.id))

    def call_for(self, agent: str, now: int) -> Decision | None:
        calls, classes = self._calls, self._index.classes
        calls.advance(now)
        state = self._agents.states.get(agent)
        if state is None or state.ticket is None or not classes.count:
            return None
        level = slow = 0
        if classes.plain and not state.profile and state.group not in self._slow_somewhere:
            cls = classes.first_plain(state)
            if cls is None:
                return None
        else:
            cls = classes.first(state, now, lambda cls: self._tier(cls, state))
            if cls is None:
                return None
            level, slow = self._level(cls, state.profile) or 0, int(state.group in self._slow_now(cls))
        waiting = cls.order[cls.first]
        if calls.excluded and waiting.call.contact in calls.excluded:
            return self._not_excluded(state, now)
        call, plan = waiting.call, waiting.plan
        rules = plan.rules
        score = cls.head - rules.rate * now
        terms = (level, slow, cls.shape.service_class, score, call.seq, rules.index)
        return Decision(call.contact, agent, rules.id, waiting.step, "agent", terms, plan.version)

    def _not_excluded(self, state: AgentState, now: int) -> Decision | None:
        """One by one, when a call that would be first may exclude the agent."""
        best: tuple[tuple[int, int, int, int, int, int, str], Waiting] | None = None
        for cls in self._index.classes.waiting_for(state):
            level = self._level(cls, state.profile)
            if level is None:
                continue
            group = int(state.group in self._slow_now(cls))
            for waiting in cls.waiting():
                excluded = self._calls.excluded.get(waiting.call.contact)
                if excluded is None or now >= excluded.get(state.id, now):
                    score = waiting.neg - waiting.plan.rules.rate * now
                    urgency = (level, group, cls.shape.service_class, score)
                    rank = (*urgency, waiting.call.seq, *waiting.plan.order)
                    if best is None or rank < best[0]:
                        best = rank, waiting
                    break
        return None if best is None else self._decision(best[1], state.id, "agent", best[0][:6])

    def _tier(self, cls: CallClass, state: AgentState) -> int:
        level = self._level(cls, state.profile)
        if level is None:
            return NEVER
        return 8 * level + 4 * (state.group in self._slow_now(cls)) + cls.shape.service_class

    def _decision(self, waiting: Waiting, agent: str, side: str, terms: tuple[int, ...]) -> Decision:
        plan = waiting.plan
        return Decision(waiting.call.contact, agent, plan.rules.id, waiting.step, side, terms, plan.version)

    def took(self, decision: Decision) -> None:
        state = self._agents.states.get(decision.agent)
        if state is not None:
            self._offers.took(decision.queue, state.row)

    def burst(self, now: int) -> list[Decision]:
        """The pairs to offer at once; empty unless the rules ask for it and it is one."""
        calls, agents = self._calls, self._agents
        calls.advance(now)
        if not self._rules.burst or agents.free_count < 2 or self._index.classes.count < 2:
            return []
        free = list(agents.free())
        rows = np.array([row for _, _, row in free], np.intp)

        def eligible(waiting: Waiting, cls: CallClass) -> NDArray[np.bool_]:
            excluded = calls.excluded.get(waiting.call.contact, {})
            members = self._index.members(cls.pool, rows)
            if excluded or agents.profiled:
                members[members] = np.isin(rows[members], self._taking(cls, rows[members], excluded, now))
            return members

        def rank(waiting: Waiting, cls: CallClass) -> Rank:
            rules = waiting.plan.rules
            neg = waiting.neg - rules.rate * now
            return (*_urgency(cls), neg, waiting.call.seq, rules.index, rules.id)

        groups = groups_of(
            calls.first.values(), eligible, rank, lambda waiting: waiting.call.contact in calls.excluded
        )
        could = np.array([group.could() for group in groups])
        if not is_burst(groups, could):
            return []
        if self._by_value:
            return [
                self._decision(waiting, agent, "value", worth)
                for waiting, (_, agent, _), worth in match_values(groups, could, free, self._points(rows))
            ]
        return [
            self._decision(waiting, agent, "burst", (count, idle_since, int(agents.ranks()[row])))
            for waiting, (idle_since, agent, row), count in match_burst(groups, could, free)
        ]

    def _points(self, rows: NDArray[np.intp]) -> Callable[[Waiting], NDArray[np.int64]]:
        """Of these agents in a queue, for value matching; worked out once."""
        known: dict[tuple[tuple[str, int], ...], NDArray[np.int64]] = {}

        def points(waiting: Waiting) -> NDArray[np.int64]:
            weights = waiting.plan.rules.value
            if weights not in known:
                known[weights] = agent_points(self._index.columns, rows, weights)
            return known[weights]

        return points

    def records(self, decisions: list[Decision], now: int) -> list[DecisionRecord]:
        """What stood behind each of these, which were the answer to one question and have not been told as taken."""
        return self._recorder().records(decisions, now)

    def outlook(self, contact: str, queue: str) -> Outlook:
        return self._recorder().outlook(contact, queue)

    def nearest(self, contact: str, queue: str, most: int) -> list[str]:
        return self._recorder().nearest(contact, queue, most)

    def agent_names(self, agent: str) -> Lookup:
        """What conditions read of an agent. Raises KeyError."""
        return self._index.columns.names(self._agents.states[agent].row)

    def _recorder(self) -> Recorder:
        return Recorder(self._calls, self._offers, self._seed, self._tier, self._slow_now)

    # --- time -----------------------------------------------------------------------------------

    def next_timer(self) -> int | None:
        return self._calls.next_timer()

    def take_due(self, now: int) -> StepChange | str | None:
        return self._calls.take_due(now)

    # --- what people see ------------------------------------------------------------------------

    def waiting(self, queue: str, most: int | None = None) -> list[str]:
        """In the order of service, as of the last moment told; only the first `most` if given."""
        now = self._calls.now
        self._calls.advance(now)
        classes = self._index.classes.of_queue.get(queue, {})
        found = [
            (*_urgency(cls), each.neg - each.plan.rules.rate * now, each.call.seq, each.call.contact)
            for cls in classes
            for each in islice(cls.waiting(), most)
        ]
        return [contact for *_, contact in sorted(found)[:most]]

    def position(self, contact: str, queue: str | None = None) -> int:
        """1 for the next to be served, 0 when it does not wait there. Without a queue: in its first by index."""
        self._calls.advance(self._calls.now)
        first = self._calls.first.get(contact)
        for each in first.chain() if first is not None else ():
            if each.cls is not None and queue in (None, each.plan.rules.id):
                return self._position(each, each.cls)
        return 0

    def _position(self, waiting: Waiting, cls: CallClass) -> int:
        now, rate = self._calls.now, waiting.plan.rules.rate
        ahead = 0
        for other in self._index.classes.of_queue[waiting.plan.rules.id]:
            if _urgency(other) < _urgency(cls):
                ahead += len(other)
            elif _urgency(other) == _urgency(cls):
                neg = waiting.neg + (other.plan.rules.rate - rate) * now
                ahead += other.ahead_of(neg, waiting.call.seq)
        return ahead + 1

    def queues_of(self, agent: str) -> tuple[str, ...]:
        """The queues of the rules in whose steps the agent could stand and that their profile names."""
        state = self._agents.states.get(agent)
        if state is None:
            return ()
        queues = self._index.flexibility.queues_of(state.row)
        if state.profile:
            named = self._rules.profiles.get(state.profile, {})
            queues = [queue for queue in queues if queue in named]
        return tuple(queues)

    def pool_size(self, contact: str, queue: str) -> tuple[int, int]:
        """Members of the pool where the call stands, and how many of them are free."""
        first = self._calls.first.get(contact)
        for each in first.chain() if first is not None else ():
            if each.plan.rules.id == queue and each.pool is not None:
                return each.pool.size, len(self._index.free_rows(each.pool))
        return 0, 0


def _urgency(cls: CallClass) -> tuple[int, int]:
    return -cls.shape.capped, cls.shape.service_class
