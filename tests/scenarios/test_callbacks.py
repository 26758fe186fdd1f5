"""A caller leaves the line and keeps the place: asked for, dialled in turn, tried again, reached or given up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core import commands, signals
from cti_engine.core.contact import Contact
from cti_engine.core.definitions import AgentDefinition, CallbackRules, CenterDefinitions
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.ivr.flow import AskCallback, Choice, EndCall, EnterQueue, Menu, Say, Spoken, Template
from cti_engine.core.routing.model import StepRule
from tests.scenarios.playbook import (
    START,
    Caller,
    Deferred,
    Desk,
    Elapse,
    Install,
    Restart,
    Scenario,
    dialog,
    is_recorded,
    the,
)
from tests.scenarios.small_center import DEFINITIONS, flow, spoken, with_flows, with_number, with_queues

maria, john = Desk("maria"), Desk("john")
first, second, third = Caller("w1"), Caller("w2", "+34600000002"), Caller("w3", "+34600000003")
WORKER = "w9"
"""Says hello and serves nobody."""

OFFER = Menu(
    prompt=spoken("Press one and we call you back."),
    choices={"1": Choice("ask", {"en": "call me back"})},
    no_input="offer",
    no_match="offer",
)
ASK = AskCallback(
    Template((Spoken("call.ani", ""),)), "told", "not_told", within=3600.0, tries=2, retry_after=60.0
)
TREATMENT = flow(
    "waits",
    offer=OFFER,
    ask=ASK,
    told=Say(spoken("We call you back."), "bye"),
    not_told=Say(spoken("That is not possible."), "offer"),
    bye=EndCall(),
)
CENTER: CenterDefinitions = replace(
    with_queues(
        replace(DEFINITIONS.queues["sales"], treatment="waits", wrap_up=0.0),
        base=with_flows(TREATMENT),
    ),
    callbacks=CallbackRules(numbers=("+34",), ring_timeout=25.0),
)


def require(text: str) -> Condition:
    return Condition(parse(text))


def center(*ready: str, definitions: CenterDefinitions = CENTER, worker: bool = True) -> Scenario:
    s = Scenario(definitions, ready=ready)
    return s >> signals.WorkerSeen(WORKER) if worker else s


def waits(s: Scenario, caller: Caller, contact: str, source: str = "trunk:carrier") -> Scenario:
    s = s >> signals.InviteReceived(caller.worker, caller.leg, caller.ani, "1000", source=source)
    return s >> caller.connects() >> caller.found(contact)


def leaves(s: Scenario, caller: Caller) -> Scenario:
    """Presses 1, hears that it is done, and is gone."""
    return s >> caller.presses("1") >> caller.hangs_up()


def _dialled(s: Scenario) -> commands.DialLeg:
    """The last call to a caller."""
    return [c for c in s.commands if isinstance(c, commands.DialLeg) and c.target.startswith("+")][-1]


def phone(name: str, **values: object) -> Deferred:
    """What happens to the phone of the caller who is called back."""

    def signal(s: Scenario) -> signals.Signal:
        leg = _dialled(s)
        match name:
            case "answers":
                return signals.LegAnswered(leg.worker, leg.leg, dialog(leg.leg))
            case "fails":
                return signals.LegFailed(leg.worker, leg.leg, int(str(values["code"])))
            case _:
                return signals.LegEnded(leg.worker, leg.leg, str(values["by"]))

    return Deferred(f"caller's phone {name} {values}", signal)


def hung_up() -> Deferred:
    """The worker has ended the agent's leg of the callback."""

    def signal(s: Scenario) -> signals.Signal:
        ending = [leg for leg in s.center.legs.values() if leg.worker == WORKER and leg.state == "ending"]
        return signals.LegEnded(WORKER, ending[0].id, "local")

    return Deferred("a leg of the callback is over", signal)


def busy() -> Deferred:
    return phone("fails", code=486)


def test_the_place_goes_over_to_the_callback() -> None:
    """The caller leaves the queue as taken, the callback stands in the same place; those behind do not move up."""
    s = waits(waits(waits(center(), first, "c1"), second, "c2"), third, "c3") >> Elapse(40)
    s = s >> second.presses("1") << the.QueueLeft(contact="c2", reason="callback", waited_s=40.0)
    s = s << the.CallbackRequested(contact="c4", number=second.ani, origin="c2", waited_s=40.0, tries=2)
    s = s << the.CallQueued(contact="c4", queue="sales", position=2)
    s = s << the.PlayPrompts(leg=second.leg)
    assert s.center.matcher.waiting("sales") == ["c1", "c4", "c3"]
    s = s >> second.hangs_up()
    counts = s.center.queues["sales"]
    assert (counts.offered, counts.callback_taken, counts.abandoned, counts.flowed_out) == (4, 1, 0, 0)
    assert (s.record("c2")["outcome"], s.record("c2")["cause"]) == ("callback", "caller/left_in_menu")


def test_agent_first_then_the_caller() -> None:
    """The pop says that it is a callback; the agent's phone rings on a worker of its own, then the caller's, then
    both talk. Wait counts from the first queueing.
    """
    s = leaves(waits(center(), first, "c1"), first) >> Elapse(100)
    s = s >> maria.registers() >> maria.opens_page() >> maria.is_ready()
    s = s << the.CallOffered(contact="c2", kind="callback", number=first.ani, waited_s=100.0)
    s = s >> maria.sees_offer() << the.DialLeg(target="maria", worker=WORKER, fresh=True)
    s = s >> maria.rings() >> maria.answers()
    s = s << the.DialLeg(
        target=first.ani, worker=WORKER, caller_number="1000", headers={"X-CTI-Trunk": "carrier"}, fresh=True
    )
    s = (s << the.PlayPrompts(worker=WORKER)).without(the.CallBridged())
    s = s >> Elapse(8) >> phone("answers") << the.StopPlayback() << the.SetAudioPaths(worker=WORKER)
    s = s << the.CallbackAttempted(agent="maria", attempt=1, outcome="answered", rang_s=8.0)
    s = s << the.CallBridged(contact="c2", agent="maria", queue="sales", waited_s=108.0)
    s = s << the.CallbackEnded(outcome="reached", attempts=1, waited_s=108.0)
    s = s >> Elapse(60) >> phone("ends", by="remote") >> maria.is_gone() >> is_recorded
    record = s.record("c2")
    assert (record["kind"], record["outcome"], record["cause"]) == ("callback", "answered", "caller/hang_up")
    assert (record["talk_s"], record["wait_s"], record["ani"]) == (60.0, 108.0, first.ani)
    counts = s.center.queues["sales"]
    assert (counts.offered, counts.answered, counts.callback_taken) == (2, 1, 1)


def test_its_turn_comes_before_those_who_came_later() -> None:
    """An agent who gets free takes the callback, not the caller who waits behind it."""
    s = leaves(waits(waits(center(), first, "c1"), second, "c2"), first) >> Elapse(5)
    s >> maria.registers() >> maria.is_ready() << the.CallOffered(contact="c3", kind="callback")


def calling(s: Scenario) -> Scenario:
    return leaves(waits(s, first, "c1"), first) >> maria.registers() >> maria.is_ready() >> maria.answers()


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [(phone("fails", code=486), "busy"), (phone("fails", code=603), "rejected"), (Elapse(25.0), "no_answer")],
)
def test_who_is_not_reached_is_tried_again(ends: Deferred | Elapse, outcome: str) -> None:
    """The agent is free at once and takes the next call; after `retry_after` the callback is first in line again, and
    after the last try it is closed.
    """
    s = waits(calling(center()), second, "c3")
    s = s >> ends << the.CallbackAttempted(contact="c2", attempt=1, outcome=outcome)
    s = s << the.CallOffered(contact="c3", agent="maria")
    s = s >> hung_up() >> maria.fails(486) >> second.hangs_up()
    s = s >> hung_up() if outcome == "no_answer" else s
    s = (s >> Elapse(59.0)).without(the.CallRequeued(contact="c2"))
    s = s >> Elapse(1.5) << the.CallRequeued(contact="c2", queue="sales", position=1)
    s = s >> maria.is_ready() << the.CallOffered(contact="c2") >> maria.answers() >> busy()
    s = s << the.CallbackAttempted(contact="c2", attempt=2, outcome="busy")
    s = s << the.QueueLeft(contact="c2", reason="callback_not_reached")
    s = s << the.CallbackEnded(outcome="not_reached", attempts=2)
    assert s.center.contacts["c2"].state == "ended"
    s = s >> Elapse(11)
    record = s.record("c2")
    assert (record["cause"], record["outcome"]) == ("system/callback_not_reached", "flowed_out")


def test_an_agent_who_does_not_answer_costs_the_caller_nothing() -> None:
    """A missed offer is no try: nobody was called, the callback stands where it stood and goes to the next agent."""
    s = leaves(waits(center(), first, "c1"), first) >> maria.registers() >> maria.is_ready() >> maria.rings()
    s = s >> Elapse(20.0) << the.AgentRona(agent="maria") << the.CallRequeued(contact="c2", position=1)
    s = s >> maria.is_gone() >> john.registers() >> john.is_ready() >> john.answers()
    s << the.DialLeg(target=first.ani)
    assert s.center.contacts["c2"].callback.tried == 1  # type: ignore[union-attr]  # it has one


def test_the_agent_hangs_up_before_the_caller_is_there() -> None:
    """The caller's phone stops ringing, it is no try, and another agent is offered it in a moment."""
    s = calling(center()) >> maria.hangs_up() << the.EndLeg(reason="agent_gone")
    s = s << the.CallbackAttempted(attempt=1, outcome="agent_gone")
    s = s >> phone("ends", by="local") >> john.registers() >> john.is_ready() >> Elapse(2.5)
    s = s << the.CallOffered(contact="c2", agent="john") >> john.answers() >> busy()
    s << the.CallbackAttempted(agent="john", attempt=1, outcome="busy")


def test_the_caller_answers_as_the_time_is_over() -> None:
    """Too late is too late: the leg is ended, the next try comes."""
    s = calling(center()) >> Elapse(25.0) << the.CallbackAttempted(outcome="no_answer")
    (s >> phone("answers")).without(the.CallBridged())


def test_it_expires() -> None:
    """Who cannot be called within the promised time is not called at all."""
    s = leaves(waits(center(), first, "c1"), first) >> Elapse(3599.0)
    assert s.center.contacts["c2"].state == "queued"
    s = s >> Elapse(2.0) << the.CallbackEnded(contact="c2", outcome="expired", attempts=0)
    assert s.record("c2")["cause"] == "system/callback_expired"


def test_a_try_that_runs_is_the_last_after_the_time() -> None:
    """At the end of the promised time a phone that rings goes on ringing, but nobody is called again."""
    s = leaves(waits(center(), first, "c1"), first) >> Elapse(3590.0)
    s = s >> maria.registers() >> maria.is_ready() >> maria.answers() >> Elapse(11.0)
    assert s.center.contacts["c2"].state == "calling"
    s >> busy() << the.CallbackEnded(outcome="not_reached", attempts=1)


def test_no_worker_is_free() -> None:
    """Without a worker nobody rings and no agent is blamed; it comes up again until there is one."""
    s = leaves(waits(center(worker=False), first, "c1"), first)
    s = (s >> maria.registers() >> maria.is_ready()).without(the.DialLeg())
    assert s.center.agents["maria"].available
    s = (s >> Elapse(5.0)).without(the.DialLeg()) >> signals.WorkerSeen("w12@host/main")
    s >> Elapse(2.1) << the.DialLeg(target="maria", worker="w12@host/main")


def test_the_worker_serves_a_call_already() -> None:
    """The edge was faster: the refused dial blames nobody, and it comes up again."""
    s = leaves(waits(center(), first, "c1"), first) >> maria.registers() >> maria.is_ready()
    leg = s.agent_leg("maria")
    s = s >> signals.CommandRefused(WORKER, "DialLeg", leg.leg, "wrong_state")
    s = s << the.OfferEnded(outcome="worker_lost")
    assert s.center.agents["maria"].available
    s >> Elapse(2.1) << the.DialLeg(target="maria", worker=WORKER)


@pytest.mark.parametrize("state", ["offered", "calling"])
def test_its_worker_is_lost(state: str) -> None:
    """The place outlives the worker: the phones are hung up by the edge, and it comes up again on another."""
    s = leaves(waits(center(), first, "c1"), first) >> maria.registers() >> maria.is_ready() >> maria.rings()
    s = s >> maria.answers() if state == "calling" else s
    s = s >> signals.WorkerLost(WORKER) << the.EndDialog()
    assert s.center.contacts["c2"].state == "resting" and s.center.agents["maria"].available
    s = s >> signals.WorkerSeen("w10") >> Elapse(2.1)
    s << the.DialLeg(target="maria", worker="w10")


def test_the_worker_dies_in_the_conversation() -> None:
    """Then it is over as any call is; the caller was reached."""
    s = calling(center()) >> phone("answers") >> Elapse(5) >> signals.WorkerLost(WORKER)
    s << the.CallEnded(contact="c2", cause="worker_lost")


@pytest.mark.parametrize("before", ["queued", "offered", "calling", "resting", "talking"])
def test_the_engine_is_killed(before: str) -> None:
    """At any moment: the rows say everything, and the caller is reached in the end."""
    s = leaves(waits(center(), first, "c1"), first) >> Elapse(1)
    if before == "queued":
        s = s >> Restart()
    s = s >> maria.registers() >> maria.is_ready() >> maria.rings()
    if before == "offered":
        s = s >> Restart()
    s = s >> maria.answers()
    if before == "calling":
        s = s >> Restart()
    s = s >> busy() >> maria.is_gone()
    if before == "resting":
        s = s >> Restart()
    s = s >> Elapse(62) >> maria.answers() >> phone("answers")
    if before == "talking":
        s = s >> Restart()
    s = s >> Elapse(5)
    contact: Contact = s.center.contacts["c2"]
    assert (contact.state, contact.agent) == ("talking", "maria")


@pytest.mark.parametrize(
    ("ani", "source", "number", "possible"),
    [
        ("+34600000001", "trunk:carrier", "{call.ani}", True),
        ("+447700900123", "trunk:carrier", "{call.ani}", True),  # comes from the carrier, goes back to it
        ("caller", "account:caller", "{call.ani}", True),
        ("+34600000001", "guest", "+34911234567", True),
        ("+34600000001", "trunk:carrier", "+447700900123", False),  # no number that the admin allows
        ("+447700900123", "guest", "{call.ani}", False),  # nobody vouches for it
        ("anonymous", "trunk:carrier", "{call.ani}", False),
        ("", "trunk:carrier", "{call.ani}", False),
        ("+34600000001", "trunk:carrier", "+34", False),
        ("+34600000001", "trunk:carrier", "+346 or 1=1", False),
    ],
)
def test_which_numbers_are_called(ani: str, source: str, number: str, possible: bool) -> None:
    """The own one where the call came from, others only as `callbacks.numbers` begins; else `failed`."""
    value = ASK.number if number == "{call.ani}" else number
    steps = {**TREATMENT.steps, "ask": replace(ASK, number=value)}
    s = center(definitions=with_flows(replace(TREATMENT, steps=steps), base=CENTER))
    s = waits(s, Caller("w1", ani), "c1", source) >> first.presses("1")
    if possible:
        s << the.CallbackRequested()
    else:
        s.without(the.CallbackRequested())
        assert s.center.contacts["c1"].state == "queued"


def test_an_account_is_called_back_on_its_phone() -> None:
    """Who called from a phone registered here is rung there, without a trunk."""
    s = (
        waits(center(), Caller("w1", "2001"), "c1", "account:caller")
        >> first.presses("1")
        >> first.hangs_up()
    )
    s = s >> maria.registers() >> maria.is_ready() >> maria.answers()
    s << the.DialLeg(target="caller", headers={})


def test_two_callbacks_of_one_number() -> None:
    """The second call of the same person adds none: the older, better place stays."""
    s = leaves(waits(center(), first, "c1"), first) >> Elapse(60)
    again = Caller("w4", first.ani)
    s = (waits(s, again, "c3") >> again.presses("1")).without(the.CallbackRequested())
    s = s << the.QueueLeft(contact="c3", reason="callback")
    assert [c.id for c in s.center.contacts.values() if c.kind == "callback"] == ["c2"]


def test_too_late() -> None:
    """An agent's phone rings for the call already: it stays a call."""
    s = waits(center(), first, "c1") >> maria.registers() >> maria.is_ready() >> first.presses("1")
    s.without(the.CallbackRequested())
    assert s.center.contacts["c1"].state == "offered"


def test_from_a_flow_that_does_not_wait() -> None:
    """With `queue:` any flow may ask for one: it stands last in that queue."""
    asking = flow(
        "late", ask=replace(ASK, queue="sales", failed="bye"), told=EnterQueue("support"), bye=EndCall()
    )
    s = waits(center(definitions=with_number("1000", "late", with_flows(asking, base=CENTER))), first, "c1")
    s = s << the.CallbackRequested(contact="c2", queue="sales", waited_s=0.0) << the.CallQueued(contact="c2")
    s << the.CallQueued(contact="c1", queue="support")


def test_it_overflows_like_a_call() -> None:
    """Steps and overflow go on as for the call; where a flow would play to the caller, it is given up."""
    steps = (StepRule(require("agent.spanish >= 7"), wait=30_000),)
    queue = replace(CENTER.queues["sales"], steps=steps, exhausted="overflow", overflow_to="support")
    agents = {**CENTER.agents, "maria": AgentDefinition("maria", "Maria", {"spanish": 9})}
    s = center(definitions=replace(with_queues(queue, base=CENTER), agents=agents))
    s = s >> maria.registers() >> maria.is_not_ready()
    s = leaves(waits(s, first, "c1"), first) >> Elapse(31) << the.QueueLeft(contact="c2", reason="overflow")
    s = s << the.CallQueued(contact="c2", queue="support")
    assert s.center.contacts["c2"].queued_at == START


def test_a_reload_takes_its_queue_away() -> None:
    """It waits on, served by nobody, until its time is over."""
    s = leaves(waits(center(), first, "c1"), first)
    queues = {name: queue for name, queue in CENTER.queues.items() if name != "sales"}
    numbers = {number: each for number, each in CENTER.dialled_numbers.items() if each.flow != "direct"}
    s = s >> Install(replace(CENTER, version="2", queues=queues, dialled_numbers=numbers))
    s >> Elapse(3600) << the.CallbackEnded(outcome="expired")
