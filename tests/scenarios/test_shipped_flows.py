"""Callers in the shipped center who hang up at each prompt that they come to, and who say nothing for ten minutes."""

from __future__ import annotations

from random import Random

import pytest

from cti_engine.core import commands, events, signals
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.signals import Signal
from cti_engine.definitions.library import load_definitions
from cti_engine.simulation.flow_rehearsal import seconds_of
from tests.definitions.homes import ROOT
from tests.scenarios.playbook import Caller, Elapse, Scenario

TEN_MINUTES = 600.0
TWO_MINUTES = 120.0
SEEDS = 24


@pytest.fixture(scope="module")
def shipped() -> CenterDefinitions:
    definitions, problems = load_definitions(ROOT)
    assert definitions is not None and problems == []
    return definitions


class Call:
    """One call to `number`: a worker that does what it is told, services that are down, and keys by `seed`.

    `heard`: the first words of each prompt, with the step that the flow had come to (in a queue: the last before it).
    """

    def __init__(self, definitions: CenterDefinitions, number: str, seed: int | None) -> None:
        self.scenario = Scenario(definitions)
        self.caller = Caller()
        self._keys = Random(seed) if seed is not None else None
        self._playing: tuple[str, float] = ("", 0.0)
        self._done = 0
        self.heard: list[tuple[tuple[str, str], str]] = []
        self._give(self.caller.calls(number))

    @property
    def steps(self) -> list[tuple[str, str]]:
        return [(e.flow, e.step) for _, e in self.scenario.facts if isinstance(e, events.IvrStepEntered)]

    @property
    def over(self) -> bool:
        return not self.scenario.center.contacts

    def goes_on(self, until: float, prompts: int = 1_000_000) -> None:
        """Until so many seconds of the call, or until the caller has come to so many prompts."""
        end = self.scenario.start + until
        while not self.over and self.scenario.now < end and len(self.heard) < prompts:
            playback, ends = self._playing
            self.scenario >> Elapse(min(1.0, max(0.0, ends - self.scenario.now)) if playback else 1.0)
            self._obey()
            if playback and self.scenario.now >= ends and self._playing[0] == playback:
                self._playing = ("", 0.0)
                self._give(signals.PlaybackEnded("w1", self.caller.leg, playback, True))
            if self._keys is not None and not self.over and self._keys.random() < 0.25:
                self._give(self.caller.presses(self._keys.choice("03344591*#2")))

    def hangs_up(self) -> None:
        self._give(self.caller.hangs_up())
        self.scenario >> Elapse(1.0)
        self._obey()

    def _give(self, signal: Signal) -> None:
        self.scenario >> signal
        self._obey()

    def _obey(self) -> None:
        while self._done < len(self.scenario.commands):
            command = self.scenario.commands[self._done]
            self._done += 1
            answer = self._answer(command)
            if answer is not None:
                self.scenario >> answer

    def _answer(self, command: commands.Command) -> Signal | None:
        match command:
            case commands.AnswerLeg():
                return self.caller.connects()
            case commands.LookUp():
                return self.caller.found(command.contact)
            case commands.CallService():
                return signals.ServiceAnswered(command.contact, command.request, error="unreachable")
            case commands.PlayPrompts():
                lasts = sum(map(seconds_of, command.prompts))
                self.heard.append((self.steps[-1], command.prompts[0].value))
                self._playing = ("", 0.0) if command.repeat else (command.playback, self.scenario.now + lasts)
            case commands.StopPlayback() if command.playback == self._playing[0]:
                self._playing = ("", 0.0)
                return signals.PlaybackEnded(command.worker, command.leg, command.playback, False)
            case commands.StopRecording():
                return signals.RecordingEnded(command.worker, command.recording, "", 0.0)
            case commands.DialLeg():
                return signals.LegFailed(command.worker, command.leg, 486)
            case commands.EndLeg() | commands.RejectLeg():
                return self.caller.is_gone()
        return None


def _is_closed(call: Call) -> None:
    """The caller's contact has one record with a cause, and nothing is left of it but what was asked for."""
    record = call.scenario.record()
    assert record["cause"] and record["outcome"]
    assert call.scenario.anomalies == []
    left = [contact for contact in call.scenario.center.contacts.values() if contact.kind == "voice"]
    assert left == [] and not call.scenario.center.legs


@pytest.mark.parametrize("number", ["1000", "2000", "5000"])
def test_hanging_up_at_each_prompt(shipped: CenterDefinitions, number: str) -> None:
    """Whatever a caller is being told, by whichever flow: the call is over at once, with a record that says so."""
    places: set[tuple[tuple[str, str], str]] = set()
    for seed in range(SEEDS):
        whole = Call(shipped, number, seed)
        whole.goes_on(TWO_MINUTES)
        for count, place in enumerate(whole.heard, 1):
            if place in places:
                continue
            places.add(place)
            call = Call(shipped, number, seed)
            call.goes_on(TWO_MINUTES, count)
            assert call.heard[:count] == whole.heard[:count]
            if not call.over:
                call.hangs_up()
            _is_closed(call)
    assert len(places) >= 12


@pytest.mark.parametrize("number", ["1000", "2000", "5000"])
def test_ten_minutes_of_silence(shipped: CenterDefinitions, number: str) -> None:
    """A caller who does nothing is not spoken to for ever: the call waits in a queue, is recorded, or has ended."""
    call = Call(shipped, number, None)
    call.goes_on(TEN_MINUTES)
    assert (
        2 <= len(call.heard) <= 4 * TEN_MINUTES / 25
    )  # in a queue position and thanks, each 30 s, and music again
    (contact,) = call.scenario.center.contacts.values() or [None]
    assert contact is None or contact.state == "queued"
    call.hangs_up()
    _is_closed(call)
