"""Masks, pools and classes against one question at a time; nothing is left behind when calls have gone."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.routing import call_classes, pool_index, pools
from cti_engine.core.routing.attribute_columns import AttributeColumns, Evaluation
from cti_engine.core.routing.bound_conditions import bind, read_bound
from cti_engine.core.routing.model import AgentFacts, QueueRules, RoutingRules, StepRule, WaitingCall
from cti_engine.core.routing.pool_index import PoolIndex
from cti_engine.core.routing.precision import PrecisionMatcher

NOW = 1_700_000_000_000
NAMES = ("agent.level", "agent.senior", "agent.team", "agent.mixed", "agent.id", "agent.site", "agent.none")
VALUES = (
    "1",
    "3",
    "2.5",
    "true",
    "false",
    '"a"',
    '"b"',
    '"agent-3"',
    "[1, 2]",
    '["a", "agent-1", "agent-3"]',
    "[]",
)


def random_agent(chance: random.Random, number: int) -> AgentFacts:
    attributes: dict[str, bool | int | str] = {}
    if chance.random() < 0.8:
        attributes["level"] = chance.randint(1, 4)
    if chance.random() < 0.8:
        attributes["senior"] = chance.random() < 0.5
    if chance.random() < 0.8:
        attributes["team"] = chance.choice("ab")
    mixed: tuple[bool | int | str, ...] = (True, 1, "1", 0, False)
    attributes["mixed"] = chance.choice(mixed)
    return AgentFacts(f"agent-{number}", attributes, site=chance.choice(["north", "south"]))


def random_condition(chance: random.Random, depth: int = 3) -> str:
    kind = chance.random()
    if depth and kind < 0.35:
        word = chance.choice([" and ", " or "])
        return "(" + word.join(random_condition(chance, depth - 1) for _ in range(chance.randint(2, 3))) + ")"
    if depth and kind < 0.45:
        return f"not ({random_condition(chance, depth - 1)})"
    if kind < 0.5:
        return chance.choice(NAMES)
    left, right = chance.choice(NAMES), chance.choice((*VALUES, *NAMES))
    if chance.random() < 0.2:
        left, right = right, left
    return f"{left} {chance.choice(['==', '!=', '<', '<=', '>', '>=', 'in', 'not in', 'has'])} {right}"


def queue(number: int, *steps: StepRule) -> QueueRules:
    return QueueRules(f"q{number}", number, steps)


def step(text: str, wait: int | None = None, *, cumulative: bool = False) -> StepRule:
    return StepRule(Condition(parse(text)), wait, skip_when_none=False, cumulative=cumulative)


@pytest.mark.parametrize("seed", range(5))
def test_masks_are_the_conditions_own_values(seed: int) -> None:
    """A mask says true, false or undefined for each agent as the condition itself does, for any condition."""
    chance = random.Random(seed)
    agents = [random_agent(chance, number) for number in range(30)]
    columns = AttributeColumns(agents)
    truth: dict[bool | None, int] = {False: 0, None: 1, True: 2}
    for _ in range(150):
        text = random_condition(chance)
        condition = Condition(parse(text))
        own = []
        for agent in agents:
            names = {f"agent.{name}": value for name, value in agent.attributes.items()}
            names |= {"agent.id": agent.id, "agent.name": agent.name, "agent.site": agent.site}
            own.append(truth[condition.value(names.get)])
        assert Evaluation(columns).mask(condition.node).tolist() == own, text


def test_a_bound_condition_reads_back() -> None:
    """What a call's values make of a condition, printed and read, asks the same; undefined names stay."""
    condition = Condition(parse("agent.level >= call.level and agent.id in call.preferred and call.x"))
    values = {"call.level": 3, "call.preferred": ['a "quoted" ñ', 2, None, ["nested"]]}
    bound = bind(condition, values.get)
    assert str(bound) == 'agent.level >= 3 and agent.id in ["a \\"quoted\\" ñ", 2] and call.x'
    assert read_bound(str(bound)) == bound


def test_a_long_list_of_preferred_agents_reads_back() -> None:
    """A restart reads what a call brought, however long it is."""
    bound = bind(
        Condition(parse("agent.id in call.preferred")), lambda name: [f"agent-{n}" for n in range(2000)]
    )
    assert read_bound(str(bound)) == bound


@pytest.mark.parametrize("few", [0, 3, 16])
def test_changes_lead_where_building_anew_leads(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After agents came, changed and went, pools and each agent's classes are those of an index made anew."""
    monkeypatch.setattr(pools, "FEW", few)
    chance = random.Random(few)
    rules = RoutingRules("v", {f"q{n}": queue(n, step(random_condition(chance))) for n in range(40)})
    people = {f"agent-{n}": random_agent(chance, n) for n in range(60)}
    index = PoolIndex(rules, people.values())
    for _ in range(120):
        number = chance.randrange(150)
        name = f"agent-{number}"
        if name in people and chance.random() < 0.3:
            del people[name]
            index.remove_agent(name)
        else:
            people[name] = random_agent(chance, number)
            index.put_agent(people[name])
    fresh = PoolIndex(rules, people.values())
    for key, pool in fresh.pools.pools.items():
        changed = index.pools.pools[key]
        assert changed.size == pool.size
        ids = [
            {each.agents.state(row).id for row in of.rows()} for each, of in ((fresh, pool), (index, changed))
        ]
        assert ids[0] == ids[1]
    for name, state in fresh.agents.states.items():
        before = index.agents.states[name]
        assert _queues(index, name) == _queues(fresh, name)
        assert index.flexibility.counts[before.row] == fresh.flexibility.counts[state.row]


def _queues(index: PoolIndex, agent: str) -> set[str]:
    """The queues whose classes the index would look at for this agent."""
    state = index.agents.states[agent]
    slots = [index.classes.slots[slot] for slot in index.classes.slots_of(state).tolist()]
    few = [cls for pool in state.few for cls in pool.classes.values()]
    return {cls.plan.rules.id for cls in (*slots, *few) if cls is not None}


def test_nothing_is_left_of_calls_that_have_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand calls, each bound to values of its own, leave no pool, class or timer but a bounded few."""
    monkeypatch.setattr(pools, "FEW", 2)
    chance = random.Random(4)
    bound = [
        step("agent.level >= call.n and agent.id != call.me", 1000),
        step("agent.id in call.preferred", 1000),
    ]
    rules = RoutingRules("v", {"q0": queue(0, *bound)})
    matcher = PrecisionMatcher(rules, [random_agent(chance, n) for n in range(20)])
    fixed = len(matcher.pools_in_use())
    calls: list[str] = []
    for number in range(2_000):
        names = {"call.n": number % 3, "call.me": f"c{number}", "call.preferred": [f"agent-{number % 25}"]}
        matcher.join(WaitingCall(f"c{number}", number, NOW + number, names=names.get), "q0", NOW + number)
        calls.append(f"c{number}")
        if len(calls) > 20:
            matcher.leave(calls.pop(chance.randrange(20)))
        while matcher.take_due(NOW + number) is not None:
            pass
    for contact in calls:
        matcher.leave(contact)
    index = matcher._index
    assert len(matcher.pools_in_use()) - fixed <= pool_index.KEPT
    assert index.classes.count == 0
    assert not index.classes.ranked and not index.classes.negs
    assert not any(index.classes.of_queue.values())
    assert len(index.classes.slots) <= pool_index.KEPT + 30
    assert len(matcher._calls._deadlines) < 1000
    assert matcher.next_timer() is None


@pytest.mark.parametrize("seed", range(20))
def test_the_look_at_heads_finds_what_looking_at_all_finds(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only the score decides, an agent's first call is the same by slots or one class after another."""
    monkeypatch.setattr(pools, "FEW", seed % 3)
    monkeypatch.setattr(call_classes, "RANKED", 1 + seed % 4)
    chance = random.Random(seed)
    texts = ["agent.level >= 1", *(random_condition(chance) for _ in range(11))]
    rules = RoutingRules("v", {f"q{n}": queue(n, step(text)) for n, text in enumerate(texts)})
    agents = [random_agent(chance, number) for number in range(12)]
    matcher = PrecisionMatcher(rules, agents)
    for agent in agents:
        matcher.set_available(agent.id, True, NOW)
    state = matcher._index.agents.states
    served = 0
    for number in range(150):
        call = WaitingCall(f"c{number}", number, NOW + chance.randrange(4), chance.randrange(2))
        matcher.join(call, f"q{chance.randrange(12)}", NOW + 10)
        asking = chance.choice(agents).id
        decision = matcher.call_for(asking, NOW + 10)
        assert decision == matcher._not_excluded(state[asking], NOW + 10)
        if decision is not None and chance.random() < 0.7:
            matcher.leave(decision.contact)
            served += 1
    assert matcher._index.classes.plain
    assert served


def test_an_index_made_elsewhere_is_the_one_made_on_the_spot() -> None:
    """A reload may make the index in a thread; calls that came meanwhile are taken along too."""
    chance = random.Random(9)
    old = RoutingRules("v1", {f"q{n}": queue(n, step(random_condition(chance), 500)) for n in range(6)})
    new = replace(
        old, version="v2", queues={f"q{n}": queue(n, step(random_condition(chance))) for n in range(6)}
    )
    before = [random_agent(chance, number) for number in range(30)]
    after = [random_agent(chance, number) for number in range(10, 50)]
    here, there = PrecisionMatcher(old, before), PrecisionMatcher(old, before)
    ready: PoolIndex | None = None
    for number in range(60):
        if number == 40:
            ready = PoolIndex(new, after, there.pools_in_use())
        call = WaitingCall(f"c{number}", number, NOW + number)
        for matcher in (here, there):
            matcher.join(call, f"q{number % 6}", NOW + number)
    here.install(new, after)
    there.install(new, after, index=ready)
    for facts in after:
        for matcher in (here, there):
            matcher.set_available(facts.id, True, NOW)
        assert here.call_for(facts.id, NOW + 100) == there.call_for(facts.id, NOW + 100)
        assert here.queues_of(facts.id) == there.queues_of(facts.id)
    for number in range(60):
        assert here.pool_size(f"c{number}", f"q{number % 6}") == there.pool_size(
            f"c{number}", f"q{number % 6}"
        )


def test_a_score_out_of_range_is_refused() -> None:
    """A priority that no 64-bit score can hold is a clear fault, not a wrong match."""
    matcher = PrecisionMatcher(RoutingRules("v", {"q0": queue(0, StepRule())}))
    with pytest.raises(ValueError, match="out of range"):
        matcher.join(WaitingCall("c", 1, NOW, priority=10**14), "q0", NOW)


def test_room_for_more_agents_than_at_the_start() -> None:
    """Agents who come one by one find room in every mask."""
    matcher = PrecisionMatcher(RoutingRules("v", {"q0": queue(0, step("agent.level >= 1"))}))
    chance = random.Random(2)
    people = [replace(random_agent(chance, n), attributes={"level": 1}) for n in range(300)]
    for facts in people:
        matcher.set_agent(facts)
    matcher.join(WaitingCall("c", 1, NOW), "q0", NOW)
    assert matcher.pool_size("c", "q0") == (300, 0)
    assert int(np.count_nonzero(matcher._index.flexibility.counts)) == 300
