"""Signals: what an agent does for the customer of a contact, that one is forgotten. Part of `signals.Signal`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GrantRequested:
    """Grant the customer `amount`, in the center's currency, for a `reason`. Above the limit it is refused as
    `over_limit`, or, with `ask`, put before the supervisors.
    """

    request: str
    agent: str
    contact: str
    amount: float
    reason: str
    ask: bool = False


@dataclass(frozen=True, slots=True)
class GrantDecided:
    """The supervisor `agent` approves, or does not, what an agent has asked to grant."""

    request: str
    agent: str
    contact: str
    grant: str
    approved: bool


@dataclass(frozen=True, slots=True)
class GuideAnswerRequested:
    """What the agent has found out at a `step` of the contact's `guide`: one of its choices, a text or a number."""

    request: str
    agent: str
    contact: str
    guide: str
    step: str
    answer: str


@dataclass(frozen=True, slots=True)
class CampaignCallRequested:
    """The supervisor `agent` has a customer of a campaign's list called, at `number`, by the agents of its queue."""

    request: str
    agent: str
    campaign: str
    number: str
    name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class ErasureAsked:
    """Forget whose `contacts` these are, and `numbers`, as their calls have brought them."""

    contacts: tuple[str, ...]
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ErasureDone:
    """The fields of CustomerErased."""

    erasure: int
    pseudonym: str
    records: int
    events: int
    recordings: int
    kept: tuple[str, ...] = ()


CustomerSignal = (
    CampaignCallRequested | ErasureAsked | ErasureDone | GrantRequested | GrantDecided | GuideAnswerRequested
)
