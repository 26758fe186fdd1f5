"""A callback that an agent promises: at its time, and everything that comes between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core import events, signals
from cti_engine.core.callback_signals import (
    CancelCallbackRequested,
    MoveCallbackRequested,
)
from cti_engine.core.definitions import (
    CallMeRules,
)
from tests.scenarios.playbook import (
    Caller,
    Elapse,
    Install,
    Restart,
    Scenario,
    is_recorded,
    the,
)
from tests.scenarios.promises import (
    CENTER,
    GRACE,
    START,
    WORKER,
    asks,
    caller,
    center,
    customer,
    facts,
    john,
    maria,
    promised,
    told,
    until,
    wraps_up,
)

# --- at its time -------------------------------------------------------------------------------------


def test_the_agent_who_has_promised_makes_it() -> None:
    """Promised in wrap-up for noon: at noon the pop says who, why and by whom promised; the phone of that agent rings,
    then the customer's, by the trunk of the call and under the number that was dialled; both talk; it is in the record.
    """
    s = wraps_up(center("maria", "john")) >> asks(note="the offer for two") >> maria.disposes()
    s = s >> maria.opens_page()
    assert [fact.due_at for fact in facts(s, events.CallbackScheduled)] == [START + 7200]
    s = (s >> until(s, "2027-03-26T11:59:59")).without(the.CallOffered())
    s = (
        s
        >> Elapse(1)
        << the.CallbackDue(contact="c2", agent="maria", own=True)
        << the.LookUp(number=caller.ani)
    )
    s = s >> caller.found("c2", name="Eva") << the.CallQueued(contact="c2", queue="sales")
    s = s << the.CallOffered(
        contact="c2", agent="maria", kind="callback", name="Eva", purpose="appointment", by="maria",
        note="the offer for two",
    )  # fmt: skip
    s = s >> maria.sees_offer() >> maria.rings() >> maria.answers()
    s = s << the.DialLeg(target=caller.ani, caller_number="1000", headers={"X-CTI-Trunk": "carrier"})
    s = s >> Elapse(6) >> customer("answers") << the.CallBridged(contact="c2", agent="maria", queue="sales")
    s = s << the.CallbackEnded(outcome="reached", attempts=1, agent="maria")
    assert not told(s)
    s = s >> Elapse(30) >> customer("ends") >> maria.is_gone() >> is_recorded >> maria.disposes("c2")
    record = s.record("c2")
    assert (record["kind"], record["origin"], record["promised_by"]) == ("callback", "c1", "maria")
    assert (record["due_at"], record["outcome"], record["talk_s"]) == (START + 7200, "answered", 30.0)


def test_the_agent_is_logged_out_at_the_time() -> None:
    """Whoever serves the queue makes it then, at once."""
    s = promised(center("maria", "john")) >> maria.logs_out()
    s = s >> until(s, "2027-03-26T12:00") >> caller.found("c2")
    s << the.CallOffered(contact="c2", agent="john", purpose="appointment", by="maria")


def test_the_agent_talks_at_the_time_and_is_free_in_time() -> None:
    """It waits for that agent alone, though others are free, as long as the grace lasts; then it comes before calls."""
    s = promised(center("maria")) >> until(promised(center("maria")), "2027-03-26T11:59")
    other = Caller("w5", "+34600000005")
    s = s >> other.calls("1000") >> other.connects() >> other.found("c3") >> maria.answers()
    s = s >> john.registers() >> john.is_ready()
    s = (s >> Elapse(60) >> caller.found("c2")).without(the.CallOffered())
    s = (s >> Elapse(GRACE - 10)).without(the.CallOffered())
    s = (
        s
        >> john.is_not_ready()
        >> Caller("w6").calls("1000")
        >> Caller("w6").connects()
        >> caller.found("c4")
    )
    s = s >> other.hangs_up() >> maria.is_gone() >> maria.disposes("c3")
    s << the.CallOffered(contact="c2", agent="maria")


@pytest.mark.parametrize("busy", ["talking", "not_ready"])
def test_the_grace_is_over(busy: str) -> None:
    """Who does not get free in time is not waited for any longer: it is the queue's."""
    s = promised(center("maria", "john")) >> maria.is_not_ready()
    if busy == "talking":
        s = s >> maria.is_ready() >> until(s, "2027-03-26T11:59") >> john.is_not_ready()
        other = Caller("w5", "+34600000005")
        s = s >> other.calls("1000") >> other.connects() >> other.found("c3") >> maria.answers()
        s = s >> john.is_ready()
    s = (s >> until(s, "2027-03-26T12:00") >> caller.found("c2")).without(the.CallOffered())
    s = (s >> Elapse(GRACE - 1)).without(the.CallOffered())
    s >> Elapse(1) << the.CallQueued(contact="c2") << the.CallOffered(contact="c2", agent="john")


def test_the_agent_goes_in_the_grace() -> None:
    """Logged out while it waits for them: it waits no longer."""
    s = promised(center("maria", "john")) >> maria.is_not_ready()
    s = (s >> until(s, "2027-03-26T12:00") >> caller.found("c2")).without(the.CallOffered())
    s >> maria.logs_out() << the.CallOffered(contact="c2", agent="john")


def test_for_the_queue() -> None:
    """Not for oneself: any agent of the queue makes it, by the queue's usual rules."""
    s = promised(center("maria", "john"), own=False)
    s = s >> until(s, "2027-03-26T12:00") >> caller.found("c2")
    s << the.CallQueued(contact="c2", queue="sales") << the.CallOffered(contact="c2", agent="john")


def test_two_are_due_at_once() -> None:
    """One after the other by the same agent while the grace lasts; the second is the queue's when it is over."""
    s = promised(center("maria"))
    s = s >> asks(of="", number="+34911000222") << the.Reply(ok=True)
    s = (
        s
        >> until(s, "2027-03-26T12:00")
        >> caller.found("c2")
        << the.CallOffered(contact="c2", agent="maria")
    )
    s = (s >> caller.found("c3")).without(the.CallOffered())
    s = s >> maria.rings() >> maria.answers() >> customer("answers") >> john.registers() >> john.is_ready()
    s = (s >> Elapse(GRACE - 1)).without(the.CallOffered())
    s >> Elapse(1) << the.CallOffered(contact="c3", agent="john")


def test_the_own_agent_misses_it() -> None:
    """RONA: the queue has it, and the agent who missed it is not asked again at once."""
    s = promised(center("maria", "john"))
    s = s >> until(s, "2027-03-26T12:00") >> caller.found("c2") >> maria.rings()
    s = s >> Elapse(20) << the.AgentRona(agent="maria") << the.CallRequeued(contact="c2")
    s << the.CallOffered(contact="c2", agent="john")


def test_the_customer_is_busy() -> None:
    """Tried again after the pause, by the same agent before all others; given up after the last try."""
    s = promised(center("maria", "john"))
    s = s >> until(s, "2027-03-26T12:00") >> caller.found("c2") >> maria.answers()
    s = s >> customer("fails", code=486) << the.CallbackAttempted(agent="maria", outcome="busy", attempt=1)
    s = s >> maria.is_gone() >> Elapse(59)
    assert s.center.contacts["c2"].state == "resting"
    s = s >> Elapse(1) << the.CallOffered(contact="c2", agent="maria") >> maria.answers()
    s = (
        s
        >> customer("fails", code=603)
        << the.CallbackEnded(outcome="not_reached", attempts=2, agent="maria")
    )
    assert s.center.agents["maria"].available


def test_the_own_agent_is_busy_at_the_second_try() -> None:
    """It rests on for the grace, and stands where it stood when that is over."""
    s = promised(center("maria", "john"))
    s = s >> until(s, "2027-03-26T12:00") >> caller.found("c2") >> maria.answers()
    s = s >> customer("fails", code=486) >> maria.is_gone() >> maria.is_not_ready()
    s = (s >> Elapse(60 + GRACE - 1)).without(the.CallOffered())
    s >> Elapse(1) << the.CallRequeued(contact="c2") << the.CallOffered(contact="c2", agent="john")


def test_nobody_is_there_for_long() -> None:
    """After `within` from its time it is given up, as any callback."""
    s = promised(center("maria")) >> maria.logs_out()
    s = s >> until(s, "2027-03-26T12:00") >> caller.found("c2")
    s = s >> Elapse(3600) << the.CallbackEnded(outcome="expired", attempts=0, waited_s=3600.0, agent="maria")
    assert s.record("c2")["cause"] == "system/callback_expired"


def test_no_worker_is_free() -> None:
    """It comes up again, for the same agent."""
    s = promised(Scenario(CENTER, ready=("maria", "john"), start=START))
    s = s >> until(s, "2027-03-26T12:00")
    s = (s >> caller.found("c2")).without(the.DialLeg(target="john"))
    s >> signals.WorkerSeen(WORKER) >> Elapse(2.1) << the.DialLeg(target="maria", worker=WORKER)


@pytest.mark.parametrize("before", ["scheduled", "away", "due", "held", "offered", "calling", "resting"])
def test_the_engine_is_killed(before: str) -> None:
    """Nothing that was promised is lost, whenever it is; due while nobody looked, it comes up at the start."""
    s = promised(center("maria"))
    if before == "scheduled":
        s = s >> Restart()
    s = s >> Restart(away=8000.0) if before == "away" else s >> until(s, "2027-03-26T12:00")
    s = s >> Elapse(2 if before == "away" else 0.1)
    if before == "due":
        s = s >> Restart()
    s = s >> maria.is_not_ready() >> caller.found("c2")
    if before == "held":
        s = s >> Restart()
    s = s >> maria.is_ready() << the.CallOffered(contact="c2", agent="maria")
    if before == "offered":
        s = s >> Restart()
    s = s >> maria.answers()
    if before == "calling":
        s = s >> Restart()
    s = s >> customer("fails", code=486) >> maria.is_gone() >> maria.is_not_ready() >> Elapse(61)
    if before == "resting":
        s = s >> Restart()
    s = s >> maria.is_ready() >> maria.answers() >> customer("answers")
    assert (s.center.contacts["c2"].state, s.center.contacts["c2"].agent) == ("talking", "maria")


def test_a_reload_takes_the_agent_away() -> None:
    """What they have promised is the queue's."""
    s = promised(center("maria", "john"))
    agents = {name: each for name, each in CENTER.agents.items() if name != "maria"}
    queue = replace(CENTER.queues["sales"], members=("john", "ana"))
    s = s >> Install(replace(CENTER, version="2", agents=agents, queues={**CENTER.queues, "sales": queue}))
    s = s >> until(s, "2027-03-26T12:00") >> caller.found("c2")
    s << the.CallOffered(contact="c2", agent="john")


def test_a_reload_takes_the_queue_away() -> None:
    """Its agent has it all the same, as one of another queue."""
    s = promised(center("maria", "ana"))
    slow = replace(CENTER.queues["slow"], members=("maria",))
    queues = {"support": CENTER.queues["support"], "slow": slow}
    s = s >> Install(replace(CENTER, version="2", queues=queues))
    s = s >> until(s, "2027-03-26T12:00") >> caller.found("c2")
    s << the.CallQueued(contact="c2", queue="slow") << the.CallOffered(contact="c2", agent="maria")


# --- changed before, or in between -------------------------------------------------------------------------


def test_moved() -> None:
    """To another time that may be; then only that counts."""
    s = promised(center("maria")) >> MoveCallbackRequested("move", "maria", "c2", "2027-03-26T07:00")
    s = s << the.Reply(ok=False, code="time_is_past")
    s = s >> MoveCallbackRequested("move", "maria", "c2", "2027-03-26T13:00") << the.Reply(ok=True)
    s = s << the.CallbackScheduled(contact="c2", due_at=START + 3 * 3600)
    s = (s >> until(s, "2027-03-26T12:00")).without(the.CallbackDue())
    s = s >> until(s, "2027-03-26T13:00") << the.CallbackDue(contact="c2")
    s >> MoveCallbackRequested("move", "maria", "c2", "2027-03-26T14:00") << the.Reply(code="wrong_state")


def test_cancelled() -> None:
    """It is never made, and its record says who has ended it."""
    s = promised(center("maria")) >> CancelCallbackRequested("cancel", "maria", "c2") << the.Reply(ok=True)
    s = s << the.CallbackEnded(contact="c2", outcome="cancelled", attempts=0, agent="maria")
    record = s.record("c2")
    assert (record["cause"], record["outcome"]) == ("agent/callback_cancelled", "cancelled")
    s = s >> CancelCallbackRequested("again", "maria", "c2") << the.Reply(ok=False, code="unknown_callback")
    (s >> until(s, "2027-03-26T12:01")).without(the.CallOffered())


@pytest.mark.parametrize("state", ["held", "queued", "offered", "calling", "resting"])
def test_cancelled_when_it_is_due(state: str) -> None:
    """In the grace, in the queue, or while a phone rings, the customer's too: phones are hung up, the agent is free."""
    s = promised(center("maria"))
    if state == "held":
        s = s >> maria.is_not_ready()
    if state == "queued":
        s = s >> maria.logs_out()
    s = s >> until(s, "2027-03-26T12:00") >> caller.found("c2")
    if state in ("calling", "resting"):
        s = s >> maria.rings() >> maria.answers()
    if state == "resting":
        s = s >> customer("fails", code=486) >> maria.is_gone()
    s = s >> CancelCallbackRequested("cancel", "maria", "c2") << the.Reply(ok=True)
    s = s << the.CallbackEnded(contact="c2", outcome="cancelled")
    assert s.center.agents["maria"].state == "idle"
    while ending := [leg for leg in s.center.legs.values() if leg.state == "ending"]:
        s = s >> signals.LegEnded(ending[0].worker, ending[0].id, "local")
    assert s.record("c2")["cause"] == "agent/callback_cancelled"
    assert not s.center.held and not s.center.appointments


def test_too_late_to_cancel() -> None:
    """Both talk: there is nothing to cancel."""
    s = promised(center("maria")) >> until(promised(center("maria")), "2027-03-26T12:00")
    s = s >> caller.found("c2") >> maria.answers() >> customer("answers")
    s = s >> CancelCallbackRequested("cancel", "maria", "c2")
    s.quiet_but_for_replies() << the.Reply(ok=False, code="wrong_state")


@pytest.mark.parametrize("request_", [CancelCallbackRequested, MoveCallbackRequested])
def test_another_agents_promise(request_: type) -> None:
    """Who has not promised it, and does not talk with that customer, changes nothing of it."""
    s = promised(center("maria", "john"))
    args = ("2027-03-26T13:00",) if request_ is MoveCallbackRequested else ()
    s = s >> request_("q", "john", "c2", *args)
    s.quiet_but_for_replies() << the.Reply(ok=False, code="not_your_callback")
    assert not told(s, "john") and [row["callback"] for row in told(s)] == ["c2"]


def test_the_customer_calls_before() -> None:
    """The pop of whoever gets that call shows what was promised, when, by whom and why; settled there, it is over."""
    s = promised(center("maria"), note="the offer for two") >> maria.logs_out()
    s = s >> john.registers() >> john.is_ready() >> Elapse(600)
    again = Caller("w5", caller.ani)
    s = s >> again.calls("1000") >> again.connects() >> again.found("c3")
    shown = {
        "callback": "c2", "due_at": START + 7200, "by": "maria", "by_name": "Maria", "own": True, "queue": "sales",
        "note": "the offer for two",
    }  # fmt: skip
    s = s << the.CallOffered(contact="c3", agent="john", appointments=(shown,))
    s = s >> CancelCallbackRequested("q", "ana", "c2") << the.Reply(ok=False, code="not_your_callback")
    s = s >> john.answers() >> CancelCallbackRequested("q", "john", "c2", settled=True) << the.Reply(ok=True)
    s = s << the.CallbackEnded(contact="c2", outcome="settled", agent="maria")
    assert s.record("c2")["cause"] == "agent/callback_settled"
    s = s >> Elapse(10) >> again.hangs_up() >> john.is_gone() >> is_recorded >> john.disposes("c3")
    (s >> until(s, "2027-03-26T12:01")).without(the.CallOffered())


def test_a_stranger_learns_nothing() -> None:
    """A caller of another number, or none, brings no promise into the pop."""
    s = promised(center("maria"))
    for worker, ani, contact in (("w5", "+34600000099", "c3"), ("w6", "", "c4")):
        other = Caller(worker, ani)
        s = s >> other.calls("1000") >> other.connects() >> other.found(contact) >> Elapse(1)
        s = s >> other.hangs_up()
    shown = [fact.appointments for fact in facts(s, events.CallOffered)]
    assert len(shown) >= 2 and not any(shown)


def test_the_web_is_not_told_of_it() -> None:
    """Who asks on the web to be called now is not answered with what is promised for later."""
    s = promised(center("maria"))
    assert [c.state for c in s.center.contacts.values() if c.kind == "callback"] == ["scheduled"]
    s = s >> Install(replace(CENTER, version="2", call_me=CallMeRules(("sales",))))
    (
        s
        >> signals.CallMeRequested("web", caller.ani, "sales")
        << the.CallbackRequested(contact="c3", source="web")
    )
