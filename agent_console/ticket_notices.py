"""Notices of tickets to the pages of whom they concern: an agent by name, or all supervisors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from agent_console import page_messages
from agent_console.accounts import Account
from agent_console.tickets import shown
from cti_engine.adapters.ticket_store import Kept
from cti_engine.core.customers.ticket_rules import SUPERVISOR
from cti_engine.core.customers.tickets import Notice
from cti_engine.wire.catalogue import Permission

if TYPE_CHECKING:
    from agent_console.live_page import LivePage


class TicketNotices:
    """Nothing is kept: whoever has no page open sees the ticket in the list, with the rungs that have been."""

    def __init__(self, pages: Iterable[LivePage]) -> None:
        self._pages = pages

    def tell(self, notice: Notice, kept: Kept) -> None:
        text = page_messages.ticket(notice.kind, notice.rung, shown(kept))

        def concerns(account: Account) -> bool:
            if notice.to == SUPERVISOR:
                return Permission.STEER_AGENTS in account.permissions
            return account.user == notice.to

        for page in self._pages:
            page.tell(text, concerns)
