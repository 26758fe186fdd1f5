"""Conditions as people read them: membership in words, a pool in one line of bounded length."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cti_engine.core.routing.bound_conditions import EVERYBODY

LONGEST = 240
"""Characters of a pool's conditions that a record keeps; the whole stands in the rules."""
MEMBER_OF = "_member_of_"
"""What begins the attribute of those whom a queue names as members; no file can declare one."""
_MEMBER = re.compile(rf"agent\.{MEMBER_OF}([\w-]+)")


def worded(condition: str) -> str:
    """The text of one bound condition."""
    return "everybody" if condition == EVERYBODY else _MEMBER.sub(r"member of \1", condition)


def member_of(condition: str) -> str:
    """The queue, when the condition is nothing but being its member; else ""."""
    found = _MEMBER.fullmatch(condition)
    return found[1] if found is not None else ""


def shortened(pool: Iterable[str]) -> str:
    """The conditions that a pool unites; "" for no pool."""
    text = " or ".join(map(worded, pool))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
