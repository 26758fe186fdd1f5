"""`cti-engine surveys` as a supervisor meets it: a table and JSON, weighted on request, and what was said."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cti_engine.__main__ import main
from cti_engine.adapters.customer_schema import open_customers

ROOT = Path(__file__).parents[2]


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CTI_VAR", str(tmp_path))
    monkeypatch.setenv("CTI_HOME", str(ROOT))
    return tmp_path


def _answers(var: Path) -> None:
    now = time.time()
    with closing(open_customers(var / "customers.db")) as database, database.writing() as db:
        for contact, value, csat, nps in (("k1", 3000.0, 5, 10), ("k2", 1000.0, 2, 3), ("k3", 0.0, 1, None)):
            db.run(
                "INSERT INTO surveys_asked VALUES('', ?, ?, 'survey', 'ana', 'sales_en', ?, 1)",
                (now - 60, contact, value),
            )
            for question, scale, answer in (("satisfaction", "1-5", csat), ("recommend", "0-10", nps)):
                if answer is not None:
                    db.run(
                        "INSERT INTO surveys VALUES('', ?, ?, 'survey', ?, ?, ?, 'ana', 'sales_en', ?, '', 0)",
                        (now - 50, contact, question, scale, answer, value),
                    )
        db.run(
            "INSERT INTO surveys VALUES('', ?, 'k1', 'survey', 'comment', '', NULL, 'ana', 'sales_en', 3000,"
            " '/var/recordings/k1-2.wav', 8.5)",
            (now - 40,),
        )
        db.run(
            "INSERT INTO surveys_asked VALUES('', ?, 'k0', 'survey', 'ana', 'sales_en', 0, 0)",
            (now - 40 * 86_400,),
        )


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["surveys", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_by_agent_and_queue(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last 30 days: 8/3 of three; weighted, (15 + 2) / 4 of two, the one without a value left out and told."""
    _answers(var)
    found = _json(capsys)
    assert [one["name"] for one in found["agents"] + found["queues"]] == ["ana", "sales_en"]
    assert (found["total"]["asked"], found["total"]["csat_answers"]) == (3, 3)
    assert found["agents"][0]["csat"]["value"] == pytest.approx(8 / 3)
    assert found["agents"][0]["nps"]["value"] == 0.0
    weighted = _json(capsys, "--weighted")["queues"][0]
    assert (weighted["csat"]["value"], weighted["left_out"]) == (4.25, 1)
    assert _json(capsys, "--question", "recommend")["total"]["csat"] is None
    assert _json(capsys, "--since", "2020-01-01")["total"]["asked"] == 4
    assert main(["surveys", "--weighted"]) == 0
    shown = capsys.readouterr().out
    assert "4.25" in shown and "customers without a value: 1." in shown


def test_what_was_said(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With where it lies, and what the same caller answered."""
    _answers(var)
    (comment,) = _json(capsys, "--comments")
    assert (comment["recording"], comment["answers"]) == (
        "/var/recordings/k1-2.wav",
        {"satisfaction": 5, "recommend": 10},
    )
    assert main(["surveys", "--comments"]) == 0
    assert "k1" in capsys.readouterr().out


def test_nothing_yet(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A center without customers: one line, and a good end."""
    assert main(["surveys"]) == 0
    assert "Nobody has been asked" in capsys.readouterr().out
    assert main(["surveys", "--comments"]) == 0
    assert not (var / "customers.db").exists()
