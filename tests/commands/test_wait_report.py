"""`cti-engine waits`: from a stored log to the table and the JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from cti_engine.commands.wait_report import report, show, write_json
from cti_engine.core import events as ev
from cti_engine.ports import Batch, Store, StoredEvent
from cti_engine.runtime.stores import open_store
from cti_engine.wire.vocabulary import to_plain

MORNING = 1_700_000_000.0


def written(folder: Path) -> Store:
    """Two queues: in `sales` ten promises of 20 s at p80, of which seven hold and one caller hangs up; `quiet` has one
    call that was answered at once. 2,500 other events lie between.
    """
    store = open_store("sqlite:", folder=folder)
    store.open_epoch()
    told: list[tuple[float, ev.Event]] = []
    for number, wait in enumerate((1, 4, 8, 12, 15, 18, 20, 25, 60, 5)):
        at, contact = MORNING + 100.0 * number, f"c{number}"
        told.append((at, ev.CallQueued(contact, "sales", 0, 1, (10.0, 20.0, 40.0))))
        told += [(at, ev.IvrStepEntered(contact, "main", "music"))] * 250
        end = (
            ev.CallAbandoned(contact, "sales", wait)
            if number == 9
            else ev.CallBridged(contact, "ana", "sales", wait, 0.0)
        )
        told.append((at + wait, end))
    told.append((MORNING + 2000, ev.CallQueued("c99", "quiet", 0, 1, (0.0, 0.0, 0.0))))
    events = []
    for seq, (at, event) in enumerate(told, 1):
        name, data = to_plain(event)
        events.append(StoredEvent(seq, at, name, data.pop("contact"), data))
    store.write(Batch({}, events))
    return store


def test_the_table_and_the_json_say_how_often_the_promise_held(tmp_path: Path) -> None:
    """Counts by queue; the coverage lies in its interval; the loss beside the naive guesses; a line a quantile."""
    store = written(tmp_path)
    rows = report(store)
    store.close()
    quiet, sales = rows
    assert (quiet["queue"], quiet["at_once"], quiet["promised"], quiet["coverage"]) == ("quiet", 1, 0, {})
    assert (sales["promised"], sales["answered"], sales["censored"]) == (10, 9, 1)
    p80 = sales["coverage"]["p80"]
    assert 0.7 < p80["value"] < 0.8  # 7 of 9 and a tenth of whom we know only that it was over 5 s
    assert p80["low"] < 0.5 and 0.9 < p80["high"] < 1.0
    assert set(sales["pinball_loss_s"]) == {"promised", "last", "mean"}
    text = io.StringIO()
    write_json(rows, text)
    assert json.loads(text.getvalue()) == rows
    out = io.StringIO()
    show(rows, Console(file=out, width=140))
    assert "sales" in out.getvalue() and f"{p80['value']:.1%}" in out.getvalue()
    assert [line for line in out.getvalue().splitlines() if line.strip().startswith("p80")]


def test_since_leaves_out_what_was_promised_before(tmp_path: Path) -> None:
    """Only promises made from that moment on are counted."""
    store = written(tmp_path)
    (quiet, sales) = report(store, MORNING + 450.0)
    store.close()
    assert (quiet["at_once"], sales["promised"]) == (1, 5)
