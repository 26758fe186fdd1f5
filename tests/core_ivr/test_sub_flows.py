"""`run` and `return`: arguments in, results out, the outer flow's variables kept, every version pinned."""

from __future__ import annotations

from cti_engine.core.ivr.actions import Enqueue, HangUp, Tell
from tests.core_ivr.caller import Caller, flows_of

OUTER = """
    flow: outer
    start: check
    variables: {verified: false, name: Ann}
    steps:
      check: {run: {flow: inner, with: {tries: 2, "who": "{name}"}, into: {verified: ok}}, next: fork}
      fork:
        branch:
          - {when: verified, go_to: good}
          - else: bad
      good: {enqueue: {queue: vip, attributes: {verified: true}}}
      bad: {hang_up: }
"""
INNER = """
    flow: inner
    start: menu
    variables: {tries: 1, who: ""}
    defaults: {no_input: no, no_match: no}
    steps:
      menu: {menu: {prompt: "Press one.", choices: {"1": yes, "2": leave}}}
      yes: {send: {message: verified, data: {who: "{who}", tries: "{tries}"}}, next: done}
      done: {return: {ok: true}}
      no: {return: }
      leave: {hang_up: }
"""


def test_there_and_back() -> None:
    """Arguments become variables of the inner flow, its result one of the outer's."""
    caller = Caller(flows_of(OUTER, INNER))
    assert caller.state.flow == "inner" and caller.state.variables == {"tries": 2, "who": "Ann"}
    caller.press("1")
    assert Tell("verified", {"who": "Ann", "tries": 2}) in caller.last
    assert caller.last[-1] == Enqueue("vip", 0, None)
    assert caller.state.variables == {"verified": True, "name": "Ann"}
    assert caller.state.attributes == {"verified": True} and caller.state.stack == []


def test_nothing_returned_is_undefined() -> None:
    """A branch on it does not hold."""
    caller = Caller(flows_of(OUTER, INNER))
    for _ in range(3):
        caller.press("9")
    assert caller.last[-1] == HangUp("flow_ended") and caller.state.variables["verified"] is None


def test_an_inner_flow_may_end_the_call() -> None:
    """hang_up means the call wherever it stands."""
    assert Caller(flows_of(OUTER, INNER)).press("2")[-1] == HangUp("flow_ended")


def test_a_return_that_nobody_waits_for_ends_the_call() -> None:
    """A flow may be dialled and run alike."""
    assert Caller(flows_of(INNER)).press("1")[-1] == HangUp("flow_ended")


def test_a_change_of_the_inner_flow_is_one_of_the_outer() -> None:
    """Its version is pinned: a call that began before ends on what was there then."""
    old, new = flows_of(OUTER, INNER), flows_of(OUTER, INNER.replace("Press one.", "Please press one."))
    assert old["outer"].version != new["outer"].version
    assert old["outer"].steps["check"].version == old["inner"].version  # type: ignore[union-attr]


def test_flows_that_run_each_other_for_ever_end_as_a_fault() -> None:
    """A depth that nobody means."""
    caller = Caller(
        flows_of(
            """
        flow: a
        start: go
        steps: {go: {run: b, next: end}, end: {return: }}
    """,
            """
        flow: b
        start: go
        steps: {go: {run: a, next: end}, end: {return: }}
    """,
        )
    )
    assert caller.last[-1] == HangUp("flow_fault")


def test_the_hours_step_follows_the_calendar() -> None:
    """`hours.office` says open, closed or holiday; without a holiday's own way it is closed."""
    text = """
        flow: hours
        start: look
        steps:
          look: {hours: {calendar: office, open: queue, closed: night}}
          queue: {enqueue: sales_en}
          night: {hang_up: }
    """
    for status, expected in (("open", Enqueue("sales_en", 0, None)), ("holiday", HangUp("flow_ended"))):
        caller = Caller(flows_of(text), world={"hours.office": status})
        assert caller.last[-1] == expected
