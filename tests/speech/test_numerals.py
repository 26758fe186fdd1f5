"""Numbers by rule: what is heard, written out through the pieces' own texts."""

from __future__ import annotations

import pytest

from speech.numerals import cardinal
from speech.phrases import PHRASES
from speech.prompt_cache import SOUNDS


def heard(number: int, language: str) -> str:
    return " ".join(PHRASES[language][piece] for piece in cardinal(str(number), language))


@pytest.mark.parametrize(
    ("number", "english", "spanish"),
    [
        (0, "zero", "cero"),
        (1, "one", "uno"),
        (15, "fifteen", "quince"),
        (20, "twenty", "veinte"),
        (21, "twenty one", "veintiuno"),
        (30, "thirty", "treinta"),
        (31, "thirty one", "treinta y uno"),
        (99, "ninety nine", "noventa y nueve"),
        (100, "one hundred", "cien"),
        (101, "one hundred one", "ciento uno"),
        (116, "one hundred sixteen", "ciento dieciséis"),
        (200, "two hundred", "doscientos"),
        (542, "five hundred forty two", "quinientos cuarenta y dos"),
        (999, "nine hundred ninety nine", "novecientos noventa y nueve"),
    ],
)
def test_numbers_are_said_as_people_say_them(number: int, english: str, spanish: str) -> None:
    """Tens, hundreds, and the Spanish `y`, `cien` and `ciento` come where the languages put them."""
    assert heard(number, "en") == english
    assert heard(number, "es") == spanish


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_number_is_different_and_recorded(language: str) -> None:
    """Each of the thousand numbers has pieces of its own, and each piece has a text and a human recording."""
    pieces = {number: cardinal(str(number), language) for number in range(1000)}
    assert len(set(pieces.values())) == 1000
    used = {piece for names in pieces.values() for piece in names}
    assert used <= PHRASES[language].keys()
    [folder] = SOUNDS.glob(f"{language}_*")
    assert not [piece for piece in used if not (folder / f"{piece}.wav").is_file()]
