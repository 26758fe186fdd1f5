"""A customer is to be forgotten: what waits for them here ends; calls that are on go on, and are forgotten afterwards.

Which contacts and numbers they are is worked out outside: numbers are written in many ways.
"""

from __future__ import annotations

from dataclasses import asdict

from cti_engine.core import appointments, endings
from cti_engine.core import end_causes as causes
from cti_engine.core.center import Center
from cti_engine.core.contact import VOICEMAIL
from cti_engine.core.customer_events import CustomerErased
from cti_engine.core.customer_signals import ErasureAsked, ErasureDone


def asked(center: Center, signal: ErasureAsked) -> None:
    """Callbacks that have reached nobody yet and messages that nobody hears yet end; these numbers are forgotten."""
    for id_ in signal.contacts:
        contact = center.contacts.get(id_)
        if contact is None or contact.has_call:
            continue
        unheard = contact.kind == VOICEMAIL and contact.state == "queued"
        if unheard or (contact.callback is not None and appointments.is_open(contact)):
            endings.end_contact(center, contact, causes.ERASED)
    for number in signal.numbers:
        for row in (center.recallers.get(number), center.surveyed.get(number)):
            if row is not None:
                center.drop(row)


def done(center: Center, signal: ErasureDone) -> None:
    """For whoever keeps a copy: the number of the erasure, and under which name the figures stay."""
    center.emit(CustomerErased(**asdict(signal)))
