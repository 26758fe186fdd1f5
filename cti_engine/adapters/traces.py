"""What tells of one person, and how a record reads without it: figures, times and ours stay, all else goes.

Of their own contacts only the fields in KEPT keep their text, so that a field which nobody has thought of is emptied.
Of everybody else's only their numbers go, however they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import phonenumbers

from cti_engine.definitions.phone_numbers import e164

KEPT = frozenset({
    "abstained", "agent", "approved_by", "author", "by", "by_name", "category", "cause", "channel", "condition",
    "contact", "currency", "disposition", "dnis", "ended", "fastest", "flow", "flow_path", "grant", "group",
    "guide", "how", "intent", "into", "kept", "kind", "language", "leg", "listened", "message", "missed_offers", "mode",
    "number", "offer", "opened_by", "origin", "outcome", "owner", "party", "path", "promised", "promised_by",
    "pseudonym", "purpose", "queue", "question", "recording_consent", "role", "rule", "rules", "scale", "segment",
    "shown", "skipped", "source", "state", "status", "step", "supervisor", "survey", "to_agent", "to_number",
    "to_queue", "transfers", "trunk", "was_reason", "was_state", "was_status", "way", "why",
})  # fmt: skip
"""Texts that are ours: ids, codes, what the admin's files are called."""
EMPTIED = frozenset({
    "answer", "appointments", "attributes", "cdr", "contacts", "crm", "data", "field", "greeting", "guidance",
    "hints", "monitored", "name", "no_offers", "note", "offers", "open_tickets", "prefers", "products", "profile",
    "reason", "recording", "region", "region_languages", "resolution", "risk", "said", "segments", "steps", "subject",
    "text",
})  # fmt: skip
"""Fields that are known to tell of the person, or that hold fields which are looked at one by one."""
PSEUDONYM = frozenset({"ani", "customer"})
OPAQUE = frozenset({"data", "profile"})
"""Their keys are the admin's or a CRM's: nothing of them stays."""
ATTRIBUTES = frozenset({"segment", "language", "value", "priority", "intent"})
CODES = frozenset({("QueueLeft", "reason"), ("AgentStateChanged", "reason"), ("HintAnswered", "answer")})
"""Where such a field is a code; elsewhere it is what somebody wrote."""

_SEPARATORS = b" \t().-/"
_BETWEEN = r"[ \t().\-/]{0,2}"
_CERTAIN = 4
_SHORTEST = 7
"""Digits of a number that is looked for in texts: what is shorter is an extension, a year, a price."""


@dataclass(frozen=True, slots=True)
class Traces:
    """`customers`: the ids (also of who was merged into this one), `numbers` in E.164, `pseudonym` what they become.
    `region`: as for `e164`. `keep_recordings`: their files stay, and with them their names in the records.
    """

    pseudonym: str
    customers: frozenset[str]
    numbers: frozenset[str]
    region: str = "US"
    keep_recordings: bool = False
    _written: re.Pattern[str] | None = field(default=None, compare=False)
    _digits: tuple[bytes, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        forms = sorted(_forms(self.numbers), key=len, reverse=True)
        pattern = re.compile("|".join(forms)) if forms else None
        object.__setattr__(self, "_written", pattern)
        object.__setattr__(self, "_digits", tuple(_shortest(number).encode() for number in self.numbers))

    def is_number(self, text: str) -> bool:
        if text in self.numbers:
            return True
        digits = re.sub(r"\D", "", re.split("[@;]", text)[0])
        ends = any(digits.endswith(number[-_CERTAIN:]) for number in self.numbers)  # reading it costs 0.2 ms
        return ends and e164(text, self.region) in self.numbers

    def told_in(self, document: bytes) -> bool:
        """Whether JSON may tell one of the numbers; quick, since whole logs are asked."""
        plain = document.translate(None, _SEPARATORS)
        return any(digits in plain for digits in self._digits)

    def without_numbers(self, text: str) -> str:
        return text if self._written is None else self._written.sub(self.pseudonym, text)

    def is_theirs(self, number: object, customer: object) -> bool:
        """A contact: of this customer, or of nobody known with one of the numbers."""
        if customer:
            return str(customer) in self.customers
        return self.is_number(str(number or ""))

    def record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A closed contact's record of theirs."""
        return _Reading(self, str(record.get("ani") or "")).mapping(record, "")

    def event(self, name: str, data: Mapping[str, Any], ani: str) -> dict[str, Any]:
        """An event of a contact of theirs, which came from the number `ani`."""
        return _Reading(self, ani).mapping(data, name)

    def elsewhere(self, value: Any) -> Any:
        """Of somebody else's contact: the same but for the numbers."""
        if isinstance(value, str):
            return self.without_numbers(value)
        if isinstance(value, dict):
            return {self.without_numbers(name): self.elsewhere(each) for name, each in value.items()}
        return [self.elsewhere(each) for each in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True, slots=True)
class _Reading:
    traces: Traces
    ani: str

    def mapping(self, value: Mapping[str, Any], event: str) -> dict[str, Any]:
        return {name: self._field(name, each, event) for name, each in value.items()}

    def _field(self, name: str, value: Any, event: str) -> Any:
        if name in OPAQUE and isinstance(value, dict):
            return {}
        if name == "attributes" and isinstance(value, dict):
            return {key: self._kept(each) for key, each in value.items() if key in ATTRIBUTES}
        if name in PSEUDONYM and isinstance(value, str):
            return self.traces.pseudonym if value else ""
        if name == "survey" and isinstance(value, dict):  # answers by question
            return {question: "" if isinstance(answer, str) else answer for question, answer in value.items()}
        recording = name == "recording" and self.traces.keep_recordings
        return (
            self._kept(value) if name in KEPT or recording or (event, name) in CODES else self._emptied(value)
        )

    def _kept(self, value: Any) -> Any:
        if isinstance(value, str):
            ours = value != self.ani or not self.ani
            return self.traces.without_numbers(value) if ours else self.traces.pseudonym
        if isinstance(value, dict):
            return {name: self._kept(each) for name, each in value.items()}
        return [self._kept(each) for each in value] if isinstance(value, list | tuple) else value

    def _emptied(self, value: Any) -> Any:
        """Numbers and truths stay: they are figures."""
        if isinstance(value, str):
            return ""
        if isinstance(value, dict):
            return self.mapping(value, "")
        if isinstance(value, list | tuple):
            return [self._emptied(each) for each in value if not isinstance(each, str)]
        return value


def _shortest(number: str) -> str:
    """The digits that are in all ways of writing it."""
    parsed = phonenumbers.parse(number)
    national = phonenumbers.national_significant_number(parsed)
    return national if len(national) >= _SHORTEST else f"{parsed.country_code}{national}"


def _forms(numbers: Iterable[str]) -> Iterator[str]:
    """As people and carriers write it: with and without the country, with spaces and dashes."""
    for number in numbers:
        parsed = phonenumbers.parse(number)
        code, national = str(parsed.country_code), phonenumbers.national_significant_number(parsed)
        whole = _BETWEEN.join(code + national)
        yield rf"(?<!\d)(?:\+|00)?{whole}(?!\d)"
        if len(national) >= _SHORTEST:
            yield rf"(?<!\d){_BETWEEN.join(national)}(?!\d)"
