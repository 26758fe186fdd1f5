"""The interpreter of one call's flow: input in, actions out; `IvrState` is all it remembers, JSON-like.

Total over (state, input): late or foreign input is ignored, a flow never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cti_engine.core.ivr import asking, recording
from cti_engine.core.ivr.actions import (
    Action,
)
from cti_engine.core.ivr.flow import (
    Flow,
    LookUpService,
    Question,
    Record,
    Say,
    Transfer,
    Wait,
)
from cti_engine.core.ivr.run import Run
from cti_engine.core.ivr.state import IvrState, Surroundings


def start(
    flow: Flow, language: str, variables: Mapping[str, object], around: Surroundings
) -> tuple[IvrState, list[Action]]:
    """Begin at the flow's first step. `variables` come over the flow's own initial ones."""
    state = IvrState(
        flow=flow.id,
        version=flow.version,
        step=flow.start,
        language=language if language in flow.languages else flow.languages[0],
        variables={**flow.variables, **variables},
        steps_since=around.now,
    )
    run = Run(flow, state, around)
    run.enter(flow.start, before="")
    return state, run.actions


def digit(state: IvrState, key: str, around: Surroundings) -> list[Action]:
    """A key was pressed. It answers a question, stops a say, or is kept for the next question."""
    run = running(state, around)
    if run is None:
        return []
    step = run.step()
    if isinstance(step, Question) and (state.phase == "listening" or step.barge_in):
        state.playback = ""  # the worker has stopped it by itself (stop_on_digit)
        asking.key(run, step, key)
    elif isinstance(step, Record):
        recording.key(run, step, key)
    elif step is not None:
        run.keep(key)
        if isinstance(step, Say) and step.barge_in:
            state.playback = ""
            run.enter(step.next)
    return run.actions


def playback_ended(state: IvrState, playback: str, around: Surroundings) -> list[Action]:
    """A prompt list is over; one that could not be played goes on like one that was."""
    run = running(state, around)
    if run is None or not playback or playback != state.playback:
        return []
    state.playback = ""
    step = run.step()
    if isinstance(step, Say):
        run.enter(step.next)
    elif isinstance(step, Question):
        asking.prompt_over(run, step)
    elif isinstance(step, Record):
        recording.begin(run, step)
    return run.actions


def time_passed(state: IvrState, around: Surroundings) -> list[Action]:
    """Does what is due now, if anything."""
    run = running(state, around)
    if run is None or state.deadline is None or around.now < state.deadline:
        return []
    state.deadline = None
    step = run.step()
    if isinstance(step, Question):
        asking.time_up(run, step)
    elif isinstance(step, Wait):
        run.enter(step.next)
    elif isinstance(step, LookUpService):
        state.request = ""
        run.enter(step.failed, "failed")
    elif isinstance(step, Record):
        recording.overdue(run, step)
    elif isinstance(step, Transfer) and state.not_reached:
        way, state.not_reached = state.not_reached, ""
        run.enter({"busy": step.busy, "no_answer": step.no_answer}.get(way, step.failed), way)
    return run.actions


def not_reached(state: IvrState, way: str, now: float) -> None:
    """The phone that a transfer rang has not answered: with the next look at the clock it goes on, by this way."""
    state.not_reached, state.deadline = way, now


def speech_started(state: IvrState, listening: str, around: Surroundings) -> list[Action]:
    """The worker has stopped what played; the answer is waited for."""
    return _of_listening(state, listening, around, asking.speech_started, over=False)


def hearing(state: IvrState, listening: str, text: str, around: Surroundings) -> list[Action]:
    """What the caller has said so far; it changes nothing."""
    return _of_listening(
        state, listening, around, lambda run, step: asking.hearing(run, step, text), over=False
    )


def heard(state: IvrState, listening: str, said: asking.Said, around: Surroundings) -> list[Action]:
    """What the caller said; the listening is over."""
    return _of_listening(state, listening, around, lambda run, step: asking.said(run, step, said))


def not_heard(state: IvrState, listening: str, reason: str, around: Surroundings) -> list[Action]:
    """Nobody listens (any longer): the call goes on with keys."""
    return _of_listening(state, listening, around, lambda run, step: asking.nobody_listens(run, step, reason))


def _of_listening(
    state: IvrState,
    listening: str,
    around: Surroundings,
    do: Callable[[Run, Question], None],
    *,
    over: bool = True,
) -> list[Action]:
    """Word of a turn of listening; one that is not the present one comes too late."""
    run = running(state, around)
    if run is None or not listening or listening != state.listening:
        return []
    if over:
        state.listening = ""
    step = run.step()
    if isinstance(step, Question):
        do(run, step)
    return run.actions


def answered(
    state: IvrState, request: str, values: Mapping[str, object] | None, around: Surroundings
) -> list[Action]:
    """A service has answered; None: it has not."""
    run = running(state, around)
    if run is None or not request or request != state.request:
        return []
    state.request = ""
    step = run.step()
    if isinstance(step, LookUpService):
        if values is not None:
            for variable, name in step.into.items():
                state.variables[variable] = values.get(name)
        if values is None:
            run.enter(step.failed, "failed")
        else:
            run.enter(step.next)
    return run.actions


def recorded(state: IvrState, of: str, path: str, seconds: float, around: Surroundings) -> list[Action]:
    """A recording is over and stored at `path`; empty: there is none."""
    run = running(state, around)
    if run is None or not of or of != state.recording:
        return []
    step = run.step()
    if isinstance(step, Record):
        recording.over(run, step, path, seconds)
    return run.actions


def resumed(state: IvrState, around: Surroundings) -> list[Action]:
    """What played was lost (a restart): play the step again. Tries and a wait's end are kept."""
    run = running(state, around)
    if run is None:
        return []
    state.playback = state.listening = ""
    step = run.step()
    if isinstance(step, Question):
        asking.again(run, step)
    elif isinstance(step, Wait | Transfer):
        run.play(step.content, stop_on_digit=False, repeat=True)
    elif isinstance(step, LookUpService):
        run.enter(state.step)
    elif isinstance(step, Record) and not state.recording:  # what records, records on
        recording.begin(run, step)
    elif isinstance(step, Say) and run.say(step) is not None:
        run.enter(step.next)
    return run.actions


def running(state: IvrState, around: Surroundings) -> Run | None:
    """None when the flow is over, or gone with its version."""
    flow = None if state.over else around.flow(state.flow, state.version)
    return None if flow is None else Run(flow, state, around)
