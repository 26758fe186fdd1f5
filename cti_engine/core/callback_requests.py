"""Requests about callbacks promised for a time: by the agent who has promised, or who talks with that customer now."""

from __future__ import annotations

from cti_engine.core import appointments, consulting, endings, intake, requests
from cti_engine.core import end_causes as causes
from cti_engine.core import events as ev
from cti_engine.core.agent import Agent
from cti_engine.core.appointments import Appointment, NotThen
from cti_engine.core.callback_signals import (
    CancelCallbackRequested,
    ListCallbacksRequested,
    MoveCallbackRequested,
    ScheduleCallbackRequested,
)
from cti_engine.core.center import Center
from cti_engine.core.commands import Reply
from cti_engine.core.contact import Contact
from cti_engine.core.dial_requests import LONGEST_NAME
from cti_engine.core.refusals import REFUSALS


def schedule(center: Center, signal: ScheduleCallbackRequested) -> None:
    """The reply's `result` names the `callback`, its `queue` and `due_at`."""
    agent = requests.agent_of(center, signal.request, signal.agent)
    if agent is None:
        return
    origin = center.contacts.get(signal.of)
    if signal.of and (origin is None or agent.contact != origin.id):
        requests.refuse(center, signal.request, "not_your_call")
        return
    way = appointments.way_to(center, center.definitions.agents[agent.id], signal.number, origin)
    queue = _queue(center, signal.queue, origin, agent)
    if way is None:
        requests.refuse(center, signal.request, "number_not_allowed")
    elif not queue:
        requests.refuse(center, signal.request, "unknown_queue")
    elif isinstance(due_at := appointments.moment_of(center, signal.at, signal.zone, way.number), NotThen):
        _not_then(center, signal.request, due_at)
    else:
        contact = appointments.promise(
            center,
            Appointment(
                agent.id,
                way,
                queue,
                due_at,
                signal.own,
                signal.note[: consulting.LONGEST_NOTE],
                signal.name[:LONGEST_NAME],
                origin,
            ),
        )
        result = {"callback": contact.id, "queue": queue, "due_at": due_at}
        center.command(Reply(signal.request, True, result=result))


def _queue(center: Center, wanted: str, origin: Contact | None, agent: Agent) -> str:
    """The one asked for, the call's, or the first that the agent serves; empty when there is none."""
    queues = center.definitions.queues
    if wanted:
        return wanted if wanted in queues else ""
    if origin is not None and origin.queue in queues:
        return origin.queue
    return next(iter(center.matcher.queues_of(agent.id)), "")


def _not_then(center: Center, request: str, why: NotThen) -> None:
    center.command(Reply(request, False, why.code, REFUSALS[why.code], why.details))


def due(center: Center, contact: Contact) -> None:
    """Its time has come: it is looked up who is called, then it comes up."""
    state = contact.callback
    assert state is not None
    center.schedule(contact, "within", center.now + center.definitions.callbacks.within)
    center.emit(ev.CallbackDue(contact.id, state.by, state.queue, state.own))
    contact.looked_up = False
    intake.look_up(center, contact)


def move(center: Center, signal: MoveCallbackRequested) -> None:
    contact = _theirs(center, signal)
    if contact is None:
        return
    if not appointments.waits_for_its_time(contact):
        requests.refuse(center, signal.request, "wrong_state")
    elif isinstance(due_at := appointments.moment_of(center, signal.at, signal.zone, contact.ani), NotThen):
        _not_then(center, signal.request, due_at)
    else:
        appointments.move(center, contact, due_at)
        center.command(Reply(signal.request, True, result={"due_at": due_at}))


def cancel(center: Center, signal: CancelCallbackRequested) -> None:
    contact = _theirs(center, signal)
    if contact is not None:
        cause = causes.CALLBACK_SETTLED if signal.settled else causes.CALLBACK_CANCELLED
        endings.end_contact(center, contact, cause)
        _shown_no_longer(center, signal.agent, contact.id)
        requests.accept_request(center, signal.request)


def _shown_no_longer(center: Center, agent_id: str, callback: str) -> None:
    """On the desk where it was settled; a page that reloads paints the pop again."""
    agent = center.agents[agent_id]
    rows = agent.shown.get("appointments")
    if isinstance(rows, list | tuple):
        agent.shown["appointments"] = tuple(row for row in rows if row["callback"] != callback)
        center.touch(agent)


def _theirs(center: Center, signal: MoveCallbackRequested | CancelCallbackRequested) -> Contact | None:
    """An open appointment that this agent has promised, or whose customer is on this agent's desk; else refused."""
    agent = requests.agent_of(center, signal.request, signal.agent)
    if agent is None:
        return None
    contact = center.contacts.get(signal.callback)
    if contact is None or contact.callback is None or not contact.callback.due_at:
        requests.refuse(center, signal.request, "unknown_callback")
        return None
    on_desk = center.contacts.get(agent.contact)
    if contact.callback.by != agent.id and (on_desk is None or on_desk.ani != contact.ani):
        requests.refuse(center, signal.request, "not_your_callback")
    elif not appointments.is_open(contact):
        requests.refuse(center, signal.request, "wrong_state")
    else:
        return contact
    return None


def listed(center: Center, signal: ListCallbacksRequested) -> None:
    """The reply's `result`: `callbacks`, soonest first, and the center's `zone` by whose clock `center_time` is."""
    if requests.agent_of(center, signal.request, signal.agent) is not None:
        result: dict[str, object] = {
            "callbacks": appointments.of_agent(center, signal.agent),
            "zone": center.definitions.callbacks.zone.name,
        }
        center.command(Reply(signal.request, True, result=result))
