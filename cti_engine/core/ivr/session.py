"""The interpreter of one call's flow: input in, actions out; `IvrState` is all it remembers, JSON-like.

Total over (state, input): late or foreign input is ignored, a flow never raises. A flow that enters
more than STEP_LIMIT steps within STEP_WINDOW seconds loops without waiting and ends with flow_fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cti_engine.core.expressions.values import Lookup
from cti_engine.core.ivr import speech
from cti_engine.core.ivr.actions import (
    Action,
    AttributesSet,
    Enqueue,
    HangUp,
    Play,
    StepEntered,
    StopPlay,
)
from cti_engine.core.ivr.flow import (
    Branch,
    Content,
    EndCall,
    EnterQueue,
    Flow,
    Menu,
    Say,
    SetLanguage,
    SetValues,
    Wait,
)

STEP_LIMIT = 100
STEP_WINDOW = 5.0
TYPE_AHEAD = 8

NewPlayback = Callable[[], str]


@dataclass(slots=True)
class IvrState:
    """`phase`: `playing` (say, menu prompt), `listening` (menu after its prompt), `waiting`, `over`.

    `playback` is what plays now, empty when nothing does. `deadline` is wall time, None when nothing is due.
    `path` holds what the caller chose, e.g. `menu:1 ventas`. `attributes` are the call attributes set so far.
    """

    flow: str
    version: str
    step: str
    language: str
    variables: dict[str, object] = field(default_factory=dict)
    attributes: dict[str, object] = field(default_factory=dict)
    phase: str = "playing"
    tries: int = 0
    playback: str = ""
    deadline: float | None = None
    type_ahead: str = ""
    path: list[str] = field(default_factory=list)
    steps_taken: int = 0
    steps_since: float = 0.0

    @property
    def over(self) -> bool:
        return self.phase == "over"


def start(
    flow: Flow,
    language: str,
    variables: dict[str, object],
    names: Lookup,
    now: float,
    new_playback: NewPlayback,
) -> tuple[IvrState, list[Action]]:
    """Begin at the flow's first step. `variables` come over the flow's own initial ones."""
    state = IvrState(
        flow=flow.id,
        version=flow.version,
        step=flow.start,
        language=language if language in flow.languages else flow.languages[0],
        variables={**flow.variables, **variables},
        steps_since=now,
    )
    run = _Run(flow, state, names, now, new_playback)
    run.enter(flow.start)
    return state, run.actions


def digit(
    flow: Flow, state: IvrState, digit: str, names: Lookup, now: float, new_playback: NewPlayback
) -> list[Action]:
    """A key was pressed. It chooses in a menu, stops a say, or is kept for the next menu."""
    run = _Run(flow, state, names, now, new_playback)
    step = run.step()
    if isinstance(step, Menu):
        if state.phase == "listening" or step.barge_in:
            state.playback = ""  # the worker has stopped it by itself (stop_on_digit)
            run.chosen(step, digit)
    elif step is not None:
        state.type_ahead = (state.type_ahead + digit)[:TYPE_AHEAD]
        if isinstance(step, Say) and step.barge_in:
            state.playback = ""
            run.enter(step.next)
    return run.actions


def playback_ended(
    flow: Flow,
    state: IvrState,
    playback: str,
    completed: bool,
    names: Lookup,
    now: float,
    new_playback: NewPlayback,
) -> list[Action]:
    """A prompt list is over; one that could not be played goes on like one that was."""
    run = _Run(flow, state, names, now, new_playback)
    step = run.step()
    if step is None or not playback or playback != state.playback:
        return []
    state.playback = ""
    if isinstance(step, Say):
        run.enter(step.next)
    elif isinstance(step, Menu):
        run.listen(step)
    return run.actions


def time_passed(
    flow: Flow, state: IvrState, names: Lookup, now: float, new_playback: NewPlayback
) -> list[Action]:
    """Does what is due at `now`, if anything."""
    run = _Run(flow, state, names, now, new_playback)
    step = run.step()
    if state.deadline is None or now < state.deadline:
        return []
    state.deadline = None
    if isinstance(step, Menu):
        run.missed(step, step.no_input, step.no_input_prompt)
    elif isinstance(step, Wait):
        run.enter(step.next)
    return run.actions


def resumed(
    flow: Flow, state: IvrState, names: Lookup, now: float, new_playback: NewPlayback
) -> list[Action]:
    """What played was lost (a restart): play the step again. Tries and a wait's end are kept."""
    run = _Run(flow, state, names, now, new_playback)
    step = run.step()
    state.playback = ""
    if isinstance(step, Menu):
        run.ask(step, step.prompt)
    elif isinstance(step, Wait):
        run.play(step.content, stop_on_digit=False, repeat=True)
    elif isinstance(step, Say) and run.say(step) is not None:
        run.enter(step.next)
    return run.actions


class _Run:
    """One input's way through the flow, until it waits for something or is over."""

    def __init__(
        self, flow: Flow, state: IvrState, names: Lookup, now: float, new_playback: NewPlayback
    ) -> None:
        self.flow = flow
        self.state = state
        self.now = now
        self.actions: list[Action] = []
        self._outside = names
        self._new_playback = new_playback

    def step(self) -> object:
        """The step that the call is in; None when the flow is over."""
        return None if self.state.over else self.flow.steps.get(self.state.step)

    def names(self, name: str) -> object:
        prefix, dot, attribute = name.partition(".")
        if not dot:
            return self.state.variables.get(name)
        if prefix == "call" and attribute in self.state.attributes:
            return self.state.attributes[attribute]
        return self._outside(name)

    def enter(self, name: str) -> None:
        """Enter steps until one waits. The only place where the step changes."""
        state = self.state
        target: str | None = name
        while target is not None:
            if self._looping():
                self._finish(HangUp("flow_fault"))
                return
            state.step, state.tries, state.deadline = target, 0, None
            self.actions.append(StepEntered(self.flow.id, target))
            target = self._do(self.flow.steps.get(target))

    def _looping(self) -> bool:
        state = self.state
        if self.now - state.steps_since > STEP_WINDOW:
            state.steps_taken, state.steps_since = 0, self.now
        state.steps_taken += 1
        return state.steps_taken > STEP_LIMIT

    def _do(self, step: object) -> str | None:
        """Start a step: the next one's name, or None when this one waits or ends the flow."""
        match step:
            case Say():
                return self.say(step)
            case Menu():
                self._open(step)
            case Wait():
                self.state.phase = "waiting"
                self.state.deadline = self.now + step.seconds
                if not self.play(step.content, stop_on_digit=False, repeat=True):
                    self._silence()
            case SetValues():
                self._set(step)
                return step.next
            case Branch():
                return next((c.go_to for c in step.cases if c.when.holds(self.names)), step.otherwise)
            case SetLanguage():
                self.state.language = step.language
                self._attributes({"language": step.language})
                return step.next
            case EnterQueue():
                self._finish(Enqueue(step.queue, step.priority, step.treatment))
            case EndCall():
                self._finish(HangUp("flow_ended"))
            case _:  # a step that the flow does not have: refused at load, survived here
                self._finish(HangUp("flow_fault"))
        return None

    def say(self, step: Say) -> str | None:
        self.state.phase = "playing"
        if self.play(step.content, stop_on_digit=step.barge_in, repeat=False):
            return None
        return step.next

    def _open(self, menu: Menu) -> None:
        """Keys pressed before the menu choose in it at once, unless it must be heard first."""
        ahead, self.state.type_ahead = self.state.type_ahead, ""
        if ahead and menu.barge_in:
            self.state.type_ahead = ahead[1:]
            self.chosen(menu, ahead[0])
        else:
            self.ask(menu, menu.prompt)

    def ask(self, menu: Menu, *contents: Content) -> None:
        self.state.phase = "playing"
        self.state.deadline = None
        if not self.play(*contents, stop_on_digit=menu.barge_in, repeat=False):
            self._silence()
            self.listen(menu)

    def listen(self, menu: Menu) -> None:
        self.state.phase = "listening"
        self.state.deadline = self.now + menu.timeout

    def chosen(self, menu: Menu, digit: str) -> None:
        choice = menu.choices.get(digit)
        if choice is None:
            self.missed(menu, menu.no_match, menu.no_match_prompt)
            return
        label = choice.label.get(self.state.language, choice.go_to)
        self.state.path.append(f"{self.state.step}:{digit} {label}")
        self.enter(choice.go_to)

    def missed(self, menu: Menu, target: str, prompt: Content | None) -> None:
        """A wrong key or none: ask again while there are tries left, with keys typed ahead forgotten."""
        self.state.type_ahead = ""
        self.state.tries += 1
        if self.state.tries > menu.retries:
            self.enter(target)
        elif prompt is None:
            self.ask(menu, menu.prompt)
        else:
            self.ask(menu, prompt, menu.prompt)

    def play(self, *contents: Content, stop_on_digit: bool, repeat: bool) -> bool:
        """False when there is nothing to hear, because all of it names undefined values."""
        heard = tuple(p for c in contents for p in speech.prompts(c, self.state.language, self.names))
        if heard:
            self.state.playback = self._new_playback()
            self.actions.append(Play(self.state.playback, heard, stop_on_digit, repeat))
        return bool(heard)

    def _silence(self) -> None:
        """End what an earlier step left playing, where the next Play would not replace it."""
        if self.state.playback:
            self.actions.append(StopPlay(self.state.playback))
            self.state.playback = ""

    def _set(self, step: SetValues) -> None:
        for name, value in step.variables.items():
            self.state.variables[name] = speech.filled(value, self.names)
        if step.attributes:
            self._attributes({name: speech.filled(v, self.names) for name, v in step.attributes.items()})

    def _attributes(self, attributes: dict[str, object]) -> None:
        self.state.attributes.update(attributes)
        self.actions.append(AttributesSet(attributes))

    def _finish(self, last: Action) -> None:
        self._silence()
        self.state.phase = "over"
        self.state.deadline = None
        self.actions.append(last)
