"""One page's WebSocket: snapshot and missed events first, then what happens, filtered by what it may see."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from agent_console import page_messages
from agent_console.accounts import Account, AccountsUnavailable
from agent_console.console import Console
from agent_console.live_feed import LiveFeed
from agent_console.page_messages import Active, Ask, Desk, Hello
from agent_console.sessions import Session
from cti_engine.ports import StoreUnavailable
from cti_engine.wire.catalogue import may_see, may_see_state, seen_state
from cti_engine.wire.envelope import Envelope, StateMessage
from cti_engine.wire.tasks import spawn

PULSE = 10.0  # seconds between marks; a page that hears nothing for 25 s connects again
MAX_QUEUED = 2000  # messages; a page that falls further behind is closed and comes back with a snapshot
MAX_MISSED = 5000  # events; after a longer absence a page starts from the snapshot alone
MAX_ASKING = 16  # requests of one page that wait for a reply
LOGGED_OUT = 4401  # close code: log in again

States = dict[str, dict[str, dict[str, Any]]]  # kind to id to view

_log = logging.getLogger("cti.console")


def visible_states(feed: LiveFeed, account: Account) -> States:
    """The views that this account may see now."""
    return {
        kind: {
            id_: seen_state(kind, message.data, account.permissions)
            for id_, message in views.items()
            if may_see_state(kind, id_, account.permissions, account.agent)
        }
        for kind, views in feed.states.items()
    }


class LivePage:
    """A page that listens to the feed. What comes before it has its snapshot waits in the queue."""

    def __init__(
        self, console: Console, socket: web.WebSocketResponse, account: Account, session: Session
    ) -> None:
        self._console = console
        self._socket = socket
        self._page = console.name_page()
        self._account = account
        self.session = session
        self._queue: deque[str] = deque()
        self._queued = asyncio.Event()
        self._due = False
        self._asked = 0

    async def run(self) -> None:
        """Serve the page until it goes or is sent away."""
        hello = await self._first_words()
        if hello is None:
            return
        # No await until the snapshot is taken: what it does not hold is in the queue.
        self._console.pages.add(self, self._account)
        self._console.queue_news.listen(self._page, self._push_queue)
        self._console.browser_phones.listen(self._page, self._push)
        if self._account.agent is not None:
            self._console.colleagues.listen(self._page, self._account.agent, self._push)
        until, states = self._console.feed.seq, visible_states(self._console.feed, self._account)
        writer = spawn(self._write(hello.since, until, states), "page-writer")
        try:
            async for message in self._socket:
                if message.type is not WSMsgType.TEXT:
                    break
                await self._take(message.data)
        finally:
            writer.cancel()
            self._console.pages.discard(self)
            self._console.queue_news.leave(self._page)
            self._console.presence.hide(self._page)
            self._console.browser_phones.leave(self._page)
            self._console.colleagues.leave(self._page)

    async def close(self, code: int, why: str) -> None:
        """Send the page away; `LOGGED_OUT` means that it has to log in again."""
        await self._socket.close(code=code, message=why.encode())

    async def _first_words(self) -> Hello | None:
        message = await self._socket.receive()
        if message.type is WSMsgType.TEXT:
            try:
                words = page_messages.decode(message.data)
            except msgspec.MsgspecError:
                words = None
            if isinstance(words, Hello):
                return words
            await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"say hello first")
        return None

    # --- from the page -------------------------------------------------------------------------

    async def _take(self, text: str) -> None:
        try:
            message = page_messages.decode(text)
        except msgspec.MsgspecError as error:
            _log.warning("page of %s said nonsense: %s", self._account.user, error)
            await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"not a page message")
            return
        match message:
            case Ask():
                self._ask(message)
            case Desk(visible=True) if self._account.agent is not None:
                self._console.presence.show(self._page, self._account.agent)
            case Desk():
                self._console.presence.hide(self._page)
            case Active():
                self._console.sessions.touch(self.session, self._console.now())
            case Hello():
                await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"hello was said")

    def _ask(self, ask: Ask) -> None:
        if self._console.sessions.expired(self.session, self._console.now()):
            self._push(page_messages.refusal(ask.id, "logged_out", "log in again"))
        elif self._asked >= MAX_ASKING:
            self._push(page_messages.refusal(ask.id, "too_many", "too many requests at once"))
        else:
            spawn(self._answer(ask), "ask")

    async def _answer(self, ask: Ask) -> None:
        self._asked += 1
        try:
            reply = await self._console.asking.ask(
                self._account,
                ask.name,
                ask.args,
                agent=ask.agent,
                contact=ask.contact,
                state_version=ask.state_version,
                page=self._page,
            )
        finally:
            self._asked -= 1
        self._push(page_messages.reply(ask.id, reply))

    def tell(self, text: str, concerns: Callable[[Account], bool]) -> None:
        """Something that is not of the feed, if it concerns who is here."""
        if concerns(self._account):
            self._push(text)

    # --- from the feed -------------------------------------------------------------------------

    def on_event(self, message: Envelope) -> None:
        if self._sees(message):
            self._push(page_messages.event(message, replay=False))

    def on_state(self, kind: str, id_: str, message: StateMessage | None) -> None:
        if may_see_state(kind, id_, self._account.permissions, self._account.agent):
            data = None if message is None else seen_state(kind, message.data, self._account.permissions)
            self._push(page_messages.state(kind, id_, data))

    def _push_queue(self, text: str) -> None:
        if may_see_state("queue", "", self._account.permissions, self._account.agent):
            self._push(text)

    def on_engine(self, up: bool) -> None:
        self._push(page_messages.engine(up))

    def _sees(self, message: Envelope) -> bool:
        return may_see(message.event, message.data, self._account.permissions, self._account.agent)

    # --- to the page ---------------------------------------------------------------------------

    def _push(self, text: str) -> None:
        if len(self._queue) >= MAX_QUEUED:
            _log.warning("page of %s is too slow", self._account.user)
            self._queue.clear()
            spawn(self.close(WSCloseCode.TRY_AGAIN_LATER, "too slow"), "page-close")
            return
        self._queue.append(text)
        self._queued.set()

    async def _write(self, since: int | None, until: int | None, states: States) -> None:
        """Everything that is sent is sent here, in order."""
        later = asyncio.get_running_loop().call_later
        timer = later(PULSE, self._pulse_due)  # a `wait_for` would start a task for each message
        try:
            await self._catch_up(since, until, states)
            while not self._socket.closed:
                while self._queue:
                    await self._socket.send_str(self._queue.popleft())
                if self._due:
                    await self._pulse()
                    self._due = False
                    timer = later(PULSE, self._pulse_due)
                else:
                    self._queued.clear()
                    await self._queued.wait()
        except ConnectionError:
            _log.debug("page of %s is gone", self._account.user)
        finally:
            timer.cancel()

    async def _catch_up(self, since: int | None, until: int | None, states: States) -> None:
        feed = self._console.feed
        missed: list[Envelope] | None = []
        if since is not None:
            try:
                missed = None if until is None else await feed.missed(since, until, MAX_MISSED)
            except StoreUnavailable as error:
                _log.warning("cannot read what a page missed: %s", error)
                missed = None
        trends = {queue: list(points) for queue, points in feed.trends.items()}
        skipped = missed is None
        await self._socket.send_str(
            page_messages.snapshot(self._console.now(), until, feed.engine_up, states, trends, skipped)
        )
        for message in missed or ():
            if self._sees(message):
                await self._socket.send_str(page_messages.event(message, replay=True))

    def _pulse_due(self) -> None:
        self._due = True
        self._queued.set()

    async def _pulse(self) -> None:
        if await self._may_stay():
            await self._socket.send_str(page_messages.mark(self._console.now(), self._console.feed.seq))
        else:
            await self.close(LOGGED_OUT, "logged out")

    async def _may_stay(self) -> bool:
        """Whether account and session are alive.

        On an open page, who is in a contact or ready for one is there: should nobody be, the next call that nobody
        answers makes them not ready. Everybody else has to touch key or pointer now and then.
        """
        console, agent = self._console, self._account.agent
        if agent is not None:
            in_contact = console.feed.agent_state(agent) != "idle"
            if in_contact or console.feed.agent_status(agent) == "ready":
                console.sessions.touch(self.session, console.now(), in_contact=in_contact)
        try:
            account = await console.accounts.find(self._account.user)
        except AccountsUnavailable as error:
            _log.warning("cannot read accounts: %s", error)
            account = self._account
        if account is None:
            console.sessions.close(self.session)
            return False
        if account != self._account:
            self._account = account
            console.pages.add(self, account)
        return not console.sessions.expired(self.session, console.now())
