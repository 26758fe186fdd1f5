"""Signals: what an agent asks for with others in a call. Part of `signals.Signal`.

All but the questions carry `state_version`, the one the page saw; an older one is refused (decision 13).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TransferRequested:
    """Hand the call over blindly: to an agent, a queue, or a number (one of ours, or outside); exactly one of them.

    `note` is shown to whoever gets it.
    """

    request: str
    agent: str
    contact: str
    state_version: int
    to_agent: str = ""
    to_queue: str = ""
    to_number: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ConsultRequested:
    """Ask an agent, or somebody at a number outside, while the caller waits on hold."""

    request: str
    agent: str
    contact: str
    state_version: int
    to_agent: str = ""
    to_number: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class CompleteRequested:
    """Whoever is consulted gets the call; the agent is out: an attended transfer."""

    request: str
    agent: str
    contact: str
    state_version: int


@dataclass(frozen=True, slots=True)
class JoinRequested:
    """Whoever is consulted talks with the caller too: a conference."""

    request: str
    agent: str
    contact: str
    state_version: int


@dataclass(frozen=True, slots=True)
class CancelConsultRequested:
    """Hang up on whoever is consulted; back to the caller."""

    request: str
    agent: str
    contact: str
    state_version: int


@dataclass(frozen=True, slots=True)
class DropPartyRequested:
    """Hang up on one of the conference: `party_agent`, or who is at `party_number`; the others talk on."""

    request: str
    agent: str
    contact: str
    state_version: int
    party_agent: str = ""
    party_number: str = ""


@dataclass(frozen=True, slots=True)
class ReturnRequested:
    """Back to the queue that the call came from, with its old place."""

    request: str
    agent: str
    contact: str
    state_version: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class ParkRequested:
    """The caller hears music under a slot until any agent picks the call up, or its time is over."""

    request: str
    agent: str
    contact: str
    state_version: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class PickUpRequested:
    """`agent` takes the call that is parked in `slot`."""

    request: str
    agent: str
    slot: int


@dataclass(frozen=True, slots=True)
class EscalateRequested:
    """Consult a supervisor, the first who is free; with none the call goes to the queue for that."""

    request: str
    agent: str
    contact: str
    state_version: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class TargetsRequested:
    """To whom may `agent` hand a call: names and who is free, nothing else."""

    request: str
    agent: str


@dataclass(frozen=True, slots=True)
class MonitorRequested:
    """Ring the phone of the supervisor `agent`, who wants to listen to `listened` (empty: who has the call).

    `mode`: `listen`, `whisper` or `barge`; see `core.supervising`.
    """

    request: str
    agent: str
    contact: str
    listened: str = ""
    mode: str = "listen"


@dataclass(frozen=True, slots=True)
class MonitorModeRequested:
    """Who listens wants to be heard by the agent alone, by all, or by nobody again."""

    request: str
    agent: str
    contact: str
    mode: str


@dataclass(frozen=True, slots=True)
class MonitorEndRequested:
    """Who listens hangs up; the others go on undisturbed."""

    request: str
    agent: str
    contact: str


@dataclass(frozen=True, slots=True)
class TakeOverRequested:
    """Who listens takes the call from the agent who has it."""

    request: str
    agent: str
    contact: str
    state_version: int


PartySignal = (
    TransferRequested | ConsultRequested | CompleteRequested | JoinRequested | CancelConsultRequested
    | DropPartyRequested | ReturnRequested | ParkRequested | PickUpRequested | EscalateRequested | TargetsRequested
    | MonitorRequested | MonitorModeRequested | MonitorEndRequested | TakeOverRequested
)  # fmt: skip
