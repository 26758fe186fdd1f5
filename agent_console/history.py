"""An agent's past contacts, newest first, from the closed records: the last ones, or those that are sought.

Looked for from the newest back, in windows that grow, until a page is full: the last contacts cost little, and a search
reads at most its days.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, nextafter
from typing import Any

from agent_console.event_log import PAGE, EventLog

REACH = 7 * 86400.0  # seconds back where no day is given; older contacts are the business of reports
FIRST_WINDOW = 3600.0  # seconds; each further look back is twice as long

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
    before = _place_of(wanted.before)
    words = _plain(wanted.text).split()
    found: list[dict[str, Any]] = []
    until, window = min(wanted.until, nextafter(before[0], inf)), FIRST_WINDOW
    while len(found) <= wanted.limit and until > wanted.since:
        since = max(until - window, wanted.since)
        closed = await _closed_between(log, since, until)
        mine = (own for cdr in closed if _place(cdr) < before and (own := _part_of(wanted.agent, cdr)))
        found += sorted((own for own in mine if _has(own, words)), key=_place, reverse=True)
        until, window = since, window * 2
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


async def _closed_between(log: EventLog, since: float, until: float) -> list[dict[str, Any]]:
    """All records of the window, oldest first, however many there are."""
    seen: dict[str, dict[str, Any]] = {}
    while True:
        before = len(seen)
        page = await log.cdrs(since, until, PAGE)
        seen.update((str(cdr["contact"]), cdr) for cdr in page)
        if len(page) < PAGE or len(seen) == before:
            return list(seen.values())
        since = float(page[-1]["ended_at"])
