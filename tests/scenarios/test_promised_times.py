"""For when, and to whom, an agent may promise a callback."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core import events
from cti_engine.core.hours import DAY
from tests.scenarios.playbook import (
    Elapse,
    the,
)
from tests.scenarios.promises import (
    CENTER,
    RULES,
    START,
    asks,
    caller,
    center,
    facts,
    maria,
    promised,
    told,
    until,
    wraps_up,
)

# --- when ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "zone", "number", "code"),
    [
        ("2027-03-26T12:00", "center", "", ""),
        ("2027-03-26T10:01", "center", "", ""),  # the minute that passed while it was written
        ("2027-03-26T09:50", "center", "", "time_is_past"),
        ("2027-05-26T12:00", "center", "", "too_far_ahead"),
        ("2027-03-26T20:00", "center", "", "outside_hours"),
        ("2027-03-27T12:00", "center", "", "outside_hours"),
        ("tomorrow", "center", "", "bad_date"),
        ("2027-03-26", "center", "", "bad_date"),
        ("2027-03-26T12:00+01:00", "center", "", "bad_date"),
        ("2027-02-30T12:00", "center", "", "bad_date"),
        ("2027-03-26T12:00", "customer", "", "unknown_zone"),
        ("2027-03-26T12:00", "mars", "", "unknown_zone"),
        ("2027-03-26T12:00", "center", "+12125550100", "outside_customer_hours"),  # seven there
        ("2027-03-26T10:00", "customer", "+12125550100", ""),
        ("2027-03-29T08:30", "customer", "+34928000001", "outside_customer_hours"),
        ("2027-03-26T10:00", "customer", "+34928000001", ""),
    ],
)
def test_when_it_may_be(at: str, zone: str, number: str, code: str) -> None:
    """By the clock that is named, in the hours of the center and of the customer, not in the past, not in a year."""
    s = wraps_up(center("maria")) >> asks(at, zone=zone, number=number)
    if code:
        s.without(the.CallbackRequested()) << the.Reply(ok=False, code=code)
    else:
        s << the.Reply(ok=True) << the.CallbackScheduled(agent="maria")


def test_a_closed_time_says_when_it_opens() -> None:
    """The refusal says when somebody is there again, by the calendar."""
    s = wraps_up(center("maria")) >> asks("2027-03-27T12:00")
    s << the.Reply(ok=False, code="outside_hours", result={"opens_date": "2027-03-29", "opens_time": "08:00"})


def test_the_clocks_change_between() -> None:
    """Promised on Friday for Monday at ten, it is due when clocks show ten on Monday: an hour less in between."""
    s = promised(center("maria"), "2027-03-29T10:00")
    at = facts(s, events.CallbackScheduled)[0].due_at
    assert at - START == 3 * DAY - 3600.0
    assert told(s)[0]["center_time"] == "2027-03-29 10:00"
    s = (s >> Elapse(at - s.now - 1)).without(the.CallbackDue())
    s >> Elapse(1) << the.CallbackDue(contact="c2")


def test_an_hour_that_there_is_not() -> None:
    """On the day when clocks go forward half past two does not come."""
    rules = replace(RULES, hours="", customer_hours=())
    s = wraps_up(center("maria", definitions=replace(CENTER, callbacks=rules)))
    s >> asks("2027-03-28T02:30") << the.Reply(ok=False, code="no_such_time")


def test_both_clocks_are_told() -> None:
    """The list says the time by the center's clock, and by the customer's where that differs."""
    s = wraps_up(center("maria")) >> asks("2027-03-26T10:00", zone="customer", number="+12125550100")
    assert [(row["center_time"], row["customer_time"]) for row in told(s)] == [
        ("2027-03-26 15:00", "2027-03-26 10:00")  # New York has summer time already
    ]


# --- whom ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "trunk", "shown"),
    [
        ("", "carrier", "1000"),  # back the way it came
        ("+34 911 000-222", "out", "1000"),
        ("0034911000222", "out", "1000"),
        ("+12125550100", "world", "+34910"),  # as maria may call out
        ("+447700900123", None, ""),
        ("+34806123456", None, ""),  # never
        ("112", None, ""),
        ("+34", None, ""),
        ("nobody", None, ""),
    ],
)
def test_which_numbers(number: str, trunk: str | None, shown: str) -> None:
    """The caller's own, and others that callbacks or this agent may call; any other is refused and nothing is kept."""
    rules = replace(RULES, customer_hours=())
    s = wraps_up(center("maria", definitions=replace(CENTER, callbacks=rules))) >> asks(number=number)
    if trunk is None:
        s.without(the.CallbackRequested()) << the.Reply(ok=False, code="number_not_allowed")
        return
    s = s << the.Reply(ok=True) >> maria.disposes() >> until(s, "2027-03-26T12:00") >> caller.found("c2")
    s >> maria.answers() << the.DialLeg(caller_number=shown, headers={"X-CTI-Trunk": trunk}, fresh=True)


def test_without_a_call() -> None:
    """As a ticket's follow-up: a number, a name, no contact; the queue is one that the agent serves."""
    s = center("maria") >> asks(of="", number="+34911000222", name="Eva", note="ticket 7")
    s = s << the.Reply(ok=True) << the.CallbackRequested(contact="c1", origin="", name="Eva")
    s = s >> until(s, "2027-03-26T12:00") >> caller.found("c1")
    s << the.CallOffered(contact="c1", agent="maria", note="ticket 7")


def test_without_a_call_and_without_a_number() -> None:
    """Nobody would be called."""
    center("maria") >> asks(of="") << the.Reply(ok=False, code="number_not_allowed")


@pytest.mark.parametrize(("of", "agent"), [("c1", "john"), ("c7", "maria")])
def test_of_a_call_that_is_not_on_the_desk(of: str, agent: str) -> None:
    """Nobody learns a number, or has one called, by naming another agent's call."""
    s = wraps_up(center("maria", "john")) >> asks(of=of, agent=agent)
    s.quiet_but_for_replies() << the.Reply(ok=False, code="not_your_call")


def test_a_queue_that_there_is_not() -> None:
    """Refused, and nothing is kept."""
    s = wraps_up(center("maria")) >> asks(queue="nope")
    s.quiet_but_for_replies() << the.Reply(ok=False, code="unknown_queue")


def test_the_same_promised_twice() -> None:
    """A double click is one promise."""
    s = wraps_up(center("maria")) >> asks() << the.CallbackRequested()
    s = s >> asks()
    s.quiet_but_for_replies() << the.Reply(ok=True)
    assert len(told(s)) == 1
