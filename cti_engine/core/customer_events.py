"""Facts about a customer that do not come of the call itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CustomerFilledIn:
    """The CRM has answered: what nothing was known of before, by the profile's keys. `agent`: on whose page it is."""

    contact: str
    agent: str
    profile: dict[str, object]


@dataclass(frozen=True, slots=True)
class TicketChanged:
    """As it is after the change. `contact`: in which it was opened. `due_at`: wall seconds, 0 for never. `steps`:
    what happened, {at, author, step}; `author` is empty for what the rules did.
    """

    contact: str
    ticket: int
    customer: str
    category: str
    subject: str
    state: str
    priority: int
    owner: str
    queue: str = ""
    due_at: float = 0.0
    resolution: str = ""
    steps: tuple[dict[str, object], ...] = ()
