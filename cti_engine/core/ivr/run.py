"""One call in its flow: enters steps and does them until one waits for something outside.

A flow that enters more than STEP_LIMIT steps within STEP_WINDOW seconds loops without waiting and ends with flow_fault.
"""

from __future__ import annotations

from collections.abc import Mapping

from cti_engine.core.ivr import asking, recording, speech
from cti_engine.core.ivr.actions import (
    Action,
    AskService,
    AttributesSet,
    BeginFlow,
    Enqueue,
    HangUp,
    Leave,
    Listen,
    Play,
    RequestCallback,
    StepEntered,
    StopListen,
    StopPlay,
    Tell,
    TransferTo,
)
from cti_engine.core.ivr.flow import (
    AskCallback,
    Branch,
    Content,
    EndCall,
    EnterQueue,
    Flow,
    GoToFlow,
    LeaveMessage,
    LookUpService,
    Question,
    Record,
    Return,
    RunFlow,
    Say,
    Send,
    SetLanguage,
    SetValues,
    Transfer,
    Wait,
)
from cti_engine.core.ivr.state import Frame, IvrState, Surroundings

STEP_LIMIT = 100
STEP_WINDOW = 5.0
DEPTH_LIMIT = 8
"""Flows that may run in one another."""
TYPE_AHEAD = 24
SERVICE_MARGIN = 1.0
"""Seconds after which an answer that should have come is not waited for any longer."""


class Run:
    """One input's way through the flow, until it waits for something or is over."""

    def __init__(self, flow: Flow, state: IvrState, around: Surroundings) -> None:
        self.flow = flow
        self.state = state
        self.now = around.now
        self.actions: list[Action] = []
        self.new_id = around.new_id
        self.entered = 0
        self._from = "", ""
        self._around = around

    def step(self) -> object:
        """The step that the call is in; None when the flow is over."""
        return None if self.state.over else self.flow.steps.get(self.state.step)

    def names(self, name: str) -> object:
        prefix, dot, attribute = name.partition(".")
        if not dot:
            return self.state.variables.get(name)
        if prefix == "call" and attribute in self.state.attributes:
            return self.state.attributes[attribute]
        return self._around.names(name)

    # --- keys and secrets ----------------------------------------------------------------------

    def keep(self, key: str) -> None:
        """For a question that comes later."""
        self.ahead = (self.ahead + key)[:TYPE_AHEAD]

    @property
    def ahead(self) -> str:
        """Keys pressed before their question, which may be one for a secret of a flow that comes later."""
        return self._around.secrets.get("#", "")

    @ahead.setter
    def ahead(self, keys: str) -> None:
        self._around.secrets["#"] = keys

    def secret(self, variable: str) -> str | None:
        """None: it was never there, or a restart has lost it."""
        return self._around.secrets.get(f"{len(self.state.stack)}.{variable}")

    def keep_secret(self, variable: str, value: str | None) -> None:
        name = f"{len(self.state.stack)}.{variable}"
        if value is None:
            self._around.secrets.pop(name, None)
        else:
            self._around.secrets[name] = value

    # --- steps ---------------------------------------------------------------------------------

    def enter(self, name: str, by: str = "next", before: str | None = None) -> None:
        """Enter steps until one waits. The only place where the step changes; `by` is the way that is taken."""
        state = self.state
        self.stop_listening()
        self._from = state.step if before is None else before, by
        target: str | None = name
        while target is not None:
            if self._looping():
                self._finish(HangUp("flow_fault"))
                return
            self.entered += 1
            state.step, state.tries, state.deadline = target, 0, None
            state.digits = state.candidate = ""
            state.noises = 0
            self.actions.append(StepEntered(self.flow.id, target, *self._from))
            self._from = target, "next"
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
            case Question():
                asking.open_question(self, step)
            case Wait():
                self.state.phase = "waiting"
                self.state.deadline = self.now + step.seconds
                if not self.play(step.content, stop_on_digit=False, repeat=True):
                    self.silence()
            case SetValues():
                self._set(step)
                return step.next
            case Branch():
                return self._branch(step)
            case SetLanguage():
                self.state.language = step.language
                self.attributes({"language": step.language})
                return step.next
            case LookUpService():
                return self._ask_service(step)
            case Send():
                self.actions.append(Tell(step.message, self._filled(step.data)))
                return step.next
            case AskCallback():
                return self._ask_callback(step)
            case Transfer():
                return self._transfer(step)
            case GoToFlow():
                self._finish(BeginFlow(step.flow))
            case Record():
                recording.open_record(self, step)
            case LeaveMessage():
                self.actions.append(Leave())
                return step.next
            case RunFlow():
                return self._run_flow(step)
            case Return():
                return self._return(step)
            case EnterQueue():
                if step.attributes:
                    self.attributes(self._filled(step.attributes))
                self._finish(Enqueue(step.queue, step.priority, step.treatment))
            case EndCall():
                self._finish(HangUp("flow_ended"))
            case _:  # a step that the flow does not have: refused at load, survived here
                self._finish(HangUp("flow_fault"))
        return None

    def _branch(self, step: Branch) -> str:
        for number, case in enumerate(step.cases, 1):
            if case.when.holds(self.names):
                self._from = self.state.step, str(number)
                return case.go_to
        self._from = self.state.step, "else"
        return step.otherwise

    def say(self, step: Say) -> str | None:
        self.state.phase = "playing"
        if self.play(step.content, stop_on_digit=step.barge_in, repeat=False):
            return None
        return step.next

    def _ask_service(self, step: LookUpService) -> str | None:
        """A sensitive value that a restart has lost is asked for again."""
        lost = [name for name in speech.names_in(step.arguments) if self._lost(name)]
        if lost:
            return asking.where_gathered(self.flow, lost[0])
        self.state.phase = "asking"
        self.state.request = self.new_id()
        self.state.deadline = self.now + step.deadline + SERVICE_MARGIN
        arguments = speech.filled_all(step.arguments, self._names_and_secrets)
        self.actions.append(AskService(self.state.request, step.service, arguments, step.deadline))
        return None

    def _ask_callback(self, step: AskCallback) -> str:
        number = str(speech.filled(step.number, self.names) or "")
        if not self._around.can_call_back(step.queue, number):
            self._from = self.state.step, "failed"
            return step.failed
        self.actions.append(RequestCallback(step.queue, number, step.within, step.tries, step.retry_after))
        return step.next

    def _transfer(self, step: Transfer) -> str | None:
        agent, number = (str(speech.filled(each, self.names) or "") for each in (step.agent, step.number))
        way = self._around.refuses_transfer(agent, number, isinstance(step.number, str))
        if way:
            self._from = self.state.step, way
            return step.busy if way == "busy" else step.failed
        self.state.phase, self.state.not_reached = "transferring", ""
        if not self.play(step.content, stop_on_digit=False, repeat=True):
            self.silence()
        self.actions.append(TransferTo(agent, number, step.trunk, step.seconds))
        return None

    def _lost(self, name: str) -> bool:
        return name in self.flow.sensitive and self.secret(name) is None

    def _names_and_secrets(self, name: str) -> object:
        return self.secret(name) if name in self.flow.sensitive else self.names(name)

    def _run_flow(self, step: RunFlow) -> str | None:
        state = self.state
        flow = self._around.flow(step.flow, step.version)
        if flow is None or len(state.stack) >= DEPTH_LIMIT:
            self._finish(HangUp("flow_fault"))
            return None
        arguments = self._filled(step.arguments)
        state.stack.append(Frame(self.flow.id, self.flow.version, state.step, state.variables))
        self._move_to(flow, {**flow.variables, **arguments})
        self._from = "", ""
        return flow.start

    def _return(self, step: Return) -> str | None:
        state = self.state
        if not state.stack:
            self._finish(HangUp("flow_ended"))
            return None
        values = self._filled(step.values)
        for variable in self.flow.sensitive:
            self.keep_secret(variable, None)
        frame = state.stack.pop()
        flow = self._around.flow(frame.flow, frame.version)
        outer = flow.steps.get(frame.step) if flow is not None else None
        if flow is None or not isinstance(outer, RunFlow):
            self._finish(HangUp("flow_fault"))
            return None
        self._move_to(flow, frame.variables)
        for variable, name in outer.into.items():
            state.variables[variable] = values.get(name)
        self._from = frame.step, "next"
        return outer.next

    def _move_to(self, flow: Flow, variables: dict[str, object]) -> None:
        """Keys typed ahead go along; a language that the flow does not speak does not."""
        state = self.state
        self.flow = flow
        state.flow, state.version, state.variables = flow.id, flow.version, variables
        if state.language not in flow.languages:
            state.language = flow.languages[0]

    # --- what is done --------------------------------------------------------------------------

    def play(self, *contents: Content, stop_on_digit: bool, repeat: bool) -> bool:
        """False when there is nothing to hear, because all of it names undefined values."""
        heard = tuple(p for c in contents for p in speech.prompts(c, self.state.language, self.names))
        if heard:
            self.state.playback = self.new_id()
            self.actions.append(Play(self.state.playback, heard, stop_on_digit, repeat))
        return bool(heard)

    def silence(self) -> None:
        """End what an earlier step left playing, where the next Play would not replace it."""
        if self.state.playback:
            self.actions.append(StopPlay(self.state.playback))
            self.state.playback = ""

    def listen(self, phrases: Mapping[str, tuple[str, ...]], longest: float) -> None:
        self.stop_listening()
        self.state.listening = self.new_id()
        self.actions.append(Listen(self.state.listening, phrases, longest))

    def stop_listening(self) -> None:
        if self.state.listening:
            self.actions.append(StopListen(self.state.listening))
            self.state.listening = ""

    def _set(self, step: SetValues) -> None:
        for name, value in step.variables.items():
            self.state.variables[name] = speech.filled(value, self.names)
        if step.attributes:
            self.attributes(self._filled(step.attributes))

    def _filled(self, values: Mapping[str, object]) -> dict[str, object]:
        return speech.filled_all(values, self.names)

    def attributes(self, attributes: dict[str, object]) -> None:
        self.state.attributes.update(attributes)
        self.actions.append(AttributesSet(attributes))

    def _finish(self, last: Action) -> None:
        self.silence()
        self.stop_listening()
        self.state.phase = "over"
        self.state.deadline = None
        self.actions.append(last)
