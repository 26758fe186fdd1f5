"""Every name that a flow may use, and its type; whoever runs a flow resolves these.

The lookup is `names("queue.position") -> value`, None where it has none (outside a queue, say). Declared call
attributes (`config/attributes.yaml`, `set` steps) and calendars (`hours.NAME`, core/hours.py) come on top; flow
variables stand without a prefix.
"""

from __future__ import annotations

from collections.abc import Mapping

from cti_engine.core.expressions.values import BOOLEAN, DURATION, NUMBER, TEXT, Type, list_of, text_of

CALL_NAMES: Mapping[str, Type] = {
    "call.ani": TEXT,
    "call.dnis": TEXT,
    "call.name": TEXT,
    "call.source": TEXT,
    "call.language": TEXT,
    "call.customer": TEXT,
    "call.customer_language": TEXT,  # the profile's
    "call.answer_by": text_of(
        "keys", "voice"
    ),  # how they like to answer menus: the number's, or the customer's
    "call.segment": TEXT,
    "call.value": NUMBER,
    "call.score": NUMBER,  # 0 to 100, as config/segments.yaml makes it
    "call.retention_risk": NUMBER,  # 0 to 1
    "call.known": BOOLEAN,  # a customer was found
    "call.re_caller": BOOLEAN,  # gave up a moment ago: its next queue gives, or gave, the old place back
    "call.open_ticket": BOOLEAN,  # the customer has one that is not resolved; the newest is told by these:
    "call.ticket": NUMBER,
    "call.ticket_category": TEXT,
    "call.ticket_state": text_of("new", "taken", "waiting"),
    "call.ticket_owner": TEXT,  # the agent's name; undefined while nobody has it
    "call.priority": NUMBER,
    "call.age": DURATION,  # since it arrived
    "call.site": TEXT,  # config/sites.yaml, by the beginning of the number
    "call.region": TEXT,
    "call.region_languages": list_of(TEXT),  # of config/sites.yaml, else of the number's area
    "call.campaign": TEXT,  # whose list the called customer is on
    "call.preferred_agents": list_of(TEXT),
    "call.last_agent": TEXT,  # who spoke with them last
    "call.last_contact": DURATION,  # since then, or since a call that nobody answered
}
NAMES_OF_PEOPLE = frozenset({"call.ticket_owner"})
"""Texts that are one of the agents' names, so that all of them are spoken beforehand."""
QUEUE_NAMES: Mapping[str, Type] = {
    "queue.id": TEXT,
    "queue.name": TEXT,
    "queue.position": NUMBER,  # 1 is next
    "queue.ahead": NUMBER,  # position - 1
    "queue.waiting": NUMBER,  # calls that wait, this one too
    "queue.waited": DURATION,
    "queue.longest_wait": DURATION,  # of all who wait in it now
    "queue.ewt": DURATION,  # what is left of the wait, as 4 of 5 callers have it
    "queue.ewt_minutes": NUMBER,  # the same for speaking: whole minutes, rounded up
    "queue.service_level": NUMBER,  # of the day, 0 to 1
    "queue.agents_ready": NUMBER,
    "queue.agents_logged_in": NUMBER,
}
NOW_NAMES: Mapping[str, Type] = {
    "now.hour": NUMBER,
    "now.minute": NUMBER,
    "now.time": TEXT,  # "09:30", local to the center
    "now.date": TEXT,  # "2026-11-22"
    "now.weekday": text_of("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
}
FLOW_NAMES: Mapping[str, Type] = {**CALL_NAMES, **QUEUE_NAMES, **NOW_NAMES}

SHORT_NAMES: Mapping[str, str] = {
    "position": "queue.position",
    "ahead": "queue.ahead",
    "waiting": "queue.waiting",
}
"""What a text may say without the prefix: `{position|number}`."""
