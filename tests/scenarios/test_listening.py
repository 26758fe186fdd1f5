"""A caller who speaks: half a word is told to those who watch, the whole one decides."""

from __future__ import annotations

from dataclasses import replace

from cti_engine.core import commands, signals
from cti_engine.core.definitions import DialledNumber
from tests.core_ivr.caller import flow_of
from tests.scenarios.playbook import Caller, Deferred, Elapse, Scenario, the
from tests.scenarios.small_center import DEFINITIONS

FLOW = flow_of(
    """
    start: menu
    steps:
      menu:
        menu: {prompt: "Sales?", no_input: end, no_match: end, choices: {"1": {go_to: queue, words: {en: [sales]}}}}
      queue: {enqueue: sales}
      end: {hang_up: }
    """,
    "words",
)
CENTER = replace(
    DEFINITIONS,
    flows={**DEFINITIONS.flows, "words": FLOW},
    dialled_numbers={**DEFINITIONS.dialled_numbers, "7000": DialledNumber("7000", "words", "en")},
)
caller = Caller()


def _turn(scenario: Scenario) -> tuple[str, str, str]:
    listen = [c for c in scenario.commands if isinstance(c, commands.Listen)][-1]
    return listen.worker, listen.leg, listen.listening


def begins_to_say(text: str) -> Deferred:
    return Deferred(f"says {text} ...", lambda scenario: signals.SpeechPartial(*_turn(scenario), text))


def says(choice: str, text: str) -> Deferred:
    return Deferred(
        f"says {text}", lambda scenario: signals.SpeechHeard(*_turn(scenario), "accept", choice, text)
    )


def test_those_who_watch_read_along() -> None:
    """At most once a second, with the step; then the word leads on, and what comes late is told to nobody."""
    s = Scenario(CENTER) >> caller.calls("7000") >> caller.found("c1") >> caller.connects() << the.Listen()
    s = s >> begins_to_say("sa")
    s = s << the.CallerSpeaking(contact="c1", flow="words", step="menu", text="sa")
    s = s >> Elapse(0.5) >> begins_to_say("sales")
    s = s.without(the.CallerSpeaking(text="sales")) >> says("1", "sales") << the.CallQueued(contact="c1")
    s = s >> Elapse(2) >> begins_to_say("sales again")
    s.without(the.CallerSpeaking(text="sales again"))
