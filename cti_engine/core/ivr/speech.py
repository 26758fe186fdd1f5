"""From a step's content to the prompts that the caller hears now."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from cti_engine.core.commands import Prompt
from cti_engine.core.expressions.values import Lookup, print_number
from cti_engine.core.ivr.flow import Content, Fixed, Spoken, Template, Utterance

LARGEST_CARDINAL = 60
"""Cardinals up to here are made before going live (prompt inventory); larger ones are read digit by digit."""


def prompts(content: Content, language: str, names: Lookup) -> tuple[Prompt, ...]:
    """In order; an utterance with an undefined name is left out whole."""
    heard: list[Prompt] = []
    for utterance in content.get(language, ()):
        heard += _spoken(utterance, language, names) or ()
    return tuple(heard)


def _spoken(utterance: Utterance, language: str, names: Lookup) -> list[Prompt] | None:
    heard = []
    for part in utterance:
        prompt = (
            Prompt(part.kind, part.value, language)
            if isinstance(part, Fixed)
            else _value_prompt(part, names(part.name), language)
        )
        if prompt is None:
            return None
        heard.append(prompt)
    return heard


def _value_prompt(part: Spoken, value: object, language: str) -> Prompt | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if part.form == "number" and not isinstance(value, str):
        if not 0 <= value < math.inf:
            return None
        value = round(value)
        if value <= LARGEST_CARDINAL:
            return Prompt("number", str(value), language)
    digits = "".join(c for c in str(value) if c in "0123456789")
    return Prompt("digits", digits, language) if digits else None


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
