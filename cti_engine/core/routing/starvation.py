"""The starvation bound of a queue: calls that come more than so long after one of its calls never pass it.

Derived in docs/routing.md, section 11. All times in ms. It holds whatever happens, as long as the rules stay: exact
arithmetic over the bands of age in which levels and service-level classes are constant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from cti_engine.core.routing.model import ProfileQueue, RoutingRules
from cti_engine.core.routing.queue_plans import Band, QueuePlan, make_plans

AGEING, CLASSES, CAP, RANK, DELAY, GROUP = "ageing", "classes", "cap", "rank", "delay", "group"
_NO_PROFILE = ProfileQueue(0)


class Claim(NamedTuple):
    """What one call brings: points, raised ones too, and head start in ms."""

    points: int
    head_start: int


@dataclass(frozen=True, slots=True)
class Claims:
    """`least`: points of the queue's own call that has the fewest. `most`: what a call that stands in it may bring, of
    which one is the best at any rate of ageing. `longest_wait`: after so many ms a call of the queue is gone.
    """

    least: int
    most: tuple[Claim, ...]
    longest_wait: int


class Bound(NamedTuple):
    """`longest` 0: nothing that comes later passes. `endless`: nothing but the longest wait ends it.

    Decided by calls of the queue `by`, `why`: their `rank` or a `delay` in `profile`, a `cap`, a `group`, `classes` or
    `ageing`.
    """

    queue: str
    longest: int
    endless: bool
    by: str
    why: str
    profile: str


Shared = Mapping[str, Sequence[tuple[str, str]]]
"""For each profile (empty: none) the pairs of queues, itself too, that have an agent of it in common."""


def starvation_bounds(rules: RoutingRules, claims: Mapping[str, Claims], shared: Shared) -> dict[str, Bound]:
    """By queue, over all whose calls its agents may take."""
    plans = make_plans(rules)
    found = {queue: Bound(queue, 0, False, "", "", "") for queue in rules.queues}
    known: dict[tuple[object, ...], Bound] = {}  # centers of many queues have few kinds of them
    for profile, pairs in shared.items():
        kinds = {queue: _kind(plans[queue], claims[queue], rules, profile) for queue in plans}
        for queue, rival in pairs:
            key = (profile, kinds[queue], kinds[rival])
            bound = known.get(key)
            if bound is None:
                bound = known[key] = _between(_Case(rules, plans, claims, profile, queue, rival))
            found[queue] = _worse(found[queue], bound._replace(queue=queue, by=rival))
    return found


def _worse(one: Bound, other: Bound) -> Bound:
    """Both together: the longest of both, told by what has no end, else by what is longest."""
    worse = max(one, other, key=lambda bound: (bound.endless, bound.longest))
    return worse._replace(longest=max(one.longest, other.longest))


def _kind(plan: QueuePlan, claims: Claims, rules: RoutingRules, profile: str) -> tuple[object, ...]:
    """Queues alike in this are alike for every bound."""
    entry = rules.profiles.get(profile, {}).get(plan.rules.id)
    return plan.rules.rate, plan.bands, claims, entry


class _Case:
    """A call of `queue` and one of `rival` that came later, before an agent of `profile`."""

    def __init__(
        self,
        rules: RoutingRules,
        plans: Mapping[str, QueuePlan],
        claims: Mapping[str, Claims],
        profile: str,
        queue: str,
        rival: str,
    ) -> None:
        entries = rules.profiles.get(profile, {}) if profile else {}
        self.profile, self.queue, self.rival = profile, queue, rival
        self.plan, self.rival_plan = plans[queue], plans[rival]
        self.entry = entries.get(queue) if profile else _NO_PROFILE
        self.rival_entry = entries.get(rival) if profile else _NO_PROFILE
        self.rate, self.rival_rate = self.plan.rules.rate, self.rival_plan.rules.rate
        self.longest_wait = claims[queue].longest_wait
        # the rival's score less ours when both have waited 0 ms, and less the millionth by which a tie is ours
        self.ahead = (
            max(self.rival_rate * claim.head_start + 1_000_000 * claim.points for claim in claims[rival].most)
            - 1_000_000 * claims[queue].least
            - 1
        )

    def levels(
        self, plan: QueuePlan, entry: ProfileQueue | None
    ) -> Iterator[tuple[int, int, Band, int | None]]:
        """Each band of age as (begin, last) in ms, with the level in it."""
        for number, band in enumerate(plan.bands):
            last = self.longest_wait if band.end is None else min(band.end - 1, self.longest_wait)
            begin = max(0, band.begin or 0)
            if begin <= last:
                yield begin, last, band, plan.level(number, entry)


def _between(case: _Case) -> Bound:
    best = Bound(case.queue, 0, False, "", "", "")
    if case.entry is None or case.rival_entry is None:
        return best  # its agents never take one of the two
    for begin, last, band, level in case.levels(case.plan, case.entry):
        for rival_begin, rival_last, rival_band, rival_level in case.levels(
            case.rival_plan, case.rival_entry
        ):
            if rival_level is None:
                continue
            # c's agent may be of a group that is slow in c's queue and not in r's (12)
            group = int(case.plan.rules.at_most_wait is not None and not band.groups_alike)
            ours = None if level is None else (level, group, band.service_class)
            theirs = (rival_level, 0, rival_band.service_class)
            if ours is None or theirs < ours:
                longest: Fraction | int | None = last - rival_begin if rival_begin <= last else None
                endless = band.end is None
                why = DELAY if level is None else _why(ours, theirs)
            elif theirs == ours:
                longest = _by_score(case, (begin, last), (rival_begin, rival_last))
                endless = band.end is None and case.rate == 0 and longest is not None
                why = AGEING
            else:
                continue
            if longest is not None and (endless or int(longest)):
                found = Bound(case.queue, int(longest), endless, case.rival, why, case.profile)
                best = _worse(best, found)
    return best


def _why(ours: tuple[int, int, int] | None, theirs: tuple[int, int, int]) -> str:
    if ours is None or theirs[:2] == ours[:2]:
        return CLASSES
    if theirs[0] == ours[0]:
        return GROUP
    return CAP if theirs[0] == -1 else RANK


def _by_score(case: _Case, ours: tuple[int, int], theirs: tuple[int, int]) -> Fraction | None:
    """The largest difference of waits W - w with W in `ours`, w in `theirs`, 0 <= w <= W and
    rival_rate * w + ahead >= rate * W; None when the later call is never ahead.

    For a given W the smallest such w decides. The difference is piecewise linear in W, so that its maximum is at an
    end of the piece where w begins to grow, or at an end of what is possible at all.
    """
    rate, rival_rate, ahead = case.rate, case.rival_rate, case.ahead
    (begin, last), (rival_begin, rival_last) = ours, theirs
    moments = [Fraction(begin), Fraction(last)]
    if rate:
        moments += [Fraction(ahead + rival_rate * w, rate) for w in (rival_begin, rival_last)]
    if rate != rival_rate:
        moments.append(Fraction(ahead, rate - rival_rate))  # where the two that came together are equal
    found = []
    for moment in moments:
        waited = min(max(moment, Fraction(begin)), Fraction(last))
        least = Fraction(rival_begin)
        behind = rate * waited - ahead
        if rival_rate and behind / rival_rate > least:
            least = behind / rival_rate
        elif not rival_rate and behind > 0:
            continue
        if least <= waited and least <= rival_last:
            found.append(waited - least)
    return max(found, default=None)
