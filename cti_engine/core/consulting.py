"""Requests of an agent who asks somebody while the caller waits: consult, complete (attended transfer), join, cancel;
and let one of the conference go.

The caller is on hold meanwhile, and stays so when nobody answers or who is asked hangs up; only `cancel` takes them
back.
"""

from __future__ import annotations

from cti_engine.core import events as ev
from cti_engine.core import holding, offers, parties, party_events, requests, second_leg, targets
from cti_engine.core.center import Center
from cti_engine.core.contact import CONSULTED, Contact, Guest
from cti_engine.core.party_signals import (
    CancelConsultRequested,
    CompleteRequested,
    ConsultRequested,
    DropPartyRequested,
    JoinRequested,
)

LONGEST_NOTE = 500


def consult(center: Center, signal: ConsultRequested) -> None:
    contact = requests.own_conversation(center, signal)
    if contact is None:
        return
    refusal = ask(center, contact, signal.to_agent, signal.to_number, signal.note)
    requests.answer(center, signal.request, refusal)


def ask(
    center: Center,
    contact: Contact,
    to_agent: str,
    to_number: str,
    note: str,
    *,
    line: str = "",
    refer: str = "",
) -> str:
    """Ring the phone of whoever is asked; the caller waits, who is not left alone in a conference. Or why not.

    `line` and `refer` as of `Guest`: with the latter it is no question but a blind transfer, whose agent stays until
    somebody has answered.
    """
    found = targets.phone(center, contact.holder, to_agent, to_number)
    if isinstance(found, str):
        return found
    if contact.consulted is not None:
        return "others_in_call"
    if not targets.leg_left(center, contact, all_of_them=bool(line)):
        return "no_leg_left"
    agent = found.agent
    trunk = "" if agent else center.definitions.transfers.trunk
    guest = Guest(
        CONSULTED, contact.holder, agent.id if agent else "", found.number, trunk,
        begun_at=center.at, note=note[:LONGEST_NOTE], line=line, refer=refer,
    )  # fmt: skip
    contact.guests.append(guest)
    center.emit(
        ev.TransferStarted(contact.id, guest.agent, guest.number, trunk, parties.RING)
        if refer
        else party_events.ConsultStarted(contact.id, contact.holder, guest.agent, guest.number, guest.note)
    )
    if not contact.conferees and not contact.controls.held:
        was = holding.on_hold(center, contact)
        holding.set_caller(center, contact, True)
        holding.tell(center, contact, was)
    if agent is not None:
        offers.direct(center, contact, agent)
    else:
        guest.leg = second_leg.ring(center, contact, "outside", guest.number, trunk, parties.RING).id
    parties.moved_on(center, contact)
    return ""


def _consult(center: Center, signal: requests.OfContact) -> tuple[Contact, Guest] | None:
    """This agent's conversation, and whom they ask in it; anything else is refused."""
    contact = requests.own_conversation(center, signal)
    if contact is not None and contact.consulted is None:
        requests.refuse(center, signal.request, "nobody_consulted")
    return None if contact is None or contact.consulted is None else (contact, contact.consulted)


def complete(center: Center, signal: CompleteRequested) -> None:
    """While the phone still rings the call goes to it all the same, and is not lost when nobody answers."""
    found = _consult(center, signal)
    if found is None:
        return
    contact, guest = found
    if guest.talks:
        parties.take_over(center, contact, guest)
        requests.accept_request(center, signal.request)
    elif contact.conferees:
        requests.refuse(center, signal.request, "wrong_state")
    else:
        parties.hand_over_ringing(center, contact, guest)
        requests.accept_request(center, signal.request)


def join(center: Center, signal: JoinRequested) -> None:
    found = _consult(center, signal)
    if found is not None and not found[1].talks:
        requests.refuse(center, signal.request, "wrong_state")
    elif found is not None:
        parties.join(center, *found)
        requests.accept_request(center, signal.request)


def cancel(center: Center, signal: CancelConsultRequested) -> None:
    """Back to the caller, who is taken off hold."""
    found = _consult(center, signal)
    if found is not None:
        parties.cancel(center, *found)
        parties.back_to_caller(center, found[0])
        requests.accept_request(center, signal.request)


def drop(center: Center, signal: DropPartyRequested) -> None:
    """Only of those who talk with the caller too: `cancel` is for whoever is consulted."""
    contact = requests.own_conversation(center, signal)
    if contact is None:
        return
    wanted = signal.party_agent, signal.party_number
    guest = next((one for one in contact.conferees if (one.agent, one.number) == wanted), None)
    if guest is None:
        requests.refuse(center, signal.request, "not_in_conference")
    else:
        parties.drop(center, contact, guest)
        requests.accept_request(center, signal.request)
