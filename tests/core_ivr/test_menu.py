"""Menus: keys, barge-in, type-ahead, wrong keys, silence and retries."""

from __future__ import annotations

from cti_engine.core.commands import Prompt
from cti_engine.core.ivr.actions import AttributesSet, Enqueue, HangUp, Play, StepEntered, StopPlay
from tests.core_ivr.caller import Caller

MENU = """
    start: hello
    defaults:
      {retries: 2, timeout: 5s, no_input: operator, no_match: bye,
       no_input_prompt: "No key.", no_match_prompt: "Wrong key."}
    steps:
      hello: {say: "Hello.", next: menu}
      menu:
        menu:
          prompt: "Press one or two."
          choices:
            "1": {go_to: sales, label: {en: sales}}
            "2": more
      more:
        menu: {prompt: "Press three.", choices: {"3": {go_to: sales, label: {en: third}}}}
      sales: {set: {call.intent: sales}, next: queue}
      queue: {enqueue: {queue: sales_en, priority: 3, treatment: music}}
      operator: {enqueue: support_en}
      bye: {hang_up: }
"""


def test_a_call_from_the_greeting_to_the_queue() -> None:
    """The greeting plays, then the menu; a key sets the attribute and enqueues, with the path for the agent."""
    caller = Caller(MENU)
    assert caller.last == [
        StepEntered("demo", "hello"),
        Play("p1", (Prompt("text", "Hello.", "en"),), stop_on_digit=True, repeat=False),
    ]
    assert caller.hear_out() == [
        StepEntered("demo", "menu"),
        Play("p2", (Prompt("text", "Press one or two.", "en"),), stop_on_digit=True, repeat=False),
    ]
    assert caller.press("1") == [
        StepEntered("demo", "sales"),
        AttributesSet({"intent": "sales"}),
        StepEntered("demo", "queue"),
        Enqueue("sales_en", 3, "music"),
    ]
    assert caller.state.over
    assert caller.state.path == ["menu:1 sales"]


def test_silence_is_asked_again_then_sent_on() -> None:
    """No key within the timeout after the prompt: two retries with a hint, then no_input's step."""
    caller = Caller(MENU)
    caller.hear_out()
    caller.hear_out()
    assert caller.state.deadline == caller.now + 5.0
    assert caller.wait(4.9) == []
    for _ in range(2):
        caller.wait(5)
        assert caller.heard == ["text:No key.", "text:Press one or two."]
        assert caller.state.deadline is None  # the timeout runs from the end of the prompt
        caller.hear_out()
    assert caller.wait(5) == [StepEntered("demo", "operator"), Enqueue("support_en", 0, None)]


def test_a_wrong_key_is_asked_again_then_sent_on() -> None:
    """A key without a choice: two retries with another hint, then no_match's step; silence counts as a try."""
    caller = Caller(MENU)
    caller.hear_out()
    caller.press("7")
    assert caller.heard == ["text:Wrong key.", "text:Press one or two."]
    caller.hear_out()
    caller.wait(5)
    assert caller.heard == ["text:No key.", "text:Press one or two."]
    assert caller.press("9") == [StepEntered("demo", "bye"), HangUp("flow_ended")]
    assert caller.state.path == []


def test_tries_begin_anew_in_the_next_menu() -> None:
    """A caller who missed twice in one menu has all tries in the next one."""
    caller = Caller(MENU)
    caller.hear_out()
    caller.press("9", "9", "2")
    caller.press("9", "9")
    assert caller.heard == ["text:Wrong key.", "text:Press three."]
    caller.press("3")
    assert caller.state.path == ["menu:2 more", "more:3 third"]


def test_keys_typed_ahead_choose_in_the_next_menus() -> None:
    """A caller who knows the way presses 2 3 during the greeting: no menu is heard at all."""
    caller = Caller(MENU)
    caller.press("2")  # stops the greeting and is kept: the first menu takes it
    assert caller.heard == ["text:Press three."]
    caller.press("3")
    assert caller.state.path == ["menu:2 more", "more:3 third"]

    kept = Caller(MENU.replace('{say: "Hello.",', '{say: "Hello.", barge_in: false,'))
    kept.press("2", "3")
    assert len(kept.plays) == 1  # the greeting is heard to its end
    kept.hear_out()
    assert len(kept.plays) == 1
    assert kept.state.path == ["menu:2 more", "more:3 third"]


def test_a_wrong_key_forgets_what_was_typed_ahead() -> None:
    """After a miss the caller hears the menu: the keys behind the wrong one do not choose blindly."""
    caller = Caller(MENU.replace('{say: "Hello.",', '{say: "Hello.", barge_in: false,'))
    caller.press("9", "1")
    caller.hear_out()
    assert caller.heard == ["text:Wrong key.", "text:Press one or two."]
    assert not caller.state.over and not caller.secrets["#"]


def test_a_menu_without_barge_in_is_heard_first() -> None:
    """Keys during its prompt, and before it, do not count; after it they do."""
    caller = Caller(
        MENU.replace('prompt: "Press one or two."', 'prompt: "Press one or two."\n          barge_in: false')
    )
    caller.press("1")
    assert caller.heard == ["text:Press one or two."]
    assert caller.plays[-1].stop_on_digit is False
    assert caller.press("1") == []
    caller.hear_out()
    caller.press("1")
    assert caller.state.over


def test_late_and_foreign_input_is_ignored() -> None:
    """The end of an old prompt, time before anything is due, keys after the end: nothing happens."""
    caller = Caller(MENU)
    assert caller.hear_out("p0") == []
    assert caller.hear_out("") == []
    assert caller.wait(100) == []
    caller.press("1")
    before = caller.state.path.copy()
    assert caller.hear_out("p1") == caller.hear_out("p2") == caller.wait(1000) == []
    assert caller.press("1", "2") == caller.resume() == []
    assert caller.state.path == before


def test_a_key_that_stops_a_prompt_makes_its_late_end_meaningless() -> None:
    """The worker reports the stopped prompt after the key: the next prompt goes on."""
    caller = Caller(MENU)
    caller.hear_out()
    old = caller.state.playback
    caller.press("9")
    assert caller.hear_out(old) == []
    assert caller.state.phase == "playing"


def test_after_a_restart_the_menu_is_asked_again_with_its_tries() -> None:
    """What played was lost: the same prompt under a new id, and no try is given back."""
    caller = Caller(MENU)
    caller.hear_out()
    caller.press("9")
    assert caller.resume() == [
        Play("p4", (Prompt("text", "Press one or two.", "en"),), stop_on_digit=True, repeat=False)
    ]
    assert caller.state.tries == 1
    assert caller.hear_out("p3") == []
    caller.hear_out()
    assert caller.state.phase == "listening"


def test_music_of_a_wait_stops_when_a_menu_has_nothing_to_say() -> None:
    """A menu whose prompt names undefined values is silent, and does not keep the music of the step before."""
    caller = Caller("""
        start: music
        steps:
          music: {wait: 5s, next: menu}
          menu:
            menu: {prompt: "You are {position}.", choices: {"1": bye}, no_input: bye, no_match: bye}
          bye: {hang_up: }
    """)
    assert caller.wait(5) == [StepEntered("demo", "menu"), StopPlay("p1")]
    assert caller.state.phase == "listening"
    caller.press("1")
    assert caller.last == [StepEntered("demo", "bye"), HangUp("flow_ended")]
