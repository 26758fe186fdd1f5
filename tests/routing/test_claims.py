"""What calls may bring to a queue, by all that the admin wrote; and shift hours as people read them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cti_engine.core.definitions import (
    CallLimits,
    CenterDefinitions,
    DialledNumber,
    OverflowLink,
    PriorityRule,
    QueueDefinition,
    Shift,
)
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.ivr.flow import EndCall, EnterQueue, Flow
from cti_engine.core.routing.claims import claims_of
from cti_engine.core.routing.model import StepRule
from cti_engine.core.routing.shift_hours import WEEK, ShiftWeek, say_hours
from cti_engine.core.routing.starvation import Claim


def flow(name: str, queue: str, priority: int = 0) -> Flow:
    return Flow(name, "1", ("en",), "go", {"go": EnterQueue(queue, None, priority)})


BASE = CenterDefinitions(
    version="1",
    agents={},
    queues={name: QueueDefinition(name, name, ()) for name in ("a", "b")},
    dialled_numbers={
        "1": DialledNumber("1", "to_a", "en", priority=5),
        "2": DialledNumber("2", "to_b", "en", priority=60, head_start=30.0),
    },
    flows={"to_a": flow("to_a", "a"), "to_b": flow("to_b", "b", 7)},
    limits=CallLimits(maximum_length=3600.0),
)


def rule(when: str, add: int, head_start: float = 0.0) -> PriorityRule:
    return PriorityRule(Condition(parse(when)), add, head_start)


def test_numbers_count_where_their_flows_lead() -> None:
    """The VIP number of b is no claim in a; the points of its enqueue step count."""
    claims = claims_of(BASE)
    assert (claims["a"].least, claims["a"].most) == (5, (Claim(5, 0),))
    assert (claims["b"].least, claims["b"].most) == (67, (Claim(67, 30_000),))


def test_rules_that_exclude_each_other_never_add_up() -> None:
    """Gold or silver, and either may be known too; a negative one counts for the least."""
    rules = (
        rule('call.segment == "gold"', 100),
        rule('call.segment == "silver"', 40),
        rule("call.known", 3, 10.0),
        rule("call.value < 0", -20),
    )
    claims = claims_of(replace(BASE, priorities=rules))
    assert claims["a"].most == (Claim(108, 10_000),)
    assert claims["a"].least == 5 - 20


def test_raised_points_count_on_both_sides() -> None:
    """At least one step is entered, at most all of them."""
    steps = tuple(StepRule(wait=1000, raise_priority=points) for points in (2, 10, -4))
    queues = {**BASE.queues, "a": replace(BASE.queues["a"], steps=steps)}
    claims = claims_of(replace(BASE, queues=queues))
    assert (claims["a"].least, claims["a"].most) == (5 - 4, (Claim(5 + 12, 0),))


def test_calls_that_are_lent_bring_what_is_theirs() -> None:
    """b's calls wait in a too: with b's number and points."""
    claims = claims_of(replace(BASE, overflow=(OverflowLink("b", "a", open_wait=60.0),)))
    assert claims["a"].most == (Claim(67, 30_000),)
    assert claims["a"].least == 5


def test_who_waited_elsewhere_before_may_have_waited_for_the_longest_call() -> None:
    """Into b come calls that have waited in a; into a nobody."""
    queues = {**BASE.queues, "a": replace(BASE.queues["a"], on_time_out="to_b", max_wait=120.0)}
    claims = claims_of(replace(BASE, queues=queues))
    assert (claims["a"].longest_wait, claims["b"].longest_wait) == (120_000, 3_600_000)
    ends = {**BASE.flows, "to_b": Flow("to_b", "1", ("en",), "go", {"go": EndCall()})}
    assert claims_of(replace(BASE, queues=queues, flows=ends))["b"].longest_wait == 600_000


@pytest.mark.parametrize(
    ("shifts", "said"),
    [
        ([Shift("s", (0, 1, 2, 3, 4), 480, 960)], "mon-fri 08:00-16:00"),
        ([Shift("s", (0, 2), 480, 960), Shift("t", (2,), 960, 1080)], "mon 08:00-16:00, wed 08:00-18:00"),
        ([Shift("s", (6,), 1320, 360)], "sun 22:00-06:00"),
        ([Shift("s", (5, 6), 0, 1440)], "sat 00:00 to mon 00:00"),
        ([Shift("s", (4,), 1080, 1440), Shift("t", (5,), 0, 480)], "fri 18:00-08:00"),
        ([Shift("s", tuple(range(7)), 0, 1440)], "at any hour"),
        ([], ""),
    ],
)
def test_hours_are_merged_and_said_by_day(shifts: list[Shift], said: str) -> None:
    """Contiguous minutes are one span, over midnight and over the end of the week too; equal days are joined."""
    named = {f"s{number}": replace(shift, id=f"s{number}") for number, shift in enumerate(shifts)}
    assert say_hours(ShiftWeek(named, named).open) == said


def test_an_agent_without_a_shift_works_at_any_hour() -> None:
    """So does one whose shift is not known; nobody at all works never."""
    week = ShiftWeek({"s": Shift("s", (0,), 480, 960)}, ["s", ""])
    assert int(np.count_nonzero(week.open)) == 480
    assert week.worked(["s", ""]).all() and not week.worked([]).any()
    assert len(week.worked(["gone"])) == WEEK and week.worked(["gone"]).all()
