"""`cti-engine callbacks`: who asked to be called back, who was reached, and whether the promised wait was kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cti_engine.adapters.log_reading import OVERLAP, fact_of, log_since
from cti_engine.core.reporting.callbacks import CallbackFigures, CallbackStories, CallbackStory, figures
from cti_engine.ports import Store

READ = frozenset(
    {"CallbackRequested", "CallbackScheduled", "CallbackAttempted", "CallbackEnded", "CallQueued"}
)


@dataclass(frozen=True, slots=True)
class CallbackReport:
    """`callbacks` in the order in which they were asked for."""

    since: float
    queues: list[CallbackFigures]
    callbacks: list[CallbackStory]


def callbacks(store: Store, since: float) -> CallbackReport:
    """Those asked for at or after `since` (wall seconds), as far back as the log goes."""
    found = CallbackStories(since)
    for stored in log_since(store, since - OVERLAP, store.load().last_seq):
        if stored.event in READ:
            found.apply(fact_of(stored), stored.at)
    stories = list(found.stories.values())
    return CallbackReport(since, figures(stories), stories)


def write_json(found: CallbackReport, to: TextIO) -> None:
    plain: dict[str, Any] = {
        "since": found.since,
        "queues": [{**asdict(each), "kept_share": each.kept_share} for each in found.queues],
        "callbacks": [
            {**asdict(each), "waited_s": each.waited_s, "kept": each.kept} for each in found.callbacks
        ],
    }
    json.dump(plain, to, ensure_ascii=False, indent=1)
    to.write("\n")


def show(found: CallbackReport, console: Console) -> None:
    if not found.callbacks:
        console.print("Nobody has asked to be called back.")
        return
    table = Table(title="Callbacks", header_style="bold", box=SIMPLE_HEAD)
    table.add_column("queue")
    for name in (
        "asked", "for a time", "reached", "missed", "waiting", "tries", "at first", "wait min", "longest", "promised",
        "kept",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for each in found.queues:
        share = "–" if each.kept_share is None else f"{100 * each.kept_share:.0f} %"
        table.add_row(
            each.queue, str(each.asked), str(each.appointments), str(each.reached), str(each.missed), str(each.waiting),
            str(each.tries), str(each.reached_at_first), _minutes(each.mean_wait_s),
            _minutes(each.longest_wait_s), _minutes(each.mean_promised_s), share,
        )  # fmt: skip
    console.print(table)
    console.print(
        "wait: from asking, or from the time promised, until the phone first rang; kept: within the wait promised "
        "to 4 of 5, or the grace of one promised for a time.",
        style="dim",
    )


def _minutes(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds / 60:.1f}"
