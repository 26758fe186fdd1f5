"""Handle times learned call by call, and the levels that follow: clear differences only, and no coming and going."""

from __future__ import annotations

import random
from statistics import fmean, variance

import msgspec
import pytest

from cti_engine.core.routing.handle_times import (
    MEMORY,
    MOST_INTENTS,
    Cell,
    LevelLimits,
    QueueTimes,
    compared,
    estimates,
    slow_groups,
)

GROUPS = ["a", "b", "c"]
LIMITS = LevelLimits()


def learned(
    seconds: dict[str, float], calls: int, seed: int = 1, times: QueueTimes | None = None
) -> QueueTimes:
    """Exponential handle times, the groups in turn."""
    rng = random.Random(seed)
    times = times or QueueTimes("q")
    for _ in range(calls):
        for group, mean in seconds.items():
            times.add(group, "", rng.expovariate(1 / mean))
    return times


def test_a_cell_is_the_weighted_mean_and_variance_of_its_calls() -> None:
    """One by one it comes to what the formula over all calls gives, older ones weighing less."""
    rng = random.Random(7)
    values = [rng.lognormvariate(5, 0.5) for _ in range(900)]
    cell = Cell()
    for value in values:
        cell.add(value)
    weights = [(1 - 1 / MEMORY) ** back for back in range(len(values) - 1, -1, -1)]
    total = sum(weights)
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / total
    squares = sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True))
    calls = total**2 / sum(w * w for w in weights)
    assert cell.mean == pytest.approx(mean, rel=1e-12)
    assert cell.calls == pytest.approx(calls, rel=1e-12)
    assert cell.variance == pytest.approx(squares / total * calls / (calls - 1), rel=1e-9)


def test_few_calls_have_nearly_equal_weights() -> None:
    """Of ten calls mean and variance are almost those of the textbook."""
    values = [100.0, 300.0, 200.0, 150.0, 250.0, 120.0, 180.0, 90.0, 400.0, 210.0]
    cell = Cell()
    for value in values:
        cell.add(value)
    assert cell.mean == pytest.approx(fmean(values), rel=0.01)
    assert cell.variance == pytest.approx(variance(values), rel=0.03)


def test_a_group_with_few_calls_is_taken_for_average() -> None:
    """Three calls twice as long move the estimate a little, three hundred nearly all the way."""
    few = learned({"b": 1200.0}, 3, times=learned({"a": 600.0, "c": 500.0}, 300))
    many = learned({"b": 1200.0}, 300, times=learned({"a": 600.0, "c": 500.0}, 300))
    middle = estimates(few, ["a"])["a"].seconds
    assert abs(estimates(few, GROUPS)["b"].seconds - middle) < 350
    assert estimates(many, GROUPS)["b"].seconds > 1050


def test_no_difference_beyond_chance_shrinks_all_to_one_mean() -> None:
    """Where the groups differ less than chance alone would make them differ, each is taken for the queue's mean."""
    times = QueueTimes("q")
    for seconds in (100.0, 300.0, 200.0, 160.0, 240.0) * 20:
        for group in GROUPS:
            times.add(group, "", seconds)
    assert len({estimate.seconds for estimate in estimates(times, GROUPS).values()}) == 1


def test_groups_are_compared_on_the_queues_own_mix_of_intents() -> None:
    """Who gets the long intent more often is not slower: each intent counts as often as it comes to the queue."""
    rng = random.Random(3)
    times = QueueTimes("q")
    for _ in range(2000):
        for group, long in (("a", 0.2), ("b", 0.8)):
            intent = "contract" if rng.random() < long else "balance"
            times.add(group, intent, rng.expovariate(1 / (900 if intent == "contract" else 150)))
    known = estimates(times, ["a", "b"])
    assert known["b"].seconds / known["a"].seconds == pytest.approx(1, abs=0.1)
    assert slow_groups(times, ["a", "b"], LIMITS) == []
    bare = [fmean(cells[group].mean for cells in times.cells.values()) for group in ("a", "b")]
    assert bare[0] > 100  # both intents were learned of both groups


def test_a_markedly_slower_group_is_found_and_an_equal_one_is_not() -> None:
    """With times as spread as exponential ones, a third longer is clear after some hundred calls."""
    times = learned({"a": 600.0, "b": 600.0, "c": 800.0}, 600)
    assert slow_groups(times, GROUPS, LIMITS) == ["c"]


@pytest.mark.parametrize(
    ("limits", "calls"),
    [
        (LevelLimits(enabled=False), 600),
        (LevelLimits(slower_by=1.6), 600),
        (LevelLimits(min_calls=400), 200),
    ],
)
def test_the_admins_limits_hold(limits: LevelLimits, calls: int) -> None:
    """Switched off, below the ratio or with too few calls nobody is slow, however clear it is."""
    assert slow_groups(learned({"a": 600.0, "b": 850.0}, calls), ["a", "b"], limits) == []


def test_unclear_differences_are_none() -> None:
    """A group that seems 20 % slower by calls so few that chance does as much is not called slow."""
    times = learned({"a": 600.0, "b": 600.0}, 40, seed=5)
    times.cells[""]["b"].mean = times.cells[""]["a"].mean * 1.2
    known = estimates(times, ["a", "b"])
    ratio = compared(known["b"], known["a"])
    assert ratio.least < 1 < ratio.most or ratio.value == 1
    assert slow_groups(times, ["a", "b"], LIMITS) == []


def test_a_level_stays_until_the_difference_has_halved() -> None:
    """At 12 % a group is not called slow anew, but stays so if it was; at 3 % it is not any longer."""
    times = learned({"a": 600.0, "b": 750.0}, 3000)
    cells = times.cells[""]
    cells["b"].mean = cells["a"].mean * 1.12
    assert slow_groups(times, ["a", "b"], LIMITS) == []
    times.slow = ["b"]
    assert slow_groups(times, ["a", "b"], LIMITS) == ["b"]
    cells["b"].mean = cells["a"].mean * 1.03
    assert slow_groups(times, ["a", "b"], LIMITS) == []


def test_only_groups_with_members_are_measured_against() -> None:
    """The fastest group counts while somebody of it serves the queue; without it the others are alike."""
    times = learned({"a": 400.0, "b": 750.0, "c": 750.0}, 600)
    assert slow_groups(times, GROUPS, LIMITS) == ["b", "c"]
    assert slow_groups(times, ["b", "c"], LIMITS) == []
    times.forget_all_but({"b", "c"})
    assert set(times.cells[""]) == {"b", "c"}


def test_what_has_changed_is_learned_anew() -> None:
    """A slow group that becomes as fast as the others is at level 0 some hundred calls later."""
    times = learned({"a": 600.0, "b": 900.0}, 800)
    times.slow = slow_groups(times, ["a", "b"], LIMITS)
    assert times.slow == ["b"]
    learned({"a": 600.0, "b": 600.0}, 4 * MEMORY, seed=2, times=times)
    assert slow_groups(times, ["a", "b"], LIMITS) == []


def test_the_row_is_bounded_and_survives_storing() -> None:
    """However many intents flows invent, a queue keeps some; what is stored reads back the same."""
    times = QueueTimes("q")
    for number in range(500):
        times.add(GROUPS[number % 3], f"intent {number}", 100.0 + number)
    assert len(times.cells) <= MOST_INTENTS + 1
    assert len(times.mix) <= MOST_INTENTS + 1
    assert sum(cell.weight for group in times.cells.values() for cell in group.values()) > 400
    assert msgspec.convert(msgspec.to_builtins(times), QueueTimes) == times


def test_equal_groups_are_seldom_called_slow() -> None:
    """Looked at after every tenth call of a long day, five equal groups are almost never kept apart by chance."""
    rng = random.Random(11)
    kept_apart = looks = 0
    for _ in range(10):
        times = QueueTimes("q")
        for call in range(3000):
            times.add(str(rng.randrange(5)), "", rng.expovariate(1 / 600))
            if call % 10 == 0:
                times.slow = slow_groups(times, [str(each) for each in range(5)], LIMITS)
                kept_apart += len(times.slow)
                looks += 5
    assert kept_apart / looks < 0.1
