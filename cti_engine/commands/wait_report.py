"""`cti-engine waits`: did the waits come out as promised? Folded from the event log, without disturbing the engine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cti_engine.adapters.log_reading import fact_of
from cti_engine.core import events as ev
from cti_engine.core.reporting.wait_calibration import SHARES, QueuePromises, coverage, fold, losses
from cti_engine.ports import Store

_PAGE = 1000
_FOLDED = frozenset({"CallQueued", "CallBridged", "CallAbandoned", "QueueLeft"})
_WIDTH = 24


def report(store: Store, since: float = 0.0) -> list[dict[str, Any]]:
    """A row a queue; what happened before `since` (wall seconds) is left out. Days begin at this machine's midnight."""
    offset = datetime.fromtimestamp(since or 86_400.0).astimezone().utcoffset()
    queues = fold(_happened(store, since), offset.total_seconds() if offset else 0.0)
    return [_row(queues[queue]) for queue in sorted(queues)]


def _happened(store: Store, since: float) -> Iterator[tuple[float, ev.Event]]:
    seq = 0
    while page := store.events_since(seq, _PAGE):
        seq = page[-1].seq
        for stored in page:
            if stored.event in _FOLDED and stored.at >= since:
                yield stored.at, fact_of(stored)


def _row(promises: QueuePromises) -> dict[str, Any]:
    kept = promises.kept
    answered = sum(each.answered for each in kept)
    covered = [coverage(kept, place) for place in range(len(SHARES))] if kept else []
    return {
        "queue": promises.queue,
        "at_once": promises.at_once,
        "unknown": promises.unknown,
        "promised": len(kept),
        "answered": answered,
        "censored": len(kept) - answered,
        "coverage": {
            f"p{share * 100:.0f}": {"value": each.value, "low": each.low, "high": each.high}
            for share, each in zip(SHARES, covered, strict=False)
        },
        "pinball_loss_s": losses(kept),
    }


def write_json(rows: list[dict[str, Any]], to: TextIO) -> None:
    json.dump(rows, to, ensure_ascii=False, indent=1)
    to.write("\n")


def show(rows: list[dict[str, Any]], console: Console) -> None:
    table = Table(
        title="Waits and what was promised",
        header_style="bold",
        box=SIMPLE_HEAD,
        caption=_CAPTION,
        padding=(0, 1, 0, 0),
    )
    table.add_column("queue", overflow="fold")
    columns = (
        "at once", "not told", "told", "gave up", "in p50", "in p80", "in p95", "loss s", "last wait", "day mean",
    )  # fmt: skip
    for name in columns:
        covered = name.startswith("in ")
        table.add_column(name, justify="right", no_wrap=covered, min_width=7 if covered else 4)
    for row in rows:
        loss = row["pinball_loss_s"]
        table.add_row(
            row["queue"],
            *(str(row[name]) for name in ("at_once", "unknown", "promised", "censored")),
            *(_covered(row["coverage"].get(name)) for name in ("p50", "p80", "p95")),
            *(f"{loss[name]:.1f}" if loss else "–" for name in ("promised", "last", "mean")),
        )
    console.print(table)
    for row in rows:
        if row["coverage"]:
            _plot(row, console)


_CAPTION = (
    "Told: waits that were promised, and the share of them within each promise with its interval at 95 %. Who gave up "
    "waited longer than that (product-limit estimate). Loss: mean pinball loss of the promise, beside that of the last "
    "wait and of the day's mean; less is better."
)


def _covered(found: Mapping[str, float] | None) -> str:
    if found is None:
        return "–"
    return f"{found['value']:.1%}\n{found['low'] * 100:.0f}-{found['high']:.0%}"


def _plot(row: dict[str, Any], console: Console) -> None:
    """Promised against kept on one line each: `|` where it should be, `=` the interval, `o` the value."""
    console.print(f"{row['queue']}: 0 % {'':{2 * _WIDTH - 4}} 100 %", markup=False)
    for share, found in zip(SHARES, row["coverage"].values(), strict=True):
        line = [" "] * (2 * _WIDTH + 1)
        low, high, value, right = (
            round(min(max(each, 0.0), 1.0) * 2 * _WIDTH)
            for each in (found["low"], found["high"], found["value"], share)
        )
        line[low : high + 1] = "=" * (high + 1 - low)
        line[right] = "|"
        line[value] = "o"
        console.print(f"  p{share * 100:<3.0f}[{''.join(line)}]", markup=False, highlight=False)
