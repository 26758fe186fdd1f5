"""Before a call is recorded its caller is told, or asked: by the first notice of the admin's that fits.

Who calls hears it before the flow. Whom we call hears it when both are on the line: told, it is recorded meanwhile;
asked, it is recorded from the key that agrees on.
"""

from __future__ import annotations

from cti_engine.core import emergency
from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.commands import PlayPrompts, Prompt, StartRecording
from cti_engine.core.contact import Contact
from cti_engine.core.definitions import CONSENT, RecordingNotice

ASKED = "asked"
"""Whom we call has been asked and has not answered yet."""
ANSWERS = {"1": "agreed", "2": "refused"}


def flow_before(center: Center, contact: Contact, target: str) -> str:
    """The flow that this call begins with: one that tells or asks and leads to `target`, or `target` itself."""
    definitions = center.definitions
    index = _fitting(center, contact)
    if index is None or not definitions.record_calls:
        return target
    before = RecordingNotice.flow(index, target)
    return before if before in definitions.flows else target


def _fitting(center: Center, contact: Contact) -> int | None:
    """The first notice for the number that was dialled, or that we show, and for the trunk."""
    trunk = _trunk(contact)
    for index, notice in enumerate(center.definitions.notices):
        of_number = not notice.numbers or contact.dnis in notice.numbers
        if of_number and (not notice.trunks or trunk in notice.trunks):
            return index
    return None


def _trunk(contact: Contact) -> str:
    """By which it came, or goes; empty when it is no trunk."""
    ours = contact.callback or contact.outbound
    if ours is not None:
        return ours.trunk
    kind, _, trunk = contact.source.partition(":")
    return trunk if kind == "trunk" else ""


def record(center: Center, contact: Contact) -> None:
    """Both are on the line: from now on it is recorded, unless somebody is against it or has to be asked first."""
    if contact.recording or not center.definitions.record_calls:
        return
    if contact.callback is not None or contact.outbound is not None:
        _tell_or_ask(center, contact)
    if contact.attributes.get(CONSENT) not in ("refused", ASKED):
        _start(center, contact)


def _start(center: Center, contact: Contact) -> None:
    contact.recording, contact.recorded = center.new_id("r"), [contact.agent_leg]
    center.command(
        StartRecording(contact.worker, contact.recording, contact.id, contact.caller_leg, contact.agent_leg)
    )


def _tell_or_ask(center: Center, contact: Contact) -> None:
    """Whom we call, once; not who was asked in the call of which this callback came, and never rescuers."""
    index = _fitting(center, contact)
    known = CONSENT in contact.attributes or contact.cdr.bridged_at > 0.0
    if index is None or known or emergency.is_one(center, contact.ani):
        return
    notice = center.definitions.notices[index]
    language = _language(center, contact, notice)
    if notice.consent == "none":
        return
    if notice.consent == "ask":
        _note(center, contact, ASKED)
    if language:
        said = (Prompt("text", notice.say[language], language),)
        for leg in (contact.caller_leg, contact.agent_leg):
            center.command(PlayPrompts(contact.worker, leg, center.new_id("p"), said))


def _language(center: Center, contact: Contact, notice: RecordingNotice) -> str:
    """Theirs if it is known, else the one of the number that we show, else one in which this center speaks."""
    numbers = center.definitions.dialled_numbers
    shown = numbers.get(contact.dnis)
    wanted = (
        contact.language,
        shown.language if shown else "",
        *(each.language for each in numbers.values()),
    )
    return next((language for language in wanted if language in notice.say), "")


def answered(center: Center, contact: Contact, key: str) -> bool:
    """Whether this key of whom we called answers what was asked."""
    if contact.attributes.get(CONSENT) != ASKED or key not in ANSWERS or contact.state != "talking":
        return False
    _note(center, contact, ANSWERS[key])
    record(center, contact)
    return True


def _note(center: Center, contact: Contact, consent: str) -> None:
    contact.attributes[CONSENT] = consent
    center.emit(ev.CallAttributesSet(contact.id, {CONSENT: consent}))


def refused(contact: Contact) -> bool:
    """Or not agreed yet."""
    return contact.attributes.get(CONSENT) in ("refused", ASKED)
