"""What the interpreter wants done, in order; the core makes commands and events for the call's leg of it."""

from __future__ import annotations

from dataclasses import dataclass

from cti_engine.core.commands import Prompt


@dataclass(frozen=True, slots=True)
class Play:
    """Replaces whatever plays on the caller's leg."""

    playback: str
    prompts: tuple[Prompt, ...]
    stop_on_digit: bool
    repeat: bool


@dataclass(frozen=True, slots=True)
class StopPlay:
    playback: str


@dataclass(frozen=True, slots=True)
class StepEntered:
    flow: str
    step: str


@dataclass(frozen=True, slots=True)
class AttributesSet:
    """Call attributes without their `call.` prefix; `language` too."""

    attributes: dict[str, object]


@dataclass(frozen=True, slots=True)
class Enqueue:
    """The flow is over; `treatment` None means the queue's own."""

    queue: str
    priority: int
    treatment: str | None


@dataclass(frozen=True, slots=True)
class HangUp:
    """The flow is over. `cause`: `flow_ended`, or `flow_fault` (a loop that never waits)."""

    cause: str


Action = Play | StopPlay | StepEntered | AttributesSet | Enqueue | HangUp
