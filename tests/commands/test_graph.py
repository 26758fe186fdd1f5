"""`cti-engine graph` by its own command: the picture's text, its colours, and what is said when it cannot be drawn."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cti_engine.__main__ import main
from cti_engine.commands.flow_drawing import FILLS
from cti_engine.definitions.flow_keys import VERBS
from tests.definitions.homes import ROOT, shipped_home

NASTY = 'Pulse "1" <ya> & gracias \\n \\" \x07 ]'
BANK = {
    "flow": "bank",
    "languages": ["es"],
    "start": "open",
    "variables": {"ok": False},
    "steps": {
        "open": {"hours": {"calendar": "office", "open": "pin", "closed": "bye"}},
        "pin": {"run": {"flow": "check", "into": {"ok": "ok"}}, "next": "which"},
        "which": {"branch": [{"when": 'ok and call.ani != "<\\"&"', "go_to": "q"}, {"else": "bye"}]},
        "q": {"enqueue": "sales_es"},
        "bye": {"hang_up": None},
    },
}
CHECK = {
    "flow": "check",
    "languages": ["es"],
    "start": "ask",
    "steps": {
        "ask": {
            "gather": {"prompt": NASTY, "into": "pin", "digits": 4, "no_input": "no", "no_match": "no"},
            "next": "asked",
        },
        "asked": {"return": {"ok": True}},
        "no": {"return": {"ok": False}},
    },
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shipped_home(tmp_path)
    for flow in (BANK, CHECK):
        text = json.dumps(flow, ensure_ascii=False)
        (tmp_path / f"ivr_flows/{flow['flow']}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def _graph(home: Path, *arguments: str) -> int:
    return main(["--home", str(home), "graph", *arguments])


def _texts(svg: Path) -> str:
    return " ".join("".join(each.itertext()) for each in ElementTree.parse(svg).iter() if each.text)


@pytest.mark.parametrize("flow", ["main_es", "main_en", "account_balance", "queue_treatment"])
def test_every_shipped_flow_can_be_drawn(
    flow: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Graphviz takes what we write, and each step stands in the picture."""
    assert _graph(ROOT, flow, "--out", str(tmp_path / "x.svg")) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'x.svg'}\n"
    assert _graph(ROOT, flow, "--json") == 0
    drawn, *_ = json.loads(capsys.readouterr().out)["flows"]
    texts = _texts(tmp_path / "x.svg")
    assert drawn["steps"] and all(step["name"] in texts for step in drawn["steps"])


def test_what_people_write_does_not_break_the_picture(home: Path, tmp_path: Path) -> None:
    """Quotes, brackets, backslashes and control characters of prompts and conditions stand there as text."""
    assert _graph(home, "bank", "--out", str(tmp_path / "x.svg")) == 0
    texts = _texts(tmp_path / "x.svg")
    assert 'Pulse "1" <ya> & gracias' in texts
    assert 'call.ani != "<\\"&"' in texts


def test_flows_that_it_runs_are_drawn_beside_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With their own steps; the verbs are those of the file, and ways have the names that people know."""
    assert _graph(home, "bank", "--json") == 0
    bank, check = json.loads(capsys.readouterr().out)["flows"]
    assert (bank["flow"], check["flow"]) == ("bank", "check")
    assert {step["name"]: step["verb"] for step in bank["steps"]} == {
        "open": "hours", "pin": "run", "which": "branch", "q": "enqueue", "bye": "hang_up",
    }  # fmt: skip
    labels = {(way["step"], way["label"]): way["to"] for way in bank["ways"]}
    assert labels["open", "open"] == "pin" and labels["open", "closed"] == "bye"
    assert labels["open", "holiday"] == "bye"
    assert {way["label"] for way in check["ways"]} == {"", "no input", "no match"}
    assert {step["tried"] for step in bank["steps"]} == {None}


def test_every_verb_has_its_look() -> None:
    """A new verb is drawn too."""
    assert set(FILLS) == set(VERBS)


def test_coverage_says_which_ways_the_tests_have_gone(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Green where a test goes, red where none does."""
    script = 'flow: main_en\ntests:\n  t:\n    do: [{hears: "For sales"}, {presses: "1"}]\n'
    (home / "ivr_flows/main_en.test.yaml").write_text(script)
    assert _graph(home, "main_en", "--coverage", "--json") == 0
    drawn, *_ = json.loads(capsys.readouterr().out)["flows"]
    tried = {(way["step"], way["way"]): way["tried"] for way in drawn["ways"]}
    assert tried["menu", "1"] is True and tried["menu", "2"] is False
    assert {step["name"]: step["tried"] for step in drawn["steps"]}["support"] is False
    assert _graph(home, "main_en", "--coverage", "--out", str(tmp_path / "x.svg")) == 0
    assert {"#2e7d32", "#c62828"} <= set((tmp_path / "x.svg").read_text().split('"'))


def test_without_graphviz_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3; the text that Graphviz reads is written without it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _graph(ROOT, "main_es", "--out", str(tmp_path / "x.svg")) == 3
    assert "apt-get install -y graphviz" in capsys.readouterr().err
    assert not (tmp_path / "x.svg").exists()
    assert _graph(ROOT, "main_es", "--out", str(tmp_path / "x.dot")) == 0
    assert (tmp_path / "x.dot").read_text().startswith('digraph "main_es"')


def test_what_cannot_be_drawn_is_told(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A suffix that is not known, a flow that is not there, a folder that is not there, a flow with errors."""
    assert _graph(ROOT, "main_es", "--out", "x.gif") == 2
    assert ".svg, .png" in capsys.readouterr().err
    assert _graph(ROOT, "main_e") == 1
    assert 'did you mean "main_' in capsys.readouterr().err
    assert _graph(ROOT, "main_es", "--out", str(tmp_path / "none/x.svg")) == 3
    (home / "ivr_flows/bank.yaml").write_text("flow: bank\n")
    assert _graph(home, "bank") == 1
    assert "ivr_flows/bank.yaml:1" in capsys.readouterr().err
