"""`cti-engine guide`: the shipped guides, listed, shown, walked through and drawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from cti_engine.__main__ import main
from cti_engine.commands.guide import preview
from cti_engine.definitions.library import load_definitions
from tests.definitions.homes import ROOT


def asked(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(["--home", str(ROOT), "guide", *words]) == code
    return capsys.readouterr().out


def test_three_guides_are_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    """In both languages, each for some calls alone, whose first step can be read."""
    rows = json.loads(asked(capsys, "list", "--json"))
    assert [row["guide"] for row in rows] == ["complaint", "retention", "router_offline"]
    assert all(row["languages"] == ["es", "en"] and row["when"] for row in rows)
    for row in rows:
        shown = json.loads(asked(capsys, "show", row["guide"], "--language", "en", "--json"))
        assert shown["steps"][shown["start"]]["say"]
    assert "router" in asked(capsys, "show", "router_offline")
    asked(capsys, "show", "nobody", code=2)
    asked(capsys, "show", "complaint", "--language", "fr", code=2)


def test_a_guide_is_drawn_without_ways_that_agents_have_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its answers and steps are there; that somebody is not understood happens to callers of menus only."""
    file = tmp_path / "complaint.dot"
    asked(capsys, "graph", "complaint", "--language", "en", "--out", str(file))
    drawn = file.read_text(encoding="utf-8")
    assert "The bill" in drawn and "no match" not in drawn and "say_back" in drawn
    asked(capsys, "graph", "complaint", "--out", "x.doc", code=2)


def test_a_preview_goes_where_the_answers_lead(capsys: pytest.CaptureFixture[str]) -> None:
    """By number or value; what is no answer is asked again; at the end stands what would be kept."""
    definitions, _ = load_definitions(ROOT)
    assert definitions is not None
    typed = iter(["9", "bill", "a lot", "25", "their money back", "1", ""])
    console = Console(width=200, record=True)
    assert preview(definitions.guides["complaint"], "en", console, lambda prompt: next(typed)) == 0
    said = console.export_text()
    assert "'9' is no answer" in said and "'a lot' is no answer" in said
    assert "What it is about = bill  (ticket)" in said and "How it was left = solved  (note)" in said
