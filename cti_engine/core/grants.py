"""Grants: what an agent gives a customer without asking, up to the limit of segment and level; above it a supervisor
decides.

What the customer was granted in the last days (`grants_within`), by whomever, counts against the limit; so calling
again does not double it. The same amount for the same reason twice in a contact is a double click.
"""

from __future__ import annotations

import math
from typing import Any

from cti_engine.core import customer_events as ev
from cti_engine.core import requests, segment_calls
from cti_engine.core.center import Center
from cti_engine.core.commands import Reply
from cti_engine.core.contact import Contact, Grant
from cti_engine.core.customer_signals import GrantDecided, GrantRequested
from cti_engine.core.refusals import REFUSALS

ASKED, MADE, REFUSED = "asked", "made", "refused"
MOST = 1_000_000.0
LONGEST_REASON = 200


def grant(center: Center, signal: GrantRequested) -> None:
    """The reply's `result`: `grant`, `state` (made or asked), `limit` and `left`; refused as `over_limit` it has the
    last two.
    """
    contact = requests.own_desk(center, signal)
    if contact is None:
        return
    reason = " ".join(signal.reason.split())
    if not (math.isfinite(signal.amount) and 0 < signal.amount <= MOST and _whole_cents(signal.amount)):
        requests.refuse(center, signal.request, "bad_amount")
    elif not (0 < len(reason) <= LONGEST_REASON):
        requests.refuse(center, signal.request, "no_reason")
    elif any(each.state == ASKED for each in contact.grants):
        requests.refuse(center, signal.request, "grant_pending")
    elif any(each.amount == signal.amount and each.reason == reason for each in contact.grants):
        requests.refuse(center, signal.request, "granted_already")
    else:
        _judge(center, contact, signal, reason)


def _judge(center: Center, contact: Contact, signal: GrantRequested, reason: str) -> None:
    limit, left = limits(center, contact, signal.agent)
    within = signal.amount <= left
    figures: dict[str, object] = {"limit": limit, "left": left}
    if not within and not signal.ask:
        reply = Reply(signal.request, False, "over_limit", REFUSALS["over_limit"], figures)
        center.command(reply)
        return
    asked = Grant(center.new_id("g"), signal.agent, signal.amount, reason, ASKED, center.at)
    contact.grants.append(asked)
    if within:
        _make(center, contact, asked, "")
    else:
        _changed(center, contact, asked)
        center.emit(ev.GrantAsked(contact.id, signal.agent, asked.id, *_about(center, contact, asked), limit))
    figures |= {"grant": asked.id, "state": asked.state, "left": limits(center, contact, signal.agent)[1]}
    center.command(Reply(signal.request, True, result=figures))


def decide(center: Center, signal: GrantDecided) -> None:
    """By a supervisor, for another agent's request, as long as the contact is not closed."""
    contact = center.contacts.get(signal.contact)
    asked = next((each for each in contact.grants if each.id == signal.grant), None) if contact else None
    if contact is None or asked is None:
        requests.refuse(center, signal.request, "unknown_grant")
    elif asked.agent == signal.agent:
        requests.refuse(center, signal.request, "own_grant")
    elif asked.state != ASKED:
        requests.refuse(center, signal.request, "already_decided")
    else:
        if signal.approved:
            _make(center, contact, asked, signal.agent)
        else:
            asked.state = REFUSED
            _changed(center, contact, asked)
            center.emit(ev.GrantRefused(contact.id, asked.agent, asked.id, signal.agent))
        requests.accept_request(center, signal.request)


def _make(center: Center, contact: Contact, asked: Grant, approved_by: str) -> None:
    asked.state = MADE
    _changed(center, contact, asked)
    about = _about(center, contact, asked)
    center.emit(ev.GrantMade(contact.id, asked.agent, asked.id, *about, approved_by))


def _about(center: Center, contact: Contact, asked: Grant) -> tuple[str, str, float, str, str]:
    known = contact.attributes
    customer, segment = str(known.get("customer", "")), str(known.get("segment", ""))
    return customer, segment, asked.amount, center.definitions.segments.currency, asked.reason


def _changed(center: Center, contact: Contact, asked: Grant) -> None:
    center.touch(contact)
    center.seen_agents.add(asked.agent)


def _whole_cents(amount: float) -> bool:
    return math.isclose(amount * 100, round(amount * 100), abs_tol=1e-6)


def limits(center: Center, contact: Contact, agent: str) -> tuple[float, float]:
    """What this agent may grant this customer without asking, and what is left of it."""
    segment = segment_calls.segment_of(center, contact)
    limit = segment.grant_limit(segment_calls.level_of(center, agent)) if segment else 0.0
    since = center.now - center.definitions.segments.grants_within
    before = sum(amount for at, amount in _granted_before(contact) if at > since)
    here = sum(each.amount for each in contact.grants if each.state == MADE)
    return limit, max(0.0, round(limit - before - here, 2))


def _granted_before(contact: Contact) -> list[tuple[float, float]]:
    """Of earlier contacts, as the customer's profile has it; anything else that stands there is left out."""
    rows = contact.profile.get("granted")
    found = []
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict):
            at, amount = row.get("at"), row.get("amount")
            if isinstance(at, int | float) and isinstance(amount, int | float):
                found.append((float(at), float(amount)))
    return found


def view(center: Center, contact: Contact, agent: str) -> dict[str, Any]:
    """For the agent's page and the supervisors': empty where segments say nothing of grants."""
    if not any(segment.grants for segment in center.definitions.segments.segments):
        return {}
    limit, left = limits(center, contact, agent)
    return {
        "limit": limit,
        "left": left,
        "currency": center.definitions.segments.currency,
        "grants": [
            {"grant": each.id, "amount": each.amount, "reason": each.reason, "state": each.state}
            for each in contact.grants
            if each.agent == agent
        ],
    }
