"""`cti-engine call`: an admin goes through a flow by typing, in virtual time; the same from a pipe."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from cti_engine.commands.flow_test import line_of, one_flow
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.expressions.values import kind, parse_duration
from cti_engine.core.ivr.actions import AskService, TransferTo
from cti_engine.core.ivr.flow import Flow, Gather, Menu, OpenQuestion, Survey
from cti_engine.core.ivr.flow_graph import flow_and_run, names_read
from cti_engine.core.ivr.names import FLOW_NAMES
from cti_engine.definitions.flow_test_loader import MONDAY_MORNING, Given, Service
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.problems import Problem
from cti_engine.definitions.yaml_source import plain_node
from cti_engine.simulation.flow_rehearsal import Rehearsal

MONOLOGUE = 120.0
"""Seconds after which the admin may speak, though the flow asks nothing."""
KEYS = frozenset("0123456789*#")
HELP = """  1 or 1234#      press keys, one after the other
  say WORDS       say it, well understood; mumble WORDS: not surely understood; noise: no speech at all
  (empty line)    be silent until the flow asks again or goes on; wait 20s: for so long
  bye             hang up, as the end of the input does"""

Read = Callable[[str], str | None]
"""A line after a prompt; None at the end of the input."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Caller:
    """What is so in this call; `language` empty: the flow's first."""

    language: str = ""
    at: float | None = None
    names: Mapping[str, object] | None = None
    keys_only: bool = False


def load(home: Path, name: str) -> tuple[CenterDefinitions | None, Flow | None, list[Problem]]:
    """`name`: a flow or its file. No flow: the problems say why."""
    definitions, problems = load_definitions(home)
    if definitions is None:
        return None, None, problems
    flow, problems = one_flow(name, definitions.flows)
    return definitions, flow, problems


def typed_value(text: str) -> object:
    """As it would be read in a YAML file; a duration in seconds. Empty: the empty text."""
    value = plain_node(text).value
    if isinstance(value, str) and (seconds := parse_duration(value)) is not None:
        return seconds
    return "" if value is None or isinstance(value, list | dict) else value


def assignments(text: str) -> dict[str, object]:
    """`a=1 b="two words"`. Raises ValueError, which says what is wrong."""
    found = {}
    for word in shlex.split(text):
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise ValueError(f"{word}: write NAME=VALUE")
        found[name] = typed_value(value)
    return found


class TypedCall:
    """`go` plays the call to its end; what is heard and done is told line by line."""

    def __init__(
        self, definitions: CenterDefinitions, flow: Flow, caller: Caller, read: Read, tell: Tell
    ) -> None:
        self._definitions = definitions
        self._read = read
        self._tell = tell
        self._shown = 0
        at = MONDAY_MORNING if caller.at is None else caller.at
        given = Given(at, caller.language, not caller.keys_only, caller.names or {})
        for line in _greeting(flow, given):
            tell(line)
        self.call = Rehearsal(
            definitions.flows,
            flow,
            given,
            calendars=definitions.calendars,
            answers=self._typed_answer,
            numbers={number: each.flow for number, each in definitions.dialled_numbers.items()},
            rings=self._typed_outcome,
        )
        self._flow = flow
        self._asked_at = self.call.now

    def go(self) -> None:
        call = self.call
        self._show()
        while not call.ended:
            if self._turn():
                line = self._read("> ")
                if line is None:
                    call.hang_up()
                else:
                    self._do(line.strip())
                self._asked_at = call.now
            elif not call.pass_time():
                call.hang_up()
            self._show()
        for line in self._ending():
            self._tell(line)

    def _turn(self) -> bool:
        """Whether it is the caller's."""
        phase, call = self.call.state.phase, self.call
        heard_out = call.asks and phase == "listening"
        return heard_out or phase == "waiting" or call.now - self._asked_at > MONOLOGUE

    def _do(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        call = self.call
        if not line:
            call.be_silent()
        elif set(line) <= KEYS:
            call.press(line)
        elif verb in ("say", "mumble") and rest.strip():
            if not call.say(rest.strip(), verdict="accept" if verb == "say" else "confirm"):
                self._tell("  nobody listens for words here: press keys")
        elif line == "noise":
            if not call.make_noise():
                self._tell("  nobody listens here")
        elif verb == "wait" and (seconds := parse_duration(rest.strip())) is not None:
            call.wait(seconds)
        elif line in ("bye", "hang up", "quit", "exit"):
            call.hang_up()
        else:
            if line not in ("?", "help"):
                self._tell(f"  {line}: this is not a key")
            self._tell(HELP)
            for hint in self._choices():
                self._tell(hint)

    def _choices(self) -> Iterator[str]:
        """What the step that asks now would take."""
        state = self.call.state
        flow = self._definitions.flows.get(state.flow, self._flow)
        step = flow.steps.get(state.step)
        if isinstance(step, Survey):
            yield f"  a number, {step.scale}"
        elif isinstance(step, Menu):
            for name, choice in step.choices.items():
                words = ", ".join(choice.words.get(state.language, ()))
                yield f"  {name:15} {choice.go_to}" + (f" ({words})" if words else "")
        elif isinstance(step, Gather):
            yield f"  {step.least} to {step.most} digits, then {step.terminator}"
        elif isinstance(step, OpenQuestion):
            yield "  say anything"

    # --- services -------------------------------------------------------------------------------

    def _typed_answer(self, asked: AskService) -> Service | None:
        self._show()
        declared = self._definitions.services.get(asked.service)
        secret = declared.sensitive if declared is not None else ()
        given = " ".join(
            f"{name}={'****' if name in secret else value}" for name, value in asked.arguments.items()
        )
        self._tell(f"  The service {asked.service} is asked{' with ' if given else ''}{given}.")
        if declared is not None:
            wanted = ", ".join(f"{name} ({value.type})" for name, value in declared.answer.items())
            self._tell(f"  Its answer, as name=value: {wanted}; an empty line: it fails.")
        while True:
            line = self._read(f"{asked.service}> ")
            if line is None or not line.strip():
                return None
            try:
                values = assignments(line)
            except ValueError as error:
                self._tell(f"  {error}")
                continue
            fault = "" if declared is None else self._fault(asked.service, values)
            if not fault:
                return Service(values, 0.0)
            self._tell(f"  {fault}")

    def _typed_outcome(self, transfer: TransferTo) -> str:
        self._show()
        outcomes = ("answered", "busy", "no_answer", "failed")
        while True:
            line = self._read("phone (answered, busy, no_answer, failed)> ")
            outcome = "failed" if line is None else line.strip().replace(" ", "_") or "answered"
            if outcome in outcomes:
                return outcome
            self._tell(
                f"  {outcome}: {did_you_mean(outcome, outcomes) or 'answered, busy, no_answer or failed'}"
            )

    def _fault(self, service: str, values: Mapping[str, object]) -> str:
        """What the engine would not take as this service's answer."""
        answer = self._definitions.services[service].answer
        for name, value in values.items():
            if name not in answer:
                return f"{service} answers no {name}. {did_you_mean(name, answer)}".rstrip()
            if kind(value) != answer[name].type.name:
                return f"{name} is a {answer[name].type}, not {value!r}"
        missing = [name for name, each in answer.items() if name not in values and not each.optional]
        return f"{', '.join(missing)}: missing, which makes it a bad answer" if missing else ""

    # --- shown ----------------------------------------------------------------------------------

    def _show(self) -> None:
        for entry in self.call.transcript[self._shown :]:
            self._tell(line_of(entry))
        self._shown = len(self.call.transcript)

    def _ending(self) -> Iterator[str]:
        call = self.call
        yield f"Over after {call.since:.1f} s."
        known = {**{f"call.{name}": value for name, value in call.attributes.items()}, **call.state.variables}
        for name, value in known.items():
            yield f"  {name} = {str(value).lower() if isinstance(value, bool) else value}"
        if call.queue is not None:
            queue = self._definitions.queues.get(call.queue.queue)
            treatment = call.queue.treatment or (queue.treatment if queue is not None else "")
            if treatment:
                yield f"While it waits: cti-engine call {treatment} --set queue.position=1"


def _greeting(flow: Flow, given: Given) -> Iterator[str]:
    language = given.language if given.language in flow.languages else flow.languages[0]
    moment = datetime.fromtimestamp(given.at, UTC).strftime("%A %Y-%m-%d %H:%M")
    yield f"{flow.id} in {language}; it is {moment}. Type keys, say WORDS, an empty line for silence, or ?"
    if given.language not in ("", language):
        yield f"  {flow.id} does not speak {given.language}: it speaks {', '.join(flow.languages)}"


def unused(names: Sequence[str], flow: Flow, flows: Mapping[str, Flow]) -> list[str]:
    """Of the names that were given, those that neither the flow nor what it runs asks for, and what may be meant."""
    read = {
        name
        for each in flow_and_run(flow, flows)
        for step in each.steps.values()
        for name in names_read(step)
    }
    return [
        f"{name}: {flow.id} does not ask for it. {did_you_mean(name, {*read, *FLOW_NAMES})}".rstrip()
        for name in names
        if name not in read
    ]


def terminal(*, quiet: bool) -> tuple[Read, Tell]:
    """Lines as they are typed, or as they come in a pipe, where no prompt is printed. Ctrl-C ends the input."""
    typed = sys.stdin.isatty()

    def read(prompt: str) -> str | None:
        try:
            line = input(prompt) if typed else sys.stdin.readline()
        except (EOFError, KeyboardInterrupt):
            return None
        return line if typed or line else None

    def tell(line: str) -> None:
        print(line, file=sys.stderr if quiet else sys.stdout, flush=typed)

    return read, tell


def write_json(call: Rehearsal, to: TextIO) -> None:
    found = {
        "ended": call.ended,
        "queue": call.queue.queue if call.queue is not None else None,
        "seconds": round(call.since, 3),
        "attributes": call.attributes,
        "variables": call.state.variables,
        "transcript": [
            {"at": round(each.at, 3), "who": each.who, "language": each.language, "text": each.text}
            for each in call.transcript
        ],
    }
    json.dump(found, to, ensure_ascii=False, indent=1)
    to.write("\n")
