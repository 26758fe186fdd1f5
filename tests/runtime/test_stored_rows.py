"""Rows of older engines: taken over by their steps, or a clear word at the start; never a loss without one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cti_engine.__main__ import main
from cti_engine.core.contact import Contact
from cti_engine.core.leg import Leg
from cti_engine.core.rows import ROW_TYPES
from cti_engine.ports import Batch, StoredCommand, StoredEvent, StoreOfOtherVersion
from cti_engine.runtime.bootstrap import check_store
from cti_engine.runtime.start import CannotStart
from cti_engine.runtime.stored_rows import FORMAT, KEY, STEPS, read_rows
from cti_engine.runtime.stores import open_store
from tests.runtime.test_engine import Running

HERE = Path(__file__).parent
TALKING: dict[str, Any] = {
    "id": "c1", "worker": "w1", "caller_leg": "w1/1", "ani": "+34600", "dnis": "1000", "name": "", "source": "",
    "language": "en", "priority": 0, "state": "talking", "agent": "maria", "agent_leg": "l1", "queue": "sales",
    "offer": "", "wrapping_up": False, "held": True, "muted": False, "recording_paused": False, "music": "p3",
    "cdr": {"contact": "c1", "bridged_at": 100.0, "agent": "maria", "queue": "sales", "wait_s": 7.0, "ring_s": 2.0},
}  # fmt: skip
WRAPPING = {**TALKING, "id": "c2", "state": "ended", "wrapping_up": True, "offer": "o7"}
LEG = {
    "id": "l1",
    "worker": "w1",
    "contact": "c1",
    "role": "agent",
    "state": "connected",
    "held_since": 120.0,
}


def stored(folder: Path, rows: dict[tuple[str, str], dict[str, Any]], **more: Any) -> None:
    store = open_store("sqlite:", folder=folder)
    store.open_epoch()
    store.write(Batch(rows, **more))
    store.close()


def test_every_format_has_its_step() -> None:
    """From the first on there is one way to now."""
    assert sorted(STEPS) == list(range(1, FORMAT))


def test_rows_without_a_number_are_of_the_first_format(tmp_path: Path) -> None:
    """One who wrapped up or not, one offer, what the agent had set, a conversation without segments, a held leg: all as
    the core has them now, in one batch with the number, and so they are read again.
    """
    stored(tmp_path, {("contact", "c1"): TALKING, ("contact", "c2"): WRAPPING, ("leg", "l1"): LEG})
    store = open_store("sqlite:", folder=tmp_path)
    found = read_rows(store, store.load())
    talking, wrapping, leg = (
        found.rows[key] for key in (("contact", "c1"), ("contact", "c2"), ("leg", "l1"))
    )
    assert isinstance(talking, Contact) and isinstance(wrapping, Contact) and isinstance(leg, Leg)
    assert (talking.wrapping_up, talking.offers, wrapping.wrapping_up, wrapping.offers) == (
        [], [], ["maria"], ["o7"],
    )  # fmt: skip
    assert (talking.controls.held, talking.controls.music, leg.held) == (True, "p3", True)
    (segment,) = talking.cdr.segments
    assert (segment.agent, segment.queue, segment.bridged_at, segment.waited_s) == (
        "maria",
        "sales",
        100.0,
        7.0,
    )
    assert found.written.keys() == {("contact", "c1"), ("contact", "c2"), ("leg", "l1"), KEY}
    store.open_epoch()
    store.write(Batch({key: msgspec.to_builtins(row) for key, row in found.written.items()}))
    again = read_rows(store, store.load())
    store.close()
    assert again.rows == found.rows and not again.written


@pytest.mark.asyncio
async def test_an_engine_writes_its_format(tmp_path: Path) -> None:
    """Into a new store with the first batch; the next start takes it as its own."""
    running = await Running(tmp_path).start()
    await running.engine.close()
    store = open_store("sqlite:", folder=tmp_path, read_only=True)
    loaded = store.load()
    assert loaded.rows[KEY] == {"version": FORMAT}
    assert not read_rows(store, loaded).written
    store.close()


UNREADABLE: list[tuple[dict[tuple[str, str], dict[str, Any]], tuple[StoredCommand, ...], str]] = [
    (
        {("contact", "c9"): {**TALKING, "id": "c9", "excluded": 7}},
        (),
        "contact c9: Expected `object`, got `int`",
    ),
    ({("agent", "maria"): {"id": "maria", "pages": {}}}, (), "agent maria: Expected `array`"),
    ({KEY: {"version": FORMAT + 1}}, (), f"written by a newer cti-engine (rows of format {FORMAT + 1}"),
    ({}, (StoredCommand(1, "w1", "Teleport", {}),), "command 1 for w1: there is no Teleport"),
    ({}, (StoredCommand(1, "w1", "EndLeg", {"worker": 7}),), "command 1 for w1: EndLeg: Expected `str`"),
]


@pytest.mark.parametrize(("rows", "commands", "said"), UNREADABLE)
def test_what_cannot_be_read_stops_the_start(
    tmp_path: Path,
    rows: dict[tuple[str, str], dict[str, Any]],
    commands: tuple[StoredCommand, ...],
    said: str,
) -> None:
    """One text with the file, what is wrong and what to do, before anything is started and in the engine; everything is
    still there.
    """
    stored(tmp_path, rows, commands=commands)
    with pytest.raises(CannotStart) as refused:
        check_store("sqlite:", tmp_path)
    for word in (str(tmp_path / "engine.db"), said, "another store" if KEY in rows else "mv engine.db"):
        assert word in str(refused.value)
    with pytest.raises(StoreOfOtherVersion):
        Running(tmp_path)
    store = open_store("sqlite:", folder=tmp_path, read_only=True)
    loaded = store.load()
    store.close()
    assert (loaded.rows, tuple(loaded.commands)) == (rows, commands)


def test_a_store_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    """At the first start there is none."""
    check_store("sqlite:", tmp_path)


def test_the_rows_of_this_format_stay_readable() -> None:
    """As this format was written, field by field: who changes a row so that they cannot be read, or mean something
    else, raises FORMAT, writes a step, and keeps this file for its test.
    """
    rows = msgspec.json.decode((HERE / "rows_of_format_2.json").read_bytes())
    assert {kind for kind, _, _ in rows} >= {
        "contact",
        "leg",
        "agent",
        "reservation",
        "queue",
        "waits",
        "counter",
    }
    for kind, id_, doc in rows:
        again = msgspec.json.decode(msgspec.json.encode(msgspec.convert(doc, ROW_TYPES[kind])))
        assert _kept(doc, again) == doc, f"{kind} {id_}"


def _kept(doc: Any, again: Any) -> Any:
    """What of `again` the document had too; fields that are new have defaults."""
    if isinstance(doc, dict) and isinstance(again, dict):
        return {name: _kept(value, again[name]) for name, value in doc.items() if name in again}
    if isinstance(doc, list) and isinstance(again, list) and len(doc) == len(again):
        return [_kept(a, b) for a, b in zip(doc, again, strict=True)]
    return again


def test_an_event_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report says in one line which event it cannot read, and what to do."""
    event = StoredEvent(1, 2e9, "CallbackRequested", "c1", {"queue": 7})
    stored(tmp_path, {}, events=(event,))
    monkeypatch.setenv("CTI_STORE_URL", f"sqlite:{tmp_path / 'engine.db'}")
    told = io.StringIO()
    monkeypatch.setattr("sys.stderr", told)
    assert main(["callbacks", "--since", "2001-01-01"]) == 3
    assert told.getvalue().startswith("event 1 of the log, CallbackRequested, was written by another version")
    assert len(told.getvalue().splitlines()) == 1
