"""Events of callbacks, asked for or promised. Part of `events.Event`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallbackRequested:
    """The first fact of a callback. `origin`: the contact that left its place to it after `waited_s` seconds in line,
    or in which it was promised; empty for one asked for on the web. It is to be reached within `within_s`, of an
    appointment counted from then, by at most `tries` calls.
    """

    contact: str
    queue: str
    number: str
    name: str
    dnis: str
    source: str
    origin: str
    waited_s: float
    within_s: float
    tries: int


@dataclass(frozen=True, slots=True)
class CallbackScheduled:
    """`agent` has promised it for `due_at` (wall seconds), or has moved it there: `own` to make it himself, as long as
    he is there within `grace_s` of that moment, else whoever serves `queue`.
    """

    contact: str
    agent: str
    queue: str
    number: str
    name: str
    due_at: float
    own: bool
    grace_s: float
    note: str


@dataclass(frozen=True, slots=True)
class CallbackDue:
    """Its time has come. `agent` has promised it."""

    contact: str
    agent: str
    queue: str
    own: bool


@dataclass(frozen=True, slots=True)
class CallbackAttempted:
    """Call number `attempt` to the caller, while `agent` was on the line.

    `outcome`: `answered`, what `end_causes.OfferOutcome` says of a phone, or `agent_gone` (then it does not count).
    """

    contact: str
    agent: str
    attempt: int
    outcome: str
    rang_s: float


@dataclass(frozen=True, slots=True)
class CallbackEnded:
    """`outcome`: `reached`, `not_reached`, `expired`, `cancelled`, `settled` (in another call), or another cause's
    name; `waited_s` since it was asked for, of an appointment since it was due. `agent`: who has promised it.
    """

    contact: str
    queue: str
    outcome: str
    attempts: int
    waited_s: float
    agent: str = ""
