"""The parts of one console process, as the pages and the HTTP routes need them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from aiohttp import web

from agent_console.accounts import Accounts
from agent_console.asking import Asking
from agent_console.browser_phones import BrowserPhones
from agent_console.colleagues import Colleagues
from agent_console.config import ConsoleConfig
from agent_console.contact_notes import ContactNotes
from agent_console.day_book import DayBook
from agent_console.event_log import EventLog
from agent_console.labels import LabelBook
from agent_console.live_feed import LiveFeed
from agent_console.login_limits import LoginLimits
from agent_console.open_pages import OpenPages
from agent_console.presence import Presence
from agent_console.queue_news import QueueNews
from agent_console.sessions import Sessions
from agent_console.ticket_desk import TicketDesk
from cti_engine.adapters.customer_store import CustomerStore


@dataclass(slots=True)
class Console:
    """`now` gives wall seconds, `client` is this process's name on the bus. `customers` None: none."""

    config: ConsoleConfig
    client: str
    now: Callable[[], float]
    accounts: Accounts
    sessions: Sessions
    limits: LoginLimits
    log: EventLog
    labels: LabelBook
    feed: LiveFeed
    pages: OpenPages
    asking: Asking
    presence: Presence
    colleagues: Colleagues
    queue_news: QueueNews
    day_book: DayBook
    browser_phones: BrowserPhones
    notes: ContactNotes | None
    customers: CustomerStore | None
    tickets: TicketDesk | None
    page_numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def name_page(self) -> str:
        """A page's name on the bus; whoever knows the client's name knows whose pages died with it."""
        return f"{self.client}/{next(self.page_numbers)}"


CONSOLE = web.AppKey("console", Console)
