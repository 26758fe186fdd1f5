"""An agent's last contacts, newest first, from the closed records of the store."""

from __future__ import annotations

from typing import Any

from agent_console.event_log import PAGE, EventLog

REACH = 7 * 86400.0  # seconds back; older contacts are the business of reports
FIRST_WINDOW = 3600.0  # seconds; each further look back is twice as long

_SHOWN = (
    "contact", "ani", "name", "segment", "language", "queue", "agent", "arrived_at", "bridged_at", "ended_at",
    "wait_s", "talk_s", "outcome", "cause", "disposition", "note",
)  # fmt: skip


async def last_contacts(log: EventLog, agent: str, now: float, limit: int) -> list[dict[str, Any]]:
    """At most `limit` contacts that `agent` spoke in. Raises StoreUnavailable."""
    found: list[dict[str, Any]] = []
    until, window = now + 1.0, FIRST_WINDOW
    while len(found) < limit and until > now - REACH:
        since = max(until - window, now - REACH)
        closed = await _closed_between(log, since, until)
        found += [_shown(cdr) for cdr in reversed(closed) if cdr.get("agent") == agent]
        until, window = since, window * 2
    return found[:limit]


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


def _shown(cdr: dict[str, Any]) -> dict[str, Any]:
    return {name: cdr.get(name) for name in _SHOWN}
