"""The matcher against the brute-force oracle, its trace before the judge: `make verify-routing` in short."""

from __future__ import annotations

import pytest

from tests.routing.lockstep import EVENTS_PER_CENTER, random_run, shrink, trace_run
from tests.routing.mutants import MUTANTS, SOURCES

EVENTS = 20_000


@pytest.mark.parametrize("share", range(4))
def test_no_difference_in_twenty_thousand_random_events(share: int) -> None:
    """Each answer to each random event is the oracle's; a difference is told as a short script."""
    centers = EVENTS // EVENTS_PER_CENTER
    for seed in range(share, centers, 4):
        _, found = random_run(seed)
        if found is not None:
            pytest.fail(f"seed {seed}: {found.difference}\n{shrink(found.script)}")


def test_the_trace_of_large_centers_holds() -> None:
    """Nothing is inverted, lost, doubled or starved in centers that are too large for the oracle."""
    violations = [violation for seed in range(4) for violation in trace_run(seed, events=500).violations]
    assert violations == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_fault_has_its_place(mutant: object) -> None:
    """The text that `make verify-routing` replaces stands once in the matcher as it is now."""
    assert isinstance(mutant, type(MUTANTS[0]))
    assert (SOURCES / mutant.file).read_text().count(mutant.old) == 1
