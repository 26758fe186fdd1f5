"""How values are read aloud in Spanish and English: each form turns one into fragments of a finite inventory.

`fragments_of(form, language)` lists all that `read_aloud` can ever say, so that they are spoken beforehand. What a form
cannot read (no date, a number beyond its range) is None: then its sentence is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from cti_engine.core.ivr.number_words import (
    FEMININE,
    LARGEST,
    MASCULINE,
    below_hundred,
    cardinal,
    cardinal_fragments,
)

LANGUAGES = ("en", "es")
FORMS = ("number", "digits", "money", "date", "time", "duration")
NAME = "name"
"""Beside these: a name of one of the agents, spoken as it is written."""
PAUSE = ""
"""A fragment that is a short pause: between the groups of a telephone number."""
DIGITS_MOST = 24
"""Longer strings of digits are no number that anybody could note down."""

_WORDS = {
    "en": {"minus": "minus", "point": "point", "and": "and"},
    "es": {"minus": "menos", "point": "coma", "and": "con"},
}


@dataclass(frozen=True, slots=True)
class Currency:
    """Singular and plural of unit and hundredth; `gender` of the unit in Spanish."""

    unit: tuple[str, str]
    cent: tuple[str, str] = ("", "")
    gender: str = MASCULINE


_CENTS = ("cent", "cents")
_CENTAVOS = ("centavo", "centavos")
CURRENCIES: dict[str, dict[str, Currency]] = {
    "en": {
        "EUR": Currency(("euro", "euros"), _CENTS),
        "USD": Currency(("dollar", "dollars"), _CENTS),
        "GBP": Currency(("pound", "pounds"), ("penny", "pence")),
        "CHF": Currency(("Swiss franc", "Swiss francs"), ("centime", "centimes")),
        "PEN": Currency(("sol", "soles"), ("centimo", "centimos")),
        "BRL": Currency(("real", "reais"), ("centavo", "centavos")),
        **{code: Currency(("peso", "pesos"), ("centavo", "centavos")) for code in ("MXN", "ARS", "COP", "UYU")},
        "CLP": Currency(("peso", "pesos")),
        "JPY": Currency(("yen", "yen")),
    },
    "es": {
        "EUR": Currency(("euro", "euros"), ("céntimo", "céntimos")),
        "USD": Currency(("dólar", "dólares"), _CENTAVOS),
        "GBP": Currency(("libra", "libras"), ("penique", "peniques"), FEMININE),
        "CHF": Currency(("franco suizo", "francos suizos"), ("céntimo", "céntimos")),
        "PEN": Currency(("sol", "soles"), ("céntimo", "céntimos")),
        "BRL": Currency(("real", "reales"), _CENTAVOS),
        **{code: Currency(("peso", "pesos"), _CENTAVOS) for code in ("MXN", "ARS", "COP", "UYU")},
        "CLP": Currency(("peso", "pesos")),
        "JPY": Currency(("yen", "yenes")),
    },
}  # fmt: skip

# fmt: off
_MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "es": ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
           "noviembre", "diciembre"),
}
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", "twenty-first", "twenty-second", "twenty-third", "twenty-fourth", "twenty-fifth",
    "twenty-sixth", "twenty-seventh", "twenty-eighth", "twenty-ninth", "thirtieth", "thirty-first",
)
_PARTS_OF_DAY = (
    "de la noche", "de la madrugada", "de la mañana", "del mediodía", "de la tarde",
)
_UNITS = {
    "en": {"hour": ("hour", "hours"), "minute": ("minute", "minutes"), "second": ("second", "seconds")},
    "es": {"hour": ("hora", "horas"), "minute": ("minuto", "minutos"), "second": ("segundo", "segundos")},
}
# fmt: on
_TIME = re.compile(r"(?:\d{4}-\d\d-\d\d[T ])?([01]\d|2[0-3]):([0-5]\d)(?::[0-5]\d.*)?")


def read_aloud(
    value: object, form: str, language: str, currency: str = "", today: str = ""
) -> tuple[str, ...] | None:
    """Fragments in order; `today` as `2026-12-31` saves naming the year. None: nothing that this form can read."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int) and abs(value) >= 10**DIGITS_MOST:
        return None
    match form:
        case "number":
            return _number(value, language)
        case "digits":
            return _digits(value, language)
        case "money":
            return _money(value, language, currency)
        case "date":
            return _date(str(value), language, today)
        case "time":
            return _time(str(value), language)
        case "duration":
            return _duration(value, language)
    return None


def fragments_of(form: str, language: str, currency: str = "") -> Iterator[str]:
    """All that `read_aloud` says in this form and language, pauses too."""
    words = _WORDS[language]
    match form:
        case "number":
            yield from (words["minus"], words["point"], PAUSE, *cardinal_fragments(language))
        case "digits":
            yield from (PAUSE, *(below_hundred(digit, language) for digit in range(10)))
        case "money":
            money = CURRENCIES[language][currency]
            yield from (words["minus"], words["and"], *money.unit, *(cent for cent in money.cent if cent))
            yield from cardinal_fragments(language, money.gender)
            if language == "es":
                yield "de"
        case "date":
            yield from (day for number in range(1, 32) for day in _day(number, language))
            yield from (month for number in range(1, 13) for month in _month(number, language))
            yield from cardinal_fragments(language)
            if language == "es":
                yield "de"
        case "time":
            yield from (
                piece
                for minute in range(24 * 60)
                for piece in _time(f"{minute // 60:02d}:{minute % 60:02d}", language) or ()
            )
        case "duration":
            yield "and" if language == "en" else "y"
            yield from (name for unit in _UNITS[language].values() for name in unit)
            yield from (
                below_hundred(number, language, gender)
                for number in range(100)
                for gender in (MASCULINE, FEMININE)
            )


def digits_of(value: int | float | str) -> str:
    """The digits of a text or number; empty when there are none, or more than anybody could note down."""
    if isinstance(value, float):
        value = round(value) if abs(value) < 1e15 else ""
    elif isinstance(value, int) and abs(value) >= 10**DIGITS_MOST:
        return ""
    digits = "".join(c for c in str(value)[: 4 * DIGITS_MOST] if c in "0123456789")
    return digits if len(digits) <= DIGITS_MOST else ""


def _decimal(value: int | float | str) -> Decimal | None:
    """To the hundredth, None when it is no number within LARGEST."""
    try:
        found = Decimal(str(value).strip())
        if not found.is_finite() or abs(found) > LARGEST:
            return None
        return found.quantize(Decimal("0.01"), ROUND_HALF_UP)
    except InvalidOperation:
        return None


def _number(value: int | float | str, language: str) -> tuple[str, ...] | None:
    """As a cardinal with up to two decimals; a whole number that is too large digit by digit."""
    number = _decimal(value)
    if number is None:
        return _digits(value, language) if isinstance(value, int) and value > 0 else None
    words = _WORDS[language]
    whole, decimals = divmod(abs(number), 1)
    tail = f"{decimals:.2f}"[2:].rstrip("0")
    return (
        *((words["minus"],) if number < 0 else ()),
        *cardinal(int(whole), language),
        *((words["point"], *(below_hundred(int(digit), language) for digit in tail)) if tail else ()),
    )


def _digits(value: int | float | str, language: str) -> tuple[str, ...] | None:
    """One by one, by threes with a pause between; no single digit is left alone at the end."""
    digits = digits_of(value)
    if not digits:
        return None
    spoken: list[str] = []
    for place, digit in enumerate(digits):
        if place and place % 3 == 0 and len(digits) > 4 and len(digits) - place > 1:
            spoken.append(PAUSE)
        spoken.append(below_hundred(int(digit), language))
    return tuple(spoken)


def _money(value: int | float | str, language: str, currency: str) -> tuple[str, ...] | None:
    amount, money, words = _decimal(value), CURRENCIES[language].get(currency), _WORDS[language]
    if amount is None or money is None:
        return None
    if not money.cent[0]:
        amount = amount.quantize(Decimal(1), ROUND_HALF_UP)
    hundredths = int(abs(amount) * 100)
    units, cents = divmod(hundredths, 100)
    spoken: list[str] = [words["minus"]] if amount < 0 else []
    if units or not cents:
        spoken += cardinal(units, language, money.gender)
        if language == "es" and units and units % 1_000_000 == 0:
            spoken.append("de")  # un millón de euros
        spoken.append(money.unit[units != 1])
    if cents:
        spoken += [words["and"]] if units else []
        spoken += [below_hundred(cents, language, MASCULINE), money.cent[cents != 1]]
    return tuple(spoken)


def _date(value: str, language: str, today: str) -> tuple[str, ...] | None:
    try:
        day = date.fromisoformat(value[:10])
    except ValueError:
        return None
    if day.year < 1000:
        return None
    days, months = _day(day.day, language), _month(day.month, language)
    spoken = (*days, *months) if language == "es" else (*months, *days)
    return spoken if value[:4] == today[:4] else (*spoken, *_year(day.year, language))


def _day(day: int, language: str) -> tuple[str, ...]:
    if language == "en":
        return (_ORDINALS[day - 1],)
    return ("el primero" if day == 1 else f"el {below_hundred(day, 'es')}",)


def _month(month: int, language: str) -> tuple[str, ...]:
    name = _MONTHS[language][month - 1]
    return (name if language == "en" else f"de {name}",)


def _year(year: int, language: str) -> tuple[str, ...]:
    if language == "es":
        return ("de", *cardinal(year, "es"))
    century, rest = divmod(year, 100)
    if rest >= 10:  # twenty twenty-six
        return (below_hundred(century, "en"), below_hundred(rest, "en"))
    return cardinal(year, "en")  # two thousand five


def _time(value: str, language: str) -> tuple[str, ...] | None:
    match = _TIME.fullmatch(value)
    if match is None:
        return None
    hour, minute = int(match[1]), int(match[2])
    if language == "en":
        if minute == 0 and hour % 12 == 0:
            return ("twelve noon" if hour else "midnight",)
        minutes = below_hundred(minute, "en") if minute >= 10 else f"oh {below_hundred(minute, 'en')}"
        return (
            below_hundred((hour - 1) % 12 + 1, "en"),
            *((minutes,) if minute else ()),
            "A M" if hour < 12 else "P M",
        )
    twelve = (hour - 1) % 12 + 1
    hours = "la una" if twelve == 1 else f"las {below_hundred(twelve, 'es')}"
    quarters = {15: "y cuarto", 30: "y media"}
    minutes = quarters.get(minute, f"y {below_hundred(minute, 'es')}")
    part = _PARTS_OF_DAY[(hour >= 1) + (hour >= 6) + (hour >= 12) + (hour >= 13) if hour < 21 else 0]
    return (hours, *((minutes,) if minute else ()), part)


def _duration(value: int | float | str, language: str) -> tuple[str, ...] | None:
    """Seconds below a minute, else whole minutes, with hours from 60 on; None beyond 99 hours."""
    if isinstance(value, str) or not 0 <= value < 100 * 3600 - 30:
        return None
    seconds = round(value)
    if seconds < 60:
        return _counted(seconds, "second", language)
    hours, minutes = divmod(round(value / 60), 60)
    if not hours:
        return _counted(minutes, "minute", language)
    spoken = _counted(hours, "hour", language)
    if minutes:
        spoken = (*spoken, "and" if language == "en" else "y", *_counted(minutes, "minute", language))
    return spoken


def _counted(number: int, unit: str, language: str) -> tuple[str, ...]:
    gender = FEMININE if unit == "hour" else MASCULINE
    return (below_hundred(number, language, gender), _UNITS[language][unit][number != 1])
