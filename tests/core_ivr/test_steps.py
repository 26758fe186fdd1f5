"""Say, play, set, branch, wait, language, enqueue and hang up."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti_engine.core.commands import Prompt
from cti_engine.core.ivr.actions import AttributesSet, Enqueue, HangUp, Play, StepEntered, StopPlay
from cti_engine.core.ivr.run import STEP_LIMIT, STEP_WINDOW
from cti_engine.definitions.library import load_definitions
from tests.core_ivr.caller import Caller

ROOT = Path(__file__).parents[2]


def test_a_text_with_values_is_spoken_in_parts() -> None:
    """Words are texts, a number is a cardinal, a telephone number goes digit by digit, in the call's language."""
    caller = Caller(
        """
        languages: [es, en]
        start: a
        steps:
          a:
            say: {es: "Usted es el {position|number}, desde {call.ani|digits}.", en: "You are {position}."}
            next: end
          end: {hang_up: }
        """,
        language="es",
        world={"queue.position": 4, "call.ani": "+34 911"},
    )
    assert caller.plays[0].prompts == (
        Prompt("text", "Usted es el", "es"),
        Prompt("text", "cuatro", "es"),
        Prompt("text", "desde", "es"),
        Prompt("text", "tres", "es"),
        Prompt("text", "cuatro", "es"),
        Prompt("text", "nueve", "es"),
        Prompt("pause", "200", "es"),
        Prompt("text", "uno", "es"),
        Prompt("text", "uno", "es"),
    )


@pytest.mark.parametrize(
    ("value", "heard"),
    [
        (60, ["sound:digits/60"]),
        (142, ["sound:digits/1", "sound:digits/hundred", "sound:digits/40", "sound:digits/2"]),
        (2.4, ["sound:digits/2"]),
        (0, ["sound:digits/0"]),
        (1_000_000_000, ["sound:digits/1", *["sound:digits/0"] * 9]),
        (-3, ["music:default"]),
        (float("nan"), ["music:default"]),
        (None, ["music:default"]),
        (True, ["music:default"]),
        ("many", ["music:default"]),
        ([1], ["music:default"]),
    ],
)
def test_a_list_of_sounds_takes_recorded_numbers(value: object, heard: list[str]) -> None:
    """As a cardinal, the largest digit by digit; what is no number leaves the sentence out."""
    caller = Caller(
        """
        start: a
        steps:
          a: {play: [{number: queue.position}], next: b}
          b: {wait: 10s, next: a}
        """,
        world={"queue.position": value},
    )
    assert caller.heard == heard


def test_a_list_with_a_number_is_one_sentence() -> None:
    """`You are number | 3 | in line` is left out whole when the number is not known; other lists are not."""
    flow = """
        start: a
        steps:
          a: {play: [queue-thereare, {number: position}, queue-callswaiting], next: b}
          b: {say: ["Hello.", "You are {position}.", "Bye."], next: end}
          end: {hang_up: }
    """
    known = Caller(flow, world={"queue.position": 3})
    assert known.heard == ["sound:queue-thereare", "sound:digits/3", "sound:queue-callswaiting"]
    known.hear_out()
    assert known.heard == ["text:Hello.", "text:You are", "text:three", "text:Bye."]
    unknown = Caller(flow)
    assert unknown.heard == ["text:Hello.", "text:Bye."]


def test_a_prompt_that_could_not_be_played_goes_on() -> None:
    """A missing file must not leave the caller in silence for ever."""
    caller = Caller('start: a\nsteps: {a: {say: "Hi", next: end}, end: {hang_up: }}')
    assert caller.hear_out()[-1] == HangUp("flow_ended")


def test_set_keeps_variables_and_tells_attributes() -> None:
    """Variables are the flow's own; call attributes are told, seen by the next condition, and may copy values."""
    caller = Caller(
        """
        variables: {greeting: hello, limit: 90s}
        start: a
        steps:
          a:
            set:
              call.intent: sales
              call.level: 3
              call.copy: "{call.value}"
              call.note: "from {call.dnis}, {greeting} {nobody_knows}"
              call.whence: "from {call.dnis}, {greeting}, {call.value}"
              again: true
              nobody_knows: "{call.name}"
            next: b
          b:
            branch:
              - {when: call.intent == "sales" and call.level >= 3 and again and limit > 1m, go_to: yes_step}
              - {else: no_step}
          yes_step: {enqueue: q}
          no_step: {hang_up: }
        """,
        world={"call.dnis": "1000", "call.value": 7.0, "call.intent": "support"},
    )
    told = next(action for action in caller.actions if isinstance(action, AttributesSet))
    assert told.attributes == {
        "intent": "sales",
        "level": 3,
        "copy": 7.0,
        "note": None,
        "whence": "from 1000, hello, 7",
    }
    assert caller.last[-1] == Enqueue("q", 0, None)
    assert caller.state.variables == {"greeting": "hello", "limit": 90.0, "again": True, "nobody_knows": None}


def test_branch_takes_the_first_that_holds_and_undefined_never_does() -> None:
    """Conditions are asked in the order of writing; with none the way is `else`, or `next`."""
    flow = """
        start: a
        steps:
          a:
            branch:
              - {when: call.segment != "gold", go_to: other}
              - {when: call.segment == "gold", go_to: gold}
              - {when: call.value > 1, go_to: rich}
            next: nobody
          other: {enqueue: other}
          gold: {enqueue: gold}
          rich: {enqueue: rich}
          nobody: {enqueue: nobody}
    """
    worlds: list[tuple[dict[str, object], str]] = [
        ({"call.segment": "silver"}, "other"),
        ({"call.segment": "gold", "call.value": 5}, "gold"),
        ({"call.value": 5}, "rich"),
        ({}, "nobody"),
    ]
    for world, queue in worlds:
        assert Caller(flow, world=world).last[-1] == Enqueue(queue, 0, None)


def test_language_changes_what_is_spoken_and_is_told() -> None:
    """After `language` the caller hears the other language, and the agent's page knows."""
    caller = Caller(
        """
        languages: [es, en]
        start: a
        steps:
          a: {language: en, next: b}
          b: {say: {es: Hola, en: Hello}, next: end}
          end: {hang_up: }
        """,
        language="es",
    )
    assert AttributesSet({"language": "en"}) in caller.last
    assert caller.plays[-1].prompts == (Prompt("text", "Hello", "en"),)


def test_a_language_the_flow_does_not_have_is_its_first() -> None:
    """A French number on a Spanish flow speaks Spanish, not silence."""
    assert (
        Caller("start: a\nlanguages: [es, en]\nsteps: {a: {play: x, next: a}}", language="fr").state.language
        == "es"
    )


def test_wait_plays_music_until_its_time_and_survives_a_restart() -> None:
    """The music loops; the time is up at the same moment although the engine was away; keys do nothing."""
    caller = Caller("start: a\nsteps: {a: {wait: 20s, next: b}, b: {hang_up: }}")
    assert caller.last == [
        StepEntered("demo", "a"),
        Play("p1", (Prompt("music", "default", "en"),), stop_on_digit=False, repeat=True),
    ]
    assert caller.press("5") == []
    assert caller.hear_out() == []  # no music there: the time still counts
    assert caller.wait(15) == []
    assert caller.resume() == [
        Play("p2", (Prompt("music", "default", "en"),), stop_on_digit=False, repeat=True)
    ]
    assert caller.wait(5) == [StepEntered("demo", "b"), StopPlay("p2"), HangUp("flow_ended")]


def test_a_loop_that_never_waits_ends_the_call() -> None:
    """An endless loop of branches is a fault of the flow, told as flow_fault, not a frozen engine."""
    caller = Caller("""
        start: a
        steps:
          a: {set: {x: 1}, next: b}
          b: {branch: [{when: x == 2, go_to: end}], next: a}
          end: {hang_up: }
    """)
    assert caller.last[-1] == HangUp("flow_fault")
    assert sum(isinstance(action, StepEntered) for action in caller.last) == STEP_LIMIT


def test_a_loop_of_prompts_that_fail_at_once_ends_the_call() -> None:
    """A say that can never be played must not spin between engine and worker for ever."""
    caller = Caller('start: a\nsteps: {a: {say: "Hi", next: a}}')
    for _ in range(STEP_LIMIT):
        caller.hear_out()
    assert caller.last == [HangUp("flow_fault")]


def test_a_treatment_loops_for_hours() -> None:
    """Music and position for as long as the caller waits: no limit on steps that take their time."""
    caller = Caller('start: a\nsteps: {a: {wait: 1s, next: b}, b: {say: "Hi", next: a}}')
    for _ in range(10 * STEP_LIMIT):
        caller.wait(1)
        caller.hear_out()
    assert not caller.state.over
    assert STEP_WINDOW * 2 < STEP_LIMIT  # a say a second would never be taken for a loop


def test_a_say_resumed_with_nothing_left_to_say_goes_on() -> None:
    """The position was known before the restart and is not now: the sentence is left out."""
    caller = Caller(
        'start: a\nsteps: {a: {say: "{position}", next: b}, b: {hang_up: }}', world={"queue.position": 2}
    )
    caller.world.clear()
    assert caller.resume() == [StepEntered("demo", "b"), HangUp("flow_ended")]


def test_variables_given_at_the_start_come_over_the_flows_own() -> None:
    """Whoever starts a flow may hand values over."""
    caller = Caller(
        """
        variables: {x: 1}
        start: a
        steps:
          a: {branch: [{when: x == 2, go_to: b}], next: c}
          b: {enqueue: two}
          c: {hang_up: }
        """,
        x=2,
    )
    assert caller.last[-1] == Enqueue("two", 0, None)


@pytest.mark.parametrize(
    ("language", "position", "minutes"),
    [("es", 1, 1), ("en", 1, 1), ("en", 3, 30), ("es", 2, 31), ("es", 3, None), ("en", None, None)],
)
def test_the_shipped_treatment(language: str, position: int | None, minutes: int | None) -> None:
    """20 s of music, the place in the line, the estimate, thanks, the offer to be called back unless it is over in a
    minute, music again; what is not known is not said, nor is an estimate of more than half an hour.
    """
    definitions, _ = load_definitions(ROOT)
    assert definitions is not None
    caller = Caller(
        definitions.flows["queue_treatment"],
        language,
        {"queue.position": position, "queue.ewt_minutes": minutes},
    )
    for _ in range(3):
        assert caller.heard == ["music:default"]
        caller.wait(20)
        if position == 1:
            assert caller.heard == ["sound:queue-youarenext"]
            caller.hear_out()
        elif position:
            assert caller.heard == [
                "sound:queue-thereare", f"sound:digits/{position}", "sound:queue-callswaiting"
            ]  # fmt: skip
            caller.hear_out()
        less_than = ["sound:queue-holdtime", "sound:queue-less-than"]
        if minutes == 1:
            one = "sound:digits/1M" if language == "es" else "sound:digits/1"
            assert caller.heard == [*less_than, one, "sound:queue-minute"]
            caller.hear_out()
        elif minutes == 30:
            assert caller.heard == [*less_than, "sound:digits/30", "sound:queue-minutes"]
            caller.hear_out()
        assert caller.heard == ["sound:queue-thankyou"]
        assert caller.plays[-1].prompts[0].language == language
        caller.hear_out()
        if minutes != 1:
            assert len(caller.heard) == 1 and "1." in caller.heard[0]
            caller.hear_out()
            caller.wait(1)
