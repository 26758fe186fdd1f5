"""A callback asked for on the web: fenced as an admin wrote it, looked up like a caller, dialled in turn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core import signals
from cti_engine.core.definitions import CallbackRules, CallMeRules, CenterDefinitions, PriorityRule
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.expressions.values import BOOLEAN, NUMBER, text_of
from tests.scenarios.playbook import Caller, Deferred, Desk, Elapse, Install, Restart, Scenario, the
from tests.scenarios.small_center import DEFINITIONS
from tests.scenarios.test_callbacks import phone
from tests.scenarios.test_hours import office

maria = Desk("maria")
WORKER = "w9"
NUMBER_CALLED = "+34611223344"
RULES = CallMeRules(
    ("sales", "support"),
    "1000",
    attributes={"intent": text_of("loan", "card"), "known": BOOLEAN, "age": NUMBER},
)
CENTER: CenterDefinitions = replace(
    DEFINITIONS,
    callbacks=CallbackRules(numbers=("+346",), trunk="carrier", within=3600.0, tries=2, retry_after=60.0),
    call_me=RULES,
)
ASKS = signals.CallMeRequested("r1", NUMBER_CALLED, "sales", "Eva", "es")


def center(definitions: CenterDefinitions = CENTER, *, ready: tuple[str, ...] = ()) -> Scenario:
    return Scenario(definitions, ready=ready) >> signals.WorkerSeen(WORKER)


def found(contact: str = "c1", **profile: object) -> signals.Signal:
    return signals.LookupReturned(contact, profile)


def test_from_the_request_to_the_talk() -> None:
    """Asked for, looked up by its number, lined up as the last; the agent's phone rings first, then the customer's, by
    the trunk and with the number of the settings; both talk.
    """
    s = center() >> ASKS << the.LookUp(contact="c1", number=NUMBER_CALLED)
    s = s << the.Reply(request="r1", ok=True)
    assert s.commands[-1].result == {  # type: ignore[union-attr]  # it is the reply
        "contact": "c1", "queue": "sales", "already": False, "wait_s": None,
    }  # fmt: skip
    s = (
        s
        >> found(customer="k1", name="Eva Sanz", segment="gold")
        << the.CallQueued(contact="c1", queue="sales")
    )
    s = s >> Elapse(30) >> maria.registers() >> maria.opens_page() >> maria.is_ready()
    s = s << the.CallOffered(kind="callback", name="Eva Sanz", segment="gold", language="es", waited_s=30.0)
    s = s >> maria.sees_offer() >> maria.answers()
    s = s << the.DialLeg(
        target=NUMBER_CALLED, headers={"X-CTI-Trunk": "carrier"}, caller_number="1000", fresh=True
    )
    s = s >> phone("answers") << the.CallBridged(contact="c1", agent="maria", waited_s=30.0)
    s << the.CallbackEnded(outcome="reached", attempts=1)


def test_the_facts_say_where_it_came_from() -> None:
    """The first fact names the web as source and no call as origin; the record keeps it."""
    s = (
        center()
        >> ASKS
        << the.CallbackRequested(contact="c1", origin="", source="web", within_s=3600.0, tries=2)
    )
    s = s >> found() >> Elapse(3601) << the.CallbackEnded(queue="sales", outcome="expired")
    assert (s.record("c1")["source"], s.record("c1")["kind"]) == ("web", "callback")


def test_its_attributes_count_for_rules() -> None:
    """What the site says of the customer is an attribute of the call before it lines up, as what was looked up is."""
    rule = PriorityRule(Condition(parse('call.intent == "loan" and call.segment == "gold"')), add=7)
    s = center(replace(CENTER, priorities=(rule,))) >> replace(ASKS, attributes={"intent": "loan"})
    s >> found(customer="k1", segment="gold") << the.CallQueued(priority=7)


def test_among_callers() -> None:
    """It stands behind who waits already and before who calls later."""
    s = center()
    for number, caller in enumerate((Caller("w1"), Caller("w2", "+34600000002")), 1):
        contact = "c1" if number == 1 else "c3"
        s = s >> caller.calls("1000") >> caller.connects() >> caller.found(contact) >> Elapse(1)
        if number == 1:
            s = s >> ASKS >> found("c2") >> Elapse(1)
    assert s.center.matcher.waiting("sales") == ["c1", "c2", "c3"]


def test_twice_is_once_in_whatever_queue() -> None:
    """A number has one open callback: the second request is told of the first. After its end it may be asked anew."""
    s = center() >> ASKS >> found()
    s = s >> replace(ASKS, request="r2", queue="support", number="0034611223344")
    s = (s << the.Reply(request="r2", ok=True)).without(the.CallbackRequested())
    assert s.commands[-1].result["contact"] == "c1"  # type: ignore[union-attr]
    assert s.commands[-1].result["already"] is True  # type: ignore[union-attr]
    s = s >> Elapse(3601) >> replace(ASKS, request="r3") << the.CallbackRequested(contact="c2")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"number": "+447700900123"}, "bad_number"),  # no beginning that the admin allows
        ({"number": "+34806123456"}, "bad_number"),  # nor this one: premium rate
        ({"number": "sip:x@evil"}, "bad_number"),
        ({"number": ""}, "bad_number"),
        ({"queue": "nowhere"}, "unknown_queue"),
        ({"queue": "slow"}, "unknown_queue"),  # there, but not for the web
        ({"attributes": {"segment": "gold"}}, "bad_attributes"),
        ({"attributes": {"intent": "gold"}}, "bad_attributes"),
        ({"attributes": {"known": 1}}, "bad_attributes"),
        ({"attributes": {"age": True}}, "bad_attributes"),
    ],
)
def test_what_is_refused(change: dict[str, object], code: str) -> None:
    """With a code, and nothing else happens."""
    s = center() >> replace(ASKS, **change)  # type: ignore[arg-type]
    s = s << the.Reply(request="r1", ok=False, code=code)
    assert not s.center.contacts


def test_off_unless_written() -> None:
    """Without `call_me:` nobody is called; a reload that takes it away lets what waits go on."""
    off = replace(CENTER, call_me=None)
    center(off) >> ASKS << the.Reply(ok=False, code="off")
    s = (
        center()
        >> ASKS
        >> found()
        >> Install(replace(off, version="2"))
        >> maria.registers()
        >> maria.is_ready()
    )
    s << the.CallOffered(contact="c1")


def test_outside_of_its_hours() -> None:
    """Refused with the time when it opens."""
    rules = replace(RULES, hours="office")
    s = center(replace(CENTER, calendars={"office": office()}, call_me=rules))
    s = s >> Elapse(12 * 3600.0) >> ASKS << the.Reply(ok=False, code="closed")
    assert s.commands[-1].result.keys() == {"opens_date", "opens_time"}  # type: ignore[union-attr]


def test_an_agent_is_free() -> None:
    """Then the wait that is told is none."""
    s = center(ready=("maria",)) >> ASKS << the.Reply(ok=True)
    reply = next(c for c in s.commands if getattr(c, "request", "") == "r1")
    assert reply.result["wait_s"] == {"p50": 0.0, "p80": 0.0, "p95": 0.0}  # type: ignore[union-attr]


@pytest.mark.parametrize("signal", [Elapse(0.5), found()])
def test_the_look_up_fails(signal: Elapse | signals.Signal) -> None:
    """Late or empty, the callback lines up without it; what comes after that changes nothing."""
    s = center() >> ASKS >> signal << the.CallQueued(contact="c1")
    (s >> found(customer="late")).without(the.CallAttributesSet())


def test_the_engine_is_killed_while_it_is_looked_up() -> None:
    """The deadline is in the row: it lines up after the restart."""
    center() >> ASKS >> Restart() >> Elapse(3) << the.CallQueued(contact="c1", queue="sales")


def test_its_queue_is_gone_before_it_lines_up() -> None:
    """A reload in that moment: it ends, and says so, instead of waiting for nobody."""
    queues = {name: queue for name, queue in CENTER.queues.items() if name != "sales"}
    numbers = {number: each for number, each in CENTER.dialled_numbers.items() if each.flow != "direct"}
    s = center() >> ASKS >> Install(replace(CENTER, version="2", queues=queues, dialled_numbers=numbers))
    s >> found() << the.CallbackEnded(contact="c1", queue="sales", outcome="flow_fault")


def test_a_word_of_it_after_its_end() -> None:
    """A look-up that comes back for a callback that is over is late, and no fault."""
    ended = Deferred("looked up", lambda s: found("c1"))
    s = center() >> ASKS >> found() >> Elapse(3601)
    s = s >> ended
    assert s.anomalies == []
