"""The starvation bound against the real matcher: exact for two calls of any rules, never exceeded in a busy center."""

from __future__ import annotations

from random import Random

import pytest

from cti_engine.core.routing.model import (
    SERVICE_LEVEL_CLASSES,
    AgentFacts,
    ProfileQueue,
    QueueRules,
    RoutingRules,
    ServiceClasses,
    StepRule,
    WaitingCall,
)
from cti_engine.core.routing.precision import PrecisionMatcher
from cti_engine.core.routing.starvation import (
    AGEING,
    CAP,
    CLASSES,
    DELAY,
    RANK,
    Bound,
    Claim,
    Claims,
    starvation_bounds,
)

LONGEST_WAIT = 32
"""Of small centers, in ms: at a million milli-points a second, a point is a millisecond."""
POINT_A_MS = 1_000_000
QUEUES = ("q0", "q1", "q2")


def queue(name: str, rate: int = 1000, **more: object) -> QueueRules:
    steps = more.pop("steps", (StepRule(),))
    return QueueRules(name, int(name[1:]), steps, rate=rate, **more)  # type: ignore[arg-type]


def rules_of(*queues: QueueRules, profiles: dict[str, dict[str, ProfileQueue]] | None = None) -> RoutingRules:
    return RoutingRules("1", {each.id: each for each in queues}, profiles or {})


def bounds(
    rules: RoutingRules, claims: dict[str, Claims] | None = None, profiles: tuple[str, ...] = ("",)
) -> dict[str, Bound]:
    """Every agent may take every call that the profile takes."""
    claims = claims or {name: Claims(0, (Claim(0, 0),), 600_000) for name in rules.queues}
    pairs = [(one, other) for one in rules.queues for other in rules.queues]
    return starvation_bounds(rules, claims, dict.fromkeys(profiles, pairs))


# --- what decides ----------------------------------------------------------------------------------


def test_equal_calls_are_never_passed() -> None:
    """One rate of ageing, no points: first come, first served, over all queues."""
    assert bounds(rules_of(queue("q0"), queue("q1")))["q0"] == ("q0", 0, False, "", "", "")


def test_a_gap_of_points_is_overtaken_after_gap_over_rate() -> None:
    """120 points at 1 point a second: a call that comes 120 s later loses the tie, one of a millisecond less wins."""
    claims = {"q0": Claims(0, (Claim(0, 0), Claim(120, 0)), 600_000)}
    assert bounds(rules_of(queue("q0")), claims)["q0"] == ("q0", 119_999, False, "q0", AGEING, "")
    twice = bounds(rules_of(queue("q0", 2000)), claims)["q0"]
    assert twice.longest == 59_999


def test_a_head_start_counts_as_waited() -> None:
    """30 s of head start and 60 points together are 90 s."""
    claims = {"q0": Claims(0, (Claim(60, 30_000),), 600_000)}
    assert bounds(rules_of(queue("q0")), claims)["q0"].longest == 89_999


def test_a_queue_that_ages_faster_passes_more_the_longer_one_waits() -> None:
    """At twice the rate, who came after half of our wait is level with us: at the longest wait that is 300 s."""
    found = bounds(rules_of(queue("q0"), queue("q1", 2000)))
    assert (found["q0"].longest, found["q0"].endless, found["q0"].by) == (299_999, False, "q1")
    assert found["q1"].longest == 0


def test_without_ageing_points_have_no_end() -> None:
    """A point more, and no second of waiting ever makes up for it."""
    claims = {"q0": Claims(0, (Claim(1, 0),), 600_000)}
    assert bounds(rules_of(queue("q0", 0)), claims)["q0"] == ("q0", 600_000, True, "q0", AGEING, "")


def test_a_strict_profile_has_no_end_but_a_cap() -> None:
    """Its agents take the other queue first for ever; from the cap on ours comes before all."""
    profiles = {"p": {"q0": ProfileQueue(2), "q1": ProfileQueue(1)}}
    strict = bounds(rules_of(queue("q0"), queue("q1"), profiles=profiles), profiles=("", "p"))
    assert strict["q0"] == ("q0", 600_000, True, "q1", RANK, "p")
    assert not strict["q1"].endless
    capped = rules_of(queue("q0", longest_wait_cap=300_000), queue("q1"), profiles=profiles)
    assert bounds(capped, profiles=("p",))["q0"] == ("q0", 299_999, False, "q1", RANK, "p")


def test_a_cap_of_others_alone_has_no_end() -> None:
    """Their calls over a minute come before all of ours, whatever ours have waited."""
    found = bounds(rules_of(queue("q0"), queue("q1", longest_wait_cap=60_000)))
    assert found["q0"] == ("q0", 540_000, True, "q1", CAP, "")


def test_a_delay_lets_later_calls_of_other_queues_pass_until_it_is_over() -> None:
    """The profile does not take ours before 45 s."""
    profiles = {"p": {"q0": ProfileQueue(1, 45_000), "q1": ProfileQueue(1)}}
    found = bounds(rules_of(queue("q0"), queue("q1"), profiles=profiles), profiles=("p",))
    assert found["q0"] == ("q0", 44_999, False, "q1", DELAY, "p")


@pytest.mark.parametrize(
    ("order", "endless"),
    [(("missed", "lost", "at_risk", "safe"), False), (("lost", "at_risk", "safe", "missed"), True)],
)
def test_missed_calls_served_last_have_no_end(order: tuple[str, ...], endless: bool) -> None:
    """Whoever is not missed yet comes first, for ever; served first, nobody passes a missed call."""
    classes = ServiceClasses(order, 20_000, 5000, 10_000)
    found = bounds(rules_of(queue("q0", classes=classes)))["q0"]
    assert (found.endless, found.why) == ((True, CLASSES) if endless else (False, ""))


def test_queues_without_common_agents_never_meet() -> None:
    """Only pairs that share an agent count."""
    claims = {"q0": Claims(0, (Claim(0, 0),), 600_000), "q1": Claims(0, (Claim(500, 0),), 600_000)}
    rules = rules_of(queue("q0"), queue("q1"))
    found = starvation_bounds(rules, claims, {"": [("q0", "q0"), ("q1", "q1")]})
    assert found["q0"].longest == 0 and found["q1"].longest == 499_999


# --- against the matcher -----------------------------------------------------------------------------


def random_rules(rng: Random, scale: int = 1) -> RoutingRules:
    """Small times, so that all of them can be tried; `scale` makes longer ones."""
    queues = []
    for name in QUEUES[: rng.randint(2, 3)]:
        classes = None
        if rng.random() < 0.4:
            order = list(SERVICE_LEVEL_CLASSES)
            rng.shuffle(order)
            lost = rng.randint(0, 4)
            risk = rng.randint(lost, 8)
            classes = ServiceClasses(tuple(order), scale * rng.randint(risk, 20), scale * lost, scale * risk)
        cap = rng.choice((None, None, rng.randint(1, 30)))
        rate = rng.choice((0, 1, 1, 1, 2, 3)) * POINT_A_MS // (2 * scale)
        queues.append(
            queue(name, rate, longest_wait_cap=None if cap is None else scale * cap, classes=classes)
        )
    profiles = {
        profile: {
            each.id: ProfileQueue(rng.randint(0, 1), scale * rng.choice((0, 0, rng.randint(1, 20))))
            for each in queues
            if rng.random() < 0.8
        }
        for profile in ("p0", "p1")[: rng.randint(0, 2)]
    }
    return rules_of(*queues, profiles=profiles)


def random_claims(rng: Random, rules: RoutingRules, scale: int = 1) -> dict[str, Claims]:
    found = {}
    for name in rules.queues:
        some = tuple(
            Claim(rng.randint(-2, 6), scale * rng.choice((0, 0, rng.randint(1, 9))))
            for _ in range(rng.randint(1, 2))
        )
        found[name] = Claims(min(claim.points for claim in some), some, scale * LONGEST_WAIT)
    return found


class Pairs:
    """Two calls, one a little later, before one agent: who is first is asked of the matcher at every millisecond."""

    def __init__(self, rules: RoutingRules, claims: dict[str, Claims], profile: str) -> None:
        self.matcher = PrecisionMatcher(rules, [AgentFacts("ana", profile=profile)])
        self.matcher.log_in("ana", True)
        self.matcher.set_available("ana", True, 0)
        self.claims = claims
        self.now = 1000
        self.calls = 0

    def _join(self, name: str, claim: Claim, at: int) -> str:
        self.calls += 1
        contact = f"c{self.calls}"
        self.matcher.join(
            WaitingCall(contact, self.calls, at, priority=claim.points, head_start=claim.head_start), name, at
        )
        return contact

    def longest(self, name: str, rival: str) -> int:
        """The latest call of `rival` that is ever chosen while one of `name` waits that the agent could take."""
        mine = Claim(self.claims[name].least, 0)
        for later in range(self.claims[name].longest_wait, 0, -1):
            for claim in self.claims[rival].most:
                if self._passes(name, mine, rival, claim, later):
                    return later
        return 0

    def _passes(self, name: str, mine: Claim, rival: str, claim: Claim, later: int) -> bool:
        begun = self.now
        first = self._join(name, mine, begun)
        other = self._join(rival, claim, begun + later)
        passed = False
        for waited in range(later, self.claims[name].longest_wait + 1):
            decision = self.matcher.call_for("ana", begun + waited)
            if decision is not None and decision.contact == other:
                passed = True
                break
        self.matcher.leave(first)
        self.matcher.leave(other)
        self.now = begun + self.claims[name].longest_wait + 1
        return passed


@pytest.mark.parametrize("seed", range(60))
def test_the_bound_is_exact_for_two_calls(seed: int) -> None:
    """For random rules, claims and profiles: some call that comes that much later does pass, none later does.

    Where rates differ the exact bound may lie between two milliseconds and be a millisecond lower at those tried.
    """
    rng = Random(seed)
    rules = random_rules(rng)
    claims = random_claims(rng, rules)
    for profile in ("", *rules.profiles):
        found = bounds(rules, claims, (profile,))
        pairs = Pairs(rules, claims, profile)
        takes = set(rules.profiles[profile]) if profile else set(rules.queues)
        for name in sorted(takes):
            longest = max(pairs.longest(name, rival) for rival in takes)
            assert longest <= found[name].longest, (profile, found[name])
            same_rate = len({each.rate for each in rules.queues.values()}) == 1
            assert found[name].longest - longest <= (0 if same_rate else 1), (profile, found[name], longest)


def busy_day(seed: int) -> tuple[int, int]:
    """Many calls, steps that raise, a few agents; (comparisons of a taken call with an older one, closest to bound)."""
    rng = Random(seed)
    scale = 1000
    base = random_rules(rng, scale)
    steps = {
        name: tuple(
            StepRule(wait=scale * rng.randint(1, 10), raise_priority=rng.randint(-1, 3)) for _ in range(3)
        )
        for name in base.queues
    }
    rules = rules_of(
        *(
            QueueRules(
                q.id,
                q.index,
                steps[q.id],
                rate=q.rate,
                longest_wait_cap=q.longest_wait_cap,
                classes=q.classes,
            )
            for q in base.queues.values()
        ),
        profiles={name: dict(entries) for name, entries in base.profiles.items()},
    )
    brought = random_claims(rng, rules, scale)
    claims = {}
    for name, claim in brought.items():
        raises = [step.raise_priority for step in steps[name]]
        rise = sum(max(0, points) for points in raises) or max(raises)
        fall = sum(min(0, points) for points in raises) or min(raises)
        most = tuple(Claim(each.points + rise, each.head_start) for each in claim.most)
        claims[name] = Claims(claim.least + fall, most, claim.longest_wait)
    profiles = ("", *rules.profiles)
    found = {profile: bounds(rules, claims, (profile,)) for profile in profiles}
    matcher = PrecisionMatcher(rules, [AgentFacts(f"a-{name}", profile=name) for name in profiles])
    for name in profiles:
        matcher.log_in(f"a-{name}", True)
        matcher.set_available(f"a-{name}", True, 0)
    calls: dict[str, tuple[str, int]] = {}
    now, compared, closest = 1000, 0, 10**9
    for number in range(400):
        now += rng.choice((0, 300, 700, 1500))
        while (timer := matcher.next_timer()) is not None and timer <= now:
            matcher.take_due(now)
        for contact, (name, queued_at) in list(calls.items()):
            if now - queued_at > claims[name].longest_wait:
                matcher.leave(contact)
                del calls[contact]
        if rng.random() < 0.75:
            name = rng.choice(sorted(rules.queues))
            brings = rng.choice(brought[name].most)
            contact = f"c{number}"
            calls[contact] = name, now
            matcher.join(WaitingCall(contact, number, now, brings.points, brings.head_start), name, now)
        else:
            profile = rng.choice(profiles)
            decision = matcher.call_for(f"a-{profile}", now)
            if decision is None:
                continue
            _, taken_at = calls.pop(decision.contact)
            matcher.leave(decision.contact)
            takes = rules.profiles[profile] if profile else rules.queues
            for name, queued_at in calls.values():
                if name in takes and queued_at < taken_at:
                    compared += 1
                    left = found[profile][name].longest - (taken_at - queued_at)
                    assert left >= 0, (profile, found[profile][name], taken_at - queued_at)
                    closest = min(closest, left)
    return compared, closest


def test_the_bound_is_never_exceeded_in_a_busy_center() -> None:
    """300 random centers with steps that raise and several agents: no call is ever passed by one beyond its bound."""
    days = [busy_day(seed) for seed in range(300)]
    assert sum(compared for compared, _ in days) > 20_000
    assert min(closest for _, closest in days) < 1000  # and it is come close to
