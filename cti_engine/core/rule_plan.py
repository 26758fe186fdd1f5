"""What other rules would change for the calls that wait now: two centers with the same state, side by side.

One has the rules in force, the other has taken the new ones as a reload does, or re-planned its calls as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.agent import LOGGED_OUT
from cti_engine.core.call_names import Names
from cti_engine.core.center import Center
from cti_engine.core.contact import VOICEMAIL, Contact
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.routing.attribute_columns import AttributeColumns, Evaluation
from cti_engine.core.routing.bound_conditions import read_bound
from cti_engine.core.routing.build import agent_facts, routing_rules
from cti_engine.core.routing.model import QueueRules, Standing
from cti_engine.core.routing.pools import Key
from cti_engine.core.routing.queue_plans import StepPlan

ROUTABLE, NOBODY_LOGGED_IN, NOBODY = "", "nobody logged in", "nobody at all"
_WORSE = (ROUTABLE, NOBODY_LOGGED_IN, NOBODY)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call stands in a queue. `step` from 0, -1: in none. `agents` whose skills and profile allow it."""

    step: int
    agents: int
    logged_in: int


@dataclass(frozen=True, slots=True)
class CallChange:
    """A waiting call whose agents or step change. `unroutable`: it becomes so in all its queues and steps to come."""

    contact: str
    queue: str
    waited_s: float
    before: Place
    after: Place
    gained: int
    lost: int
    unroutable: str


@dataclass(frozen=True, slots=True)
class AgentChange:
    agent: str
    gains: tuple[str, ...]
    loses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RulePlan:
    """`waiting`: calls in each queue, of both sets of rules. `replanned`: calls were taken to the new rules' steps."""

    version: str
    new_version: str
    replanned: bool
    waiting: Mapping[str, int]
    calls: tuple[CallChange, ...]
    agents: tuple[AgentChange, ...]
    queues_new: tuple[str, ...]
    queues_gone: tuple[str, ...]

    @property
    def unroutable(self) -> int:
        """Calls, each once."""
        return len({change.contact for change in self.calls if change.unroutable})


def compare(before: Center, after: Center, *, replanned: bool) -> RulePlan:
    """`after` has installed the new definitions. Neither is changed."""
    old, new = _Side(before, before, False), _Side(after, before, replanned)
    calls = []
    for contact in sorted(before.contacts.values(), key=lambda contact: contact.queue_seq):
        if contact.in_queue:
            calls += _call(contact, old, new)
    queues, new_queues = before.definitions.queues, after.definitions.queues
    names = [*queues, *(queue for queue in new_queues if queue not in queues)]
    return RulePlan(
        before.definitions.version,
        after.definitions.version,
        replanned,
        {queue: len(before.waiting_in(queue)) for queue in names},
        tuple(calls),
        tuple(_agents(before, after)),
        tuple(queue for queue in new_queues if queue not in queues),
        tuple(queue for queue in queues if queue not in new_queues),
    )


def _agents(before: Center, after: Center) -> list[AgentChange]:
    found = []
    for agent in sorted({*before.definitions.agents, *after.definitions.agents}):
        old, new = before.matcher.queues_of(agent), after.matcher.queues_of(agent)
        gains = tuple(queue for queue in new if queue not in old)
        loses = tuple(queue for queue in old if queue not in new)
        if gains or loses:
            found.append(AgentChange(agent, gains, loses))
    return found


def _call(contact: Contact, old: _Side, new: _Side) -> list[CallChange]:
    was, becomes = old.standings(contact), new.standings(contact)
    had, has = old.outlook(contact, was), new.outlook(contact, becomes)
    unroutable = has if _WORSE.index(has) > _WORSE.index(had) else ROUTABLE
    found = []
    for queue, standing in was.items():
        then = becomes.get(queue, standing)
        agents, others = old.agents(standing.pool, queue), new.agents(then.pool, queue)
        if standing.step != then.step or agents != others or unroutable:
            waited = max(0.0, old.center.now - contact.queued_at)
            gained, lost = len(others - agents), len(agents - others)
            places = old.place(standing), new.place(then)
            found.append(CallChange(contact.id, queue, waited, *places, gained, lost, unroutable))
    return found


class _Side:
    """One center. `replanned`: calls that do not ring follow its own rules, else those of `kept`."""

    def __init__(self, center: Center, kept: Center, replanned: bool) -> None:
        self.center = center
        facts = agent_facts(center.definitions)
        self._ids = np.array([each.id for each in facts], object)
        self._evaluation = Evaluation(AttributeColumns(facts))
        agents = center.agents
        here = (each.id in agents and agents[each.id].status != LOGGED_OUT for each in facts)
        self._logged_in = np.fromiter(here, np.bool_)
        self._profiles = [each.profile for each in facts]
        self._rules = _rules(kept)
        self._present = _rules(center) if replanned else self._rules
        self._takes: dict[str, NDArray[np.bool_]] = {}
        self._masks: dict[tuple[Key, str], NDArray[np.bool_]] = {}
        self._agents: dict[tuple[Key, str], frozenset[str]] = {}

    def standings(self, contact: Contact) -> dict[str, Standing]:
        return {standing.queue: standing for standing in self.center.matcher.standings(contact.id)}

    def place(self, standing: Standing) -> Place:
        mask = self._mask(standing.pool, standing.queue)
        return Place(
            standing.step, int(np.count_nonzero(mask)), int(np.count_nonzero(mask & self._logged_in))
        )

    def agents(self, pool: Key, queue: str) -> frozenset[str]:
        found = self._agents.get((pool, queue))
        if found is None:
            found = self._agents[pool, queue] = frozenset(self._ids[self._mask(pool, queue)].tolist())
        return found

    def outlook(self, contact: Contact, standings: Mapping[str, Standing]) -> str:
        """How far the call can come in its queues, from where it stands on."""
        outlooks = [self._outlook(contact, standing) for standing in standings.values()]
        return min(outlooks, key=_WORSE.index, default=NOBODY)

    def _outlook(self, contact: Contact, standing: Standing) -> str:
        ringing = standing.offered_at is not None
        rules = (self._rules if ringing else self._present).get(standing.queue)
        rules = rules if rules is not None else self._rules.get(standing.queue)
        mask = self._mask(standing.pool, standing.queue)
        if rules is not None:
            leaves = all(step.wait is not None for step in rules.steps)
            if rules.exhausted == "overflow" and contact.kind != VOICEMAIL and (leaves or standing.step < 0):
                return ROUTABLE  # elsewhere
            first = 0 if rules.exhausted == "any_member" and leaves else standing.step + 1
            names = Names(self.center, contact, standing.queue)
            for step in rules.steps[first:]:
                text, _ = StepPlan(step).bound(names)
                mask = mask | self._mask((text,), standing.queue)
        if not mask.any():
            return NOBODY
        return ROUTABLE if (mask & self._logged_in).any() else NOBODY_LOGGED_IN

    def _mask(self, pool: Key, queue: str) -> NDArray[np.bool_]:
        """The agents of a pool whose profile takes the queue."""
        found = self._masks.get((pool, queue))
        if found is None:
            found = np.zeros(len(self._ids), np.bool_)
            for text in pool:
                condition: Condition | None = read_bound(text)
                found |= True if condition is None else self._evaluation.holds(condition.node)
            found = self._masks[pool, queue] = found & self._taking(queue)
        return found

    def _taking(self, queue: str) -> NDArray[np.bool_]:
        found = self._takes.get(queue)
        if found is None:
            profiles = self.center.definitions.profiles
            takes = {name: queue in entries for name, entries in profiles.items()} | {"": True}
            found = np.fromiter((takes.get(profile, False) for profile in self._profiles), np.bool_)
            self._takes[queue] = found
        return found


def _rules(center: Center) -> dict[str, QueueRules]:
    return dict(routing_rules(center.definitions).queues)
