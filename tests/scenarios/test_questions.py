"""What supervisors ask: who waits in a queue, and why; the answer is the state of now, and nothing changes by it."""

from __future__ import annotations

import time
from dataclasses import replace

from cti_engine.core import signals as sig
from cti_engine.core.acd import Acd
from cti_engine.core.commands import Reply
from cti_engine.core.definitions import AgentDefinition, QueueDefinition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.routing.model import StepRule
from tests.scenarios.playbook import Caller, Desk, Scenario, the
from tests.scenarios.small_center import DEFINITIONS, with_queues

maria = Desk("maria")


def asked(acd: Acd, signal: sig.Signal, now: float) -> Reply:
    outcome = acd.handle(signal, now)
    assert (outcome.events, outcome.rows) == ([], {})
    [reply] = outcome.commands
    assert isinstance(reply, Reply)
    return reply


def three_calls() -> Scenario:
    s = Scenario(ready=("maria",))
    for number, dnis in ((1, "1000"), (2, "1000"), (3, "1001")):
        who = Caller(f"w{number}", f"+3460000000{number}")
        s = s >> who.calls(dnis) >> who.found(f"c{number}") >> who.connects()
    return s


def test_who_waits_ringing_first_then_in_the_order_of_service() -> None:
    """Maria's phone is dialled for c1; of the others c3 has come in on a VIP number."""
    s = three_calls()
    reply = asked(s.acd, sig.WaitingRequested("r1", "boss", "sales"), s.now)
    calls = reply.result["calls"]
    assert isinstance(calls, list)
    assert [(call["contact"], call["rings"], call["step"]) for call in calls] == [
        ("c1", True, 0), ("c3", False, 0), ("c2", False, 0),
    ]  # fmt: skip
    assert calls[2]["number"] == "+34600000002"
    assert asked(s.acd, sig.WaitingRequested("r2", "boss", "support"), s.now).result == {"calls": []}


def test_why_a_call_waits_and_what_keeps_each_agent() -> None:
    """c2 has c3 before it; maria is busy with another call, the others are logged out."""
    s = three_calls() >> maria.rings()
    reply = asked(s.acd, sig.ExplainRequested("r1", "boss", "c2"), s.now)
    assert reply.result["state"] == "queued"
    waiting = reply.result["waiting"]
    assert isinstance(waiting, list)
    [place] = waiting
    assert (place["queue"], place["ahead"], place["pool"]) == ("sales", 1, ("member of sales",))
    assert (place["members"], place["kept_off"]) == (3, {"not_free": 3})
    codes = {
        each["agent"]: [(keep["code"], keep["what"]) for keep in each["keeps"]] for each in place["agents"]
    }
    assert codes == {
        "maria": [("busy", "ringing")],
        "ana": [("logged_out", "")],
        "john": [("logged_out", "")],
    }


def test_what_nobody_knows_is_refused() -> None:
    """A contact that is over and a queue that is not there are told apart from an empty answer."""
    s = three_calls()
    assert asked(s.acd, sig.ExplainRequested("r1", "boss", "c9"), s.now).code == "unknown_contact"
    assert asked(s.acd, sig.WaitingRequested("r1", "boss", "nowhere"), s.now).code == "unknown_queue"
    s = s >> maria.rings() >> maria.answers() << the.CallBridged(contact="c1")
    assert asked(s.acd, sig.ExplainRequested("r1", "boss", "c1"), s.now).result == {
        "state": "talking",
        "waiting": [],
    }


def test_a_large_center_is_asked_without_a_stall() -> None:
    """With 5,000 agents and 500 calls that wait an answer takes less than the live loop's 50 ms (the best of three)."""
    names = tuple(f"agent{number:04d}" for number in range(5000))
    steps = (
        StepRule(Condition(parse("agent.spanish >= 7 and agent.sales")), skip_when_none=False, wait=60_000),
        StepRule(Condition(parse("agent.spanish >= 3"))),
    )
    big = replace(
        with_queues(QueueDefinition("sales", "Sales", names, steps=steps)),
        agents={
            name: AgentDefinition(name, name, {"spanish": number % 10 + 1, "sales": number % 3 == 0})
            for number, name in enumerate(names)
        },
    )
    assert big.queues.keys() == DEFINITIONS.queues.keys()
    acd, now = Acd(big), 1_700_000_000.0
    acd.handle(sig.Restarted(), now)
    for number in range(1, 501):
        who = Caller(f"w{number}", f"+3460{number:07d}")
        for signal in (who.calls("1000"), who.found(f"c{number}"), who.connects()):
            acd.handle(signal, now)
    took = []
    for question in (sig.ExplainRequested("r", "boss", "c400"), sig.WaitingRequested("r", "boss", "sales")):
        tries = []
        for _ in range(3):
            began = time.thread_time()
            reply = asked(acd, question, now)
            tries.append(time.thread_time() - began)
            assert reply.ok
        took.append(min(tries))
    assert max(took) < 0.05, took
