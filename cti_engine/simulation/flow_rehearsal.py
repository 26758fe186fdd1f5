"""One call through a flow on a virtual clock: who calls is a script or a person who types; nothing takes real time.

Prompts take an estimate of their length, services answer as given, and every step's way in is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cti_engine.core.commands import Prompt
from cti_engine.core.hours import Calendar, value_of
from cti_engine.core.ivr import session
from cti_engine.core.ivr.actions import (
    Action,
    Answered,
    AskService,
    AttributesSet,
    BeginFlow,
    Enqueue,
    HangUp,
    Leave,
    Listen,
    Play,
    RequestCallback,
    StartRecord,
    StepEntered,
    StopListen,
    StopPlay,
    StopRecord,
    Tell,
    TransferTo,
)
from cti_engine.core.ivr.asking import Said
from cti_engine.core.ivr.flow import Flow, OpenQuestion, Question, Record
from cti_engine.core.ivr.state import Surroundings
from cti_engine.core.messages import ENOUGH
from cti_engine.definitions.flow_test_loader import Given, Service

CHARACTERS_A_SECOND = 14.0
SPEAKING = 1.0
"""Seconds that a caller's answer takes to say."""
SAID = 1.0
"""Seconds of speech below which nothing was said."""
RINGS = 3.0
"""Seconds until a phone answers, or says that it will not."""
LONGEST = 86400.0
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Way = tuple[str, str, str]
"""A flow, a step of it, and the name of a way out (`flow_graph.ways`)."""


def seconds_of(prompt: Prompt) -> float:
    """About as long as it takes to say."""
    if prompt.kind == "music":
        return LONGEST
    if prompt.kind == "digits":
        return 0.4 * len(prompt.value)
    return 0.3 + len(prompt.value) / CHARACTERS_A_SECOND


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the transcript: `at` seconds after the call came. `language` of what is heard."""

    at: float
    who: str
    text: str
    language: str = ""


class Rehearsal:
    """`ended`: empty, `hung_up`, `queue`, `transferred` or the flow's cause. `asked`, `sent`, `called_back`: all so
    far, in order.

    `messages`: the queues in which one was left. `survey`: answers by question, of a spoken one its length. `ways` and
    `steps`: what of the flows has been gone through. `listening`: who hears the caller now. `calendars` say what
    `hours.NAME` is at that time, each by its own clock.
    `answers`: who answers for the services, `rings`: what comes of a transfer, when not `given`. `numbers`: the flow of
    each number of this center. `transferred`: to whom, all so far.
    """

    def __init__(
        self,
        flows: Mapping[str, Flow],
        flow: Flow,
        given: Given,
        seconds: Callable[[Prompt], float] = seconds_of,
        calendars: Mapping[str, Calendar] | None = None,
        answers: Callable[[AskService], Service | None] | None = None,
        numbers: Mapping[str, str] | None = None,
        rings: Callable[[TransferTo], str] | None = None,
    ) -> None:
        self.given = given
        self.now = given.at
        self.ended = ""
        self.queue: Enqueue | None = None
        self.transcript: list[Entry] = []
        self.ways: set[Way] = set()
        self.steps: set[tuple[str, str]] = set()
        self.asked: list[AskService] = []
        self.sent: list[Tell] = []
        self.called_back: list[RequestCallback] = []
        self.attributes: dict[str, object] = {}
        self.survey: dict[str, object] = {}
        self.listening: Listen | None = None
        self._flows = {(each.id, each.version): each for each in (*flows.values(), flow)}
        self._seconds = seconds
        self._calendars = calendars or {}
        self._numbers = numbers or {}
        self._rings = rings or (lambda transfer: given.transfer)
        self._ringing: TransferTo | None = None
        self._rung_at, self._rung_so = 0.0, ""
        self.transferred: list[str] = []
        self._answers_of = answers or (lambda asked: given.services.get(asked.service))
        self._playback: tuple[str, float] = ("", 0.0)
        self._interruptible = False
        self._answers: list[tuple[float, AskService]] = []
        self._ids = 0
        self._recording: StartRecord | None = None
        self._began = self._spoken = self._last_word = 0.0
        self._message: StartRecord | None = None  # recorded, not left yet
        self.messages: list[str] = []
        self._secrets: dict[str, str] = {}
        self.state, actions = session.start(flow, given.language, {}, self._around())
        self._do(actions)

    def _flow_of(self, flow: str, version: str) -> Flow | None:
        return self._flows.get((flow, version))

    def _around(self) -> Surroundings:
        return Surroundings(
            self._flow_of, self.name, self.now, self._new_id, self._secrets, self._can_call_back
        )

    def _can_call_back(self, queue: str, number: str) -> bool:
        return self.given.callback and bool(number)

    def _new_id(self) -> str:
        self._ids += 1
        return f"i{self._ids}"

    def name(self, name: str) -> object:
        """What the flow finds under a name: what was given, what it has set, and the clock."""
        prefix, _, rest = name.partition(".")
        if name in self.given.names:
            return self.given.names[name]
        if name == "call.language":
            return self.state.language
        if prefix == "hours":
            id_, _, detail = rest.partition(".")
            calendar = self._calendars.get(id_)
            return calendar and value_of(calendar, detail, calendar.zone.moment_of(self.now))
        local = datetime.fromtimestamp(self.now, UTC)
        clock: dict[str, object] = {
            "hour": local.hour,
            "minute": local.minute,
            "time": local.strftime("%H:%M"),
            "date": local.strftime("%Y-%m-%d"),
            "weekday": _WEEKDAYS[local.weekday()],
        }
        return clock.get(rest) if prefix == "now" else None

    @property
    def since(self) -> float:
        return self.now - self.given.at

    # --- what the caller does -------------------------------------------------------------------

    def press(self, keys: str) -> None:
        for key in keys:
            self._note("caller", f"presses {key}")
            self._stopped_by_key()
            self._do(session.digit(self.state, key, self._around()))

    def _stopped_by_key(self) -> None:
        """The worker stops by itself what a key may interrupt."""
        if self._playback[0] and self._interruptible:
            self._playback = "", 0.0

    def say(self, words: str, *, verdict: str = "accept") -> bool:
        """False when nobody listens, now or within this question."""
        while (
            self.listening is None and not self.ended and self.state.phase == "playing" and self.pass_time()
        ):
            pass
        if self.listening is None:
            return False
        listening = self.listening
        self._note("caller", f"says “{words}”" if verdict == "accept" else f"mumbles “{words}”")
        self._playback = "", 0.0
        self._do(session.speech_started(self.state, listening.listening, self._around()))
        self.now += SPEAKING
        choice = next((name for name, phrases in listening.phrases.items() if words in phrases), "")
        understood = choice or isinstance(self._step(), OpenQuestion)
        said = Said(verdict if understood else "reject", choice, words)
        self._heard(listening, said)
        return True

    def make_noise(self) -> bool:
        if self.listening is None:
            return False
        self._note("caller", "makes a noise")
        self._playback = "", 0.0
        listening = self.listening
        self._do(session.speech_started(self.state, listening.listening, self._around()))
        self.now += SPEAKING
        self._heard(listening, Said("reject"))
        return True

    def _heard(self, listening: Listen, said: Said) -> None:
        if self.listening is listening:
            self.listening = None
        self._do(session.heard(self.state, listening.listening, said, self._around()))

    def speak(self, seconds: float) -> bool:
        """A message, at least its beginning; False when nothing is recorded, now or after what plays."""
        while self._recording is None and not self.ended and self.state.phase == "playing":
            if not self.pass_time():
                break
        if self._recording is None:
            return False
        self._note("caller", f"speaks for {seconds:g} s")
        spoken = min(seconds, self._began + self._recording.longest - self.now)
        self.now += spoken
        self._spoken, self._last_word = self._spoken + spoken, self.now
        return True

    def hang_up(self) -> None:
        self._note("caller", "hangs up")
        if self._recording is not None and self._spoken >= ENOUGH:
            self._message = self._recording
            self._commented(self._recording)
        self._leave()
        self.ended = self.ended or "hung_up"

    def _leave(self) -> None:
        if self._message is not None and self._message.queue:
            self.messages.append(self._message.queue)
            self._note("flow", f"a message waits in {self._message.queue}")
        self._message = None

    def be_silent(self) -> None:
        """Until the question is asked again, or the step is another."""
        before = self.state.step, self.state.tries, self.state.flow
        while not self.ended and (self.state.step, self.state.tries, self.state.flow) == before:
            if not self.pass_time():
                return

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while not self.ended and self.pass_time(until):
            pass
        self.now = max(self.now, until)

    def _step(self) -> object:
        flow = self._flow_of(self.state.flow, self.state.version)
        return flow.steps.get(self.state.step) if flow is not None else None

    @property
    def asks(self) -> bool:
        """Whether the flow wants something of the caller now."""
        return not self.ended and isinstance(self._step(), Question | Record)

    @property
    def rings(self) -> bool:
        """Whether a phone does, to which the call is transferred."""
        return self._ringing is not None

    # --- time -----------------------------------------------------------------------------------

    def pass_time(self, until: float | None = None) -> bool:
        """Go to the next thing that happens by itself, at most to `until`; False when there is none."""
        due: list[tuple[float, int, Callable[[], list[Action]]]] = []
        playback, over = self._playback
        if playback and over < self.given.at + LONGEST:
            due.append((over, 0, lambda: self._prompt_over(playback)))
        if self._answers:
            due.append((self._answers[0][0], 1, self._answer))
        if self._recording is not None:
            silent = self._last_word + self._recording.silence
            due.append((min(silent, self._began + self._recording.longest), 1, self._recorded))
        if self._ringing is not None:
            due.append((self._rung_at, 1, self._rung))
        if self.state.deadline is not None:
            due.append((self.state.deadline, 2, lambda: session.time_passed(self.state, self._around())))
        if self.ended or not due:
            return False
        at, _, happen = min(due, key=lambda each: each[:2])
        if until is not None and at > until:
            return False
        self.now = max(self.now, at)
        self._do(happen())
        return True

    def _recorded(self) -> list[Action]:
        """The worker stops by itself, or was told to; where nothing was said there is no file."""
        recording, self._recording = self._recording, None
        if recording is None:
            return []
        said = self._spoken >= SAID
        if said:
            self._message = recording
            self._commented(recording)
        path, seconds = ("message.wav", self.now - self._began) if said else ("", 0.0)
        return session.recorded(self.state, recording.recording, path, seconds, self._around())

    def _commented(self, recording: StartRecord) -> None:
        if recording.survey:
            self.survey[recording.question] = self._spoken
            self.attributes[recording.question] = "message.wav"
            self._note("flow", f"{recording.question} is answered: {self._spoken:g} s of speech")

    def _rung(self) -> list[Action]:
        """What comes of the phone that a transfer rings."""
        assert self._ringing is not None
        outcome = self._rung_so or self._rings(self._ringing)
        if outcome == "no_answer" and not self._rung_so:
            self._rung_at, self._rung_so = self._rung_at - RINGS + self._ringing.seconds, outcome
            return []
        self._ringing = None
        self._note("phone", outcome.replace("_", " "))
        if outcome == "answered":
            self.ended = "transferred"
            return []
        session.not_reached(self.state, outcome, self.now)
        return session.time_passed(self.state, self._around())

    def _begin_flow(self, flow: str) -> None:
        found = next((each for (id_, _), each in self._flows.items() if id_ == flow), None)
        self.transferred.append(flow)
        self._note("flow", f"ends, and {flow} begins")
        self._playback = "", 0.0
        if found is None:
            self.ended = "flow_fault"
            return
        self.state, actions = session.start(found, self.state.language, {}, self._around())
        self._do(actions)

    def _prompt_over(self, playback: str) -> list[Action]:
        self._playback = "", 0.0
        return session.playback_ended(self.state, playback, self._around())

    def _answer(self) -> list[Action]:
        _, asked = self._answers.pop(0)
        service = self._answers_of(asked)
        values = service.answer if service is not None else None
        self._note("service", f"{asked.service}: {'fails' if values is None else dict(values)}")
        return session.answered(self.state, asked.request, values, self._around())

    # --- what the flow does ---------------------------------------------------------------------

    def _do(self, actions: list[Action]) -> None:
        deaf: list[str] = []
        stopped = False
        for action in actions:
            match action:
                case Play():
                    self._play(action)
                case StopPlay():
                    self._playback = "", 0.0
                case Listen():
                    self.listening = action
                    if not self.given.speech:
                        self.listening = None
                        deaf.append(action.listening)
                case StopListen():
                    self.listening = None
                case StartRecord():
                    self._recording = action
                    self._spoken, self._began, self._last_word = 0.0, self.now, self.now
                    self._note("flow", "records")
                case StopRecord():
                    stopped = self._recording is not None
                case Leave():
                    self._leave()
                case AskService():
                    service = self.given.services.get(action.service)
                    self.asked.append(action)
                    self._answers.append((self.now + (service.after if service is not None else 0.0), action))
                    self._note("flow", f"asks {action.service}")
                case Tell():
                    self.sent.append(action)
                    self._note("flow", f"sends {action.message} {dict(action.data) or ''}".rstrip())
                case Answered():
                    self.survey[action.question] = action.answer
                    self._note("flow", f"{action.question} is answered: {action.answer}, by {action.way}")
                case RequestCallback():
                    self.called_back.append(action)
                    self._note("flow", f"asks for a callback to {action.number}")
                case AttributesSet():
                    self.attributes.update(action.attributes)
                    for name, value in action.attributes.items():
                        self._note("flow", f"sets call.{name} = {value}")
                case StepEntered():
                    self.steps.add((action.flow, action.step))
                    if action.before:
                        self.ways.add((action.flow, action.before, action.by))
                    self._note("step", f"{action.flow}.{action.step}")
                case Enqueue():
                    self.ended, self.queue = "queue", action
                    self._note("flow", f"enters the queue {action.queue}")
                case TransferTo() if action.number in self._numbers:
                    self._begin_flow(self._numbers[action.number])
                case TransferTo():
                    whom = action.agent or action.number
                    self.transferred.append(whom)
                    self._note("flow", f"rings {whom}")
                    self._ringing = action
                    self._rung_at, self._rung_so = self.now + RINGS, ""
                case BeginFlow():
                    self._begin_flow(action.flow)
                case HangUp():
                    self.ended = action.cause
                    self._note("flow", f"ends the call: {action.cause}")
        if stopped:
            self._do(self._recorded())
        for listening in deaf:
            self._do(session.not_heard(self.state, listening, "no_engine", self._around()))

    def _play(self, play: Play) -> None:
        for prompt in play.prompts:
            text = prompt.value if prompt.kind in ("text", "sound") else f"{prompt.kind}:{prompt.value}"
            self._note("hears", text, prompt.language)
        length = LONGEST if play.repeat else sum(self._seconds(prompt) for prompt in play.prompts)
        self._playback = play.playback, self.now + length
        self._interruptible = play.stop_on_digit

    def _note(self, who: str, text: str, language: str = "") -> None:
        self.transcript.append(Entry(self.since, who, text, language))
