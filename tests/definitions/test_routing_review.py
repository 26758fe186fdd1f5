"""What is valid but surprises: exact warnings of whole centers, and none for the shipped one and its examples."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.report import as_text
from cti_engine.runtime.word_judge import InstalledWords
from tests.definitions.homes import ROOT, shipped_home

SURPRISING = Path(__file__).parent / "surprising"
EXAMPLES = ROOT / "routing_rules" / "examples"


def laid_over(folder: Path, to: Path) -> Path:
    """The shipped files with those of a folder over them."""
    home = shipped_home(to)
    shutil.copytree(folder, home, dirs_exist_ok=True)
    return home


@pytest.mark.parametrize("case", sorted(path.name for path in SURPRISING.iterdir()))
def test_surprises_are_told_with_place_and_hint(case: str, tmp_path: Path) -> None:
    """The set is good, and warnings.txt is what `cti-engine check` prints."""
    home = laid_over(SURPRISING / case, tmp_path)
    definitions, problems = load_definitions(home, review=True, words=InstalledWords(None))
    assert definitions is not None
    assert as_text(problems) + "\n" == (SURPRISING / case / "warnings.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
def test_examples_have_no_surprises(example: str, tmp_path: Path) -> None:
    """Each worked example over the shipped files is valid, without a warning."""
    definitions, problems = load_definitions(laid_over(EXAMPLES / example, tmp_path), review=True)
    assert definitions is not None
    assert problems == []


def test_a_reload_does_not_wait_for_the_review(tmp_path: Path) -> None:
    """Only who asks for it gets these warnings."""
    assert load_definitions(laid_over(SURPRISING / "circles", tmp_path))[1] == []


class _KnowsOnly:
    """A recogniser of a few words, to whom nothing sounds alike."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def alike(self, one: str, other: str, language: str) -> bool:
        return False

    def unknown(self, phrases: tuple[str, ...], language: str) -> tuple[str, ...]:
        return tuple(phrase for phrase in phrases if phrase not in self._words)


def test_words_that_the_recogniser_does_not_know_are_told_where_they_stand(tmp_path: Path) -> None:
    """Nobody could say them. The engine's own words are not the admin's to mend."""
    words = _KnowsOnly(
        "sales", "buy", "support", "help", "operator", "agent", "ventas", "soporte", "operador"
    )
    definitions, problems = load_definitions(shipped_home(tmp_path), review=True, words=words)
    assert definitions is not None
    told = [(p.line, p.text) for p in problems if p.file == "ivr_flows/main_es.yaml"]
    lines = (ROOT / "ivr_flows/main_es.yaml").read_text().splitlines()
    unknown = {
        word: next(n for n, line in enumerate(lines, 1) if word in line) for word in ("comprar", "ayuda")
    }
    for word, line in unknown.items():
        assert (line, f"the recogniser of es does not know {word}: nobody can say it") in told
