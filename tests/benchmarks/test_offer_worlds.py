"""Worlds of purchases for `make bench-offers`: any module's, and what each is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import basket_set, other_worlds, purchase_world
from benchmarks.bench_offers import FROZEN, real_baskets
from benchmarks.offer_guesses import generator, guesses
from benchmarks.report import Report

MINE = """
from collections import namedtuple
Purchase = namedtuple("Purchase", "customer at product")
class World:
    purchases = [Purchase(f"c{i}", 100.0 * n + i, f"p{(i + n) % 5}") for i in range(60) for n in range(4)]
    segments = {}
    cut = 300.0
def make(seed):
    return World()
"""


def test_a_world_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three attributes are enough; without laws no optimum is told."""
    (tmp_path / "my_world_of_purchases.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(tmp_path))
    report = Report("bench-offers")
    guesses(report, generator("my_world_of_purchases:make")(1))
    assert report.figures["customers_judged"] == 60 and "share_of_optimum" not in report.figures
    assert [goal.name for goal in report.goals] == ["hit_rate_at_3_vs_popularity"]
    sys.modules.pop("my_world_of_purchases")


@pytest.mark.parametrize("name", ["", "nowhere:make", f"{FROZEN}s", "benchmarks.other_worlds:ALL"])
def test_what_is_no_generator(name: str) -> None:
    """One line that says what is wrong."""
    with pytest.raises(ValueError, match="is no"):
        generator(name)


def test_the_frozen_world_is_frozen() -> None:
    """The same purchases as when it was published."""
    assert generator(FROZEN) is purchase_world.make
    world = purchase_world.make(6, customers=40)
    assert len(world.purchases) == 230 and world.purchases[0].product == "p54"


@pytest.mark.parametrize("world", other_worlds.ALL, ids=lambda each: each.__name__)
def test_each_other_world_says_what_it_is(world: object) -> None:
    """Its line is in the docs."""
    text = (Path(__file__).parents[2] / "docs/benchmark-offers.md").read_text()
    assert f"| `{world.__name__}` |" in text  # type: ignore[attr-defined]


def test_a_small_world() -> None:
    """The same for the same seed, in the order of time, nothing twice; what a customer has is no best guess."""
    shape = other_worlds.Shape(products=12, customers=60, each=9.0, once=1.0, season=3.0, prices=0.5)
    world, same = other_worlds.make(1, shape), other_worlds.make(1, shape)
    assert world.purchases == same.purchases
    assert [each.at for each in world.purchases] == sorted(each.at for each in world.purchases)
    bought = [(each.customer, each.product) for each in world.purchases]
    assert len(bought) == len(set(bought))
    assert any(each.at >= world.cut for each in world.purchases)
    had = {each.product for each in world.purchases if each.customer == "c1" and each.at < world.cut}
    assert had.isdisjoint(world.optima(["c1"], 12 - len(had))["c1"])


def test_without_real_baskets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain line says how to get them."""
    monkeypatch.setattr(basket_set, "installed", lambda: False)
    report = Report("bench-offers")
    real_baskets(report)
    assert report.figures == {"real_basket_set": "not installed: the extra `baskets`"}
