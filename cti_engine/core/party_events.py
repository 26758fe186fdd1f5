"""Events of a conversation of more than two: consulted, handed over, listened to. Part of `events.Event`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConsultStarted:
    """`agent` has the phone of `to_agent`, or the one at `to_number`, rung to ask something; the caller waits."""

    contact: str
    agent: str
    to_agent: str
    to_number: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ConsultEnded:
    """`outcome`: `transferred` or `joined`, then they talk on with the caller; `cancelled` by the agent, `left` by who
    was asked, `handed_over` while it still rang, `call_over`, or what `end_causes.OfferOutcome` says of a phone.
    """

    contact: str
    agent: str
    to_agent: str
    to_number: str
    outcome: str
    talked_s: float


@dataclass(frozen=True, slots=True)
class CallHandedOver:
    """The part of `agent` in the conversation is over; the caller is not.

    `how`: `blind`, `attended`, `left` (a conference goes on), `returned` (to the queue), `parked` (in `slot`),
    `escalated`, `taken_over` (by the supervisor at `to_number`). Of `to_agent`, `to_number` and `to_queue` one says to
    whom; of a blind one it is still to be reached. Without an agent it is of the `supervisor` who had taken it over.
    """

    contact: str
    agent: str
    how: str
    to_agent: str = ""
    to_number: str = ""
    to_queue: str = ""
    slot: int = 0
    note: str = ""
    supervisor: str = ""


@dataclass(frozen=True, slots=True)
class PartyJoined:
    """`agent`, or who answered `number`, talks with the caller too: a conference, asked for `by` an agent."""

    contact: str
    agent: str
    number: str
    by: str


@dataclass(frozen=True, slots=True)
class PartyLeft:
    """One of a conference is out of it, and neither the caller nor the agent who has the call: they have hung up, or
    were let go `by` that agent.
    """

    contact: str
    agent: str
    number: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class ParkingEnded:
    """`agent` picks the call up out of `slot`; without one its time there is over and it waits in its queue again."""

    contact: str
    agent: str
    slot: int
    parked_s: float


@dataclass(frozen=True, slots=True)
class MonitorStarted:
    """The phone of `supervisor` has answered, who listens to `listened` from now on in `mode`.

    `agent` is the same where agents are shown that they are listened to, else empty: whose page is told.
    """

    contact: str
    supervisor: str
    listened: str
    mode: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class MonitorModeChanged:
    """Another mode, or another agent to whom the call went and whom the supervisor listens to now."""

    contact: str
    supervisor: str
    listened: str
    mode: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class MonitorEnded:
    """`outcome`: `stopped` by request, `left` (the supervisor hung up), `taken_over`, `call_over`, `no_agent` (nobody
    of ours has the call any longer), or what `end_causes.OfferOutcome` says of a phone that did not answer.
    """

    contact: str
    supervisor: str
    listened: str
    outcome: str
    seconds: float
    agent: str = ""
