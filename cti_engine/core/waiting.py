"""Waiting: into queues, through their steps, out of them; who comes first, and which other queue helps.

The matcher keeps the order; this keeps the facts, the contact's row and the links between queues.
"""

from __future__ import annotations

from cti_engine.core import estimates, segment_calls
from cti_engine.core import events as ev
from cti_engine.core.call_names import Names
from cti_engine.core.center import Center
from cti_engine.core.contact import CONTACT, Contact
from cti_engine.core.definitions import OverflowLink, QueueDefinition
from cti_engine.core.reporting.service_level import QueueCounts
from cti_engine.core.routing.build import milliseconds
from cti_engine.core.routing.model import Standing, StepChange
from cti_engine.core.routing.wording import shortened
from cti_engine.core.rows import ReCaller


def join(center: Center, contact: Contact, definition: QueueDefinition, priority: int) -> StepChange:
    """Into a queue, and into those that help it now. From one queue to the next the first queue time is kept."""
    contact.queue = definition.id
    contact.queued_at = contact.queued_at or center.at
    contact.queue_entered_at = center.at
    contact.queue_seq = center.new_number("queue")
    added, contact.head_start = _precedence(center, contact)
    contact.queue_priority = contact.priority + priority + definition.priority + added
    change = _enter(center, contact, definition.id)
    for lender in center.queues[definition.id].helped_by:
        _enter(center, contact, lender)
    keep_exclusions(center, contact)
    center.to_match.append(("call", contact.id))
    return change


def _enter(center: Center, contact: Contact, queue: str) -> StepChange:
    change = center.matcher.join(center.waiting_call(contact), queue, milliseconds(center.now))
    center.stand(contact, queue, True)
    note(center, contact)
    position = center.matcher.position(contact.id, queue)
    promised = estimates.joins(center, contact, queue, position)
    center.emit(ev.CallQueued(contact.id, queue, contact.queue_priority, position, promised))
    if change.step != 0 or change.skipped:
        tell(center, change)
    return change


def _precedence(center: Center, contact: Contact) -> tuple[int, float]:
    """Points and seconds of head start that the call brings along: its number, priorities, segment, an earlier wait."""
    number, segment = segment_calls.taken_as(center, contact), segment_calls.segment_of(center, contact)
    names = Names(center, contact)
    rules = [rule for rule in center.definitions.priorities if rule.when.holds(names)]
    points = sum(rule.add for rule in rules) + (segment.priority if segment else 0)
    seconds = sum(rule.head_start for rule in rules) + (number.head_start if number else 0.0)
    seconds += segment.head_start if segment else 0.0
    before = center.recallers.get(contact.ani)
    if before is not None:
        seconds += max(0.0, contact.queued_at - before.queued_at)
        center.drop(before)
        contact.re_caller = True
    return points, max(seconds, contact.head_start)


def note(center: Center, contact: Contact) -> None:
    """The contact's row says where it stands, for the next life of the engine."""
    contact.standings = list(center.matcher.standings(contact.id))
    center.touch(contact)


def tell(center: Center, change: StepChange) -> None:
    pool, free = center.matcher.pool_size(change.contact, change.queue) if change.step >= 0 else (0, 0)
    standings = center.matcher.standings(change.contact) if change.step >= 0 else ()
    asked = next((standing.pool for standing in standings if standing.queue == change.queue), ())
    center.emit(
        ev.QueueStepAdvanced(
            change.contact,
            change.queue,
            change.step,
            change.left,
            change.skipped,
            pool,
            free,
            shortened(asked),
        )
    )


def leave(center: Center, contact: Contact, *, answered: bool = False) -> None:
    """Out of all queues, whatever comes next; the queues other than the contact's own are told so by `left_others`."""
    center.matcher.leave(contact.id)
    for standing in contact.standings:
        estimates.leaves(center, contact, standing, answered=answered)
        center.stand(contact, standing.queue, False)
    contact.standings = []
    center.schedule(contact, "wait", None)


def left_others(center: Center, contact: Contact, reason: str) -> None:
    """The queues, beside the contact's own, where it waited too: there it flowed out. Before `leave`."""
    for standing in contact.standings:
        if standing.queue != contact.queue:
            waited = max(0.0, center.at - contact.queued_at)
            center.emit(ev.QueueLeft(contact.id, standing.queue, waited, reason))


def leave_for(center: Center, contact: Contact, reason: str) -> None:
    """Back from waiting into a flow's hands; the first queue time stays the contact's."""
    left_others(center, contact, reason)
    waited = max(0.0, center.at - contact.queued_at)
    leave(center, contact)
    center.fire(CONTACT, contact, "left_queue")
    center.emit(ev.QueueLeft(contact.id, contact.queue, waited, reason))


def take_place(center: Center, contact: Contact, place: list[Standing]) -> None:
    """Stand where another contact stood that has just left: in its queues, at its steps."""
    center.matcher.restore(center.waiting_call(contact), place, milliseconds(center.now))
    for standing in place:
        center.stand(contact, standing.queue, True)
    note(center, contact)
    for standing in contact.standings:
        position = center.matcher.position(contact.id, standing.queue)
        promised = estimates.joins(center, contact, standing.queue, position)
        center.emit(ev.CallQueued(contact.id, standing.queue, contact.queue_priority, position, promised))
    keep_exclusions(center, contact)
    center.to_match.append(("call", contact.id))


def leave_lender(center: Center, contact: Contact, queue: str, reason: str) -> None:
    """Out of one of several queues; it waits on in the others."""
    center.matcher.leave_queue(contact.id, queue)
    for standing in contact.standings:
        if standing.queue == queue:
            estimates.leaves(center, contact, standing, answered=False)
    center.stand(contact, queue, False)
    note(center, contact)
    center.emit(ev.QueueLeft(contact.id, queue, max(0.0, center.at - contact.queued_at), reason))


def rings(center: Center, contact: Contact, queue: str) -> None:
    """A phone rings for it: it stands in no order, and its steps stand still."""
    estimates.taken(center, contact)
    center.matcher.offered(contact.id, queue, milliseconds(center.now))
    note(center, contact)


def back(center: Center, contact: Contact) -> None:
    """The offer came to nothing: it stands where it stood, but in no queue that helps no longer."""
    center.matcher.back(contact.id, milliseconds(center.now))
    note(center, contact)
    estimates.back(center, contact)
    helpers = center.queues[contact.queue].helped_by if contact.queue in center.queues else []
    for standing in contact.standings:
        if standing.queue != contact.queue and standing.queue not in helpers:
            leave_lender(center, contact, standing.queue, "overflow_closed")
    keep_exclusions(center, contact)
    center.to_match.append(("call", contact.id))


def keep_exclusions(center: Center, contact: Contact) -> None:
    """Agents who missed this call do not get it again for a while."""
    contact.excluded = {agent: until for agent, until in contact.excluded.items() if until > center.now}
    for agent, until in contact.excluded.items():
        center.matcher.exclude(contact.id, agent, milliseconds(until))


# --- callers who come again ----------------------------------------------------------------------


def remember(center: Center, contact: Contact) -> None:
    """Who gave up or was cut off gets the old place back when they call again soon."""
    within = center.definitions.re_caller_within
    if within > 0 and contact.ani and contact.queued_at:
        row = ReCaller(contact.ani, contact.queued_at - contact.head_start)
        center.recallers[row.id] = row
        center.schedule(row, "forget", center.now + within)


# --- queues that help each other -----------------------------------------------------------------


def watch_links(center: Center) -> None:
    """Open and close the overflow links of queues that this signal has changed."""
    for link in center.definitions.overflow:
        if link.queue in center.seen_queues or link.lender in center.seen_queues:
            _watch(center, link)


def _watch(center: Center, link: OverflowLink) -> None:
    counts, lender = center.queues.get(link.queue), center.queues.get(link.lender)
    if counts is None or lender is None:
        return
    waited = center.longest_wait(link.queue)
    level = counts.service_level(len(center.calls_in(link.queue)))
    lends = lender.service_level(len(center.calls_in(link.lender))) >= link.lend_above
    is_open = link.lender in counts.helped_by
    if is_open:
        calm = link.open_wait is None or waited <= link.close_wait
        well = link.open_level is None or level > link.close_level
        if not lends or (calm and well):
            _close(center, link, counts)
    elif lends and (
        (link.open_wait is not None and waited >= link.open_wait)
        or (link.open_level is not None and level < link.open_level)
    ):
        _open(center, link, counts)
    at = None
    if link.open_wait is not None and link.lender not in counts.helped_by and waited < link.open_wait:
        at = min((contact.queued_at for contact in center.calls_in(link.queue)), default=None)
    name = f"overflow {link.lender}"
    due = None if at is None else at + (link.open_wait or 0.0)
    if counts.deadlines.get(name) != due:
        center.schedule(counts, name, due)


def _open(center: Center, link: OverflowLink, counts: QueueCounts) -> None:
    counts.helped_by.append(link.lender)
    center.touch(counts)
    for contact in list(center.waiting_in(link.queue).values()):
        if contact.queue == link.queue and contact.state == "queued":
            _enter(center, contact, link.lender)
            center.to_match.append(("call", contact.id))


def _close(center: Center, link: OverflowLink, counts: QueueCounts) -> None:
    counts.helped_by.remove(link.lender)
    center.touch(counts)
    for contact in list(center.waiting_in(link.lender).values()):
        if contact.queue == link.queue and contact.state == "queued":
            leave_lender(center, contact, link.lender, "overflow_closed")
