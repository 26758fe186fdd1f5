"""Which pages are asked about an event or a view: never fewer than those that may see it."""

from __future__ import annotations

from typing import Any, cast

from agent_console.accounts import Account
from agent_console.live_page import LivePage
from agent_console.open_pages import OpenPages
from cti_engine.wire.catalogue import EVENTS, ROLES, Permission, may_see, may_see_state
from cti_engine.wire.envelope import Envelope, StateMessage

ACCOUNTS = {
    **{role: Account(role, role, role, permissions) for role, permissions in ROLES.items()},
    "ana": Account("ana", "agent", "Ana", ROLES["agent"]),
    "coach": Account("coach", "agent", "Coach", ROLES["agent"] | {Permission.MONITOR_CALLS}),
}


class Stub:
    """A page that notes what it is asked about."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def on_event(self, message: Envelope) -> None:
        self.asked.append(message)

    def on_state(self, kind: str, id_: str, message: StateMessage | None) -> None:
        self.asked.append((kind, id_))

    def on_engine(self, up: bool) -> None:
        self.asked.append(up)


def opened() -> tuple[OpenPages, dict[str, Stub]]:
    pages, stubs = OpenPages(), {user: Stub() for user in ACCOUNTS}
    for user, stub in stubs.items():
        pages.add(cast(LivePage, stub), ACCOUNTS[user])
    return pages, stubs


def test_whoever_may_see_is_asked() -> None:
    """For every event of the catalogue and every account, whoever it names or does not name; and an agent is not asked
    about another's.
    """
    for event, entry in EVENTS.items():
        for data in ({}, {"agent": "ana"}, {"agent": "agent"}, {"agent": "coach"}):
            pages, stubs = opened()
            pages.on_event(Envelope(1, "2026-11-28T12:00:00.000Z", event, "c-1", entry.audience, data))
            for user, account in ACCOUNTS.items():
                if may_see(event, data, account.permissions, account.agent):
                    assert len(stubs[user].asked) == 1, (event, data, user)
            assert stubs["ana"].asked == [] or data == {"agent": "ana"}


def test_agents_views() -> None:
    """Of an agent's view the same; an engine that comes or goes is told to all."""
    pages, stubs = opened()
    pages.on_state("agent", "ana", StateMessage("", {}))
    for user, account in ACCOUNTS.items():
        may = may_see_state("agent", "ana", account.permissions, account.agent)
        assert stubs[user].asked or not may, user
    assert stubs["agent"].asked == []
    pages.on_engine(False)
    assert all(stub.asked[-1] is False for stub in stubs.values())


def test_an_account_that_changes_and_a_page_that_goes() -> None:
    """What an account may see follows the account that it was last told; who has gone is asked nothing."""
    pages, stubs = opened()
    page = cast(LivePage, stubs["ana"])
    pages.add(page, Account("ana", "supervisor", "Ana", ROLES["supervisor"]))
    pages.on_state("agent", "agent", StateMessage("", {}))
    assert stubs["ana"].asked == [("agent", "agent")]
    assert len(pages) == len(ACCOUNTS)
    pages.discard(page)
    pages.on_state("agent", "ana", StateMessage("", {}))
    pages.on_engine(True)
    assert stubs["ana"].asked == [("agent", "agent")]
    assert page not in set(pages)
