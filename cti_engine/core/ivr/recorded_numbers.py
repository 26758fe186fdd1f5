"""Numbers as the sounds that Asterisk's packages hold, such as `digits/20`: for lists of recorded sounds.

A caller hears one voice in a sentence: recorded sounds take recorded numbers, a spoken text takes `number_words`.
"""

from __future__ import annotations

LARGEST = 999_999_999


def cardinal(number: int, language: str) -> tuple[str, ...]:
    """Sounds of 0 to LARGEST in `en` or `es`."""
    millions, rest = divmod(number, 1_000_000)
    thousands, units = divmod(rest, 1000)
    if language == "en":
        pieces = [
            *([*_english(millions), "million"] if millions else []),
            *([*_english(thousands), "thousand"] if thousands else []),
            *_english(units),
        ]
    else:
        pieces = [
            *([*_before_noun(millions), "million" if millions == 1 else "millions"] if millions else []),
            *(_before_noun(thousands) if thousands > 1 else []),
            *(["thousand"] if thousands else []),
            *_spanish(units),
        ]
    return tuple(f"digits/{piece}" for piece in pieces or ["0"])


def digit_by_digit(digits: str) -> tuple[str, ...]:
    """Sounds of a text of the digits 0-9."""
    return tuple(f"digits/{digit}" for digit in digits)


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


def _before_noun(number: int) -> list[str]:
    """Before *mil* and *millones* the last *uno* is *un*: veintiún mil."""
    pieces = _spanish(number)
    if pieces[-1] == "21":
        return [*pieces[:-1], "20-and", "1M"]
    return [*pieces[:-1], "1M"] if pieces[-1] == "1" else pieces


def cardinal_sounds(language: str) -> frozenset[str]:
    """Every sound of which `cardinal` makes numbers."""
    numbers = (*range(1000), *(1000 * n for n in range(1000)), 1_000_000, 2_000_000, 21_000_000)
    return frozenset(sound for number in numbers for sound in cardinal(number, language))
