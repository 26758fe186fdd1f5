"""The survey step: a number of a scale, by key or word, as variable, call attribute and answer."""

from __future__ import annotations

import pytest

from cti_engine.core.ivr.actions import Answered, AttributesSet, HangUp, Listen, StartRecord
from cti_engine.core.ivr.asking import BETWEEN
from tests.core_ivr.caller import Caller

SURVEY = """
    languages: [en, es]
    start: question
    defaults: {retries: 1, no_input: silent, no_match: wrong, no_match_prompt: {en: "Sorry.", es: "Perdón."}}
    steps:
      question:
        survey: {answer: satisfaction, scale: SCALE, prompt: {en: "How was it?", es: "¿Qué tal?"}}
        next: thanks
      thanks: {say: {en: "Thank you for {satisfaction|number}.", es: "Gracias."}, next: end}
      silent: {hang_up: }
      wrong: {hang_up: }
      end: {hang_up: }
"""
SATISFACTION, PROMOTER = SURVEY.replace("SCALE", "1-5"), SURVEY.replace("SCALE", "0-10")


def _answer(caller: Caller) -> Answered:
    (found,) = (action for action in caller.actions if isinstance(action, Answered))
    return found


def test_an_answer_by_key() -> None:
    """It is a variable, an attribute of the call, an answer with its scale, and stands in the path; then `next`."""
    caller = Caller(SATISFACTION)
    caller.press("4")
    assert _answer(caller) == Answered("demo", "satisfaction", "1-5", 4, "key")
    assert AttributesSet({"satisfaction": 4}) in caller.actions
    assert caller.state.variables["satisfaction"] == 4
    assert caller.heard == ["text:Thank you for", "text:four"]
    assert caller.state.path == ["question:4 four"]


@pytest.mark.parametrize(("language", "word"), [("en", "five"), ("es", "cinco")])
def test_an_answer_by_word(language: str, word: str) -> None:
    """The numbers of the call's language are the words."""
    caller = Caller(SATISFACTION, language)
    listen = next(action for action in caller.actions if isinstance(action, Listen))
    assert set(listen.phrases) == {"1", "2", "3", "4", "5"}
    assert listen.phrases["5"] == (word,)
    caller.say("5")
    assert _answer(caller).way == "voice"


def test_what_is_not_sure_is_asked_back_and_counts_as_spoken() -> None:
    """Yes by key or word: the answer was spoken all the same; another number by key is its own answer."""
    for by_key in (True, False):
        caller = Caller(SATISFACTION)
        caller.say("4", verdict="confirm")
        assert caller.heard == ["text:Did you say four? Say yes or press one. If not, say no or press two."]
        if by_key:
            caller.press("1")
        else:
            caller.say("1")
        assert (_answer(caller).answer, _answer(caller).way) == (4, "voice")
    caller = Caller(SATISFACTION)
    caller.say("4", verdict="confirm")
    caller.press("3")
    assert (_answer(caller).answer, _answer(caller).way) == (3, "key")


def test_a_key_wins_over_what_is_being_said() -> None:
    """The word comes too late."""
    caller = Caller(SATISFACTION)
    listening = caller.state.listening
    caller.press("2")
    assert caller.say("5") == []
    assert (_answer(caller).answer, caller.state.listening == listening) == (2, False)


def test_what_is_not_on_the_scale_is_asked_again_then_sent_on() -> None:
    """The tries are inherited from the defaults; no answer is told."""
    caller = Caller(SATISFACTION)
    caller.press("6")
    assert caller.heard == ["text:Sorry.", "text:How was it?"]
    caller.press("0")
    assert caller.state.step == "wrong"
    assert not [action for action in caller.actions if isinstance(action, Answered)]
    assert caller.last[-1] == HangUp("flow_ended")


def test_silence_is_asked_again_then_sent_on() -> None:
    """By `no_input`."""
    caller = Caller(SATISFACTION)
    for _ in range(2):
        caller.hear_out()
        caller.wait(5.0)
    assert caller.state.step == "silent"


@pytest.mark.parametrize("keys", ["0", "7", "9"])
def test_of_ten_most_keys_count_at_once(keys: str) -> None:
    """Only 1 can become 10."""
    caller = Caller(PROMOTER)
    caller.press(keys)
    assert _answer(caller).answer == int(keys)


def test_one_waits_for_the_zero_of_ten() -> None:
    """10 in two keys; 1 alone after a moment, or at once with #; 1 and another key are no answer."""
    ten = Caller(PROMOTER)
    ten.press("1", "0")
    assert _answer(ten).answer == 10

    one = Caller(PROMOTER)
    one.press("1")
    assert one.wait(BETWEEN - 0.1) == []
    one.wait(0.1)
    assert (_answer(one).answer, _answer(one).way) == (1, "key")

    entered = Caller(PROMOTER)
    entered.press("1", "#")
    assert _answer(entered).answer == 1

    wrong = Caller(PROMOTER)
    wrong.press("1", "3")
    assert wrong.heard == ["text:Sorry.", "text:How was it?"]
    wrong.press("1", "0")
    assert _answer(wrong).answer == 10


def test_after_a_restart_half_a_ten_is_asked_again() -> None:
    """The first key is forgotten with what played."""
    caller = Caller(PROMOTER)
    caller.press("1")
    caller.resume()
    assert caller.heard == ["text:How was it?"]
    caller.press("0")
    assert _answer(caller).answer == 0


COMMENT = """
    start: comment
    steps:
      comment: {record: {answer: comment, longest: 60s}, next: thanks}
      thanks: {say: "Thank you for {comment_seconds|number} seconds.", next: end}
      end: {hang_up: }
"""


def test_a_spoken_answer_is_recorded_as_one() -> None:
    """The recording knows the survey and its question; path and length are variables as of any recording."""
    caller = Caller(COMMENT)
    caller.hear_out()
    assert caller.last == [StartRecord(caller.state.recording, 60.0, 4.0, "", 0, "demo", "comment")]
    caller.recorded("/rec/a.wav", 7.0)
    assert caller.state.variables == {"comment": "/rec/a.wav", "comment_seconds": 7.0}
    assert caller.heard == ["text:Thank you for", "text:seven", "text:seconds."]
