"""Runs of random events through oracle and subject: until a difference, which is shrunk to a short script."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from tests.routing.engines import Alone, Lockstep, Make, QueueNames, make_matcher, make_oracle
from tests.routing.plain import Agent, Difference, Queue, Rules, Step
from tests.routing.random_centers import Centers
from tests.routing.trace import Judge
from tests.routing.world import Event, World

EVENTS_PER_CENTER = 400


class Script(NamedTuple):
    """A center and what happened in it."""

    rules: Rules
    agents: tuple[Agent, ...]
    events: tuple[Event, ...]

    def __str__(self) -> str:
        lines = [f"rules = {self.rules}", f"agents = {self.agents}", "events = ("]
        return "\n".join([*lines, *(f"    {event}," for event in self.events), ")"])


class Found(NamedTuple):
    seed: int
    script: Script
    difference: str


def _world(make: Make, oracle: Make, script: Script) -> tuple[World, Lockstep]:
    made: list[Lockstep] = []

    def center(rules: Rules, agents: list[Agent], names: QueueNames) -> Lockstep:
        made.append(Lockstep(make, rules, agents, names, seed=7, oracle=oracle))
        return made[0]

    return World(center, script.rules, script.agents), made[0]


def random_run(
    seed: int, make: Make = make_matcher, events: int = EVENTS_PER_CENTER, oracle: Make = make_oracle
) -> tuple[Counter[str], Found | None]:
    """One center of `events` events. Returns what was hit, and the difference that ended the run."""
    centers = Centers(seed)
    happened: list[Event] = []
    hits: Counter[str] = Counter()
    try:
        world, center = _world(make, oracle, Script(centers.rules, centers.agents, ()))
        for _ in range(events):
            event = centers.random_event(world)
            happened.append(event)
            hits[f"event: {event[0]}"] += 1
            if event[0] == "restart":
                hits += center.oracle.engine.hits
            world.apply(event)
        hits += center.oracle.engine.hits
        hits += world.hits
    except Difference as difference:
        return hits, Found(seed, Script(centers.rules, centers.agents, tuple(happened)), str(difference))
    return hits, None


def trace_run(seed: int, make: Make = make_matcher, events: int = EVENTS_PER_CENTER) -> Judge:
    """A large center without the oracle; its trace is judged."""
    centers = Centers(seed, large=True)
    world = World(
        lambda rules, agents, names: Alone(make, rules, agents, names, seed=7), centers.rules, centers.agents
    )
    judge = Judge(centers.rules, centers.agents)
    for _ in range(events):
        world.apply(centers.random_event(world))
        judge.read(world.trace)
        world.trace.clear()
    judge.read(
        [("end", world.now, {queue: world.center.tell("waiting", queue) for queue in centers.queue_ids})]
    )
    return judge


def difference_of(script: Script, make: Make = make_matcher, oracle: Make = make_oracle) -> str:
    """The difference that the script shows, or empty."""
    try:
        world, _ = _world(make, oracle, script)
        for event in script.events:
            world.apply(event)
    except Difference as difference:
        return str(difference)
    return ""


def shrink(script: Script, make: Make = make_matcher, oracle: Make = make_oracle) -> Script:
    """The shortest script found that still shows a difference (any), by leaving out and simplifying."""

    def shows(candidate: Script) -> bool:
        return bool(difference_of(candidate, make, oracle))

    size = len(script.events) // 2
    while size > 1:
        at = 0
        while at < len(script.events):
            fewer = script._replace(events=script.events[:at] + script.events[at + size :])
            if shows(fewer):
                script = fewer
            else:
                at += size
        size //= 2
    before = None
    while script != before:
        before = script
        for simpler in (_fewer_events, _fewer_agents, _plainer_rules, _plainer_agents):
            at = 0
            while at < len(candidates := simpler(script)):
                if shows(candidates[at]):
                    script = candidates[at]
                else:
                    at += 1
    return script


def _fewer_events(script: Script) -> list[Script]:
    return [script._replace(events=each) for each in _one_less(script.events)]


def _fewer_agents(script: Script) -> list[Script]:
    return [script._replace(agents=each) for each in _one_less(script.agents)]


def _one_less(things: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [things[:at] + things[at + 1 :] for at in range(len(things))]


def _plainer_agents(script: Script) -> list[Script]:
    return [
        script._replace(agents=(*script.agents[:at], plainer, *script.agents[at + 1 :]))
        for at, agent in enumerate(script.agents)
        for plainer in _plainer(agent, Agent(agent.id, {}))
    ]


def _plainer_rules(script: Script) -> list[Script]:
    rules = script.rules
    found = [
        rules._replace(queues={q: rules.queues[q] for q in rules.queues if q != gone})
        for gone in rules.queues
    ]
    found = [each for each in found if each.queues]
    found += _plainer(rules, Rules(rules.version, rules.queues))
    for queue in rules.queues.values():
        plainer = _plainer(queue, Queue(queue.id, queue.number, queue.steps))
        for at, step in enumerate(queue.steps):
            steps = [(), *((each,) for each in _plainer(step, Step()))]
            plainer += [queue._replace(steps=queue.steps[:at] + one + queue.steps[at + 1 :]) for one in steps]
        found += [rules._replace(queues=rules.queues | {queue.id: each}) for each in plainer if each.steps]
    return [script._replace(rules=each) for each in found]


def _plainer(thing: Any, plain: Any) -> list[Any]:
    """One field at a time as it is in `plain`."""
    return [
        thing._replace(**{name: getattr(plain, name)})
        for name in thing._fields
        if getattr(thing, name) != getattr(plain, name)
    ]
