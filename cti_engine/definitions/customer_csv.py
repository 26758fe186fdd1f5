"""Customers and purchases as CSV files: every row is taken whole or refused whole, with its line and the reason.

Of customers `customer` and `numbers` must be columns. `numbers`: several with `;`, each with `(keys)` or `(voice)`
behind it if its caller answers menus so. `products`: `mobile 2019-04-01 | fibre 2024-02-01 until 2026-12-31`.
`addresses`, `consent` and `hints`: `kind: text | kind: text`; of a consent the text is `yes` or `no`, with a date if
there is one. `contacts`: `when queue: note | ...`. A moment is a date, a date and time (UTC), or an age such as
`2d`, `3h`, `20m`; an end may be `+20d` from now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from cti_engine.definitions.csv_table import CsvTable, RefusedRow
from cti_engine.definitions.phone_numbers import e164

CUSTOMER_COLUMNS = (
    ("customer", "numbers"),
    ("kind", "name", "segment", "language", "answer_by", "channel", "value", "addresses", "consent", "products",
     "preferred_agents", "hints", "contacts"),
)  # fmt: skip
PURCHASE_COLUMNS = (("customer", "at", "product"), ("amount", "quantity"))
KINDS = ("person", "company")
ANSWER_BY = ("keys", "voice")
CHANNELS = ("voice", "sms", "email", "chat", "whatsapp", "post")
_AGES = {"m": 60.0, "h": 3600.0, "d": 86400.0}
_NAME = r"[\w.-]+"


class Number(NamedTuple):
    """`number` is E.164; `answer_by` is keys, voice or empty: as the customer."""

    number: str
    answer_by: str


class Address(NamedTuple):
    kind: str
    address: str


class Consent(NamedTuple):
    """`at` 0: nobody has written down when."""

    purpose: str
    given: bool
    at: float


class Product(NamedTuple):
    """`until`: when its contract ends, None: nobody has said."""

    product: str
    since: float | None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A hint is {kind, text}; a contact is {at, queue, note}. Times in wall seconds."""

    line: int
    customer: str
    kind: str
    name: str
    segment: str
    language: str
    answer_by: str
    channel: str
    value: float
    numbers: tuple[Number, ...]
    addresses: tuple[Address, ...]
    consents: tuple[Consent, ...]
    products: tuple[Product, ...]
    preferred_agents: tuple[str, ...]
    hints: tuple[dict[str, str], ...]
    contacts: tuple[dict[str, str | float], ...]


@dataclass(frozen=True, slots=True)
class PurchaseRow:
    line: int
    customer: str
    at: float
    product: str
    amount: float
    quantity: float


def read_customers(table: CsvTable, region: str, now: float) -> Iterator[CustomerRow | RefusedRow]:
    """Each row in order. `now` (wall seconds) is what ages are counted back from. Raises UnusableFile."""
    return table.rows_as(lambda line, cell: _customer(line, cell, region, now))


def read_purchases(table: CsvTable, now: float) -> Iterator[PurchaseRow | RefusedRow]:
    """Each row in order, as above."""

    def purchase(line: int, cell: dict[str, str]) -> PurchaseRow:
        return PurchaseRow(
            line,
            _identifier(cell["customer"]),
            moment_of(cell["at"], now),
            _product_name(cell["product"]),
            _amount("amount", cell.get("amount", "")),
            _amount("quantity", cell.get("quantity", "") or "1"),
        )

    return table.rows_as(purchase)


def _customer(line: int, cell: dict[str, str], region: str, now: float) -> CustomerRow:
    customer = _identifier(cell["customer"])
    numbers = tuple(dict.fromkeys(_number(part, region) for part in _parts(cell["numbers"], ";")))
    addresses = tuple(_address(part) for part in _parts(cell.get("addresses", "")))
    if not numbers and not addresses:
        raise ValueError("it has no number and no address")
    if len({number for number, _ in numbers}) < len(numbers):
        raise ValueError("the same number stands twice in it, to be answered by keys and by voice")
    return CustomerRow(
        line=line,
        customer=customer,
        kind=_one_of("kind", cell.get("kind", ""), KINDS) or KINDS[0],
        name=cell.get("name", ""),
        segment=cell.get("segment", ""),
        language=_language(cell.get("language", "")),
        answer_by=_one_of("answer_by", cell.get("answer_by", ""), ANSWER_BY),
        channel=_one_of("channel", cell.get("channel", ""), CHANNELS),
        value=_amount("value", cell.get("value", "")),
        numbers=numbers,
        addresses=addresses,
        consents=tuple(_consent(part, now) for part in _parts(cell.get("consent", ""))),
        products=tuple(_product(part, now) for part in _parts(cell.get("products", ""))),
        preferred_agents=tuple(_parts(cell.get("preferred_agents", ""), ";")),
        hints=tuple(_hint(part) for part in _parts(cell.get("hints", ""))),
        contacts=tuple(_contact(part, now) for part in _parts(cell.get("contacts", ""))),
    )


def _parts(text: str, separator: str = "|") -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]


def _identifier(text: str) -> str:
    if not text:
        raise ValueError("it has no customer id")
    return text


def _number(text: str, region: str) -> Number:
    told = re.fullmatch(r"(.*?)\s*\(([a-z]+)\)", text)
    written, answer_by = (told[1], _one_of("answer_by", told[2], ANSWER_BY)) if told else (text, "")
    number = e164(written, region)
    if number is None:
        raise ValueError(f"{text!r} is no telephone number")
    return Number(number, answer_by)


def _one_of(column: str, text: str, choices: tuple[str, ...]) -> str:
    if text and text not in choices:
        raise ValueError(f"{column} {text!r} is none of {', '.join(choices)}")
    return text


def _language(text: str) -> str:
    if text and not re.fullmatch(r"[a-z]{2}", text):
        raise ValueError(f"language {text!r} is not two letters such as es or en")
    return text


def _amount(column: str, text: str) -> float:
    try:
        value = float(text or 0)
    except ValueError:
        value = float("nan")
    if not 0 <= value < float("inf"):
        raise ValueError(f"{column} {text!r} is not a number of 0 or more")
    return value


def _named(text: str, what: str) -> tuple[str, str]:
    name, colon, words = text.partition(":")
    if not colon or not re.fullmatch(r"[a-z_]+", name) or not words.strip():
        raise ValueError(f"{what} {text!r} is not written as kind: text")
    return name, words.strip()


def _hint(text: str) -> dict[str, str]:
    kind, words = _named(text, "hint")
    return {"kind": kind, "text": words}


def _address(text: str) -> Address:
    kind, address = _named(text, "address")
    if kind == "email":
        address = address.lower()
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            raise ValueError(f"{address!r} is no e-mail address")
    return Address(kind, address)


def _consent(text: str, now: float) -> Consent:
    purpose, words = _named(text, "consent")
    given, _, when = words.partition(" ")
    if given not in ("yes", "no"):
        raise ValueError(
            f"consent {text!r} is not written as purpose: yes or purpose: no, with a date or none"
        )
    return Consent(purpose, given == "yes", moment_of(when.strip(), now) if when else 0.0)


def _product_name(text: str) -> str:
    if not re.fullmatch(_NAME, text):
        raise ValueError(f"product {text!r} is not one word such as fibre_1gb")
    return text


def _product(text: str, now: float) -> Product:
    found = re.fullmatch(r"(\S+)(?:\s+(?!until\b)(.+?))?(?:\s+until\s+(\S.*))?", text)
    product, since, until = found.groups() if found else (text, None, None)
    return Product(
        _product_name(product),
        moment_of(since.strip(), now) if since else None,
        _until(until.strip(), now) if until else None,
    )


def _until(text: str, now: float) -> float:
    """A date, or `+20d` from now."""
    return (
        2 * now - moment_of(text[1:], now) if re.fullmatch(r"\+\d{1,6}[mhd]", text) else moment_of(text, now)
    )


def _contact(text: str, now: float) -> dict[str, str | float]:
    found = re.fullmatch(r"(\S+)\s+(\w+):\s*(.+)", text)
    if not found:
        raise ValueError(f"contact {text!r} is not written as when queue: note")
    when, queue, note = found.groups()
    return {"at": moment_of(when, now), "queue": queue, "note": note}


def moment_of(text: str, now: float) -> float:
    age = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if age:
        return now - int(age[1]) * _AGES[age[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date such as 2026-11-20 and no age such as 2d") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
