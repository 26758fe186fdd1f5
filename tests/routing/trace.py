"""Judges the trace of a run (world.py) by rules that hold whoever decided: nothing inverted, lost, doubled or starved.

Independent of oracle and matcher: it follows the trace alone. Burst decisions may pass over a call on purpose, so they
are judged apart: both free, both there, and no matching serves more calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tests.routing.plain import Agent, Call, Queue, Rules, Step, Tree, bind, truth

REST = 20


class _Line:
    """A call in one queue, as far as the trace has told."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.step = -1
        self.pool: tuple[Tree, ...] = ()
        self.raised = 0


class _Caller:
    def __init__(self, call: Call) -> None:
        self.call = call
        self.lines: dict[str, _Line] = {}
        self.rings: set[str] = set()
        self.excluded: dict[str, int] = {}
        self.points = 0
        self.values: dict[str, Any] = {}
        self.untold = False  # a restart planned it anew, which tells no step change


class _Person:
    def __init__(self, facts: Agent) -> None:
        self.facts = facts
        self.available = False
        self.idle_since = 0
        self.load = 0

    @property
    def free(self) -> bool:
        return self.available and self.load < self.facts.capacity

    def names(self, name: str) -> object:
        own = name.removeprefix("agent.")
        if own in ("id", "name", "site"):
            return getattr(self.facts, own)
        return self.facts.attributes.get(own) if own != name else None


class Judge:
    """`violations` after `read`; `seen` counts what was judged."""

    def __init__(self, rules: Rules, agents: Iterable[Agent]) -> None:
        self.rules = rules
        self.people = {facts.id: _Person(facts) for facts in agents}
        self.callers: dict[str, _Caller] = {}
        self.ended: set[str] = set()
        self.slow: dict[str, tuple[str, ...]] = {}
        self.violations: list[str] = []
        self.seen: Counter[str] = Counter()
        self._entry: tuple[Any, ...] = ()

    def read(self, trace: Iterable[tuple[Any, ...]]) -> list[str]:
        for entry in trace:
            self._entry = entry
            getattr(self, f"_{entry[0]}")(entry[1], *entry[2:])
        return self.violations

    def _wrong(self, what: str) -> None:
        self.violations.append(f"{what}: {self._entry}")

    # calls come, move and go

    def _call(self, now: int, call: Call, values: dict[str, Any]) -> None:
        if call.contact in self.callers or call.contact in self.ended:
            self._wrong("doubled call")
        self.callers[call.contact] = _Caller(call)
        self.callers[call.contact].values = dict(values)

    def _stands(self, now: int, contact: str, queue: str) -> None:
        self.callers[contact].lines[queue] = _Line(self.rules.queues[queue])

    def _leaves(self, now: int, contact: str, queue: str) -> None:
        caller = self.callers[contact]
        del caller.lines[queue]
        if not caller.lines:  # nothing but the call itself goes on, in another queue if at all
            caller.excluded, caller.points = {}, 0

    def _gone(self, now: int, contact: str) -> None:
        self.callers.pop(contact)
        self.ended.add(contact)

    def _answered(self, now: int, contact: str, agent: str) -> None:
        if contact not in self.callers or agent not in self.callers[contact].rings:
            self._wrong("answered by one whose phone did not ring, or twice")
        self.seen["answered"] += 1
        self.callers.pop(contact, None)
        self.ended.add(contact)

    def _back(self, now: int, contact: str) -> None:
        self.callers[contact].rings = set()

    def _excluded(self, now: int, contact: str, agent: str, until: int) -> None:
        self.callers[contact].excluded[agent] = until

    def _raised(self, now: int, contact: str, points: int) -> None:
        self.callers[contact].points += points

    def _value(self, now: int, contact: str, name: str, value: Any) -> None:
        self.callers[contact].values[name] = value

    def _step(self, now: int, change: tuple[Any, ...]) -> None:
        contact, queue, _, step, skipped, overflow = change
        caller = self.callers[contact]
        line = caller.lines[queue]
        if overflow:
            line.pool, line.step = (), -1
            return
        exhausted = step == line.step or step in [number for number, _ in skipped]
        if exhausted and line.queue.exhausted == "any_member":
            line.pool = tuple(self._bound(caller, each.require) for each in line.queue.steps)
        elif not exhausted or line.step == -1:
            rule = line.queue.steps[step]
            line.pool = (*(line.pool if rule.cumulative else ()), self._bound(caller, rule.require))
            line.raised += rule.raise_priority
        line.step = step

    @staticmethod
    def _bound(caller: _Caller, require: Tree) -> Tree:
        return bind(require, lambda name: caller.values.get(name.removeprefix("call.")))

    # people and rules

    def _agent(self, now: int, agent: str, available: bool, idle_since: int, load: int) -> None:
        person = self.people[agent]
        person.available, person.idle_since, person.load = available, idle_since, load

    def _facts(self, now: int, facts: Agent) -> None:
        if facts.id in self.people:
            self.people[facts.id].facts = facts
        else:
            self.people[facts.id] = _Person(facts)

    def _removed(self, now: int, agent: str) -> None:
        self.people.pop(agent)
        for caller in self.callers.values():
            caller.rings.discard(agent)

    def _rules(self, now: int, rules: Rules) -> None:
        self.rules = rules

    def _slow(self, now: int, queue: str, groups: tuple[str, ...]) -> None:
        self.slow[queue] = groups

    def _replans(self, now: int, contact: str, queue: str) -> None:
        self.callers[contact].lines[queue] = _Line(self.rules.queues[queue])

    def _restored(self, now: int, contact: str, steps: dict[str, int]) -> None:
        caller = self.callers[contact]
        caller.call = caller.call._replace(priority=caller.call.priority + caller.points)
        caller.points = 0
        caller.lines = {queue: line for queue, line in caller.lines.items() if queue in steps}
        for queue, line in caller.lines.items():
            gone = Queue(
                queue, len(self.rules.queues), (Step(),) * (line.step + 1)
            )  # by a reload: see the oracle
            line.queue = self.rules.queues.get(queue, gone)
            caller.untold |= line.step >= len(line.queue.steps)

    # decisions

    def _fits(self, caller: _Caller, line: _Line, person: _Person, now: int) -> bool:
        if now < caller.excluded.get(person.facts.id, now):
            return False
        if person.facts.profile:
            entry = self.rules.profiles.get(person.facts.profile, {}).get(line.queue.id)
            if entry is None:
                return False
            if now - caller.call.queued_at < entry[1] and not self._is_capped(caller, line, now):
                return False
        return any(truth(condition, person.names) is True for condition in line.pool)

    @staticmethod
    def _is_capped(caller: _Caller, line: _Line, now: int) -> bool:
        cap = line.queue.longest_wait_cap
        return cap is not None and now - caller.call.queued_at >= cap

    def _is_slow(self, caller: _Caller, line: _Line, person: _Person, now: int) -> bool:
        """The group comes last in this queue, and the call has not waited too long for that."""
        limit = line.queue.at_most_wait
        young = limit is None or now - caller.call.queued_at < limit
        slow = person.facts.group in self.slow.get(line.queue.id, ())
        return slow and young and not self._is_capped(caller, line, now)

    def _call_rank(self, caller: _Caller, line: _Line, person: _Person, now: int) -> tuple[int, ...]:
        waited, queue = now - caller.call.queued_at, line.queue
        level = self.rules.profiles[person.facts.profile][queue.id][0] if person.facts.profile else 0
        kind = 2
        if queue.classes is not None:
            before = queue.classes.threshold - waited
            late = ("missed", "lost", "at_risk")
            limits = (0, queue.classes.lost, queue.classes.at_risk)
            kind = queue.classes.order.index(
                next((n for n, x in zip(late, limits, strict=True) if before < x), "safe")
            )
        points = caller.call.priority + caller.points + line.raised
        worth = queue.rate * (waited + caller.call.head_start) + 1_000_000 * points
        return (
            -1 if self._is_capped(caller, line, now) else level,
            self._is_slow(caller, line, person, now),
            kind,
            -worth,
            caller.call.seq,
            queue.number,
        )

    def _waiting(self) -> Iterable[tuple[_Caller, _Line]]:
        for caller in self.callers.values():
            if not caller.rings and not caller.untold:
                yield from ((caller, line) for line in caller.lines.values())

    def _offer(self, now: int, *decisions: tuple[Any, ...]) -> None:
        contact, _, queue, step, side, _, _ = decisions[0]
        caller = self.callers.get(contact)
        if caller is None or caller.rings or queue not in caller.lines:
            self._wrong("offer of a call that does not wait")
            return
        line = caller.lines[queue]
        caller.rings = {decision[1] for decision in decisions}
        if caller.untold:
            return
        if step != line.step:
            self._wrong("offer from a step that the call is not in")
        agents = [decision[1] for decision in decisions]
        if len(set(agents)) != len(agents):
            self._wrong("one agent twice in an offer")
        for agent in agents:
            if agent not in self.people or not self.people[agent].free:
                self._wrong("offer to an agent who is not free")
                return
            if not self._fits(caller, line, self.people[agent], now):
                self._wrong("offer to an agent who does not fit")
                return
        self.seen[f"offers, side {side}"] += 1
        if side == "agent":
            self._judge_call(now, caller, line, self.people[agents[0]])
        elif side == "call":
            self._judge_agents(now, caller, line, agents)

    def _judge_call(self, now: int, caller: _Caller, line: _Line, person: _Person) -> None:
        """Nobody who waits for this agent should have come before; a capped call least of all."""
        self.seen["capped calls served"] += self._is_capped(caller, line, now)
        rank, capped = self._call_rank(caller, line, person, now), self._is_capped(caller, line, now)
        rivals = [*self._waiting(), *((caller, each) for each in caller.lines.values() if each is not line)]
        for other, place in rivals:
            if not self._fits(other, place, person, now):
                continue
            self.seen["pairs of calls"] += 1
            if self._is_capped(other, place, now) and not capped:
                self._wrong(f"starved: {other.call.contact} is capped and was passed over")
            elif self._call_rank(other, place, person, now) < rank:
                self._wrong(f"order inversion: {other.call.contact} came before")

    def _judge_agents(self, now: int, caller: _Caller, line: _Line, agents: list[str]) -> None:
        """Among agents alike, or with longest_idle alone, the one who waited longest; and nobody is left out of all."""
        rule = line.queue.steps[line.step]
        chosen = [self.people[agent] for agent in agents]
        others = [
            each
            for each in self.people.values()
            if each.free and each not in chosen and self._fits(caller, line, each, now)
        ]
        self.seen["pairs of agents"] += len(others)
        if others and len(agents) < rule.offer_to:
            self._wrong("offered to fewer than there are")
        slowest = max(self._is_slow(caller, line, each, now) for each in chosen)
        self.seen["offers to a slow group"] += slowest
        for each in others:
            if self._is_slow(caller, line, each, now) < slowest:
                self._wrong(f"group inversion: {each.facts.id} of a faster group was free")
        if rule.order == (("longest_idle", ()),):
            alike = [each for each in chosen if self._is_slow(caller, line, each, now) == slowest]
            last = max((each.idle_since, each.facts.id) for each in alike)
            for each in others:
                if self._is_slow(caller, line, each, now) == slowest and each.idle_since < last[0]:
                    self._wrong(f"idle inversion: {each.facts.id} waited longer")

    def _burst(self, now: int, pairs: tuple[tuple[str, str], ...]) -> None:
        """Before the first offer of a burst: every pair may be, and no other matching serves more calls.

        Not judged while somebody waits of whom the trace has not told where: they count too.
        """
        if any(caller.untold and not caller.rings for caller in self.callers.values()):
            self.seen["bursts beside untold calls"] += 1
            return
        free = [person for person in self.people.values() if person.free]
        fits: dict[str, set[str]] = {}
        for caller, line in self._waiting():
            found = {each.facts.id for each in free if self._fits(caller, line, each, now)}
            fits.setdefault(caller.call.contact, set()).update(found)
        if not pairs:
            return
        self.seen["burst decisions"] += len(pairs)
        if len(dict(pairs)) < len(pairs) or len({agent for _, agent in pairs}) < len(pairs):
            self._wrong("burst: a call or an agent twice")
        for contact, agent in pairs:
            if agent not in fits.get(contact, ()):
                self._wrong(f"burst: {contact} may not go to {agent}")
        most = most_matched(fits)
        if len(pairs) < most:
            self._wrong(f"burst: {len(pairs)} calls have an agent, {most} could")

    # between events

    def _rest(self, now: int) -> None:
        """When all is matched, nobody who waits has a free agent. Looked at now and then."""
        self.seen["rests"] += 1
        if self.seen["rests"] % REST:
            return
        free = [person for person in self.people.values() if person.free]
        for caller, line in self._waiting():
            for person in free:
                if self._fits(caller, line, person, now):
                    self._wrong(f"left waiting: {caller.call.contact}, with {person.facts.id} free")

    def _end(self, now: int, waiting: dict[str, list[str]]) -> None:
        """Who waits by the trace waits by the matcher's own lists, once, and nobody else."""
        for queue, contacts in waiting.items():
            known = [
                contact
                for contact, caller in self.callers.items()
                if queue in caller.lines and not caller.rings
            ]
            if sorted(known) != sorted(contacts):
                self._wrong(f"lost or doubled in {queue}: {sorted(set(known) ^ set(contacts))}")


def most_matched(fits: Mapping[str, Iterable[str]]) -> int:
    """How many calls can have an agent each: one call after the other, agents changing hands (Kuhn)."""
    call_of: dict[str, str] = {}

    def place(call: str, asked: set[str]) -> bool:
        for agent in fits[call]:
            if agent not in asked:
                asked.add(agent)
                if agent not in call_of or place(call_of[agent], asked):
                    call_of[agent] = call
                    return True
        return False

    return sum(place(call, set()) for call in fits)
