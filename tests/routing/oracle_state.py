"""The oracle's half that remembers: agents, calls, steps of queues and who may have whom (docs/routing.md, 2 to 4).

It imports nothing from cti_engine (import contract in pyproject.toml). Each method is the matcher's of the same name;
a step change is (contact, queue, left, step, skipped, overflow), a decision (contact, agent, queue, step, side, terms,
rules). `hits` counts which rules decided something.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from tests.routing.plain import (
    Agent,
    Call,
    Names,
    Place,
    Queue,
    Rules,
    Step,
    Tree,
    bind,
    names_in,
    truth,
)

Change = tuple[str, str, int, int, tuple[tuple[int, str], ...], bool]
Decision = tuple[str, str, str, int, str, tuple[int, ...], str]


class AgentNow:
    def __init__(self, facts: Agent) -> None:
        self.facts = facts
        self.logged_in = False
        self.available = False
        self.idle_since = 0
        self.load = 0
        self.answered = 0
        self.busy_since = 0
        self.busy: list[tuple[int, int]] = []

    @property
    def free(self) -> bool:
        return self.available and self.load < self.facts.capacity

    def names(self, name: str) -> object:
        family, _, own = name.partition(".")
        if family != "agent":
            return None
        if own in ("id", "name", "site"):
            return getattr(self.facts, own)
        return self.facts.attributes.get(own)


class Stand:
    """A call in one queue."""

    def __init__(self, queue: Queue, version: str, joined_at: int) -> None:
        self.queue = queue
        self.version = version
        self.joined_at = joined_at
        self.step = -1
        self.pool: list[Tree] = []
        self.raised = 0
        self.deadline: int | None = None
        self.left: int | None = None
        self.rang = 0
        self.offered_at: int | None = None

    @property
    def rule(self) -> Step:
        return self.queue.steps[self.step]


class CallNow:
    def __init__(self, call: Call) -> None:
        self.call = call
        self.escalation = 0
        self.ringing = False
        self.excluded: dict[str, int] = {}
        self.stands: list[Stand] = []

    def by_index(self) -> list[Stand]:
        return sorted(self.stands, key=lambda stand: (stand.queue.number, stand.queue.id))

    def stand(self, queue: str) -> Stand | None:
        return next((stand for stand in self.stands if stand.queue.id == queue), None)


class Waiting:
    """Everything but the decisions, which stand in oracle.py."""

    def __init__(
        self, rules: Rules, agents: Iterable[Agent] = (), *, names: Callable[[str, str], Names], seed: int = 0
    ) -> None:
        self.rules = rules
        self.agents = {facts.id: AgentNow(facts) for facts in agents}
        self.calls: dict[str, CallNow] = {}
        self.names = names
        self.seed = seed
        self.now = 0
        self.offers = 0
        self.offers_of: Counter[str] = Counter()
        self.last_offer: dict[tuple[str, str], int] = {}
        self.slow: dict[
            str, tuple[str, ...]
        ] = {}  # queue: the groups of agents who serve it after the others
        self.woken = (-1, -1)  # the last delay or exclusion that was handed out: (moment, seq)
        self.hits: Counter[str] = Counter()

    # rules and people

    def install(self, rules: Rules, agents: Iterable[Agent]) -> None:
        self.rules = rules
        self.last_offer = {key: last for key, last in self.last_offer.items() if self._counts_offers(key[0])}
        self.offers_of = Counter({q: count for q, count in self.offers_of.items() if self._counts_offers(q)})
        wanted = {facts.id: facts for facts in agents}
        for gone in [agent for agent in self.agents if agent not in wanted]:
            self.remove_agent(gone)
        for facts in wanted.values():
            self.set_agent(facts)

    def replan(self, now: int) -> list[Change]:
        self.now = now
        changes = []
        for call in sorted(self.calls.values(), key=lambda call: call.call.seq):
            for stand in call.by_index():
                if not call.ringing and stand.queue.id in self.rules.queues:
                    changes.append(self._plan_anew(call, stand, now))
        return changes

    def _plan_anew(self, call: CallNow, stand: Stand, now: int) -> Change:
        stand.queue, stand.version = self.rules.queues[stand.queue.id], self.rules.version
        stand.step, stand.pool, stand.raised = -1, [], 0
        return self._enter(call, stand, 0, now, -1)

    def set_agent(self, facts: Agent) -> None:
        if facts.id in self.agents:
            self.agents[facts.id].facts = facts
        else:
            self.agents[facts.id] = AgentNow(facts)

    def remove_agent(self, agent: str) -> None:
        self.agents.pop(agent, None)
        self.last_offer = {key: number for key, number in self.last_offer.items() if key[1] != agent}

    def log_in(self, agent: str, logged_in: bool) -> None:
        self.agents[agent].logged_in = logged_in

    def set_available(self, agent: str, available: bool, idle_since: int) -> None:
        self.agents[agent].available, self.agents[agent].idle_since = available, idle_since

    def begin_contact(self, agent: str, now: int) -> None:
        self.now = now
        it = self.agents[agent]
        if it.load == 0:
            it.busy_since = now
        it.load += 1

    def end_contact(self, agent: str, now: int, *, answered: bool) -> None:
        self.now = now
        it = self.agents[agent]
        it.load -= 1
        it.answered += answered
        if it.load == 0:
            it.busy.append((it.busy_since, now))

    def set_slow(self, queue: str, groups: tuple[str, ...]) -> None:
        self.slow[queue] = groups

    def new_day(self) -> None:
        for agent in self.agents.values():
            agent.answered = 0

    # calls

    def join(self, call: Call, queue: str, now: int) -> Change:
        self.now = now
        it = self.calls.setdefault(call.contact, CallNow(call))
        stand = Stand(self.rules.queues[queue], self.rules.version, now)
        it.stands.append(stand)
        return self._enter(it, stand, 0, now, -1)

    def restore(self, call: Call, standings: Iterable[Place], now: int) -> None:
        self.now = now
        it = CallNow(call)
        for place in standings:
            queue, version = self.rules.queues.get(place.queue), self.rules.version
            if (
                queue is None
            ):  # taken away by a reload: its calls stand where they stood, by no version's rules
                queue, version = Queue(place.queue, len(self.rules.queues), (Step(),) * (place.step + 1)), ""
            stand = Stand(queue, version, place.joined_at)
            stand.step, stand.pool, stand.raised = place.step, list(place.pool), place.raised
            stand.deadline, stand.left, stand.rang = place.deadline, place.left, place.rang
            stand.offered_at = place.offered_at
            it.stands.append(stand)
            it.ringing = it.ringing or place.offered_at is not None
        if it.stands:
            self.calls[call.contact] = it
        for stand in it.by_index():
            if stand.step >= len(stand.queue.steps):
                self.hits["restart: planned anew"] += 1
                rings_since = stand.offered_at
                self._plan_anew(it, stand, now)
                if it.ringing:
                    self._freeze(stand, now)
                    stand.offered_at = rings_since

    def leave_queue(self, contact: str, queue: str) -> None:
        it = self.calls.get(contact)
        if it is not None:
            it.stands = [stand for stand in it.stands if stand.queue.id != queue]
            if not it.stands:
                del self.calls[contact]

    def leave(self, contact: str) -> None:
        self.calls.pop(contact, None)

    def offered(self, contact: str, queue: str, now: int) -> None:
        self.now = now
        self.calls[contact].ringing = True
        for stand in self.calls[contact].stands:
            self._freeze(stand, now)

    @staticmethod
    def _freeze(stand: Stand, now: int) -> None:
        stand.offered_at = now
        stand.left = None if stand.deadline is None else max(0, stand.deadline - now)
        stand.deadline = None

    def back(self, contact: str, now: int) -> None:
        self.now = now
        self.calls[contact].ringing = False
        for stand in self.calls[contact].stands:
            assert stand.offered_at is not None
            stand.rang += now - stand.offered_at
            stand.deadline = None if stand.left is None else now + stand.left
            self.hits["back: what was left of a step"] += stand.left is not None
            stand.offered_at = stand.left = None

    def exclude(self, contact: str, agent: str, until: int) -> None:
        self.calls[contact].excluded[agent] = until

    def raise_priority(self, contact: str, points: int) -> None:
        self.calls[contact].escalation += points

    def standings(self, contact: str) -> tuple[Place, ...]:
        it = self.calls.get(contact)
        return tuple(
            Place(
                stand.queue.id, stand.joined_at, stand.step, tuple(stand.pool), stand.raised, stand.deadline,
                stand.left, stand.rang, stand.offered_at,
            )
            for stand in (it.by_index() if it else ())
        )  # fmt: skip

    # steps of one queue (docs/routing.md, 4)

    def _enter(self, call: CallNow, stand: Stand, first: int, t: int, left: int) -> Change:
        queue = stand.queue
        skipped: list[tuple[int, str]] = []
        for i in range(first, len(queue.steps)):
            step = queue.steps[i]
            why = self._why_skipped(call, stand, step, t)
            if not why:
                self._stand_in(call, stand, i, t)
                return (call.call.contact, queue.id, left, i, tuple(skipped), False)
            self.hits[f"skipped: {why}"] += 1
            skipped.append((i, why))
        self.hits[f"exhausted: {queue.exhausted}"] += 1
        last = len(queue.steps) - 1
        if queue.exhausted == "overflow":
            stand.step, stand.pool = -1, []
        elif queue.exhausted == "any_member":
            stand.step, stand.pool = last, [bind(step.require, call.call.names) for step in queue.steps]
        elif stand.step == -1:
            self.hits["exhausted: the last step without rules 2 to 4"] += 1
            self._stand_in(call, stand, last, t)
        stand.deadline = None
        return (call.call.contact, queue.id, left, stand.step, tuple(skipped), queue.exhausted == "overflow")

    def _why_skipped(self, call: CallNow, stand: Stand, step: Step, t: int) -> str:
        if step.consider_if is not None:
            outcome = truth(step.consider_if, self.names(call.call.contact, stand.queue.id))
            self.hits[f"consider_if: {outcome}"] += 1
            if outcome is not True:
                return "consider_if"
        if (
            step.wait is not None
            and stand.queue.from_enqueue
            and stand.joined_at + step.wait + stand.rang <= t
        ):
            return "clock"
        if not any(agent.logged_in for agent in self._members(self._pool(call, stand, step))):
            if step.skip_when_none:
                return "nobody"
            self.hits["when_none: wait"] += 1
        return ""

    def _pool(self, call: CallNow, stand: Stand, step: Step) -> list[Tree]:
        alone = [bind(step.require, call.call.names)]
        return [*stand.pool, *alone] if step.cumulative else alone

    def _stand_in(self, call: CallNow, stand: Stand, i: int, t: int) -> None:
        step = stand.queue.steps[i]
        self.hits["pool: cumulative"] += step.cumulative and bool(stand.pool)
        self.hits["pool: bound to the call"] += bool(names_in(step.require, "call"))
        self.hits["raise_priority of a step"] += step.raise_priority != 0
        stand.pool = self._pool(call, stand, step)
        stand.step = i
        stand.raised += step.raise_priority
        if step.wait is None:
            stand.deadline = None
        elif stand.queue.from_enqueue:
            stand.deadline = stand.joined_at + step.wait + stand.rang
        else:
            stand.deadline = t + step.wait

    def _members(self, pool: list[Tree]) -> list[AgentNow]:
        return [agent for agent in self.agents.values() if self._is_member(agent, pool)]

    @staticmethod
    def _is_member(agent: AgentNow, pool: list[Tree]) -> bool:
        return any(truth(condition, agent.names) is True for condition in pool)

    # who may have whom (5.1, 6)

    def _capped(self, call: CallNow, stand: Stand, now: int) -> bool:
        cap = stand.queue.longest_wait_cap
        return cap is not None and now - call.call.queued_at >= cap

    def _group_level(self, call: CallNow, stand: Stand, agent: AgentNow, now: int) -> int:
        """1: an agent whose group is slow in this queue, until the call has waited too long for that (12)."""
        if agent.facts.group not in self.slow.get(stand.queue.id, ()) or self._capped(call, stand, now):
            return 0
        over = stand.queue.at_most_wait is not None and now - call.call.queued_at >= stand.queue.at_most_wait
        self.hits["group level: over by at_most_wait"] += over
        return 0 if over else 1

    def _eligible(self, call: CallNow, stand: Stand, agent: AgentNow, now: int) -> bool:
        """Of a free agent and a waiting call."""
        if not self._is_member(agent, stand.pool):
            return False
        if now < call.excluded.get(agent.facts.id, now):
            self.hits["not eligible: excluded"] += 1
            return False
        if not agent.facts.profile:
            return True
        entry = self.rules.profiles.get(agent.facts.profile, {}).get(stand.queue.id)
        if entry is None:
            self.hits["not eligible: profile"] += 1
            return False
        if now - call.call.queued_at < entry[1]:
            capped = self._capped(call, stand, now)
            self.hits["delay: over because capped" if capped else "not eligible: delay"] += 1
            return capped
        self.hits["delay: over"] += entry[1] > 0
        return True

    def _counts_offers(self, queue: str) -> bool:
        rules = self.rules.queues.get(queue)
        return rules is not None and any(("round_robin", ()) in step.order for step in rules.steps)
