"""The record of a decision (docs/routing.md, section 10): who could have had it, who came second, and why not.

Asked of the books as they were when it was decided: before the call is told as offered and the agent as taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.routing.agent_book import PROFILE, AgentState
from cti_engine.core.routing.agent_orders import Question, random_mix, ranked
from cti_engine.core.routing.call_book import CallBook
from cti_engine.core.routing.call_classes import CallClass, Waiting
from cti_engine.core.routing.model import Decision, ProfileQueue
from cti_engine.core.routing.offer_numbers import OfferNumbers
from cti_engine.core.routing.wording import worded

CALL_TERMS = ("level", "group", "class", "score", "seq", "index")
BURST_TERMS = ("calls", "idle_since", "rank")
VALUE_TERMS = ("worth", "points", "call_value")
KEPT_OFF = ("not_free", "excluded", "profile", "delay")
"""The terms that keep a member of the pool from the call; each counts at the first that does."""
_TAKES, _PROFILE, _DELAY = range(3)


class RunnerUp(NamedTuple):
    """Who would have been chosen without the winner: another call of the agent, or another agent of the call."""

    contact: str
    agent: str
    queue: str
    step: int
    terms: tuple[int, ...]


class DecisionRecord(NamedTuple):
    """`order` names the decision's terms; `lost_by` the first one that is worse for the runner-up ("" without one).

    `pool`: the bound conditions that it unites ("" is everybody). Its `size` members are the `not_free`, and of the
    free ones those whom the call excludes, whose profile does not name the queue, or not before its delay is over,
    and those who could have had the call. `source`: file and line of the queue's rules.
    """

    order: tuple[str, ...]
    pool: tuple[str, ...]
    size: int
    not_free: int
    excluded: int
    profile: int
    delay: int
    runner_up: RunnerUp | None
    lost_by: str
    source: str


class Outlook(NamedTuple):
    """Of a call in one queue: who is in its pool, what keeps them off, how many steps there are, what the next asks."""

    size: int = 0
    not_free: int = 0
    excluded: int = 0
    profile: int = 0
    delay: int = 0
    steps: int = 0
    next_pool: str = ""


Tier = Callable[[CallClass, AgentState], int]
"""Of a class for an agent, as `ClassBook.first` takes it."""
SlowNow = Callable[[CallClass], frozenset[str]]
"""The groups of agents whom calls of a class are offered after the others."""


class Recorder:
    """`decisions` of one answer, in their order; all of one call unless it is a burst."""

    def __init__(
        self, calls: CallBook, offers: OfferNumbers, seed: int, tier: Tier, slow_now: SlowNow
    ) -> None:
        self._calls = calls
        self._index = calls.index
        self._agents = calls.index.agents
        self._offers = offers
        self._seed = seed
        self._tier = tier
        self._slow_now = slow_now

    def records(self, decisions: list[Decision], now: int) -> list[DecisionRecord]:
        """A burst's have no runner-up: it is chosen as a whole. Raises KeyError for a call that does not wait there."""
        now = max(now, self._calls.now)
        found = []
        for place, decision in enumerate(decisions):
            waiting = self._standing_in(decision.contact, decision.queue)
            if waiting is None:
                raise KeyError(decision.contact, decision.queue)
            size, free, kept, rows = self._counts(waiting, now)
            order: tuple[str, ...] = VALUE_TERMS if decision.side == "value" else BURST_TERMS
            runner_up = None
            if decision.side == "agent":
                order, runner_up = CALL_TERMS, self._next_call(decision, now)
            elif decision.side == "call":
                rule = waiting.plan.steps[waiting.step].rule
                order = ("group", *(order.name for order in rule.order), "idle_since", "rank")
                if place + 1 < len(decisions):
                    runner_up = _runner_up(decisions[place + 1])
                else:
                    runner_up = self._next_agent(waiting, rows, decisions, now)
            lost_by = _lost_by(order, decision.terms, runner_up.terms) if runner_up is not None else ""
            pool, source = waiting.pool, waiting.plan.rules.source
            key = pool.key if pool is not None else ()
            found.append(DecisionRecord(order, key, size, size - free, *kept, runner_up, lost_by, source))
        return found

    def outlook(self, contact: str, queue: str) -> Outlook:
        """Of a call that waits; all 0 where it stands in no order."""
        waiting = self._standing_in(contact, queue)
        if waiting is None or waiting.cls is None:
            return Outlook()
        size, free, kept, _ = self._counts(waiting, self._calls.now)
        steps, step = waiting.plan.steps, waiting.step + 1
        return Outlook(
            size, size - free, *kept, len(steps), worded(steps[step].text) if step < len(steps) else ""
        )

    def nearest(self, contact: str, queue: str, most: int) -> list[str]:
        """Up to `most` agents: of its pool before others, who is logged in before others, then by id."""
        waiting, agents = self._standing_in(contact, queue), self._agents
        far = np.full(len(agents.rows), 2, np.int64)
        if waiting is not None and waiting.pool is not None:
            far[waiting.pool.rows()] = 0
        far += 1 - agents.logged_in[: len(far)].astype(np.int64)
        gaps = len(far) - len(agents.states)
        rows = np.lexsort((agents.ranks()[: len(far)], far))[: most + gaps]
        states = [agents.rows[row] for row in rows.tolist()]
        return [state.id for state in states if state is not None][:most]

    def _standing_in(self, contact: str, queue: str) -> Waiting | None:
        first = self._calls.first.get(contact)
        chain = first.chain() if first is not None else iter(())
        return next((waiting for waiting in chain if waiting.plan.rules.id == queue), None)

    # --- agents ---------------------------------------------------------------------------------

    def _counts(self, waiting: Waiting, now: int) -> tuple[int, int, tuple[int, int, int], NDArray[np.intp]]:
        """Members, free ones, how many of these are kept off (excluded, profile, delay), and the rows of the rest."""
        pool, agents = waiting.pool, self._agents
        if pool is None:
            return 0, 0, (0, 0, 0), np.zeros(0, np.intp)
        rows = self._index.free_rows(pool)
        free = len(rows)
        excluded = [
            agents.states[id_].row
            for id_, until in self._calls.excluded.get(waiting.call.contact, {}).items()
            if now < until and id_ in agents.states
        ]
        if excluded:
            rows = rows[~np.isin(rows, excluded)]
        kept = [free - len(rows), 0, 0]
        if agents.profiled:
            sees = np.array([self._sees(waiting, name) for name in agents.names], np.int8)
            how = sees[agents.numbers[PROFILE, rows]]
            kept[1:] = [int(np.count_nonzero(how == term)) for term in (_PROFILE, _DELAY)]
            rows = rows[how == _TAKES]
        return pool.size, free, (kept[0], kept[1], kept[2]), rows

    def _sees(self, waiting: Waiting, profile: str) -> int:
        """How agents of this profile take the call now."""
        cls = waiting.cls
        if not profile or cls is None:
            return _TAKES
        entry = self._index.rules.profiles.get(profile, {}).get(waiting.plan.rules.id)
        if entry is None:
            return _PROFILE
        return _DELAY if cls.plan.level(cls.band, entry) is None else _TAKES

    def _next_agent(
        self, waiting: Waiting, rows: NDArray[np.intp], decisions: list[Decision], now: int
    ) -> RunnerUp | None:
        """The first of the step's order after those who got the call."""
        for each in decisions:  # one to three of them
            rows = rows[rows != self._agents.states[each.agent].row]
        if not len(rows):
            return None
        question = Question(
            self._agents, self._index.columns, self._index.rules, waiting, now, self._index.flexibility.counts,
            self._offers, random_mix(self._seed, self._offers.total),
            self._slow_now(waiting.cls) if waiting.cls is not None else frozenset(),
        )  # fmt: skip
        [(row, terms)] = ranked(question, rows, 1)
        return RunnerUp(
            waiting.call.contact, self._agents.state(row).id, waiting.plan.rules.id, waiting.step, terms
        )

    # --- calls ----------------------------------------------------------------------------------

    def _next_call(self, decision: Decision, now: int) -> RunnerUp | None:
        """The first of the agent's calls after the one that was chosen."""
        state = self._agents.states[decision.agent]
        best: tuple[tuple[int, int, int, int, int, int, str], Waiting] | None = None
        for cls in self._index.classes.in_order(state, now, lambda cls: self._tier(cls, state)):
            group = int(state.group in self._slow_now(cls))
            head = (self._level(cls, state), group, cls.shape.service_class, cls.score(now))
            if best is not None and head > best[0][:4]:
                break
            waiting = self._first_other(cls, decision.contact, state, now)
            if waiting is not None:
                score = waiting.neg - cls.plan.rules.rate * now
                rank = (*head[:3], score, waiting.call.seq, *cls.plan.order)
                if best is None or rank < best[0]:
                    best = rank, waiting
        if best is None:
            return None
        rank, waiting = best
        return RunnerUp(waiting.call.contact, state.id, waiting.plan.rules.id, waiting.step, rank[:6])

    def _level(self, cls: CallClass, state: AgentState) -> int:
        entry: ProfileQueue | None = ProfileQueue(0)
        if state.profile:
            entry = self._index.rules.profiles.get(state.profile, {}).get(cls.plan.rules.id)
        return cls.plan.level(cls.band, entry) or 0

    def _first_other(self, cls: CallClass, contact: str, state: AgentState, now: int) -> Waiting | None:
        for waiting in cls.waiting():
            other = waiting.call.contact
            if other != contact and not now < self._calls.excluded.get(other, {}).get(state.id, now):
                return waiting
        return None


def _runner_up(decision: Decision) -> RunnerUp:
    return RunnerUp(decision.contact, decision.agent, decision.queue, decision.step, decision.terms)


def _lost_by(order: tuple[str, ...], terms: tuple[int, ...], others: tuple[int, ...]) -> str:
    return next((name for name, one, two in zip(order, terms, others, strict=True) if one != two), "")
