"""What must be true of the center after every single signal, whatever happened outside (routing.md, style.md 16)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cti_engine.core.agent import READY, Agent
from cti_engine.core.audio_paths import audio_paths
from cti_engine.core.callbacks import own_agent
from cti_engine.core.center import Center
from cti_engine.core.contact import CONSULTED, OUTBOUND, VOICEMAIL, Contact
from cti_engine.core.leg import Leg
from cti_engine.core.reservation import Reservation
from cti_engine.core.targets import LEGS

OFFERED = ("offered", "calling", "transferring", "dialling")


def broken(center: Center) -> list[str]:
    """One line per broken invariant; empty when all is well."""
    return [*_appointments(center)] + [
        line
        for agent in center.agents.values()
        for line in _agent(center, agent)
    ] + [
        line
        for contact in center.contacts.values()
        for line in _contact(center, contact)
    ] + [
        line
        for leg in center.legs.values()
        for line in _leg(center, leg)
    ] + [
        line
        for offer in center.reservations.values()
        for line in _reservation(center, offer)
    ] + [*_deadlines(center), *_matcher(center), *_queues(center)]  # fmt: skip


def _agent(center: Center, agent: Agent) -> Iterator[str]:
    """No agent is stuck: whoever is not idle has the contact that explains it, and something that will end it."""
    who = f"agent {agent.id} ({agent.state})"
    contact = center.contacts.get(agent.contact)
    match agent.state:
        case "idle":
            if agent.contact or agent.offer or agent.shown or agent.after or agent.deadlines:
                yield f"{who} is left with something of a contact: {agent}"
            return
        case "reserved" | "ringing":
            offer = center.reservations.get(agent.offer)
            if contact is not None and (
                contact.state == "calling" or (contact.state == "dialling" and contact.agent)
            ):
                if contact.agent != agent.id or agent.offer:
                    yield f"{who}: calls back for {contact.agent!r}"
            elif offer is None or offer.agent != agent.id or offer.contact != agent.contact:
                yield f"{who} has no reservation of its own"
            called = contact is not None and contact.guest_called(agent.id) is not None
            if not called and (contact is None or contact.state not in OFFERED):
                yield f"{who}: contact {agent.contact} is not offered"
        case "talking":
            guest = contact.guest_called(agent.id) if contact is not None else None
            if contact is None or contact.state != "talking" or agent.offer:
                yield f"{who}: contact {agent.contact} does not talk"
            elif (contact.agent == agent.id) == (guest is not None) or (guest and not guest.talks):
                yield f"{who}: has no part, or two, in {contact.id} of {contact.agent!r}: {contact.guests}"
        case "wrap_up":
            if contact is None or agent.id not in contact.wrapping_up:
                yield f"{who}: contact {agent.contact} is not in wrap-up"
            if "wrap_up" not in agent.deadlines:
                yield f"{who} would wrap up for ever"
        case _:
            yield f"{who}: unknown state"


def _parties(center: Center, contact: Contact) -> Iterator[str]:
    """Guests are there only while somebody has the call, each with a phone that is theirs; nobody is in it twice."""
    what = f"contact {contact.id} ({contact.state})"
    for agent in contact.wrapping_up:
        known = center.agents[agent]
        if known.state != "wrap_up" or known.contact != contact.id:
            yield f"{what}: {agent} is said to wrap up: {known}"
    if (contact.noting != "") != ("noting" in contact.deadlines):
        yield f"{what}: waits for {contact.noting!r} for ever: {contact.deadlines}"
    taker = center.legs.get(contact.agent_leg)
    if contact.supervisor and (
        contact.state != "talking" or contact.agent or taker is None or taker.number != contact.supervisor
    ):
        yield f"{what}: {contact.supervisor} has it, and {contact.agent!r} on {taker}"
    if contact.guests and contact.state != "talking":
        yield f"{what} has guests: {contact.guests}"
    busy = [agent for agent in contact.agents if contact.state != "ended" or agent != contact.agent]
    if contact.state == "talking" and len(busy) != len(set(busy)):
        yield f"{what}: somebody is in it twice: {busy}"
    if sum(guest.role == CONSULTED for guest in contact.guests) > 1:
        yield f"{what} consults several: {contact.guests}"
    if len(center.legs_of(contact)) > LEGS + 2:  # two may still be ending
        yield f"{what} has {len(center.legs_of(contact))} phones"
    for guest in contact.guests:
        leg = center.legs.get(guest.leg)
        if guest.talks and (leg is None or leg.state != "connected" or leg.agent != guest.agent):
            yield f"{what}: guest without a phone: {guest}"
        if not guest.talks and not guest.agent and (leg is None or "dial" not in contact.deadlines):
            yield f"{what}: rings a guest for ever: {guest}"
        if not guest.talks and guest.agent and not contact.offers:
            yield f"{what}: rings no guest: {guest}"
        if guest.ringback and (guest.talks or guest.line or not contact.controls.held):
            yield f"{what}: the agent hears it ring: {guest}"
        if guest.line and (guest.line not in center.legs or guest.role != CONSULTED):
            yield f"{what}: a line that is gone: {guest}"
        if guest.held != bool(guest.music):
            yield f"{what}: guest and music: {guest}"
    if (contact.state == "parked") != (contact.slot > 0) or (contact.slot > 0) != (
        "park" in contact.deadlines
    ):
        yield f"{what}: slot {contact.slot}, {contact.deadlines}"
    if (contact.state == "parked") != (contact in center.parked):
        yield f"{what}: parked, and shown as {[one.id for one in center.parked]}"
    yield from _hears(contact, what)
    yield from _monitor(center, contact, what)


def _monitor(center: Center, contact: Contact, what: str) -> Iterator[str]:
    """Who listens has a phone, stands beside one of ours who talks, and is heard as the mode says and not otherwise."""
    monitor = contact.monitor
    if (monitor is not None and not monitor.listens) != ("monitor" in contact.deadlines):
        yield f"{what}: rings a supervisor for ever: {monitor}"
    if monitor is None:
        return
    leg = center.legs.get(monitor.leg)
    if contact.state not in ("talking", "transferring") or (contact.state == "talking" and not contact.agent):
        yield f"{what}: listened to by {monitor}"
    if leg is None or leg.role != "supervisor" or (leg.state == "connected") != monitor.listens:
        yield f"{what}: {monitor} listens on {leg}"
    heard = audio_paths(contact)
    mine = {pair for pair in heard if monitor.leg in pair}
    if mine and not monitor.listens:
        yield f"{what}: {monitor} is in {mine}"
    hear_me = {listener for speaker, listener in mine if speaker == monitor.leg}
    most = {"listen": 0, "whisper": 1, "barge": 3}[monitor.mode]
    if len(hear_me) > most or (monitor.mode == "whisper" and contact.caller_leg in hear_me):
        yield f"{what}: {monitor} is heard by {hear_me}"
    without = replace(contact, monitor=None)
    if set(heard) - mine != set(audio_paths(without)):
        yield f"{what}: {monitor} changes what others hear: {heard}"
    if monitor.mode != "barge" and monitor.leg in contact.recorded and contact.recording:
        yield f"{what}: a whisper of {monitor} is recorded: {contact.recorded}"


def _hears(contact: Contact, what: str) -> Iterator[str]:
    """Nobody hears whom the matrix does not allow: by role, hold and mute (architecture, decision 9)."""
    heard = set(audio_paths(replace(contact, monitor=None)))
    if contact.state != "talking" or contact.kind == VOICEMAIL:
        if heard and contact.kind != VOICEMAIL:
            yield f"{what}: {heard}"
        return
    caller, consulted = contact.caller_leg, contact.consulted
    if contact.controls.held and any(caller in pair for pair in heard):
        yield f"{what}: the caller is on hold and in {heard}"
    if contact.controls.held != bool(contact.controls.music):
        yield f"{what}: hold and music: {contact.controls}"
    if consulted is not None:
        with_guest = {pair for pair in heard if consulted.leg and consulted.leg in pair}
        if any(set(pair) != {consulted.leg, consulted.line or contact.agent_leg} for pair in with_guest):
            yield f"{what}: who is consulted is in {heard}"
        if (
            with_guest
            and not consulted.line
            and any(contact.agent_leg in pair for pair in heard - with_guest)
        ):
            yield f"{what}: the agent is in two rooms: {heard}"
    muted = {guest.leg for guest in contact.guests if guest.muted}
    muted |= {contact.agent_leg} if contact.controls.muted else set()
    if any(speaker in muted or speaker == listener for speaker, listener in heard):
        yield f"{what}: a muted one is heard: {heard}"


def _contact(center: Center, contact: Contact) -> Iterator[str]:
    yield from _parties(center, contact)
    what = f"contact {contact.id} ({contact.state})"
    if (contact.state == "queued") != (center.matcher.position(contact.id) > 0):
        yield f"{what}: place in the queue {center.matcher.position(contact.id)}"
    if contact.in_queue != bool(contact.standings):
        yield f"{what}: stands {contact.standings}"
    if contact.state == "closed":
        yield f"{what} is still here"
    to_agent = contact.transfer is not None and bool(contact.transfer.agent)
    to_guest = any(guest.agent and not guest.talks for guest in contact.guests)
    to_agent |= contact.state == "dialling" and not contact.agent
    if (contact.state == "offered" or to_agent or to_guest) != bool(contact.offers):
        yield f"{what}: offers {contact.offers}"
    if (contact.kind == OUTBOUND) != (contact.outbound is not None):
        yield f"{what}: outbound {contact.outbound}"
    if (contact.state == "transferring") != (contact.transfer is not None):
        yield f"{what}: transfer {contact.transfer}"
    by_agent = contact.transfer is not None and bool(contact.transfer.by)
    if contact.state == "transferring" and (
        (contact.flow is None) != by_agent or (not to_agent and "dial" not in contact.deadlines)
    ):
        yield f"{what} rings a phone for ever, or for no flow"
    if contact.state == "ended":
        if not contact.wrapping_up and not contact.noting and "closing" not in contact.deadlines:
            yield f"{what} would never close"
        if contact.deadlines.keys() - {"closing", "noting"}:
            yield f"{what}: deadlines left {contact.deadlines}"
        return
    if contact.kind == VOICEMAIL:
        yield from _message(center, contact)
        return
    caller = center.legs.get(contact.caller_leg)
    on_the_line = contact.has_call or contact.state in ("calling", "talking", "after_call")
    on_the_line |= contact.state == "dialling" and bool(contact.agent)
    if on_the_line and (caller is None or caller.state == "ending"):
        yield f"{what} has no caller any more"
    if not on_the_line and (contact.caller_leg or contact.flow is not None):
        yield f"{what} has a caller already"
    rests = contact.deadlines.keys() & {"rest", "grace"}
    if contact.state == "resting" and (contact.worker or contact.agent or not rests):
        yield f"{what} rests and would never come up again: {contact}"
    if contact.state == "calling" or (contact.state == "dialling" and contact.agent):
        phone = center.legs.get(contact.agent_leg)
        if phone is None or phone.state != "connected" or "dial" not in contact.deadlines:
            yield f"{what} calls without an agent or for ever"
    if contact.state == "after_call" and contact.flow is None:
        yield f"{what} hears nothing"
    if "closing" in contact.deadlines:
        yield f"{what} ends before its end"
    if not contact.deadlines.keys() & {"answer", "look_up", "length", "within", "dial", "due"}:
        yield f"{what} could last for ever: {contact.deadlines}"
    if contact.state == "queued":
        if contact.agent or contact.agent_leg:
            yield f"{what} keeps an agent"
        if contact.has_call and "wait" not in contact.deadlines:
            yield f"{what} would wait for ever"
    elif contact.deadlines.keys() & {"wait"}:
        yield f"{what} could time out of a queue"
    if contact.state == "talking":
        phone = center.legs.get(contact.agent_leg)
        if phone is None or phone.state != "connected" or phone.agent != contact.agent:
            yield f"{what} talks to no phone"
        outside = phone is not None and phone.role == "outside"
        if not outside and center.agents[contact.agent].contact != contact.id:
            yield f"{what} talks to {contact.agent}, who is with {center.agents[contact.agent].contact!r}"


def _appointments(center: Center) -> Iterator[str]:
    """Whoever waits for its own agent is known, and that agent is there and not free; promises are found by number."""
    waiting = {c.id for c in center.contacts.values() if "grace" in c.deadlines}
    if waiting - center.held.keys() or any(i in center.contacts for i in center.held.keys() - waiting):
        yield f"held {sorted(center.held)}, in grace {sorted(waiting)}"
    for contact in center.contacts.values():
        if "grace" in contact.deadlines:
            agent = own_agent(center, contact)
            if agent is None or agent.available or contact.state not in ("scheduled", "resting"):
                yield f"contact {contact.id} ({contact.state}) waits for {agent}"
        if contact.state == "scheduled" and not contact.deadlines.keys() & {"due", "grace", "look_up"}:
            yield f"contact {contact.id} would never be due: {contact.deadlines}"
    promised = {c.id for c in center.contacts.values() if c.callback is not None and c.callback.due_at}
    if promised != {id_ for each in center.appointments.values() for id_ in each}:
        yield f"promised {promised}, known {center.appointments}"


def _message(center: Center, contact: Contact) -> Iterator[str]:
    """It waits, is offered or is in somebody's hands, and nothing ends it by itself."""
    what = f"message {contact.id} ({contact.state})"
    if contact.state not in ("queued", "offered", "talking") or contact.caller_leg or contact.agent_leg:
        yield f"{what} has a leg or is in no queue: {contact}"
    if contact.deadlines:
        yield f"{what}: deadlines {contact.deadlines}"
    if contact.message is None or not contact.message.path:
        yield f"{what} says nothing"
    if contact.state == "talking" and center.agents[contact.agent].contact != contact.id:
        yield f"{what} is with {contact.agent}, who is with {center.agents[contact.agent].contact!r}"


def _leg(center: Center, leg: Leg) -> Iterator[str]:
    contact = center.contacts.get(leg.contact)
    if contact is None:
        yield f"leg {leg.id} ({leg.state}) belongs to no contact"
    elif (
        leg.state != "ending"
        and leg.id not in (contact.caller_leg, contact.agent_leg)
        and contact.guest_on(leg.id) is None
        and not any(guest.line == leg.id for guest in contact.guests)
        and not (contact.monitor is not None and contact.monitor.leg == leg.id)
        and not any(center.reservations[offer].leg == leg.id for offer in contact.offers)
        and not (contact.transfer is not None and contact.transfer.leg == leg.id)
    ):
        yield f"leg {leg.id} ({leg.state}) is forgotten by contact {contact.id}"
    elif leg.worker != contact.worker and not (leg.state == "ending" and not contact.has_call):
        yield f"leg {leg.id} is not on its contact's worker"
    elif leg.state != "ending" and contact.state == "ended":
        yield f"leg {leg.id} ({leg.state}) outlives its call"
    if leg.state == "gone":
        yield f"leg {leg.id} is gone and still here"


def _reservation(center: Center, offer: Reservation) -> Iterator[str]:
    what = f"reservation {offer.id} ({offer.state})"
    contact, agent = center.contacts.get(offer.contact), center.agents[offer.agent]
    if contact is None or offer.id not in contact.offers:
        yield f"{what}: contact {offer.contact} knows nothing of it"
    if agent.offer != offer.id:
        yield f"{what}: agent {agent.id} has {agent.offer!r}"
    wanted = {"popping": "pop", "dialled": "ring", "ringing": "ring"}.get(offer.state, "?")
    if list(offer.deadlines) != [wanted]:
        yield f"{what}: deadlines {offer.deadlines}"
    if offer.state != "popping" and (contact is None or contact.kind != VOICEMAIL):
        leg = center.legs.get(offer.leg)
        if leg is None or leg.state == "ending":
            yield f"{what} rings no phone"


def _deadlines(center: Center) -> Iterator[str]:
    kinds = {
        "contact": center.contacts,
        "agent": center.agents,
        "reservation": center.reservations,
        "worker": center.workers,
        "queue": center.queues,
        "recaller": center.recallers,
        "surveyed": center.surveyed,
    }
    owned = {
        (kind, id_, name): at
        for kind, owners in kinds.items()
        for id_, owner in owners.items()  # type: ignore[attr-defined]  # a union of dicts
        for name, at in owner.deadlines.items()
    }
    if owned != center.deadlines._at:
        yield f"deadlines: owners say {owned}, the heap says {center.deadlines._at}"
    if owned and center.deadlines.next() != min(owned.values()):
        yield f"next deadline is {center.deadlines.next()}, the first is {min(owned.values())}"
    yield from (
        f"deadline {key} is past: {at} <= {center.now}" for key, at in owned.items() if at <= center.now
    )


def _matcher(center: Center) -> Iterator[str]:
    free = {a.id for a in center.agents.values() if a.available and a.id in center.definitions.agents}
    ours = {c.id: {s.queue for s in c.standings} for c in center.contacts.values() if c.state == "queued"}
    waiting: dict[str, set[str]] = {}
    for queue in center.queues:
        for contact_id in center.matcher.waiting(queue):
            waiting.setdefault(contact_id, set()).add(queue)
    if waiting != ours:
        yield f"matcher: waiting {waiting}, contacts say {ours}"
    for contact in center.contacts.values():
        if contact.state != "queued":
            continue
        kept = sum(agent in free and until > center.now for agent, until in contact.excluded.items())
        for standing in contact.standings:
            ready = center.matcher.pool_size(contact.id, standing.queue)[1]
            if ready > kept:
                yield f"{ready} are free for {contact.id}, which waits in {standing.queue}"
    for agent in center.agents.values():
        if agent.id not in center.definitions.agents and agent.status == READY:
            yield f"{agent.id} is not defined and ready"


def _queues(center: Center) -> Iterator[str]:
    for counts in center.queues.values():
        waiting = len(center.calls_in(counts.id))
        if (
            counts.offered
            != counts.answered + counts.abandoned + counts.flowed_out + counts.callback_taken + waiting
        ):
            yield f"queue {counts.id}: {counts} with {waiting} waiting"
        if counts.in_time > counts.answered:
            yield f"queue {counts.id}: {counts}"
    lines = dict.fromkeys(center.waits, 0)
    for contact in center.contacts.values():
        for standing in contact.standings:
            lines[standing.queue] += standing.offered_at is None
    if lines != {queue: model.line for queue, model in center.waits.items()}:
        yield f"lines {lines}, the wait models say {center.waits}"
    for agent in center.agents.values():
        if center.staff.changed_by(agent):
            yield f"{agent.id} is not counted as {agent.status} with phone {agent.phone}"
