"""The wait estimate of the live center: promised, told to the caller, shown, kept over a restart, and it works."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cti_engine.core import events as ev
from cti_engine.core.call_names import Names
from cti_engine.core.definitions import CenterDefinitions, QueueDefinition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.reporting.wait_calibration import coverage, fold
from cti_engine.core.routing.model import StepRule
from cti_engine.simulation.distributions import Constant, Exponential
from cti_engine.simulation.habits import Call, Handling
from tests.scenarios.playbook import Caller, Desk, Elapse, Restart, Scenario, the
from tests.scenarios.small_center import DEFINITIONS, with_queues
from tests.simulation.centers import call, center, habits, played

one, two, three, four = (Caller(f"w{n}", f"+3460000000{n}") for n in range(1, 5))
maria = Desk("maria")
AT_ONCE = (0.0, 0.0, 0.0)


def arrives(s: Scenario, caller: Caller, contact: str, dnis: str = "1000") -> Scenario:
    return s >> caller.calls(dnis) >> caller.found(contact) >> caller.connects()


def after_a_call(definitions: CenterDefinitions = DEFINITIONS) -> Scenario:
    """Maria has handled one call: rang 5 s, talked 60 s, wrapped up 25 s."""
    s = arrives(Scenario(definitions, ready=("maria",)), one, "c1") << the.CallQueued(promised=AT_ONCE)
    s = s >> maria.rings() >> Elapse(5) >> maria.answers() >> Elapse(60) >> one.hangs_up()
    return s >> maria.is_gone() >> Elapse(25) >> maria.disposes("c1") >> Elapse(1)


def promised(s: Scenario, contact: str) -> tuple[float, float, float] | None:
    return next(e.promised for _, e in s.facts if isinstance(e, ev.CallQueued) and e.contact == contact)


def test_before_anything_is_known_nothing_is_promised() -> None:
    """On the first morning, with the first call still being talked to, the next has no estimate; nor is one shown."""
    s = arrives(Scenario(ready=("maria",)), one, "c1") >> maria.rings() >> maria.answers()
    s = arrives(s, two, "c2") << the.CallQueued(contact="c2", promised=None)
    assert Names(s.center, s.center.contacts["c2"])("queue.ewt") is None
    view = s.acd.queue_view("sales")
    assert view is not None and view.ewt_p50 is None and view.ewt_p80 is None


def test_who_waits_is_promised_a_time_from_what_was_lived_through() -> None:
    """After one call of a minute and a half, one agent and a caller ahead: some minutes, more for who comes later."""
    s = after_a_call()
    s = arrives(s, two, "c2") << the.CallQueued(contact="c2", promised=AT_ONCE)
    s = arrives(arrives(s >> maria.rings() >> maria.answers(), three, "c3"), four, "c4")
    first, second = promised(s, "c3"), promised(s, "c4")
    assert first is not None and second is not None
    assert 30 < first[0] < first[1] < first[2] < 600
    assert all(later > sooner for sooner, later in zip(first, second, strict=True))


def test_the_caller_may_hear_it_and_the_page_shows_it() -> None:
    """`queue.ewt` is what is left, as four of five have it; its minutes are whole; free agents and ringing mean 0."""
    s = arrives(after_a_call() >> maria.is_not_ready() >> Elapse(1), two, "c2")
    ask = Names(s.center, s.center.contacts["c2"])
    assert (
        ask("queue.ewt") is None and ask("queue.ewt_minutes") is None
    )  # nobody serves: not "never", nothing
    s = s >> maria.is_ready() >> maria.rings()
    assert (ask("queue.ewt"), ask("queue.ewt_minutes")) == (0.0, 1)
    s = arrives(s >> maria.answers(), three, "c3")
    told = promised(s, "c3")
    ask = Names(s.center, s.center.contacts["c3"])
    assert told is not None and ask("queue.ewt") == told[1] and ask("queue.ewt_minutes") == -(-told[1] // 60)
    view = s.acd.queue_view("sales")
    assert (
        view is not None and view.ewt_p80 is not None and view.ewt_p80 > told[1]
    )  # a new caller has c3 ahead


def test_the_page_shows_zero_while_somebody_is_free() -> None:
    """Nobody waits and an agent is free: no wait."""
    view = after_a_call().acd.queue_view("sales")
    assert view is not None and (view.ewt_p50, view.ewt_p80) == (0.0, 0.0)


def test_a_step_may_ask_for_the_wait_as_the_call_enters_it() -> None:
    """With a long line the step for whom the estimate is too long is entered; for the first in line it is skipped."""
    condition = Condition(parse("queue.ewt > 10m"))
    steps = (StepRule(consider_if=condition, wait=5_000), StepRule(Condition(parse("agent.id == 'maria'"))))
    queue = QueueDefinition("sales", "Sales", ("maria",), steps=steps)
    s = arrives(after_a_call(with_queues(queue)), two, "c2") >> maria.rings() >> maria.answers()
    step = {}
    for number in range(3, 16):
        caller = Caller(f"w{number}", f"+346000001{number:02}")
        s = arrives(s, caller, f"c{number}")
        step[number] = s.center.contacts[f"c{number}"].standings[0].step
    assert step[3] == 1 and step[15] == 0
    assert list(step.values()) == sorted(step.values(), reverse=True)


def test_a_restart_keeps_what_was_learnt_and_promised() -> None:
    """Killed between two calls: the estimate of the next is the same as without, and the promise is kept on record."""
    stories = []
    for restart in (False, True):
        s = arrives(after_a_call(), two, "c2") >> maria.rings() >> maria.answers()
        s = arrives(s, three, "c3") >> Elapse(20)
        if restart:
            s = s >> Restart(grace=0.0)
        s = arrives(s >> Elapse(1), four, "c4") >> two.hangs_up() >> maria.is_gone() >> maria.disposes("c2")
        s = s >> maria.answers()
        stories.append((promised(s, "c4"), s.center.waits["sales"]))
    assert stories[0] == stories[1]
    assert stories[0][0] is not None
    assert stories[0][1].scores[0].total > 0


def test_no_agent_is_not_for_ever_and_lunch_counts_at_once() -> None:
    """When the agents leave the estimate goes, when they come back it is there again."""
    s = arrives(after_a_call(), two, "c2") >> maria.rings() >> maria.answers()
    before = s.acd.queue_view("sales")
    assert before is not None and before.ewt_p80 is not None
    s = s >> two.hangs_up() >> maria.is_gone() >> maria.disposes("c2") >> maria.is_not_ready()
    gone = s.acd.queue_view("sales")
    assert gone is not None and gone.ewt_p80 is None
    s = s >> maria.is_ready()
    free = s.acd.queue_view("sales")
    assert free is not None and free.ewt_p80 == 0.0


def calls(per_hour: float, hours: float, generator: np.random.Generator) -> list[Call]:
    number = int(generator.poisson(per_hour * hours))
    moments = np.sort(generator.uniform(0.0, hours * 3600.0, number))
    patience = np.rint(generator.exponential(300_000.0, number)).astype(int)
    return [
        call(float(at), key, patience=int(stays))
        for key, (at, stays) in enumerate(zip(moments, patience, strict=True))
    ]


@pytest.mark.parametrize("rona", [0.0, 0.05])
def test_the_wait_estimate_works(rona: float) -> None:
    """Through the whole center, with ringing, wrap-up, hang-ups and missed calls: four of five callers are answered
    within what they were promised; each caller who waited was promised something finite.
    """
    definitions = center(8, QueueDefinition("q", "Q", (), wrap_up=40.0, max_wait=3600.0))
    how = habits(definitions, ring=Constant(4.0), rona=rona, away=Constant(60.0))
    how = replace(
        how,
        groups={"all": replace(how.groups["all"], handling=Handling(Exponential(120.0), Exponential(20.0)))},
    )
    log = played(definitions, how, calls(170.0, 8.0, np.random.default_rng(8)))
    found = fold(log.facts)["q"]
    assert len(found.kept) > 500
    assert found.unknown <= 10
    assert max(each.promised[-1] for each in found.kept) < 3600.0
    shares = [coverage(found.kept, place).value for place in range(3)]
    assert 0.42 < shares[0] < 0.58 and 0.75 < shares[1] < 0.85 and 0.9 < shares[2] < 0.99, shares
