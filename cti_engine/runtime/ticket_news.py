"""What the console wrote of tickets, from the outbox beside the customers into the event log; each change once.

The engine only reads there: how far it has come is in its own state, in the same batch as the event.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from cti_engine.adapters import customer_outbox
from cti_engine.adapters.sql_database import Database, DatabaseFault
from cti_engine.core.signals import TicketWritten

LOOK_EVERY = 1.0
RETRY = 10.0

_log = logging.getLogger("cti.tickets")


async def tell_tickets(
    database: Database, told_to: Callable[[], int], take: Callable[[TicketWritten], None]
) -> None:
    """For ever. `told_to()` is the last number that has been taken."""
    while True:
        pause = LOOK_EVERY
        try:
            if database.there:
                for signal in await asyncio.to_thread(_news, database, told_to()):
                    take(signal)
        except DatabaseFault as error:
            _log.warning("changes of tickets are told later: %s", error)
            pause = RETRY
        await asyncio.sleep(pause)


def _news(database: Database, told: int) -> list[TicketWritten]:
    with database.reading() as db:
        found = [TicketWritten(seq, body) for seq, body in customer_outbox.after(db, told)]
        if found:
            return found
        last = customer_outbox.last(db)
    return [TicketWritten(last)] if last < told else []  # the customers are not those of before
