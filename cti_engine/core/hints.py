"""Hints of a call: chosen as it is offered to an agent, told as the agent has it (`hint_answers`: answered), taken back
when something becomes known that forbids them.

What may be shown is decided in `customers/next_best_offer`; here are the facts of the call that it asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cti_engine.core import hint_events
from cti_engine.core.agent import Agent
from cti_engine.core.call_names import Names
from cti_engine.core.center import Center
from cti_engine.core.contact import VOICE, VOICEMAIL, Contact, Hints
from cti_engine.core.customers.abstain import Abstention, abstentions
from cti_engine.core.customers.next_best_offer import (
    CROSS_SELL,
    Choice,
    choose,
    forbids,
    seed_of,
    shown_hints,
)
from cti_engine.core.customers.offer_facts import CallFacts, rows


def of_offer(center: Center, contact: Contact, offer: str, agent: Agent, queue: str) -> dict[str, Any]:
    """The fields of the pop about what to sell. Nothing for who is only asked, and for messages."""
    rules, profile = center.definitions.offer_rules, contact.profile
    plain = _without_sales(profile)
    if contact.guest_called(agent.id) is not None or contact.kind == VOICEMAIL:
        return {"hints": plain}
    if not rules.offers and len(plain) == len(rows(profile, "hints")):
        return {"hints": plain}
    facts = call_facts(center, contact, agent, queue)
    choice = choose(rules, profile, facts, seed_of(center.seed, contact.id), _left(center))
    _keep(center, contact, offer, agent, choice)
    told = [hint.told(rules.currency) for hint in choice.hints]
    tells_why = bool(rules.offers) or forbids(choice)
    return {
        "hints": tuple(shown_hints(profile, choice)),
        "offers": () if choice.held_out else tuple(told),
        "no_offers": tuple(each.told() for each in choice.abstained) if tells_why else (),
    }


def call_facts(center: Center, contact: Contact, agent: Agent, queue: str) -> CallFacts:
    """The call as the rules ask for it. `queue`: in whose line it stands; empty when it stands in none."""
    local = datetime.fromtimestamp(center.now + center.utc_offset, UTC)
    names = cache(Names(center, contact, queue))  # rules ask for the same few again and again
    on_the_line = contact.kind == VOICE
    in_line = max(0.0, center.now - contact.queued_at) if queue and contact.queued_at else 0.0
    caller = center.legs.get(contact.caller_leg)
    return CallFacts(
        now=center.now,
        today=(local.month, local.day),
        names=names,
        agent=_names_of(center, agent),
        language=contact.language or str(contact.profile.get("language") or ""),
        intent=str(names("call.intent") or ""),
        queue=queue or contact.queue,
        waited=max(contact.cdr.wait_s, in_line) if on_the_line else 0.0,
        calls_us=on_the_line,
        gave_up=contact.re_caller,
        line_is_poor=caller is not None and caller.poor,
        answers=contact.hints.answers if contact.hints is not None else {},
    )


def _names_of(center: Center, agent: Agent) -> dict[str, object]:
    known = center.definitions.agents.get(agent.id)
    if known is None:
        return {}
    attributes = {f"agent.{name}": value for name, value in known.attributes.items()}
    return {**attributes, "agent.id": known.id, "agent.name": known.name, "agent.site": known.site}


def _left(center: Center) -> dict[str, int]:
    offers = center.definitions.offer_rules.offers
    return {
        row.id: row.stock - row.accepted
        for row in center.offer_stock.values()
        if row.id in offers and offers[row.id].stock == row.stock
    }


def _keep(center: Center, contact: Contact, offer: str, agent: Agent, choice: Choice) -> None:
    """With the reservation: several phones may ring for one call, each with hints of its own."""
    answers = contact.hints.answers if contact.hints is not None else {}
    chosen = Hints(
        agent.id,
        {hint.offer: hint.affinity for hint in choice.hints},
        choice.held_out,
        [each.rule for each in choice.abstained],
        dict(answers),
    )
    reservation = center.reservations.get(offer)
    if reservation is None:  # who is called was looked up only after the agent had answered
        contact.hints = chosen
        center.touch(contact)
    else:
        reservation.hints = chosen
        center.touch(reservation)


def reconsider(center: Center, contact: Contact) -> None:
    """More has become known: what a rule forbids now goes from every page. Nothing new comes until the next offer, for
    nothing moves under an agent's eyes.
    """
    ringing = {center.reservations[each].agent: center.reservations[each] for each in contact.offers}
    for name in dict.fromkeys((*ringing, *contact.agents)):  # who wraps up has a page too
        offer = ringing.get(name)
        chosen = offer.hints if offer is not None else contact.hints
        mine = chosen if chosen is not None and chosen.agent == name else None
        if _take_back(center, contact, name, mine, offer.queue if offer is not None else ""):
            center.touch(contact if offer is None else offer)


def _take_back(center: Center, contact: Contact, name: str, chosen: Hints | None, queue: str) -> bool:
    agent = center.agents.get(name)
    if agent is None or agent.contact != contact.id or not agent.shown:
        return False
    kept = _without_sales(agent.shown)
    sells = agent.shown.get("offers") or len(kept) < len(rows(agent.shown, "hints"))
    held_out = chosen is not None and bool(chosen.offers)  # shows none, and leaves the experiment alike
    if not sells and not held_out:
        return False
    found = _forbidden(center, contact, agent, queue)
    if not found:
        return False
    told, names = tuple(each.told() for each in found), [each.rule for each in found]
    if chosen is not None:
        chosen.offers, chosen.abstained = {}, names
    agent.shown = {**agent.shown, "hints": kept, "offers": (), "no_offers": told}
    center.touch(agent)
    center.emit(hint_events.HintsTakenBack(contact.id, name, tuple(names)))
    return True


def _forbidden(center: Center, contact: Contact, agent: Agent, queue: str) -> tuple[Abstention, ...]:
    facts = call_facts(center, contact, agent, queue)
    return abstentions(center.definitions.offer_rules.abstain, contact.profile, facts)


def _without_sales(told: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    return tuple(hint for hint in rows(told, "hints") if hint.get("kind") != CROSS_SELL)


def of_fill_in(center: Center, contact: Contact, agent: Agent, added: dict[str, object]) -> dict[str, object]:
    """What the CRM has added, as this agent may see it: without hints that sell where nothing may be sold or shown."""
    offers = (center.reservations[offer] for offer in contact.offers)
    offer = next((each for each in offers if each.agent == agent.id), None)
    chosen = offer.hints if offer is not None else contact.hints
    decided = chosen is not None and (chosen.held_out or bool(set(chosen.abstained) - {"nothing_fits"}))
    if "hints" not in added or not (
        decided or _forbidden(center, contact, agent, offer.queue if offer is not None else "")
    ):
        return added
    return {**added, "hints": list(_without_sales(added))}


def taken(center: Center, contact: Contact, chosen: Hints | None) -> None:
    """The agent has the call: from now on its hints are those that this agent was shown."""
    if chosen is not None:
        answers = contact.hints.answers if contact.hints is not None else {}
        contact.hints = Hints(chosen.agent, chosen.offers, chosen.held_out, chosen.abstained, dict(answers))
        center.touch(contact)


def given(center: Center, contact: Contact, agent: Agent) -> None:
    """Agent and caller talk: whatever was on the page, or kept from it, may have an effect now."""
    hints = contact.hints
    if hints is None or hints.agent != agent.id or not center.definitions.offer_rules.offers:
        return
    offers: list[dict[str, object]] = [
        {"offer": offer, "affinity": round(affinity, 3)} for offer, affinity in hints.offers.items()
    ]
    center.emit(
        hint_events.HintsGiven(
            contact.id,
            str(contact.profile.get("customer") or ""),
            str(contact.profile.get("segment") or ""),
            agent.id,
            contact.queue,
            tuple(offers),
            hints.held_out,
            tuple(hints.abstained),
        )
    )
