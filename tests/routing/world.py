"""What surrounds the matcher, in small: callers, agents' phones and a clock, driven by concrete events.

An event is a tuple (name, ...) that means nothing when it does not apply, so that a list of them can be shrunk. The
world does what docs/routing.md 7 asks of the Acd, tells all to a center (engines.py) and writes a trace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.routing.plain import Agent, Call, Difference, Names, Rules

Event = tuple[Any, ...]
START = 1_700_000_000_000
MOST_OVERFLOWS = 3
MOST_TIMERS = 20_000


class _Person:
    def __init__(self, facts: Agent) -> None:
        self.facts = facts
        self.logged_in = False
        self.ready = False
        self.idle_since = START
        self.talks: list[str] = []
        self.rings = ""

    @property
    def load(self) -> int:
        return len(self.talks) + bool(self.rings)

    @property
    def available(self) -> bool:
        return self.ready and not self.rings


class _Caller:
    def __init__(self, call: Call, values: dict[str, Any]) -> None:
        self.call = call
        self.values = values
        self.queues: list[str] = []
        self.ringing: list[str] = []  # the agents whose phones ring
        self.escalation = 0
        self.excluded: dict[str, int] = {}
        self.overflows = 0


class World:
    """`make_center` gets (rules, agents, names)."""

    def __init__(self, make_center: Any, rules: Rules, agents: Iterable[Agent]) -> None:
        self.now = START
        self.rules = rules
        self.people = {facts.id: _Person(facts) for facts in agents}
        self.callers: dict[str, _Caller] = {}
        self.slow: dict[str, tuple[str, ...]] = {}  # queue: groups
        self.values: dict[str, Any] = {}  # "queue.<id>.<name>" and "now.<name>"
        self.seq = 0
        self.trace: list[tuple[Any, ...]] = []
        self.hits: Counter[str] = Counter()
        self.center = make_center(rules, [person.facts for person in self.people.values()], self.names)

    def names(self, contact: str, queue: str) -> Names:
        def lookup(name: str) -> object:
            family, _, own = name.partition(".")
            if family == "call":
                caller = self.callers.get(contact)
                return caller.values.get(own) if caller else None
            return self.values.get(f"queue.{queue}.{own}" if family == "queue" else name)

        return lookup

    def apply(self, event: Event) -> None:
        """Due timers first, then the event, then what may be matched now."""
        before = self.now
        self._run_due()
        getattr(self, f"do_{event[0]}")(*event[1:])
        self._run_due()
        moment = self.center.next_timer()
        if moment is not None and moment <= self.now:
            raise Difference("next_timer after all due ones were taken", f"> {self.now}", moment)
        self.hits["equal time stamps"] += self.now == before
        self.trace.append(("rest", self.now))

    # matching (docs/routing.md, 7)

    def _match_call(self, contact: str) -> None:
        caller = self.callers.get(contact)
        if caller is not None and not caller.ringing:
            self._offer(self.center.tell("agents_for", contact, self.now))

    def _match_agent(self, agent: str) -> None:
        while agent in self.people:
            decision = self.center.tell("call_for", agent, self.now)
            if decision is None:
                return
            self._offer([decision])

    def _match_all(self) -> None:
        """Burst first where the rules have it, then every free agent by (idle_since, rank)."""
        burst = self.center.tell("burst", self.now)
        self.trace.append(("burst", self.now, tuple((decision[0], decision[1]) for decision in burst)))
        for decision in burst:
            self._offer([decision])
        for agent in sorted(self.people, key=lambda agent: (self.people[agent].idle_since, agent)):
            self._match_agent(agent)

    def _offer(self, decisions: list[Any]) -> None:
        if not decisions:
            return
        contact, queue = decisions[0][0], decisions[0][2]
        self.trace.append(("offer", self.now, *map(tuple, decisions)))
        self.hits["offer: of a call in several queues"] += len(self.callers[contact].queues) > 1
        self.hits["offer: to several agents"] += len(decisions) > 1
        self.center.tell("records", decisions, self.now)
        self.center.tell("offered", contact, queue, self.now)
        for decision in decisions:
            agent = decision[1]
            self.hits["offer: to an agent with a contact"] += self.people[agent].load > 0
            self.center.tell("took", decision)
            self.center.tell("begin_contact", agent, self.now)
            self.people[agent].rings = contact
            self.callers[contact].ringing.append(agent)
            self._tell_available(agent)

    def _run_due(self) -> None:
        for _ in range(MOST_TIMERS):
            due = self.center.due(self.now)
            if due is None:
                return
            if isinstance(due, str):
                self.hits["timer: a delay or exclusion ran out and gave an agent"] += 1
                self._match_call(due)
            else:
                self._changed(due)
                self._match_call(due[0])
        raise Difference("take_due", "an end", "timers without end")

    def _changed(self, change: Any) -> None:
        """A step change; overflow goes to the next queue that the call is not in, before or after it leaves."""
        contact, queue, overflow = change[0], change[1], change[5]
        self.trace.append(("step", self.now, tuple(change)))
        if not overflow:
            return
        caller = self.callers[contact]
        caller.overflows += 1
        others = [each for each in self.rules.queues if each not in caller.queues]
        target = (
            others[caller.call.seq % len(others)] if others and caller.overflows <= MOST_OVERFLOWS else ""
        )
        self.hits["overflow: to another queue"] += bool(target)
        if target and caller.call.seq % 2:
            self._enter_queue(caller, target)
            self._leave_queue(caller, queue)
            return
        self._leave_queue(caller, queue)
        if target:
            self.callers[contact] = caller
            self._enter_queue(caller, target)

    def _enter_queue(self, caller: _Caller, queue: str) -> None:
        caller.queues.append(queue)
        self.trace.append(("stands", self.now, caller.call.contact, queue))
        self._changed(self.center.tell("join", caller.call, queue, self.now))

    def _leave_queue(self, caller: _Caller, queue: str) -> None:
        if queue in caller.queues:
            caller.queues.remove(queue)
            self.center.tell("leave_queue", caller.call.contact, queue)
            self.trace.append(("leaves", self.now, caller.call.contact, queue))
        if not caller.queues:
            self.callers.pop(caller.call.contact, None)
            caller.escalation, caller.excluded = 0, {}

    def _tell_available(self, agent: str) -> None:
        person = self.people[agent]
        self.center.tell("set_available", agent, person.available, person.idle_since)
        self.trace.append(("agent", self.now, agent, person.available, person.idle_since, person.load))

    # time

    def do_time(self, ms: int, leap: bool) -> None:
        """A leap is a machine that slept: all timers run late, at its end."""
        target = self.now + ms
        for _ in range(MOST_TIMERS):
            moment = self.center.next_timer()
            if leap or moment is None or moment > target:
                break
            self.now = max(self.now, moment)
            self._run_due()
        self.now = target

    # callers

    def do_join(
        self, contact: str, queues: tuple[str, ...], facts: dict[str, Any], ago: int, values: dict[str, Any]
    ) -> None:
        queues = tuple(queue for queue in queues if queue in self.rules.queues)
        if contact in self.callers or not queues:
            return
        self.seq += 1
        kept = dict(values)
        call = Call(
            contact, self.seq, self.now - ago, **facts,
            names=lambda name: kept.get(name.removeprefix("call.")) if name.startswith("call.") else None,
        )  # fmt: skip
        self.callers[contact] = caller = _Caller(call, kept)
        self.trace.append(("call", self.now, call, kept))
        for queue in queues:
            if contact in self.callers and queue not in caller.queues:
                self._enter_queue(caller, queue)
        self._match_call(contact)

    def do_join_more(self, contact: str, queue: str) -> None:
        caller = self.callers.get(contact)
        if caller is None or caller.ringing or queue in caller.queues or queue not in self.rules.queues:
            return
        self._enter_queue(caller, queue)
        self._match_call(contact)

    def do_leave_queue(self, contact: str, queue: str) -> None:
        caller = self.callers.get(contact)
        if caller is not None and not caller.ringing:
            self._leave_queue(caller, queue)

    def do_abandon(self, contact: str) -> None:
        caller = self.callers.pop(contact, None)
        if caller is None:
            return
        self.center.tell("leave", contact)
        self.trace.append(("gone", self.now, contact))
        self._stop_ringing(caller, caller.ringing)

    def _stop_ringing(self, caller: _Caller, agents: Iterable[str], stays_ready: bool = True) -> None:
        stopped = [agent for agent in agents if agent in self.people]
        for agent in stopped:
            self.people[agent].rings = ""
            self.people[agent].ready &= stays_ready
            self.center.tell("end_contact", agent, self.now, answered=False)
            self._tell_available(agent)
        caller.ringing = []
        for agent in stopped:
            self._match_agent(agent)

    def do_answer(self, contact: str, which: int) -> None:
        caller = self.callers.get(contact)
        if caller is None or not caller.ringing:
            return
        agent = caller.ringing[which % len(caller.ringing)]
        others = [each for each in caller.ringing if each != agent]
        self.hits["answer: of one of several phones"] += bool(others)
        del self.callers[contact]
        self.center.tell("leave", contact)
        self.trace.append(("answered", self.now, contact, agent))
        person = self.people[agent]
        person.rings = ""
        person.talks.append(contact)
        self._tell_available(agent)
        self._stop_ringing(caller, others)
        self._match_agent(agent)

    def do_no_answer(self, contact: str, cool: int, stays_ready: bool) -> None:
        caller = self.callers.get(contact)
        if caller is None or not caller.ringing:
            return
        ringing, caller.ringing = caller.ringing, []
        self.hits["back: into several queues"] += len(caller.queues) > 1
        for agent in ringing:
            self.center.tell("exclude", contact, agent, self.now + cool)
            caller.excluded[agent] = self.now + cool
            self.trace.append(("excluded", self.now, contact, agent, self.now + cool))
        self.center.tell("back", contact, self.now)
        self.trace.append(("back", self.now, contact))
        for agent in ringing:
            self.people[agent].rings = ""
            self.people[agent].ready &= stays_ready
            self.center.tell("end_contact", agent, self.now, answered=False)
            self._tell_available(agent)
        self._match_call(contact)
        for agent in ringing:
            self._match_agent(agent)

    def do_raise(self, contact: str, points: int) -> None:
        if contact in self.callers:
            self.callers[contact].escalation += points
            self.center.tell("raise_priority", contact, points)
            self.trace.append(("raised", self.now, contact, points))

    def do_exclude(self, contact: str, agent: str, ms: int) -> None:
        if contact in self.callers and agent in self.people:
            self.callers[contact].excluded[agent] = self.now + ms
            self.center.tell("exclude", contact, agent, self.now + ms)
            self.trace.append(("excluded", self.now, contact, agent, self.now + ms))
            self._match_call(contact)  # it may have replaced a longer one

    def do_value(self, contact: str, name: str, value: Any) -> None:
        if contact in self.callers:
            self.callers[contact].values[name] = value
            self.trace.append(("value", self.now, contact, name, value))

    def do_fact(self, name: str, value: Any) -> None:
        self.values[name] = value

    # agents

    def do_end(self, agent: str, which: int) -> None:
        person = self.people.get(agent)
        if person is None or not person.talks:
            return
        person.talks.pop(which % len(person.talks))
        self.center.tell("end_contact", agent, self.now, answered=True)
        person.idle_since = self.now
        self._tell_available(agent)
        self._match_agent(agent)

    def do_ready(self, agent: str, ready: bool) -> None:
        person = self.people.get(agent)
        if person is not None and person.ready != ready:
            person.ready = ready
            self._tell_available(agent)
            self._match_agent(agent)

    def do_login(self, agent: str, logged_in: bool, ago: int) -> None:
        """Ready at once, the idle clock `ago` ms back; out: not ready any more, a call goes on."""
        if agent in self.people:
            self._log_in(agent, logged_in, ago)
            self._match_agent(agent)

    def _log_in(self, agent: str, logged_in: bool, ago: int) -> None:
        person = self.people[agent]
        person.logged_in = person.ready = logged_in
        person.idle_since = self.now - ago
        self.center.tell("log_in", agent, logged_in)
        self._tell_available(agent)

    def do_shift(self, agents: tuple[str, ...]) -> None:
        """Several agents are there at one moment, before anything is matched."""
        for agent in agents:
            if agent in self.people:
                self._log_in(agent, True, 0)
        self._match_all()

    def do_facts(self, facts: Agent) -> None:
        """Hired, reskilled, moved, another profile or capacity."""
        self.hits["reskill: while calls wait"] += facts.id in self.people and bool(self.callers)
        if facts.id in self.people:
            self.people[facts.id].facts = facts
        else:
            self.people[facts.id] = _Person(facts)
        self.trace.append(("facts", self.now, facts))
        self.center.tell("set_agent", facts)
        self._match_agent(facts.id)

    def do_remove(self, agent: str) -> None:
        if agent in self.people:
            self.center.tell("remove_agent", agent)
            self._forget(agent)

    def _forget(self, *agents: str) -> None:
        """They are gone all at once, before anything is matched."""
        gone = [(agent, self.people.pop(agent)) for agent in agents]
        self.trace += [("removed", self.now, agent) for agent in agents]
        for agent, person in gone:
            caller = self.callers.get(person.rings)
            if caller is not None:
                caller.ringing.remove(agent)
                if not caller.ringing:
                    self.center.tell("back", person.rings, self.now)
                    self.trace.append(("back", self.now, person.rings))
                    self._match_call(person.rings)

    def do_slow(self, queue: str, groups: tuple[str, ...]) -> None:
        """Handle times have shown other groups to be markedly slower in this queue."""
        self.slow[queue] = groups
        self.center.tell("set_slow", queue, groups)
        self.trace.append(("slow", self.now, queue, groups))

    def do_new_day(self) -> None:
        self.center.tell("new_day")

    # rules

    def do_install(self, rules: Rules, agents: tuple[Agent, ...]) -> None:
        self.rules = rules
        self.hits["install: while calls wait"] += bool(self.callers)
        self.trace.append(("rules", self.now, rules))
        self.center.tell("install", rules, agents)
        wanted = {facts.id: facts for facts in agents}
        for agent, facts in wanted.items():
            self.trace.append(("facts", self.now, facts))
            if agent in self.people:
                self.people[agent].facts = facts
            else:
                self.people[agent] = _Person(facts)
        self._forget(*(each for each in self.people if each not in wanted))
        self._match_all()

    def do_replan(self) -> None:
        for change in self.center.tell("replan", self.now):
            self.hits["replan: of a waiting call"] += 1
            self.trace.append(("replans", self.now, change[0], change[1]))
            if change[0] in self.callers:
                self._changed(change)
        self._match_all()

    def do_restart(self) -> None:
        restore = self.center.restart(self.rules, [person.facts for person in self.people.values()])
        for queue, groups in self.slow.items():
            self.center.tell("set_slow", queue, groups)
        for agent, person in self.people.items():
            self.center.tell("log_in", agent, person.logged_in)
            for _ in range(person.load):
                self.center.tell("begin_contact", agent, self.now)
            self._tell_available(agent)
        for contact, caller in sorted(self.callers.items(), key=lambda pair: pair[1].call.seq):
            self.hits["restart: with a call that rings"] += bool(caller.ringing)
            self.hits["restart: with a call that waits"] += not caller.ringing
            restore(caller.call._replace(priority=caller.call.priority + caller.escalation), self.now)
            caller.call = caller.call._replace(priority=caller.call.priority + caller.escalation)
            caller.escalation = 0
            self._after_restore(contact, caller)
        self._match_all()

    def _after_restore(self, contact: str, caller: _Caller) -> None:
        places = self.center.tell("standings", contact)
        standing = [place.queue for place in places]
        self.trace.append(("restored", self.now, contact, {place.queue: place.step for place in places}))
        caller.queues = [queue for queue in caller.queues if queue in standing]
        for agent, until in caller.excluded.items():
            if caller.queues:
                self.center.tell("exclude", contact, agent, until)
        for place in places:
            if place.step == -1:
                self._leave_queue(caller, place.queue)
        if not caller.queues:
            self.callers.pop(contact, None)
            self.trace.append(("gone", self.now, contact))
            for agent in caller.ringing:
                self.people[agent].rings = ""
                self.center.tell("end_contact", agent, self.now, answered=False)
                self._tell_available(agent)

    # looking

    def do_look(self) -> None:
        """Everything that can be asked, of everybody."""
        for queue in self.rules.queues:
            self.center.tell("waiting", queue)
        for contact, caller in self.callers.items():
            self.center.tell("standings", contact)
            self.center.tell("position", contact)
            self.center.tell("agents_for", contact, self.now)
            for queue in caller.queues:
                self.center.tell("position", contact, queue)
                self.center.tell("pool_size", contact, queue)
        for agent in self.people:
            self.center.tell("queues_of", agent)
            self.center.tell("call_for", agent, self.now)
        self.center.tell("burst", self.now)
