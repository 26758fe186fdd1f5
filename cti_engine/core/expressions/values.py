"""Values and types of the condition language: number, text, boolean, duration and lists of one of them.

A duration is a number of seconds when it is evaluated; comparing it with a bare number is refused at load.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

Value = bool | int | float | str | list[object] | tuple[object, ...]
Lookup = Callable[[str], object]  # a dotted name to its value; None where it is undefined


@dataclass(frozen=True, slots=True)
class Type:
    """`item` is the item's type name in a list (empty: of anything); `choices` closes a set of texts, `between` (both
    included) one of whole numbers.
    """

    name: str
    item: str = ""
    choices: tuple[str, ...] = field(default=(), compare=False)
    between: tuple[int, int] | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.name} of {self.item}" if self.item else self.name


NUMBER = Type("number")
TEXT = Type("text")
BOOLEAN = Type("boolean")
DURATION = Type("duration")
UNKNOWN = Type("unknown")  # declared wrongly, which has been told: never a second fault

Scope = Mapping[str, Type]


def list_of(item: Type) -> Type:
    return Type("list", item.name)


def whole_numbers(least: int, most: int) -> Type:
    return Type("number", between=(least, most))


def text_of(*choices: str) -> Type:
    return Type("text", choices=choices)


UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def parse_duration(text: str) -> float | None:
    """`20s`, `10m`, `1.5h`, `150ms`, `2d` to seconds; None when it is not a duration."""
    match = _DURATION.fullmatch(text)
    return seconds(match[1], match[2]) if match else None


def seconds(amount: str, unit: str) -> float:
    """Exact for what people write: decimal arithmetic, rounded once."""
    return float(Decimal(amount) * Decimal(str(UNIT_SECONDS[unit])))


def print_duration(value: float) -> str:
    """The shortest writing that `parse_duration` reads back to the same number."""
    for unit in ("d", "h", "m"):
        if value and value % UNIT_SECONDS[unit] == 0:
            return f"{print_number(value // UNIT_SECONDS[unit])}{unit}"
    return f"{print_number(value)}s"


def print_number(value: float) -> str:
    """Without exponent, and without a fraction when there is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return format(Decimal(repr(value)), "f")


def kind(value: object) -> str:
    """The run-time kind; durations are numbers here. Empty when it is none of the language's."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list | tuple):
        return "list"
    return ""
