"""The guide of a contact: chosen at the offer, its answers taken from the agent and told as facts."""

from __future__ import annotations

from typing import Any

from cti_engine.core import customer_events as ev
from cti_engine.core import requests
from cti_engine.core.call_names import Names
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact
from cti_engine.core.customer_signals import GuideAnswerRequested
from cti_engine.core.customers import guides


def choose(center: Center, contact: Contact) -> str:
    """Once begun it stays; a guide taken out of the files since is looked for anew."""
    known = center.definitions.guides
    if contact.guide_answers and contact.guide in known:
        return contact.guide
    contact.guide = guides.chosen(known.values(), Names(center, contact))
    contact.guide_answers = {}
    center.touch(contact)
    return contact.guide


def answer(center: Center, signal: GuideAnswerRequested) -> None:
    """What the agent has found out. The same once more is no second fact; another answer takes its place."""
    contact = requests.own_desk(center, signal)
    if contact is None:
        return
    guide = center.definitions.guides.get(signal.guide)
    step = guide.steps.get(signal.step) if guide is not None else None
    given = " ".join(signal.answer.split())
    if guide is None or step is None or contact.guide != guide.id:
        requests.refuse(center, signal.request, "unknown_step")
    elif not guides.fits(step, given):
        requests.refuse(center, signal.request, "bad_answer")
    else:
        if contact.guide_answers.get(signal.step) != given:
            contact.guide_answers[signal.step] = given
            center.touch(contact)
            center.seen_agents.add(signal.agent)
            customer, about = str(contact.attributes.get("customer", "")), guide.fields[step.about]
            center.emit(
                ev.GuideAnswered(
                    contact.id,
                    signal.agent,
                    customer,
                    guide.id,
                    signal.step,
                    about.id,
                    about.into,
                    given,
                    guides.said(guide, step, given),
                )
            )
        requests.accept_request(center, signal.request)


def view(center: Center, contact: Contact) -> dict[str, Any]:
    """For the agent's page; empty where no guide is for this contact."""
    guide = center.definitions.guides.get(contact.guide)
    return guides.view(guide, contact.language, contact.guide_answers) if guide is not None else {}
