"""Requests of an agent who lets a call go: blind transfer, back to the queue, parked, escalated; and what is parked.

The agent is out at once and wraps up. A caller is never lost: whom nobody answers waits in the queue again, where they
stood before. Time with an agent counts as having been waited.
"""

from __future__ import annotations

from cti_engine.core import (
    audio_paths,
    consulting,
    endings,
    flow_runner,
    holding,
    offers,
    parties,
    party_events,
    requests,
    targets,
    transfers,
)
from cti_engine.core import end_causes as causes
from cti_engine.core.center import Center
from cti_engine.core.commands import Reply
from cti_engine.core.contact import CONTACT, Contact
from cti_engine.core.party_signals import (
    EscalateRequested,
    ParkRequested,
    PickUpRequested,
    ReturnRequested,
    TransferRequested,
)

BY_ITSELF = 1.0
"""Seconds within which no human hangs up for having heard that the transfer has failed."""


def _alone_with_caller(
    center: Center, signal: TransferRequested | ReturnRequested | ParkRequested | EscalateRequested
) -> Contact | None:
    contact = requests.own_conversation(center, signal)
    if contact is not None and contact.guests:
        requests.refuse(center, signal.request, "others_in_call")
        return None
    return contact


def transfer(center: Center, signal: TransferRequested) -> None:
    contact = _alone_with_caller(center, signal)
    if contact is not None:
        refusal = give(center, contact, signal.to_agent, signal.to_queue, signal.to_number, signal.note)
        requests.answer(center, signal.request, refusal)


def give(
    center: Center, contact: Contact, agent: str, queue: str, number: str, note: str, *, refer: str = ""
) -> str:
    """A blind transfer to one of them, or why not. `refer`: the leg whose phone wants it (REFER): it stays until
    another's has answered, and keeps the call if none does.
    """
    note = note[: consulting.LONGEST_NOTE]
    if sum(map(bool, (agent, queue, number))) != 1:
        return "unknown_target"
    if queue:
        if queue not in center.definitions.queues:
            return "unknown_target"
        endings.tell_transfer(center, refer, 200)
        to_queue(center, contact, queue, "blind", note)
    elif number in center.definitions.dialled_numbers:
        endings.tell_transfer(center, refer, 200)
        _let_go(center, contact)
        parties.out(center, contact, "blind", to_number=number, note=note)
        flow_runner.go_to_number(center, contact, number)
    elif refer:
        return consulting.ask(center, contact, agent, number, note, refer=refer)
    else:
        found = targets.phone(center, contact.holder, agent, number)
        if isinstance(found, str):
            return found
        _to_phone(center, contact, found, note)
    return ""


def _to_phone(center: Center, contact: Contact, phone: targets.Phone, note: str) -> None:
    by, agent = contact.holder, phone.agent
    if not center.fire(CONTACT, contact, "transfer"):
        return
    holding.caller_waits(center, contact)
    audio_paths.connect(center, contact)
    parties.out(
        center, contact, "blind", to_agent=agent.id if agent else "", to_number=phone.number, note=note
    )
    transfers.ring(center, contact, agent, phone.number, by)
    if agent is not None:
        offers.direct(center, contact, agent)


def to_queue(center: Center, contact: Contact, queue: str, how: str, note: str) -> None:
    """With all that has been waited before."""
    by = contact.agent
    _let_go(center, contact)
    parties.out(center, contact, how, to_queue=queue, note=note)
    if how == "returned" and by:
        contact.excluded[by] = center.now + center.definitions.limits.rona_cool_down
    _line_up(center, contact, queue)


def _let_go(center: Center, contact: Contact) -> None:
    """The conversation is over, and recorded no longer."""
    center.fire(CONTACT, contact, "let_go")
    holding.caller_is_back(center, contact)
    audio_paths.connect(center, contact)


def _line_up(center: Center, contact: Contact, queue: str) -> None:
    if contact.queued_at:  # the wait that counts begins anew, the place is the old one
        contact.head_start += max(0.0, center.at - contact.queued_at)
        contact.queued_at = 0.0
    priority = contact.step_priority if queue == contact.queue else 0
    flow_runner.go_to(center, contact, queue, priority)


def back(center: Center, contact: Contact) -> None:
    """Nobody has answered: to the queue it came from, else to where its number leads callers."""
    holding.caller_is_back(center, contact)
    number = center.definitions.dialled_numbers.get(contact.dnis)
    if contact.queue in center.definitions.queues:
        _line_up(center, contact, contact.queue)
    elif number is not None and number.flow in center.definitions.flows:
        flow_runner.go_to_number(center, contact, contact.dnis)
    else:
        endings.end_contact(center, contact, causes.TRANSFER_FAILED)


def gave_up(center: Center, contact: Contact) -> bool:
    """Some phones hang up by themselves when their transfer has failed: then the caller, whom the agent wanted to give
    away, waits in the queue again. Whether this is so.
    """
    failed_at = contact.refer_failed_at
    recently = bool(contact.agent and failed_at) and center.at - failed_at <= BY_ITSELF
    if not recently or not center.fire(CONTACT, contact, "let_go"):
        return False
    holding.caller_is_back(center, contact)
    audio_paths.connect(center, contact)
    parties.out(center, contact, "returned", to_queue=contact.queue)
    back(center, contact)
    return True


def give_back(center: Center, signal: ReturnRequested) -> None:
    """Not offered to this agent again for a while."""
    contact = _alone_with_caller(center, signal)
    if contact is None:
        return
    if contact.queue not in center.definitions.queues:
        requests.refuse(center, signal.request, "unknown_target")
        return
    to_queue(center, contact, contact.queue, "returned", signal.note[: consulting.LONGEST_NOTE])
    requests.accept_request(center, signal.request)


def escalate(center: Center, signal: EscalateRequested) -> None:
    """A supervisor who is free is consulted, with the note; without one the call goes to the queue for that."""
    contact = _alone_with_caller(center, signal)
    if contact is None:
        return
    rules = center.definitions.transfers
    for supervisor in rules.supervisors:
        if isinstance(targets.phone(center, contact.holder, supervisor, ""), targets.Phone):
            refusal = consulting.ask(center, contact, supervisor, "", signal.note)
            requests.answer(center, signal.request, refusal)
            return
    if rules.escalation_queue not in center.definitions.queues:
        requests.refuse(center, signal.request, "no_supervisor")
        return
    note = signal.note[: consulting.LONGEST_NOTE]
    to_queue(center, contact, rules.escalation_queue, "escalated", note)
    requests.accept_request(center, signal.request)


# --- parked ----------------------------------------------------------------------------------------


def park(center: Center, signal: ParkRequested) -> None:
    """Under the lowest slot that is free."""
    contact = _alone_with_caller(center, signal)
    if contact is None or not center.fire(CONTACT, contact, "parked"):
        return
    taken = {other.slot for other in center.parked}
    contact.slot, contact.parked_at = next(n for n in range(1, len(taken) + 2) if n not in taken), center.at
    holding.caller_waits(center, contact)
    audio_paths.connect(center, contact)
    note = signal.note[: consulting.LONGEST_NOTE]
    parties.out(center, contact, "parked", slot=contact.slot, note=note)
    center.schedule(contact, "park", center.now + center.definitions.transfers.park_for)
    center.command(Reply(signal.request, True, result={"slot": contact.slot}))


def pick_up(center: Center, signal: PickUpRequested) -> None:
    """The agent's phone rings; unanswered the call goes to its queue."""
    agent = center.agents.get(signal.agent)
    parked = [one for one in center.parked if one.slot == signal.slot]
    if agent is None or agent.id not in center.definitions.agents:
        requests.refuse(center, signal.request, "unknown_agent")
    elif not parked or signal.slot < 1:
        requests.refuse(center, signal.request, "nothing_parked")
    elif not parties.free_for_calls(agent):
        requests.refuse(center, signal.request, "wrong_state")
    else:
        contact = parked[0]
        center.fire(CONTACT, contact, "transfer")
        _unparked(center, contact, agent.id)
        transfers.ring(center, contact, agent, "", contact.handed.by if contact.handed else agent.id)
        offers.direct(center, contact, agent)
        requests.accept_request(center, signal.request)


def park_over(center: Center, contact: Contact) -> None:
    """Nobody has picked it up."""
    if center.fire(CONTACT, contact, "let_go"):
        _unparked(center, contact, "")
        back(center, contact)


def _unparked(center: Center, contact: Contact, agent: str) -> None:
    center.schedule(contact, "park", None)
    center.emit(
        party_events.ParkingEnded(contact.id, agent, contact.slot, max(0.0, center.at - contact.parked_at))
    )
    contact.slot = 0
