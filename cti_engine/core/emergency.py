"""Emergency numbers: one policy before every other rule. Allowed, they leave by their own trunk, whoever dials them."""

from __future__ import annotations

from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact
from cti_engine.core.definitions import DialledNumber


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


def tell(center: Center, contact: Contact, number: str) -> None:
    """Supervisors are told at once that somebody calls for help."""
    outbound = contact.outbound
    agent = outbound.agent if outbound is not None else contact.source.removeprefix("account:")
    center.emit(ev.EmergencyCalled(contact.id, agent, number, center.definitions.emergency.trunk))


def refused(center: Center, agent: str, number: str, contact: str = "") -> None:
    """By policy, or because there is no trunk."""
    center.emit(ev.EmergencyRefused(contact, agent, number))
