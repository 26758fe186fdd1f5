"""The engine may be killed at any moment (issue 2, 6): a restart at any point of a long story changes nothing."""

from __future__ import annotations

import pytest

from cti_engine.core.signals import PlaybackEnded
from tests.scenarios.playbook import Caller, Desk, Elapse, Restart, Scenario, Step, is_recorded

one, two, three = Caller("w1"), Caller("w2", "+12135550100"), Caller("w3", "")
maria, john, ana = Desk("maria"), Desk("john"), Desk("ana")

STORY: tuple[Step, ...] = (
    maria.registers(),
    maria.opens_page(),
    maria.is_ready(),
    Elapse(3),
    one.calls("2000"),
    Elapse(0.2),
    one.connects(),
    one.found("c1", customer="7", name="Eva", segment="gold"),
    PlaybackEnded("w1", "w1/1", "p1", True),
    Elapse(2),
    two.calls("1001"),
    two.connects(),
    Elapse(0.4),  # two is offered to maria, whose page paints
    maria.sees_offer(),
    maria.rings(),
    one.presses("1"),
    Elapse(5),
    three.calls("3000"),
    three.connects(),
    john.registers(),
    Elapse(1),
    john.is_ready(),  # one is offered to john, who has no page
    john.rings(),
    Elapse(14.5),  # maria has missed two
    maria.fails(487),
    ana.registers(),
    ana.is_ready(),  # ana takes two, the VIP
    ana.rings(),
    Elapse(1),
    ana.answers(),
    Elapse(2),
    john.answers(),
    ana.holds(),
    Elapse(4),
    ana.holds(False),
    ana.is_not_ready(),
    Elapse(6),
    two.hangs_up(),
    ana.is_gone(),
    Elapse(1),
    maria.is_ready(),
    john.asks_hang_up("c1"),
    one.is_gone(),
    john.is_gone(),
    Elapse(2),
    is_recorded,
    john.disposes("c1", note="a note"),
    Elapse(31),  # ana's wrap-up is over; three hears music
    ana.is_ready(),  # and is offered
    ana.rings(),
    Elapse(1),
    three.hangs_up(),
    ana.fails(487),
    Elapse(31),
)


def told(restart_before: int | None) -> Scenario:
    s = Scenario()
    for number, step in enumerate(STORY):
        if number == restart_before:
            s = (s >> Restart(grace=0.0)).quiet()
        s = s >> step
    return s


UNBROKEN = told(None)


def test_the_story_is_a_full_one() -> None:
    """Three calls: a missed offer, two conversations with hold, recording and both ends of wrap-up, an abandon."""
    kinds = {type(fact).__name__ for _, fact in UNBROKEN.facts}
    assert {"AgentRona", "CallRequeued", "CallBridged", "CallHeld", "WrapUpEnded", "CallAbandoned"} <= kinds
    assert set(UNBROKEN.store.cdrs) == {"c1", "c2", "c3"}


@pytest.mark.parametrize("moment", range(len(STORY)))
def test_a_restart_at_any_moment_changes_nothing(moment: int) -> None:
    """Killed before this step and loaded again: the same commands, facts, times, ids and records as without."""
    s = told(moment)
    assert s.commands == UNBROKEN.commands
    assert s.facts == UNBROKEN.facts
    assert s.store.cdrs == UNBROKEN.store.cdrs


def test_restarts_before_every_step_change_nothing() -> None:
    """Not even when the engine is killed all the time."""
    s = Scenario()
    for step in STORY:
        s = (s >> Restart(grace=0.0)).quiet() >> step
    assert (s.facts, s.commands) == (UNBROKEN.facts, UNBROKEN.commands)
