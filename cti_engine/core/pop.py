"""The screen pop: all that an agent needs of a contact, from the moment of the offer; what is known later fills gaps.

The page puts it in the order in which an agent needs it (docs/guides/agent.md); here stands which facts it gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from cti_engine.core import appointments, grants, guiding, hints, segment_calls
from cti_engine.core import events as ev
from cti_engine.core.agent import Agent
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact
from cti_engine.core.customers.abstain import times_again
from cti_engine.core.customers.crm import ASKED, AWAY, CRM_STATE
from cti_engine.core.customers.next_best_offer import CROSS_SELL
from cti_engine.core.customers.offer_facts import number, rows, table
from cti_engine.core.customers.segment_rules import AT_RISK

_SHOWN = tuple(f.name for f in fields(ev.CallOffered))
_GAPS = ("", (), False, "unknown")
"""What stands where nothing is known; the last is a stranger's segment."""
_LATE_LISTS = ("contacts", "tickets", "hints")
"""Of a profile: what comes late of these goes into a place of its own, so that nothing moves."""


def of_offer(center: Center, contact: Contact, offer: str, agent: Agent, queue: str) -> ev.CallOffered:
    profile = contact.profile
    facts = hints.call_facts(center, contact, agent, queue)
    return ev.CallOffered(
        contact.id,
        offer,
        agent.id,
        number=contact.ani,
        language=contact.language,
        queue=queue,
        waited_s=max(0.0, center.now - contact.queued_at) if queue else 0.0,
        path=tuple(contact.path),
        guide=guiding.choose(center, contact),
        contacts=_named(center, rows(profile, "contacts"), "agent"),
        open_tickets=_named(center, rows(profile, "tickets"), "owner"),
        kind=contact.kind,
        message=contact.message.path.rpartition("/")[2] if contact.message is not None else "",
        message_s=contact.message.seconds if contact.message is not None else 0.0,
        **hints.of_offer(center, contact, offer, agent, queue),
        appointments=appointments.of_number(center, contact.ani, but=contact.id),
        **_of_hand_over(center, contact, agent),
        region=str(profile.get("region") or ""),
        region_languages=_texts(profile.get("languages")) if not profile.get("customer") else (),
        intent=facts.intent,
        calls_again=times_again(center.definitions.offer_rules.abstain, profile, facts),
        risk=_risk(profile),
        **_who(center, contact),
        grant=_grant(center, contact, agent),
        crm=_crm(profile) if profile.get(CRM_STATE) in (ASKED, AWAY) else {},
    )


def _who(center: Center, contact: Contact) -> dict[str, Any]:
    profile = contact.profile
    return {
        "name": contact.name,
        "segment": str(profile.get("segment") or ""),
        "greeting": segment_calls.greeting(center, contact),
        "company": profile.get("kind") == "company",
        "prefers": str(profile.get("channel") or ""),
        "products": tuple(str(row["product"]) for row in rows(profile, "products") if row.get("product")),
    }


def shown(offered: ev.CallOffered) -> dict[str, object]:
    """As a page that reloads paints it again."""
    return {name: getattr(offered, name) for name in _SHOWN}


def known(center: Center, contact: Contact) -> None:
    """Who is called has been looked up while the agent's phone rings, or later: the pop shows it."""
    agent = center.agents.get(contact.outbound.agent) if contact.outbound is not None else None
    if agent is not None and agent.contact == contact.id and agent.shown:
        agent.shown = shown(of_offer(center, contact, str(agent.shown["offer"]), agent, ""))
        center.touch(agent)


def fill_in(center: Center, contact: Contact, agent: Agent, added: Mapping[str, object]) -> None:
    """What was `added` to the profile, into the gaps of the pop that this agent has: what stands there stays."""
    before = agent.shown
    filled = {
        key: value for key, value in _who(center, contact).items() if value and before.get(key) in _GAPS
    }
    late = {key: tuple(map(dict, rows(added, key))) for key in _LATE_LISTS if key in added}
    if "hints" in late:  # nothing to sell comes under an agent's eyes
        late["hints"] = tuple(hint for hint in late["hints"] if hint.get("kind") != CROSS_SELL)
    agent.shown = {**before, **filled, "crm": {**_crm(contact.profile), **late}}
    center.touch(agent)


def _risk(profile: Mapping[str, Any]) -> dict[str, object]:
    """`risk` from 0 to 1 that this customer leaves, `why` ({code, values}), the gravest first; empty: a small one."""
    scores = table(profile, "scores")
    risk = number(scores.get("retention_risk"))
    if risk is None or risk < AT_RISK:
        return {}
    why = [row for row in rows(scores, "why") if row.get("figure") == "retention_risk"]
    why.sort(key=lambda row: -(number(row.get("points")) or 0.0))
    return {"risk": risk, "why": [{"code": row.get("code"), "values": table(row, "values")} for row in why]}


def _grant(center: Center, contact: Contact, agent: Agent) -> dict[str, object]:
    known = grants.view(center, contact, agent.id)
    return {key: known[key] for key in ("limit", "left", "currency")} if known else {}


def _crm(profile: Mapping[str, Any]) -> dict[str, object]:
    """`state`: asked, answered or away. `imported_at`: of when our own part is."""
    return {"state": profile.get(CRM_STATE), "imported_at": number(profile.get("imported_at")) or 0.0}


def _named(center: Center, found: list[Mapping[str, Any]], key: str) -> tuple[dict[str, object], ...]:
    """With the name of the agent whose id stands at `key`."""
    agents = center.definitions.agents
    known = ((row, agents.get(str(row.get(key, "")))) for row in found)
    return tuple(
        {**row, f"{key}_name": agent.name} if agent is not None else dict(row) for row, agent in known
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _of_hand_over(center: Center, contact: Contact, agent: Agent) -> dict[str, Any]:
    """Why a colleague wants this agent, or anybody, to have the call."""
    guest, handed = contact.guest_called(agent.id), contact.handed
    if guest is not None:
        purpose, by, note = "blind" if guest.refer else "consult", guest.by, guest.note
    elif handed is not None:
        purpose, by, note = handed.how, handed.by, handed.note
    elif contact.callback is not None and contact.callback.by:
        purpose, by, note = "appointment", contact.callback.by, contact.callback.note
    else:
        return {}
    known = center.definitions.agents.get(by)
    return {"purpose": purpose, "by": by, "by_name": known.name if known else by, "note": note}
