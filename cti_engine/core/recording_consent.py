"""Before a call is recorded its caller is told, or asked: by the first notice of the admin's that fits."""

from __future__ import annotations

from cti_engine.core.center import Center
from cti_engine.core.contact import Contact
from cti_engine.core.definitions import CONSENT, RecordingNotice


def flow_before(center: Center, contact: Contact, target: str) -> str:
    """The flow that this call begins with: one that tells or asks and leads to `target`, or `target` itself."""
    definitions = center.definitions
    kind, _, trunk = contact.source.partition(":")
    for index, notice in enumerate(definitions.notices):
        of_number = not notice.numbers or contact.dnis in notice.numbers
        if of_number and (not notice.trunks or (kind == "trunk" and trunk in notice.trunks)):
            before = RecordingNotice.flow(index, target)
            return before if definitions.record_calls and before in definitions.flows else target
    return target


def refused(contact: Contact) -> bool:
    return contact.attributes.get(CONSENT) == "refused"
