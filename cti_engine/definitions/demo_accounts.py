"""config/demo_accounts.yaml: made-up accounts and orders that the demo's services know."""

from __future__ import annotations

from dataclasses import dataclass, field

from cti_engine.definitions.shapes import Key, Keys, Number, Table, Text
from cti_engine.definitions.yaml_source import Document

DIGITS = Text("digits", r"\d{1,20}")
PIN = Text('a PIN in quotes such as "4711"', r"\d{4,8}", secret=True)
STATES = ("preparing", "shipped", "delivered")
ACCOUNT = Keys(
    (
        Key("pin", PIN, "what its owner keys in"),
        Key("balance", Number(-1_000_000, 1_000_000, decimal=True), "money on it"),
        Key("currency", Text("a currency such as EUR", r"[A-Z]{3}"), "of which", "EUR"),
    )
)
ORDER = Keys(
    (
        Key("pin", PIN, "what its buyer keys in"),
        Key("status", Text("a state of an order", choices=STATES), "where it is"),
        Key("delivery", Text("a date such as 2026-11-30", r"\d{4}-\d\d-\d\d"), "when it comes", ""),
    )
)
DEMO_ACCOUNTS = Keys(
    (
        Key("accounts", Table(ACCOUNT, DIGITS), "by number", {}),
        Key("orders", Table(ORDER, DIGITS), "by number", {}),
    )
)


@dataclass(frozen=True, slots=True)
class DemoRecord:
    """`told` is what a service tells to who knows the PIN."""

    pin: str = field(repr=False)
    told: dict[str, object]


@dataclass(frozen=True, slots=True)
class DemoAccounts:
    accounts: dict[str, DemoRecord]
    orders: dict[str, DemoRecord]


def load_demo_accounts(document: Document) -> DemoAccounts:
    written = DEMO_ACCOUNTS.read(document, document.root, ())
    return DemoAccounts(
        {
            number: DemoRecord(one["pin"], {"balance": one["balance"], "currency": one["currency"]})
            for number, one in written["accounts"].items()
        },
        {
            number: DemoRecord(one["pin"], {"status": one["status"], "delivery": one["delivery"] or None})
            for number, one in written["orders"].items()
        },
    )
