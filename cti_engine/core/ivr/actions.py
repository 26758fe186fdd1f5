"""What the interpreter wants done, in order; the core makes commands and events for the call's leg of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
class Listen:
    """Hear what the caller says; `phrases` by choice, none: open speech."""

    listening: str
    phrases: Mapping[str, tuple[str, ...]]
    longest: float


@dataclass(frozen=True, slots=True)
class StopListen:
    listening: str


@dataclass(frozen=True, slots=True)
class HeardSoFar:
    """What the caller seems to be saying, for whoever watches."""

    text: str


@dataclass(frozen=True, slots=True)
class StartRecord:
    """Record the caller; `queue` and `priority`: the message that it becomes, if any. `survey` and `question`: what it
    answers.
    """

    recording: str
    longest: float
    silence: float
    queue: str
    priority: int
    survey: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class StopRecord:
    recording: str


@dataclass(frozen=True, slots=True)
class Leave:
    """The message goes to its queue."""


@dataclass(frozen=True, slots=True)
class AskService:
    request: str
    service: str
    arguments: Mapping[str, object]
    deadline: float


@dataclass(frozen=True, slots=True)
class Tell:
    """A message of the flow for the bus."""

    message: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answered:
    """A question of the survey `flow` has its answer, a number of `scale`. `way`: key or voice."""

    flow: str
    question: str
    scale: str
    answer: int
    way: str


@dataclass(frozen=True, slots=True)
class StepEntered:
    """`by`: the way that led here, of those that `flow_graph.ways` names; `before`: the step of the same flow that it
    led out of, empty at the beginning and coming from another flow.
    """

    flow: str
    step: str
    before: str = field(default="", compare=False)
    by: str = field(default="", compare=False)


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
class RequestCallback:
    """The place in the queue goes over to a callback; `queue` empty: the one where the call waits. The flow goes on."""

    queue: str
    number: str
    within: float
    tries: int
    retry_after: float


@dataclass(frozen=True, slots=True)
class TransferTo:
    """Ring the phone of `agent`, or at `number`, for `seconds`; the flow waits for what comes of it."""

    agent: str
    number: str
    trunk: str
    seconds: float


@dataclass(frozen=True, slots=True)
class BeginFlow:
    """This flow is over, that one begins."""

    flow: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """The flow is over. `cause`: `flow_ended`, or `flow_fault` (a loop that never waits)."""

    cause: str


Action = (
    Play
    | StopPlay
    | Listen
    | StopListen
    | HeardSoFar
    | StartRecord
    | StopRecord
    | Leave
    | AskService
    | Tell
    | Answered
    | StepEntered
    | AttributesSet
    | Enqueue
    | RequestCallback
    | TransferTo
    | BeginFlow
    | HangUp
)
