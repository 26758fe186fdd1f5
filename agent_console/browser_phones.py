"""The console's end of the gateway of browser phones: requests of pages go there, what it says comes back to them.

While the gateway is away pages are told so: calls of desk phones do not need it. It is looked for again for ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from agent_console import page_messages
from cti_engine.wire import browser_phone
from cti_engine.wire.browser_phone import MAX_LINE, PageAsks, PageGone, PhoneSays, Reply
from cti_engine.wire.envelope import ReplyMessage

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  # seconds between attempts to connect

_log = logging.getLogger("cti.console")


class BrowserPhones:
    """`address` empty: there is no gateway, and nothing is ever said. `answered` gets its replies."""

    def __init__(self, address: str, answered: Callable[[ReplyMessage], None]) -> None:
        self._address = address
        self._answered = answered
        self._pages: dict[str, Callable[[str], None]] = {}
        self._phones: set[str] = set()  # pages that have asked anything
        self._writer: asyncio.StreamWriter | None = None

    def listen(self, page: str, push: Callable[[str], None]) -> None:
        """From now on `push` gets what is said to this page."""
        self._pages[page] = push
        if self._address:
            push(page_messages.phone(self._writer is not None))

    def leave(self, page: str) -> None:
        del self._pages[page]
        if page in self._phones:
            self._phones.discard(page)
            self._send(PageGone(page))

    def ask(self, page: str, id_: str, name: str, args: dict[str, Any]) -> bool:
        """Pass a request on; False when there is nobody to answer it."""
        self._phones.add(page)
        return self._send(PageAsks(page, id_, name, args))

    def _send(self, message: browser_phone.ToGateway) -> bool:
        if self._writer is None or self._writer.is_closing():
            return False
        self._writer.write(browser_phone.line_of(message))
        return True

    async def run(self) -> None:
        """Connect, serve, and connect again."""
        pause = FIRST_PAUSE
        while self._address:
            try:
                reader, writer = await asyncio.open_unix_connection(self._address, limit=MAX_LINE)
            except OSError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            self._up(writer)
            try:
                while line := await reader.readline():
                    self._take(line)
            except (OSError, ValueError, msgspec.MsgspecError) as error:
                _log.warning("the gateway's socket: %s", error)
            finally:
                self._up(None)
                writer.close()

    def _up(self, writer: asyncio.StreamWriter | None) -> None:
        self._writer = writer
        self._phones.clear()
        for push in self._pages.values():
            push(page_messages.phone(writer is not None))

    def _take(self, line: bytes) -> None:
        match browser_phone.read_to_console(line):
            case Reply(message):
                self._answered(message)
            case PhoneSays(page=page) as says if page in self._pages:
                self._pages[page](page_messages.phone(True, says))
