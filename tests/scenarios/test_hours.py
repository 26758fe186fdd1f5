"""Calendars and re-callers as flows find them, in a center that runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core.commands import PlayPrompts
from cti_engine.core.events import IvrStepEntered
from cti_engine.core.hours import DAY, Calendar, SpecialDay, Zone
from cti_engine.core.signals import PlaybackEnded
from tests.core_ivr.caller import flow_of
from tests.scenarios.playbook import START, Caller, Elapse, Install, Scenario, the
from tests.scenarios.small_center import with_flows, with_number

BERLIN = Zone("Europe/Berlin", (), (2 * 3600,))
NINE_TO_TWO: tuple[tuple[tuple[int, int], ...], ...] = (((9 * 3600, 14 * 3600),),) * 7
TODAY = int(START // DAY)
GATE = flow_of(
    """
    start: gate
    steps:
      gate: {hours: {calendar: office, open: come_in, closed: sorry, holiday: holiday}}
      come_in: {enqueue: sales}
      sorry:
        say: "We open again on {hours.office.opens_date|date} at {hours.office.opens_time|time}."
        next: again
      holiday: {say: "Today is a holiday.", next: again}
      again: {branch: [{when: 'hours.office == "open"', go_to: come_in}, {else: bye}]}
      bye:
        hang_up:
    """,
    "gate",
)
caller = Caller()


def office(**what: object) -> Calendar:
    return replace(Calendar("office", BERLIN, NINE_TO_TWO), **what)  # type: ignore[arg-type]


def center(calendar: Calendar, *, at: float = START) -> Scenario:
    definitions = with_number("9000", "gate", with_flows(GATE))
    found = Scenario(replace(definitions, calendars={"office": calendar}), start=at)
    return found >> caller.calls("9000") >> caller.found("c1") >> caller.connects()


def steps(s: Scenario) -> list[str]:
    return [fact.step for _, fact in s.facts if isinstance(fact, IvrStepEntered)]


def test_an_hours_step_goes_by_the_clock_on_the_calendars_wall() -> None:
    """At ten UTC it is noon in Berlin: open until two. At noon UTC the office has closed a moment ago."""
    center(office()) << the.CallQueued(queue="sales")
    s = center(office(), at=START + 2 * 3600)
    assert steps(s) == ["gate", "sorry"]
    (played,) = [c for c in s.commands if isinstance(c, PlayPrompts)]
    said = " ".join(prompt.value for prompt in played.prompts)
    assert "October fifth" in said and "nine" in said  # the day after 2024-10-04


def test_a_holiday_has_a_way_of_its_own() -> None:
    """A day with a name and without hours."""
    closed = office(days={TODAY: SpecialDay((), {"en": "Day of Unity"})})
    assert steps(center(closed)) == ["gate", "holiday"]


def test_a_condition_asks_anew_and_a_reload_counts_at_once() -> None:
    """Who hears that the office is closed goes in when an admin has ended the emergency meanwhile."""
    s = center(office(closed_until=START + 7200))
    assert steps(s) == ["gate", "sorry"]
    s = s >> Install(replace(s.definitions, calendars={"office": office()}))
    (played,) = [c for c in s.commands if isinstance(c, PlayPrompts)]
    s = s >> PlaybackEnded(played.worker, played.leg, played.playback, True) << the.CallQueued(queue="sales")


def test_a_calendar_that_is_gone_is_unknown_and_nothing_stops() -> None:
    """A running call whose calendar was taken away takes the way that is always there."""
    s = center(office())
    s.acd.center.definitions = replace(s.definitions, calendars={})
    second = Caller("w2", "600999999")
    s >> second.calls("9000") >> second.found("c2") >> second.connects()
    assert steps(s)[-3:] == ["sorry", "again", "bye"]  # a sentence without its date is left out


@pytest.mark.parametrize(("away", "greeted"), [(30.0, True), (90.0, False)])
def test_who_calls_again_in_time_is_known(away: float, greeted: bool) -> None:
    """`call.re_caller` is so from giving up until `re_caller_within` is over."""
    again = flow_of(
        """
        start: known
        steps:
          known: {branch: [{when: call.re_caller, go_to: hello}, {else: wait}]}
          hello: {say: "You keep your place.", next: wait}
          wait: {enqueue: sales}
        """,
        "again",
    )
    definitions = replace(with_number("9000", "again", with_flows(again)), re_caller_within=60.0)
    s = Scenario(definitions) >> caller.calls("9000") >> caller.found("c1") >> caller.connects()
    s = s >> Elapse(20) >> caller.hangs_up() >> Elapse(away)
    second = Caller("w2", caller.ani)
    s = s >> second.calls("9000") >> second.found("c2") >> second.connects()
    assert ("hello" in steps(s)) is greeted
