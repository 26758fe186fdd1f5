"""What the REST API takes and answers of customers, their rights and their doubles, as types."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class CustomerShown(msgspec.Struct, frozen=True):
    """The profile that calls and agents see: docs/guides/integrator.md."""

    profile: dict[str, Any]


class CustomerExport(msgspec.Struct, frozen=True):
    """`rows` by table, `call_records` as `cti-engine cdr` has them, names of files in `recordings`."""

    rows: dict[str, list[dict[str, Any]]]
    call_records: list[dict[str, Any]]
    recordings: list[str]


class EraseCustomer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`confirm` is the customer's id once more: nothing brings them back."""

    confirm: Id
    keep_recordings: bool = False


class ErasureBegun(msgspec.Struct, frozen=True):
    """`erased`: rows gone by table, or without a name for reports. The engine goes on with the records of calls, under
    `pseudonym`, when no call of theirs is on: `GET /api/rights` tells when `number` is done.
    """

    number: int
    pseudonym: str
    erased: dict[str, int]
    stays: dict[str, str]


class RightAsked(msgspec.Struct, frozen=True):
    """Of who was erased `customer` is the pseudonym. `done_at` null: records of calls still name them. `told`: what is
    gone (`erased` rows, `records`, `events`, `recordings`) and which recordings are `kept`.
    """

    number: int
    at: float
    author: str
    what: Literal["export", "erase", "merge", "unmerge"]
    customer: str
    done_at: float | None
    told: dict[str, Any]


class RightsAsked(msgspec.Struct, frozen=True):
    """The newest first, at most 100."""

    rights: list[RightAsked]


class DoublesFound(msgspec.Struct, frozen=True):
    """`customers` have the same `value` of `what`."""

    what: Literal["email", "name"]
    value: str
    customers: list[str]


class AllDoubles(msgspec.Struct, frozen=True):
    doubles: list[DoublesFound]


class MergeCustomers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of `gone` is of `kept` from now on."""

    kept: Id
    gone: Id


class Merged(msgspec.Struct, frozen=True):
    """`merge` is what undoes it."""

    merge: int
    kept: str
    gone: str


class MergeShown(Merged, frozen=True, kw_only=True):
    """`undone_at` null: it holds."""

    at: float
    author: str
    undone_at: float | None


class Merges(msgspec.Struct, frozen=True):
    """The newest first, at most 100."""

    merges: list[MergeShown]
