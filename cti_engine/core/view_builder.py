"""Builds what pages see (`core/views.py`) from the state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cti_engine.core import dial_permissions, grants, guiding, holding, offers, recording_consent
from cti_engine.core.agent import LOGGED_OUT
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact
from cti_engine.core.routing.wait_estimate import AT_ONCE
from cti_engine.core.views import AgentView, QueueView


def agent_view(center: Center, agent_id: str) -> AgentView:
    agent = center.agents[agent_id]
    contact = center.contacts.get(agent.contact)
    definition = center.definitions.agents.get(agent_id)
    return AgentView(
        agent=agent.id,
        name=definition.name if definition else agent.id,
        status=agent.status,
        reason=agent.reason,
        state=agent.state,
        since_at=agent.since,
        phone=agent.phone,
        queues=center.matcher.queues_of(agent.id),
        state_version=contact.version if contact else 0,
        contact=agent.contact,
        offer=agent.shown,
        bridged_at=agent.bridged_at,
        wrap_up_ends_at=agent.deadlines.get("wrap_up", 0.0),
        after=agent.after,
        after_reason=agent.after_reason,
        auto_answer=offers.auto_answers(center, agent_id, str(agent.shown.get("queue", ""))),
        dials=definition is not None and dial_permissions.may_dial(center.definitions.outbound, definition),
        grant=grants.view(center, contact, agent_id) if contact else {},
        guide=guiding.view(center, contact) if contact else {},
        **_of_conversation(center, contact, agent_id),
    )


def supervisor_view(center: Center, supervisor: str) -> AgentView | None:
    """The call that they have taken over and have now, else the one of which they may still say how it ended."""
    theirs = [contact for contact in center.contacts.values() if supervisor in contact.supervisors]
    contact = max(theirs, key=lambda one: one.supervisor == supervisor, default=None)
    if contact is None or not supervisor:
        return None
    has_it = contact.supervisor == supervisor
    return AgentView(
        agent=supervisor,
        name=supervisor,
        status=LOGGED_OUT,
        reason="",
        state="talking" if has_it else "wrap_up",
        since_at=contact.taken_at if has_it else contact.noting_at,
        phone=supervisor in center.other_phones,
        queues=(),
        state_version=contact.version,
        contact=contact.id,
        offer={"number": contact.ani, "name": contact.name, "queue": contact.queue},
        bridged_at=contact.taken_at,
        wrap_up_ends_at=0.0 if has_it else contact.deadlines.get("noting", 0.0),
        **_of_conversation(center, contact, supervisor),
    )


def _of_conversation(center: Center, contact: Contact | None, agent: str) -> dict[str, Any]:
    if contact is None or contact.state != "talking":
        return {}
    guest = contact.guest_called(agent)
    if not guest.talks if guest is not None else contact.holder != agent:  # rings, or wraps up beside it
        return {}
    recording = "paused" if contact.controls.recording_paused else "on"
    refused = "refused" if recording_consent.refused(contact) else ""
    return {
        "held": holding.on_hold(center, contact),
        "muted": guest.muted if guest is not None else contact.controls.muted,
        "recording": recording if contact.recording and guest is None else refused,
        "role": guest.role if guest is not None else "agent",
        "parties": tuple(_parties(center, contact, agent)),
        "can_return": guest is None and contact.queue in center.definitions.queues,
        "monitor": _monitor(center, contact, agent),
        "poor_line": (caller := center.legs.get(contact.caller_leg)) is not None and caller.poor,
    }


def _monitor(center: Center, contact: Contact, agent: str) -> dict[str, object]:
    monitor = contact.monitor
    if monitor is None or monitor.listened != agent:
        return {}
    return {
        "supervisor": monitor.supervisor,
        "mode": monitor.mode,
        "state": "listening" if monitor.listens else "ringing",
        "since_at": monitor.began_at or monitor.rang_at,
        "visible": center.definitions.supervision.visible,
    }


def _parties(center: Center, contact: Contact, but: str) -> Iterator[dict[str, object]]:
    """The agent who has the call first."""
    leg = center.legs.get(contact.agent_leg)
    if contact.holder != but:
        number = leg.number if leg is not None else ""
        yield _party(center, contact.agent, number, "agent", "talking", contact.cdr.bridged_at)
    for guest in contact.guests:
        if guest.agent != but or not but:
            state = "waiting" if guest.held else "talking" if guest.talks else "ringing"
            since = guest.talks_at or guest.begun_at
            yield _party(center, guest.agent, guest.number, guest.role, state, since)


def _party(center: Center, agent: str, number: str, role: str, state: str, since: float) -> dict[str, object]:
    known = center.definitions.agents.get(agent)
    return {
        "agent": agent,
        "name": known.name if known is not None else agent,
        "number": number,
        "role": role,
        "state": state,
        "since_at": since,
    }


def queue_view(center: Center, queue_id: str) -> QueueView:
    definition, counts = center.definitions.queues[queue_id], center.queues[queue_id]
    waiting = center.calls_in(queue_id)
    members = center.members(queue_id)
    agents_ready = sum(agent.available for agent in members)
    expected = center.estimate(queue_id) if waiting or not agents_ready else AT_ONCE
    return QueueView(
        queue=queue_id,
        name=definition.name,
        waiting=len(waiting),
        messages=len(center.waiting_in(queue_id)) - len(waiting),
        oldest_at=min((c.queued_at for c in waiting), default=0.0),
        agents_ready=agents_ready,
        agents_logged_in=sum(agent.status != "logged_out" for agent in members),
        offered=counts.offered,
        answered=counts.answered,
        abandoned=counts.abandoned,
        flowed_out=counts.flowed_out,
        in_time=counts.in_time,
        service_level=counts.service_level(len(waiting)),
        target=definition.service_level_target,
        threshold=definition.service_level_threshold,
        ewt_p50=expected.p50 / 1000 if expected is not None else None,
        ewt_p80=expected.p80 / 1000 if expected is not None else None,
        parked=tuple(
            {"slot": one.slot, "since_at": one.parked_at} for one in center.parked if one.queue == queue_id
        ),
    )
