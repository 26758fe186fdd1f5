"""Five plain routing policies and a plain loop that plays them: what section (d) measures the default policy against.

Nothing here comes from the engine. Types of calls are numbers from 0, times whole ms, agents numbers from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple

FOREVER = 1 << 62
ENDS, HANGS_UP, RELAXES = range(3)


class Call(NamedTuple):
    """`basis`: how long an agent at full speed needs."""

    at: int
    type: int
    basis: int
    patience: int


class Team(NamedTuple):
    """For each agent the types they can serve, their primary one first. `slower`: what other types take of it."""

    skills: Sequence[tuple[int, ...]]
    slower: float = 1.0


class Served(NamedTuple):
    """For each call the wait until answer or end, ms, and the agent; -1: hung up."""

    waits: list[int]
    agents: list[int]


class Policy:
    """FCFS-ALIS: an agent takes the call that has waited longest, a call the agent who has been idle longest."""

    relax_at = FOREVER
    """From this wait on, and from the first moment when there is no such time, a call may have any agent."""

    def call_rank(self, primary: bool, waited: int, queue: int, slower: float) -> float:
        """For an agent who looks at the heads of queues of so many calls: the smallest, the oldest of equals."""
        return 0.0

    def agent_rank(self, primary: bool) -> int:
        """For a call that looks at idle agents: the smallest, the longest idle of equals."""
        return 0

    def may(self, primary: bool, waited: int) -> bool:
        return True


class LevelFirst(Policy):
    """Both sides look at primaries first."""

    def call_rank(self, primary: bool, waited: int, queue: int, slower: float) -> float:
        return 0.0 if primary else 1.0

    def agent_rank(self, primary: bool) -> int:
        return 0 if primary else 1


class LongestQueueFirst(LevelFirst):
    """An agent takes from the longest queue."""

    def call_rank(self, primary: bool, waited: int, queue: int, slower: float) -> float:
        return -queue


class MaxWeight(LevelFirst):
    """An agent takes the largest product of speed and wait."""

    def call_rank(self, primary: bool, waited: int, queue: int, slower: float) -> float:
        return -waited if primary else -waited / slower


class FixedSteps(Policy):
    """A call waits 20 seconds for its primaries, then for anybody."""

    relax_at = 20_000

    def may(self, primary: bool, waited: int) -> bool:
        return primary or waited >= self.relax_at


POLICIES: dict[str, Policy] = {
    "FCFS-ALIS": Policy(),
    "level first": LevelFirst(),
    "longest queue": LongestQueueFirst(),
    "maxweight": MaxWeight(),
    "steps 20 s": FixedSteps(),
}


def play(calls: Sequence[Call], team: Team, policy: Policy) -> Served:
    """Until the last call is over."""
    return _Play(calls, team, policy).run()


class _Play:
    def __init__(self, calls: Sequence[Call], team: Team, policy: Policy) -> None:
        self.calls, self.policy, self.slower = calls, policy, team.slower
        self.skills = team.skills
        types = range(1 + max(kind for skills in team.skills for kind in skills))
        self.able = [[agent for agent, skills in enumerate(team.skills) if kind in skills] for kind in types]
        self.idle_since: list[int | None] = [0] * len(team.skills)
        self.queues: list[dict[int, None]] = [{} for _ in types]  # by age
        self.events: list[tuple[int, int, int]] = []
        self.waits, self.agents = [0] * len(calls), [-1] * len(calls)
        self.idle = len(team.skills)

    def run(self) -> Served:
        events = self.events
        for number, call in enumerate(self.calls):
            while events and events[0][0] <= call.at:
                self.happens(*heappop(events))
            self.queues[call.type][number] = None
            if not self.ask_agents(number, call.at):
                heappush(events, (call.at + call.patience, HANGS_UP, number))
                if self.policy.relax_at < FOREVER:
                    heappush(events, (call.at + self.policy.relax_at, RELAXES, number))
        while events:
            self.happens(*heappop(events))
        return Served(self.waits, self.agents)

    def happens(self, now: int, what: int, who: int) -> None:
        if what == ENDS:
            self.idle_since[who] = now
            self.idle += 1
            self.ask_calls(who, now)
        elif who in self.queues[self.calls[who].type]:
            if what == HANGS_UP:
                self.leaves(who, now)
            else:
                self.ask_agents(who, now)

    def ask_agents(self, number: int, now: int) -> bool:
        """Whether somebody takes the call."""
        call, policy, best, chosen = self.calls[number], self.policy, (9, 0), -1
        if not self.idle:
            return False
        for agent in self.able[call.type]:
            since = self.idle_since[agent]
            primary = self.skills[agent][0] == call.type
            if since is not None and policy.may(primary, now - call.at):
                rank = policy.agent_rank(primary), since
                if rank < best:
                    best, chosen = rank, agent
        if chosen < 0:
            return False
        self.answered(number, chosen, now)
        return True

    def ask_calls(self, agent: int, now: int) -> None:
        """One of the heads of the agent's queues, if they may have it."""
        policy, best, chosen = self.policy, (9.0, 0), -1
        primary_type = self.skills[agent][0]
        for kind in self.skills[agent]:
            queue = self.queues[kind]
            if queue:
                head = next(iter(queue))
                waited, primary = now - self.calls[head].at, kind == primary_type
                if policy.may(primary, waited):
                    rank = policy.call_rank(primary, waited, len(queue), self.slower), head
                    if rank < best:
                        best, chosen = rank, head
        if chosen >= 0:
            self.answered(chosen, agent, now)

    def answered(self, number: int, agent: int, now: int) -> None:
        call = self.calls[number]
        self.leaves(number, now)
        self.agents[number] = agent
        self.idle_since[agent] = None
        self.idle -= 1
        primary = self.skills[agent][0] == call.type
        heappush(
            self.events, (now + (call.basis if primary else round(call.basis * self.slower)), ENDS, agent)
        )

    def leaves(self, number: int, now: int) -> None:
        call = self.calls[number]
        del self.queues[call.type][number]
        self.waits[number] = now - call.at
