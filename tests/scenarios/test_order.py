"""Who is served first, and by whom: one fixed order, whatever the moment of asking."""

from __future__ import annotations

from cti_engine.core.signals import TimePassed
from tests.scenarios.playbook import Caller, Desk, Elapse, Scenario, the

one, two, three = Caller("w1"), Caller("w2"), Caller("w3")
maria, john, ana = Desk("maria"), Desk("john"), Desk("ana")


def arrives(s: Scenario, caller: Caller, contact: str, dnis: str = "1000") -> Scenario:
    return s >> caller.calls(dnis) >> caller.found(contact) >> caller.connects()


def test_two_calls_one_agent_the_oldest_first() -> None:
    """The agent who becomes free gets the call that has waited longest, then the next."""
    s = arrives(Scenario(), one, "c1") >> Elapse(1)
    s = arrives(s, two, "c2") << the.CallQueued(position=2)
    s = s >> Elapse(1) >> maria.registers() >> maria.is_ready() << the.CallOffered(contact="c1", waited_s=2.0)
    s.without(the.CallOffered(contact="c2"))
    s = s >> maria.answers() >> one.hangs_up() >> maria.disposes() << the.CallOffered(contact="c2")


def test_priority_goes_before_time() -> None:
    """A call on a VIP number is placed before those that came earlier on others."""
    s = arrives(Scenario(), one, "c1")
    s = arrives(s, two, "c2", "1001") << the.CallQueued(contact="c2", priority=10, position=1)
    s = s >> maria.registers() >> maria.is_ready() << the.CallOffered(contact="c2")


def test_over_several_queues_the_oldest_call_of_the_highest_priority() -> None:
    """An agent of two queues serves them as one line."""
    s = arrives(Scenario(), one, "c1", "3000") >> Elapse(1)
    s = arrives(s, two, "c2") >> Elapse(1)
    s = arrives(s, three, "c3", "1001")
    s = s >> ana.registers() >> ana.is_ready() << the.CallOffered(contact="c3", queue="sales")
    s = s >> ana.fails(486) >> ana.is_ready() << the.CallOffered(contact="c1", queue="support")


def test_the_longest_idle_agent_first() -> None:
    """With agents waiting, the call goes to who has been idle longest, not always to the first."""
    s = Scenario(ready=("john", "ana", "maria"))
    s = arrives(s, one, "c1") << the.CallOffered(agent="john")
    s = arrives(s, two, "c2") << the.CallOffered(agent="ana")
    s = s >> john.answers() >> one.hangs_up() >> Elapse(5) >> john.disposes()
    s = arrives(s, three, "c3") << the.CallOffered(agent="maria")


def test_an_abandoned_offer_keeps_the_idle_clock() -> None:
    """Who was rung in vain is rung first again."""
    s = arrives(Scenario(ready=("john", "maria")), one, "c1") << the.CallOffered(agent="john")
    s = s >> john.rings() >> Elapse(4) >> one.hangs_up() >> john.fails(487)
    s = arrives(s, two, "c2") << the.CallOffered(agent="john")


def test_two_agents_never_get_the_same_call() -> None:
    """A call on offer is not offered to an agent who becomes free meanwhile."""
    s = arrives(Scenario(ready=("john",)), one, "c1") >> john.rings()
    (s >> maria.registers() >> maria.is_ready()).without(the.CallOffered())


def test_two_agents_become_free_for_two_calls() -> None:
    """Each gets a call of their own, in order."""
    s = arrives(arrives(Scenario(), one, "c1"), two, "c2")
    s = s >> maria.registers() >> maria.is_ready() << the.CallOffered(contact="c1", agent="maria")
    s = s >> john.registers() >> john.is_ready() << the.CallOffered(contact="c2", agent="john")


def test_a_newcomer_stands_in_the_middle_of_the_idle_order() -> None:
    """Logging out and in again is no way to the head, and no punishment either."""
    s = Scenario(ready=("maria", "john")) >> Elapse(60) >> ana.registers() >> ana.is_ready()
    clocks = {a.id: a.idle_since for a in s.center.agents.values()}
    assert sorted(clocks, key=lambda agent: clocks[agent]) == ["maria", "john", "ana"]
    s = s >> maria.logs_out() >> maria.is_ready()
    assert s.center.agents["maria"].idle_since > clocks["ana"]


def test_queues_are_not_served_by_strangers() -> None:
    """Only members get a queue's calls."""
    arrives(Scenario(ready=("maria", "john")), one, "c1", "3000").without(the.CallOffered())


def test_the_counts_of_the_day_begin_anew_at_midnight_with_whoever_waits() -> None:
    """Over midnight the identity holds: waiting calls are offered on the new day; the views are told."""
    s = arrives(Scenario(), one, "c1") >> Elapse(1) >> two.calls("5000") >> two.found("c2") >> two.connects()
    s = s >> two.hangs_up() << the.CallAbandoned()
    assert (s.center.queues["strict"].abandoned, s.center.queues["sales"].offered) == (1, 1)
    day = s.center.queues["sales"].day
    s = s >> Elapse(10) >> one.presses("1")
    s.now += 15 * 3600.0  # nothing due in between is let happen: only the day is in question here
    waited = s.acd.handle(one.presses("1"), s.now)
    assert s.center.queues["strict"].abandoned == 0 and s.center.queues["strict"].offered == 0
    assert s.center.queues["sales"].day == day + 1
    assert "strict" in waited.queues


def test_midnight_is_due_although_nothing_happens() -> None:
    """The counts of a quiet night begin anew at the center's own midnight, and the views are told."""
    midnight = 20_001 * 86_400.0
    s = arrives(Scenario(start=midnight - 5.0), one, "c1") >> one.hangs_up() << the.CallAbandoned()
    s.acd.center.utc_offset = -3600.0
    assert s.acd.next_deadline() == midnight + 3600.0
    s.now = midnight + 3600.0
    told = s.acd.handle(TimePassed(), s.now)
    assert s.center.queues["sales"].abandoned == 0 and "sales" in told.queues
    assert s.acd.next_deadline() == midnight + 25 * 3600.0


def test_a_late_fact_of_yesterday_does_not_take_the_day_back() -> None:
    """A hang-up from before midnight that arrives after it counts today; today's counts stay."""
    midnight = 20_001 * 86_400.0
    s = arrives(Scenario(start=midnight - 5.0), one, "c1") >> Elapse(10)
    s = arrives(s, two, "c2", "1000")
    assert s.center.queues["sales"].offered == 2
    s.acd.handle(one.hangs_up(), s.now, midnight - 1.0)
    counts = s.center.queues["sales"]
    assert (counts.offered, counts.abandoned, counts.day) == (2, 1, 20_001)
