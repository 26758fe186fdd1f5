"""Questions of supervisors: answered from the state of now, changing nothing, at a bounded cost."""

from __future__ import annotations

from dataclasses import asdict

from cti_engine.core.center import Center
from cti_engine.core.commands import Reply
from cti_engine.core.contact import Contact
from cti_engine.core.explanation import why_waiting
from cti_engine.core.refusals import REFUSALS
from cti_engine.core.signals import ExplainRequested, WaitingRequested

MOST_CALLS = 20
"""Of a queue's waiting calls, so many are listed: those that are served next."""


def explain(center: Center, signal: ExplainRequested) -> None:
    """Why a call waits; no queue for one that does not."""
    contact = center.contacts.get(signal.contact)
    if contact is None:
        _unknown(center, signal.request, "unknown_contact")
        return
    queues = [asdict(answer) for answer in why_waiting(center, contact)]
    center.command(Reply(signal.request, True, result={"state": contact.state, "waiting": queues}))


def waiting(center: Center, signal: WaitingRequested) -> None:
    """The calls of a queue: those for which a phone rings, then the others in the order of service."""
    if signal.queue not in center.definitions.queues:
        _unknown(center, signal.request, "unknown_queue")
        return
    rings = [contact for contact in center.waiting_in(signal.queue).values() if contact.state == "offered"]
    first = center.matcher.waiting(signal.queue, MOST_CALLS)
    calls = [*rings[:MOST_CALLS], *(center.contacts[id_] for id_ in first)]
    rows = [_row(contact, signal.queue) for contact in calls[:MOST_CALLS]]
    center.command(Reply(signal.request, True, result={"calls": rows}))


def _row(contact: Contact, queue: str) -> dict[str, object]:
    step = next((standing.step for standing in contact.standings if standing.queue == queue), -1)
    return {
        "contact": contact.id,
        "number": contact.ani,
        "name": contact.name,
        "queued_at": contact.queued_at,
        "step": step,
        "rings": contact.state == "offered",
    }


def _unknown(center: Center, request: str, code: str) -> None:
    center.command(Reply(request, False, code, REFUSALS[code]))
