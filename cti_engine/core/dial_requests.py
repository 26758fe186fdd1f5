"""May this agent call this number, and is the agent free for it? Else refused with a code; nobody may by default.

The agent is reserved at once, so that no call is offered meanwhile.
"""

from __future__ import annotations

from cti_engine.core import dial_permissions, emergency, endings, intake, legless, offers, requests
from cti_engine.core import events as ev
from cti_engine.core.agent import LOGGED_OUT, Agent
from cti_engine.core.center import Center
from cti_engine.core.commands import Reply
from cti_engine.core.contact import CONTACT, OUTBOUND, Contact, Outbound
from cti_engine.core.signals import DialRequested

LONGEST_NAME = 100
EMERGENCY_RINGS = 180.0
"""Seconds."""


def dial(center: Center, signal: DialRequested) -> None:
    """The reply's `result` names the `contact`."""
    agent = requests.agent_of(center, signal.request, signal.agent)
    if agent is None:
        return
    definition, rules = center.definitions.agents[agent.id], center.definitions.outbound
    number = dial_permissions.written(signal.number)
    if emergency.is_one(center, number):
        _call_for_help(center, signal, agent, number)
        return
    if not dial_permissions.may_dial(rules, definition):
        requests.refuse(center, signal.request, "not_permitted")
    elif not dial_permissions.is_number(number):
        requests.refuse(center, signal.request, "bad_number")
    elif (allowed := dial_permissions.permission(rules, definition, number)) is None:
        requests.refuse(center, signal.request, "number_not_allowed")
    elif not agent.phone:
        requests.refuse(center, signal.request, "phone_not_registered")
    elif agent.state != "idle" or agent.status == LOGGED_OUT:
        requests.refuse(center, signal.request, "not_idle")
    elif not (worker := legless.idle_worker(center)):
        requests.refuse(center, signal.request, "no_line")
    else:
        state = Outbound(agent.id, number, rules.trunk, rules.ring_timeout)
        contact = _begin(center, signal, agent, worker, state, allowed.shows or rules.shows)
        center.command(Reply(signal.request, True, result={"contact": contact.id}))


def _call_for_help(center: Center, signal: DialRequested, agent: Agent, number: str) -> None:
    """By the emergency trunk, whoever asks and whatever else is allowed; wrap-up and log-out do not hold it up."""
    rules = center.definitions.emergency
    if not rules.allowed:
        emergency.refused(center, agent.id, number)
        requests.refuse(center, signal.request, "emergency_refused")
        return
    if agent.state == "wrap_up":
        endings.end_wrap_up(center, agent, "", "")
    if not agent.phone:
        requests.refuse(center, signal.request, "phone_not_registered")
    elif agent.state != "idle":
        requests.refuse(center, signal.request, "not_idle")
    elif not (worker := legless.idle_worker(center)):
        requests.refuse(center, signal.request, "no_line")
    else:
        state = Outbound(agent.id, number, rules.trunk, EMERGENCY_RINGS)
        contact = _begin(center, signal, agent, worker, state, center.definitions.outbound.shows)
        center.command(Reply(signal.request, True, result={"contact": contact.id}))


def _begin(
    center: Center, signal: DialRequested, agent: Agent, worker: str, state: Outbound, shown: str
) -> Contact:
    contact = Contact(
        center.new_id("c"),
        worker,
        "",
        state.target,
        shown,
        signal.name[:LONGEST_NAME],
        f"agent:{agent.id}",
        "",
        0,
        kind=OUTBOUND,
        definitions=center.definitions.version,
        outbound=state,
    )
    center.add(contact)
    center.fire(CONTACT, contact, "dials")
    center.schedule(contact, "length", center.now + center.definitions.limits.maximum_length)
    center.emit(ev.DialStarted(contact.id, agent.id, state.target, contact.name, state.trunk, shown))
    intake.look_up(center, contact)
    offers.direct(center, contact, agent, "outbound")
    return contact
