"""Menus by word: keys win, what is not sure is asked back, noise and deafness lead back to keys."""

from __future__ import annotations

import pytest

from cti_engine.core.ivr import session
from cti_engine.core.ivr.actions import Action, Enqueue, HangUp, HeardSoFar, Listen, StopListen
from tests.core_ivr.caller import Caller

MENU = """
    start: menu
    defaults: {operator: operator, no_input: operator, no_match: bye, no_match_prompt: "Not understood."}
    steps:
      menu:
        menu:
          prompt: "For sales press one."
          voice_prompt: "Sales, or complaints?"
          choices:
            "1": {go_to: sales, words: {en: [sales, buy]}}
            complaints: {go_to: complaints, words: {en: [complaints]}}
      sales: {enqueue: sales_en}
      complaints: {enqueue: complaints_en}
      operator: {enqueue: support_en}
      bye: {hang_up: }
"""
CONFIRM = "text:Did you say sales? Say yes or press one. If not, say no or press two."


def _last(caller: Caller, kind: type[Action]) -> Action:
    return next(action for action in reversed(caller.actions) if isinstance(action, kind))


def test_a_menu_listens_for_all_its_words_from_the_beginning() -> None:
    """Keys' words, names that only words lead to, and the operator's built-in words."""
    caller = Caller(MENU)
    assert caller.last[1] == Listen(
        caller.state.listening,
        {"1": ("sales", "buy"), "complaints": ("complaints",), "0": ("operator", "agent", "representative")},
        10.0,
    )


def test_a_word_chooses_while_the_prompt_plays() -> None:
    """Barge-in by voice: nothing has to be stopped, since the worker did; the path says what was chosen."""
    caller = Caller(MENU)
    caller.say("1")
    assert caller.last[-1] == Enqueue("sales_en", 0, None)
    assert caller.state.path == ["menu:1 sales"]
    assert not [action for action in caller.actions if isinstance(action, StopListen)]


def test_words_alone_may_lead_somewhere() -> None:
    """A choice without a key."""
    caller = Caller(MENU)
    caller.say("complaints")
    assert caller.last[-1] == Enqueue("complaints_en", 0, None)
    assert caller.state.path == ["menu:complaints"]


def test_the_operator_is_behind_zero_everywhere() -> None:
    """`defaults: operator:` without a 0 in the menu: by key and by word."""
    for choose in (Caller.press, Caller.say):
        caller = Caller(MENU)
        choose(caller, "0")
        assert caller.last[-1] == Enqueue("support_en", 0, None)


def test_a_key_wins_over_what_is_being_said() -> None:
    """The key chooses, the listening is stopped, and the late result changes nothing."""
    caller = Caller(MENU)
    listening = caller.state.listening
    caller.press("1")
    assert caller.last[0] == StopListen(listening)
    assert caller.last[-1] == Enqueue("sales_en", 0, None)


def test_what_is_not_sure_is_asked_back() -> None:
    """In the grey zone the choice's first word is asked back; yes takes it, by word or key."""
    for yes in (Caller.say, Caller.press):
        caller = Caller(MENU)
        caller.say("1", verdict="confirm")
        assert caller.heard == [CONFIRM]
        assert _last(caller, Listen).phrases.keys() == {"1", "2"}  # type: ignore[union-attr]
        yes(caller, "1")
        assert caller.last[-1] == Enqueue("sales_en", 0, None)


def test_no_asks_the_menu_again_as_a_miss() -> None:
    """After "no" the menu is asked in the keys' wording, and it has cost a try."""
    caller = Caller(MENU, world={"call.answer_by": "voice"})
    assert caller.heard == ["text:Sales, or complaints?"]
    caller.say("1", verdict="confirm")
    caller.say("2")
    assert caller.heard == ["text:Not understood.", "text:For sales press one."]
    assert caller.state.tries == 1 and caller.state.candidate == ""


def test_who_answers_by_keys_is_not_listened_to() -> None:
    """Noise on the line chooses nothing; keys do; an open question, which no key can answer, is listened to."""
    caller = Caller(MENU, world={"call.answer_by": "keys"})
    assert not caller.state.listening and not [each for each in caller.actions if isinstance(each, Listen)]
    assert caller.heard == ["text:For sales press one."]
    caller.press("1")
    assert caller.last[-1] == Enqueue("sales_en", 0, None)
    asked = Caller(
        """
        start: ask
        defaults: {no_input: bye, no_match: bye}
        steps:
          ask: {listen: {prompt: "What is it about?", into: topic}, next: bye}
          bye: {hang_up: }
        """,
        world={"call.answer_by": "keys"},
    )
    assert asked.state.listening


def test_another_key_than_yes_and_no_chooses_in_the_menu() -> None:
    """Who presses 0 at "did you say" wants the operator."""
    caller = Caller(MENU)
    caller.say("1", verdict="confirm")
    caller.press("0")
    assert caller.last[-1] == Enqueue("support_en", 0, None)


def test_what_is_not_understood_is_a_miss() -> None:
    """Three times, then no_match."""
    caller = Caller(MENU)
    for _ in range(2):
        caller.say("something", verdict="reject")
        assert caller.heard == ["text:Not understood.", "text:For sales press one."]
    caller.say("something", verdict="reject")
    assert caller.last[-1] == HangUp("flow_ended")


def test_noise_costs_no_try_and_ends_in_keys() -> None:
    """Twice the menu begins again; after that nobody listens in it any more."""
    caller = Caller(MENU)
    caller.say("", verdict="reject")
    assert caller.state.tries == 0 and caller.state.listening
    caller.say("", verdict="reject")
    assert caller.state.tries == 0 and not caller.state.listening
    assert caller.heard == ["text:For sales press one."]
    caller.press("1")
    assert caller.last[-1] == Enqueue("sales_en", 0, None)


def test_speech_puts_the_time_out_off() -> None:
    """Who has begun to speak is not asked again before the result; without one it is a miss."""
    caller = Caller(MENU)
    caller.hear_out()
    caller.wait(4)
    session.speech_started(caller.state, caller.state.listening, caller.around)
    assert caller.wait(4) == []
    caller.wait(20)
    assert caller.state.tries == 1


def test_without_a_recogniser_keys_are_all_there_is() -> None:
    """Nothing is said of it, nothing is repeated, and no later menu listens."""
    caller = Caller(MENU)
    assert caller.go_deaf("no_engine") == []
    caller.press("9")
    assert not caller.state.listening


@pytest.mark.parametrize("reason", ["overloaded", "unavailable"])
def test_who_was_invited_to_speak_is_told_to_use_keys(reason: str) -> None:
    """The engine falls back with a sentence, at once."""
    caller = Caller(MENU, world={"call.answer_by": "voice"})
    caller.go_deaf(reason)
    assert caller.heard == [
        "text:I cannot hear you well at the moment. Please use the keys of your phone.",
        "text:For sales press one.",
    ]
    assert not caller.state.listening


def test_open_speech_becomes_a_variable() -> None:
    """`listen`: the text is kept, and can be sent."""
    caller = Caller("""
        start: ask
        defaults: {no_input: bye, no_match: bye}
        steps:
          ask: {listen: {prompt: "What is it about?", into: topic}, next: done}
          done: {set: {call.topic: "{topic}"}, next: bye}
          bye: {hang_up: }
    """)
    assert caller.last[1] == Listen(caller.state.listening, {}, 20.0)
    caller.say("", text="my bill is wrong")
    assert caller.state.attributes == {"topic": "my bill is wrong"}


def test_open_speech_without_a_recogniser_is_a_miss() -> None:
    """There are no keys to answer it with."""
    caller = Caller("""
        start: ask
        defaults: {no_input: bye, no_match: other}
        steps:
          ask: {listen: {prompt: "What is it about?", into: topic}, next: bye}
          other: {enqueue: sales_en}
          bye: {hang_up: }
    """)
    caller.go_deaf("no_engine")
    assert caller.last[-1] == Enqueue("sales_en", 0, None)


def test_confirm_asks_for_yes_or_no() -> None:
    """Keys 1 and 2 and the language's own words."""
    text = """
        start: sure
        defaults: {no_input: bye, no_match: bye}
        steps:
          sure: {confirm: {prompt: "Shall we call you back?", yes: back, no: bye}}
          back: {enqueue: sales_en}
          bye: {hang_up: }
    """
    caller = Caller(text)
    assert _last(caller, Listen).phrases["1"][0] == "yes"  # type: ignore[union-attr]
    caller.say("1")
    assert caller.last[-1] == Enqueue("sales_en", 0, None)
    assert Caller(text).press("2")[-1] == HangUp("flow_ended")


def test_half_a_word_is_told_once_a_second() -> None:
    """Whoever watches reads what the caller is saying; the flow itself stays where it is."""
    caller = Caller(MENU)
    before = caller.state.step, caller.state.phase, caller.state.deadline
    assert caller.begin_to_say("sa") == [HeardSoFar("sa")]
    caller.now += 0.9
    assert caller.begin_to_say("sales") == []
    caller.now += 0.2
    assert caller.begin_to_say("sales please") == [HeardSoFar("sales please")]
    assert (caller.state.step, caller.state.phase, caller.state.deadline) == before


def test_nothing_is_told_of_a_turn_that_is_over_or_of_a_secret() -> None:
    """A late word, and one that comes while digits are taken that nobody may read."""
    caller = Caller(MENU)
    late = caller.state.listening
    caller.press("1")
    assert session.hearing(caller.state, late, "sales", caller.around) == []
    secret = Caller("""
        start: pin
        steps:
          pin:
            gather: {prompt: "Your PIN.", into: pin, digits: 4, sensitive: true, no_input: bye, no_match: bye}
            next: bye
          bye: {hang_up: }
    """)
    secret.state.listening = "l1"  # as if somebody listened
    assert secret.begin_to_say("four two") == []
