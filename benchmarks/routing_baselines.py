"""Three other ways to route, readable and compiled once: what the matcher is compared with, and must agree with.

A naive scan of the sorted queue, a numpy mask over all of it, and the SQL that FreeSWITCH's mod_callcenter sends.
Frozen: making them slower would flatter the matcher. Taking calls out is left out of their times.
"""

from __future__ import annotations

import re
import sqlite3
from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cti_engine.core.routing.model import AgentFacts

Names = dict[str, bool | int | str]
Test = Callable[[Names], bool]


@dataclass(frozen=True, order=True, slots=True)
class Queued:
    """A waiting call: the smallest (`neg`, `seq`) is served first. `condition`: bound, printed."""

    neg: int
    seq: int
    contact: str
    condition: str


def names_of(agent: AgentFacts) -> Names:
    return {**agent.attributes, "id": agent.id}


def compiled(condition: str) -> Test:
    """A condition of the reference state as a Python function: levels from 1, so an undefined one is 0."""
    source = re.sub(r"agent\.(\w+)", r'names.get("\1", 0)', condition)
    test: Test = eval(f"lambda names: {source}")  # the benchmark's own conditions
    return test


class NaiveScan:
    """One call after the other, best first, until one lets the agent in."""

    def __init__(self, calls: Iterable[Queued]) -> None:
        self._tests: dict[str, Test] = {}
        self._calls: list[tuple[int, int, str, Test]] = []  # the best is the last: cheap to remove
        for call in calls:
            self._calls.append((-call.neg, -call.seq, call.contact, self._test(call.condition)))
        self._calls.sort(key=lambda call: call[:2])

    def _test(self, condition: str) -> Test:
        if condition not in self._tests:
            self._tests[condition] = compiled(condition)
        return self._tests[condition]

    def call_for(self, names: Names) -> str | None:
        for _, _, contact, test in reversed(self._calls):
            if test(names):
                return contact
        return None

    def add(self, call: Queued) -> None:
        entry = (-call.neg, -call.seq, call.contact, self._test(call.condition))
        insort(self._calls, entry, key=lambda each: each[:2])

    def remove(self, contact: str) -> None:
        place = next(p for p in range(len(self._calls) - 1, -1, -1) if self._calls[p][2] == contact)
        del self._calls[place]


class NumpyMask:
    """Who may take which condition is a table; one look over the whole sorted queue finds the first."""

    def __init__(self, calls: Iterable[Queued], agents: Sequence[AgentFacts]) -> None:
        self._calls = sorted(calls)
        conditions = {text: n for n, text in enumerate(dict.fromkeys(call.condition for call in self._calls))}
        self._table = np.zeros((len(agents), len(conditions)), np.bool_)
        names = [names_of(agent) for agent in agents]
        for text, column in conditions.items():
            test = compiled(text)
            self._table[:, column] = [test(each) for each in names]
        self._row = {agent.id: row for row, agent in enumerate(agents)}
        self._condition = np.array([conditions[call.condition] for call in self._calls], np.intp)

    def call_for(self, agent: str) -> str | None:
        mask = self._table[self._row[agent]].take(self._condition)
        place = int(mask.argmax())
        return self._calls[place].contact if mask[place] else None


class SqlPass:
    """mod_callcenter.c's pass: all members by score, for each a SELECT of the queue's agents. No index, as there."""

    MEMBERS = "SELECT uuid, queue FROM members WHERE state = 'Waiting' ORDER BY score DESC"
    AGENTS = """SELECT agents.name, agents.status, agents.state, agents.last_bridge_end, tiers.position, tiers.level
        FROM agents LEFT JOIN tiers ON (agents.name = tiers.agent)
        WHERE tiers.queue = ? AND (agents.status = 'Available' OR agents.status = 'On Break')
        ORDER BY tiers.level, agents.last_bridge_end, tiers.position"""

    def __init__(self, idle_since: dict[str, int], tiers: Iterable[tuple[str, str]]) -> None:
        """`idle_since`: the free agents' clocks; `tiers`: (queue, agent)."""
        self._db = sqlite3.connect(":memory:")
        self._db.executescript(
            """CREATE TABLE agents (name, status, state, last_bridge_end);
            CREATE TABLE tiers (queue, agent, state, level, position);
            CREATE TABLE members (uuid, queue, state, score);"""
        )
        rows = [(name, "Available", "Waiting", since) for name, since in idle_since.items()]
        self._db.executemany("INSERT INTO agents VALUES (?, ?, ?, ?)", rows)
        self._db.executemany("INSERT INTO tiers VALUES (?, ?, 'Ready', 1, 1)", tiers)

    def wait(self, contact: str, queue: str, score: int) -> None:
        self._db.execute("INSERT INTO members VALUES (?, ?, 'Waiting', ?)", (contact, queue, score))

    def decide(self, scans: int) -> list[tuple[str, str]]:
        """The first `scans` members of a pass, each with its agent, who is then taken."""
        found = []
        for contact, queue in self._db.execute(self.MEMBERS).fetchmany(scans):
            for name, _, state, *_ in self._db.execute(self.AGENTS, (queue,)):
                if state == "Waiting":
                    self._db.execute("UPDATE agents SET state = 'Receiving' WHERE name = ?", (name,))
                    self._db.execute("UPDATE members SET state = 'Trying' WHERE uuid = ?", (contact,))
                    found.append((contact, name))
                    break
        return found
