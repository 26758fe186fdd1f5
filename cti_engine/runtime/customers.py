"""This center's customers: how they are opened, and the shipped ones at the very first start."""

from __future__ import annotations

import logging
import time
from contextlib import closing

from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.sql_database import DatabaseFault
from cti_engine.adapters.ticket_import import import_tickets
from cti_engine.adapters.ticket_store import TicketStore
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.settings import Settings
from cti_engine.runtime.databases import customers_url

_log = logging.getLogger("cti.customers")


def open_customers(settings: Settings, *, read_only: bool = False) -> CustomerStore:
    """Raises DatabaseFault."""
    return CustomerStore(customers_url(settings), cache=settings.customers_cache, read_only=read_only)


def prepare_customers(settings: Settings, definitions: CenterDefinitions) -> None:
    """What an older version of us has made becomes this one's. A database that is away must not stop a center: callers
    are strangers until it is back.
    """
    config = settings.home / "config"
    try:
        with closing(open_customers(settings)) as store:
            if store.untouched() and (config / "customers.csv").exists():
                store.import_csv(config / "customers.csv", time.time())
                if (config / "purchases.csv").exists():
                    store.import_purchases(config / "purchases.csv", time.time())
                if (config / "tickets.csv").exists():
                    rules = definitions.tickets
                    tickets, hours = TicketStore(store.database), definitions.calendars.get(rules.calendar)
                    import_tickets(tickets, config / "tickets.csv", rules, hours, time.time())
    except DatabaseFault as error:
        if settings.customers_url.startswith("sqlite:"):
            raise
        _log.warning("the customers are away, and all callers strangers until they are back: %s", error)
