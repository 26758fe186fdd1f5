"""The customer's answer to a hint, as the agent gives it: told once, shown on the page, and off the stock."""

from __future__ import annotations

from cti_engine.core import hint_events, requests
from cti_engine.core.agent import Agent
from cti_engine.core.center import Center
from cti_engine.core.contact import Hints
from cti_engine.core.customers.next_best_offer import ANSWERS
from cti_engine.core.rows import OfferStock
from cti_engine.core.signals import HintAnswerRequested


def answer(center: Center, signal: HintAnswerRequested) -> None:
    """The agent says how the customer took it, in the call or while wrapping up; saying so again corrects it."""
    contact = requests.own_contact(center, signal)
    if contact is None:
        return
    agent, hints = center.agents[signal.agent], contact.hints
    if agent.state not in ("talking", "wrap_up"):
        requests.refuse(center, signal.request, "wrong_state")
        return
    if hints is None or hints.agent != agent.id or hints.held_out or signal.offer not in hints.offers:
        requests.refuse(center, signal.request, "unknown_offer")
        return
    if signal.answer not in ANSWERS:
        requests.refuse(center, signal.request, "unknown_answer")
        return
    before = hints.answers.get(signal.offer, "")
    if before != signal.answer:
        hints.answers[signal.offer] = signal.answer
        _count(center, signal.offer, (signal.answer == "accepted") - (before == "accepted"))
        _show(center, agent, hints)
        center.touch(contact)
        center.emit(
            hint_events.HintAnswered(
                contact.id,
                str(contact.profile.get("customer") or ""),
                str(contact.profile.get("segment") or ""),
                agent.id,
                signal.offer,
                signal.answer,
                round(hints.offers[signal.offer], 3),
            )
        )
    requests.accept_request(center, signal.request)


def _count(center: Center, offer: str, more: int) -> None:
    """What is accepted leaves the stock; a number that the admin has changed counts from there."""
    rule = center.definitions.offer_rules.offers.get(offer)
    if rule is None or rule.stock is None or not more:
        return
    row = center.offer_stock.get(offer)
    if row is None or row.stock != rule.stock:
        row = center.offer_stock[offer] = OfferStock(offer, rule.stock)
    row.accepted = max(0, row.accepted + more)
    center.touch(row)


def _show(center: Center, agent: Agent, hints: Hints) -> None:
    """A page that reloads shows what has been answered."""
    shown = agent.shown.get("offers")
    told = [
        {**each, "answer": hints.answers.get(str(each.get("offer")), "")}
        for each in (shown if isinstance(shown, list | tuple) else ())
    ]
    agent.shown = {**agent.shown, "offers": tuple(told)}
    center.touch(agent)
