"""What callers and agents do by themselves: how long they talk, ring, wrap up, stay away, and wait to call again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cti_engine.simulation.chance import Chance, Purpose
from cti_engine.simulation.distributions import NOTHING, Distribution
from cti_engine.simulation.matcher_world import FOREVER

_REDIALLED = 1 << 40


class Call(NamedTuple):
    """One call to come. Times in wall ms. `key` names its draws; `facts` are what the look-up knows of the caller.

    `ivr`: what the menu takes; `patience` counts from queueing on. `stream`: where it comes from (redials are its).
    """

    at: int
    key: int
    stream: str
    number: str
    ani: str
    facts: Mapping[str, object]
    ivr: int = 0
    patience: int = FOREVER


class Status(NamedTuple):
    """At this moment (wall ms) one agent chose a status."""

    at: int
    agent: str
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Handling:
    """`talk` includes hold. `wrap_up` None: the agent waits until the queue's time is over."""

    talk: Distribution
    wrap_up: Distribution | None = None


@dataclass(frozen=True, slots=True)
class GroupHabits:
    """How the agents of one group work. `by_queue` goes before `handling`; `rona`: probability of not answering."""

    handling: Handling
    by_queue: Mapping[str, Handling] = field(default_factory=dict)
    ring: Distribution = NOTHING
    rona: float = 0.0
    away: Distribution = NOTHING


@dataclass(frozen=True, slots=True)
class Redial:
    probability: float
    after: Distribution


def milliseconds(seconds: float) -> int:
    return FOREVER if seconds * 1000 >= FOREVER else round(seconds * 1000)


@dataclass(frozen=True, slots=True)
class Habits:
    """Of a whole center. `group_of` each agent; `patience` and `redial` by stream. All answers in ms."""

    chance: Chance
    group_of: Mapping[str, str]
    groups: Mapping[str, GroupHabits]
    patience: Mapping[str, Distribution] = field(default_factory=dict)
    redial: Mapping[str, Redial] = field(default_factory=dict)

    def _handling(self, agent: str, queue: str) -> Handling:
        group = self.groups[self.group_of[agent]]
        return group.by_queue.get(queue, group.handling)

    def talk(self, agent: str, queue: str, key: int) -> int:
        return milliseconds(self._handling(agent, queue).talk(self.chance.uniform(key, Purpose.TALK)))

    def wrap_up(self, agent: str, queue: str, key: int) -> int:
        """FOREVER: until the queue's own time is over."""
        wrap_up = self._handling(agent, queue).wrap_up
        return (
            FOREVER if wrap_up is None else milliseconds(wrap_up(self.chance.uniform(key, Purpose.WRAP_UP)))
        )

    def ring(self, agent: str, key: int, offer: int) -> int:
        """FOREVER: the agent does not answer."""
        group = self.groups[self.group_of[agent]]
        if group.rona and self.chance.uniform(key, Purpose.RONA, offer) < group.rona:
            return FOREVER
        return milliseconds(group.ring(self.chance.uniform(key, Purpose.RING, offer)))

    def away(self, agent: str, key: int) -> int:
        """After a missed call."""
        return milliseconds(self.groups[self.group_of[agent]].away(self.chance.uniform(key, Purpose.AWAY)))

    def waits(self, stream: str, key: int) -> int:
        """A caller's patience."""
        return milliseconds(self.patience[stream](self.chance.uniform(key, Purpose.PATIENCE)))

    def again(self, call: Call, now: int) -> Call | None:
        """The next try of a caller who has given up; None when there is none."""
        redial = self.redial.get(call.stream)
        if redial is None or self.chance.uniform(call.key, Purpose.REDIAL) >= redial.probability:
            return None
        after = milliseconds(redial.after(self.chance.uniform(call.key, Purpose.REDIAL_AFTER)))
        key = call.key + _REDIALLED
        return call._replace(at=now + after, key=key, patience=self.waits(call.stream, key))
