"""The campaigns' lists for supervisors, and when customers' figures are made anew."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from agent_console.answers import RetentionList
from agent_console.retention import lists
from agent_console.segment_refresh import due_since
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.commands.customer_segments import recompute
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.segment_loader import recompute_at
from tests.definitions.homes import ROOT

NOW = 1_790_000_000.0


def test_who_is_on_a_list_and_what_to_do(tmp_path: Path) -> None:
    """Each list with its action by language and its customers, as the REST answer is described; none without files."""
    definitions, _ = load_definitions(ROOT)
    assert definitions is not None
    store = CustomerStore(tmp_path / "customers.db")
    store.import_csv(ROOT / "config" / "customers.csv", NOW)
    recompute(store.database, definitions.segments, definitions.campaigns, NOW)
    found = {each.campaign: each for each in msgspec.convert(lists(store, ROOT), list[RetentionList])}
    assert list(found) == list(definitions.campaigns)
    ending = found["contract_ends"]
    assert [one.customer for one in ending.customers] == ["c04"] and ending.of == 1
    assert ending.action["es"] and ending.customers[0].days_to_contract_end == pytest.approx(12, abs=0.1)
    assert lists(store, tmp_path) == []
    store.close()


@pytest.mark.parametrize(
    ("clock", "due"), [("03:29", "03:30 of yesterday"), ("03:30", "03:30"), ("23:59", "03:30")]
)
def test_figures_are_due_at_their_time_of_the_centers_day(clock: str, due: str) -> None:
    """The last 03:30 by the center's clock, two hours ahead of UTC."""
    hours, minutes = (int(part) for part in clock.split(":"))
    midnight, offset = 20_000 * 86_400.0 - 7200.0, 7200.0
    now = midnight + hours * 3600 + minutes * 60
    days = -86_400.0 if due.endswith("yesterday") else 0.0
    assert due_since(now, 210, offset) == midnight + 210 * 60.0 + days


def test_the_time_stands_in_the_file(tmp_path: Path) -> None:
    """Without the file nothing is made by itself."""
    assert recompute_at(ROOT) == 210
    assert recompute_at(tmp_path) is None
