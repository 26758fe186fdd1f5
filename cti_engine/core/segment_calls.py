"""What the segment of a caller means to the call: which number it is taken as, and how the agent greets."""

from __future__ import annotations

from cti_engine.core import emergency
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact
from cti_engine.core.customers.segment_rules import AGENT_LEVEL, LEVEL_NAMES, Segment
from cti_engine.core.definitions import DialledNumber


def segment_of(center: Center, contact: Contact) -> Segment | None:
    return center.definitions.segments.segment(contact.attributes.get("segment"))


def taken_as(center: Center, contact: Contact) -> DialledNumber | None:
    """The number that the call was made to, or in its place the one that its caller's segment has; an emergency call
    is what it is. None: nobody answers that number here.
    """
    numbers = center.definitions.dialled_numbers
    dialled = numbers.get(contact.dnis)
    if dialled is None:
        return emergency.dialled_number(center, contact.dnis, contact.source)
    segment = segment_of(center, contact)
    return numbers.get(segment.vip_number, dialled) if segment and segment.vip_number else dialled


def greeting(center: Center, contact: Contact) -> str:
    """In the call's language; empty where the segment has none in it."""
    segment = segment_of(center, contact)
    text = segment.greeting.get(contact.language, "") if segment else ""
    return text.replace("{name}", contact.name)


def level_of(center: Center, agent: str) -> str:
    """Of the agent's levels for grants the first whose condition holds."""
    definition = center.definitions.agents.get(agent)
    if definition is None:
        return AGENT_LEVEL

    def named(name: str) -> object:
        known = name.removeprefix("agent.")
        return getattr(definition, known) if name in LEVEL_NAMES else definition.attributes.get(known)

    levels = center.definitions.segments.levels
    return next((level.id for level in levels if level.when.holds(named)), AGENT_LEVEL)
