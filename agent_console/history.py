"""An agent's past contacts, newest first, from the closed records: the last ones, or those that are sought.

The store finds an agent's own by an index; a search reads those of its days, and none of anybody else's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Any

from agent_console.event_log import EventLog

REACH = 7 * 86400.0  # seconds back where no day is given; older contacts are the business of reports
PAGE = 50  # records read at a time in a search

_SHOWN = (
    "contact", "ani", "name", "segment", "language", "queue", "agent", "arrived_at", "bridged_at", "ended_at",
    "wait_s", "talk_s", "outcome", "cause", "disposition", "note",
)  # fmt: skip
_SOUGHT = ("ani", "name", "note", "disposition", "queue")

Place = tuple[float, str]  # when it ended, and which


class NoPlace(ValueError):
    """What was given as the place to go on from is none of ours."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Contacts that `agent` spoke in and that ended from `since` to before `until` (wall seconds); each word of `text`
    stands in number, name, note, result or queue. At most `limit`, older than `before`, which an answer gave as `next`.
    """

    agent: str
    since: float
    until: float
    limit: int
    text: str = ""
    before: str = ""


async def past_contacts(log: EventLog, wanted: Wanted) -> tuple[list[dict[str, Any]], str | None]:
    """The contacts, and where to go on when there are more. Raises StoreUnavailable and NoPlace."""
    place = min(_place_of(wanted.before), (wanted.until, ""))
    words = _plain(wanted.text).split()
    found: list[dict[str, Any]] = []
    size = PAGE if words else wanted.limit + 1
    while len(found) <= wanted.limit:
        page = await log.cdrs_of(wanted.agent, wanted.since, place, size)
        mine = (own for cdr in page if (own := _part_of(wanted.agent, cdr)))
        found += (own for own in mine if _has(own, words))
        if len(page) < size:
            break
        place = _place(page[-1])
    shown = [{name: cdr.get(name) for name in _SHOWN} for cdr in found[: wanted.limit]]
    if len(found) <= wanted.limit:
        return shown, None
    ended_at, contact = _place(found[wanted.limit - 1])
    return shown, f"{ended_at!r},{contact}"


def _part_of(agent: str, cdr: dict[str, Any]) -> dict[str, Any] | None:
    """The record as this agent had it: of a call of several, own talk, result and note; None for others' calls."""
    parts = [part for part in cdr.get("segments") or () if part["agent"] == agent]
    if not parts:
        return cdr if cdr.get("agent") == agent else None
    own = {name: parts[-1][name] for name in ("disposition", "note")}
    talk = sum(part["talk_s"] for part in parts)
    queue = parts[-1]["queue"] or cdr.get("queue")
    return {
        **cdr,
        **own,
        "agent": agent,
        "queue": queue,
        "bridged_at": parts[0]["bridged_at"],
        "talk_s": talk,
    }


def _place(cdr: dict[str, Any]) -> Place:
    return float(cdr["ended_at"]), str(cdr["contact"])


def _place_of(text: str) -> Place:
    if not text:
        return inf, ""
    ended_at, comma, contact = text.partition(",")
    try:
        place = float(ended_at), contact
    except ValueError as error:
        raise NoPlace(text) from error
    if not comma or not 0 <= place[0] < inf:
        raise NoPlace(text)
    return place


def _has(cdr: dict[str, Any], words: Iterable[str]) -> bool:
    """A word of digits is also found in a number that is written with spaces."""
    text = "\n".join(_plain(str(cdr.get(name) or "")) for name in _SOUGHT)
    digits = _digits(str(cdr.get("ani") or ""))
    return all(
        word in text or (_digits(word) and _digits(word) in digits and not _letters(word)) for word in words
    )


def _plain(text: str) -> str:
    """Without capitals and accents: who types `maria` finds `María`."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdecimal())


def _letters(text: str) -> bool:
    return any(c.isalpha() for c in text)
