"""A recorded day once more, under these rules or others: its calls and its staff, with models of patience and handling.

Both sets of rules get the same callers, and each call the same patience and handle time in a group (common random
numbers), so a difference between them is the rules' alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.ivr.flow import EnterQueue
from cti_engine.simulation.chance import Chance
from cti_engine.simulation.day_figures import Figures
from cti_engine.simulation.distributions import NOTHING, Distribution, Observed
from cti_engine.simulation.habits import Call, GroupHabits, Habits, Handling, Status, milliseconds
from cti_engine.simulation.matcher_world import Staffing
from cti_engine.simulation.patience import kaplan_meier
from cti_engine.simulation.recorded_day import Handled, RecordedDay
from cti_engine.simulation.replications import Band, band, prediction
from cti_engine.simulation.simulated_rules import ROUTE, Way

ENOUGH_ABANDONS, ENOUGH_CALLS = 20, 10
"""From so many on a queue has a patience, and a group in a queue handle times, of its own."""


@dataclass(frozen=True, slots=True)
class Models:
    """What the day teaches of people, whatever the rules."""

    group_of: Mapping[str, str]
    groups: Mapping[str, GroupHabits]
    patience: Mapping[str, Distribution]


def agent_groups(definitions: CenterDefinitions) -> dict[str, str]:
    """Agents alike in attributes, site and profile are one group, named like its first."""
    first: dict[object, str] = {}
    return {
        agent.id: first.setdefault((frozenset(agent.attributes.items()), agent.site, agent.profile), agent.id)
        for agent in definitions.agents.values()
    }


def fit(day: RecordedDay, definitions: CenterDefinitions) -> Models:
    """Raises ValueError for a day without answered calls: nothing is known of how long they take."""
    if not day.handled:
        raise ValueError("no call was answered that day")
    group_of = agent_groups(definitions)
    queues = dict.fromkeys([*definitions.queues, *(call.queue for call in day.calls)])
    pooled = kaplan_meier(wait for waits in day.waits.values() for wait in waits)
    patience: dict[str, Distribution] = {}
    for queue in queues:
        waits = day.waits.get(queue, [])
        patience[queue] = kaplan_meier(waits) if sum(w.gave_up for w in waits) >= ENOUGH_ABANDONS else pooled
    groups = {}
    for group in dict.fromkeys(group_of.values()):
        own = [each for each in day.handled if group_of.get(each.agent) == group]
        ronas = sum(number for agent, number in day.ronas.items() if group_of.get(agent) == group)
        groups[group] = GroupHabits(
            _handling(_enough(own, day.handled)),
            {
                queue: _handling(
                    _enough(
                        [each for each in own if each.queue == queue],
                        [each for each in day.handled if each.queue == queue],
                        own,
                        day.handled,
                    )
                )
                for queue in queues
            },
            _observed(each.rang for each in _enough(own, day.handled)),
            ronas / (ronas + len(own)) if ronas else 0.0,
            _observed(day.away) if day.away else NOTHING,
        )
    return Models(group_of, groups, patience)


def _enough(*samples: Sequence[Handled]) -> Sequence[Handled]:
    """The first that is large enough, else the last."""
    return next((sample for sample in samples if len(sample) >= ENOUGH_CALLS), samples[-1])


def _handling(sample: Iterable[Handled]) -> Handling:
    found = list(sample)
    return Handling(_observed(each.talk for each in found), _observed(each.wrap_up for each in found))


def _observed(values: Iterable[float]) -> Observed:
    return Observed(tuple(sorted(values)))


@dataclass(frozen=True, slots=True)
class ReplayedDay:
    """A `Playable`: the day under one set of rules."""

    definitions: CenterDefinitions
    ways: tuple[Way, ...]
    group_of: Mapping[str, str]
    duty: tuple[Staffing | Status, ...]
    begins: int
    length: float
    utc_offset: float
    seed: int
    models: Models
    coming: tuple[Call, ...]
    interval: float = 3600.0
    warm_up: float = 0.0

    def habits(self, chance: Chance) -> Habits:
        return Habits(chance, self.group_of, self.models.groups, self.models.patience)

    def calls(self, habits: Habits) -> list[Call]:
        return [call._replace(patience=habits.waits(call.stream, call.key)) for call in self.coming]


def under(
    day: RecordedDay, models: Models, definitions: CenterDefinitions, utc_offset: float, seed: int
) -> ReplayedDay:
    """The day under these rules. A call takes the step of the flow that it took, as these rules have it; agents whom
    they do not know stay away. Raises ValueError when they lack a queue that calls waited in.
    """
    ways: dict[tuple[str, str, str, str], Way] = {}
    coming = []
    for key, call in enumerate(day.calls):
        flow, _, step = call.step.partition(".")
        found = definitions.flows[flow].steps.get(step) if flow in definitions.flows else None
        queue, priority = (found.queue, found.priority) if isinstance(found, EnterQueue) else (call.queue, 0)
        if queue not in definitions.queues:
            raise ValueError(
                f"there is no queue {queue} in rules {definitions.version}, where calls of that day waited"
            )
        known = (call.dnis, queue, call.step, call.language)
        way = ways.setdefault(known, Way(f"way{len(ways)}", queue, call.dnis, priority, call.language, True))
        facts = {**call.facts, ROUTE: way.id}
        ivr = milliseconds(call.queued - call.arrived)
        coming.append(Call(milliseconds(call.arrived), key, call.queue, call.dnis, call.ani, facts, ivr))
    reasons = {reason: {"en": reason} for reason in sorted(day.reasons) if reason}
    return ReplayedDay(
        replace(definitions, not_ready_reasons={**reasons, **definitions.not_ready_reasons}),
        tuple(ways.values()),
        {agent: group for agent, group in models.group_of.items() if agent in definitions.agents},
        tuple(
            status
            for status in day.duty
            if status.agent in definitions.agents and status.agent in models.group_of
        ),
        milliseconds(day.begins),
        day.ends - day.begins,
        utc_offset,
        seed,
        models,
        tuple(coming),
    )


class Compared(NamedTuple):
    """One metric: what really happened, and over the replications the old rules, the new, and new - old, paired.

    `likely`: what really happened lies where 95 of 100 days under the old rules would.
    """

    really: float
    old: Band
    new: Band
    difference: Band
    likely: bool


def compare(
    really: Figures, old: Sequence[Figures], new: Sequence[Figures]
) -> dict[str, dict[str, Compared]]:
    """By scope and metric; scopes that both sets of rules have."""

    def one(scope: str, metric: str) -> Compared:
        before, after = ([day[scope][metric] for day in days] for days in (old, new))
        happened = really[scope][metric]
        differences = [later - sooner for sooner, later in zip(before, after, strict=True)]
        return Compared(
            happened, band(before), band(after), band(differences), prediction(before).holds(happened)
        )

    return {
        scope: {metric: one(scope, metric) for metric in metrics}
        for scope, metrics in old[0].items()
        if scope in new[0] and scope in really
    }
