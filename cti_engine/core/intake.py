"""Intake: a caller's INVITE is answered at once and looked up meanwhile; then the dialled number's flow begins."""

from __future__ import annotations

from cti_engine.core import (
    callbacks,
    emergency,
    endings,
    flow_runner,
    from_the_phone,
    hints,
    places,
    pop,
    recording_consent,
    segment_calls,
)
from cti_engine.core import end_causes as causes
from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.commands import AnswerLeg, LookUp, RejectLeg
from cti_engine.core.contact import CONTACT, Contact
from cti_engine.core.customer_events import CustomerFilledIn
from cti_engine.core.customers.crm import CRM_STATE, gaps
from cti_engine.core.definitions import DialledNumber
from cti_engine.core.flow_runner import set_attributes
from cti_engine.core.ivr.flow import Flow
from cti_engine.core.leg import LEG, Leg
from cti_engine.core.signals import InviteReceived, LookupReturned, ProfileFilledIn

LOOK_UP_MARGIN = 0.1
"""Seconds that the core waits longer than the look-up's own deadline before it goes on without."""


_FACTS = ("customer", "name", "segment", "value")
"""Of a profile: attributes of the call as well, and so in its record."""


def invite(center: Center, signal: InviteReceived) -> None:
    """A new call. An unknown number is refused with 404, and has its record all the same."""
    if signal.leg in center.legs:
        center.late += 1
        return
    if from_the_phone.is_second_line(center, signal):
        from_the_phone.second_line(center, signal)
        return
    number = _number(center, signal.dnis, signal.source)
    contact = Contact(
        center.new_id("c"),
        signal.worker,
        signal.leg,
        signal.ani,
        signal.dnis,
        signal.name,
        signal.source,
        language=number.language if number else "",
        priority=number.priority if number else 0,
        definitions=center.definitions.version,
    )
    leg = Leg(signal.leg, signal.worker, contact.id, "caller", "offered")
    center.add(contact)
    center.add(leg)
    center.emit(ev.CallArrived(contact.id, contact.ani, contact.dnis, contact.name, contact.source))
    place = places.attributes_of(contact.ani, center.definitions)
    if place:
        contact.attributes.update(place)
        center.emit(ev.CallAttributesSet(contact.id, place))
    if number is None or number.flow not in center.definitions.flows:
        cause = causes.UNKNOWN_NUMBER if number is None else causes.FLOW_FAULT
        center.fire(LEG, leg, "end")
        center.command(RejectLeg(leg.worker, leg.id, cause.sip_code, cause.name))
        endings.end_contact(center, contact, cause)
        return
    limits = center.definitions.limits
    if emergency.is_one(center, contact.dnis) and not center.definitions.emergency.allowed:
        emergency.refused(center, contact.source.removeprefix("account:"), contact.dnis, contact.id)
    emergency.at_the_phone(center, contact)
    center.fire(LEG, leg, "answer")
    center.command(AnswerLeg(leg.worker, leg.id))
    center.schedule(contact, "answer", center.now + limits.answer)
    if contact.ani:
        look_up(center, contact)
    else:
        contact.looked_up = True


def _take_as(contact: Contact, number: DialledNumber, flow: Flow) -> None:
    """It goes on as a call to this number, in the language it came in where the flow speaks that."""
    contact.priority = number.priority
    if contact.language not in flow.languages:
        contact.language = number.language


def _number(center: Center, dnis: str, source: str) -> DialledNumber | None:
    return center.definitions.dialled_numbers.get(dnis) or emergency.dialled_number(center, dnis, source)


def look_up(center: Center, contact: Contact) -> None:
    """Ask who has this number; `go_on` follows, whatever comes of it."""
    within = center.definitions.limits.look_up
    center.command(LookUp(contact.id, contact.ani, within))
    center.schedule(contact, "look_up", center.now + within + LOOK_UP_MARGIN)


def answered(center: Center, leg: Leg) -> None:
    """The caller's leg is connected."""
    contact = center.contacts[leg.contact]
    center.schedule(contact, "answer", None)
    center.schedule(contact, "length", center.now + center.definitions.limits.maximum_length)
    center.emit(ev.CallAnswered(contact.id))
    _begin_when_ready(center, contact)


def looked_up(center: Center, signal: LookupReturned) -> None:
    """The customer's profile; late or empty it changes nothing."""
    contact = center.contacts.get(signal.contact)
    if contact is None or contact.looked_up:
        center.late += 1
        return
    if signal.profile:
        contact.profile = dict(signal.profile)
        facts = {key: signal.profile[key] for key in _FACTS if signal.profile.get(key)}
        contact.attributes.update(facts)
        contact.name = str(facts.get("name", contact.name))
        if facts:
            center.emit(ev.CallAttributesSet(contact.id, facts))
    go_on(center, contact)


def filled_in(center: Center, signal: ProfileFilledIn) -> None:
    """What the CRM knows beyond us, for rules and for the page of whoever has or is offered the call."""
    contact = center.contacts.get(signal.contact)
    if contact is None or contact.state in ("ended", "closed"):
        center.late += 1
        return
    added = gaps(contact.profile, signal.profile)
    state = signal.profile.get(CRM_STATE)
    if state and state != contact.profile.get(CRM_STATE):
        added[CRM_STATE] = state
    if not added:
        return
    contact.profile.update(added)
    facts = {key: added[key] for key in _FACTS if added.get(key)}
    if facts:
        set_attributes(center, contact, facts)
    center.touch(contact)
    offered = (center.reservations[offer].agent for offer in contact.offers)
    agent = center.agents.get(contact.agent or next(offered, ""))
    hints.reconsider(center, contact)
    if agent is not None and agent.contact == contact.id and agent.shown:
        added = hints.of_fill_in(center, contact, agent, added)
        pop.fill_in(center, contact, agent, added)
    center.emit(CustomerFilledIn(contact.id, agent.id if agent is not None else "", added))


def go_on(center: Center, contact: Contact) -> None:
    """Look-up done, failed or overdue: do not wait for it any longer."""
    contact.looked_up = True
    center.schedule(contact, "look_up", None)
    if contact.callback is not None:
        callbacks.line_up(center, contact)
    elif contact.outbound is not None:
        pop.known(center, contact)
    else:
        _begin_when_ready(center, contact)


def _begin_when_ready(center: Center, contact: Contact) -> None:
    leg = center.legs.get(contact.caller_leg)
    if not contact.looked_up or leg is None or leg.state != "connected" or contact.state != "arriving":
        return
    number = segment_calls.taken_as(center, contact)
    name = recording_consent.flow_before(center, contact, number.flow) if number else ""
    flow = center.definitions.flows.get(name)
    if flow is None:  # taken out by a reload between INVITE and answer
        endings.end_contact(center, contact, causes.FLOW_FAULT)
        return
    if contact.profile.get("customer") and contact.profile.get("language") in flow.languages:
        contact.language = str(contact.profile["language"])
    if center.fire(CONTACT, contact, "flow_started"):
        facts: dict[str, object] = {"language": contact.language}
        if number is not None and number.number != contact.dnis:
            _take_as(contact, number, flow)
            facts = {"language": contact.language, "taken_as": number.number}
        center.emit(ev.CallAttributesSet(contact.id, facts))
        flow_runner.begin(center, contact, flow)
