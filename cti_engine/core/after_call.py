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
from cti_engine.core.rows import Surveyed


def agent_hung_up(center: Center, contact: Contact) -> None:
    """The call ends, unless its queue has a flow for this caller."""
    flow = _flow_for(center, contact)
    if flow is None or not center.fire(CONTACT, contact, "kept"):
        endings.end_contact(center, contact, causes.AGENT_HANG_UP)
        return
    _remember(center, contact)
    center.emit(ev.AfterCallStarted(contact.id, contact.agent, contact.queue, flow.id))
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
    before = center.surveyed.get(contact.ani)
    if rule.at_most_every and (not contact.ani or (before and center.now < before.at + rule.at_most_every)):
        return None
    if _chance(center.seed, contact.id) >= rule.share:
        return None
    return center.definitions.flows.get(rule.flow)


def _chance(seed: str, contact: str) -> float:
    """In [0, 1), the same for this call however often it is asked. With a secret seed no agent can foresee it."""
    drawn = blake2b(contact.encode(), digest_size=7, key=seed.encode()[:64]).digest()
    return int.from_bytes(drawn) / 2.0**56


def _remember(center: Center, contact: Contact) -> None:
    """For as long as any queue wants to know."""
    rules = [queue.after_call for queue in center.definitions.queues.values() if queue.after_call]
    longest = max((rule.at_most_every for rule in rules), default=0.0)
    if contact.ani and longest:
        row = center.surveyed[contact.ani] = Surveyed(contact.ani, center.now)
        center.schedule(row, "forget", center.now + longest)
