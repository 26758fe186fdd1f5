"""Digits: length, terminator, silence, checks, type-ahead, and secrets that are kept nowhere."""

from __future__ import annotations

import msgspec
import pytest

from cti_engine.core.ivr.actions import AskService, Enqueue, HangUp
from cti_engine.core.ivr.flow import DigitCheck
from tests.core_ivr.caller import Caller

ACCOUNT = """
    start: ask
    defaults: {retries: 1, no_input: silent, no_match: bye, no_match_prompt: "Wrong."}
    steps:
      ask: {gather: {prompt: "Your account?", into: account, least: 4, most: 6}, next: done}
      done: {set: {call.account: "{account}"}, next: queue}
      queue: {enqueue: sales_en}
      silent: {enqueue: support_en}
      bye: {hang_up: }
"""
PIN = """
    start: ask
    variables: {balance: 0}
    defaults: {retries: 1, no_input: bye, no_match: bye}
    steps:
      ask: {gather: {prompt: "Your PIN?", into: pin, digits: 4, sensitive: true}, next: check}
      check:
        look_up: {service: bank, with: {pin: "{pin}", way: phone}, into: {balance: balance}, failed: bye}
        next: tell
      tell: {say: "You have {balance}.", next: bye}
      bye: {hang_up: }
"""


def test_the_last_digit_ends_it() -> None:
    """Six of six: taken at once, as text."""
    caller = Caller(ACCOUNT)
    caller.press(*"004711")
    assert caller.state.attributes == {"account": "004711"}
    assert caller.last[-1] == Enqueue("sales_en", 0, None)


def test_the_terminator_ends_it() -> None:
    """It is not one of the digits."""
    caller = Caller(ACCOUNT)
    caller.press(*"0471#")
    assert caller.state.attributes == {"account": "0471"}


def test_silence_ends_it_when_there_are_enough() -> None:
    """Between two digits there may be three seconds."""
    caller = Caller(ACCOUNT)
    caller.press(*"047")
    assert caller.wait(2.9) == []
    caller.press("1")
    caller.wait(3)
    assert caller.state.attributes == {"account": "0471"}


def test_star_starts_over() -> None:
    """Who mistyped begins again, and it costs no try."""
    caller = Caller(ACCOUNT)
    caller.press(*"99*0471#")
    assert caller.state.attributes == {"account": "0471"}


@pytest.mark.parametrize("keys", ["047", "04*1", "047#"])
def test_too_few_or_no_digits_are_a_miss(keys: str) -> None:
    """Asked again from nothing; after the last try no_match."""
    caller = Caller(ACCOUNT)
    caller.press(*keys)
    caller.wait(3)
    assert caller.heard == ["text:Wrong.", "text:Your account?"]
    assert caller.state.digits == ""
    caller.press(*keys)
    caller.wait(3)
    assert caller.actions[-1] == HangUp("flow_ended")


def test_nothing_at_all_is_no_input() -> None:
    """Also when only the terminator is pressed."""
    caller = Caller(ACCOUNT)
    for _ in range(2):
        caller.hear_out()
        caller.wait(5)
    assert caller.last[-1] == Enqueue("support_en", 0, None)
    caller = Caller(ACCOUNT)
    caller.press("#", "#")
    assert caller.last[-1] == Enqueue("support_en", 0, None)


def test_type_ahead_through_several_questions() -> None:
    """Keys pressed in the greeting answer a menu, then a gather, and the rest is kept for the next."""
    caller = Caller("""
        start: hello
        defaults: {no_input: bye, no_match: bye}
        steps:
          hello: {say: "Hello.", barge_in: false, next: menu}
          menu: {menu: {prompt: "Press one.", choices: {"1": ask}}}
          ask: {gather: {prompt: "Number?", into: number, digits: 3}, next: again}
          again: {gather: {prompt: "Another?", into: other, digits: 3}, next: bye}
          bye: {hang_up: }
    """)
    caller.press(*"112345")
    assert caller.state.step == "hello"
    caller.hear_out()
    assert caller.state.step == "again"
    assert caller.state.variables["number"] == "123" and caller.state.digits == "45"
    assert len(caller.plays) == 1
    caller.wait(3)
    assert caller.heard == ["text:Another?"]


@pytest.mark.parametrize(
    ("check", "digits", "holds"),
    [
        (DigitCheck(luhn=True), "4111111111111111", True),
        (DigitCheck(luhn=True), "4111111111111112", False),
        (DigitCheck(luhn=True), "79927398713", True),
        (DigitCheck(pattern="[12][0-9]{3}"), "1999", True),
        (DigitCheck(pattern="[12][0-9]{3}"), "3999", False),
        (DigitCheck(pattern="[12][0-9]{3}"), "19990", False),
    ],
)
def test_checks(check: DigitCheck, digits: str, holds: bool) -> None:
    """Luhn as on cards (the known examples), and a pattern for the whole."""
    assert check.holds(digits) is holds


def test_a_secret_reaches_the_service_and_nothing_else() -> None:
    """It is not in the state at any moment, and gone when the flow's answer is there."""
    caller = Caller(PIN)
    for key in "7359":
        caller.press(key)
        assert f'"{"7359"[: "7359".index(key) + 1]}"' not in msgspec.json.encode(caller.state).decode()
    asked = caller.last[-1]
    assert asked == AskService(caller.state.request, "bank", {"pin": "7359", "way": "phone"}, 5.0)
    caller.answer(balance=250)
    assert caller.heard == ["text:You have", "text:two hundred", "text:fifty"]


def test_a_lost_secret_is_asked_for_again() -> None:
    """A restart in mid-gather begins the gather again; one before the look-up goes back to it."""
    caller = Caller(PIN)
    caller.press(*"12")
    caller.secrets.clear()
    caller.press("3")
    assert caller.heard == ["text:Your PIN?"] and caller.state.tries == 0
    caller.press(*"1234")
    assert isinstance(caller.last[-1], AskService)
    caller.secrets.clear()
    caller.resume()
    assert caller.state.step == "ask" and caller.heard == ["text:Your PIN?"]


def test_keys_ahead_of_a_secret_are_secret_too() -> None:
    """Where a flow asks for a secret, nothing typed ahead is in the state."""
    caller = Caller(
        PIN.replace("start: ask", "start: hello").replace(
            "steps:", 'steps:\n      hello: {say: "Hello.", barge_in: false, next: ask}'
        )
    )
    caller.press(*"123")
    assert "123" not in str(caller.state)
    caller.hear_out()
    caller.press("4")
    assert caller.last[-1].arguments["pin"] == "1234"  # type: ignore[union-attr]


def test_a_service_that_fails_or_never_answers() -> None:
    """Both lead to `failed`; an answer that comes after all changes nothing."""
    caller = Caller(PIN)
    caller.press(*"1234")
    assert caller.fail()[-1] == HangUp("flow_ended")
    caller = Caller(PIN)
    caller.press(*"1234")
    assert caller.wait(5.9) == []
    assert caller.wait(0.2)[-1] == HangUp("flow_ended")
    assert caller.answer(balance=1) == []
