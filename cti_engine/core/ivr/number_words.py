"""Whole numbers as fragments of speech: few enough that all are spoken beforehand, long enough to sound right.

Numbers below a hundred are one fragment each, hundreds one each; `thousand` and `million` stand alone.
"""

from __future__ import annotations

from collections.abc import Iterator

LARGEST = 999_999_999

PLAIN, MASCULINE, FEMININE = "plain", "masculine", "feminine"
"""Spanish: *veintiuno*, *veintiún euros*, *veintiuna libras*. English has one for all."""

# fmt: off
_ENGLISH = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
_ENGLISH_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SPANISH = (
    "cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce",
    "trece", "catorce", "quince", "dieciséis", "diecisiete", "dieciocho", "diecinueve", "veinte", "veintiuno",
    "veintidós", "veintitrés", "veinticuatro", "veinticinco", "veintiséis", "veintisiete", "veintiocho",
    "veintinueve",
)
_SPANISH_TENS = ("treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa")
_SPANISH_HUNDREDS = (
    "ciento", "doscientos", "trescientos", "cuatrocientos", "quinientos", "seiscientos", "setecientos",
    "ochocientos", "novecientos",
)
# fmt: on


def below_hundred(number: int, language: str, gender: str = PLAIN) -> str:
    """One fragment for 0 to 99."""
    if language == "en":
        if number < 20:
            return _ENGLISH[number]
        tens = _ENGLISH_TENS[number // 10 - 2]
        return f"{tens}-{_ENGLISH[number % 10]}" if number % 10 else tens
    if number < 30:
        word = _SPANISH[number]
    else:
        tens = _SPANISH_TENS[number // 10 - 3]
        word = f"{tens} y {_SPANISH[number % 10]}" if number % 10 else tens
    if not word.endswith("uno") or gender == PLAIN:
        return word
    if gender == FEMININE:
        return word.removesuffix("o") + "a"
    return "veintiún" if number == 21 else word.removesuffix("o")


def cardinal(number: int, language: str, gender: str = PLAIN) -> tuple[str, ...]:
    """Fragments of 0 to LARGEST; `gender` is that of the noun that follows."""
    if number == 0:
        return (below_hundred(0, language),)
    millions, rest = divmod(number, 1_000_000)
    thousands, units = divmod(rest, 1000)
    if language == "en":
        return (
            *((*_below_thousand(millions, "en", PLAIN), "million") if millions else ()),
            *((*_below_thousand(thousands, "en", PLAIN), "thousand") if thousands else ()),
            *_below_thousand(units, "en", PLAIN),
        )
    spoken: list[str] = []
    if millions:
        several = (*_below_thousand(millions, "es", MASCULINE), "millones")
        spoken += ("un millón",) if millions == 1 else several
    if thousands > 1:  # one thousand is just "mil"
        spoken += _below_thousand(thousands, "es", MASCULINE if gender == PLAIN else gender)
    if thousands:
        spoken.append("mil")
    return (*spoken, *_below_thousand(units, "es", gender))


def _below_thousand(number: int, language: str, gender: str) -> tuple[str, ...]:
    hundreds, rest = divmod(number, 100)
    spoken = (_hundreds(hundreds, language, gender),) if hundreds else ()
    if language == "es" and number == 100:
        return ("cien",)
    return (*spoken, below_hundred(rest, language, gender)) if rest else spoken


def _hundreds(hundreds: int, language: str, gender: str) -> str:
    if language == "en":
        return f"{_ENGLISH[hundreds]} hundred"
    word = _SPANISH_HUNDREDS[hundreds - 1]
    return word.removesuffix("os") + "as" if gender == FEMININE and hundreds > 1 else word


def cardinal_fragments(language: str, gender: str = PLAIN) -> Iterator[str]:
    """Every fragment of which `cardinal` makes numbers of this gender."""
    genders = (PLAIN,) if language == "en" else (gender, MASCULINE)  # thousands and millions are masculine
    for each in genders:
        yield from (below_hundred(number, language, each) for number in range(100))
        yield from (_hundreds(number, language, each) for number in range(1, 10))
    yield from ("thousand", "million") if language == "en" else ("cien", "mil", "un millón", "millones")
