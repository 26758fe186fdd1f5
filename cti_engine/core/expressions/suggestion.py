"""Did you mean: the closest known name to one that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "x"?`, or empty when nothing is close."""
    lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return f'did you mean "{lower[close[0]]}"?' if close else ""


SHOWN = 8
"""So many names are listed in a hint."""


def closest_or_all(word: str, known: Iterable[str]) -> str:
    """What may be meant, else what there is."""
    names = list(known)
    if not names:
        return "there is none"
    more = ", ..." if len(names) > SHOWN else ""
    return did_you_mean(word, names) or f"one of {', '.join(names[:SHOWN])}{more}"
