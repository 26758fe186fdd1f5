"""What tickets are about, when they are due, and who is told when they are late: the admin's settings.

Built from config/tickets.yaml by `definitions/ticket_loader.py`. Seconds count in the hours of `calendar`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OWNER, SUPERVISOR = "owner", "supervisor"
"""Whom a rung tells, beside agents by name."""


@dataclass(frozen=True, slots=True)
class Category:
    """`label` by language. `priority`: of a ticket for which nobody chose one."""

    id: str
    label: Mapping[str, str]
    priority: int


@dataclass(frozen=True, slots=True)
class DueRule:
    """Tickets of these segments, priorities and categories (empty: any) are due `within` so many seconds."""

    within: float
    segments: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rung:
    """Tells `to` when `share` of the time until due is over (1.0: it is due), or when nobody has taken it `untaken`
    seconds after it was given to nobody. One of both.
    """

    to: str
    share: float | None = None
    untaken: float | None = None

    @property
    def name(self) -> str:
        """As the history tells it."""
        return f"{self.share * 100:g}%" if self.share is not None else f"untaken {self.untaken:g}s"


@dataclass(frozen=True, slots=True)
class SurveyRule:
    """An answer not above what `answers` says for its scale (`1-5`), by a customer of one of `segments` or worth
    `value` at least, opens a ticket of this category and priority. A call-back is promised `call_back` seconds later
    (0: none).
    """

    answers: Mapping[str, int]
    category: str
    priority: int
    segments: tuple[str, ...] = ()
    value: float | None = None
    call_back: float = 0.0

    def opens(self, scale: str, answer: int, segment: str, value: float) -> bool:
        bad = self.answers.get(scale)
        if bad is None or answer > bad:
            return False
        if not self.segments and self.value is None:
            return True
        return segment in self.segments or (self.value is not None and value >= self.value)


@dataclass(frozen=True, slots=True)
class TicketRules:
    """`calendar` empty: every hour counts. `priorities` from 1, the most urgent, with labels by language.

    `due`: the first rule that fits. `wait`: after so many seconds a ticket that waits comes back to its owner, when
    nobody chose a moment. `reopen_within` seconds after it was resolved; later it is a new one.
    """

    calendar: str = ""
    categories: Mapping[str, Category] = field(default_factory=dict)
    priorities: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    due: tuple[DueRule, ...] = ()
    ladder: tuple[Rung, ...] = ()
    wait: float = 3 * 86_400.0
    reopen_within: float = 30 * 86_400.0
    surveys: tuple[SurveyRule, ...] = ()

    def within(self, segment: str, priority: int, category: str) -> float | None:
        """Seconds until due; None: never."""
        for rule in self.due:
            fits = (
                (not rule.segments or segment in rule.segments)
                and (not rule.priorities or priority in rule.priorities)
                and (not rule.categories or category in rule.categories)
            )
            if fits:
                return rule.within
        return None


NO_TICKETS = TicketRules()
