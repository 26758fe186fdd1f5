"""From a step's content to the prompts that the caller hears now."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from cti_engine.core.commands import Prompt
from cti_engine.core.expressions.values import Lookup, print_number
from cti_engine.core.ivr import recorded_numbers
from cti_engine.core.ivr.flow import Content, Fixed, Spoken, Template, Utterance
from cti_engine.core.ivr.spoken_values import NAME, digits_of, fragments_of, read_aloud

GROUP_PAUSE = 200
"""Milliseconds between groups of digits, beside the quiet that every fragment has around it."""


def prompts(content: Content, language: str, names: Lookup) -> tuple[Prompt, ...]:
    """In order; an utterance with an undefined name is left out whole."""
    heard: list[Prompt] = []
    for utterance in content.get(language, ()):
        heard += _spoken(utterance, language, names) or ()
    return tuple(heard)


def _spoken(utterance: Utterance, language: str, names: Lookup) -> list[Prompt] | None:
    heard: list[Prompt] = []
    for part in utterance:
        if isinstance(part, Fixed):
            heard.append(Prompt(part.kind, part.value, language))
            continue
        value = _value(part, language, names)
        if value is None:
            return None
        heard += value
    return heard


def _value(part: Spoken, language: str, names: Lookup) -> list[Prompt] | None:
    value = names(part.name)
    if part.recorded:
        return _recorded(value, part.form, language)
    if part.form == NAME:
        return [Prompt("text", value, language)] if isinstance(value, str) and value else None
    today = str(names("now.date") or "") if part.form == "date" else ""
    fragments = read_aloud(value, part.form, language, part.currency, today)
    return None if fragments is None else [fragment_prompt(each, language) for each in fragments]


def _recorded(value: object, form: str, language: str) -> list[Prompt] | None:
    """Whole numbers as one, rounded; texts and numbers that are too large digit by digit."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if form == "number" and not isinstance(value, str):
        if not 0 <= value < math.inf:
            return None
        if round(value) <= recorded_numbers.LARGEST:
            sounds = recorded_numbers.cardinal(round(value), language)
            return [Prompt("sound", sound, language) for sound in sounds]
    digits = digits_of(value)
    sounds = recorded_numbers.digit_by_digit(digits)
    return [Prompt("sound", sound, language) for sound in sounds] or None


def fragment_prompt(fragment: str, language: str) -> Prompt:
    return Prompt("text", fragment, language) if fragment else Prompt("pause", str(GROUP_PAUSE), language)


def value_prompts(part: Spoken, language: str) -> Iterator[Prompt]:
    """All that a value may become, to be made before callers hear it; of names see `prompt_inventory`."""
    if part.form == NAME:
        return
    if part.recorded:
        yield from (
            Prompt("sound", sound, language) for sound in recorded_numbers.digit_by_digit("0123456789")
        )
        if part.form == "number":
            sounds = recorded_numbers.cardinal_sounds(language)
            yield from (Prompt("sound", sound, language) for sound in sounds)
        return
    for fragment in fragments_of(part.form, language, part.currency):
        yield fragment_prompt(fragment, language)


def filled(value: object, names: Lookup) -> object:
    """A `set` value: a literal as it is, a Template filled in; None when a name in it is undefined."""
    if not isinstance(value, Template):
        return value
    if len(value.parts) == 1 and isinstance(value.parts[0], Spoken):
        return names(value.parts[0].name)
    words = []
    for part in value.parts:
        word = part if isinstance(part, str) else names(part.name)
        if word is None:
            return None
        words.append(print_number(word) if isinstance(word, float) else str(word))
    return "".join(words)


def filled_all(values: Mapping[str, object], names: Lookup) -> dict[str, object]:
    return {name: filled(value, names) for name, value in values.items()}


def names_in(values: Mapping[str, object]) -> Iterator[str]:
    """The names that these values are made of."""
    for value in values.values():
        if isinstance(value, Template):
            yield from (part.name for part in value.parts if isinstance(part, Spoken))
