"""`cti-engine tickets` as an admin meets it: past cases in, what is open, one with its history, cases like a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cti_engine.__main__ import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped customers and tickets have been imported."""
    monkeypatch.setenv("CTI_VAR", str(tmp_path))
    monkeypatch.setenv("CTI_HOME", str(ROOT))
    assert main(["customers", "import", str(ROOT / "config/customers.csv")]) == 0
    assert main(["tickets", "import", str(ROOT / "config/tickets.csv")]) == 0
    assert "13 rows taken, 0 refused" in capsys.readouterr().out
    return tmp_path


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["tickets", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("home")
def test_what_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    """The open ones as they are due, by owner, by nobody, late, of a customer; as a table and as JSON."""
    assert [ticket["ticket"] for ticket in _json(capsys, "list")] == [2291, 2302]
    assert [ticket["ticket"] for ticket in _json(capsys, "list", "--owner", "ana")] == [2291]
    assert [ticket["ticket"] for ticket in _json(capsys, "list", "--nobodys")] == [2302]
    assert [ticket["ticket"] for ticket in _json(capsys, "list", "--late")][:1] == [2291]
    assert [ticket["name"] for ticket in _json(capsys, "list", "--customer", "c03")] == ["Emily Carter"]
    assert main(["tickets", "list"]) == 0
    assert "2291" in capsys.readouterr().out


@pytest.mark.usefixtures("home")
def test_one_with_its_history(capsys: pytest.CaptureFixture[str]) -> None:
    """Who did what; a number that is none is told in one line with exit code 1."""
    found = _json(capsys, "show", "2105")
    assert [step["step"] for step in found["steps"]] == ["open", "resolve"]
    assert main(["tickets", "show", "2105"]) == 0
    assert "transportista" in " ".join(capsys.readouterr().out.split())
    assert main(["tickets", "show", "99"]) == 1
    assert capsys.readouterr().err == "there is no ticket 99\n"


@pytest.mark.usefixtures("home")
def test_cases_like_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    """In both languages, the best first, with what worked."""
    assert _json(capsys, "cases", "DEVOLUCION de la factura, cargo doble")[0]["ticket"] == 2103
    assert _json(capsys, "cases", "charged", "twice")[0]["resolution"].startswith("The bank had repeated")
    assert main(["tickets", "cases", "xyzzy"]) == 0
    assert "No resolved ticket" in capsys.readouterr().out


def test_an_import_names_what_it_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows with a fault, a number that is taken, nobody's customer; new ones get numbers after the largest."""
    (home / "more.csv").write_text(
        "ticket,customer,category,priority,opened,closed,subject,resolution\n"
        ",c01,fault,,2h,,New one,\n"
        "2291,c01,fault,,2h,,Taken,\n"
        ",c99,fault,,2h,,Nobody's,\n"
        ",c01,faults,,2h,,Wrong,\n"
        ",c01,fault,9,2h,,Wrong,\n"
        ",c01,fault,,2h,1h,Half,\n"
        ",c01,fault,,1h,2h,Backwards,done\n",
        encoding="utf-8",
    )
    assert main(["tickets", "import", str(home / "more.csv"), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["taken"], [row["line"] for row in report["refused"]]) == (1, [3, 4, 5, 6, 7, 8])
    assert report["refused"][0]["reason"] == "there is a ticket 2291 already"
    assert [ticket["ticket"] for ticket in _json(capsys, "list", "--customer", "c01")] == [2303]
    assert main(["tickets", "import", str(home / "none.csv")]) == 1
