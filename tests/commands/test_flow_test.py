"""`cti-engine test` by its own command: what passes, what fails and where, coverage, JUnit, and bad test files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cti_engine.__main__ import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for folder in ("config", "ivr_flows", "routing_rules"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def _tests(home: Path, text: str, flow: str = "main_en") -> None:
    (home / f"ivr_flows/{flow}.test.yaml").write_text(f"flow: {flow}\ntests:\n  t:\n    do:\n{text}")


def _test(home: Path, *arguments: str) -> int:
    return main(["--home", str(home), "test", *arguments])


def test_the_shipped_flows_pass_their_tests_and_every_way_is_tried(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same that an admin runs."""
    assert _test(ROOT, "--coverage-below", "100") == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('- hears: "Good night"', "“Good night” is not heard. After this point: “Hello, and thank you"),
        ("- hears_not: Hello", "“Hello” was heard after 0.0 s"),
        ("- step: menu", "the step is welcome, not menu"),
        ("- sets: {call.intent: sales}", "call.intent has never been set"),
        ("- enters: sales_en", "the call has entered no queue: it stands in main_en.menu"),
        ("- ends: flow_ended", "not flow_ended: it stands in main_en.menu"),
        ("- sends: {message: order}", "order is not sent; sent: nothing"),
        ("- asks: bank", "bank is not asked; asked: nothing"),
        ('- presses: "1"\n      - enters: sales_es', "the queue is sales_en, not sales_es"),
        ('- presses: "1"\n      - sets: {call.intent: support}', "call.intent is 'sales', not 'support'"),
        ('- presses: "11"\n      - presses: "1"', "the flow is over (queue): nobody takes keys"),
        ("- waits: 3s\n      - within: 2s", "3.0 s have passed, more than 2"),
        ("- makes_noise", "nobody listens now"),
        ("- transfers: maria", "not transferred to maria, but to nobody"),
    ],
)
def test_what_fails_says_where_and_what_was_so(
    home: Path, line: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, the line of the script, and the call as it went."""
    _tests(home, f"      {line}\n")
    assert _test(home, "main_en", "--json") == 1
    (found,) = json.loads(capsys.readouterr().out)["tests"]
    assert not found["passed"] and why in found["why"]
    assert found["line"] == 5 + line.count("\n")
    assert _test(home, "main_en") == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert f"ivr_flows/main_en.test.yaml:{found['line']}" in shown and "1 failed" in shown


def test_answers_of_a_survey_are_expected(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By question; a wrong or missing one fails."""
    (home / "ivr_flows/opinion.yaml").write_text(
        "flow: opinion\nlanguages: [en]\nstart: ask\nsteps:\n"
        "  ask: {survey: {prompt: Well?, answer: score, no_input: end, no_match: end}, next: end}\n"
        "  end: {hang_up: }\n"
    )
    _tests(
        home, '      - presses: "4"\n      - answers: {score: 4}\n      - sets: {call.score: 4}\n', "opinion"
    )
    assert _test(home, "opinion") == 0
    for answers, why in (
        ("{score: 5}", "score is answered by 4, not 5"),
        ("{other: 1}", "other has no answer"),
    ):
        _tests(home, f'      - presses: "4"\n      - answers: {answers}\n', "opinion")
        capsys.readouterr()
        assert _test(home, "opinion", "--json") == 1
        assert json.loads(capsys.readouterr().out)["tests"][0]["why"] == why


def test_an_hour_of_waiting_takes_no_time(home: Path) -> None:
    """The clock is virtual: the treatment's music is heard a hundred times."""
    _tests(home, "      - waits: 1h\n      - hears: queue-thankyou\n", "queue_treatment")
    assert _test(home, "queue_treatment") == 0


def test_ways_that_nobody_tried_are_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Choices, misses and steps; `--coverage-below` makes it a failure."""
    _tests(home, '      - presses: "1"\n')
    assert _test(home, "main_en", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)["coverage"]
    assert {"step": "menu", "way": "2"} in found["ways_left"] and "support" in found["steps_left"]
    assert 0 < found["share"] < 1
    assert _test(home, "main_en", "--coverage-below", "90") == 1


def test_junit(home: Path, tmp_path: Path) -> None:
    """What a continuous integration reads: one case a test, the failure with its place."""
    _tests(home, "      - step: menu\n")
    assert _test(home, "main_en", "--junit", str(tmp_path / "out.xml")) == 1
    (suite,) = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert suite.attrib == {"name": "main_en", "tests": "1", "failures": "1"}
    assert "main_en.test.yaml:5: the step is welcome" in suite[0][0].attrib["message"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "      - preses: 1\n",
            'main_en.test.yaml:5: tests.t.do[0].preses: unknown verb preses (did you mean "presses"?)',
        ),
        ("      - waits: 5\n", "expected a duration, found '5' (5s or 5m)"),
        ("      - hears: [a]\n        step: b\n", "expected one verb with its value"),
        ('      - waits: 1s\n    given: {at: "2026-02-30 10:00"}\n', "there is no 2026-02-30 10:00"),
    ],
)
def test_a_wrong_test_file_is_told_with_its_line(
    home: Path, text: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is played then."""
    _tests(home, text)
    assert _test(home) == 1
    assert problem in capsys.readouterr().out


def test_a_flow_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Its name is a typing error."""
    assert _test(ROOT, "main_fr") == 1
    assert "there is no such flow" in capsys.readouterr().out
