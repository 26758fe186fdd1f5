"""Services that flows ask over HTTP, and webhooks that are told events: what the admin declares; HTTP is the runtime's.

An answer is taken only as declared: a value that is missing or of another type makes the whole answer a bad one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from cti_engine.core.expressions.values import NUMBER, TEXT, Type, kind

LONGEST_TEXT = 1000
LARGEST_NUMBER = 10**15


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is, never the secret: an environment variable, or the first line of a file below CTI_HOME."""

    env: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class AnswerValue:
    """`path` into the JSON answer, a number in it for a place in a list. `type`: number, text or boolean."""

    path: tuple[str, ...]
    type: Type
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """`url` has `{argument}` in path and query; other arguments go into the query (GET) or the JSON body (POST).

    `sensitive`: arguments and values that are neither logged nor told. Times in seconds; `at_once`: calls at a time.
    """

    id: str
    url: str
    method: str
    arguments: tuple[str, ...]
    answer: Mapping[str, AnswerValue]
    headers: Mapping[str, str | Secret] = field(default_factory=dict)
    sensitive: tuple[str, ...] = ()
    deadline: float = 2.0
    tries: int = 1
    at_once: int = 20

    def values_of(self, answer: object) -> dict[str, object] | None:
        """What the JSON answer says; None when it is not as declared. An optional value may be missing or null."""
        values: dict[str, object] = {}
        for name, wanted in self.answer.items():
            value = value_at(answer, wanted.path)
            if value is None and wanted.optional:
                continue
            if not fits(value, wanted.type):
                return None
            values[name] = value
        return values


@dataclass(frozen=True, slots=True)
class Webhook:
    """Somebody outside who is told of `events` (names of the catalogue), each signed with `secret`."""

    id: str
    url: str
    events: tuple[str, ...]
    secret: Secret
    headers: Mapping[str, str | Secret] = field(default_factory=dict)


def value_at(document: object, path: tuple[str, ...]) -> object:
    """What stands there; None where nothing does."""
    for part in path:
        if isinstance(document, dict):
            document = document.get(part)
        elif isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document


def fits(value: object, type_: Type) -> bool:
    """Of this type, and not too long or large to be meant."""
    if kind(value) != type_.name:
        return False
    if type_ == TEXT:
        return len(str(value)) <= LONGEST_TEXT
    if type_ == NUMBER and isinstance(value, int | float):
        return math.isfinite(value) and abs(value) <= LARGEST_NUMBER
    return True
