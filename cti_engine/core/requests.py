"""Requests of agents: checked against the state of now, done or refused with a code, never half."""

from __future__ import annotations

from cti_engine.core import callbacks, endings, offers
from cti_engine.core import end_causes as causes
from cti_engine.core.agent import LOGGED_OUT, NOT_READY, READY, Agent
from cti_engine.core.center import Center
from cti_engine.core.commands import Reply
from cti_engine.core.contact import CONTACT, VOICEMAIL
from cti_engine.core.signals import (
    AcceptRequested,
    ConsoleLost,
    DispositionSubmitted,
    HangUpRequested,
    LogOutRequested,
    NotReadyRequested,
    PageClosed,
    PageOpened,
    ReadyRequested,
)

JUST_BEHIND = 0.001
"""Seconds; the matcher counts in milliseconds."""

REFUSALS = {
    "unknown_agent": "no such agent",
    "phone_not_registered": "your phone is not registered; check it, then try again",
    "unknown_reason": "no such not-ready reason",
    "stale": "the call has moved on; nothing was done",
    "not_your_call": "this is not your call",
    "wrong_state": "not possible in this state",
    "unknown_disposition": "no such disposition",
}


def _refuse(center: Center, request: str, code: str) -> None:
    center.command(Reply(request, False, code, REFUSALS[code]))


def _accept(center: Center, request: str) -> None:
    center.command(Reply(request, True))


def _agent(center: Center, request: str, agent_id: str) -> Agent | None:
    agent = center.agents.get(agent_id) if agent_id in center.definitions.agents else None
    if agent is None:
        _refuse(center, request, "unknown_agent")
    return agent


def ready(center: Center, signal: ReadyRequested) -> None:
    agent = _agent(center, signal.request, signal.agent)
    if agent is None:
        return
    if not agent.phone:
        _refuse(center, signal.request, "phone_not_registered")
        return
    agent.missed = 0
    if agent.status == LOGGED_OUT:
        agent.idle_since = _behind_the_median(center)
    _set_status(center, agent, READY, "")
    _accept(center, signal.request)


def _behind_the_median(center: Center) -> float:
    """Who just logged in starts in the middle of the idle order, not at its head or tail (routing.md)."""
    clocks = sorted(agent.idle_since for agent in center.agents.values() if agent.available)
    return min(center.now, clocks[len(clocks) // 2] + JUST_BEHIND) if clocks else center.now


def not_ready(center: Center, signal: NotReadyRequested) -> None:
    agent = _agent(center, signal.request, signal.agent)
    if agent is None:
        return
    if signal.reason not in center.definitions.not_ready_reasons:
        _refuse(center, signal.request, "unknown_reason")
        return
    _set_status(center, agent, NOT_READY, signal.reason)
    _accept(center, signal.request)


def log_out(center: Center, signal: LogOutRequested) -> None:
    agent = _agent(center, signal.request, signal.agent)
    if agent is not None:
        _set_status(center, agent, LOGGED_OUT, "")
        _accept(center, signal.request)


def _set_status(center: Center, agent: Agent, status: str, reason: str) -> None:
    """At once when idle; in mid-contact it counts afterwards, but READY counts as taking back."""
    if agent.state == "idle":
        center.agent_enters(agent, status=status, reason=reason)
    elif status == agent.status:
        agent.after = agent.after_reason = ""
        center.touch(agent)
    else:
        agent.after, agent.after_reason = status, reason
        center.touch(agent)


def hang_up(center: Center, signal: HangUpRequested) -> None:
    """The agent ends the conversation from the page."""
    agent = _agent(center, signal.request, signal.agent)
    if agent is None:
        return
    contact = center.contacts.get(signal.contact)
    if contact is None or agent.contact != contact.id:
        _refuse(center, signal.request, "not_your_call")
    elif signal.state_version != contact.version:
        _refuse(center, signal.request, "stale")
    elif contact.state == "calling":
        callbacks.agent_gone(center, contact)
        _accept(center, signal.request)
    elif contact.state != "talking":
        _refuse(center, signal.request, "wrong_state")
    else:
        endings.end_contact(center, contact, causes.AGENT_HANG_UP)
        _accept(center, signal.request)


def accept(center: Center, signal: AcceptRequested) -> None:
    """The agent takes in the page what no phone rings for."""
    agent = _agent(center, signal.request, signal.agent)
    if agent is None:
        return
    contact = center.contacts.get(signal.contact)
    offer = center.reservations.get(agent.offer)
    if contact is None or agent.contact != contact.id:
        _refuse(center, signal.request, "not_your_call")
    elif contact.kind != VOICEMAIL or offer is None or not center.fire(CONTACT, contact, "bridged"):
        _refuse(center, signal.request, "wrong_state")
    else:
        offers.accepted(center, contact, offer)
        _accept(center, signal.request)


def disposition(center: Center, signal: DispositionSubmitted) -> None:
    agent = _agent(center, signal.request, signal.agent)
    if agent is None:
        return
    if agent.contact != signal.contact:
        _refuse(center, signal.request, "not_your_call")
    elif agent.state != "wrap_up":
        _refuse(center, signal.request, "wrong_state")
    elif signal.disposition not in center.definitions.dispositions:
        _refuse(center, signal.request, "unknown_disposition")
    else:
        endings.end_wrap_up(center, agent, signal.disposition, signal.note)
        _accept(center, signal.request)


def page_opened(center: Center, signal: PageOpened) -> None:
    agent = center.agents.get(signal.agent)
    if agent is not None and signal.page not in agent.pages:
        agent.pages.append(signal.page)
        center.touch(agent)


def page_closed(center: Center, signal: PageClosed) -> None:
    agent = center.agents.get(signal.agent)
    if agent is not None and signal.page in agent.pages:
        agent.pages.remove(signal.page)
        center.touch(agent)


def console_lost(center: Center, signal: ConsoleLost) -> None:
    for agent in center.agents.values():
        left = [page for page in agent.pages if not page.startswith(f"{signal.console}/")]
        if left != agent.pages:
            agent.pages = left
            center.touch(agent)
