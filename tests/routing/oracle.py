"""The routing of docs/routing.md by brute force: lists, scans of everybody for everything, no index, no cache.

It imports nothing from cti_engine (import contract in pyproject.toml). Each method is the matcher's of the same name;
a step change is (contact, queue, left, step, skipped, overflow), a decision (contact, agent, queue, step, side, terms,
rules). `hits` counts which rules decided something.
"""

from __future__ import annotations

from typing import Any

from tests.routing.oracle_state import AgentNow, CallNow, Change, Decision, Stand, Waiting
from tests.routing.plain import (
    may_hold,
    names_in,
)

_WORD = 2**64 - 1
CALLS = ("level", "group", "class", "score", "seq", "index")
BURST = ("calls", "idle_since", "rank")
Rival = tuple[str, str, str, int, tuple[int, ...]]
Record = tuple[tuple[str, ...], int, int, int, int, int, Rival | None, str]
"""Names of the terms, members, not free, excluded, profile, delay, who came second, the term in which that one lost."""


def mixed(number: int) -> int:
    """The finalizer of splitmix64."""
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _WORD
    return number ^ (number >> 31)


class Oracle(Waiting):
    # the order of calls (5)

    def _call_key(
        self, call: CallNow, stand: Stand, agent: AgentNow | None, now: int
    ) -> tuple[int, int, int, int, int, int, str]:
        waited = now - call.call.queued_at
        level = 0
        if agent is not None and agent.facts.profile:
            level = self.rules.profiles[agent.facts.profile][stand.queue.id][0]
        if self._capped(call, stand, now):
            level = -1
        group = self._group_level(call, stand, agent, now) if agent is not None else 0
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
        return (level, group, place, -score, call.call.seq, stand.queue.number, stand.queue.id)

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
            terms = ("level", "group", "class", "score", "seq", "queue index", "queue id")
            decided = next(
                name for name, one, two in zip(terms, key, ranked[1][0], strict=True) if one != two
            )
            self.hits[f"call decided by {decided}"] += 1
            self.hits["call decided by level: capped"] += decided == "level" and key[0] == -1
        return (call.call.contact, agent, stand.queue.id, stand.step, "agent", key[:6], stand.version)

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

    def _count_order(self, stand: Stand, ranked: list[tuple[tuple[int, ...], str]]) -> None:
        if len(ranked) > 1:
            terms = ["group", *(name for name, _ in stand.rule.order), "idle_since", "rank"]
            decided = next(
                name for name, one, two in zip(terms, ranked[0][0], ranked[1][0], strict=True) if one != two
            )
            self.hits[f"agent decided by {decided}"] += 1
            self.hits["offer_to several"] += stand.rule.offer_to > 1
            self.hits["offer_to cut"] += 1 < stand.rule.offer_to < len(ranked)

    def _agent_key(self, call: CallNow, stand: Stand, agent: AgentNow, now: int) -> tuple[int, ...]:
        keys = [self._order_key(name, weights, call, stand, agent, now) for name, weights in stand.rule.order]
        return (self._group_level(call, stand, agent, now), *keys, agent.idle_since, self._rank(agent))

    def _rank(self, agent: AgentNow) -> int:
        return sorted(self.agents).index(agent.facts.id)

    def _order_key(
        self,
        name: str,
        weights: tuple[tuple[str, int], ...],
        call: CallNow,
        stand: Stand,
        agent: AgentNow,
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
    def _busy_ms(agent: AgentNow, now: int) -> int:
        start = (now // 60000 - 29) * 60000
        spans = [*agent.busy, *([(agent.busy_since, now)] if agent.load > 0 else [])]
        return sum(max(0, end - max(begin, start)) for begin, end in spans)

    def took(self, decision: Decision) -> None:
        self.offers += 1
        if self._counts_offers(decision[2]):
            self.offers_of[decision[2]] += 1
            self.last_offer[decision[2], decision[1]] = self.offers_of[decision[2]]

    # the record (10)

    def records(self, decisions: list[Decision], now: int) -> list[Record]:
        """What each decision's record says, the pool's text left out."""
        self.now = now
        hits = self.hits.copy()  # what is asked a second time counts once
        found: list[Record] = []
        for decision in decisions:
            contact, agent, queue, _, side, terms, _ = decision
            call = self.calls[contact]
            stand = call.stand(queue)
            assert stand is not None
            ranked = self._rivals(call, stand, self.agents[agent], side, now)
            order: tuple[str, ...] = BURST if side == "burst" else CALLS
            if side == "call":
                order = ("group", *(name for name, _ in stand.rule.order), "idle_since", "rank")
                place = next(place for place, (key, _) in enumerate(ranked) if key == terms)
                ranked = ranked[place + 1 :]
            rival, lost_by = None, ""
            if ranked:
                rival = ranked[0][1]
                lost_by = next(n for n, one, two in zip(order, terms, rival[4], strict=True) if one != two)
                hits[f"record: {side} lost by {lost_by}"] += 1
            hits["record: nobody came second"] += not ranked
            counts = self._counts(call, stand, now)
            for name, count in zip(("not free", "excluded", "profile", "delay"), counts[1:], strict=True):
                hits[f"record: kept off: {name}"] += count > 0
            found.append((order, *counts, rival, lost_by))
        self.hits = hits
        return found

    def _rivals(
        self, call: CallNow, stand: Stand, agent: AgentNow, side: str, now: int
    ) -> list[tuple[tuple[Any, ...], Rival]]:
        """Agents of the call, itself among them; or the agent's other calls."""
        contact, queue = call.call.contact, stand.queue.id
        found: list[tuple[tuple[Any, ...], Rival]] = []
        if side == "call":
            for other in self.agents.values():
                if other.free and self._eligible(call, stand, other, now):
                    key = self._agent_key(call, stand, other, now)
                    found.append((key, (contact, other.facts.id, queue, stand.step, key)))
        elif side == "agent":
            for each in self.calls.values():
                for there in each.stands:
                    if each is not call and not each.ringing and self._eligible(each, there, agent, now):
                        rank = self._call_key(each, there, agent, now)
                        rival = (each.call.contact, agent.facts.id, there.queue.id, there.step, rank[:6])
                        found.append((rank, rival))
        return sorted(found)

    def _counts(self, call: CallNow, stand: Stand, now: int) -> tuple[int, int, int, int, int]:
        """Members, and those kept off: not free, excluded, profile, delay."""
        members = self._members(stand.pool)
        free = [agent for agent in members if agent.free]
        left = [agent for agent in free if not now < call.excluded.get(agent.facts.id, now)]
        named = [
            agent
            for agent in left
            if not agent.facts.profile or stand.queue.id in self.rules.profiles.get(agent.facts.profile, {})
        ]
        takes = [agent for agent in named if self._eligible(call, stand, agent, now)]
        return (
            len(members), len(members) - len(free), len(free) - len(left), len(left) - len(named),
            len(named) - len(takes),
        )  # fmt: skip

    # burst (9)

    def burst(self, now: int) -> list[Decision]:
        self.now = now
        if not self.rules.burst:
            return []
        free = [agent for agent in self.agents.values() if agent.free]
        fits: dict[str, dict[str, Stand]] = {}
        for call in self.calls.values():
            for stand in call.by_index():
                for agent in free:
                    if not call.ringing and self._eligible(call, stand, agent, now):
                        fits.setdefault(call.call.contact, {}).setdefault(agent.facts.id, stand)
        if len(fits) < 2 or len({agent for agents in fits.values() for agent in agents}) < 2:
            return []
        stands = {contact: dict(agents) for contact, agents in fits.items()}
        pairs: dict[str, str] = {}
        terms: dict[str, tuple[int, int, int]] = {}
        while any(fits.values()):
            contact = min(
                (contact for contact, agents in fits.items() if agents),
                key=lambda contact: (len(fits[contact]), self._rank_without_profile(contact, now)),
            )
            rank = min(self._burst_terms(agent, fits) for agent in fits[contact])
            chosen = sorted(self.agents)[rank[2]]
            pairs[contact], terms[chosen] = chosen, rank
            del fits[contact]
            for agents in fits.values():
                agents.pop(chosen, None)
        for contact in sorted(fits, key=lambda contact: self._rank_without_profile(contact, now)):
            newcomer = self._change_hands(contact, stands, pairs)
            if newcomer is not None:
                terms[newcomer] = self._burst_terms(newcomer, {})
                self.hits["burst: agents changed hands"] += 1
        self.hits["burst: decisions"] += len(pairs)
        found = [(contact, agent, stands[contact][agent], terms[agent]) for contact, agent in pairs.items()]
        return [
            (contact, agent, stand.queue.id, stand.step, "burst", rank, stand.version)
            for contact, agent, stand, rank in found
        ]

    def _burst_terms(self, agent: str, fits: dict[str, dict[str, Stand]]) -> tuple[int, int, int]:
        it = self.agents[agent]
        return (sum(agent in agents for agents in fits.values()), it.idle_since, self._rank(it))

    def _change_hands(
        self, contact: str, stands: dict[str, dict[str, Stand]], pairs: dict[str, str]
    ) -> str | None:
        """The shortest chain by which the call gets an agent and nobody loses theirs; who was free before it."""
        asked_by: dict[str, str] = {}
        line = [contact]
        while line:
            call = line.pop(0)
            for agent in sorted(
                stands[call], key=lambda id: (self.agents[id].idle_since, self._rank(self.agents[id]))
            ):
                if agent in asked_by:
                    continue
                asked_by[agent] = call
                if agent in pairs.values():
                    line.append(next(each for each, taken in pairs.items() if taken == agent))
            for last in asked_by:
                if last not in pairs.values():
                    agent = last
                    while True:
                        taker = asked_by[agent]
                        before = pairs.get(taker)
                        pairs[taker] = agent
                        if before is None:
                            return last
                        agent = before
        return None

    def _rank_without_profile(self, contact: str, now: int) -> tuple[int, ...]:
        call = self.calls[contact]
        return min(self._call_key(call, stand, None, now)[:6] for stand in call.stands)

    # time

    def _wakes(self) -> list[tuple[int, int, str]]:
        """The moments at which an exclusion or a delay of a call runs out, and which were not handed out yet."""
        delays: dict[str, set[int]] = {}
        for profile in self.rules.profiles.values():
            for queue, (_, delay) in profile.items():
                if delay:
                    delays.setdefault(queue, set()).add(delay)
        moments = []
        for contact, call in self.calls.items():
            moments += [(until, call.call.seq, contact) for until in call.excluded.values()]
            for stand in call.stands:
                cap = stand.queue.longest_wait_cap
                for delay in delays.get(stand.queue.id, ()):
                    after = delay if cap is None else min(delay, cap)
                    moments.append((call.call.queued_at + after, call.call.seq, contact))
        return [moment for moment in moments if moment[:2] > self.woken]

    def _step_timers(self) -> list[tuple[int, int, int, CallNow, Stand]]:
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

    def _could_stand_in(self, agent: AgentNow) -> list[str]:
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
