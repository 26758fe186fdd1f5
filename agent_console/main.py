"""The console as a process: its parts put together, served until SIGTERM."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket

import uvloop
from aiohttp import WSCloseCode, web

from agent_console.accounts import Accounts
from agent_console.asking import Asking
from agent_console.browser_phones import BrowserPhones
from agent_console.call_me import LIMITS, CallMeLimits
from agent_console.colleagues import Colleagues
from agent_console.config import ConsoleConfig
from agent_console.console import CONSOLE, Console
from agent_console.contact_notes import ContactNotes
from agent_console.day_book import DayBook
from agent_console.event_log import EventLog, open_store
from agent_console.labels import LabelBook, read_labels
from agent_console.live_feed import LiveFeed
from agent_console.login_limits import LoginLimits
from agent_console.open_pages import OpenPages
from agent_console.presence import Presence, last_words
from agent_console.queue_news import QueueNews
from agent_console.routes import application
from agent_console.segment_refresh import SegmentRefresh
from agent_console.sessions import Sessions
from agent_console.survey_notes import SurveyNotes
from agent_console.ticket_book import TicketBooks, read_tickets
from agent_console.ticket_call_backs import TicketCallBacks
from agent_console.ticket_desk import TicketDesk
from agent_console.ticket_notices import TicketNotices
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.mqtt_bus import MqttBus
from cti_engine.adapters.ticket_store import TicketStore
from cti_engine.wire import envelope
from cti_engine.wire.clock import Clock
from cti_engine.wire.private_files import write_private
from cti_engine.wire.tasks import spawn

BACKLOG = 512
GOODBYE = 1.0  # seconds that pages have to say goodbye


def serve(config: ConsoleConfig) -> None:
    """Run until SIGTERM. Calls go on without a console; its pages come back to the next one by themselves."""
    uvloop.run(_serve(config))


async def _serve(config: ConsoleConfig) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if config.ready_file is not None:
        config.ready_file.unlink(missing_ok=True)
    console, bus = _assemble(config)
    app = application()
    app[CONSOLE] = console
    if config.call_me is not None:
        app[LIMITS] = CallMeLimits.of(config.call_me)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=GOODBYE)
    await runner.setup()
    listener = socket.create_server((config.bind, config.port), backlog=BACKLOG)
    await console.feed.begin()
    bus_task = spawn(bus.run(), "bus")
    phones = spawn(console.browser_phones.run(), "browser phones")
    today = spawn(console.day_book.run(), "today")
    writing = [
        spawn(one.run(), name)
        for one, name in (
            (console.notes, "contact notes"),
            (console.tickets, "ticket timers"),
            (_refresh(console), "segments"),
        )
        if one is not None
    ]
    try:
        await web.SockSite(runner, listener).start()
        if config.ready_file is not None:
            port = {"console_port": listener.getsockname()[1], "pid": os.getpid()}
            write_private(config.ready_file, json.dumps(port).encode())
        await stop.wait()
    finally:
        # Pages say that they close; those that do not answer (a laptop asleep) must not hold us.
        closing = [
            spawn(p.close(WSCloseCode.GOING_AWAY, "the console stops"), "close") for p in console.pages
        ]
        if closing:
            await asyncio.wait(closing, timeout=GOODBYE)
        await runner.cleanup()
        phones.cancel()
        today.cancel()
        await bus.close()
        await bus_task
        for task in writing:
            task.cancel()
        if console.customers is not None:
            console.customers.close()
        console.log.close()
        console.sessions.shut()


def _refresh(console: Console) -> SegmentRefresh | None:
    config, customers = console.config, console.customers
    if customers is None:
        return None
    places = {
        "CTI_HOME": config.home,
        "CTI_VAR": config.sessions_db.parent,
        "CTI_CUSTOMERS_URL": config.customers_url,
    }
    environment = {name: str(value) for name, value in places.items()}
    return SegmentRefresh(customers.database, config.home, console.now, config.utc_offset, environment)


def _assemble(config: ConsoleConfig) -> tuple[Console, MqttBus]:
    """Wire the parts by hand. The client's name is new at each start, so a dead one's pages are not ours."""
    client = f"console-{secrets.token_hex(4)}"
    clock = Clock()
    log = EventLog(lambda: open_store(config.store_url))
    feed = LiveFeed(log, clock.now)

    def on_message(topic: str, payload: bytes) -> None:
        if topic == asking.reply_topic:
            asking.on_reply(payload)
        else:
            feed.on_message(topic, payload)

    bus = MqttBus(
        config.broker_url,
        client,
        (config.broker_user, config.broker_password) if config.broker_user else None,
        on_message=on_message,
        on_connected=feed.on_bus,
        clock=clock.now,
        will=last_words(client),
    )
    for topic in (envelope.STATE_TOPICS, envelope.EVENT_TOPICS, envelope.reply_topic(client)):
        bus.subscribe(topic)
    phones = BrowserPhones(config.gateway, lambda reply: asking.answered(reply))
    asking = Asking(client, bus.publish, lambda: feed.engine_up, clock.now, phones.ask)
    presence = Presence(asking.tell)
    pages = OpenPages()
    feed.listen(pages)  # first: a pop is an event
    later = asyncio.get_running_loop().call_later
    colleagues, queue_news = Colleagues(later), QueueNews(later)
    feed.listen(colleagues)
    feed.listen(queue_news)
    day_book = DayBook(log, feed, clock.now, config.utc_offset)
    feed.listen(day_book)
    notes = customers = tickets = None
    if config.customers_url:
        customers = CustomerStore(config.customers_url, cache=config.customers_cache)
        books = TicketBooks(lambda: read_tickets(config.home, config.time_zone))
        store = TicketStore(customers.database, customers.tickets_changed)
        promises = TicketCallBacks(asking, config.time_zone, clock.now)
        tickets = TicketDesk(store, books, clock.now, TicketNotices(pages).tell, promises.ask)
        notes = ContactNotes(log, customers, SurveyNotes(store, books, tickets.told))
        feed.listen(notes)
    feed.watch_engine(presence.on_engine)
    return Console(
        config=config,
        client=client,
        now=clock.now,
        accounts=Accounts(config.accounts_db),
        sessions=Sessions(config.sessions_db, config.session_idle, config.session_longest),
        limits=LoginLimits(),
        log=log,
        labels=LabelBook(lambda: read_labels(config.home)),
        feed=feed,
        pages=pages,
        asking=asking,
        presence=presence,
        colleagues=colleagues,
        queue_news=queue_news,
        day_book=day_book,
        browser_phones=phones,
        notes=notes,
        customers=customers,
        tickets=tickets,
    ), bus
