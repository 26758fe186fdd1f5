"""The routing of docs/routing.md by brute force: lists, scans of everybody for everything, no index, no cache.

It imports nothing from cti_engine (import contract in pyproject.toml). Each method is the matcher's of the same name;
a step change is (contact, queue, left, step, skipped, overflow), a decision (contact, agent, queue, step, side, terms,
rules). `hits` counts which rules decided something.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

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
    may_hold,
    names_in,
    truth,
)

Change = tuple[str, str, int, int, tuple[tuple[int, str], ...], bool]
Decision = tuple[str, str, str, int, str, tuple[int, ...], str]
_WORD = 2**64 - 1


def mixed(number: int) -> int:
    """The finalizer of splitmix64."""
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _WORD
    return number ^ (number >> 31)


class _Agent:
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


class _Stand:
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


class _Call:
    def __init__(self, call: Call) -> None:
        self.call = call
        self.escalation = 0
        self.ringing = False
        self.excluded: dict[str, int] = {}
        self.stands: list[_Stand] = []

    def by_index(self) -> list[_Stand]:
        return sorted(self.stands, key=lambda stand: (stand.queue.number, stand.queue.id))

    def stand(self, queue: str) -> _Stand | None:
        return next((stand for stand in self.stands if stand.queue.id == queue), None)


class Oracle:
    def __init__(
        self, rules: Rules, agents: Iterable[Agent] = (), *, names: Callable[[str, str], Names], seed: int = 0
    ) -> None:
        self.rules = rules
        self.agents = {facts.id: _Agent(facts) for facts in agents}
        self.calls: dict[str, _Call] = {}
        self.names = names
        self.seed = seed
        self.now = 0
        self.offers = 0
        self.offers_of: Counter[str] = Counter()
        self.last_offer: dict[tuple[str, str], int] = {}
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

    def _plan_anew(self, call: _Call, stand: _Stand, now: int) -> Change:
        stand.queue, stand.version = self.rules.queues[stand.queue.id], self.rules.version
        stand.step, stand.pool, stand.raised = -1, [], 0
        return self._enter(call, stand, 0, now, -1)

    def set_agent(self, facts: Agent) -> None:
        if facts.id in self.agents:
            self.agents[facts.id].facts = facts
        else:
            self.agents[facts.id] = _Agent(facts)

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

    def new_day(self) -> None:
        for agent in self.agents.values():
            agent.answered = 0

    # calls

    def join(self, call: Call, queue: str, now: int) -> Change:
        self.now = now
        it = self.calls.setdefault(call.contact, _Call(call))
        stand = _Stand(self.rules.queues[queue], self.rules.version, now)
        it.stands.append(stand)
        return self._enter(it, stand, 0, now, -1)

    def restore(self, call: Call, standings: Iterable[Place], now: int) -> None:
        self.now = now
        it = _Call(call)
        for place in standings:
            if place.queue not in self.rules.queues:
                continue
            stand = _Stand(self.rules.queues[place.queue], self.rules.version, place.joined_at)
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
    def _freeze(stand: _Stand, now: int) -> None:
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

    def _enter(self, call: _Call, stand: _Stand, first: int, t: int, left: int) -> Change:
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

    def _why_skipped(self, call: _Call, stand: _Stand, step: Step, t: int) -> str:
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

    def _pool(self, call: _Call, stand: _Stand, step: Step) -> list[Tree]:
        alone = [bind(step.require, call.call.names)]
        return [*stand.pool, *alone] if step.cumulative else alone

    def _stand_in(self, call: _Call, stand: _Stand, i: int, t: int) -> None:
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

    def _members(self, pool: list[Tree]) -> list[_Agent]:
        return [agent for agent in self.agents.values() if self._is_member(agent, pool)]

    @staticmethod
    def _is_member(agent: _Agent, pool: list[Tree]) -> bool:
        return any(truth(condition, agent.names) is True for condition in pool)

    # who may have whom (5.1, 6)

    def _capped(self, call: _Call, stand: _Stand, now: int) -> bool:
        cap = stand.queue.longest_wait_cap
        return cap is not None and now - call.call.queued_at >= cap

    def _eligible(self, call: _Call, stand: _Stand, agent: _Agent, now: int) -> bool:
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

    # the order of calls (5)

    def _call_key(
        self, call: _Call, stand: _Stand, agent: _Agent | None, now: int
    ) -> tuple[int, int, int, int, int, str]:
        waited = now - call.call.queued_at
        level = 0
        if agent is not None and agent.facts.profile:
            level = self.rules.profiles[agent.facts.profile][stand.queue.id][0]
        if self._capped(call, stand, now):
            level = -1
        place = 2
        if stand.queue.classes is not None:
            names, threshold, lost, at_risk = stand.queue.classes
            if waited > threshold:
                name = "missed"
            elif waited > threshold - lost:
                name = "lost"
            elif waited > threshold - at_risk:
                name = "at_risk"
            else:
                name = "safe"
            place = names.index(name)
        priority = call.call.priority + call.escalation + stand.raised
        score = stand.queue.rate * (waited + call.call.head_start) + 1_000_000 * priority
        return (level, place, -score, call.call.seq, stand.queue.number, stand.queue.id)

    def call_for(self, agent: str, now: int) -> Decision | None:
        self.now = now
        it = self.agents[agent]
        if not it.free:
            return None
        ranked = sorted(
            (
                (self._call_key(call, stand, it, now), call, stand)
                for call in self.calls.values()
                for stand in call.stands
                if not call.ringing and self._eligible(call, stand, it, now)
            ),
            key=lambda entry: entry[0],
        )
        if not ranked:
            return None
        key, call, stand = ranked[0]
        if len(ranked) > 1:
            terms = ("level", "class", "score", "seq", "queue index", "queue id")
            decided = next(
                name for name, one, two in zip(terms, key, ranked[1][0], strict=True) if one != two
            )
            self.hits[f"call decided by {decided}"] += 1
            self.hits["call decided by level: capped"] += decided == "level" and key[0] == -1
        return (call.call.contact, agent, stand.queue.id, stand.step, "agent", key[:5], stand.version)

    # the order of agents (6)

    def agents_for(self, contact: str, now: int) -> list[Decision]:
        self.now = now
        call = self.calls.get(contact)
        if call is None or call.ringing:
            return []
        for stand in call.by_index():
            ranked = sorted(
                (self._agent_key(call, stand, agent, now), agent.facts.id)
                for agent in self.agents.values()
                if agent.free and self._eligible(call, stand, agent, now)
            )
            if ranked:
                self._count_order(stand, ranked)
                return [
                    (contact, agent, stand.queue.id, stand.step, "call", key, stand.version)
                    for key, agent in ranked[: stand.rule.offer_to]
                ]
        return []

    def _count_order(self, stand: _Stand, ranked: list[tuple[tuple[int, ...], str]]) -> None:
        if len(ranked) > 1:
            terms = [*(name for name, _ in stand.rule.order), "idle_since", "rank"]
            decided = next(
                name for name, one, two in zip(terms, ranked[0][0], ranked[1][0], strict=True) if one != two
            )
            self.hits[f"agent decided by {decided}"] += 1
            self.hits["offer_to several"] += stand.rule.offer_to > 1
            self.hits["offer_to cut"] += 1 < stand.rule.offer_to < len(ranked)

    def _agent_key(self, call: _Call, stand: _Stand, agent: _Agent, now: int) -> tuple[int, ...]:
        keys = [self._order_key(name, weights, call, stand, agent, now) for name, weights in stand.rule.order]
        return (*keys, agent.idle_since, self._rank(agent))

    def _rank(self, agent: _Agent) -> int:
        return sorted(self.agents).index(agent.facts.id)

    def _order_key(
        self,
        name: str,
        weights: tuple[tuple[str, int], ...],
        call: _Call,
        stand: _Stand,
        agent: _Agent,
        now: int,
    ) -> int:
        facts = agent.facts
        if name == "longest_idle":
            return agent.idle_since
        if name == "fewest_calls":
            return agent.answered
        if name == "lowest_cost":
            return facts.cost
        if name == "top_down":
            return facts.place
        if name == "least_occupied":
            return self._busy_ms(agent, now)
        if name in ("most_skilled", "least_skilled"):
            named = [facts.attributes.get(each) for each in names_in(stand.rule.require, "agent")]
            skill = sum(value for value in named if type(value) is int)
            return -skill if name == "most_skilled" else skill
        if name == "weighted":
            values: list[Any] = [facts.attributes.get(each) for each, _ in weights]
            return -sum(w * v for (_, w), v in zip(weights, values, strict=True) if isinstance(v, int))
        if name == "least_flexible":
            return len(self._could_stand_in(agent))
        if name == "round_robin":
            return self.last_offer.get((stand.queue.id, facts.id), 0)
        if name == "random":
            return mixed((self.seed + 0x9E3779B97F4A7C15 * (self.offers + 1) ^ self._rank(agent)) & _WORD)
        if name == "site_affinity":
            if facts.site == call.call.site:
                return 0
            near = self.rules.near.get(call.call.site, ())
            return 1 + (near.index(facts.site) if facts.site in near else len(near))
        assert name == "site_balance", name
        present = [each for each in self.agents.values() if each.facts.site == facts.site and each.logged_in]
        busy = [each for each in present if each.load > 0]
        return 1_000_000 * len(busy) // len(present) if present else 0

    @staticmethod
    def _busy_ms(agent: _Agent, now: int) -> int:
        start = (now // 60000 - 29) * 60000
        spans = [*agent.busy, *([(agent.busy_since, now)] if agent.load > 0 else [])]
        return sum(max(0, end - max(begin, start)) for begin, end in spans)

    def took(self, decision: Decision) -> None:
        self.offers += 1
        if self._counts_offers(decision[2]):
            self.offers_of[decision[2]] += 1
            self.last_offer[decision[2], decision[1]] = self.offers_of[decision[2]]

    def _counts_offers(self, queue: str) -> bool:
        rules = self.rules.queues.get(queue)
        return rules is not None and any(("round_robin", ()) in step.order for step in rules.steps)

    # burst (9)

    def burst(self, now: int) -> list[Decision]:
        self.now = now
        if not self.rules.burst:
            return []
        free = [agent for agent in self.agents.values() if agent.free]
        fits: dict[str, dict[str, _Stand]] = {}
        for call in self.calls.values():
            for stand in call.by_index():
                for agent in free:
                    if not call.ringing and self._eligible(call, stand, agent, now):
                        fits.setdefault(call.call.contact, {}).setdefault(agent.facts.id, stand)
        if len(fits) < 2 or len({agent for agents in fits.values() for agent in agents}) < 2:
            return []
        decisions: list[Decision] = []
        while any(fits.values()):
            contact = min(
                (contact for contact, agents in fits.items() if agents),
                key=lambda contact: (len(fits[contact]), self._rank_without_profile(contact, now)),
            )
            terms = min(
                (
                    sum(agent in agents for agents in fits.values()),
                    self.agents[agent].idle_since,
                    self._rank(self.agents[agent]),
                )
                for agent in fits[contact]
            )
            chosen = sorted(self.agents)[terms[2]]
            stand = fits.pop(contact)[chosen]
            decisions.append((contact, chosen, stand.queue.id, stand.step, "burst", terms, stand.version))
            for agents in fits.values():
                agents.pop(chosen, None)
        self.hits["burst: decisions"] += len(decisions)
        return decisions

    def _rank_without_profile(self, contact: str, now: int) -> tuple[int, ...]:
        call = self.calls[contact]
        return min(self._call_key(call, stand, None, now)[:5] for stand in call.stands)

    # time

    def _wakes(self) -> list[tuple[int, int, str]]:
        """The moments at which an exclusion or a delay of a call runs out, and which were not handed out yet."""
        moments = []
        for contact, call in self.calls.items():
            moments += [(until, call.call.seq, contact) for until in call.excluded.values()]
            for stand in call.stands:
                cap = stand.queue.longest_wait_cap
                for delay in self._delays(stand.queue.id):
                    after = delay if cap is None else min(delay, cap)
                    moments.append((call.call.queued_at + after, call.call.seq, contact))
        return [moment for moment in moments if moment[:2] > self.woken]

    def _delays(self, queue: str) -> set[int]:
        entries = [profile[queue] for profile in self.rules.profiles.values() if queue in profile]
        return {delay for _, delay in entries if delay}

    def _step_timers(self) -> list[tuple[int, int, int, _Call, _Stand]]:
        return [
            (stand.deadline, call.call.seq, stand.queue.number, call, stand)
            for call in self.calls.values()
            for stand in call.stands
            if stand.deadline is not None
        ]

    def next_timer(self) -> int | None:
        moments = [timer[0] for timer in self._step_timers()] + [wake[0] for wake in self._wakes()]
        return min(moments) if moments else None

    def take_due(self, now: int) -> Change | str | None:
        self.now = now
        timers = sorted(
            (t for t in self._step_timers() if t[0] <= now), key=lambda t: (*t[:3], t[4].queue.id)
        )
        wakes = sorted(wake for wake in self._wakes() if wake[0] <= now)
        if timers and not (wakes and wakes[0][0] < timers[0][0]):
            deadline, _, _, call, stand = timers[0]
            self.hits["timer: late"] += deadline < now
            self.hits["timer: several at one moment"] += len(timers) > 1 and timers[1][0] == deadline
            return self._enter(call, stand, stand.step + 1, deadline, stand.step)
        if wakes:
            self.woken = wakes[0][:2]
            return wakes[0][2]
        return None

    # what people see

    def waiting(self, queue: str) -> list[str]:
        found = []
        for contact, call in self.calls.items():
            stand = call.stand(queue)
            if stand is not None and not call.ringing:
                found.append((self._call_key(call, stand, None, self.now), contact))
        return [contact for _, contact in sorted(found)]

    def position(self, contact: str, queue: str | None = None) -> int:
        call = self.calls.get(contact)
        if call is None or call.ringing:
            return 0
        waiting = self.waiting(queue or call.by_index()[0].queue.id)
        return waiting.index(contact) + 1 if contact in waiting else 0

    def queues_of(self, agent: str) -> tuple[str, ...]:
        it = self.agents[agent]
        named = self.rules.profiles.get(it.facts.profile, {})
        return tuple(queue for queue in self._could_stand_in(it) if not it.facts.profile or queue in named)

    def _could_stand_in(self, agent: _Agent) -> list[str]:
        queues = sorted(self.rules.queues.values(), key=lambda queue: queue.number)
        return [
            queue.id
            for queue in queues
            if any(may_hold(step.require, agent.names) is True for step in queue.steps)
        ]

    def pool_size(self, contact: str, queue: str) -> tuple[int, int]:
        call = self.calls.get(contact)
        stand = call.stand(queue) if call else None
        members = self._members(stand.pool) if stand else []
        return (len(members), sum(agent.free for agent in members))
