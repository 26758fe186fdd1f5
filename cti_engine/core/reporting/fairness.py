"""How evenly work is spread: each agent's times and counts as a fold over events, and how far occupancies differ.

occupancy = on contact / (on contact + idle) (routing notes, Metrics): on contact is from the offer to the end of the
wrap-up, idle is ready without a contact. Spread: coefficient of variation (standard deviation / mean) and Jain's index
(sum x)^2 / (n sum x^2), 1 when all are equal, 1/n when one has all (Jain, Chiu, Hawe 1984, DEC-TR-301).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import sqrt

from cti_engine.core import events as ev
from cti_engine.core.agent import LOGGED_OUT, READY
from cti_engine.core.definitions import AgentDefinition, QueueDefinition

HANDLING = ("talking", "wrap_up")


@dataclass(frozen=True, slots=True)
class Present:
    """What an agent is, and since when (wall seconds)."""

    status: str
    state: str
    since: float
    reason: str = ""


@dataclass(slots=True)
class AgentDay:
    """One agent's counts and seconds since `since`; `handling` is talk, hold and wrap-up, of which `held` and `wrap_up`
    stand alone too; `reasons` are those of `not_ready`.

    `missed`: offers that ended without an answer and were the agent's doing or their phone's; `ronas` are of these.
    """

    agent: str
    calls: int = 0
    offers: int = 0
    missed: int = 0
    ronas: int = 0
    on_contact: float = 0.0
    handling: float = 0.0
    idle: float = 0.0
    not_ready: float = 0.0
    held: float = 0.0
    wrap_up: float = 0.0
    reasons: dict[str, float] = field(default_factory=dict)
    present: Present | None = None

    def spent(self, status: str, state: str, reason: str, seconds: float) -> None:
        if state != "idle":
            self.on_contact += seconds
            self.handling += seconds if state in HANDLING else 0.0
            self.wrap_up += seconds if state == "wrap_up" else 0.0
        elif status == READY:
            self.idle += seconds
        elif status != LOGGED_OUT:
            self.not_ready += seconds
            self.reasons[reason] = self.reasons.get(reason, 0.0) + seconds

    @property
    def talk(self) -> float:
        """Without hold."""
        return self.handling - self.wrap_up - self.held

    @property
    def ready(self) -> float:
        """Seconds in which a call could be in hand or could come."""
        return self.on_contact + self.idle

    @property
    def occupancy(self) -> float | None:
        return self.on_contact / self.ready if self.ready > 0 else None

    @property
    def aht(self) -> float | None:
        return self.handling / self.calls if self.calls else None

    @property
    def idle_share(self) -> float | None:
        """Of the time logged in."""
        logged_in = self.ready + self.not_ready
        return self.idle / logged_in if logged_in > 0 else None


MISSED = frozenset({"no_answer", "rejected", "busy", "unreachable", "not_registered"})

READ = frozenset({"CallBridged", "CallOffered", "OfferEnded", "AgentRona", "AgentStateChanged", "CallHeld"})
"""The events that the fold looks at."""


class AgentDays:
    """The fold. Takes events of any kind in their order; what happened before `since` (wall seconds) counts nowhere."""

    def __init__(self, since: float) -> None:
        self.since = since
        self._agents: dict[str, AgentDay] = {}
        self._held_at: dict[str, float] = {}

    def _of(self, agent: str) -> AgentDay:
        return self._agents.setdefault(agent, AgentDay(agent))

    def apply(self, event: ev.Event, at: float) -> None:
        if at < self.since:
            return
        match event:
            case ev.CallBridged():
                self._of(event.agent).calls += 1
            case ev.CallOffered():
                self._of(event.agent).offers += 1
            case ev.OfferEnded():
                self._of(event.agent).missed += event.outcome in MISSED
            case ev.AgentRona():
                self._of(event.agent).ronas += 1
            case ev.AgentStateChanged():
                agent = self._of(event.agent)
                begin = max(self.since, at - event.was_for)
                agent.spent(event.was_status, event.was_state, event.was_reason, max(0.0, at - begin))
                agent.present = Present(event.status, event.state, at, event.reason)
                if event.state != "talking":
                    self._taken_back(event.agent, at)
            case ev.CallHeld(held=True):
                self._held_at.setdefault(event.agent, at)
            case ev.CallHeld():
                self._taken_back(event.agent, at)
            case _:
                return

    def _taken_back(self, agent: str, at: float) -> None:
        held_at = self._held_at.pop(agent, None)
        if held_at is not None:
            self._of(agent).held += max(0.0, at - held_at)

    def until(self, now: float, present: Mapping[str, Present]) -> dict[str, AgentDay]:
        """All of them, with the times that still run; `present`: of agents of whom the period tells nothing."""
        return {
            id_: self.day_of(id_, now, present) for id_ in (*self._agents, *(present.keys() - self._agents))
        }

    def day_of(self, agent: str, now: float, present: Mapping[str, Present]) -> AgentDay:
        """One of them."""
        known = self._agents.get(agent) or AgentDay(agent)
        held = max(0.0, now - self._held_at.get(agent, now))
        day = replace(known, held=known.held + held, reasons=dict(known.reasons))
        day.present = day.present or present.get(agent)
        if day.present is not None:
            begin = max(self.since, day.present.since)
            day.spent(day.present.status, day.present.state, day.present.reason, max(0.0, now - begin))
        return day


@dataclass(frozen=True, slots=True)
class Spread:
    """Of occupancies, 0 to 1. `cv` and `jain` are None for fewer than two, or when all are 0."""

    name: str
    members: tuple[str, ...]
    mean: float
    lowest: float
    highest: float
    cv: float | None
    jain: float | None


def spread(name: str, occupancies: Mapping[str, float]) -> Spread | None:
    """None when there is nothing to compare."""
    values = list(occupancies.values())
    if not values:
        return None
    count, total, squares = len(values), sum(values), sum(value * value for value in values)
    mean = total / count
    cv = jain = None
    if count > 1 and total > 0:
        cv = sqrt(sum((value - mean) ** 2 for value in values) / count) / mean
        jain = total * total / (count * squares)
    return Spread(name, tuple(sorted(occupancies)), mean, min(values), max(values), cv, jain)


@dataclass(frozen=True, slots=True)
class FairnessReport:
    """`equals`: a spread for each set of agents of equal attributes, profile and memberships (two or more)."""

    since: float
    until: float
    agents: tuple[AgentDay, ...]
    equals: tuple[Spread, ...]
    queues: Mapping[str, float]
    between_queues: Spread | None
    sites: Mapping[str, float]
    between_sites: Spread | None


def report(
    days: AgentDays,
    now: float,
    present: Mapping[str, Present],
    agents: Mapping[str, AgentDefinition],
    queues: Iterable[QueueDefinition],
) -> FairnessReport:
    """Queues and sites have the occupancy of their agents taken together; an agent of two queues counts in both."""
    found = days.until(now, present)
    all_queues = list(queues)
    sites: dict[str, list[str]] = {}
    alike: dict[object, list[str]] = {}
    for id_, agent in agents.items():
        sites.setdefault(agent.site, []).append(id_)
        named = frozenset(queue.id for queue in all_queues if not queue.steps and id_ in queue.members)
        alike.setdefault((frozenset(agent.attributes.items()), agent.profile, named), []).append(id_)
    of_queues = _together(found, {queue.id: queue.members for queue in all_queues})
    of_sites = _together(found, sites)
    groups = []
    for members in alike.values():
        own = {id_: day for id_ in members if (day := found.get(id_)) is not None}
        known = {id_: each for id_, day in own.items() if (each := day.occupancy) is not None}
        group = spread(", ".join(sorted(known)), known)
        if group is not None and len(known) > 1:
            groups.append(group)
    return FairnessReport(
        since=days.since,
        until=now,
        agents=tuple(found[id_] for id_ in sorted(found)),
        equals=tuple(sorted(groups, key=lambda group: -(group.cv or 0.0))),
        queues=of_queues,
        between_queues=spread("queues", of_queues),
        sites=of_sites,
        between_sites=spread("sites", of_sites),
    )


def _together(found: Mapping[str, AgentDay], members: Mapping[str, Iterable[str]]) -> dict[str, float]:
    occupancies = {}
    for name, ids in members.items():
        days = [found[id_] for id_ in ids if id_ in found]
        ready = sum(day.ready for day in days)
        if ready > 0:
            occupancies[name] = sum(day.on_contact for day in days) / ready
    return occupancies
