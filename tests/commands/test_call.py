"""`cti-engine call` from a pipe: keys, words, silence, time, look-ups, and what is said of wrong input."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from cti_engine.__main__ import main
from tests.definitions.homes import ROOT, shipped_home

BANK = """
flow: bank
languages: [es, en]
start: open
variables: {balance: 0}
steps:
  open: {hours: {calendar: office, open: account, closed: closed, holiday: holiday}}
  account:
    gather: {prompt: {es: Cuenta., en: Account.}, into: account, digits: 4, no_input: bye, no_match: bye}
    next: pin
  pin:
    gather: {prompt: {es: Clave., en: PIN.}, into: pin, digits: 4, sensitive: true, no_input: bye, no_match: bye}
    next: look
  look:
    look_up:
      service: asked
      with: {account: "{account}", pin: "{pin}"}
      into: {balance: balance}
      failed: bye
    next: tell
  tell: {say: {es: "Tiene {balance|money EUR}.", en: "You have {balance|money EUR}."}, next: bye}
  closed: {say: {es: Cerrado., en: Closed.}, next: bye}
  holiday: {say: {es: Fiesta., en: Holiday.}, next: bye}
  bye: {hang_up: }
"""
SERVICES = """
  asked:
    url: "http://127.0.0.1:1/x"
    method: POST
    arguments: [account, pin]
    sensitive: [pin]
    answer: {balance: {path: balance, type: number}, note: {path: note, optional: true}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shipped_home(tmp_path)
    (tmp_path / "ivr_flows/bank.yaml").write_text(BANK)
    services = tmp_path / "config/services.yaml"
    services.write_text(services.read_text() + SERVICES)
    return tmp_path


class Pipe:
    """Types lines and reads what came of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.err = ""

    def call(self, home: Path, typed: str, *arguments: str, exits: int = 0) -> str:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        assert main(["--home", str(home), "call", *arguments]) == exits
        out, self.err = self._capsys.readouterr()
        return out

    def json(self, home: Path, typed: str, *arguments: str) -> dict[str, Any]:
        return dict(json.loads(self.call(home, typed, *arguments, "--json")))


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pipe:
    return Pipe(monkeypatch, capsys)


def test_a_key_leads_to_its_queue(pipe: Pipe) -> None:
    """What is heard, with its language, what the flow does, and what plays while the call waits."""
    shown = pipe.call(ROOT, "1\n", "main_es")
    for line in (
        "main_es in es; it is Monday 2026-11-30 10:00.",
        "hears es  Para ventas, marque uno.",
        "caller    presses 1",
        "sets call.intent = sales",
        "enters the queue sales_es",
        "cti-engine call queue_treatment",
    ):
        assert line in shown


@pytest.mark.parametrize(
    ("typed", "queue"),
    [
        ("say comprar\n", "sales_es"),
        ("mumble soporte\nsay sí\n", "support_es"),
        ("\n2\n", "support_es"),
        ("\n\n\n", "support_es"),
        ("noise\n1\n", "sales_es"),
        ("wait 4s\n1\n", "sales_es"),
        ("999\n", "support_es"),
        ("say melocotón\n1\n", "sales_es"),
    ],
)
def test_words_silence_and_noise(pipe: Pipe, typed: str, queue: str) -> None:
    """Each line does what a caller would."""
    assert pipe.json(ROOT, typed, "main_es")["queue"] == queue


def test_the_end_of_the_input_hangs_up(pipe: Pipe) -> None:
    """So does `bye`; no call is left hanging."""
    for typed in ("", "bye\n1\n"):
        found = pipe.json(ROOT, typed, "main_es")
        assert (found["ended"], found["queue"]) == ("hung_up", None)


def test_an_hour_passes_at_once(pipe: Pipe) -> None:
    """Time is virtual, also where the flow asks nothing and loops."""
    found = pipe.json(ROOT, "wait 1h\n", "queue_treatment", "--set", "queue.position=2")
    assert 3600 <= found["seconds"] < 3700 and found["ended"] == "hung_up"
    assert sum(each["text"] == "digits/2" for each in found["transcript"]) > 50


def test_language_and_keys_only(pipe: Pipe) -> None:
    """The call's language is taken where the flow speaks it; without a recogniser words reach nobody."""
    heard = pipe.json(ROOT, "", "sorry", "--language", "en")["transcript"]
    assert any(each["language"] == "en" and "We are sorry" in each["text"] for each in heard)
    assert "main_es does not speak fr: it speaks es" in pipe.call(ROOT, "", "main_es", "--language", "fr")
    assert "nobody listens for words here" in pipe.call(ROOT, "say ventas\n", "main_es", "--keys-only")


@pytest.mark.parametrize(
    ("at", "heard"),
    [("2026-12-01 10:00", "Cuenta."), ("2026-12-01 22:00", "Cerrado."), ("2026-12-25 10:00", "Fiesta.")],
)
def test_the_calendar_says_whether_it_is_open(pipe: Pipe, home: Path, at: str, heard: str) -> None:
    """`hours` steps ask the real calendar at that time; `--set` has the last word."""
    texts = [each["text"] for each in pipe.json(home, "", "bank", "--at", at)["transcript"]]
    assert heard in texts
    texts = [
        each["text"]
        for each in pipe.json(home, "", "bank", "--at", at, "--set", "hours.office=closed")["transcript"]
    ]
    assert "Cerrado." in texts


def test_look_ups_are_answered_by_typing(pipe: Pipe, home: Path) -> None:
    """Their arguments are shown, secrets are not; what the engine would refuse is asked again."""
    typed = "1234\n9876\nwrong\nbalnce=1\nbalance=much\nnote=x\nbalance=12.5\n"
    shown = pipe.call(home, typed, "bank")
    assert "asked is asked with account=1234 pin=****." in shown
    assert "balance (number), note (text)" in shown
    for fault in (
        "wrong: write NAME=VALUE",
        'asked answers no balnce. did you mean "balance"?',
        "balance is a number, not 'much'",
        "balance: missing",
    ):
        assert fault in shown
    assert "hears es  doce" in shown and "balance = 12.5" in shown


@pytest.mark.parametrize("typed", ["1234\n9876\n\n", "1234\n9876\n"])
def test_an_empty_answer_is_a_service_that_fails(pipe: Pipe, home: Path, typed: str) -> None:
    """Then the flow takes its own way for that; the input's end is no answer either."""
    found = pipe.json(home, typed, "bank")
    assert found["ended"] == "flow_ended" and found["variables"]["balance"] == 0


@pytest.mark.parametrize(
    ("typed", "heard", "ended"),
    [
        ("202\nanswered\n", "phone     answered", "transferred"),
        ("202\n\n", "phone     answered", "transferred"),
        ("202\nbusy\n2\n", "That extension is busy", "flow_ended"),
        ("202\nno answer\n2\n", "Nobody answers", "flow_ended"),
        ("202\nbuzy\nbusy\n2\n", "buzy: did you mean", "flow_ended"),
    ],
)
def test_what_comes_of_a_transfer_is_typed(pipe: Pipe, typed: str, heard: str, ended: str) -> None:
    """An empty line: somebody answers."""
    assert heard in " ".join(pipe.call(ROOT, typed, "extension", "--language", "en").split("\n"))
    assert pipe.json(ROOT, typed, "extension", "--language", "en")["ended"] == ended


def test_a_transfer_to_a_flow_goes_on_in_it(pipe: Pipe, home: Path) -> None:
    """By its id, or by a number of this center."""
    for target in ("flow: main_en", 'number: "2000", failed: bye'):
        text = f"flow: over\nlanguages: [en]\nstart: go\nsteps:\n  go: {{transfer: {{{target}}}}}\n"
        (home / "ivr_flows/over.yaml").write_text(text + "  bye: {hang_up: }\n")
        assert pipe.json(home, "1\n", "over")["queue"] == "sales_en"


def test_help_says_what_may_be_typed(pipe: Pipe, home: Path) -> None:
    """`?` and whatever is no input; with the choices of the menu that asks."""
    shown = pipe.call(ROOT, "?\nventas\n", "main_es")
    assert shown.count("say WORDS") == 3 and "ventas: this is not a key" in shown
    assert "  1               sales (ventas, comprar)" in shown
    assert "4 to 4 digits, then #" in pipe.call(home, "?\n", "bank")


def test_wrong_options_are_told(pipe: Pipe) -> None:
    """A flow that is not there, a value without a name, a name that the flow never asks for."""
    pipe.call(ROOT, "", "main_e", exits=1)
    assert "there is no such flow" in pipe.err
    pipe.call(ROOT, "", "main_es", "--set", "gold", exits=2)
    assert "gold: write NAME=VALUE" in pipe.err
    pipe.call(ROOT, "", "queue_treatment", "--set", "queue.positon=1")
    assert 'queue.positon: queue_treatment does not ask for it. did you mean "queue.position"?' in pipe.err
