"""Contacts without a caller's leg: they wait in a queue like any call, and their phones ring on a worker of their own.

The edge does not place them, so the core takes a worker that has said hello and serves nobody. The edge may give the
same one a call in that moment: the worker then refuses our `fresh` DialLeg, and the contact is put off for a moment.
"""

from __future__ import annotations

from cti_engine.core.center import Center, in_order
from cti_engine.core.contact import CONTACT, Contact

NO_WORKER_PAUSE = 2.0
"""Seconds until a contact for which there was no worker comes up again."""


def idle_worker(center: Center) -> str:
    """The youngest, because the edge takes the oldest; empty when there is none."""
    busy = {leg.worker for leg in center.legs.values()}
    busy |= {contact.worker for contact in center.contacts.values()}
    return max(center.known_workers - busy, key=in_order, default="")


def worker_for(center: Center, contact: Contact) -> bool:
    """Whether the contact has a worker, after a look for one."""
    if not contact.worker:
        contact.worker = idle_worker(center)
        center.touch(contact)
    return bool(contact.worker)


def put_off(center: Center, contact: Contact, seconds: float) -> None:
    """Its place is kept, and nobody is offered it for so long."""
    if center.fire(CONTACT, contact, "put_off"):
        contact.worker = ""
        center.schedule(contact, "rest", center.now + seconds)
