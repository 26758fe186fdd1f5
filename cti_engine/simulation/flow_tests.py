"""Plays tests of flows, and says which ways through the flows they have gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cti_engine.core.hours import Calendar
from cti_engine.core.ivr.flow import Flow
from cti_engine.core.ivr.flow_graph import ways
from cti_engine.definitions.flow_test_loader import FlowTest, Line
from cti_engine.simulation.flow_rehearsal import Entry, Rehearsal, Way

LONGEST_SEARCH = 3600.0
"""Seconds of a call that are listened to for what should be heard."""


class Failed(Exception):
    """What was expected and what was so instead."""


@dataclass(frozen=True, slots=True)
class Result:
    """`why` is empty when the test has passed; `line` is the script's. `seconds` of the call, not of the test."""

    test: FlowTest
    why: str
    line: int
    seconds: float
    transcript: tuple[Entry, ...]
    ways: frozenset[Way]
    steps: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of one flow: the steps and ways that were gone, and those that were not."""

    flow: str
    gone: frozenset[Way]
    left: tuple[Way, ...]
    steps_left: tuple[str, ...]
    share: float = field(compare=False, default=1.0)


def run_test(
    test: FlowTest,
    flows: Mapping[str, Flow],
    calendars: Mapping[str, Calendar],
    numbers: Mapping[str, str] | None = None,
) -> Result:
    """`numbers`: the flow of each number of the center."""
    call = Rehearsal(flows, flows[test.flow], test.given, calendars=calendars, numbers=numbers)
    script = _Script(call)
    line = test.line
    why = ""
    try:
        for each in test.script:
            line = each.line
            script.do(each)
    except Failed as failed:
        why = str(failed)
    return Result(
        test, why, line, call.since, tuple(call.transcript), frozenset(call.ways), frozenset(call.steps)
    )


def coverage(flows: Iterable[Flow], results: Iterable[Result]) -> list[Coverage]:
    """Of each flow, by all results together. A flow without ways counts by its steps."""
    gone: set[Way] = set()
    entered: set[tuple[str, str]] = set()
    for result in results:
        gone |= result.ways
        entered |= result.steps
    found = []
    for flow in flows:
        there = [(flow.id, name, way) for name, step in flow.steps.items() for way, _ in ways(step)]
        steps_left = tuple(name for name in flow.steps if (flow.id, name) not in entered)
        left = tuple(way for way in there if way not in gone)
        whole = len(there) + len(flow.steps)
        share = 1.0 - (len(left) + len(steps_left)) / whole
        found.append(Coverage(flow.id, frozenset(set(there) & gone), left, steps_left, share))
    return found


class _Script:
    """Does one line after the other. What is heard is looked for after what was found before."""

    def __init__(self, call: Rehearsal) -> None:
        self._call = call
        self._heard = 0
        self._sent = 0
        self._asked = 0
        self._transferred = 0
        self._verbs: dict[str, Callable[..., None]] = {
            "hears": self._hears,
            "hears_not": self._hears_not,
            "presses": self._presses,
            "says": self._says,
            "mumbles": lambda words: self._says(words, "confirm"),
            "makes_noise": lambda _: self._needs(call.make_noise(), "nobody listens now"),
            "is_silent": lambda _: call.be_silent(),
            "speaks": lambda seconds: self._needs(call.speak(seconds), "nothing is recorded now"),
            "waits": call.wait,
            "hangs_up": lambda _: call.hang_up(),
            "step": self._step,
            "sets": self._sets,
            "asks": self._asks,
            "sends": self._sends,
            "answers": self._answers,
            "calls_back": self._calls_back,
            "transfers": self._transfers,
            "enters": self._enters,
            "leaves": self._leaves,
            "ends": self._ends,
            "within": self._within,
        }

    def do(self, line: Line) -> None:
        self._verbs[line.verb](line.value)

    @staticmethod
    def _needs(holds: bool, why: str) -> None:
        if not holds:
            raise Failed(why)

    # --- heard ----------------------------------------------------------------------------------

    def _hears(self, texts: tuple[str, ...]) -> None:
        for text in texts:
            place = self._place_of(text)
            until = self._call.now + LONGEST_SEARCH
            while place is None and self._call.pass_time(until):
                place = self._place_of(text)
            if place is None:
                after = [each.text for each in self._call.transcript[self._heard :] if each.who == "hears"]
                said = "; ".join(f"“{each}”" for each in after[:4]) or "nothing"
                raise Failed(f"“{text}” is not heard. After this point: {said}")
            self._heard = place + 1

    def _place_of(self, text: str) -> int | None:
        for place in range(self._heard, len(self._call.transcript)):
            entry = self._call.transcript[place]
            if entry.who == "hears" and text.casefold() in entry.text.casefold():
                return place
        return None

    def _hears_not(self, texts: tuple[str, ...]) -> None:
        for text in texts:
            for entry in self._call.transcript:
                if entry.who == "hears" and text.casefold() in entry.text.casefold():
                    raise Failed(f"“{text}” was heard after {entry.at:.1f} s: “{entry.text}”")

    # --- done -----------------------------------------------------------------------------------

    def _presses(self, keys: str) -> None:
        self._needs(not self._call.ended, f"the flow is over ({self._call.ended}): nobody takes keys")
        self._call.press(keys)

    def _says(self, words: str, verdict: str = "accept") -> None:
        self._needs(self._call.say(words, verdict=verdict), "nobody listens now")

    # --- expected -------------------------------------------------------------------------------

    def _until_over(self) -> None:
        """What happens by itself happens first, as long as nothing is asked of the caller."""
        until = self._call.now + LONGEST_SEARCH
        while not self._call.ended and not self._call.asks and self._call.pass_time(until):
            pass

    def _step(self, name: str) -> None:
        self._needs(self._call.state.step == name, f"the step is {self._call.state.step}, not {name}")

    def _sets(self, values: Mapping[str, object]) -> None:
        for name, value in values.items():
            prefix, _, attribute = name.partition(".")
            store = self._call.attributes if prefix == "call" else self._call.state.variables
            key = attribute if prefix == "call" else name
            self._needs(key in store, f"{name} has never been set")
            self._needs(store[key] == value, f"{name} is {store[key]!r}, not {value!r}")

    def _answers(self, values: Mapping[str, object]) -> None:
        """Of questions of a survey; of a spoken answer its length."""
        self._until_over()
        for question, value in values.items():
            found = self._call.survey.get(question)
            self._needs(found is not None, f"{question} has no answer")
            self._needs(found == value, f"{question} is answered by {found}, not {value}")

    def _asks(self, wanted: Mapping[str, object]) -> None:
        self._until_over()
        later = self._call.asked[self._asked :]
        self._match(
            "asked", [(each.service, each.arguments) for each in later], wanted["service"], wanted["with"]
        )
        self._asked = len(self._call.asked)

    def _sends(self, wanted: Mapping[str, object]) -> None:
        self._until_over()
        later = self._call.sent[self._sent :]
        self._match("sent", [(each.message, each.data) for each in later], wanted["message"], wanted["data"])
        self._sent = len(self._call.sent)

    @staticmethod
    def _match(done: str, found: list[tuple[str, Mapping[str, object]]], name: object, part: object) -> None:
        wanted = part if isinstance(part, Mapping) else {}
        named = [values for each, values in found if each == name]
        if not named:
            others = ", ".join(each for each, _ in found) or "nothing"
            raise Failed(f"{name} is not {done}; {done}: {others}")
        if not any(all(values.get(key) == value for key, value in wanted.items()) for values in named):
            raise Failed(f"{name} is {done} with {dict(named[-1])}, not {dict(wanted)}")

    def _calls_back(self, wanted: Mapping[str, object]) -> None:
        self._until_over()
        found = [(each.number, each.queue) for each in self._call.called_back]
        if (wanted["number"], wanted["queue"]) not in found:
            raise Failed(f"no callback to {wanted['number']}; asked for: {found or 'none'}")

    def _enters(self, wanted: Mapping[str, object]) -> None:
        self._until_over()
        queue = self._call.queue
        if queue is None:
            raise Failed(f"the call has entered no queue: {self._where()}")
        self._needs(queue.queue == wanted["queue"], f"the queue is {queue.queue}, not {wanted['queue']}")
        for key, found in (("priority", queue.priority), ("treatment", queue.treatment)):
            if wanted[key] not in (None, ""):
                self._needs(found == wanted[key], f"{key} is {found}, not {wanted[key]}")

    def _transfers(self, whom: str) -> None:
        """The phone rings, and what comes of it happens."""
        call, until = self._call, self._call.now + LONGEST_SEARCH
        while whom not in call.transferred[self._transferred :] and not call.ended and not call.asks:
            if not call.pass_time(until):
                break
        found = call.transferred[self._transferred :]
        self._needs(whom in found, f"not transferred to {whom}, but to {', '.join(found) or 'nobody'}")
        self._transferred += found.index(whom) + 1
        while call.rings and call.pass_time(until):
            pass

    def _leaves(self, queue: str) -> None:
        self._until_over()
        found = ", ".join(self._call.messages) or "none"
        self._needs(queue in self._call.messages, f"no message is left for {queue}; messages for: {found}")

    def _ends(self, cause: str) -> None:
        self._until_over()
        self._needs(self._call.ended == cause, f"not {cause}: {self._where()}")

    def _within(self, seconds: float) -> None:
        self._needs(
            self._call.since <= seconds, f"{self._call.since:.1f} s have passed, more than {seconds:g}"
        )

    def _where(self) -> str:
        call = self._call
        return (
            f"it is over ({call.ended})"
            if call.ended
            else f"it stands in {call.state.flow}.{call.state.step}"
        )
