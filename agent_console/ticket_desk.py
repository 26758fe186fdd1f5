"""Tickets as people work on them: opened, changed, found; and the timers of the ladder, run by this process alone.

Everything that happens is stored first, with its line of the history, and told afterwards to whom it concerns. Timers
are moments in the store, so a restart forgets none; after a time away each person is told once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from agent_console.ticket_book import TicketBook, TicketBooks
from cti_engine.adapters.sql_database import DatabaseFault
from cti_engine.adapters.ticket_store import Kept, Step, TicketStore, in_time
from cti_engine.core.customers import tickets
from cti_engine.core.customers.tickets import Change, Notice, Ticket

LOOK = 30.0
"""Seconds at most between two looks at the timers: the admin's rules and other writers may have moved one."""

RETRY = 10.0
"""Seconds until a center that was away is asked again for a call-back."""

Tell = Callable[[Notice, Kept], None]


@dataclass(frozen=True, slots=True)
class Promised:
    """`contact` is the call-back; empty: it was `refused`, by this code."""

    contact: str = ""
    refused: str = ""


CallBack = Callable[[Kept], Awaitable[Promised | None]]
"""Asks the center to put the ticket's owner down for its call-back; None: it is away. Asking twice is harmless."""

_log = logging.getLogger("cti.tickets")


class UnknownCategory(Exception):
    """The admin has no such category or priority."""


@dataclass(frozen=True, slots=True)
class About:
    """Whom a ticket is about: the customer, empty for a stranger, or the number (E.164) that is all we know of."""

    customer: str = ""
    number: str = ""
    name: str = ""
    segment: str = ""
    queue: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`owner` empty: whoever takes it. `priority` None: the category's."""

    category: str
    subject: str
    text: str
    by: str
    owner: str = ""
    priority: int | None = None


class TicketDesk:
    """`tell(notice, ticket)` is called in the event loop. All but `run`, `told` raise DatabaseFault."""

    def __init__(
        self,
        store: TicketStore,
        books: TicketBooks,
        now: Callable[[], float],
        tell: Tell,
        call_back: CallBack,
    ) -> None:
        self.store = store
        self._call_back = call_back
        self._books = books
        self._now = now
        self._tell = tell
        self._moved = asyncio.Event()

    async def open(self, about: About, wanted: Wanted) -> Kept:
        """Raises UnknownCategory."""
        kept = await asyncio.to_thread(self._open, about, wanted)
        self.told(
            kept, (Notice("open", kept.ticket.owner),) if kept.ticket.owner not in ("", wanted.by) else ()
        )
        return kept

    def _open(self, about: About, wanted: Wanted) -> Kept:
        book = self._books.now()
        return self.store.open(*opened(book, about, wanted, self._now()))

    async def change(self, number: int, change: Change) -> Kept | None:
        """None: there is no such ticket. Raises NotPossible and UnknownCategory."""
        notices: list[Notice] = []

        def done(kept: Kept) -> tuple[Kept, Sequence[Step]]:
            book, now = self._books.now(), self._now()
            if change.category and change.category not in book.rules.categories:
                raise UnknownCategory(change.category)
            if change.priority is not None and change.priority not in book.rules.priorities:
                raise UnknownCategory(str(change.priority))
            after, told = tickets.changed(book.rules, book.calendar, kept.ticket, change, now)
            notices.extend(told)
            return in_time(book.rules, book.calendar, kept, after), (
                Step(now, change.by, change.kind, _said(change, after)),
            )

        kept = await asyncio.to_thread(self.store.change, number, done)
        if kept is not None:
            self.told(kept, notices)
        return kept

    def told(self, kept: Kept, notices: Sequence[Notice]) -> None:
        """To whom it concerns; and the timers look at what is new."""
        for notice in notices:
            self._tell(notice, kept)
        self._moved.set()

    # --- timers --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled. While the store is away it is asked again and again."""
        while True:
            pause = LOOK
            self._moved.clear()
            try:
                pause = min(LOOK, await self._look())
            except DatabaseFault as error:
                _log.warning("timers of tickets wait: %s", error)
            with suppress(TimeoutError):  # the moment has come
                async with asyncio.timeout(max(0.0, pause)):
                    await self._moved.wait()

    async def _look(self) -> float:
        """Do what is due; seconds until there is more."""
        away = False
        for number in await asyncio.to_thread(self.store.to_look_at, self._now()):
            away |= await self._promise(number)
            notices: list[Notice] = []

            def done(kept: Kept, notices: list[Notice] = notices) -> tuple[Kept, Sequence[Step]]:
                book, now = self._books.now(), self._now()
                after, told = tickets.timed(book.rules, book.calendar, kept.ticket, now)
                notices.extend(told)
                steps = [Step(now, "", each.kind, {"to": each.to, "rung": each.rung}) for each in told]
                return in_time(book.rules, book.calendar, kept, after), steps

            kept = await asyncio.to_thread(self.store.change, number, done)
            for notice in notices if kept is not None else ():
                assert kept is not None
                self._tell(notice, kept)
        following = await asyncio.to_thread(self.store.next_timer)
        return LOOK if following is None else max(following - self._now(), RETRY if away else 0.0)

    async def _promise(self, number: int) -> bool:
        """Put the owner down for the call-back of this ticket, if there is one; whether the center was away."""
        found = await asyncio.to_thread(self.store.one, number)
        if found is None or not tickets.promises(found[0].ticket):
            return False
        answer = await self._call_back(found[0])
        if answer is None:
            return True

        def known(kept: Kept) -> tuple[Kept, Sequence[Step]]:
            book, ticket = self._books.now(), replace(kept.ticket, call_back=answer.contact or answer.refused)
            step = "call_back" if answer.contact else "no_call_back"
            said = {"until": ticket.call_back_at, "contact": answer.contact, "text": answer.refused}
            body = {name: value for name, value in said.items() if value}
            return in_time(book.rules, book.calendar, kept, ticket), (Step(self._now(), "", step, body),)

        await asyncio.to_thread(self.store.change, number, known)
        return False


def opened(book: TicketBook, about: About, wanted: Wanted, now: float) -> tuple[Kept, list[Step]]:
    """A ticket that has no number yet. Raises UnknownCategory."""
    category = book.rules.categories.get(wanted.category)
    if category is None:
        raise UnknownCategory(wanted.category)
    priority = category.priority if wanted.priority is None else wanted.priority
    if priority not in book.rules.priorities:
        raise UnknownCategory(str(priority))
    ticket = Ticket(
        0,
        about.customer,
        category.id,
        wanted.subject,
        priority,
        about.segment,
        about.queue,
        owner=wanted.owner,
        opened_by=wanted.by,
        contact=about.contact,
    )
    kept = in_time(
        book.rules,
        book.calendar,
        Kept(ticket, number=about.number, name=about.name),
        tickets.opened(book.rules, ticket, now),
    )
    return kept, [Step(now, wanted.by, "open", {"text": wanted.text} if wanted.text else {})]


def _said(change: Change, after: Ticket) -> dict[str, Any]:
    """What the history keeps of it beside who and when."""
    said: dict[str, Any] = {"text": change.text.strip(), "to": change.to, "category": change.category}
    said |= {"priority": change.priority, "until": after.follow_up_at if change.kind == "wait" else None}
    return {name: value for name, value in said.items() if value not in ("", None)}
