"""The customers: who has which number. Written by imports and the console, read by the engine on every call.

Implements the CustomerLookup port. Numbers are kept as E.164, so any notation finds the customer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cti_engine.adapters import (
    customer_erasure,
    customer_import,
    customer_merge,
    customer_profile,
    customer_rights,
)
from cti_engine.adapters.customer_erasure import Erasure
from cti_engine.adapters.customer_import import ImportReport
from cti_engine.adapters.customer_merge import Doubles, Merge
from cti_engine.adapters.customer_rights import Asked
from cti_engine.adapters.customer_schema import open_customers
from cti_engine.adapters.sql_database import Statements
from cti_engine.adapters.traces import Traces
from cti_engine.definitions.phone_numbers import e164

if TYPE_CHECKING:
    from cti_engine.adapters.profile_cache import ProfileCache

STRANGERS_KEPT = 90 * 86_400.0
"""Seconds for which the calls of a number that nobody has are remembered."""


AlsoNoted = Callable[[Statements], str]
"""Writes in the transaction of the contacts, and tells which customer it was about; empty: a stranger."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact that has closed: `told` is e.g. queue, agent, disposition, note. `at` in wall seconds.

    `customer` is empty for a stranger, of whom `number` is all that is known.
    """

    customer: str
    at: float
    told: Mapping[str, str | float]
    number: str = ""
    channel: str = "voice"
    contact: str = ""


class CustomerStore:
    """`where` is a file or the URL of a database (`customer_schema.open_customers`). `region`: see phone_numbers.e164.
    `cache`: the URL of a Redis that keeps profiles for a few seconds.

    For all threads of a process. With `read_only` the file may come later: until then nobody is known. All raise
    DatabaseFault.
    """

    def __init__(
        self, where: str | Path, region: str = "US", *, cache: str = "", read_only: bool = False
    ) -> None:
        self.database = open_customers(where, read_only=read_only)
        self._region = region
        self._cache: ProfileCache | None = None
        if cache:
            from cti_engine.adapters.profile_cache import ProfileCache  # 5 MB where nobody needs it

            self._cache = ProfileCache(cache)

    def profile(self, number: str) -> dict[str, Any] | None:
        """What is known of whoever has this number (docs/design.md, "Customers"), lists newest first.

        For a number that nobody has, `customer` is empty, `segment` is `unknown`, and `region` and `languages`
        tell what is likely there. None for what is no number (anonymous callers).
        """
        wanted = e164(number, self._region)
        if wanted is None or not self.database.there:
            return None
        if self._cache is None:
            return self._read(wanted)
        found = self._cache.get(wanted)
        if found is None:
            generation = self._cache.generation()
            found = self._read(wanted)
            self._cache.put(wanted, found, generation)
        return found

    def _read(self, number: str) -> dict[str, Any]:
        with self.database.reading() as db:
            return customer_profile.of_number(db, number)

    def changed(self, *customers: str, numbers: Iterable[str] = ()) -> None:
        """What the cache holds of these is not true any more; whoever writes to `database` tells it afterwards."""
        if self._cache is None:
            return
        with self.database.reading() as db:
            theirs = [
                number
                for customer in customers
                for (number,) in db.rows("SELECT number FROM numbers WHERE customer=?", (customer,))
            ]
        self._cache.forget([*theirs, *numbers])

    def as_kept(self, number: str) -> str:
        """In the notation in which numbers are kept (E.164); empty for what is no number."""
        return e164(number, self._region) or ""

    def tickets_changed(self, customer: str, number: str) -> None:
        """Of a customer, or of the number of a stranger."""
        if customer:
            self.changed(customer)
        elif number:
            self.changed(numbers=[number])

    def customer(self, customer: str) -> dict[str, Any] | None:
        """The same by the customer's id; None when there is no such customer."""
        with self.database.reading() as db:
            return customer_profile.of_customer(db, customer)

    def import_csv(
        self, path: Path, now: float, progress: Callable[[int, int], None] | None = None
    ) -> ImportReport:
        """See customer_import. Raises UnusableFile."""
        try:
            return customer_import.import_customers(self.database, path, self._region, now, progress)
        finally:
            self.forget_cached()

    def import_purchases(
        self, path: Path, now: float, progress: Callable[[int, int], None] | None = None
    ) -> ImportReport:
        """See customer_import. Raises UnusableFile."""
        try:
            return customer_import.import_purchases(self.database, path, now, progress)
        finally:
            self.forget_cached()

    def forget_cached(self) -> None:
        """Much has changed."""
        if self._cache is not None:
            self._cache.forget_all()

    def note_contacts(self, contacts: Iterable[Contact], seq: int, also: Iterable[AlsoNoted] = ()) -> None:
        """Remember contacts and what else is to be noted, and that all events up to `seq` have been seen. A customer
        who is gone is a stranger.
        """
        noted, others = list(contacts), set[str]()
        with self.database.writing() as db:
            for contact in noted:
                self._note(db, contact)
            for note in also:
                others.add(note(db))
            db.run("INSERT INTO noted VALUES(1, ?) ON CONFLICT(one) DO UPDATE SET seq=excluded.seq", (seq,))
        self.changed(
            *{customer for customer in (*others, *(contact.customer for contact in noted)) if customer},
            numbers={number for contact in noted if (number := e164(contact.number, self._region))},
        )

    def _note(self, db: Statements, contact: Contact) -> None:
        number = e164(contact.number, self._region) or ""
        customer = customer_merge.current_id(db, contact.customer)
        known = db.row("SELECT 1 FROM customers WHERE customer=?", (customer,)) is not None
        if not known and not number:
            return
        if not known:
            old = contact.at - STRANGERS_KEPT
            db.run("DELETE FROM contacts WHERE customer='' AND number=? AND at<?", (number, old))
        db.run(
            "INSERT INTO contacts(customer, at, source, body, number, channel, contact) VALUES(?,?,'call',?,?,?,?)",
            (
                customer if known else "",
                contact.at,
                json.dumps(contact.told, ensure_ascii=False),
                number,
                contact.channel,
                contact.contact,
            ),
        )

    def noted_to(self) -> int:
        """The last event whose contact has been noted; 0 before the first."""
        with self.database.reading() as db:
            row = db.row("SELECT seq FROM noted")
        return int(row[0]) if row else 0

    def export(self, customer: str, author: str, now: float) -> dict[str, Any] | None:
        """See customer_rights."""
        with self.database.writing() as db:
            found = customer_rights.export(db, customer)
            if found is not None:
                customer_rights.note(db, now, author, "export", customer)
        return found

    def erase(
        self, customer: str, author: str, now: float, *, keep_recordings: bool = False
    ) -> Erasure | None:
        """See customer_erasure."""
        with self.database.writing() as db:
            done = customer_erasure.erase(db, customer, author, now, keep_recordings=keep_recordings)
        self.forget_cached()
        return done

    def erasures(self) -> list[tuple[int, Traces]]:
        """Those that are still to go through the records of calls."""
        if not self.database.there:
            return []
        with self.database.reading() as db:
            return customer_erasure.pending(db, self._region)

    def erased(self, number: int, told: dict[str, Any], now: float) -> bool:
        """The records of calls are through: see customer_erasure.finish."""
        with self.database.writing() as db:
            new = customer_erasure.finish(db, number, told, now)
        self.forget_cached()
        return new

    def compact(self) -> None:
        """What was erased is in no file after this. Raises DatabaseFault when that cannot be now."""
        with self.database.reading() as db:
            wanted = customer_erasure.to_compact(db)
        if wanted:
            customer_erasure.compact(self.database)

    def rights_asked(self) -> list[Asked]:
        """The newest first."""
        with self.database.reading() as db:
            return customer_rights.asked(db)

    def merge(self, kept: str, gone: str, author: str, now: float) -> int:
        """See customer_merge. Raises CannotMerge."""
        with self.database.writing() as db:
            number = customer_merge.merge(db, kept, gone, author, now)
            customer_rights.note(db, now, author, "merge", kept)
        self.forget_cached()
        return number

    def unmerge(self, number: int, author: str, now: float) -> tuple[str, str]:
        """See customer_merge. Raises CannotMerge."""
        with self.database.writing() as db:
            both = customer_merge.unmerge(db, number, now)
            customer_rights.note(db, now, author, "unmerge", both[0])
        self.forget_cached()
        return both

    def merges(self) -> list[Merge]:
        """The newest first."""
        with self.database.reading() as db:
            return customer_merge.merges(db)

    def doubles(self) -> list[Doubles]:
        with self.database.reading() as db:
            return customer_merge.doubles(db)

    def untouched(self) -> bool:
        """Whether nobody has ever put a customer in."""
        with self.database.reading() as db:
            return db.row("SELECT 1 FROM customers UNION ALL SELECT 1 FROM imports LIMIT 1") is None

    def count(self) -> int:
        """How many customers there are."""
        with self.database.reading() as db:
            row = db.row("SELECT count(*) FROM customers")
        return int(row[0]) if row else 0

    def close(self) -> None:
        self.database.close()
        if self._cache is not None:
            self._cache.close()
