"""The transfer step: the caller hears music while a phone rings; what comes of it is a way on, or the flow's end."""

from __future__ import annotations

import pytest

from cti_engine.core.ivr import session
from cti_engine.core.ivr.actions import BeginFlow, HangUp, Play, StopPlay, TransferTo
from tests.core_ivr.caller import Caller

FLOW = """
start: ask
variables: {number: ""}
steps:
  ask: {gather: {prompt: Number?, into: number, digits: 3, no_input: bye, no_match: bye}, next: ring}
  ring: {transfer: {number: "{number}", ring: 25s, trunk: carrier, busy: busy, no_answer: nobody, failed: bye}}
  busy: {say: Busy., next: menu}
  nobody: {say: Nobody., next: ring}
  menu: {menu: {prompt: Again?, choices: {"1": ring}, no_input: bye, no_match: bye}}
  bye:
    hang_up:
"""


def ringing() -> Caller:
    caller = Caller(FLOW)
    caller.press("1", "0", "7")
    return caller


def goes_on(caller: Caller, way: str) -> None:
    session.not_reached(caller.state, way, caller.now)
    caller.wait(0.0)


def test_it_rings_what_the_variable_says() -> None:
    """With music meanwhile; the flow waits without a deadline of its own."""
    caller = ringing()
    assert caller.last[-2:] == [
        Play(caller.state.playback, caller.plays[-1].prompts, stop_on_digit=False, repeat=True),
        TransferTo("", "107", "carrier", 25.0),
    ]
    assert caller.heard == ["music:default"]
    assert (caller.state.phase, caller.state.deadline) == ("transferring", None)
    assert caller.wait(1000.0) == []


@pytest.mark.parametrize(("way", "heard"), [("busy", "Busy."), ("no_answer", "Nobody.")])
def test_the_way_on(way: str, heard: str) -> None:
    """Told why, it goes on by the way for that."""
    caller = ringing()
    goes_on(caller, way)
    assert caller.heard == [f"text:{heard}"]


def test_failed_is_the_way_for_all_that_is_not_written() -> None:
    """`busy` and `no_answer` lead where `failed` does."""
    caller = Caller("""
start: ring
steps:
  ring: {transfer: {agent: maria, failed: bye}}
  bye:
    hang_up:
""")
    goes_on(caller, "busy")
    assert isinstance(caller.last[-2], StopPlay) and caller.last[-1] == HangUp("flow_ended")


def test_keys_pressed_while_it_rings_are_kept() -> None:
    """For the next question, as while anything plays."""
    caller = ringing()
    caller.press("1")
    goes_on(caller, "busy")
    caller.hear_out()
    assert isinstance(caller.last[-1], TransferTo)


def test_a_restart_plays_the_music_again() -> None:
    """And rings nothing a second time: the phone rings on."""
    caller = ringing()
    again = caller.resume()
    assert [type(each) for each in again] == [Play]


def test_a_way_that_comes_too_late() -> None:
    """The flow stands elsewhere by now: nothing happens."""
    caller = ringing()
    goes_on(caller, "busy")
    before = caller.state.step
    caller.wait(0.0)
    assert caller.state.step == before


def test_another_flow() -> None:
    """This one is over, with all that have run it."""
    caller = Caller("""
start: there
steps:
  there: {transfer: {flow: main}}
""")
    assert caller.last[-1] == BeginFlow("main") and caller.state.over
