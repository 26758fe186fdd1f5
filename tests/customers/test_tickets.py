"""Tickets as rules: the table of states, who may do what, due times in business hours, the ladder and its timers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti_engine.core.customers.ticket_rules import (
    OWNER,
    SUPERVISOR,
    Category,
    DueRule,
    Rung,
    SurveyRule,
    TicketRules,
)
from cti_engine.core.customers.tickets import (
    NEW,
    RESOLVED,
    TAKEN,
    TICKET,
    WAITING,
    Change,
    Notice,
    NotPossible,
    Ticket,
    changed,
    due_at,
    next_timer,
    opened,
    promises,
    timed,
)
from cti_engine.core.hours import Calendar, Zone
from cti_engine.core.machine import ILLEGAL, LATE

HOUR = 3600.0
OFFICE = Calendar("office", Zone("UTC", (), (0,)), (((9 * 3600, 17 * 3600),),) * 5 + ((), ()))
FRIDAY = datetime(2026, 11, 27, 16, tzinfo=UTC).timestamp()
MONDAY = datetime(2026, 11, 30, 9, tzinfo=UTC).timestamp()
RULES = TicketRules(
    "office",
    {"complaint": Category("complaint", {}, 2), "question": Category("question", {}, 3)},
    {1: {}, 2: {}, 3: {}},
    (
        DueRule(2 * HOUR, segments=("gold",), priorities=(1, 2)),
        DueRule(4 * HOUR, categories=("complaint",)),
        DueRule(16 * HOUR),
    ),
    (
        Rung(SUPERVISOR, untaken=0.5 * HOUR),
        Rung(OWNER, 0.75),
        Rung(OWNER, 1.0),
        Rung(SUPERVISOR, 1.0),
        Rung("john", 1.5),
    ),
)
GOLD = Ticket(4711, "c01", "complaint", "double charge", 2, segment="gold", queue="support_es")


def _open(ticket: Ticket = GOLD, now: float = FRIDAY, owner: str = "") -> Ticket:
    return opened(RULES, replace(ticket, owner=owner), now)


def _do(ticket: Ticket, kind: str, by: str = "ana", now: float = FRIDAY, **fields: object) -> Ticket:
    return changed(RULES, OFFICE, ticket, Change(kind, by, **fields), now)[0]  # type: ignore[arg-type]  # mixed fields


def _refused(ticket: Ticket, kind: str, by: str = "ana", now: float = FRIDAY, **fields: object) -> str:
    with pytest.raises(NotPossible) as refused:
        _do(ticket, kind, by, now, **fields)
    return refused.value.code


def test_the_table_is_total() -> None:
    """Each change in each state is a move or a late click; none is unheard of."""
    states = {NEW, TAKEN, WAITING, RESOLVED}
    assert TICKET.states == states
    assert [pair for pair in product(states, TICKET.inputs) if TICKET.next(*pair) == ILLEGAL] == []


def test_due_by_segment_and_priority_within_office_hours() -> None:
    """A gold customer's complaint of Friday 16:00 is due two open hours later: Monday 10:00."""
    assert due_at(OFFICE, _open()) == MONDAY + HOUR
    assert due_at(OFFICE, _open(replace(GOLD, segment="silver"))) == MONDAY + 3 * HOUR
    assert (
        due_at(OFFICE, _open(replace(GOLD, category="question", priority=3))) == MONDAY + 24 * HOUR + 7 * HOUR
    )
    assert due_at(None, _open()) == FRIDAY + 2 * HOUR


def test_the_way_of_a_ticket() -> None:
    """Opened, taken, waiting, back, resolved with what worked, opened again with all its time."""
    taken = _do(_open(), "take")
    assert (taken.state, taken.owner) == (TAKEN, "ana")
    waiting = _do(taken, "wait", until=MONDAY + 2 * HOUR)
    assert (waiting.state, waiting.follow_up_at) == (WAITING, MONDAY + 2 * HOUR)
    back = _do(waiting, "resume", now=MONDAY + HOUR)
    assert (back.state, back.paused, back.follow_up_at) == (TAKEN, 2 * HOUR, None)
    assert due_at(OFFICE, back) == MONDAY + 3 * HOUR
    resolved = _do(back, "resolve", now=MONDAY + HOUR, text=" paid back ")
    assert (resolved.state, resolved.resolution, resolved.closed_at) == (RESOLVED, "paid back", MONDAY + HOUR)
    again = _do(resolved, "reopen", by="john", now=MONDAY + 2 * HOUR)
    assert (again.state, again.owner, again.closed_at, again.told) == (TAKEN, "ana", None, ())
    assert due_at(OFFICE, again) == MONDAY + 4 * HOUR


def test_two_who_press_at_once() -> None:
    """Only the first takes it; what comes after the end is late too, and nothing changes."""
    taken = _do(_open(), "take", by="ana")
    assert _refused(taken, "take", by="john") == "stale"
    resolved = _do(taken, "resolve", text="done")
    assert {_refused(resolved, kind, text="x") for kind in ("resolve", "give", "take", "wait", "change")} == {
        "stale"
    }


def test_who_may() -> None:
    """All comment and reopen; a ticket is worked on by its owner, by anybody while it is nobody's, by supervisors."""
    taken = _do(_open(), "take", by="ana")
    assert _refused(taken, "resolve", by="john", text="x") == "forbidden"
    assert _refused(taken, "give", by="john", to="john") == "forbidden"
    assert _do(taken, "comment", by="john", text="called again") == taken
    assert _do(taken, "give", by="boss", supervisor=True, to="john").owner == "john"
    assert _do(_open(), "resolve", by="john", text="x").owner == "john"


def test_no_resolution_no_end() -> None:
    """What worked has to be said: the next one with this case learns from it."""
    assert _refused(_do(_open(), "take"), "resolve", text="  ") == "no_resolution"


def test_a_follow_up_in_the_past_and_a_case_that_is_too_old() -> None:
    """A moment that is over is refused; so is reopening after the time for it."""
    assert _refused(_do(_open(), "take"), "wait", until=FRIDAY) == "bad_time"
    resolved = _do(_open(), "resolve", text="x")
    assert _refused(resolved, "reopen", now=FRIDAY + RULES.reopen_within + 1) == "too_old"


def test_the_owner_learns_what_others_do() -> None:
    """A colleague's comment, and being given a ticket or losing one, are told; one's own doing is not."""
    taken = _do(_open(), "take", by="ana")
    told = changed(RULES, OFFICE, taken, Change("comment", "john", text="x"), FRIDAY)[1]
    assert told == (Notice("comment", "ana"),)
    told = changed(RULES, OFFICE, taken, Change("give", "boss", True, to="john"), FRIDAY)[1]
    assert told == (Notice("give", "ana"), Notice("give", "john"))
    assert changed(RULES, OFFICE, taken, Change("comment", "ana", text="x"), FRIDAY)[1] == ()


def test_another_priority_is_another_due_time() -> None:
    """Counted from when it was opened, as if it had been so from the beginning."""
    lower = _do(_open(), "change", priority=3)
    assert due_at(OFFICE, lower) == MONDAY + 3 * HOUR
    assert lower.state == NEW


def _walk(ticket: Ticket) -> list[tuple[float, tuple[Notice, ...]]]:
    """All that its timers ever do, each at its moment."""
    found: list[tuple[float, tuple[Notice, ...]]] = []
    while (at := next_timer(RULES, OFFICE, ticket)) is not None:
        ticket, notices = timed(RULES, OFFICE, ticket, at)
        found.append((at, notices))
        assert len(found) < 20
    return found


def test_rungs_that_lie_ahead_again_are_told_again() -> None:
    """Late and told, a ticket that becomes less urgent is told again when it is late by its new time; one that is late
    all the same is not, and what nobody took stays told.
    """
    late, _ = timed(RULES, OFFICE, _open(owner="ana"), MONDAY + HOUR)
    assert late.told == ("75%", "100%")
    easier = _do(late, "change", now=MONDAY + HOUR, priority=3)
    assert (due_at(OFFICE, easier), easier.told) == (MONDAY + 3 * HOUR, ())
    again, notices = timed(RULES, OFFICE, easier, MONDAY + 3 * HOUR)
    assert again.told == ("75%", "100%") and Notice("escalated", SUPERVISOR, "100%") in notices
    assert _do(late, "change", now=MONDAY + HOUR, priority=1).told == ("75%", "100%")
    nobodys, _ = timed(RULES, OFFICE, _open(), MONDAY + HOUR)
    assert _do(nobodys, "change", now=MONDAY + HOUR, priority=3).told == ("untaken 1800s",)


def test_the_ladder_of_a_taken_ticket() -> None:
    """The owner before it is due and as it is; the supervisor as it is due; at last the one named; then nobody."""
    assert _walk(_do(_open(), "take")) == [
        (MONDAY + 0.5 * HOUR, (Notice("escalated", "ana", "75%"),)),
        (MONDAY + HOUR, (Notice("escalated", "ana", "100%"), Notice("escalated", SUPERVISOR, "100%"))),
        (MONDAY + 2 * HOUR, (Notice("escalated", "john", "150%"),)),
    ]


def test_what_nobody_takes_goes_to_the_supervisor() -> None:
    """First because nobody took it, later in the place of the owner that it has not; once a moment."""
    assert [(at - FRIDAY, notices) for at, notices in _walk(_open())][:2] == [
        (0.5 * HOUR, (Notice("escalated", SUPERVISOR, "untaken 1800s"),)),
        (MONDAY + 0.5 * HOUR - FRIDAY, (Notice("escalated", SUPERVISOR, "75%"),)),
    ]
    given_back = _do(_do(_open(), "take"), "release", now=MONDAY)
    assert _walk(given_back)[0][0] == MONDAY + 0.5 * HOUR


def test_after_a_long_time_away_each_is_told_once() -> None:
    """Timers that fell due together tell each person the last rung, and never again."""
    late, notices = timed(RULES, OFFICE, _do(_open(), "take"), MONDAY + 8 * HOUR)
    assert notices == (
        Notice("escalated", "ana", "100%"),
        Notice("escalated", SUPERVISOR, "100%"),
        Notice("escalated", "john", "150%"),
    )
    assert next_timer(RULES, OFFICE, late) is None
    assert timed(RULES, OFFICE, late, MONDAY + 9 * HOUR) == (late, ())


def test_while_it_waits_nobody_is_told_and_then_the_owner() -> None:
    """The ladder stands still; the moment of the follow-up brings the ticket back to its owner."""
    waiting = _do(_do(_open(), "take"), "wait", until=MONDAY + 4 * HOUR)
    assert next_timer(RULES, OFFICE, waiting) == MONDAY + 4 * HOUR
    assert timed(RULES, OFFICE, waiting, MONDAY + HOUR) == (waiting, ())
    back, notices = timed(RULES, OFFICE, waiting, MONDAY + 4 * HOUR)
    assert (back.state, notices) == (TAKEN, (Notice("follow_up", "ana"),))
    assert due_at(OFFICE, back) == MONDAY + 6 * HOUR


def test_a_call_back_waits_until_the_center_knows_of_it() -> None:
    """Promised with the wait, it is to be passed on at once; known, the ticket waits; resolved, nobody is called."""
    waiting = _do(_do(_open(), "take"), "wait", until=MONDAY, call_back=True)
    assert (promises(waiting), waiting.call_back_at, next_timer(RULES, OFFICE, waiting)) == (
        True,
        MONDAY,
        FRIDAY,
    )
    known = replace(waiting, call_back="c-9")
    assert (promises(known), next_timer(RULES, OFFICE, known)) == (False, MONDAY)
    assert not promises(_do(waiting, "resolve", text="done"))
    assert not promises(_do(waiting, "release"))


@pytest.mark.parametrize(
    ("scale", "answer", "segment", "value", "opens"),
    [
        ("1-5", 2, "gold", 0.0, True),
        ("1-5", 3, "gold", 0.0, False),
        ("0-10", 6, "standard", 3000.0, True),
        ("1-5", 1, "standard", 100.0, False),
        ("1-7", 1, "gold", 0.0, False),
    ],
)
def test_a_bad_answer_of_a_valued_customer(
    scale: str, answer: int, segment: str, value: float, opens: bool
) -> None:
    """Bad by its own scale, valued by segment or by value."""
    rule = SurveyRule({"1-5": 2, "0-10": 6}, "complaint", 2, ("gold",), 3000.0)
    assert rule.opens(scale, answer, segment, value) is opens


KINDS = sorted(TICKET.inputs)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(KINDS),
            st.sampled_from(["ana", "john", "boss"]),
            st.floats(60.0, 30 * HOUR),
            st.booleans(),
        ),
        max_size=25,
    )
)
def test_whatever_people_do(steps: Sequence[tuple[str, str, float, bool]]) -> None:
    """Nobody owns a new ticket and somebody every other; only resolved ones are closed; a timer never runs twice."""
    ticket, now = _open(), FRIDAY
    for kind, by, later, look in steps:
        now += later
        if look:
            ticket, _ = timed(RULES, OFFICE, ticket, now)
            assert timed(RULES, OFFICE, ticket, now) == (ticket, ())
        change = Change(kind, by, by == "boss", to="john", text="x", priority=1)
        before = ticket
        try:
            ticket, _ = changed(RULES, OFFICE, ticket, change, now)
        except NotPossible:
            assert ticket == before
        else:
            assert TICKET.next(before.state, kind) not in (LATE, ILLEGAL)
        assert (ticket.owner == "") == (ticket.state == NEW)
        assert (ticket.closed_at is not None) == (ticket.state == RESOLVED)
        assert (ticket.follow_up_at is not None) == (ticket.state == WAITING)
        assert ticket.paused >= 0.0
