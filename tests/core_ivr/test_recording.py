"""Record and voicemail: beep, recording, its end by key, silence or time, and what follows."""

from __future__ import annotations

from cti_engine.core.ivr import session
from cti_engine.core.ivr.actions import HangUp, Leave, StartRecord, StopRecord
from cti_engine.core.ivr.flow import Fixed, Menu
from cti_engine.core.ivr.recording import STORED_WITHIN
from tests.core_ivr.caller import Caller, flow_of

RECORD = """
languages: [en, es]
start: comment
steps:
  comment: {record: {into: file, longest: 90s, silence: 3s, no_input: nothing}, next: thanks}
  thanks: {say: {en: "Thank you for {file_seconds} seconds.", es: "Gracias."}, next: end}
  nothing: {say: {en: "Nothing was said.", es: "No se oyó nada."}, next: end}
  end: {hang_up: }
"""
VOICEMAIL = """
languages: [en, es]
start: leave
steps:
  leave: {voicemail: {queue: support, prompt: {en: "Speak.", es: "Hable."}, priority: -3}, next: end}
  end: {hang_up: }
"""


def recording() -> Caller:
    caller = Caller(RECORD)
    caller.hear_out()
    return caller


def test_a_beep_then_the_caller_is_recorded() -> None:
    """The beep is heard first, then the worker is told how long it may be."""
    caller = Caller(RECORD)
    assert caller.heard == ["sound:beep"]
    caller.hear_out()
    assert caller.last == [StartRecord(caller.state.recording, 90.0, 3.0, "", 0)]


def test_the_file_and_its_length_are_variables() -> None:
    """`into` and `into_seconds`; the length can be said."""
    caller = recording()
    caller.recorded("/rec/a.wav", 7.0)
    assert caller.state.variables == {"file": "/rec/a.wav", "file_seconds": 7.0}
    assert caller.heard == ["text:Thank you for", "text:seven", "text:seconds."]


def test_nothing_said_has_a_way_of_its_own() -> None:
    """An empty path: no file."""
    caller = recording()
    caller.recorded("", 0.0)
    assert caller.heard == ["text:Nothing was said."]
    assert caller.state.variables == {}


def test_the_end_key_stops_it_and_other_keys_do_not() -> None:
    """Told to the worker, whose word is waited for; keys before the recording are for nothing."""
    caller = Caller(RECORD)
    caller.press("1", "#")
    caller.hear_out()
    assert caller.press("5") == []
    assert caller.press("#") == [StopRecord(caller.state.recording)]
    caller.recorded("/rec/a.wav", 7.0)
    assert caller.state.step == "thanks"


def test_no_word_of_it() -> None:
    """A recording of which nobody tells the end is given up; its word comes too late then."""
    caller = recording()
    of = caller.state.recording
    caller.wait(90.0 + STORED_WITHIN - 0.1)
    assert caller.state.step == "comment"
    assert StopRecord(of) in caller.wait(0.1)
    assert caller.state.step == "nothing"
    assert session.recorded(caller.state, of, "/rec/a.wav", 7.0, caller.around) == []


def test_what_is_recorded_goes_on_after_a_restart() -> None:
    """The worker records on; nothing is asked again."""
    caller = recording()
    assert caller.resume() == []
    caller.recorded("/rec/a.wav", 7.0)
    assert caller.state.step == "thanks"


def test_voicemail_is_said_recorded_reviewed_and_left() -> None:
    """Prompt, beep, message, "one to keep, two to record again", and it goes to its queue."""
    caller = Caller(VOICEMAIL)
    assert caller.heard == ["text:Speak."]
    caller.hear_out()
    caller.hear_out()
    assert caller.last == [StartRecord(caller.state.recording, 120.0, 4.0, "support", -3)]
    caller.recorded("/rec/a.wav", 7.0)
    assert caller.heard[0].startswith("text:To keep your message")
    caller.press("2")
    assert caller.heard == ["sound:beep"]
    caller.hear_out()
    caller.recorded("/rec/b.wav", 7.0)
    caller.press("1")
    assert [type(each) for each in caller.last if isinstance(each, Leave | HangUp)] == [Leave, HangUp]


def test_who_does_not_choose_keeps_the_message() -> None:
    """Silence and wrong keys at the review leave it."""
    caller = Caller(VOICEMAIL)
    caller.hear_out()
    caller.hear_out()
    caller.recorded("/rec/a.wav", 7.0)
    for _ in range(2):
        caller.hear_out()
        caller.wait(5.0)
    assert Leave() in caller.last


def test_a_review_of_ones_own() -> None:
    """`review` says it in other words, and in languages that the engine has none for."""
    flow = flow_of("""
        start: leave
        steps:
          leave: {voicemail: {queue: q, review: "Keep it with one."}, next: end}
          end: {hang_up: }
        """)
    review = flow.steps["leave.review"]
    assert isinstance(review, Menu)
    assert review.prompt["en"] == ((Fixed("text", "Keep it with one."),),)
