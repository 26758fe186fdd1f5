"""Requests of agents: checked against the state of now, done or refused with a code, never half."""

from __future__ import annotations

from typing import Protocol

from cti_engine.core import after_call, callbacks, endings, offers, outbound, parties
from cti_engine.core import end_causes as causes
from cti_engine.core.agent import LOGGED_OUT, NOT_READY, READY, Agent
from cti_engine.core.center import Center
from cti_engine.core.commands import Reply
from cti_engine.core.contact import CONTACT, VOICEMAIL, Contact, Controls, Guest
from cti_engine.core.refusals import REFUSALS
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


def refuse(center: Center, request: str, code: str) -> None:
    center.command(Reply(request, False, code, REFUSALS[code]))


def accept_request(center: Center, request: str) -> None:
    center.command(Reply(request, True))


def answer(center: Center, request: str, refusal: str) -> None:
    """Refused with this code; done when it is empty."""
    if refusal:
        refuse(center, request, refusal)
    else:
        accept_request(center, request)


def agent_of(center: Center, request: str, agent_id: str) -> Agent | None:
    agent = center.agents.get(agent_id) if agent_id in center.definitions.agents else None
    if agent is None:
        refuse(center, request, "unknown_agent")
    return agent


class OfContact(Protocol):
    @property
    def request(self) -> str: ...
    @property
    def agent(self) -> str: ...
    @property
    def contact(self) -> str: ...
    @property
    def state_version(self) -> int: ...


def own_contact(center: Center, signal: OfContact) -> Contact | None:
    """The contact on the desk of this agent, or of a supervisor who has taken it over, as the page saw it; anything
    else is refused.
    """
    contact = center.contacts.get(signal.contact)
    if signal.agent in center.other_phones or (contact is not None and signal.agent in contact.supervisors):
        theirs = contact is not None and signal.agent in contact.supervisors
    else:
        agent = agent_of(center, signal.request, signal.agent)
        if agent is None:
            return None
        theirs = contact is not None and agent.contact == contact.id
    if contact is None or not theirs:
        refuse(center, signal.request, "not_your_call")
    elif signal.state_version != contact.version:
        refuse(center, signal.request, "stale")
    else:
        return contact
    return None


class _OfDesk(Protocol):
    @property
    def request(self) -> str: ...
    @property
    def agent(self) -> str: ...
    @property
    def contact(self) -> str: ...


def own_desk(center: Center, signal: _OfDesk) -> Contact | None:
    """The contact that this agent talks in as the one who has it, or wraps up; anything else is refused. What is asked
    so does nothing to the call, hence no version.
    """
    agent = agent_of(center, signal.request, signal.agent)
    if agent is None:
        return None
    contact = center.contacts.get(signal.contact)
    if contact is None or agent.contact != contact.id or agent.id not in contact.agents:
        refuse(center, signal.request, "not_your_call")
    elif agent.state not in ("talking", "wrap_up") or contact.guest_called(agent.id) is not None:
        refuse(center, signal.request, "wrong_state")
    else:
        return contact
    return None


def own_conversation(center: Center, signal: OfContact) -> Contact | None:
    """The call in which this agent talks to somebody; anything else is refused."""
    found = own_part(center, signal)
    if found is None:
        return None
    contact, part = found
    if isinstance(part, Guest):
        refuse(center, signal.request, "not_your_call")
        return None
    return contact


def own_part(center: Center, signal: OfContact) -> tuple[Contact, Controls | Guest] | None:
    """The conversation in which this agent takes part: as the one who has the call, or as a guest."""
    contact = own_contact(center, signal)
    if contact is None:
        return None
    guest = contact.guest_called(signal.agent)
    if contact.state != "talking" or not contact.agent_leg or (guest is not None and not guest.talks):
        refuse(center, signal.request, "wrong_state")
    elif guest is None and contact.holder != signal.agent:
        refuse(center, signal.request, "not_your_call")
    else:
        return contact, guest or contact.controls
    return None


def ready(center: Center, signal: ReadyRequested) -> None:
    agent = agent_of(center, signal.request, signal.agent)
    if agent is None:
        return
    if not agent.phone:
        refuse(center, signal.request, "phone_not_registered")
        return
    agent.missed = 0
    if agent.status == LOGGED_OUT:
        agent.idle_since = _behind_the_median(center)
    _set_status(center, agent, READY, "")
    accept_request(center, signal.request)


def _behind_the_median(center: Center) -> float:
    """Who just logged in starts in the middle of the idle order, not at its head or tail (routing.md)."""
    clocks = sorted(agent.idle_since for agent in center.agents.values() if agent.available)
    return min(center.now, clocks[len(clocks) // 2] + JUST_BEHIND) if clocks else center.now


def not_ready(center: Center, signal: NotReadyRequested) -> None:
    agent = agent_of(center, signal.request, signal.agent)
    if agent is None:
        return
    if signal.reason not in center.definitions.not_ready_reasons:
        refuse(center, signal.request, "unknown_reason")
        return
    _set_status(center, agent, NOT_READY, signal.reason)
    accept_request(center, signal.request)


def log_out(center: Center, signal: LogOutRequested) -> None:
    agent = agent_of(center, signal.request, signal.agent)
    if agent is not None:
        _set_status(center, agent, LOGGED_OUT, "")
        accept_request(center, signal.request)


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
    """The agent leaves the conversation from the page; without others in it, it ends."""
    contact = own_contact(center, signal)
    if contact is None:
        return
    guest = contact.guest_called(signal.agent)
    if contact.state == "calling":
        callbacks.agent_gone(center, contact)
    elif contact.state == "dialling":
        outbound.agent_gone(center, contact)
    elif contact.state != "talking" or (guest is not None and not guest.talks):
        refuse(center, signal.request, "wrong_state")
        return
    elif guest is not None:
        parties.guest_gone(center, contact, guest)
    elif contact.holder != signal.agent:
        refuse(center, signal.request, "not_your_call")
        return
    elif parties.agent_leaves(center, contact):
        pass
    elif contact.supervisor:
        endings.end_contact(center, contact, causes.OUTSIDE_HANG_UP)
    else:
        after_call.agent_hung_up(center, contact)
    accept_request(center, signal.request)


def accept(center: Center, signal: AcceptRequested) -> None:
    """The agent takes in the page what no phone rings for."""
    agent = agent_of(center, signal.request, signal.agent)
    if agent is None:
        return
    contact = center.contacts.get(signal.contact)
    offer = center.reservations.get(agent.offer)
    if contact is None or agent.contact != contact.id:
        refuse(center, signal.request, "not_your_call")
    elif contact.kind != VOICEMAIL or offer is None or not center.fire(CONTACT, contact, "bridged"):
        refuse(center, signal.request, "wrong_state")
    else:
        offers.accepted(center, contact, offer)
        accept_request(center, signal.request)


def disposition(center: Center, signal: DispositionSubmitted) -> None:
    """Of an agent in wrap-up, or of a supervisor who had taken the call over."""
    contact = center.contacts.get(signal.contact)
    if contact is not None and signal.agent in contact.supervisors:
        if (refusal := _not_now(center, signal, contact.noting == signal.agent)) == "":
            endings.noted(center, contact, signal.disposition, signal.note)
        answer(center, signal.request, refusal)
        return
    agent = agent_of(center, signal.request, signal.agent)
    if agent is None:
        return
    if agent.contact != signal.contact:
        refuse(center, signal.request, "not_your_call")
        return
    if (refusal := _not_now(center, signal, agent.state == "wrap_up")) == "":
        endings.end_wrap_up(center, agent, signal.disposition, signal.note)
    answer(center, signal.request, refusal)


def _not_now(center: Center, signal: DispositionSubmitted, wraps_up: bool) -> str:
    if not wraps_up:
        return "wrong_state"
    return "" if signal.disposition in center.definitions.dispositions else "unknown_disposition"


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
