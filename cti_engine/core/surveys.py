"""Surveys: an answer is a fact about the conversation before it, with the agent and queue that served the caller."""

from __future__ import annotations

from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact, Message
from cti_engine.core.ivr.actions import Answered


def answered(center: Center, contact: Contact, action: Answered) -> None:
    """A number; the flow sets it as attribute by itself."""
    agent, queue = _served(contact)
    center.emit(
        ev.SurveyAnswered(
            contact.id,
            action.flow,
            action.question,
            action.scale,
            action.answer,
            action.way,
            agent,
            queue,
            customer=customer_of(contact),
            number=contact.ani,
        )
    )


def spoken(center: Center, contact: Contact, message: Message) -> None:
    """A comment is stored, perhaps after its caller has hung up."""
    agent, queue = _served(contact)
    contact.attributes[message.question] = message.path
    center.emit(ev.CallAttributesSet(contact.id, {message.question: message.path}))
    center.emit(
        ev.SurveyAnswered(
            contact.id,
            message.survey,
            message.question,
            "",
            None,
            "voice",
            agent,
            queue,
            message.path,
            message.seconds,
            customer=customer_of(contact),
            number=contact.ani,
        )
    )


def customer_of(contact: Contact) -> str:
    """Empty for a stranger."""
    return str(contact.attributes.get("customer", ""))


def _served(contact: Contact) -> tuple[str, str]:
    """Agent and queue of the conversation; empty before one."""
    agent = contact.cdr.agent
    return agent, contact.queue if agent else ""
