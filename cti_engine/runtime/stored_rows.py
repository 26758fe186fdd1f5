"""What an engine before this one has stored, as the core's own types: rows of an older format by their steps.

What cannot be read stops the start with a text that names it and says what to do. Nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cti_engine.core.rows import ROW_TYPES, Row
from cti_engine.ports import Loaded, Store, StoreOfOtherVersion
from cti_engine.wire.vocabulary import command_from

FORMAT = 2
"""Of the rows that this engine writes. Raise it, and write a step, when rows of before could not be read or would mean
something else; a field that is new and has a default needs neither."""
KEY = ("format", "rows")

Key = tuple[str, str]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReadRows:
    """`rows` are the core's; `written` what has to be stored with the next batch, because it is not yet as here."""

    rows: dict[Key, Row]
    written: dict[Key, Row | Document | None]


def read_rows(store: Store, loaded: Loaded) -> ReadRows:
    """Raises StoreOfOtherVersion."""
    ours = {key: doc for key, doc in loaded.rows.items() if key[0] in ROW_TYPES}
    version = _version(loaded, empty=not ours)
    if version > FORMAT:
        raise StoreOfOtherVersion(
            f"{store.where} was written by a newer cti-engine (rows of format {version}, this one knows {FORMAT}): "
            "run that version, or name another store"
        )
    rows: dict[Key, Row] = {}
    changed: dict[Key, Row | Document | None] = {}
    faults: list[str] = []
    for key, doc in ours.items():
        new = doc
        for step in range(version, FORMAT):
            new = STEPS[step](key[0], new)
        try:
            rows[key] = msgspec.convert(new, ROW_TYPES[key[0]])
        except msgspec.ValidationError as error:
            faults.append(f"{key[0]} {key[1]}: {error}")
            continue
        if new is not doc:
            changed[key] = rows[key]
    faults += _unreadable_commands(loaded)
    if faults:
        raise StoreOfOtherVersion(_told(store, version, faults))
    if loaded.rows.get(KEY) != {"version": FORMAT}:
        changed[KEY] = {"version": FORMAT}
    return ReadRows(rows, changed)


def check_rows(store: Store) -> None:
    """Raises StoreOfOtherVersion."""
    read_rows(store, store.load())


def _version(loaded: Loaded, *, empty: bool) -> int:
    """Rows without a number are older than numbers."""
    return int(loaded.rows.get(KEY, {}).get("version", FORMAT if empty else 1))


def _unreadable_commands(loaded: Loaded) -> list[str]:
    faults = []
    for command in loaded.commands:
        try:
            command_from(command.type, command.body)
        except KeyError:
            faults.append(f"command {command.seq} for {command.peer}: there is no {command.type}")
        except msgspec.ValidationError as error:
            faults.append(f"command {command.seq} for {command.peer}: {command.type}: {error}")
    return faults


def _told(store: Store, version: int, faults: list[str]) -> str:
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return (
        f"{store.where} cannot be read: {faults[0]}{more}. Another version of cti-engine wrote it (rows of format "
        f"{version}, this one writes {FORMAT}); nothing was changed. Run that version until its calls are over and "
        f"stop it in order, or move the store away: call records and events stay in it. {store.to_move_away}"
    )


# --- steps -----------------------------------------------------------------------------------------------


def _from_1(kind: str, doc: Document) -> Document:
    """Contacts had one offer, and one agent who wrapped up or not; what the agent had set stood in the contact itself;
    a conversation had no segments. Legs said since when they were on hold.
    """
    if kind == "contact":
        return _contact_from_1(doc)
    if kind == "leg" and "held_since" in doc:
        return {**_without(doc, "held_since"), "held": doc["held_since"] is not None}
    return doc


def _contact_from_1(doc: Document) -> Document:
    agent = [doc["agent"]] if doc.get("agent") else []
    new = dict(doc)
    if isinstance(doc.get("wrapping_up"), bool):
        new["wrapping_up"] = agent if doc["wrapping_up"] else []
    if isinstance(doc.get("offer"), str):
        new["offers"] = [new.pop("offer")] if doc["offer"] else []
    set_by_agent = {name: doc[name] for name in _CONTROLS if name in doc}
    if set_by_agent and "controls" not in doc:
        new = {**_without(new, *_CONTROLS), "controls": set_by_agent}
    cdr = doc.get("cdr")
    if isinstance(cdr, dict) and cdr.get("bridged_at") and "segments" not in cdr:
        new["cdr"] = {**cdr, "segments": [_only_segment(cdr)], "talking_since": cdr["bridged_at"]}
    return new if new != doc else doc


_CONTROLS = ("held", "muted", "recording_paused", "music")


def _only_segment(cdr: Document) -> Document:
    """Of the one agent that a conversation had."""
    segment = {"agent": cdr.get("agent", ""), "number": "", "role": "agent", "bridged_at": cdr["bridged_at"]}
    segment |= {"queue": cdr.get("queue", ""), "waited_s": cdr.get("wait_s", 0.0)}
    return {**segment, "ring_s": cdr.get("ring_s", 0.0), "wrap_up_at": cdr.get("wrap_up_at", 0.0)}


def _without(doc: Document, *names: str) -> Document:
    return {name: value for name, value in doc.items() if name not in names}


STEPS: Mapping[int, Callable[[str, Document], Document]] = {1: _from_1}
"""From a format to the next, one row at a time: `(kind, document)`; the same object when nothing changes."""
