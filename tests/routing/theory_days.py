"""The examples of ContactCenters, day by day, with their published confidence intervals.

Source: github.com/umontreal-simul/contactcenters (Apache-2.0), doc/examples: parameters and counting from the .java
files, intervals from the .res files (1,000 days each). Times of the examples in minutes (CallCC: seconds), here in ms.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.routing.model import AgentFacts, Order, QueueRules, RoutingRules, StepRule
from cti_engine.simulation.matcher_world import (
    ABANDONED,
    ANSWERED,
    BLOCKED,
    FOREVER,
    Arrival,
    MatcherWorld,
    Staffing,
)
from tests.routing.estimates import Replication
from tests.routing.theory_cases import Case, Generator, Numbers, Published, agents

MINUTE, HOUR = 60_000, 3_600_000
MANY, FEW = 1000, 400
"""Days: as many as were published, fewer where the controls make up for it."""
ONE_QUEUE = RoutingRules("day", {"q": QueueRules("q", 0, (StepRule(),))})


def whole(values: Numbers) -> list[int]:
    """Milliseconds for the world."""
    numbers: list[int] = np.rint(values).astype(np.int64).tolist()
    return numbers


def busyness(shape: float, generator: Generator, place: float, width: float) -> float:
    """The day's factor, Gamma(shape, shape), from the day's own stratum."""
    return float(stats.gamma.ppf(place + width * (generator.random() - 0.5), shape, scale=1.0 / shape))


def powers(factor: float, shape: float) -> tuple[float, ...]:
    """The factor's powers less their means, which are known: most of what differs between days."""
    means, mean = [], 1.0
    for order in range(1, 5):
        mean *= (shape + order - 1) / shape
        means.append(mean)
    return tuple(factor**order - mean for order, mean in enumerate(means, 1))


# MMC, MMCAb, MMCBlocked: 12 agents, eight hours


def mmc_day(patience: float, places: int, generator: Generator) -> Replication:
    rate, length, threshold = 4.2, 480 * MINUTE, 20_000
    number = int(generator.poisson(rate * 480))
    at = np.sort(generator.uniform(0, length, number))
    handles = generator.exponential(2 * MINUTE, number)
    patiences = whole(generator.exponential(patience, number)) if patience < math.inf else [FOREVER] * number
    world = MatcherWorld(ONE_QUEUE, {"all": agents(12)}, places=places)
    out = world.run(map(Arrival, whole(at), ["q"] * number, whole(handles), patiences))
    ends, waits = np.array(out.ends), np.array(out.wait)
    begins = np.rint(at) + waits
    closes = begins + np.rint(handles)
    # Arrivals stop at the end of the day, the calls go on; only the occupancy is that of the day itself.
    served, left = ends == ANSWERED, ends == ABANDONED
    late = float((left & (waits >= threshold)).sum())
    good, answered = float((served & (waits < threshold)).sum()), float(served.sum())
    busy = np.clip(closes, None, length) - np.clip(begins, None, length)
    blocked = float((ends == BLOCKED).sum())
    sums = {
        "good": (good, 1.0),
        "level": (good, answered),
        "asa_min": (float(waits[served].sum()) / MINUTE, answered),
        "occupancy": (float(busy[ends == ANSWERED].sum()), 12.0 * length),
        "abandoned": (float(left.sum()), 1.0),
        "level_abandons": (good, answered + late),
        "blocked": (blocked, 1.0),
        "level_blocked": (good, answered + blocked),
    }
    # What callers would find if no call had to wait: Poisson, growing from 0 in the morning.
    found = np.arange(number) - np.searchsorted(np.sort(at + handles), at, side="right")
    grid = np.linspace(0.0, 480.0, 4001)
    full = stats.poisson.sf(11, rate * 2.0 * -np.expm1(-grid / 2.0))
    expected = rate * float(np.trapezoid(full, grid))
    controls = (
        number - rate * 480,
        float(handles.sum()) / MINUTE - 2 * rate * 480,
        float((found >= 12).sum()) - expected,
    )
    return Replication(sums, controls)


def mmc(generator: Generator, days: int, place: float) -> Replication:
    return mmc_day(math.inf, FOREVER, generator)


def mmc_abandon(generator: Generator, days: int, place: float) -> Replication:
    return mmc_day(MINUTE, FOREVER, generator)


def mmc_blocked(generator: Generator, days: int, place: float) -> Replication:
    return mmc_day(math.inf, 5, generator)


# SimpleMSK: three types, two groups, three periods of two hours, first come first served over all types

MSK_RATES = ((4.2, 5.3, 3.2), (5.1, 4.3, 4.8), (6.3, 5.2, 4.8))
MSK_SERVICE, MSK_HANG_UP = (0.5, 0.6, 0.4), (0.3, 0.4, 0.2)
MSK_AGENTS = {"g0": (12, 18, 9), "g1": (15, 20, 11)}
MSK_SHAPE = 28.7


def condition(text: str) -> Condition:
    return Condition(parse(text))


MSK_RULES = RoutingRules(
    "SimpleMSK",
    {
        "type0": QueueRules("type0", 0, (StepRule(condition("agent.group == 0")),)),
        "type1": QueueRules("type1", 1, (StepRule(order=(Order("lowest_cost"),)),)),
        "type2": QueueRules("type2", 2, (StepRule(condition("agent.group == 1")),)),
    },
)


def msk(generator: Generator, width: int, place: float) -> Replication:
    factor = busyness(MSK_SHAPE, generator, place, 1.0 / width)
    calls: list[Arrival] = []
    for kind, rates in enumerate(MSK_RATES):
        for period, rate in enumerate(rates):
            number = int(generator.poisson(rate * factor * 120))
            at = whole(generator.uniform(period * 120 * MINUTE, (period + 1) * 120 * MINUTE, number))
            handles = whole(generator.exponential(MINUTE / MSK_SERVICE[period], number))
            patiences = whole(generator.exponential(MINUTE / MSK_HANG_UP[period], number))
            calls += map(Arrival, at, [f"type{kind}"] * number, handles, patiences)
    groups = {
        name: [AgentFacts(f"{name}-{place:02}", {"group": cost}, cost=cost) for place in range(max(numbers))]
        for cost, (name, numbers) in enumerate(MSK_AGENTS.items())
    }
    staffing = [
        Staffing(period * 120 * MINUTE, name, number)
        for name, numbers in MSK_AGENTS.items()
        for period, number in enumerate(numbers)
    ]
    staffing.sort(key=lambda change: change.at)
    calls.sort()
    out = MatcherWorld(MSK_RULES, groups).run(calls, staffing)
    ends, waits = np.array(out.ends), np.array(out.wait)
    served, left = ends == ANSWERED, ends == ABANDONED
    good = float((served & (waits < 20_000)).sum())
    late = float((left & (waits >= 20_000)).sum())
    busy = sum(call.handle for call, agent in zip(calls, out.agent, strict=True) if agent.startswith("g0"))
    last = MSK_AGENTS["g0"][-1] * (out.ended - 240 * MINUTE)
    on_duty = sum(MSK_AGENTS["g0"][:2]) * 120 * MINUTE + last + out.overtime["g0"]
    sums = {
        "served": (float(served.sum()), 1.0),
        "abandoned": (float(left.sum()), 1.0),
        "level_abandons": (good, float(served.sum()) + late),
        "occupancy_g0": (float(busy), float(on_duty)),
    }
    expected = factor * 120 * sum(map(sum, MSK_RATES))
    return Replication(sums, (*powers(factor, MSK_SHAPE), len(calls) - expected))


# CallCC: one queue, thirteen hours; a tenth of the callers hang up when they are not answered at once

CC_RATES = (100, 150, 150, 180, 200, 150, 150, 150, 120, 100, 80, 70, 60)
CC_AGENTS = (4, 6, 8, 8, 8, 7, 8, 8, 6, 6, 4, 4, 4)
CC_SHAPE, CC_EXPECTED = 10.0, 1660.0


def call_cc(generator: Generator, width: int, place: float) -> Replication:
    factor = busyness(CC_SHAPE, generator, place, 1.0 / width)
    at = np.sort(np.concatenate([
        generator.uniform(hour * HOUR, (hour + 1) * HOUR, generator.poisson(rate * factor))
        for hour, rate in enumerate(CC_RATES)
    ]))  # fmt: skip
    number = len(at)
    handles = whole(generator.exponential(100_000, number))
    patient = generator.random(number) >= 0.1
    patiences = whole(np.where(patient, generator.exponential(1_000_000, number), 0.0))
    staffing = [Staffing(hour * HOUR, "all", count) for hour, count in enumerate(CC_AGENTS)]
    out = MatcherWorld(ONE_QUEUE, {"all": agents(max(CC_AGENTS))}).run(
        map(Arrival, whole(at), ["q"] * number, handles, patiences), staffing
    )
    waits = np.array(out.wait)
    sums = {
        "arrivals": (float(number), 1.0),
        "wait_s": (float(waits.sum()) / 1000.0, CC_EXPECTED),
        "within_20_s": (float((waits < 20_000).sum()), CC_EXPECTED),
        "lost": (float((np.array(out.ends) == ABANDONED).sum()), CC_EXPECTED),
    }
    return Replication(sums, (*powers(factor, CC_SHAPE), number - factor * CC_EXPECTED))


DAYS = (
    Case("MMC", mmc, MANY, MANY, published={
        "good": Published(1812.618, 1819.698), "level": Published(0.900, 0.904),
        "asa_min": Published(0.097, 0.102), "occupancy": Published(0.694, 0.697),
    }),
    Case("MMCAb", mmc_abandon, MANY, MANY, published={
        "abandoned": Published(57.660, 59.558), "good": Published(1903.785, 1908.231),
        "level": Published(0.974, 0.975), "asa_min": Published(0.023, 0.024),
        "occupancy": Published(0.674, 0.677), "level_abandons": Published(0.968, 0.969),
    }),
    Case("MMCBlocked", mmc_blocked, MANY, MANY, published={
        "blocked": Published(18.045, 19.265), "good": Published(1851.667, 1856.901),
        "level": Published(0.928, 0.930), "asa_min": Published(0.059, 0.061),
        "occupancy": Published(0.688, 0.690), "level_blocked": Published(0.919, 0.922),
    }),
    Case("SimpleMSK", msk, FEW, FEW, published={
        "served": Published(4270.150, 4324.460), "abandoned": Published(876.133, 944.537),
        "level_abandons": Published(0.494, 0.509), "occupancy_g0": Published(0.877, 0.884),
    }),
    Case("CallCC", call_cc, FEW, FEW, published={
        "arrivals": Published(1612.789, 1666.225, 0.9), "wait_s": Published(10.060, 13.608, 0.9),
        "within_20_s": Published(0.844, 0.862, 0.9), "lost": Published(0.0311, 0.0374, 0.9, 0.00005),
    }),
)  # fmt: skip
