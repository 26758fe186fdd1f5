"""`make bench-routing`: decisions of the routing core per second, beside other ways to decide the same.

A decision is an input of the matcher (an agent becomes free, a call comes) to the chosen pair and its record, as the
other ways are timed too; the rate with what follows from it (the call leaves, the agent is busy) is a figure beside.
The reference state: benchmarks/routing_state.py.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import math
import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from rich.console import Console

from benchmarks.acd_signals import signals_per_s
from benchmarks.report import Report, percentile
from benchmarks.routing_baselines import NaiveScan, NumpyMask, Queued, SqlPass, names_of
from benchmarks.routing_state import START, Calls, Shape, make_agents, make_rules
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.routing.model import (
    ORDERS,
    AgentFacts,
    Order,
    QueueRules,
    RoutingRules,
    StepRule,
    WaitingCall,
)
from cti_engine.core.routing.pool_index import PoolIndex
from cti_engine.core.routing.precision import PrecisionMatcher
from cti_engine.wire.tasks import spawn

IDLE_SHARE = 0.3
"""Of the agents under light load."""
Asked = TypeVar("Asked")
SQL_QUEUES, SQL_AGENTS = 10, 1_000
EVENTS_PER_S = 20_000


@dataclass(slots=True)
class Times:
    """`latencies`: of decisions, from the input to the pair and its record, ns; `whole`: with what follows from them
    (the call leaves, the agent is busy), ns in all.
    """

    latencies: list[int] = field(default_factory=list)
    whole: int = 0

    @property
    def per_s(self) -> float:
        return 1e9 * len(self.latencies) / sum(self.latencies)

    @property
    def followed_per_s(self) -> float:
        return 1e9 * len(self.latencies) / self.whole

    def us(self, share: float) -> float:
        return percentile([value / 1000 for value in self.latencies], share)


class State:
    """A matcher in the reference state, and the calls that stand in it."""

    def __init__(self, shape: Shape, agents: Sequence[AgentFacts] | None = None) -> None:
        self.shape = shape
        self.agents = agents or make_agents(shape)
        self.matcher = PrecisionMatcher(make_rules(shape), self.agents)
        for agent in self.agents:
            self.matcher.log_in(agent.id, True)
        self.now = START
        self.chance = random.Random(shape.seed)
        self.calls = Calls(shape)
        self.waiting: dict[str, WaitingCall] = {}

    def fill(self) -> State:
        for _ in range(self.shape.calls):
            self.now += 12
            self.join()
        gc.collect()
        gc.freeze()  # as the engine does after loading
        return self

    def join(self) -> str:
        call, queue = self.calls.next(self.now)
        self.matcher.join(call, queue, self.now)
        self.waiting[call.contact] = call
        return call.contact

    def queued(self, contact: str) -> Queued:
        call, standing = self.waiting[contact], self.matcher.standings(contact)[0]
        neg = 1000 * (call.queued_at - call.head_start) - 1_000_000 * (call.priority + standing.raised)
        return Queued(neg, call.seq, contact, standing.pool[0])


def agents_come_free(state: State, decisions: int, *, refill: bool = True) -> Times:
    """Calls wait, agents become free one after the other; each served call is followed by a new one."""
    matcher, times, clock = state.matcher, Times(), time.perf_counter_ns
    for _ in range(decisions):
        state.now += 3
        agent = state.chance.choice(state.agents).id
        begin = clock()
        matcher.set_available(agent, True, state.now)
        decision = matcher.call_for(agent, state.now)
        decided = clock()
        if decision is not None:
            matcher.took(decision)
            matcher.leave(decision.contact)
        matcher.set_available(agent, False, state.now)
        times.whole += clock() - begin
        times.latencies.append(decided - begin)
        if decision is not None:
            del state.waiting[decision.contact]
            if refill:
                state.join()
    return times


def calls_come(state: State, decisions: int) -> Times:
    """Agents are idle, calls come one after the other; who was taken comes back at the end of the line."""
    matcher, times, clock = state.matcher, Times(), time.perf_counter_ns
    idle = state.chance.sample(list(state.agents), int(len(state.agents) * IDLE_SHARE))
    for agent in idle:
        matcher.set_available(agent.id, True, state.now - state.chance.randrange(100_000))
    for _ in range(decisions):
        state.now += 3
        call, queue = state.calls.next(state.now)
        begin = clock()
        matcher.join(call, queue, state.now)
        found = matcher.agents_for(call.contact, state.now)
        decided = clock()
        for decision in found:
            matcher.took(decision)
            matcher.set_available(decision.agent, False, state.now)
        matcher.leave(call.contact)
        times.whole += clock() - begin
        times.latencies.append(decided - begin)
        for decision in found:
            matcher.set_available(decision.agent, True, state.now)
    return times


def storm(state: State) -> float:
    """Every call's step is over at one moment: step changes, each asked for agents, per second."""
    state.now += 60_000
    changes, begin = 0, time.perf_counter()
    while (due := state.matcher.take_due(state.now)) is not None:
        state.matcher.agents_for(due if isinstance(due, str) else due.contact, state.now)
        changes += 1
    return changes / (time.perf_counter() - begin)


def per_second(ask: Callable[[Asked], object], asked: Sequence[Asked], seconds: float) -> float:
    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        ask(asked[count % len(asked)])
        count += 1
    return count / (time.perf_counter() - begin)


def assert_alike(state: State, naive: NaiveScan, mask: NumpyMask | None, questions: int) -> None:
    """The matcher and the baselines choose the same call. Raises AssertionError."""
    for agent in state.chance.sample(list(state.agents), min(questions, len(state.agents))):
        state.matcher.set_available(agent.id, True, state.now)
        decision = state.matcher.call_for(agent.id, state.now)
        state.matcher.set_available(agent.id, False, state.now)
        contact = None if decision is None else decision.contact
        assert naive.call_for(names_of(agent)) == contact, agent.id
        assert mask is None or mask.call_for(agent.id) == contact, agent.id


def sql_scans_per_s(scans: int, agents_of_queue: int) -> float:
    """mod_callcenter's pass over 10 queues; asserts that the matcher chooses the same pairs."""
    people = [
        AgentFacts(f"a{number:05d}", {"queue": f"q{number % SQL_QUEUES}"})
        for number in range(SQL_QUEUES * agents_of_queue)
    ]
    step = {q: StepRule(Condition(parse(f'agent.queue == "q{q}"'))) for q in range(SQL_QUEUES)}
    rules = RoutingRules("sql", {f"q{q}": QueueRules(f"q{q}", q, (step[q],)) for q in range(SQL_QUEUES)})
    matcher, chance = PrecisionMatcher(rules, people), random.Random(3)
    idle_since = {
        agent.id: START - 1 - place for place, agent in enumerate(chance.sample(people, len(people)))
    }
    for agent, since in idle_since.items():
        matcher.log_in(agent, True)
        matcher.set_available(agent, True, since)
    sql = SqlPass(idle_since, ((str(agent.attributes["queue"]), agent.id) for agent in people))
    expected = []
    for number in range(scans):
        contact, queue = f"c{number}", f"q{number % SQL_QUEUES}"
        sql.wait(contact, queue, -number)
        matcher.join(WaitingCall(contact, number, START), queue, START)
        decision = matcher.agents_for(contact, START)[0]
        matcher.set_available(decision.agent, False, START)
        expected.append((contact, decision.agent))
    begin = time.perf_counter()
    found = sql.decide(scans)
    taken = time.perf_counter() - begin
    assert found == expected
    return scans / taken


def exponent(sizes: Sequence[int], shape_of: Callable[[int], Shape], decisions: int) -> float:
    """Slope of log median latency over log size."""
    medians = [agents_come_free(State(shape_of(size)).fill(), decisions).us(0.5) for size in sizes]
    return float(np.polyfit([math.log(size) for size in sizes], [math.log(us) for us in medians], 1)[0])


def memory(shape: Shape) -> tuple[float, float]:
    """The matcher's own bytes per agent (rules and pools included) and per waiting call."""
    agents, rules, source = make_agents(shape), make_rules(shape), Calls(shape)
    arriving = [source.next(START + 12 * number) for number in range(shape.calls)]
    tracemalloc.start()
    matcher = PrecisionMatcher(rules, agents)
    for agent in agents:
        matcher.log_in(agent.id, True)
        matcher.set_available(agent.id, True, START)
    of_agents = tracemalloc.get_traced_memory()[0]
    for call, queue in arriving:
        matcher.join(call, queue, call.queued_at)
    of_calls = tracemalloc.get_traced_memory()[0] - of_agents
    tracemalloc.stop()
    return of_agents / len(agents), of_calls / len(arriving)


def reskill_ms(state: State, times: int) -> list[float]:
    """One agent's one level changes."""
    taken = []
    for _ in range(times):
        agent = state.chance.choice(state.agents)
        changed = {**agent.attributes, f"s{state.chance.randrange(72)}": state.chance.randint(1, 10)}
        begin = time.perf_counter()
        state.matcher.set_agent(replace(agent, attributes=changed))
        taken.append(1000 * (time.perf_counter() - begin))
        state.matcher.set_agent(agent)
    return taken


async def asyncio_p99_ms(state: State, seconds: float) -> float:
    """Moment when an event is due to its decision, a producer and the matcher on one loop. An event is one input of the
    matcher, in turn: an agent becomes free (and takes a call), the call leaves and the agent is busy, a call joins.
    """
    matcher, queue = state.matcher, asyncio.Queue[tuple[float, Callable[[], None]]]()
    calls = iter([state.calls.next(state.now + 3 * n) for n in range(int(seconds * EVENTS_PER_S / 3) + 2)])
    agents = [state.chance.choice(state.agents).id for _ in range(1000)]
    gc.collect()
    gc.freeze()  # the calls to come are the benchmark's
    taken: list[float] = []
    decided: list[tuple[str, str | None]] = []

    def becomes_free() -> None:
        agent = agents[len(taken) % len(agents)]
        matcher.set_available(agent, True, state.now)
        decision = matcher.call_for(agent, state.now)
        if decision is not None:
            matcher.took(decision)
        decided.append((agent, None if decision is None else decision.contact))

    def leaves() -> None:
        agent, contact = decided.pop()
        matcher.set_available(agent, False, state.now)
        if contact is not None:
            matcher.leave(contact)
            del state.waiting[contact]

    def joins() -> None:
        call, queue = next(calls)
        state.now = max(state.now, call.queued_at)
        matcher.join(call, queue, state.now)
        state.waiting[call.contact] = call

    async def produce(begin: float) -> None:
        sent = 0
        while (passed := time.perf_counter() - begin) < seconds:
            while sent < passed * EVENTS_PER_S:
                queue.put_nowait((begin + sent / EVENTS_PER_S, (becomes_free, leaves, joins)[sent % 3]))
                sent += 1
            await asyncio.sleep(0)
        queue.put_nowait((0.0, joins))

    producer = spawn(produce(time.perf_counter()), "producer")
    while True:
        due, event = await queue.get()
        if not due:
            break
        event()
        taken.append(1000 * (time.perf_counter() - due))
    await producer
    return percentile(taken, 0.99)


def measured(scale: float, decisions: int, seconds: float) -> Report:
    """Everything; `scale` of agents, queues and calls, `decisions` of each measurement, `seconds` of each baseline."""
    report, say = Report("bench-routing"), Console(stderr=True).print

    def scaled(number: int) -> int:
        return max(2, int(number * scale))

    shape = Shape(scaled(10_000), scaled(1_000), scaled(50_000))

    say("compiling")
    agents, rules = make_agents(shape), make_rules(shape)
    everybody = [names_of(agent) for agent in agents]
    compiling = []
    for _ in range(3):
        begin = time.perf_counter()
        PoolIndex(rules, agents)
        compiling.append(time.perf_counter() - begin)

    say("heavy: all agents busy, calls wait")
    state = State(shape, agents).fill()
    queue = [state.queued(contact) for contact in state.waiting]
    naive, mask = NaiveScan(queue), NumpyMask(queue, agents)
    assert_alike(state, naive, mask, 300)
    # Of the queue as it was filled: once calls have been served, those in front are the ones that few agents can take,
    # which a scan passes over again and again.
    naive_uniform = per_second(naive.call_for, everybody, seconds)
    mask_per_s = per_second(mask.call_for, [agent.id for agent in agents], seconds)
    agents_come_free(state, decisions // 10)
    heavy = agents_come_free(state, decisions)
    reskills = reskill_ms(state, max(20, decisions // 100))
    over_asyncio = asyncio.run(asyncio_p99_ms(state, seconds))
    storm_per_s = storm(state)

    say("skewed: twenty rare conditions")
    rare = State(replace(shape, queues=20, rare=True), agents).fill()
    skewed = agents_come_free(rare, decisions)
    rare_scan = NaiveScan(rare.queued(contact) for contact in rare.waiting)
    assert_alike(rare, rare_scan, None, 100)
    naive_skewed = per_second(rare_scan.call_for, everybody, seconds)

    say("light: agents idle, calls come")
    light = calls_come(State(replace(shape, calls=0), agents), decisions)
    sql = sql_scans_per_s(40, scaled(SQL_AGENTS))

    for name in ORDERS:
        say(f"order {name}")
        weights = (("s1", 2), ("s2", -1)) if name == "weighted" else ()
        ordered = State(replace(shape, calls=0, order=(Order(name, weights),)), agents)
        times = calls_come(ordered, max(20, decisions // 40))
        report.figure(
            f"order_{name}", {"p50_us": round(times.us(0.5), 1), "p99_us": round(times.us(0.99), 1)}
        )

    say("scaling")
    fewer = max(50, decisions // 4)
    by_agents = exponent(
        [scaled(n) for n in (1_000, 3_000, 10_000, 30_000)], lambda n: replace(shape, agents=n), fewer
    )
    by_queue = exponent(
        [scaled(n) for n in (2_000, 20_000, 200_000)], lambda n: replace(shape, calls=n), fewer
    )
    by_expressions = exponent(
        [scaled(n) for n in (100, 1_000, 3_000)], lambda n: replace(shape, queues=n), fewer
    )
    say("the whole Acd")
    acd_per_s = signals_per_s(max(50, decisions // 4))
    say("memory")
    per_agent, per_call = memory(shape)

    # a ratio counts only beside baselines that are worth comparing with
    fair = naive_uniform >= 40_000 and mask_per_s >= 7_000 and sql >= 30
    report.goal("decisions_per_s", ">= 100000", heavy.per_s, "1/s")
    report.goal("decision_p50_us", "<= 8", heavy.us(0.5), "us")
    report.goal("decision_p99_us", "<= 40", heavy.us(0.99), "us")
    report.goal("decision_p999_us", "<= 500", heavy.us(0.999), "us")
    report.goal("vs_naive_skewed", ">= 1000", skewed.per_s / naive_skewed if fair else 0.0)
    report.goal("vs_sql_pass", ">= 1000", heavy.per_s / sql if fair else 0.0)
    report.goal("baseline_naive_uniform_per_s", ">= 40000", naive_uniform, "1/s")
    report.goal("baseline_numpy_mask_per_s", ">= 7000", mask_per_s, "1/s")
    report.goal("baseline_sql_scans_per_s", ">= 30", sql, "1/s")
    report.goal("exponent_agents", "<= 0.15", by_agents)
    report.goal("exponent_queue", "<= 0.15", by_queue)
    report.goal("exponent_expressions", "<= 0.3", by_expressions)
    report.goal("bytes_per_agent", "<= 4096", per_agent, "B")
    report.goal("bytes_per_call", "<= 400", per_call, "B")
    report.goal("compile_s", "<= 1", percentile(compiling, 0.5), "s")
    report.goal("reskill_ms", "<= 0.5", percentile(reskills, 0.5), "ms")
    report.goal("acd_signals_per_s", ">= 15000", acd_per_s, "1/s")
    report.goal("asyncio_event_p99_ms", "<= 1", over_asyncio, "ms")
    for name, times in (("heavy", heavy), ("skewed", skewed), ("light", light)):
        report.figure(f"{name}_per_s", times.per_s)
        report.figure(f"{name}_with_what_follows_per_s", times.followed_per_s)
        report.figure(f"{name}_us", [round(times.us(share), 1) for share in (0.5, 0.99, 0.999)])
    report.figure("storm_step_changes_per_s", storm_per_s)
    report.figure("reskill_p99_ms", percentile(reskills, 0.99))
    report.figure("naive_skewed_per_s", naive_skewed)
    report.figure("scale", scale)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench-routing", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of agents, queues and calls; goals mean 1")
    parser.add_argument("--decisions", type=int, default=20_000, help="of each measurement")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each baseline")
    options = parser.parse_args()
    return measured(options.scale, options.decisions, options.seconds).finish()


if __name__ == "__main__":
    sys.exit(main())
