"""What an outside CRM adds to a profile: it fills gaps and changes nothing known; wrong types do not count."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cti_engine.core.expressions.values import NUMBER, TEXT, Type
from cti_engine.core.services import Service, fits, value_at

MOST_ROWS = 20
"""Of a list; a CRM may have thousands."""
CHOICES = {"kind": ("person", "company"), "answer_by": ("keys", "voice")}
SINGLE: Mapping[str, Type] = {
    "customer": TEXT, "name": TEXT, "kind": TEXT, "segment": TEXT, "language": TEXT, "answer_by": TEXT,
    "channel": TEXT, "value": NUMBER, "number": TEXT,
}  # fmt: skip
"""What a profile has once, by its key. `number` is of no profile: whose answer it is, by what the CRM says itself."""
LISTS: Mapping[str, Mapping[str, Type]] = {
    "products": {"product": TEXT, "since": NUMBER},
    "purchases": {"at": NUMBER, "product": TEXT, "amount": NUMBER},
    "contacts": {"at": NUMBER, "channel": TEXT, "queue": TEXT, "agent": TEXT, "note": TEXT},
    "tickets": {
        "ticket": TEXT,
        "category": TEXT,
        "subject": TEXT,
        "state": TEXT,
        "due_at": NUMBER,
        "opened_at": NUMBER,
    },
    "hints": {"kind": TEXT, "text": TEXT},
}  # fmt: skip
"""What it has many of, and of what each consists; times are wall seconds, and may come as ISO 8601."""
CRM_STATE = "crm"
"""In a profile: how the CRM stands to it, one of the three below; missing where none is asked."""
ASKED, ANSWERED, AWAY = "asked", "answered", "away"
_TIMES = ("at", "since", "due_at", "opened_at")
_GUESSED = ("segment", "language", "languages")
"""Of a stranger: what the CRM says is better than where the number lies."""


@dataclass(frozen=True, slots=True)
class CrmList:
    """`path` of the list in the answer; then of each row's parts, by the profile's names."""

    path: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Crm(Service):
    """The service of config/crm.yaml. `fields`: paths by the profile's keys; `keeps`: seconds for an answer."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lists: Mapping[str, CrmList] = field(default_factory=dict)
    keeps: float = 300.0

    def values_of(self, answer: object) -> dict[str, object] | None:
        """The part of a profile that the answer has; None when it has nothing that could be one."""
        if not isinstance(answer, dict | list):
            return None
        found: dict[str, object] = {}
        for key, path in self.fields.items():
            value = _value(key, SINGLE[key], value_at(answer, path))
            if value is not None:
                found[key] = value
        for key, wanted in self.lists.items():
            rows = value_at(answer, wanted.path)
            if isinstance(rows, list):
                kept = [row for each in rows[:MOST_ROWS] if (row := _row(LISTS[key], wanted.parts, each))]
                if kept:
                    found[key] = kept
        return found


def gaps(known: Mapping[str, object], more: Mapping[str, object]) -> dict[str, object]:
    """What of `more` the profile `known` lacks."""
    stranger = not known.get("customer")
    added = {
        key: value
        for key, value in more.items()
        if key != CRM_STATE
        and value
        and value != known.get(key)
        and (not known.get(key) or (stranger and key in _GUESSED))
    }
    added.pop("number", None)
    if "language" in added:
        added["languages"] = [added["language"]]
    return added


def _row(
    types: Mapping[str, Type], parts: Mapping[str, tuple[str, ...]], row: object
) -> dict[str, object] | None:
    found = {}
    for name, path in parts.items():
        value = _value(name, types[name], value_at(row, path))
        if value is not None:
            found[name] = value
    return found or None


def _value(name: str, type_: Type, value: object) -> object:
    """None for what is of another type than it should be."""
    if name in _TIMES and isinstance(value, str):
        value = _moment(value)
    if type_ == TEXT and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # ids that are numbers there
    if not fits(value, type_):
        return None
    if name == "language" and not re.fullmatch(r"[a-z]{2}", str(value)):
        return None
    if name == "value" and isinstance(value, int | float) and value < 0:
        return None
    return value if name not in CHOICES or value in CHOICES[name] else None


def _moment(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
