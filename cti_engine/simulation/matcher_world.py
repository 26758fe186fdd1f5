"""A small world around the matcher: callers, their patience and agents on one virtual clock, at tens of thousands of
calls a second. The full simulation drives the whole Acd; this one drives only what decides, and what it learns of
handle times. Times are integer ms.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cti_engine.core.routing.handle_times import LevelLimits, QueueTimes, slow_groups
from cti_engine.core.routing.model import AgentFacts, Decision, RoutingRules, StepChange, WaitingCall
from cti_engine.core.routing.precision import PrecisionMatcher

FOREVER = 1 << 62

ANSWERED, ABANDONED, BLOCKED, OVERFLOWED = range(4)
"""How a call's waiting ended; OVERFLOWED: its queue's rules sent it elsewhere."""

_HANDLE_ENDS, _CALLER_HANGS_UP, _STAFF_CHANGES = range(3)


class Arrival(NamedTuple):
    """One call: when, to which queue, how long its talk and wrap-up will take (of an agent of pace 1), how long it is
    willing to wait.
    """

    at: int
    queue: str
    handle: int
    patience: int = FOREVER
    priority: int = 0


class Staffing(NamedTuple):
    """From `at` on so many agents of a group are on duty. Who goes while in a call finishes it first."""

    at: int
    group: str
    number: int


@dataclass(slots=True)
class Outcomes:
    """What became of each arrival, in their order. `agent`: "" when nobody answered; `wait` until answer or end, ms.

    `overtime`: for each group, ms of handling by agents whose duty was over. `ended`: when the last call was over.
    """

    ends: list[int] = field(default_factory=list)
    wait: list[int] = field(default_factory=list)
    agent: list[str] = field(default_factory=list)
    overtime: dict[str, int] = field(default_factory=dict)
    ended: int = 0


class _Levels:
    """What is learned of each queue, as the Acd learns it; calls have no intents here."""

    def __init__(self, matcher: PrecisionMatcher, agents: Iterable[AgentFacts], limits: LevelLimits) -> None:
        self._matcher, self._limits = matcher, limits
        self._serve: dict[str, set[str]] = {}
        for agent in agents:
            for queue in matcher.queues_of(agent.id):
                self._serve.setdefault(queue, set()).add(agent.group)
        self._times = {queue: QueueTimes(queue) for queue in self._serve}

    def learn(self, group: str, queue: str, handle: int) -> None:
        times = self._times[queue]
        if times.add(group, "", handle / 1000):
            times.slow = slow_groups(times, self._serve[queue], self._limits)
            self._matcher.set_slow(queue, times.slow)


class MatcherWorld:
    """`groups`: agents by group, all on duty from the beginning. `places`: calls that may wait, over all queues.

    `paces`, by `AgentFacts.group` and queue: how many times as long as the call says its handling takes there, 1 if
    not named. `levels`: the limits within which it learns who is slow where; None: nothing is learned.
    Calls are answered at the moment they are matched. One world is one run: `run` may be called once.
    """

    def __init__(
        self,
        rules: RoutingRules,
        groups: Mapping[str, Sequence[AgentFacts]],
        *,
        places: int = FOREVER,
        paces: Mapping[tuple[str, str], float] | None = None,
        levels: LevelLimits | None = None,
        seed: int = 0,
    ) -> None:
        self._groups = {name: [agent.id for agent in agents] for name, agents in groups.items()}
        self._group_of = {agent: name for name, agents in self._groups.items() for agent in agents}
        everybody = [agent for agents in groups.values() for agent in agents]
        self._matcher = PrecisionMatcher(rules, everybody, seed=seed)
        self._paces = paces or {}
        self._levels = _Levels(self._matcher, everybody, levels) if levels else None
        self._team = {agent.id: agent.group for agent in everybody}
        for agent in self._group_of:
            self._matcher.log_in(agent, True)
            self._matcher.set_available(agent, True, 0)
        self._places = places
        self._heap: list[tuple[int, int, int, str, int]] = []
        self._handling: dict[str, tuple[str, int]] = {}
        self._pushed = 0
        self._waiting: dict[str, Arrival] = {}
        self._off: set[str] = set()
        self._leaving: dict[str, int] = {}
        self._out = Outcomes(overtime=dict.fromkeys(self._groups, 0))

    def run(self, arrivals: Iterable[Arrival], staffing: Sequence[Staffing] = ()) -> Outcomes:
        """Play the arrivals (in order of time) until nothing is left to happen."""
        for number, change in enumerate(staffing):
            self._push(change.at, _STAFF_CHANGES, "", number)
        source = iter(arrivals)
        call = next(source, None)
        heap, matcher = self._heap, self._matcher
        while True:
            call_at = FOREVER if call is None else call.at
            at = min(call_at, heap[0][0] if heap else FOREVER)
            timer = matcher.next_timer()
            if timer is not None and timer <= at:
                self._time_is_up(timer)
            elif at == FOREVER:
                return self._out
            elif at < call_at or call is None:
                _, _, what, who, number = heapq.heappop(heap)
                if what == _HANDLE_ENDS:
                    self._handle_ends(who, at)
                elif what == _CALLER_HANGS_UP:
                    self._hang_up(who, at)
                else:
                    self._staff(staffing[number])
            else:
                self._arrive(call)
                call = next(source, None)

    def _push(self, at: int, what: int, who: str, number: int = 0) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (at, self._pushed, what, who, number))

    # Callers

    def _arrive(self, call: Arrival) -> None:
        out, now = self._out, call.at
        number = len(out.ends)
        contact = str(number)
        out.ends.append(-1)
        out.wait.append(0)
        out.agent.append("")
        self._waiting[contact] = call
        change = self._matcher.join(WaitingCall(contact, number, now, call.priority), call.queue, now)
        if change.overflow:
            self._gone(contact, OVERFLOWED, now)
        elif not self._look_for_agent(contact, now):
            if len(self._waiting) > self._places:
                self._gone(contact, BLOCKED, now)
            elif call.patience < FOREVER:
                self._push(now + call.patience, _CALLER_HANGS_UP, contact)

    def _hang_up(self, contact: str, now: int) -> None:
        """Nothing when the call has been answered meanwhile."""
        if contact in self._waiting:
            self._gone(contact, ABANDONED, now)

    def _gone(self, contact: str, end: int, now: int) -> Arrival:
        call = self._waiting.pop(contact)
        self._matcher.leave(contact)
        number = int(contact)
        self._out.ends[number] = end
        self._out.wait[number] = now - call.at
        self._out.ended = now
        return call

    def _time_is_up(self, now: int) -> None:
        due = self._matcher.take_due(now)
        if isinstance(due, StepChange):
            if due.overflow:
                self._gone(due.contact, OVERFLOWED, now)
            else:
                self._look_for_agent(due.contact, now)
        elif due is not None:
            self._look_for_agent(due, now)

    # Matches

    def _look_for_agent(self, contact: str, now: int) -> bool:
        decisions = self._matcher.agents_for(contact, now)
        if decisions:
            self._answer(decisions[0], now)
        return bool(decisions)

    def _look_for_call(self, agent: str, now: int) -> None:
        decision = self._matcher.call_for(agent, now)
        if decision is not None:
            self._answer(decision, now)

    def _answer(self, decision: Decision, now: int) -> None:
        contact, agent = decision.contact, decision.agent
        self._matcher.took(decision)
        call = self._gone(contact, ANSWERED, now)
        self._out.agent[int(contact)] = agent
        self._matcher.begin_contact(agent, now)
        handle = call.handle
        if self._paces:
            handle = round(handle * self._paces.get((self._team[agent], decision.queue), 1.0))
        self._handling[agent] = decision.queue, handle
        self._push(now + handle, _HANDLE_ENDS, agent)

    # Agents

    def _handle_ends(self, agent: str, now: int) -> None:
        queue, handle = self._handling.pop(agent)
        self._out.ended = now
        if self._levels is not None:
            self._levels.learn(self._team[agent], queue, handle)
        self._matcher.end_contact(agent, now, answered=True)
        since = self._leaving.pop(agent, None)
        if since is None:
            self._matcher.set_available(agent, True, now)
            self._look_for_call(agent, now)
        else:
            self._out.overtime[self._group_of[agent]] += now - since
            self._go(agent, now)

    def _staff(self, change: Staffing) -> None:
        """Idle agents go first; who was about to leave stays first."""
        group, now = self._groups[change.group], change.at
        on_duty = [agent for agent in group if agent not in self._off and agent not in self._leaving]
        for agent in sorted(on_duty, key=self._handling.__contains__)[: max(0, len(on_duty) - change.number)]:
            if agent in self._handling:
                self._leaving[agent] = now
            else:
                self._go(agent, now)
        away = sorted((agent for agent in group if agent not in on_duty), key=self._off.__contains__)
        for agent in away[: max(0, change.number - len(on_duty))]:
            since = self._leaving.pop(agent, None)
            if since is not None:
                self._out.overtime[change.group] += now - since
                continue
            self._off.discard(agent)
            self._matcher.log_in(agent, True)
            self._matcher.set_available(agent, True, now)
            self._look_for_call(agent, now)

    def _go(self, agent: str, now: int) -> None:
        self._off.add(agent)
        self._matcher.set_available(agent, False, now)
        self._matcher.log_in(agent, False)
