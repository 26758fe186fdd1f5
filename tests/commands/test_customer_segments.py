"""`cti-engine customers segments` and `retention`: from the stored customers to their figures and lists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cti_engine.__main__ import main
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.core.customers.segment_rules import DAY
from cti_engine.runtime.places import Places
from cti_engine.wire.clock import Clock
from tests.definitions.homes import ROOT


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """The demo's customers; c02 has an open complaint since yesterday, and c03 complained on the phone long ago."""
    store, now = CustomerStore(Places(tmp_path).customers_db), Clock().now()
    store.import_csv(ROOT / "config" / "customers.csv", now)
    store.import_purchases(ROOT / "config" / "purchases.csv", now)
    with store.database.writing() as db:
        db.run(
            "INSERT INTO tickets(customer, category, subject, state, priority, owner, contact, opened_by, opened_at)"
            " VALUES('c02', 'complaint', 'billed twice', 'open', 2, '', '', 'ana', ?)",
            (now - DAY,),
        )
        body = json.dumps({"queue": "support_en", "disposition": "complaint"})
        db.run(
            "INSERT INTO contacts(customer, at, source, body) VALUES('c03', ?, 'call', ?)",
            (now - 45 * DAY, body),
        )
        db.run(
            "INSERT INTO surveys VALUES('c03', ?, 'c9', 'survey', 'csat', '1-5', 1, 'ana', 'support_en', 0, '', 0)",
            (now - DAY,),
        )
    store.close()
    return tmp_path


def told(var: Path, capsys: pytest.CaptureFixture[str], *words: str) -> object:
    assert main(["--home", str(ROOT), "--var", str(var), "customers", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_all_figures_are_made_anew(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each customer is in the first segment that holds, and the profile has segment, value and reasons from now on."""
    found = told(var, capsys, "segments")
    assert isinstance(found, dict)
    assert {row["segment"]: row["customers"] for row in found["segments"]} == {
        "company": 1, "gold": 2, "silver": 1, "standard": 3, "unknown": 0,
    }  # fmt: skip
    store = CustomerStore(Places(var).customers_db)
    gold, angry, bored = (store.customer(each) or {} for each in ("c01", "c02", "c03"))
    store.close()
    assert (gold["segment"], gold["value"]) == ("gold", 4200.0)
    assert {reason["code"] for reason in gold["scores"]["why"] if reason["figure"] == "score"} >= {"monetary"}
    assert angry["scores"]["retention_risk"] == pytest.approx(0.3, abs=0.2)
    assert "open_complaint" in [reason["code"] for reason in angry["scores"]["why"]]
    assert {"complaint", "survey"} <= {reason["code"] for reason in bored["scores"]["why"]}


def test_how_the_figures_of_one_came_about(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each reason with its points and a sentence; of who has no figures it is said so, with exit code 1."""
    assert main(["--home", str(ROOT), "--var", str(var), "customers", "segments", "--explain", "c04"]) == 1
    assert "customers segments makes them" in capsys.readouterr().err
    told(var, capsys, "segments")
    found = told(var, capsys, "segments", "--explain", "c04")
    assert isinstance(found, dict)
    texts = [reason["text"] for reason in found["why"]]
    assert "a contract ends in 12 days" in texts and "as imported" in texts


def test_the_lists_of_campaigns(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who is valuable and complained lately, and whose contract ends, each with what to do; one list can be asked."""
    told(var, capsys, "segments")
    found = told(var, capsys, "retention")
    assert isinstance(found, list)
    assert {(row["campaign"], row["customer"]) for row in found} >= {
        ("complaint_of_value", "c02"),
        ("contract_ends", "c04"),
    }
    assert all(row["action"]["es"] and row["numbers"] for row in found)
    only = told(var, capsys, "retention", "--campaign", "contract_ends")
    assert isinstance(only, list)
    assert [row["customer"] for row in only] == ["c04"]
    assert main(["--home", str(ROOT), "--var", str(var), "customers", "retention", "--campaign", "x"]) == 2


def test_every_reason_has_a_sentence(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the model tells of anybody can be said."""
    told(var, capsys, "segments")
    for number in range(1, 8):
        found = told(var, capsys, "segments", "--explain", f"c0{number}")
        assert isinstance(found, dict) and all(reason["text"] for reason in found["why"])
