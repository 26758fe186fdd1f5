"""What is valid but will surprise: steps, hours and queues that cannot do what they seem to, circles, starvation.

Only for a set without errors. `cti-engine check` and `plan` ask for it; a reload does not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cti_engine.core.definitions import CenterDefinitions, QueueDefinition
from cti_engine.core.expressions.values import print_duration
from cti_engine.core.queue_moves import Moves
from cti_engine.core.routing import starvation
from cti_engine.core.routing.build import agent_facts, routing_rules
from cti_engine.core.routing.claims import claims_of
from cti_engine.core.routing.model import RoutingRules
from cti_engine.core.routing.shift_hours import ShiftWeek, say_hours
from cti_engine.core.routing.starvation import Bound
from cti_engine.core.routing.step_review import (
    NARROWER,
    NOBODY,
    OVER,
    PROFILES,
    SAME,
    Members,
    StepFinding,
    StepPools,
    review_steps,
)
from cti_engine.definitions.problems import WARNING, Path
from cti_engine.definitions.yaml_source import Document


@dataclass(frozen=True, slots=True)
class _Center:
    """The set, and what is worked out of it once for all queues. `takes`: agents whose profile takes a queue."""

    definitions: CenterDefinitions
    rules: RoutingRules
    pools: StepPools
    takes: Mapping[str, Members]


def _center(definitions: CenterDefinitions) -> _Center:
    rules, pools = routing_rules(definitions), StepPools(agent_facts(definitions))
    return _Center(
        definitions, rules, pools, {queue: pools.taking(queue, rules.profiles) for queue in rules.queues}
    )


def review(definitions: CenterDefinitions, queues: Document, overflow: Document) -> None:
    """Warnings, each in its file."""
    center = _center(definitions)
    for queue in definitions.queues.values():
        if queue.members:  # else that is told already
            _steps(center, queue, queues)
    _hours(center, queues)
    _circles(definitions, queues)
    _lending(definitions, overflow)
    for bound in bounds_of(definitions).values():
        if bound.endless:
            text = f"its calls may be passed over for as long as they wait: {said(bound)}"
            queues.problem(("queues", bound.queue), text, _REMEDIES[bound.why], severity=WARNING)


# --- steps -----------------------------------------------------------------------------------------


def _place(queue: QueueDefinition, document: Document, step: int) -> Path:
    """Where the step is written: under `steps:`, or the queue's one `require:` or `members:`."""
    keys = document.at(("queues", queue.id)).keys
    if "steps" in keys:
        return ("queues", queue.id, "steps", step)
    return ("queues", queue.id, "require" if "require" in keys else "members")


def _steps(center: _Center, queue: QueueDefinition, document: Document) -> None:
    for finding in review_steps(center.rules.queues[queue.id], center.pools, center.takes[queue.id]):
        text, hint = _told(finding, queue.id)
        document.problem(_place(queue, document, finding.step), text, hint, severity=WARNING)


def _told(finding: StepFinding, queue: str) -> tuple[str, str]:
    because = ", ".join(finding.because)
    return {
        NOBODY: (
            "no agent meets this step",
            f"nobody meets {because}" if because else "each part is met by somebody, all together by nobody",
        ),
        PROFILES: (
            f"agents of this step have profiles that do not serve {queue}, all {finding.agents} of them",
            f"name {queue} in routing_rules/profiles.yaml",
        ),
        NARROWER: (
            f"this step can only take agents away: its {finding.agents} are among the {finding.before} "
            "that the calls have already",
            "put it before the wider step, or write pool: cumulative and ask for others",
        ),
        SAME: (
            f"this step brings nobody: its {finding.agents} are among the {finding.before} that the calls have "
            "already",
            "delete it, or ask for other agents",
        ),
        OVER: (
            f"over before it begins: step {because} lasts as long",
            "clock: from_enqueue counts each wait from joining the queue: write a longer one",
        ),
    }[finding.what]


def _hours(center: _Center, document: Document) -> None:
    """Hours in which somebody is on shift, but nobody of a queue or of a step."""
    agents = center.definitions.agents.values()
    week = ShiftWeek(center.definitions.shifts, (agent.shift for agent in agents))
    if not week.open.any():
        return
    shifts = np.array([agent.shift for agent in agents])
    for queue in center.definitions.queues.values():
        rules, takes = center.rules.queues[queue.id], center.takes[queue.id]
        pools = [center.pools.most(step) & takes for step in rules.steps]
        worked = [week.worked(set(shifts[pool].tolist())) for pool in pools]
        nobody = week.open & ~np.logical_or.reduce(worked)
        if nobody.any() and queue.members:
            text = f"nobody of this queue is on shift {say_hours(nobody)}"
            hint = "others are: see config/shifts.yaml and agents' shift: in config/agents.yaml"
            document.problem(("queues", queue.id), text, hint, severity=WARNING)
        for step, (pool, minutes) in enumerate(zip(pools, worked, strict=True)):
            absent = week.open & ~minutes & ~nobody
            if pool.any() and absent.any():
                text = f"nobody of this step is on shift {say_hours(absent)}"
                goes_on = rules.steps[step].skip_when_none and step + 1 < len(rules.steps)
                hint = "its calls go on at once then" if goes_on else "its calls wait for other hours then"
                document.problem(_place(queue, document, step), text, hint, severity=WARNING)


# --- circles ---------------------------------------------------------------------------------------


def _circles(definitions: CenterDefinitions, document: Document) -> None:
    moves = Moves(definitions)
    at_once = {queue: [target for target, _ in moves.at_once(queue)] for queue in definitions.queues}
    for circle in _each_circle(at_once):
        why = {why for queue in circle for _, why in moves.at_once(queue)}
        text = f"calls go in a circle at once: {_arrows(circle)} ({', '.join(sorted(why))})"
        hint = "such a call is ended as a fault: let one of them go to a flow that says so"
        key = "when_full" if definitions.queues[circle[0]].full_to else "exhausted"
        document.problem(("queues", circle[0], key), text, hint, severity=WARNING)
    endless = moves.endless()
    onward = {queue: [q for exit in exits for q in moves.queues_of(exit)] for queue, exits in endless.items()}
    for circle in _each_circle(onward):
        text = f"a call that nobody takes has no end: {_arrows(circle)}"
        limit = print_duration(definitions.limits.maximum_length)
        hint = f"let it end or hang up somewhere; else calls.maximum_length ends it after {limit}"
        document.problem(("queues", circle[0]), text, hint, severity=WARNING)


def _arrows(circle: list[str]) -> str:
    return " -> ".join([*circle, circle[0]])


def _each_circle(moves: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """A shortest circle through each queue that is in one, unless it shares a queue with one told before."""
    told: set[str] = set()
    for queue in moves:
        circle = _circle(queue, moves)
        if circle and told.isdisjoint(circle):
            told.update(circle)
            yield circle


def _circle(start: str, moves: Mapping[str, list[str]]) -> list[str]:
    """A shortest way from `start` back to it; empty when there is none."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:
        for target in moves.get(way[-1], ()):
            if target == start:
                return way
            if target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return []


def _lending(definitions: CenterDefinitions, document: Document) -> None:
    """Queues that lend in a circle help each other only while each keeps something back for itself."""
    lenders: dict[str, list[str]] = {}
    for link in definitions.overflow:
        lenders.setdefault(link.queue, []).append(link.lender)
    for circle in _each_circle(lenders):
        around = list(zip(circle, [*circle[1:], circle[0]], strict=True))
        for index, link in enumerate(definitions.overflow):
            if (link.queue, link.lender) in around and not link.lend_above:
                text = f"these queues lend in a circle: {_arrows(circle)}; {link.lender} keeps nothing back"
                hint = "when all are busy each waits for the others: lend_above: 0.80"
                document.problem(("overflow", index), text, hint, severity=WARNING)


# --- starvation ------------------------------------------------------------------------------------

_REMEDIES = {
    starvation.GROUP: "a shorter at_most_wait in adapting_levels: from then on all groups take its calls alike",
    starvation.RANK: "give it a longest_wait_cap: from then on its calls come before all ranks",
    starvation.DELAY: "a shorter delay in routing_rules/profiles.yaml, or a longest_wait_cap",
    starvation.CAP: "give it a longest_wait_cap too",
    starvation.CLASSES: "serve missed before safe in its classes, or give it a longest_wait_cap",
    starvation.AGEING: "ageing: 1, or a longest_wait_cap",
}


def bounds_of(definitions: CenterDefinitions) -> dict[str, Bound]:
    """The starvation bound of each queue, over the agents that queues have in common."""
    center = _center(definitions)
    shared = {}
    reached = {queue.id: center.pools.of_queue(queue) for queue in center.rules.queues.values()}
    for profile in sorted({agent.profile for agent in definitions.agents.values()}):
        own = np.array([agent.profile == profile for agent in definitions.agents.values()])
        queues = [queue for queue in reached if (reached[queue] & center.takes[queue] & own).any()]
        masks = np.array([(reached[queue] & own) for queue in queues], np.float32)
        pairs = np.argwhere(masks @ masks.T > 0).tolist() if queues else []
        shared[profile] = [(queues[one], queues[other]) for one, other in pairs]
    return starvation.starvation_bounds(center.rules, claims_of(definitions), shared)


def said(bound: Bound) -> str:
    """What decides the bound."""
    whose = "its own" if bound.by == bound.queue else f"{bound.by}'s"
    profile = f"profile {bound.profile}"
    return {
        starvation.GROUP: f"groups that are slower here serve {bound.by} first",
        starvation.RANK: f"{profile} serves {bound.by} first",
        starvation.DELAY: f"{profile} takes it later than {bound.by}",
        starvation.CAP: f"{whose} calls over their longest_wait_cap come first",
        starvation.CLASSES: f"{whose} calls come first by service-level class",
        starvation.AGEING: f"{whose} calls may reach more points",
        "": "",
    }[bound.why]
