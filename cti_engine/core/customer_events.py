"""A fact about a customer that comes later than the call."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CustomerFilledIn:
    """The CRM has answered: what nothing was known of before, by the profile's keys. `agent`: on whose page it is."""

    contact: str
    agent: str
    profile: dict[str, object]
