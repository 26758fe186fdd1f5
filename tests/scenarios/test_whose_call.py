"""Whatever a page asks about a call, from the wire's catalogue: another agent's, too late, twice: nothing is done."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from cti_engine.core.signals import Signal
from cti_engine.wire.catalogue import REQUESTS, signal_of
from cti_engine.wire.envelope import BadMessage, Request
from tests.scenarios.playbook import Caller, Desk, Elapse, Scenario, is_recorded, the

caller, maria = Caller(), Desk("maria")

ARGUMENTS: dict[str, dict[str, Any]] = {
    "HangUp": {},
    "Hold": {"held": True},
    "Mute": {"muted": True},
    "SendDigits": {"digits": "12"},
    "PauseRecording": {"paused": True},
    "Transfer": {"to_queue": "support"},
    "Consult": {"to_agent": "ana"},
    "CompleteTransfer": {},
    "JoinCall": {},
    "CancelConsult": {},
    "DropParty": {"party_agent": "ana"},
    "ReturnToQueue": {},
    "Park": {},
    "Escalate": {},
    "Accept": {},
    "AnswerHint": {"offer": "fibre", "answer": "accepted"},
    "SubmitDisposition": {"disposition": "sold", "note": "x"},
    "AnswerGuide": {"guide": "g", "step": "s", "answer": "a"},
    "Grant": {"amount": 5, "reason": "late", "ask": True},
}
"""Every request of an agent about a call, with arguments that are right."""
OF_ANY_CALL = {
    "Explain",
    "Monitor",
    "MonitorMode",
    "EndMonitor",
    "TakeOver",
    "DecideGrant",
}  # what supervisors ask: test_supervising, test_segments


def about_a_call() -> dict[str, set[str]]:
    """The fields of each such request of the catalogue."""
    named = {
        name: {f.name for f in fields(entry.signal)}
        for name, entry in REQUESTS.items()
        if entry.to == "engine"
    }
    return {name: has for name, has in named.items() if {"agent", "contact"} <= has}


def asked(name: str, agent: str, version: int) -> Signal:
    """As it comes over the wire."""
    args = {**ARGUMENTS[name], "agent": agent}
    return signal_of(Request(name, "q", "to", agent, "2026-01-01T00:00:00.000Z", args, "c1", version))


def talking() -> Scenario:
    s = Scenario(ready=("maria",)) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()
    return s >> maria.rings() >> maria.answers() << the.CallBridged()


def version(s: Scenario) -> int:
    return s.center.contacts["c1"].version


def test_every_request_about_a_call_is_here() -> None:
    """A request that is new in the catalogue needs its arguments here, and so passes all that follows."""
    assert ARGUMENTS.keys() | OF_ANY_CALL == about_a_call().keys()


@pytest.mark.parametrize("name", ARGUMENTS)
def test_another_agents_call(name: str) -> None:
    """Asked with the very version that its agent sees: refused as not theirs, and nothing else happens."""
    s = talking()
    s = s >> asked(name, "john", version(s))
    s.quiet_but_for_replies() << the.Reply(ok=False, code="not_your_call")


@pytest.mark.parametrize(
    "name",
    sorted(name for name, has in about_a_call().items() if "state_version" in has and name in ARGUMENTS),
)
def test_a_call_that_has_moved_on(name: str) -> None:
    """Asked with what the page saw before the call was bridged: stale, and nothing else happens."""
    s = talking()
    s = s >> asked(name, "maria", version(s) - 1)
    s.quiet_but_for_replies() << the.Reply(ok=False, code="stale")


@pytest.mark.parametrize("name", ARGUMENTS)
def test_after_the_call_is_over(name: str) -> None:
    """Asked when the contact is closed and forgotten: not theirs any more."""
    s = talking()
    last = version(s)
    s = s >> Elapse(5) >> caller.hangs_up() >> maria.is_gone() >> is_recorded >> maria.disposes()
    s = s << the.ContactClosed() >> asked(name, "maria", last)
    s.quiet_but_for_replies() << the.Reply(ok=False, code="not_your_call")


@pytest.mark.parametrize("name", ARGUMENTS)
def test_the_same_twice(name: str) -> None:
    """A double click, or two tabs: no fact is told twice."""
    s = talking()
    if name == "SubmitDisposition":
        s = s >> Elapse(5) >> caller.hangs_up() >> maria.is_gone() >> is_recorded
    request = asked(name, "maria", version(s))
    s = s >> request << the.Reply()
    told = len(s.facts)
    s = s >> request << the.Reply()
    assert len(s.facts) == told


WRONG: list[Any] = [None, 7.5, [], {"x": 1}]


@pytest.mark.parametrize(
    ("name", "argument", "wrong"),
    [
        (name, argument, wrong)
        for name, args in ARGUMENTS.items()
        for argument in args
        for wrong in (WRONG if argument != "amount" else [None, "5", [], True])
    ],
)
def test_wrong_types(name: str, argument: str, wrong: object) -> None:
    """An argument of another type: refused as a bad request, before the core hears of it."""
    args = {**ARGUMENTS[name], "agent": "maria", argument: wrong}
    with pytest.raises(BadMessage) as refused:
        signal_of(Request(name, "q", "to", "maria", "2026-01-01T00:00:00.000Z", args, "c1", 1))
    assert refused.value.code == "bad_request"
