"""A reservation: one call offered to one agent, an object with an expiry, not a flag (architecture decision 3).

popping --dial--> dialled --ringing--> ringing --(answered, failed, expired, caller gone)--> over
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cti_engine.core.contact import Hints
from cti_engine.core.machine import table

RESERVATION = table(
    "reservation",
    {
        "popping": {"dial": "dialled", "over": "over"},
        "dialled": {"ringing": "ringing", "over": "over"},
        "ringing": {"over": "over"},
    },
    late={"dialled": ["dial"], "ringing": ["dial", "ringing"]},
    final="over",
)


@dataclass(slots=True)
class Reservation:
    """Row kind `reservation`; the id is the offer's. Times are wall seconds, 0 = not yet."""

    id: str
    contact: str
    agent: str
    queue: str
    created_at: float
    state: str = "popping"
    leg: str = ""
    dialled_at: float = 0.0
    ringing_at: float = 0.0
    hints: Hints | None = None
    deadlines: dict[str, float] = field(default_factory=dict)
