"""The pages that are open, by whom they are for: of two hundred, one or two are asked whether they may see an event.

A page itself decides what it may see; here stands only who cannot be meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from cti_engine.wire.catalogue import EVENTS
from cti_engine.wire.envelope import Envelope, StateMessage

if TYPE_CHECKING:
    from agent_console.accounts import Account
    from agent_console.live_page import LivePage

WATCHING = frozenset(entry.permission for entry in EVENTS.values())
"""Whoever has one of these may see what concerns others; everybody else only what names them as its agent."""


class OpenPages:
    """Listens to the feed for all of them."""

    def __init__(self) -> None:
        self._accounts: dict[LivePage, Account] = {}
        self._watching: dict[LivePage, None] = {}
        self._of_agent: dict[str, dict[LivePage, None]] = {}

    def __iter__(self) -> Iterator[LivePage]:
        return iter(tuple(self._accounts))

    def __len__(self) -> int:
        return len(self._accounts)

    def add(self, page: LivePage, account: Account) -> None:
        """From now on it is told what concerns this account; again for one that has changed."""
        self.discard(page)
        self._accounts[page] = account
        if account.permissions & WATCHING:
            self._watching[page] = None
        elif account.agent is not None:
            self._of_agent.setdefault(account.agent, {})[page] = None

    def discard(self, page: LivePage) -> None:
        account = self._accounts.pop(page, None)
        self._watching.pop(page, None)
        if account is not None and account.agent in self._of_agent:
            self._of_agent[account.agent].pop(page, None)

    # --- the feed ------------------------------------------------------------------------------

    def on_event(self, message: Envelope) -> None:
        for page in self._meant(message.data.get("agent")):
            page.on_event(message)

    def on_state(self, kind: str, id_: str, message: StateMessage | None) -> None:
        """Agents' views and what supervisors have taken over; queues' come by `queue_news`."""
        if kind == "agent":
            for page in self._meant(id_):
                page.on_state(kind, id_, message)
        elif kind == "supervisor":
            for page in tuple(self._watching):
                page.on_state(kind, id_, message)

    def on_engine(self, up: bool) -> None:
        for page in self:
            page.on_engine(up)

    def _meant(self, agent: object) -> tuple[LivePage, ...]:
        own = self._of_agent.get(agent, {}) if isinstance(agent, str) else {}
        return tuple(chain(self._watching, own))
