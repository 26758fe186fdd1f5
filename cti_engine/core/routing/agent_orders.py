"""The order of agents for one waiting call (docs/routing.md, section 6): each entry is a column of integer keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.routing.agent_book import ANSWERED, COST, GROUP, IDLE, PLACE, SITE, AgentBook
from cti_engine.core.routing.attribute_columns import AttributeColumns
from cti_engine.core.routing.call_classes import Waiting
from cti_engine.core.routing.model import Order, RoutingRules, StepRule
from cti_engine.core.routing.offer_numbers import OfferNumbers

Keys = NDArray[np.int64]
Rows = NDArray[np.intp]
_GAMMA, _ONE, _TWO = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_64 = 2**64


@dataclass(slots=True)
class Question:
    """One call's step asks at `now`. `flexibility`: queues per agent, by row. `slow`: groups asked after the others."""

    agents: AgentBook
    columns: AttributeColumns
    rules: RoutingRules
    waiting: Waiting
    now: int
    flexibility: Keys
    offers: OfferNumbers
    mix: int
    """seed + the golden ratio x (offers so far + 1), for `random`."""
    slow: frozenset[str] = frozenset()

    @property
    def step(self) -> StepRule:
        return self.waiting.plan.steps[self.waiting.step].rule

    def keys(self, order: Order, rows: Rows) -> Keys:
        return _KEYS[order.name](self, order, rows)


def ranked(question: Question, rows: Rows, wanted: int) -> list[tuple[int, tuple[int, ...]]]:
    """The first `wanted` rows, each with its group's level, its values of the order, its idle clock and its rank."""
    numbers, ranks = question.agents.numbers, question.agents.ranks()
    columns = [_levels(question, rows)]
    columns += [question.keys(order, rows) for order in question.step.order]
    columns += [numbers[IDLE, rows], ranks[rows]]
    if wanted == 1:
        left: Rows = np.arange(len(rows))
        for column in columns:
            values = column[left]
            left = left[values == values.min()]
            if len(left) == 1:
                break
        places = left[:1]
    else:
        places = np.lexsort(columns[::-1])[:wanted]
    return [(int(rows[place]), tuple(int(column[place]) for column in columns)) for place in places]


def _levels(question: Question, rows: Rows) -> Keys:
    if not question.slow:
        return np.zeros(len(rows), np.int64)
    table = np.array([name in question.slow for name in question.agents.names], np.int64)
    found: Keys = table[question.agents.numbers[GROUP, rows]]
    return found


def skills_named(rule: StepRule) -> list[str]:
    """The agents' names in the step's condition."""
    names = rule.require.names_used if rule.require is not None else frozenset()
    return sorted(name for name in names if name.startswith("agent."))


def _number(number: int) -> Callable[[Question, Order, Rows], Keys]:
    return lambda question, order, rows: question.agents.numbers[number, rows]


def _skill(question: Question, order: Order, rows: Rows) -> Keys:
    total = np.zeros(len(rows), np.int64)
    for name in skills_named(question.step):
        total += question.columns.numbers(name, rows, booleans=False)
    return total


def _most_skilled(question: Question, order: Order, rows: Rows) -> Keys:
    return -_skill(question, order, rows)


def _weighted(question: Question, order: Order, rows: Rows) -> Keys:
    total = np.zeros(len(rows), np.int64)
    for name, weight in order.weights:
        total -= weight * question.columns.numbers(f"agent.{name}", rows, booleans=True)
    return total


def _least_occupied(question: Question, order: Order, rows: Rows) -> Keys:
    return question.agents.busy.busy(rows, question.now)


def _least_flexible(question: Question, order: Order, rows: Rows) -> Keys:
    return question.flexibility[rows]


def _round_robin(question: Question, order: Order, rows: Rows) -> Keys:
    return question.offers.of(question.waiting.plan.rules.id)[rows]


def _random(question: Question, order: Order, rows: Rows) -> Keys:
    """splitmix64's finalizer; shifted into what is signed, keeping the order."""
    mixed = question.agents.ranks()[rows].astype(np.uint64) ^ np.uint64(question.mix % _64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(_ONE)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(_TWO)
    return mixed ^ (mixed >> np.uint64(31))  # unsigned: compared, never summed


def _site_affinity(question: Question, order: Order, rows: Rows) -> Keys:
    site = question.waiting.call.site
    if not site:
        return np.ones(len(rows), np.int64)
    near = question.rules.near.get(site, ())
    places = {name: place for place, name in reversed(list(enumerate(near)))}
    table = [0 if name == site else 1 + places.get(name, len(near)) for name in question.agents.names]
    found: Keys = np.array(table, np.int64)[question.agents.numbers[SITE, rows]]
    return found


def _site_balance(question: Question, order: Order, rows: Rows) -> Keys:
    found: Keys = question.agents.site_loads()[question.agents.numbers[SITE, rows]]
    return found


_KEYS: Mapping[str, Callable[[Question, Order, Rows], Keys]] = {
    "longest_idle": _number(IDLE),
    "fewest_calls": _number(ANSWERED),
    "lowest_cost": _number(COST),
    "top_down": _number(PLACE),
    "least_occupied": _least_occupied,
    "most_skilled": _most_skilled,
    "least_skilled": _skill,
    "weighted": _weighted,
    "least_flexible": _least_flexible,
    "round_robin": _round_robin,
    "random": _random,
    "site_affinity": _site_affinity,
    "site_balance": _site_balance,
}


def random_mix(seed: int, offers: int) -> int:
    return seed + _GAMMA * (offers + 1)
