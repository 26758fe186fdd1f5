"""A ticket's call-back becomes the promise of its owner: the center rings this agent first, at that time.

Asked in the owner's name; when the time has passed while the center was away, for now. The center takes the same
promise twice as one, so an answer that got lost is harmless.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from agent_console.accounts import Account
from agent_console.asking import Asking
from agent_console.ticket_desk import Promised
from cti_engine.adapters.ticket_store import Kept
from cti_engine.wire.catalogue import Permission

_AWAY = ("engine_away", "expired")


class TicketCallBacks:
    """`time_zone`: the center's, by whose clock the time is told; empty for the machine's."""

    def __init__(self, asking: Asking, time_zone: str, now: Callable[[], float]) -> None:
        self._asking = asking
        self._now = now
        self._zone = ZoneInfo(time_zone) if time_zone else None

    async def ask(self, kept: Kept) -> Promised | None:
        ticket = kept.ticket
        assert ticket.call_back_at is not None
        at = datetime.fromtimestamp(max(ticket.call_back_at, self._now()), UTC).astimezone(self._zone)
        owner = Account(ticket.owner, "agent", ticket.owner, frozenset({Permission.TAKE_CALLS}))
        args = {
            "at": at.strftime("%Y-%m-%dT%H:%M:%S"),
            "number": kept.number,
            "name": kept.name,
            "queue": ticket.queue,
            "note": f"{ticket.ticket}: {ticket.subject}",
        }
        reply = await self._asking.ask(owner, "ScheduleCallback", args)
        if reply.ok:
            return Promised(contact=str(reply.result.get("callback", "")) or "promised")
        code = reply.error.code if reply.error is not None else _AWAY[0]
        return None if code in _AWAY else Promised(refused=code)
