"""One thing that doctor has looked at: how it is, and what to do unless it is well."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`warn`: the center runs, but less well. `fault`: it does not start, or calls fail."""

    OK = "ok"
    WARN = "warn"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Check:
    """`found` is what is there; `what_to_do` is empty when it is well, else a thing to type or change."""

    name: str
    verdict: Verdict
    found: str
    what_to_do: str = ""


def ok(name: str, found: str) -> Check:
    return Check(name, Verdict.OK, found)


def warn(name: str, found: str, what_to_do: str) -> Check:
    return Check(name, Verdict.WARN, found, what_to_do)


def fault(name: str, found: str, what_to_do: str) -> Check:
    return Check(name, Verdict.FAULT, found, what_to_do)
