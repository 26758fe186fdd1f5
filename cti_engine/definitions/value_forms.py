"""Which forms may read a value aloud, by its type: `{x}` takes the natural one, `{x|form}` has to fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cti_engine.core.expressions.values import DURATION, NUMBER, TEXT, Type
from cti_engine.core.ivr.flow import Spoken
from cti_engine.core.ivr.names import NAMES_OF_PEOPLE
from cti_engine.core.ivr.spoken_values import LANGUAGES, NAME

NATURAL: Mapping[Type, str] = {NUMBER: "number", TEXT: "digits", DURATION: "duration"}
_TYPES: Mapping[str, tuple[Type, ...]] = {
    "number": (NUMBER,),
    "digits": (NUMBER, TEXT),
    "money": (NUMBER, TEXT),
    "date": (TEXT,),
    "time": (TEXT,),
    "duration": (DURATION,),
    NAME: (TEXT,),
}


def natural(name: str, found: Type) -> str | None:
    """None: it cannot be spoken."""
    return NAME if name in NAMES_OF_PEOPLE else NATURAL.get(found)


def faults(spoken: Spoken, found: Type, languages: Iterable[str], currency: str) -> Iterator[tuple[str, str]]:
    """(problem, hint) of a value of type `found`; `currency` is the flow's, empty for none."""
    name, usual = spoken.name, natural(spoken.name, found)
    if usual is None:
        yield f"{name} is a {found}, which cannot be spoken", "branch on it, and say a text for each case"
        return
    form = spoken.form or usual
    if found not in _TYPES[form]:
        wanted = " or a ".join(str(kind) for kind in _TYPES[form])
        yield f"{name} is a {found}, not a {wanted}", f"{{{name}|{usual}}}"
    elif (form == NAME) != (name in NAMES_OF_PEOPLE):
        yield f"{name} is not to be read as a {form}", f"{{{name}|{usual}}}"
    elif form == "money" and not (spoken.currency or currency):
        hint = f"{{{name}|money EUR}}, or currency: EUR at the top of the flow"
        yield f"{name}: money of which currency?", hint
    for language in languages:
        if language not in LANGUAGES:
            text = f"values are read aloud in {' and '.join(LANGUAGES)} only, not in {language}"
            yield text, f"leave the value out in {language}"
