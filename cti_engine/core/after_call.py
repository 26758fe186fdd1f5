"""After the call: whose agent has hung up may be given a flow, such as a survey, by chance and not too often.

The conversation is over for the agent at once; the flow is neither talk nor handle time.
"""

from __future__ import annotations

from hashlib import blake2b

from cti_engine.core import end_causes as causes
from cti_engine.core import endings, flow_runner
from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.commands import SetAudioPaths, StopRecording
from cti_engine.core.contact import CONTACT, Contact, Controls
from cti_engine.core.ivr.flow import Flow
from cti_engine.core.rows import OF_CUSTOMER, Surveyed
from cti_engine.core.surveys import customer_of


def agent_hung_up(center: Center, contact: Contact) -> None:
    """The call ends, unless its queue has a flow for this caller."""
    flow = _flow_for(center, contact)
    if flow is None or not center.fire(CONTACT, contact, "kept"):
        endings.end_contact(center, contact, causes.AGENT_HANG_UP)
        return
    _remember(center, contact)
    center.emit(
        ev.AfterCallStarted(
            contact.id, contact.agent, contact.queue, flow.id, customer_of(contact), contact.ani
        )
    )
    if contact.recording:
        center.command(StopRecording(contact.worker, contact.recording))
    contact.controls = Controls()  # music on hold is replaced by the flow's prompt
    center.command(SetAudioPaths(contact.worker, ()))
    for leg in center.legs_of(contact):
        if leg.id != contact.caller_leg:
            endings.end_leg(center, leg, causes.AGENT_HANG_UP.name)
    endings.after_talk(center, contact, center.agents[contact.agent])
    flow_runner.begin(center, contact, flow)


def _flow_for(center: Center, contact: Contact) -> Flow | None:
    rule = center.queue_definition(contact.queue).after_call
    caller = center.legs.get(contact.caller_leg)
    if rule is None or caller is None or caller.state != "connected":
        return None
    if rule.at_most_every and (not contact.ani or _asked_since(center, contact, rule.at_most_every)):
        return None
    if _chance(center.seed, contact.id) >= rule.share:
        return None
    return center.definitions.flows.get(rule.flow)


def _chance(seed: str, contact: str) -> float:
    """In [0, 1), the same for this call however often it is asked. With a secret seed no agent can foresee it."""
    drawn = blake2b(contact.encode(), digest_size=7, key=seed.encode()[:64]).digest()
    return int.from_bytes(drawn) / 2.0**56


def _asked_since(center: Center, contact: Contact, seconds: float) -> bool:
    """The same number, or the same customer by another of theirs."""
    before = (center.surveyed.get(key) for key in _keys(contact))
    return any(row is not None and center.now < row.at + seconds for row in before)


def _keys(contact: Contact) -> list[str]:
    customer = customer_of(contact)
    return [contact.ani, *([f"{OF_CUSTOMER}{customer}"] if customer else [])]


def _remember(center: Center, contact: Contact) -> None:
    """For as long as any queue wants to know."""
    rules = [queue.after_call for queue in center.definitions.queues.values() if queue.after_call]
    longest = max((rule.at_most_every for rule in rules), default=0.0)
    for key in _keys(contact) if contact.ani and longest else ():
        row = center.surveyed[key] = Surveyed(key, center.now)
        center.schedule(row, "forget", center.now + longest)
