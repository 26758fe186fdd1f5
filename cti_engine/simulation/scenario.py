"""A scenario: what comes and who is there, on one day; each replication is that day with another chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.simulation.chance import Chance, Purpose
from cti_engine.simulation.distributions import NEVER, Distribution
from cti_engine.simulation.habits import (
    Call,
    GroupHabits,
    Habits,
    Redial,
    Status,
    milliseconds,
)
from cti_engine.simulation.matcher_world import Staffing
from cti_engine.simulation.simulated_rules import ROUTE, Way

DAY_MS = 86_400_000
MONDAY_MS = 4 * DAY_MS
"""5 January 1970: small numbers keep seconds exact."""
STREAM_KEYS = 48
"""Bits that the keys of one stream's calls have for themselves."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Calls into one queue. `per_hour`: a rate for each interval; or `moments`, ms from the beginning."""

    way: Way
    per_hour: tuple[float, ...] = ()
    moments: tuple[int, ...] = ()
    callers: str = "+999"
    facts: Mapping[str, object] = field(default_factory=dict)
    ivr: Distribution | None = None
    patience: Distribution = NEVER
    redial: Redial | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """`definitions`: the admin's, with the scenario's made-up agents. `begins` in wall ms, other times in seconds.

    `duty`: who is there when; agents who are in no group never come. `length` is when arrivals stop.
    """

    name: str
    definitions: CenterDefinitions
    streams: Mapping[str, Stream]
    groups: Mapping[str, GroupHabits]
    group_of: Mapping[str, str]
    duty: tuple[Staffing | Status, ...]
    begins: int
    length: float
    warm_up: float = 0.0
    interval: float = 1800.0
    busyness: float | None = None
    replications: int = 20
    seed: int = 1
    utc_offset: float = 0.0

    @property
    def ways(self) -> list[Way]:
        return [stream.way for stream in self.streams.values()]

    def habits(self, chance: Chance) -> Habits:
        streams = self.streams.items()
        return Habits(
            chance,
            self.group_of,
            self.groups,
            {name: stream.patience for name, stream in streams},
            {name: stream.redial for name, stream in streams if stream.redial is not None},
        )

    def calls(self, habits: Habits) -> list[Call]:
        """The arrivals of this replication, in order of time: Poisson by interval, the rates times the day's factor."""
        chance = habits.chance
        generator = np.random.default_rng([chance.seed, chance.replication])
        factor = 1.0 if self.busyness is None else float(generator.gamma(self.busyness, 1.0 / self.busyness))
        found: list[Call] = []
        for place, (name, stream) in enumerate(self.streams.items()):
            moments = stream.moments or self._poisson(stream.per_hour, factor, generator)
            facts = {ROUTE: stream.way.id, **stream.facts}
            for number, moment in enumerate(moments):
                key = (place << STREAM_KEYS) + number
                ivr = 0 if stream.ivr is None else milliseconds(stream.ivr(chance.uniform(key, Purpose.IVR)))
                ani = f"{stream.callers}{key % 10**9:09}"[:16]
                patience = habits.waits(name, key)
                at = self.begins + moment
                found.append(Call(at, key, name, stream.way.dialled, ani, facts, ivr, patience))
        found.sort(key=lambda call: (call.at, call.key))
        return found

    def _poisson(
        self, per_hour: tuple[float, ...], factor: float, generator: np.random.Generator
    ) -> tuple[int, ...]:
        moments: list[int] = []
        begin = 0.0
        for place in range(-int(-self.length // self.interval)):
            end = min(begin + self.interval, self.length)
            rate = per_hour[place if len(per_hour) > 1 else 0]
            number = int(generator.poisson(rate * factor * (end - begin) / 3600.0))
            moments += np.floor(generator.uniform(1000 * begin, 1000 * end, number)).astype(int).tolist()
            begin = end
        return tuple(sorted(moments))
