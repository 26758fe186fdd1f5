"""Numbers as lists of recorded pieces, by the rules of each language.

A piece is the name of a sound in Asterisk's packages, e.g. `digits/20`; `phrases.py` has its text.
"""

from __future__ import annotations

from collections.abc import Callable

LARGEST = 999


class NoNumerals(ValueError):
    """This value cannot be spoken as a number in this language; the text says why."""


def cardinal(value: str, language: str) -> tuple[str, ...]:
    """Pieces of a whole number of 0 to 999, in order. Raises NoNumerals."""
    rule = _rule(language)
    if not value.isdecimal() or int(value) > LARGEST:
        raise NoNumerals(f"{value!r} is not a whole number of 0 to {LARGEST}: have it read digit by digit")
    return tuple(f"digits/{piece}" for piece in rule(int(value)) or ["0"])


def digit_by_digit(value: str, language: str) -> tuple[str, ...]:
    """Pieces of each digit, `*` and `#`; whatever else stands between them is left out. Raises NoNumerals."""
    _rule(language)
    names = {"*": "star", "#": "pound"}
    pieces = tuple(f"digits/{names.get(c, c)}" for c in value if c in "0123456789*#")
    if not pieces:
        raise NoNumerals(f"there is no digit in {value!r}")
    return pieces


def _english(number: int) -> list[str]:
    if number >= 100:
        return [str(number // 100), "hundred", *_english(number % 100)]
    if number > 20 and number % 10:
        return [str(number // 10 * 10), str(number % 10)]
    return [str(number)] if number else []


def _spanish(number: int) -> list[str]:
    if number == 100:
        return ["hundred"]  # cien
    if number > 100:  # ciento, doscientos ...
        return ["100-and" if number < 200 else str(number // 100 * 100), *_spanish(number % 100)]
    if number > 30 and number % 10:
        return [str(number // 10 * 10), "and", str(number % 10)]  # treinta y uno
    return [str(number)] if number else []  # up to 30 each has a word of its own: veintiuno


_RULES: dict[str, Callable[[int], list[str]]] = {"en": _english, "es": _spanish}


def _rule(language: str) -> Callable[[int], list[str]]:
    rule = _RULES.get(language)
    if rule is None:
        raise NoNumerals(f"numbers are spoken in {' and '.join(_RULES)} only, not in {language!r}")
    return rule
