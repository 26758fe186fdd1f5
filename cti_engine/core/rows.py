"""What a center stores: the kinds of rows, those that no machine owns, and who may have deadlines."""

from __future__ import annotations

from dataclasses import dataclass, field

from cti_engine.core.agent import Agent
from cti_engine.core.contact import Contact
from cti_engine.core.leg import Leg
from cti_engine.core.reporting.service_level import QueueCounts
from cti_engine.core.reservation import Reservation
from cti_engine.core.routing.handle_times import QueueTimes
from cti_engine.core.routing.wait_estimate import WaitModel


@dataclass(slots=True)
class Counters:
    """Row kind `counter`: where the ids come from, so that they never depend on a clock."""

    next: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class WorkerNote:
    """Row kind `worker`. `suspects`: legs that we know and it did not name; `strangers`: the reverse."""

    id: str
    suspects: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    deadlines: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class ReCaller:
    """Row kind `recaller`, by number: since when a caller who gave up or was cut off had waited (wall seconds)."""

    id: str
    queued_at: float
    deadlines: dict[str, float] = field(default_factory=dict)


OF_CUSTOMER = "customer "
"""The id of a row that is of a customer, whatever the number, begins so."""


@dataclass(slots=True)
class Surveyed:
    """Row kind `surveyed`, by number and by customer: when they were last given an `after_call` flow (wall seconds)."""

    id: str
    at: float
    deadlines: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class OfferStock:
    """Row kind `offer_stock`, by offer: how many have been `accepted` since the admin wrote `stock`."""

    id: str
    stock: int
    accepted: int = 0


@dataclass(slots=True)
class OtherPhone:
    """Row kind `phone`: of a user who is no agent, a supervisor's say; it is there as long as it is registered."""

    id: str


NamedRow = (
    Contact
    | Leg
    | Agent
    | Reservation
    | QueueCounts
    | WaitModel
    | WorkerNote
    | ReCaller
    | Surveyed
    | OfferStock
    | OtherPhone
    | QueueTimes
)
Row = NamedRow | Counters
Owner = Contact | Agent | Reservation | QueueCounts | WorkerNote | ReCaller | Surveyed
ROW_TYPES: dict[str, type[Row]] = {
    "contact": Contact,
    "leg": Leg,
    "agent": Agent,
    "reservation": Reservation,
    "queue": QueueCounts,
    "waits": WaitModel,
    "worker": WorkerNote,
    "recaller": ReCaller,
    "surveyed": Surveyed,
    "offer_stock": OfferStock,
    "phone": OtherPhone,
    "handle_times": QueueTimes,
    "counter": Counters,
}
KIND: dict[type, str] = {row: kind for kind, row in ROW_TYPES.items()}
