"""Customers as a CSV file: every row is taken whole or refused whole, with its line and the reason.

Columns: `customer` and `numbers` (several with `;`) must be there; `name, segment, language, value, hints,
contacts` may be. `hints`: `kind: text | kind: text`. `contacts`: `when queue: note | ...`, `when` being a date,
a date and time (UTC), or an age such as `2d`, `3h`, `20m`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cti_engine.definitions.phone_numbers import e164

_REQUIRED = ("customer", "numbers")
_COLUMNS = (*_REQUIRED, "name", "segment", "language", "value", "hints", "contacts")
_AGES = {"m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """`numbers` are E.164; a hint is {kind, text}; a contact is {at (wall seconds), queue, note}."""

    line: int
    customer: str
    name: str
    segment: str
    language: str
    value: float
    numbers: tuple[str, ...]
    hints: tuple[dict[str, str], ...]
    contacts: tuple[dict[str, str | float], ...]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    line: int
    reason: str


class UnusableFile(Exception):
    """Nothing of the file can be taken; the text says why."""


def read_customers(path: Path, region: str, now: float) -> Iterator[CustomerRow | RefusedRow]:
    """Each row in order. `now` (wall seconds) is what ages are counted back from. Raises UnusableFile."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnusableFile(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnusableFile(f"{path} is not UTF-8: save it as 'CSV UTF-8'") from error
    heading = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=heading.count)  # spreadsheets in Spanish write semicolons
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="", strict=True)
    columns = [name.strip().lower() for name in reader.fieldnames or ()]
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        raise UnusableFile(
            f"{path}:1: no column {' and no column '.join(missing)}: use {', '.join(_COLUMNS)}"
        )
    unknown = [name for name in columns if name not in _COLUMNS]
    if unknown or len(set(columns)) < len(columns):
        raise UnusableFile(
            f"{path}:1: column {(unknown or columns)[0]!r} twice or unknown: use {', '.join(_COLUMNS)}"
        )
    reader.fieldnames = columns
    rows = iter(reader)
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield RefusedRow(reader.line_num, f"not CSV: {error}")
        else:
            yield _row(cells, reader.line_num, region, now)


def _row(cells: dict[str, str | None], line: int, region: str, now: float) -> CustomerRow | RefusedRow:
    if None in cells.values() or cells.get(""):
        return RefusedRow(line, "it has another number of cells than the heading")
    cell = {name: (value or "").strip() for name, value in cells.items()}
    try:
        return CustomerRow(
            line=line,
            customer=_identifier(cell["customer"]),
            name=cell.get("name", ""),
            segment=cell.get("segment", ""),
            language=_language(cell.get("language", "")),
            value=_value(cell.get("value", "")),
            numbers=_numbers(cell["numbers"], region),
            hints=tuple(_hint(part) for part in _parts(cell.get("hints", ""), "|")),
            contacts=tuple(_contact(part, now) for part in _parts(cell.get("contacts", ""), "|")),
        )
    except ValueError as error:
        return RefusedRow(line, str(error))


def _parts(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]


def _identifier(text: str) -> str:
    if not text:
        raise ValueError("it has no customer id")
    return text


def _numbers(text: str, region: str) -> tuple[str, ...]:
    written = _parts(text, ";")
    numbers = [e164(number, region) for number in written]
    if not written:
        raise ValueError("it has no number")
    if None in numbers:
        raise ValueError(f"{written[numbers.index(None)]!r} is no telephone number")
    return tuple(dict.fromkeys(number for number in numbers if number))


def _language(text: str) -> str:
    if text and not re.fullmatch(r"[a-z]{2}", text):
        raise ValueError(f"language {text!r} is not two letters such as es or en")
    return text


def _value(text: str) -> float:
    try:
        value = float(text or 0)
    except ValueError:
        value = float("nan")
    if not 0 <= value < float("inf"):
        raise ValueError(f"value {text!r} is not a number of 0 or more")
    return value


def _hint(text: str) -> dict[str, str]:
    kind, colon, words = text.partition(":")
    if not colon or not re.fullmatch(r"[a-z_]+", kind) or not words.strip():
        raise ValueError(f"hint {text!r} is not written as kind: text")
    return {"kind": kind, "text": words.strip()}


def _contact(text: str, now: float) -> dict[str, str | float]:
    found = re.fullmatch(r"(\S+)\s+(\w+):\s*(.+)", text)
    if not found:
        raise ValueError(f"contact {text!r} is not written as when queue: note")
    when, queue, note = found.groups()
    return {"at": _when(when, now), "queue": queue, "note": note}


def _when(text: str, now: float) -> float:
    age = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if age:
        return now - int(age[1]) * _AGES[age[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date such as 2026-11-20 and no age such as 2d") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
