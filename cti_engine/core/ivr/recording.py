"""The record step: a beep, then the caller alone, until a key, silence, the longest time, or the end of the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cti_engine.core.ivr.actions import Play, StartRecord, StopRecord
from cti_engine.core.ivr.flow import Record
from cti_engine.core.ivr.phrases import beep

if TYPE_CHECKING:
    from cti_engine.core.ivr.run import Run

STORED_WITHIN = 5.0
"""Seconds in which a recording that is over must have been stored, or the call goes on without it."""


def open_record(run: Run, step: Record) -> None:
    """Keys pressed before were for something else."""
    run.ahead = ""
    if step.beep:
        run.state.phase = "playing"
        run.state.playback = run.new_id()
        run.actions.append(
            Play(run.state.playback, (beep(run.state.language),), stop_on_digit=False, repeat=False)
        )
    else:
        run.silence()
        begin(run, step)


def begin(run: Run, step: Record) -> None:
    state = run.state
    state.phase, state.recording = "recording", run.new_id()
    state.deadline = run.now + step.longest + STORED_WITHIN
    survey, question = (run.flow.id, step.into) if step.answer else ("", "")
    run.actions.append(
        StartRecord(state.recording, step.longest, step.silence, step.queue, step.priority, survey, question)
    )


def key(run: Run, step: Record, pressed: str) -> None:
    """Any other key is part of the message."""
    state = run.state
    if pressed == step.end_key and state.recording:
        run.actions.append(StopRecord(state.recording))
        state.deadline = run.now + STORED_WITHIN


def over(run: Run, step: Record, path: str, seconds: float) -> None:
    run.state.recording = ""
    if not path:
        run.enter(step.no_input, "no_input")
        return
    if step.into:
        run.state.variables[step.into] = path
        run.state.variables[f"{step.into}_seconds"] = seconds
    run.enter(step.next)


def overdue(run: Run, step: Record) -> None:
    """No word of it: it is given up."""
    run.actions.append(StopRecord(run.state.recording))
    run.state.recording = ""
    run.enter(step.no_input, "no_input")
