"""A second phone rung for a contact, on the worker that the contact has: one way to dial it, whoever wants it.

What comes of it belongs to the state that the contact is in: `calling` is a callback's, `transferring` a transfer's.
"""

from __future__ import annotations

from cti_engine.core import emergency
from cti_engine.core.center import Center
from cti_engine.core.commands import DialLeg
from cti_engine.core.contact import Contact
from cti_engine.core.leg import Leg

TRUNK_HEADER = "X-CTI-Trunk"
"""As `wire.tokens` has it: by which trunk the edge sends the call."""


def ring(
    center: Center,
    contact: Contact,
    role: str,
    target: str,
    trunk: str,
    seconds: float,
    *,
    fresh: bool = False,
) -> Leg:
    """Dial `target`, until the contact's deadline `dial`. It is shown the number that the contact's caller dialled."""
    leg = Leg(center.new_id("l"), contact.worker, contact.id, role, "dialling", number=target)
    center.add(leg)
    center.schedule(contact, "dial", center.now + seconds)
    trunk = emergency.trunk_for(center, target, trunk)
    headers = {TRUNK_HEADER: trunk} if trunk else {}
    shown = contact.dnis or contact.queue
    if emergency.is_one(center, target):
        emergency.tell(center, contact, target)
    center.command(DialLeg(leg.worker, leg.id, contact.id, target, shown, "", headers, fresh))
    return leg
