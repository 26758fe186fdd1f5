"""Two entries of one customer become one, and two again if that was wrong. What came in between stays with the one."""

from __future__ import annotations

import json
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from cti_engine.adapters.customer_rights import table_rows
from cti_engine.adapters.sql_database import Statements

# The columns beside `customer` that tell one row of a customer from the other.
_KEYS = {
    "numbers": ("number",),
    "addresses": ("kind", "address"),
    "consents": ("purpose",),
    "products": ("product",),
    "purchases": ("at", "product"),
    "contacts": ("at", "source", "contact", "number"),
    "notes": ("at", "author", "text"),
    "surveys": ("at", "contact", "question"),
    "surveys_asked": ("at", "contact", "flow"),
    "tickets": ("ticket",),
    "offer_answers": ("at", "contact", "offer"),
    "grants": ("at", "contact", "reason"),
    "guide_answers": ("at", "contact", "step"),
    "campaign_customers": ("campaign",),
}
_FILLED = ("name", "segment", "language", "answer_by", "channel", "preferred_agents")
"""Taken over where the one that is kept has nothing."""


class CannotMerge(Exception):
    """The text says why."""


@dataclass(frozen=True, slots=True)
class Doubles:
    """`customers` have the same `value` of `what`: email or name."""

    what: str
    value: str
    customers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merge:
    """`gone` is `kept` since `at`, and was until `undone_at`."""

    merge: int
    at: float
    author: str
    kept: str
    gone: str
    undone_at: float | None


def merges(db: Statements, limit: int = 100) -> list[Merge]:
    """The newest first."""
    rows = db.rows(f"SELECT id, at, author, kept, gone, undone_at FROM merges ORDER BY id DESC LIMIT {limit}")
    return [Merge(*row) for row in rows]


def merge(db: Statements, kept: str, gone: str, author: str, now: float) -> int:
    """All of `gone` is of `kept` from now on; the number of the merge, to undo it. Raises CannotMerge.

    Of two consents the later counts, of equal ones the refusal. Scores are computed anew by whoever computes them.
    """
    if kept == gone:
        raise CannotMerge("a customer cannot be merged with itself")
    before, other = (_one(db, customer) for customer in (kept, gone))
    moved: dict[str, list[dict[str, Any]]] = {}
    dropped: dict[str, list[dict[str, Any]]] = {"scores": table_rows(db, "scores", "customer=?", gone)}
    overwritten: list[dict[str, Any]] = []
    for table, key in _KEYS.items():
        have = {_of(row, key): row for row in table_rows(db, table, "customer=?", kept)}
        for row in table_rows(db, table, "customer=?", gone):
            mine = have.get(_of(row, key))
            if (
                mine is not None
                and table == "consents"
                and (row["at"], mine["given"]) > (mine["at"], row["given"])
            ):
                overwritten.append(mine)
                _delete(db, table, kept, row, key)
                mine = None
            if mine is None:
                moved.setdefault(table, []).append(row)
                _give(db, table, row, gone, kept, key)
            else:
                dropped.setdefault(table, []).append(row)
                _delete(db, table, gone, row, key)
    db.run("DELETE FROM scores WHERE customer=?", (gone,))
    db.run("DELETE FROM customers WHERE customer=?", (gone,))
    merged = {column: before[column] or other[column] for column in _FILLED}
    merged["value"] = max(before["value"], other["value"])
    merged["hints"] = [*before["hints"], *(hint for hint in other["hints"] if hint not in before["hints"])]
    _set(db, kept, merged)
    undo = {
        "customer": other, "moved": moved, "dropped": dropped, "overwritten": overwritten,
        "before": {column: before[column] for column in merged}, "merged": merged,
    }  # fmt: skip
    made = db.row(
        "INSERT INTO merges(at, author, kept, gone, undo) VALUES(?,?,?,?,?) RETURNING id",
        (now, author, kept, gone, json.dumps(undo, ensure_ascii=False)),
    )
    assert made is not None
    return int(made[0])


def unmerge(db: Statements, number: int, now: float) -> tuple[str, str]:
    """Who was kept and who is back. What has been changed since by somebody else stays changed. Raises CannotMerge."""
    found = table_rows(db, "merges", "id=?", number)
    if not found:
        raise CannotMerge(f"there is no merge {number}")
    (row,) = found
    kept, gone, undo = row["kept"], row["gone"], row["undo"]
    if row["undone_at"] is not None:
        raise CannotMerge(f"merge {number} has been undone already")
    later = db.row(
        "SELECT id FROM merges WHERE undone_at IS NULL AND id>? AND (kept=? OR gone=?)", (number, kept, kept)
    )
    if later is not None:
        raise CannotMerge(f"merge {later[0]} came after it: undo that first")
    if db.row("SELECT 1 FROM customers WHERE customer=?", (gone,)) is not None:
        raise CannotMerge(f"there is a customer {gone!r} again")
    _insert(db, "customers", undo["customer"])
    for table, rows in undo["moved"].items():
        for each in rows:
            _give(db, table, each, kept, gone, _KEYS[table])
    for table, rows in undo["dropped"].items():
        for each in rows:
            _insert(db, table, each)
    for each in undo["overwritten"]:
        _insert(db, "consents", each)
    current = _one(db, kept)
    merged, before = undo["merged"], undo["before"]
    _set(db, kept, {name: before[name] for name in merged if current[name] == merged[name]})
    db.run("UPDATE merges SET undone_at=? WHERE id=?", (now, number))
    return kept, gone


def current_id(db: Statements, customer: str) -> str:
    """Whom somebody who was merged away is now; anybody else themselves."""
    for _ in range(100):  # a chain of merges, never a ring: who is gone is nobody that could be kept
        row = db.row(
            "SELECT kept FROM merges WHERE gone=? AND undone_at IS NULL ORDER BY id DESC LIMIT 1", (customer,)
        )
        if row is None:
            break
        customer = row[0]
    return customer


def doubles(db: Statements) -> list[Doubles]:
    """Who may be one: the same e-mail address, or the same name but for case and accents."""
    by: dict[tuple[str, str], set[str]] = defaultdict(set)
    for rows in db.each("SELECT customer, address FROM addresses WHERE kind='email'"):
        for customer, address in rows:
            by["email", address].add(customer)
    for rows in db.each("SELECT customer, name FROM customers WHERE name<>''"):
        for customer, name in rows:
            by["name", _folded(name)].add(customer)
    return [
        Doubles(what, value, tuple(sorted(customers)))
        for (what, value), customers in sorted(by.items())
        if len(customers) > 1
    ]


def _folded(name: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split())


def _one(db: Statements, customer: str) -> dict[str, Any]:
    found = table_rows(db, "customers", "customer=?", customer)
    if not found:
        raise CannotMerge(f"there is no customer {customer!r}")
    return found[0]


def _of(row: dict[str, Any], key: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(row[column] for column in key)


def _where(key: tuple[str, ...]) -> str:
    return " AND ".join(f"{column}=?" for column in ("customer", *key))


def _give(
    db: Statements, table: str, row: dict[str, Any], giver: str, taker: str, key: tuple[str, ...]
) -> None:
    db.run(f"UPDATE {table} SET customer=? WHERE {_where(key)}", (taker, giver, *_of(row, key)))


def _delete(db: Statements, table: str, customer: str, row: dict[str, Any], key: tuple[str, ...]) -> None:
    db.run(f"DELETE FROM {table} WHERE {_where(key)}", (customer, *_of(row, key)))


def _insert(db: Statements, table: str, row: dict[str, Any]) -> None:
    columns = ", ".join(row)
    marks = ", ".join("?" * len(row))
    db.run(
        f"INSERT INTO {table}({columns}) VALUES({marks}) ON CONFLICT DO NOTHING",
        [_plain(v) for v in row.values()],
    )


def _set(db: Statements, customer: str, columns: dict[str, Any]) -> None:
    if columns:
        changes = ", ".join(f"{column}=?" for column in columns)
        values = [_plain(value) for value in columns.values()]
        db.run(f"UPDATE customers SET {changes} WHERE customer=?", (*values, customer))


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
