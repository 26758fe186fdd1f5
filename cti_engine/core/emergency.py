"""Emergency numbers: one policy before every other rule. Allowed, they leave by their own trunk, whoever dials them."""

from __future__ import annotations

from cti_engine.core import events as ev
from cti_engine.core.agent import NOT_READY, READY
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact
from cti_engine.core.definitions import DialledNumber

REASON = "emergency"
"""Why an agent is not ready who calls for help at a desk phone."""


def is_one(center: Center, number: str) -> bool:
    return number in center.definitions.emergency.numbers


def dialled_number(center: Center, dnis: str, source: str) -> DialledNumber | None:
    """For a phone that is registered here, and nobody else: no caller rings for help at our expense or in our name."""
    rules = center.definitions.emergency
    if dnis not in rules.numbers or not source.startswith("account:"):
        return None
    return DialledNumber(dnis, rules.flow(dnis), rules.language)


def trunk_for(center: Center, number: str, trunk: str) -> str:
    """Where a number is sent that is about to be dialled."""
    rules = center.definitions.emergency
    return rules.trunk if number in rules.numbers and rules.allowed else trunk


def at_the_phone(center: Center, contact: Contact) -> None:
    """An agent calls for help at a desk phone: nobody is offered to them until it is over."""
    agent = center.agents.get(contact.source.removeprefix("account:"))
    if agent is None or not is_one(center, contact.dnis) or not center.definitions.emergency.allowed:
        return
    if agent.state != "idle":
        agent.after, agent.after_reason = NOT_READY, REASON
        center.touch(agent)
    elif agent.status == READY:
        center.agent_enters(agent, status=NOT_READY, reason=REASON)


def over(center: Center, contact: Contact) -> None:
    """As it was before, unless they have chosen something else meanwhile."""
    agent = center.agents.get(contact.source.removeprefix("account:"))
    if agent is None or not is_one(center, contact.dnis):
        return
    if agent.after_reason == REASON:
        agent.after = agent.after_reason = ""
        center.touch(agent)
    elif agent.status == NOT_READY and agent.reason == REASON and agent.state == "idle":
        agent.idle_since = center.at
        center.agent_enters(agent, status=READY, reason="")


def tell(center: Center, contact: Contact, number: str) -> None:
    """Supervisors are told at once that somebody calls for help."""
    outbound = contact.outbound
    agent = outbound.agent if outbound is not None else contact.source.removeprefix("account:")
    center.emit(ev.EmergencyCalled(contact.id, agent, number, center.definitions.emergency.trunk))


def refused(center: Center, agent: str, number: str, contact: str = "") -> None:
    """By policy, or because there is no trunk."""
    center.emit(ev.EmergencyRefused(contact, agent, number))
