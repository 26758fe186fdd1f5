"""`cti-engine cdr`: everything that closed, in three forms, safe in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from cti_engine.adapters.log_reading import PAGE, all_records
from cti_engine.commands import cdr_report
from cti_engine.core.reporting.cdr import Cdr
from cti_engine.ports import Batch
from cti_engine.runtime.stores import open_store


def record(number: int, **changes: Any) -> dict[str, Any]:
    cdr = Cdr(contact=f"c{number}", ani="+34600000101", cause="caller/hang_up", ended_at=1000.0 + number // 3)
    return {**cdr.record(), **changes}


def test_all_records_come_although_pages_end_amid_equal_times(tmp_path: Path) -> None:
    """More records than a page, three per second: each comes once, in order."""
    store = open_store("sqlite:", folder=tmp_path)
    count = 2 * PAGE + 7
    store.open_epoch()
    store.write(Batch({("cdr", f"c{n}"): record(n) for n in range(count)}))
    found = [row["contact"] for row in all_records(store)]
    assert sorted(found) == sorted(f"c{n}" for n in range(count))
    assert len(found) == len(set(found))
    store.close()


def test_a_note_that_a_spreadsheet_would_run_gets_a_quote(tmp_path: Path) -> None:
    """Formulas in notes and names are text in the export; numbers in E.164 stay as they are."""
    path = tmp_path / "out.csv"
    rows = [record(1, note="=1+1", name="@evil", flow_path=["main.menu", "main.sales"])]
    assert cdr_report.export(rows, path) == 1
    (row,) = csv.DictReader(path.open(newline=""))
    assert (row["note"], row["name"], row["ani"]) == ("'=1+1", "'@evil", "+34600000101")
    assert row["flow_path"] == "main.menu main.sales"


def test_answers_of_a_survey_are_one_cell(tmp_path: Path) -> None:
    """By question; the export has the fields of a record and no others."""
    path = tmp_path / "out.csv"
    cdr_report.export([record(1, survey={"satisfaction": 4, "comment": "/rec/a.wav"})], path)
    (row,) = csv.DictReader(path.open(newline=""))
    assert row["survey"] == "satisfaction=4 comment=/rec/a.wav"
    assert set(row) == set(record(1))


def test_json_is_one_record_a_line() -> None:
    """Each line parses by itself and holds the whole record."""
    out = io.StringIO()
    cdr_report.write_json([record(1), record(2, name="José")], out)
    lines = out.getvalue().splitlines()
    assert [json.loads(line)["contact"] for line in lines] == ["c1", "c2"]
    assert "José" in lines[1]


def test_the_table_fits_the_terminal() -> None:
    """A narrow terminal shows fewer columns, none of them crushed."""
    for width, wanted in ((100, False), (200, True)):
        out = io.StringIO()
        cdr_report.show([record(1)], Console(file=out, width=width))
        assert ("disposition" in out.getvalue()) is wanted
        assert "caller/hang_up" in out.getvalue()
    out = io.StringIO()
    cdr_report.show([record(1, cause="caller/abandoned_in_queue")], Console(file=out, width=80))
    assert "+34600000101" in out.getvalue() and "caller/abandoned_in_queue" in out.getvalue()
