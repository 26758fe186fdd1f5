"""Timers that wait in their second come in the same order as if all stood in one heap, and leave nothing behind."""

from __future__ import annotations

import random

from cti_engine.core.routing.timers import SWEEP_AT, DistantTimers


def test_owners_come_by_moment_and_seq_also_when_their_moments_change() -> None:
    """Random moments set, moved, taken back and taken: always the smallest (at, seq) that holds comes next."""
    chance = random.Random(5)
    moments: dict[int, tuple[int, int] | None] = {}
    timers: DistantTimers[int] = DistantTimers(moments.get)
    for number in range(5_000):
        owner = chance.randrange(60)
        kind = chance.random()
        if kind < 0.5:
            moments[owner] = number + chance.choice((0, 1, 900, 1_000, 5_000)) + chance.randrange(40), owner
            timers.set(owner)
        elif kind < 0.6:
            moments[owner] = None
        expected = min((moment for moment in moments.values() if moment is not None), default=None)
        if kind > 0.9 or kind < 0.3:
            assert timers.next() == (None if expected is None else expected[0])
        if expected is not None and kind > 0.8:
            assert timers.take() == expected[1]
            moments[expected[1]] = None


def test_of_owners_that_have_gone_only_some_are_left() -> None:
    """Ten thousand owners whose moment is an hour away and who go at once: no more stay than are never swept."""
    moments: dict[int, tuple[int, int] | None] = {}
    timers: DistantTimers[int] = DistantTimers(moments.get)
    for owner in range(10_000):
        moments[owner] = 3_600_000 + owner, owner
        timers.set(owner)
        moments[owner] = None
    assert len(timers) <= SWEEP_AT + 3
    assert timers.next() is None
    assert len(timers) == 0
