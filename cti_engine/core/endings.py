"""How things end: an offer without an answer, a call by anybody, a wrap-up, and at last the contact's record.

A contact closes when its legs are gone, its recording is stored and nobody wraps up; only then is the CDR complete.
"""

from __future__ import annotations

from cti_engine.core import adapting_levels, emergency, estimates, holding, messages, party_events, waiting
from cti_engine.core import end_causes as causes
from cti_engine.core import events as ev
from cti_engine.core.agent import LOGGED_OUT, NOT_READY, READY, Agent
from cti_engine.core.center import Center
from cti_engine.core.commands import EndLeg, StopListening, StopPlayback, StopRecording, TellTransfer
from cti_engine.core.contact import CONFEREE, CONTACT, IN_QUEUE, VOICEMAIL, Callback, Contact, Guest, Outbound
from cti_engine.core.end_causes import EndCause, OfferOutcome, Party
from cti_engine.core.leg import LEG, Leg
from cti_engine.core.reservation import RESERVATION, Reservation

LEGS_GONE_WITHIN = 10.0
"""Seconds until a contact closes although a worker never told that a leg or a recording is over."""
MESSAGE_REPAIRED_WITHIN = 600.0
"""The same where a message is at stake, which another worker may have to repair first."""

QUEUE_LEFT = {causes.QUEUE_TIME_OUT: "time_out", causes.FLOW_HANG_UP: "flow"}
"""Reasons of QueueLeft for causes that end the call too; any other cause has its own name there."""

CUT_OFF = (causes.WORKER_LOST, causes.LEG_LOST, causes.ENGINE_AWAY, causes.AGENT_MEDIA_TIMEOUT)
"""Causes for which the caller can do nothing: who calls again soon comes first."""

WITHDRAWN = (causes.CALLBACK_CANCELLED, causes.CALLBACK_SETTLED)

CUT_SHORT = frozenset(map(str, CUT_OFF))
"""Conversations that say nothing of how long one takes, as the record names them."""

NOT_READY_AFTER = {
    OfferOutcome.NO_ANSWER: "rona",
    OfferOutcome.REJECTED: "rejected",
    OfferOutcome.BUSY: "phone_busy",
    OfferOutcome.UNREACHABLE: "phone_unreachable",
    OfferOutcome.NOT_REGISTERED: "phone_unreachable",
}


TOLD: dict[str, int] = {
    OfferOutcome.BUSY: 486,
    OfferOutcome.REJECTED: 603,
    OfferOutcome.NO_ANSWER: 480,
    OfferOutcome.NOT_REGISTERED: 480,
    "cancelled": 487,
    "left": 487,
    "call_over": 487,
}
"""What a phone is told of whom it has called or wanted to have the call; all else: 503."""


def end_leg(center: Center, leg: Leg, reason: str, sip_code: int = 0) -> None:
    """Ask the worker to end a leg, whatever state it is in; harmless twice."""
    if leg.state != "ending" and center.fire(LEG, leg, "end"):
        center.command(EndLeg(leg.worker, leg.id, sip_code, reason))


def offer_over(center: Center, reservation: Reservation, outcome: OfferOutcome, sip_code: int = 0) -> None:
    """An offer came to nothing: both parties return to a defined state, the agent leg is ended.

    The agent's idle clock is kept when it was not their doing; a missed offer resets it and counts against them.
    """
    if not center.fire(RESERVATION, reservation, "over"):
        return
    agent = center.agents[reservation.agent]
    rang = center.at - reservation.ringing_at if reservation.ringing_at else 0.0
    leg = center.legs.get(reservation.leg)
    if leg is not None:
        end_leg(center, leg, outcome)
    center.emit(
        ev.OfferEnded(reservation.contact, agent.id, reservation.id, outcome, max(0.0, rang), sip_code)
    )
    if outcome is OfferOutcome.NO_ANSWER:
        center.emit(ev.AgentRona(reservation.contact, agent.id, reservation.id, max(0.0, rang)))
    center.drop(reservation)
    reason = NOT_READY_AFTER.get(outcome)
    if reason is not None:
        agent.missed += 1
        agent.idle_since = center.at
        if agent.missed >= center.definitions.limits.rona_before_not_ready and agent.status == READY:
            agent.after, agent.after_reason = agent.after or NOT_READY, agent.after_reason or reason
    free_agent(center, agent)
    contact = center.contacts[reservation.contact]
    if reason is not None:
        contact.excluded[agent.id] = center.now + center.definitions.limits.rona_cool_down
    contact.offers.remove(reservation.id)
    center.touch(contact)


def requeue(center: Center, contact: Contact) -> None:
    """Back to waiting where it stood: first queue time and priority are kept."""
    if not center.fire(CONTACT, contact, "offer_failed"):
        return
    definition = center.queue_definition(contact.queue)
    waited = center.at - contact.queued_at
    waiting.back(center, contact)
    position = center.matcher.position(contact.id, contact.queue)
    center.emit(ev.CallRequeued(contact.id, contact.queue, position, max(0.0, waited)))
    if contact.has_call:
        center.schedule(contact, "wait", contact.queue_entered_at + definition.max_wait)
    else:
        contact.worker = ""


def transfer_over(center: Center, contact: Contact, outcome: str, sip_code: int = 0) -> None:
    """The phone that was rung for it has answered, or does not ring any longer."""
    state, contact.transfer = contact.transfer, None
    if state is not None:
        rang = max(0.0, center.at - state.ringing_at) if state.ringing_at else 0.0
        center.emit(ev.TransferEnded(contact.id, state.agent, state.number, outcome, rang, sip_code))
        center.schedule(contact, "dial", None)


def end_contact(center: Center, contact: Contact, cause: EndCause) -> None:
    """The call is over for the caller. Harmless when it is over already (two hang-ups crossing)."""
    state = contact.state
    input_ = {Party.CALLER: "caller_gone", Party.AGENT: "agent_gone"}.get(cause.party, "system_ended")
    if cause in WITHDRAWN:
        input_ = "system_ended"  # nobody has left a conversation
    if not center.fire(CONTACT, contact, input_):
        return
    if contact.flow is not None:
        contact.path += contact.flow.path
        contact.flow = None
    center.secrets.pop(contact.id, None)
    worker_lost = cause == causes.WORKER_LOST
    if state in IN_QUEUE:
        waiting.left_others(center, contact, cause.name)
        waiting.leave(center, contact)
        waited = max(0.0, center.at - contact.queued_at)
        if cause.party is Party.CALLER:
            center.emit(ev.CallAbandoned(contact.id, contact.queue, waited))
        else:
            reason = QUEUE_LEFT.get(cause, cause.name)
            center.emit(ev.QueueLeft(contact.id, contact.queue, waited, reason))
    came_to_nothing = OfferOutcome.WORKER_LOST if worker_lost else OfferOutcome.CALLER_GONE
    for offer in list(contact.offers):
        offer_over(center, center.reservations[offer], came_to_nothing)
    transfer_over(center, contact, came_to_nothing)
    contact.slot = 0
    if state == "dialling" and contact.outbound is not None:
        _dial_over(center, contact, contact.outbound, cause)
    gave_up = cause.party is Party.CALLER and state in ("queued", "offered")
    if gave_up or (state == "talking" and cause in CUT_OFF):
        waiting.remember(center, contact)
    noting_until = contact.deadlines.get("noting")
    center.cancel_all(contact)
    center.schedule(contact, "noting", noting_until)
    if state in ("calling", "dialling") and contact.agent:
        agent = center.agents[contact.agent]
        agent.idle_since = center.at
        free_agent(center, agent)
    if contact.callback is not None and not contact.cdr.bridged_at:
        _promise_broken(center, contact, contact.callback, cause)
    center.emit(ev.CallEnded(contact.id, cause.name, cause.party, cause.sip_code, cause.q850))
    if not worker_lost:  # a lost worker's are told by the one that repairs them
        for recording in contact.recordings:
            center.command(StopRecording(contact.worker, recording))
    if contact.message is not None and not contact.message.recording:
        messages.deliver(center, contact)
    for leg in center.legs_of(contact):
        end_leg(center, leg, cause.name, cause.sip_code)
    if state == "talking" and contact.agent:
        after_talk(center, contact, center.agents[contact.agent], worker_lost=worker_lost)
    supervisor_out(center, contact, worker_lost=worker_lost)
    for guest in list(contact.guests):
        guest_over(center, contact, guest, "call_over", worker_lost=worker_lost)
    monitor_over(center, contact, "call_over")
    emergency.over(center, contact)
    close_if_done(center, contact)


def rang(center: Center, state: Outbound) -> float:
    """Seconds that the other's phone has rung."""
    return max(0.0, center.at - state.ringing_at) if state.ringing_at else 0.0


def _dial_over(center: Center, contact: Contact, state: Outbound, cause: EndCause) -> None:
    outcome = state.outcome or cause.name
    center.emit(
        ev.DialEnded(contact.id, state.agent, state.target, outcome, rang(center, state), state.sip_code)
    )


def _promise_broken(center: Center, contact: Contact, callback: Callback, cause: EndCause) -> None:
    waited = max(0.0, center.at - callback.asked_at)
    outcome = cause.name.removeprefix("callback_")
    queue = contact.queue or callback.queue
    center.emit(ev.CallbackEnded(contact.id, queue, outcome, callback.tried, waited, callback.by))


def monitor_over(center: Center, contact: Contact, outcome: str) -> None:
    """The supervisor who listened, if there is one, does so no longer; their leg is ended."""
    monitor, contact.monitor = contact.monitor, None
    if monitor is None:
        return
    center.schedule(contact, "monitor", None)
    leg = center.legs.get(monitor.leg)
    if leg is not None and outcome != "taken_over":
        end_leg(center, leg, outcome)
    seconds = max(0.0, center.at - monitor.began_at) if monitor.listens else 0.0
    shown = monitor.listened if center.definitions.supervision.visible else ""
    center.emit(
        party_events.MonitorEnded(contact.id, monitor.supervisor, monitor.listened, outcome, seconds, shown)
    )
    center.touch(contact)


def guest_over(
    center: Center, contact: Contact, guest: Guest, outcome: str, *, by: str = "", worker_lost: bool = False
) -> None:
    """The part of a guest is over, `by` the agent who let them go, if one did.

    An agent who spoke with the caller wraps up; who rings is freed by the offer.
    """
    contact.guests.remove(guest)
    leg = center.legs.get(guest.leg)
    if leg is not None:
        end_leg(center, leg, outcome)
    holding.stop_ringback(center, contact, guest)
    tell_transfer(center, guest.refer, TOLD.get(outcome, 503))
    line_over(center, guest, outcome)
    if guest.role == CONFEREE:
        if contact.state != "ended":
            center.emit(party_events.PartyLeft(contact.id, guest.agent, guest.number, by))
    elif guest.refer:
        rang = max(0.0, center.at - guest.ringing_at) if guest.ringing_at else 0.0
        center.emit(ev.TransferEnded(contact.id, guest.agent, guest.number, outcome, rang))
        center.schedule(contact, "dial", None)
    else:
        talked = max(0.0, center.at - guest.talks_at) if guest.talks else 0.0
        center.emit(
            party_events.ConsultEnded(contact.id, guest.by, guest.agent, guest.number, outcome, talked)
        )
        center.schedule(contact, "dial", None)
    if not guest.agent or not guest.talks:
        return
    agent = center.agents[guest.agent]
    if guest.role == CONFEREE:
        after_talk(center, contact, agent, worker_lost=worker_lost)
    else:
        agent.idle_since = center.at
        free_agent(center, agent)


def line_over(center: Center, guest: Guest, outcome: str) -> None:
    """The second line of the agent's phone, if it was by that, goes the way of whom it has called."""
    line = center.legs.get(guest.line)
    if line is not None:
        end_leg(center, line, outcome, TOLD.get(outcome, 0))


def tell_transfer(center: Center, leg: str, sip_code: int) -> None:
    """The phone that asked for a transfer is told what came of it, if it is still there."""
    phone = center.legs.get(leg)
    if phone is not None and phone.state == "connected":
        center.command(TellTransfer(phone.worker, phone.id, sip_code))


def after_talk(center: Center, contact: Contact, agent: Agent, *, worker_lost: bool = False) -> None:
    """The conversation is over for this agent."""
    wrap_up = center.queue_definition(contact.queue).wrap_up
    if worker_lost or wrap_up <= 0:
        estimates.handled(center, contact, agent.id)
        agent.idle_since = center.at
        free_agent(center, agent)
        return
    contact.wrapping_up.append(agent.id)
    center.schedule(agent, "wrap_up", center.now + wrap_up)
    center.agent_enters(agent, "wrap_up")
    center.emit(ev.WrapUpStarted(contact.id, agent.id, wrap_up))


def end_wrap_up(center: Center, agent: Agent, disposition: str, note: str) -> None:
    """By the agent's disposition, or with empty values when the time has run out."""
    contact = center.contacts.get(agent.contact)
    center.emit(ev.WrapUpEnded(agent.contact, agent.id, disposition, note))
    agent.idle_since = center.at
    if contact is not None:
        estimates.handled(center, contact, agent.id)
    free_agent(center, agent)
    if contact is not None:
        contact.wrapping_up.remove(agent.id)
        center.touch(contact)
        close_if_done(center, contact)


def supervisor_out(center: Center, contact: Contact, *, worker_lost: bool = False) -> None:
    """Who has taken the call over, if anybody has, has it no longer; as long as an agent wraps up they may say how it
    ended. Whoever might still have said so of an earlier part may not any longer.
    """
    supervisor, contact.supervisor = contact.supervisor, ""
    if not supervisor:
        return
    center.seen_supervisors.add(supervisor)
    center.touch(contact)
    noted(center, contact)
    wrap_up = center.queue_definition(contact.queue).wrap_up
    if worker_lost or wrap_up <= 0:
        return
    contact.noting, contact.noting_at = supervisor, center.at
    center.schedule(contact, "noting", center.now + wrap_up)
    center.emit(ev.WrapUpStarted(contact.id, "", wrap_up, supervisor))


def noted(center: Center, contact: Contact, disposition: str = "", note: str = "") -> None:
    """By a supervisor who had the call; with empty values when the time has run out."""
    supervisor, contact.noting = contact.noting, ""
    if not supervisor:
        return
    center.seen_supervisors.add(supervisor)
    center.schedule(contact, "noting", None)
    center.emit(ev.WrapUpEnded(contact.id, "", disposition, note, supervisor))
    close_if_done(center, contact)


def phone_vanished(center: Center, agent: Agent) -> None:
    """After this contact the agent gets no call until they say that they are back."""
    agent.after, agent.after_reason = agent.after or NOT_READY, agent.after_reason or "phone_unreachable"
    center.touch(agent)


def free_agent(center: Center, agent: Agent) -> None:
    """Back to idle; a status asked for in mid-contact takes effect now."""
    agent.contact = agent.offer = ""
    agent.shown = {}
    agent.bridged_at = 0.0
    center.schedule(agent, "wrap_up", None)
    status, reason = agent.after, agent.after_reason
    agent.after = agent.after_reason = ""
    if status:
        center.agent_enters(agent, "release", status=status, reason="" if status == LOGGED_OUT else reason)
    else:
        center.agent_enters(agent, "release")


def leg_gone(center: Center, leg: Leg) -> None:
    """Forget a leg that is over and close its contact if that was the last thing it waited for."""
    center.drop(leg)
    contact = center.contacts.get(leg.contact)
    if contact is not None:
        close_if_done(center, contact)


def close_if_done(center: Center, contact: Contact, *, overdue: bool = False) -> None:
    """`overdue`: close without waiting for legs and recording any longer."""
    if contact.state != "ended" or contact.wrapping_up or contact.noting:
        return
    legs = center.legs_of(contact)
    if not overdue and (legs or contact.recordings):
        if "closing" not in contact.deadlines:
            repaired = contact.message is not None and bool(contact.message.recording)
            within = MESSAGE_REPAIRED_WITHIN if repaired else LEGS_GONE_WITHIN
            center.schedule(contact, "closing", center.now + within)
        return
    for leg in legs:
        center.drop(leg)
    if not center.fire(CONTACT, contact, "closed"):
        return
    contact.cdr.closed_at = center.at
    record = contact.cdr.record()
    center.emit(ev.ContactClosed(contact.id, record))
    center.changed[("cdr", contact.id)] = record
    center.drop(contact)
    if contact.kind != VOICEMAIL and contact.cdr.cause not in CUT_SHORT:
        adapting_levels.learn(center, contact)


def stop_prompts(center: Center, contact: Contact) -> None:
    """Silence whatever the flow plays to the caller, and end the flow."""
    if contact.flow is not None and contact.flow.playback:
        center.command(StopPlayback(contact.worker, contact.caller_leg, contact.flow.playback))
    if contact.flow is not None and contact.flow.recording:
        center.command(StopRecording(contact.worker, contact.flow.recording))
        contact.message = None
    if contact.flow is not None and contact.flow.listening:
        center.command(StopListening(contact.worker, contact.caller_leg, contact.flow.listening))
    contact.flow = None
    center.secrets.pop(contact.id, None)
    center.schedule(contact, "flow", None)
