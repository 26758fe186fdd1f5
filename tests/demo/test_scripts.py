"""The demo's cast: repeatable by its seed, and known to the shipped customers."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random

from cti_engine.definitions.phone_numbers import e164
from cti_engine.runtime.demo.scripts import DEMO_CALLERS, DIALLED, draw_call, draw_manner, draw_pause

HOME = Path(__file__).parents[2]


def test_one_seed_is_one_demo() -> None:
    """The same seed draws the same calls, manners and pauses; another one draws others."""

    def drawn(seed: int) -> list[object]:
        random = Random(seed)
        return [
            (draw_call(random, DEMO_CALLERS), draw_manner(random), draw_pause(random, 6)) for _ in range(20)
        ]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_callers_are_the_shipped_customers_and_one_unknown() -> None:
    """Seven callers stand in config/customers.csv under their number; the one from Los Angeles does not."""
    with (HOME / "config" / "customers.csv").open() as file:
        known = {
            e164(number, "US"): row["name"]
            for row in csv.DictReader(file)
            for number in row["numbers"].split(";")
        }
    strangers = [caller for caller in DEMO_CALLERS if caller.number not in known]
    assert [caller.number for caller in strangers] == ["+12135550103"]
    for caller in DEMO_CALLERS:
        assert known.get(caller.number, "").startswith(caller.name)


def test_all_kinds_of_callers_come() -> None:
    """In a thousand calls: both languages, right, wrong and no keys, patient and impatient; calls come at the
    rate asked for; agents miss few and end about half of their calls."""
    random = Random(3)
    calls = [draw_call(random, DEMO_CALLERS) for _ in range(1000)]
    assert {call.dial for call in calls} == set(DIALLED.values())
    keys = {tuple(key for _, key in call.keys) for call in calls}
    assert keys == {("1",), ("2",), ("9", "1"), ()}
    impatient = sum(call.patience <= 12 for call in calls)
    assert 80 < impatient < 170
    pauses = [draw_pause(random, 6) for _ in range(1000)]
    assert 9 < sum(pauses) / 1000 < 11
    manners = [draw_manner(random) for _ in range(1000)]
    assert 15 < sum(manner.answer_after is None for manner in manners) < 60
    assert 400 < sum(manner.talk is None for manner in manners) < 600
