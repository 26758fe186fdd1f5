"""Ports: what the runtime needs of outside systems, as Protocols; one contract test per port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cti_engine.core.commands import Prompt


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One fact in the log. `seq` is global, gap-free and starts at 1; `at` is wall time in seconds."""

    seq: int
    at: float
    event: str
    contact: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredCommand:
    """A command that its peer has not yet acknowledged. `seq` grows for ever, over restarts too."""

    seq: int
    peer: str
    type: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one or more signals changed; written whole or not at all.

    `rows` maps (kind, id) to a JSON-like document, or None to delete the row. Kinds are the core's:
    `contact`, `leg`, `agent`, `queue`, `waits`, `reservation`, `counter`, `link` (last signal held per peer session),
    `webhook` (last event delivered), `format` (of the rows) and `cdr` (never deleted, replaced by erasures
    only, never loaded at start).
    """

    rows: Mapping[tuple[str, str], dict[str, Any] | None] = field(default_factory=dict)
    events: Sequence[StoredEvent] = ()
    commands: Sequence[StoredCommand] = ()
    commands_done: Sequence[int] = ()
    published_to: int | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the store holds at start, without `cdr` rows. `last_seq`: the last event's number."""

    rows: dict[tuple[str, str], dict[str, Any]]
    commands: list[StoredCommand]
    last_seq: int
    last_command: int
    published_to: int


class StoreUnavailable(Exception):
    """The store cannot take a batch now (disk full, connection lost). The text says what to do."""


class StoreOfOtherVersion(StoreUnavailable):
    """What stands in it was written by a version of cti-engine that this one does not understand. Trying again does not
    help; the text says what does.
    """


class StoreTaken(Exception):
    """Another engine has this store (its lock, or a newer epoch): this one must stop, not carry on alone."""


class Store(Protocol):
    """The engine's one place of record. Blocking; the runtime calls it from one thread of its own.

    The same URL opened by other processes may only read (`read_only`); the engine is the only writer.
    """

    @property
    def where(self) -> str:
        """For humans: `store /var/cti/engine.db`; without passwords."""
        ...

    @property
    def to_move_away(self) -> str:
        """One sentence: how an operator moves it out of the way without losing it."""
        ...

    def open_epoch(self) -> int:
        """Raise the stored epoch by one and return it (the fencing token of this engine's life)."""
        ...

    def load(self) -> Loaded: ...

    def write(self, batch: Batch) -> None:
        """Durable against process death on return; a batch may be repeated, also joined with later ones.

        Raises StoreUnavailable: then write it again later; StoreTaken; ValueError when event numbers would
        have a gap or change.
        """
        ...

    def events_since(self, seq: int, limit: int = 1000) -> list[StoredEvent]:
        """Events with a number above `seq`, in order."""
        ...

    def events_of(self, contact: str) -> list[StoredEvent]:
        """All events of one contact, in order."""
        ...

    def cdrs(self, since: float = 0.0, until: float | None = None, limit: int = 1000) -> list[dict[str, Any]]:
        """Closed contacts' records with `since <= ended_at < until`, oldest first."""
        ...

    def cdrs_of(
        self, agent: str, since: float, before: tuple[float, str], limit: int = 1000
    ) -> list[dict[str, Any]]:
        """Closed contacts in which `agent` had a part, that ended at `since` or later, newest first: those before the
        place `before` (when it ended, and which contact). By an index: what others did costs nothing.
        """
        ...

    def replace_events(self, events: Sequence[StoredEvent]) -> None:
        """Stored events tell other `data` under their number, time, name and contact: for erasures alone. Numbers that
        are not stored (pruned meanwhile) are passed over; with none at all the store is `to_compact` all the same.
        Harmless to repeat. Raises StoreUnavailable and StoreTaken.
        """
        ...

    @property
    def to_compact(self) -> bool:
        """Whether what has been replaced may still stand in files of the store."""
        ...

    def compact(self) -> None:
        """Nothing that was replaced or deleted is in any file after it. Blocks; as long as a copy of the store takes.
        Raises StoreUnavailable when that cannot be now.
        """
        ...

    def prune_events(self, before: float, limit: int = 5000) -> int:
        """Forget published events older than `before`, oldest first; how many went (`limit`: call again)."""
        ...

    def close(self) -> None: ...


class CustomerLookup(Protocol):
    """Finds a customer by number. Blocking; called from a thread with a deadline."""

    def profile(self, number: str) -> dict[str, Any] | None:
        """The JSON-like profile of whoever has this number in any notation, or None.

        Keys that the core reads: `customer, name, segment, language, value, contacts, hints`.
        """
        ...


class PromptFiles(Protocol):
    """Turns prompts into sound files. Never synthesises while a caller waits: `build` made them before."""

    def files(self, prompt: Prompt) -> tuple[Path, ...]:
        """8 kHz 16-bit mono WAV files to play in order. Raises KeyError when one was never built."""
        ...
