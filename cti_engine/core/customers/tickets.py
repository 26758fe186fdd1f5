"""A ticket as a small state machine: who may do what to it, when it is due, and whom its timers tell.

Pure: a ticket and a change in, a new ticket and notices out. Moments in wall seconds; those until due count in the
hours of the rules' calendar, and stand still while the ticket waits for the customer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cti_engine.core.customers.ticket_rules import OWNER, SUPERVISOR, Rung, TicketRules
from cti_engine.core.hours import Calendar
from cti_engine.core.machine import ILLEGAL, LATE, table

NEW, TAKEN, WAITING, RESOLVED = "new", "taken", "waiting", "resolved"

TICKET = table(
    "ticket",
    moves={
        NEW: {"take": TAKEN, "give": TAKEN, "resolve": RESOLVED, "comment": NEW, "change": NEW},
        TAKEN: {
            "give": TAKEN,
            "release": NEW,
            "wait": WAITING,
            "resolve": RESOLVED,
            "comment": TAKEN,
            "change": TAKEN,
        },
        WAITING: {
            "resume": TAKEN,
            "wait": WAITING,
            "give": TAKEN,
            "release": NEW,
            "resolve": RESOLVED,
            "comment": WAITING,
            "change": WAITING,
        },
        RESOLVED: {"reopen": TAKEN, "comment": RESOLVED},
    },
    late={
        NEW: ("release", "reopen", "resume", "wait"),
        TAKEN: ("take", "reopen", "resume"),
        WAITING: ("take", "reopen"),
        RESOLVED: ("take", "give", "release", "wait", "resume", "resolve", "change"),
    },
)
OPEN_TO_ALL = frozenset(("take", "comment", "reopen"))
"""What anybody who may work on tickets may do to any; the rest to one's own, to nobody's, or as a supervisor."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """`ticket` is the number that people say, 0 before it has one. Times in wall seconds, None: not set.

    Until due count `within` (None: never due) and `paused` seconds of the calendar from `counts_from`. `told` are the
    rungs of the ladder that have been. `follow_up_at`: when a waiting ticket comes back. `call_back_at`: when the owner
    calls the customer; `call_back` is empty until the center has that promise, then its contact, or why it has it not.
    """

    ticket: int
    customer: str
    category: str
    subject: str
    priority: int
    segment: str = ""
    queue: str = ""
    state: str = NEW
    owner: str = ""
    opened_by: str = ""
    contact: str = ""
    opened_at: float = 0.0
    counts_from: float = 0.0
    nobodys_since: float = 0.0
    within: float | None = None
    paused: float = 0.0
    waiting_since: float | None = None
    follow_up_at: float | None = None
    closed_at: float | None = None
    resolution: str = ""
    told: tuple[str, ...] = ()
    call_back_at: float | None = None
    call_back: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What `by` does. `to`: an agent (`give`); `until`: a moment (`wait`), with `call_back` the owner calls the
    customer then; `text`: a comment, or what worked.
    """

    kind: str
    by: str
    supervisor: bool = False
    to: str = ""
    until: float | None = None
    text: str = ""
    priority: int | None = None
    category: str = ""
    call_back: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that `to` (SUPERVISOR: all of them) should know of the ticket. `rung`: the ladder's, else empty."""

    kind: str
    to: str
    rung: str = ""


class NotPossible(Exception):
    """The change is not done; `code` says why: `forbidden`, `stale`, `no_resolution`, `too_old`, `bad_time`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def opened(rules: TicketRules, ticket: Ticket, now: float) -> Ticket:
    """A new one, of which whoever and whatever it is about has been filled in. With an owner it is taken."""
    return replace(
        ticket,
        state=TAKEN if ticket.owner else NEW,
        opened_at=now,
        counts_from=now,
        nobodys_since=now,
        within=rules.within(ticket.segment, ticket.priority, ticket.category),
    )


def changed(
    rules: TicketRules, calendar: Calendar | None, ticket: Ticket, change: Change, now: float
) -> tuple[Ticket, tuple[Notice, ...]]:
    """Raises NotPossible, with the ticket as it was."""
    state = TICKET.next(ticket.state, change.kind)
    if state == ILLEGAL:
        raise NotPossible("unknown_change")
    if state == LATE:
        raise NotPossible("stale")
    if not _may(ticket, change):
        raise NotPossible("forbidden")
    if ticket.state == WAITING and state != WAITING:
        ticket = _goes_on(calendar, ticket, now)
    after = replace(_DONE[change.kind](rules, ticket, change, now), state=state)
    if change.kind == "change":
        after = replace(after, told=_have_been(rules, calendar, after, now))
    return after, _notices(ticket, after, change)


def _may(ticket: Ticket, change: Change) -> bool:
    return change.kind in OPEN_TO_ALL or change.supervisor or ticket.owner in ("", change.by)


def _goes_on(calendar: Calendar | None, ticket: Ticket, now: float) -> Ticket:
    """It has waited long enough: the time until due goes on where it stood."""
    since = now if ticket.waiting_since is None else ticket.waiting_since
    stood = max(0.0, now - since) if calendar is None else calendar.open_between(since, now)
    return replace(ticket, paused=ticket.paused + stood, waiting_since=None, follow_up_at=None)


# --- each change -----------------------------------------------------------------------------------


def _take(rules: TicketRules, ticket: Ticket, change: Change, now: float) -> Ticket:
    return replace(ticket, owner=change.by)


def _give(rules: TicketRules, ticket: Ticket, change: Change, now: float) -> Ticket:
    return replace(ticket, owner=change.to)


def _release(rules: TicketRules, ticket: Ticket, change: Change, now: float) -> Ticket:
    """To nobody: the rungs of tickets that nobody takes count anew."""
    told = tuple(name for name in ticket.told if not name.startswith("untaken"))
    return replace(ticket, owner="", nobodys_since=now, told=told)


def _wait(rules: TicketRules, ticket: Ticket, change: Change, now: float) -> Ticket:
    until = now + rules.wait if change.until is None else change.until
    if until <= now:
        raise NotPossible("bad_time")
    since = now if ticket.waiting_since is None else ticket.waiting_since
    if change.call_back:
        ticket = replace(ticket, call_back_at=until, call_back="")
    return replace(ticket, waiting_since=since, follow_up_at=until)


def _resolve(rules: TicketRules, ticket: Ticket, change: Change, now: float) -> Ticket:
    """Without what worked nobody would learn of it."""
    if not change.text.strip():
        raise NotPossible("no_resolution")
    return replace(ticket, owner=ticket.owner or change.by, closed_at=now, resolution=change.text.strip())


def _reopen(rules: TicketRules, ticket: Ticket, change: Change, now: float) -> Ticket:
    """To who had it, with all the time again."""
    if ticket.closed_at is not None and now - ticket.closed_at > rules.reopen_within:
        raise NotPossible("too_old")
    return replace(
        ticket,
        owner=ticket.owner or change.by,
        closed_at=None,
        counts_from=now,
        paused=0.0,
        within=rules.within(ticket.segment, ticket.priority, ticket.category),
        told=(),
    )


def _same(rules: TicketRules, ticket: Ticket, change: Change, now: float) -> Ticket:
    return ticket


def _change(rules: TicketRules, ticket: Ticket, change: Change, now: float) -> Ticket:
    """Priority and category decide when it is due, counted from when it was opened all the same."""
    priority = ticket.priority if change.priority is None else change.priority
    category = change.category or ticket.category
    within = rules.within(ticket.segment, priority, category)
    return replace(ticket, priority=priority, category=category, within=within)


_DONE = {
    "take": _take,
    "give": _give,
    "release": _release,
    "wait": _wait,
    "resume": _same,
    "resolve": _resolve,
    "reopen": _reopen,
    "comment": _same,
    "change": _change,
}


def _notices(before: Ticket, after: Ticket, change: Change) -> tuple[Notice, ...]:
    """Whoever has it, or had it, learns what others do to it."""
    people = {before.owner, after.owner} - {"", change.by}
    return tuple(Notice(change.kind, person) for person in sorted(people))


# --- due and late ----------------------------------------------------------------------------------


def due_at(calendar: Calendar | None, ticket: Ticket) -> float | None:
    """None: never, or not within the year that a calendar looks ahead."""
    return _when(calendar, ticket, 1.0)


def _when(calendar: Calendar | None, ticket: Ticket, share: float) -> float | None:
    if ticket.within is None:
        return None
    seconds = ticket.within * share + ticket.paused
    return ticket.counts_from + seconds if calendar is None else calendar.after(ticket.counts_from, seconds)


def _have_been(rules: TicketRules, calendar: Calendar | None, ticket: Ticket, now: float) -> tuple[str, ...]:
    """Rungs that were told and would be by now: those that lie ahead again are told again."""
    moments = {
        rung.name: _when(calendar, ticket, rung.share) for rung in rules.ladder if rung.share is not None
    }
    return tuple(
        name
        for name in ticket.told
        if name not in moments or ((at := moments[name]) is not None and at <= now)
    )


def next_timer(rules: TicketRules, calendar: Calendar | None, ticket: Ticket) -> float | None:
    """When it has to be looked at again, at once for a call-back that the center does not know of; None: never."""
    if promises(ticket):
        return ticket.counts_from
    if ticket.state == WAITING:
        return ticket.follow_up_at
    return min((at for at, _ in _rungs(rules, calendar, ticket)), default=None)


def promises(ticket: Ticket) -> bool:
    """Whether its owner has to be put down for a call-back that the center does not know of yet."""
    return bool(
        ticket.call_back_at is not None and not ticket.call_back and ticket.owner and ticket.state != RESOLVED
    )


def timed(
    rules: TicketRules, calendar: Calendar | None, ticket: Ticket, now: float
) -> tuple[Ticket, tuple[Notice, ...]]:
    """What has become due. After a long time away each person is told once, by the last rung."""
    if ticket.state == WAITING:
        if ticket.follow_up_at is None or ticket.follow_up_at > now:
            return ticket, ()
        back = replace(_goes_on(calendar, ticket, now), state=TAKEN)
        return back, (Notice("follow_up", back.owner),)
    rungs = sorted(
        ((at, rung) for at, rung in _rungs(rules, calendar, ticket) if at <= now),
        key=lambda each: (each[0], each[1].name),
    )
    told: dict[str, Notice] = {}
    for _, rung in rungs:
        to = (ticket.owner or SUPERVISOR) if rung.to == OWNER else rung.to
        told[to] = Notice("escalated", to, rung.name)
    names = tuple(dict.fromkeys((*ticket.told, *(rung.name for _, rung in rungs))))
    return replace(ticket, told=names), tuple(told.values())


def _rungs(rules: TicketRules, calendar: Calendar | None, ticket: Ticket) -> list[tuple[float, Rung]]:
    """Those that lie ahead or are due, with their moments."""
    if ticket.state not in (NEW, TAKEN):
        return []
    found = []
    for rung in rules.ladder:
        if rung.name in ticket.told:
            continue
        at: float | None = None
        if rung.share is not None:
            at = _when(calendar, ticket, rung.share)
        elif rung.untaken is not None and ticket.state == NEW:
            since = ticket.nobodys_since
            at = since + rung.untaken if calendar is None else calendar.after(since, rung.untaken)
        if at is not None:
            found.append((at, rung))
    return found
