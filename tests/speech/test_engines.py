"""Cutting texts for engines that take few characters, and telling which engines are there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speech.engines import ENGINES, ESPEAK, NotSpoken, Speaker, available_engines, plain, split


def test_short_texts_stay_whole() -> None:
    """A prompt within the limit is spoken in one go, so that its melody is natural."""
    assert split("Para ventas, marque uno. Para soporte, marque dos.") == [
        ("Para ventas, marque uno. Para soporte, marque dos.", 0.0)
    ]


def test_long_texts_are_cut_where_speakers_pause() -> None:
    """Cuts come at sentences first, then at commas, then at words, each with its own pause; nothing is lost."""
    text = "Una frase corta. " * 9 + "Una frase con una coma, " + "palabra " * 40 + "final."
    parts = split(text, 100)
    assert " ".join(part for part, _ in parts) == plain(text)
    assert all(len(part) <= 100 for part, _ in parts)
    assert parts[0] == (
        "Una frase corta. Una frase corta. Una frase corta. Una frase corta. Una frase corta.",
        0.3,
    )
    assert parts[-1][1] == 0.0
    assert ("coma,", 0.12) in [(part[-5:], pause) for part, pause in parts]


def test_an_endless_word_is_cut_too() -> None:
    """A text without any space never exceeds what an engine may get."""
    assert [len(part) for part, _ in split("a" * 450, 200)] == [200, 200, 50]


def test_markup_is_not_spoken() -> None:
    """What engines take for tags, phonemes or commands is left out; an ampersand is heard."""
    assert (
        plain(" [[h@'l]] <speed level='50'>hola</speed>\n\t mundo & co ")
        == "h@'l speed level='50' hola /speed mundo + co"
    )


@pytest.mark.parametrize("text", ["", "  ", "...", "<>", "¿?"])
def test_nothing_to_say_is_refused(text: str) -> None:
    """A text without a letter or digit is an error, not a silent file."""
    with pytest.raises(NotSpoken, match="nothing to say"):
        split(text)


def test_accented_and_long_texts_are_spoken() -> None:
    """Every engine takes the longest part of accented letters that it may get."""
    text = "ñandú áéíóú " * 16
    assert len(split(text)) == 1
    for engine in ENGINES:
        name, [utterance] = Speaker([engine]).speak(text, "es")
        assert name == engine.name and len(utterance.wav) > 100_000


def test_doctor_sees_what_is_there() -> None:
    """Each engine is told in order of use, there or not, with the line that installs it."""
    absent = replace(ESPEAK, command=("espeak-ng-not-there",))
    states = available_engines([*ENGINES, absent])
    assert [(state.name, state.available) for state in states] == [
        ("nanotts", True),
        ("espeak-ng", True),
        ("espeak-ng", False),
    ]
    assert states[2].advice == "apt-get install espeak-ng"
    assert {"es", "en"} <= set(states[0].languages)
