"""What the interpreter remembers of a call in a flow, JSON-like, and what it is run in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cti_engine.core.expressions.values import Lookup
from cti_engine.core.ivr.flow import Flow


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a flow is run in: the flows by id and version, the names it may ask, the time, and where ids come from.

    `secrets` are this call's sensitive values and keys pressed ahead: in memory alone, they may be lost.
    `can_call_back` is asked with a queue (empty: where the call waits) and a number, `refuses_transfer` with an
    agent, a number and whether that is written in the flow; it says the way to go instead.
    """

    flow: Callable[[str, str], Flow | None]
    names: Lookup
    now: float
    new_id: Callable[[], str]
    secrets: dict[str, str]
    can_call_back: Callable[[str, str], bool] = lambda queue, number: True
    refuses_transfer: Callable[[str, str, bool], str] = lambda agent, number, written: ""


@dataclass(slots=True)
class Frame:
    """A flow that has run another: `step` is the one that did."""

    flow: str
    version: str
    step: str
    variables: dict[str, object]


@dataclass(slots=True)
class IvrState:
    """`phase`: `playing` (say, a question's prompt), `listening` (a question after its prompt), `waiting`, `asking` (a
    service), `recording`, `transferring` (`not_reached`: by which way on, once it has come to nothing), `over`.

    `playback`, `listening`, `recording` and `request` are what plays, hears, records and is asked now, empty when
    nothing does.
    `deadline` is wall time, None when nothing is due. `digits`: what a gather has so far. `candidate`: the choice that
    the caller is asked to confirm. `keys_only`: nobody can hear this caller. `noises`: how often this step heard
    something that was no speech. `told_at`: when those who watch were last told what the caller says. `path` holds
    what the caller chose, e.g. `menu:1 ventas`. `attributes` are the call attributes set so far. `stack`: the flows
    that wait for this one to return, the outermost first.
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
    listening: str = ""
    recording: str = ""
    request: str = ""
    deadline: float | None = None
    digits: str = ""
    candidate: str = ""
    keys_only: bool = False
    noises: int = 0
    told_at: float = 0.0
    path: list[str] = field(default_factory=list)
    stack: list[Frame] = field(default_factory=list)
    not_reached: str = ""
    steps_taken: int = 0
    steps_since: float = 0.0

    @property
    def over(self) -> bool:
        return self.phase == "over"
