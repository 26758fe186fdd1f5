"""Accept, confirm or reject: which words of a menu stand for what was heard."""

from __future__ import annotations

import pytest

from cti_engine.core.listening import VerdictSettings
from speech.recognition import sounds
from speech.recognition.decision import decide
from speech.recognition.decoys import decoys
from speech.recognition.engine import Heard

MENU = {"1": ("sales", "buy something"), "2": ("support", "technical help"), "3": ("eighty",)}
SETTINGS = VerdictSettings()


@pytest.mark.parametrize(
    ("heard", "verdict", "choice"),
    [
        (Heard("sales", 0.95), "accept", "1"),
        (Heard("buy something", 0.9), "accept", "1"),
        (Heard("eighty", 0.95), "accept", "3"),
        (Heard("sales", 0.4), "confirm", "1"),
        (Heard("sales", 0.8), "confirm", "1"),
        (Heard("sales", 0.1), "reject", ""),
        (Heard("weather", 0.95), "reject", ""),
        (Heard("", 0.0), "reject", ""),
        (Heard("support support support", 0.9), "accept", "2"),
    ],
)
def test_each_kind_of_hearing(heard: Heard, verdict: str, choice: str) -> None:
    """Sure is taken, doubtful is asked back, far or nothing is not understood."""
    decision = decide(heard, "en", MENU, SETTINGS)
    assert (decision.verdict, decision.choice) == (verdict, choice)


def test_open_speech_is_what_it_is() -> None:
    """Without phrases any text is accepted, and none is rejected."""
    assert decide(Heard("my order is late", 0.7), "en", {}, SETTINGS).text == "my order is late"
    assert decide(Heard("", 0.0), "en", {}, SETTINGS).verdict == "reject"


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [("veinte", "binte", "es"), ("cinco", "sincu", "es"), ("ocho", "ojo", "es"), ("quebec", "kulbec", "en")],
)
def test_misspelt_words_sound_alike(one: str, other: str, language: str) -> None:
    """What recognisers write for a word is near it, whatever the spelling."""
    assert sounds.distance(one, other, language) < 0.4


@pytest.mark.parametrize(("one", "other"), [("sales", "support"), ("one", "seven"), ("yes", "no")])
def test_other_words_do_not(one: str, other: str) -> None:
    """Words of different choices are far from each other."""
    assert sounds.distance(one, other, "en") > 0.5


def test_numbers_are_words() -> None:
    """Figures are read as each language says them."""
    assert sounds.plain("80", "en") == "eighty"
    assert sounds.plain("Opción 42.", "es") == "opción cuarenta y dos"


@pytest.mark.parametrize(
    ("heard", "word"), [("june june", "june"), ("charly charly char", "charly"), ("no vi no vi no", "no vi")]
)
def test_a_word_that_is_repeated_was_said_once(heard: str, word: str) -> None:
    """Cut off in the middle or not; two words that begin alike are two."""
    assert sounds.once(heard) == word
    assert sounds.once("one two one") == "one two one"


def test_decoys_sound_like_nothing_that_is_offered() -> None:
    """A decoy that sounds like a choice would take its calls."""
    assert "bueno" in decoys("es", {"1": ("ventas",)})
    assert "bueno" not in decoys("es", {"1": ("buenos",)})
