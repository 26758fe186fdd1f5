"""The admin's rules of tickets as the console works by them, with the calendar in which their time counts."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent_console.labels import FRESH, LabelsUnavailable, read_file
from cti_engine.core.customers.ticket_rules import NO_TICKETS, TicketRules
from cti_engine.core.hours import Calendar
from cti_engine.definitions.calendar_loader import load_calendars
from cti_engine.definitions.problems import has_errors
from cti_engine.definitions.ticket_loader import load_tickets

_log = logging.getLogger("cti.console")


@dataclass(frozen=True, slots=True)
class TicketBook:
    """`calendar` None: every hour counts."""

    rules: TicketRules = NO_TICKETS
    calendar: Calendar | None = None


def read_tickets(home: Path, center_zone: str) -> TicketBook:
    """Those of the set below `home`. `center_zone` empty: the machine's. Raises LabelsUnavailable."""
    tickets, hours = (read_file(home, f"config/{name}.yaml") for name in ("tickets", "business_hours"))
    rules = load_tickets(tickets, None, None, ())
    calendars = load_calendars(hours, center_zone) if rules.calendar else {}
    if has_errors(tickets.problems + (hours.problems if rules.calendar else [])):
        raise LabelsUnavailable(f"problems in {home}; cti-engine check lists them")
    return TicketBook(rules, calendars.get(rules.calendar))


class TicketBooks:
    """Keeps the last rules that could be read, and looks at the files again now and then. For any thread."""

    def __init__(self, read: Callable[[], TicketBook]) -> None:
        self._read = read
        self._book = TicketBook()
        self._read_at = -FRESH

    def now(self) -> TicketBook:
        """Reads files: not in the event loop."""
        if time.monotonic() - self._read_at >= FRESH:
            self._read_at = time.monotonic()
            try:
                self._book = self._read()
            except LabelsUnavailable as error:
                _log.warning("rules of tickets stay as they were: %s", error)
        return self._book
