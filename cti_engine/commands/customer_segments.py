"""`cti-engine customers segments`: makes every customer's figures anew, or says how one customer's came about."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.score_store import read_histories, write_scores
from cti_engine.adapters.sql_database import Database
from cti_engine.core.customers.segment_rules import AT_RISK, Campaign, SegmentRules
from cti_engine.core.customers.segments import Scores, scored
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.report import as_text
from cti_engine.definitions.settings import Settings

OK, PROBLEMS = 0, 1
REASONS: Mapping[str, str] = {
    "score recency": "last purchase {measure:.0f} days ago: group {group:g} of {groups:g}",
    "score frequency": "{measure:g} purchases in the window: group {group:g} of {groups:g}",
    "score monetary": "{measure:.2f} spent in the window: group {group:g} of {groups:g}",
    "score tenure": "a customer for {measure:.0f} days: group {group:g} of {groups:g}",
    "score products": "{measure:g} products: group {group:g} of {groups:g}",
    "value spent": "spent in {purchases:g} purchases within {days:.0f} days",
    "value imported": "as imported",
    "retention_risk overdue": "no purchase for {days:.0f} days, {times:.1f} times the rhythm of {rhythm_days:.0f} days",
    "retention_risk open_complaint": "a complaint is open",
    "retention_risk complaint": "complained {days:.0f} days ago",
    "retention_risk survey": "answered {answer:.0%} of the scale {days:.0f} days ago",
    "retention_risk contract_end": "a contract ends in {days:.0f} days",
    "retention_risk decline": "spent {lately:.2f} lately, {before:.2f} in the half of the window before",
    "growth trend": "spent {lately:.2f} lately, {before:.2f} in the half of the window before",
    "growth products": "holds {held:g} products, of four in five alike {peers:g} at most",
    "growth spend": "spent {spent:.2f}, who buys as often {peers:.2f}",
}
"""By figure and code, with the reason's values."""


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One segment of the table; `segment` empty: none of the rules holds. `mean_value` in the center's currency."""

    segment: str
    customers: int
    share: float
    mean_value: float
    mean_score: float
    at_risk: int


@dataclass(frozen=True, slots=True)
class Recomputed:
    customers: int
    segments: tuple[SegmentRow, ...]
    campaigns: Mapping[str, int]
    currency: str
    seconds: float


def run(options: Namespace, store: CustomerStore, settings: Settings, console: Console, now: float) -> int:
    """The exit code. Raises DatabaseFault."""
    if options.explain is not None:
        found = explained(store.database, options.explain)
        if found is None:
            text = f"No figures of {options.explain}: cti-engine customers segments makes them."
            print(text, file=sys.stderr)
            return PROBLEMS
        _told(found, console, as_json=options.json)
        return OK
    definitions, problems = load_definitions(settings.home)
    if definitions is None:
        print(as_text(problems), file=sys.stderr)
        return PROBLEMS
    with Progress(console=Console(stderr=True), transient=True) as progress:
        made = recompute(store.database, definitions.segments, definitions.campaigns, now, progress)
    _told(made, console, as_json=options.json)
    return OK


def recompute(
    database: Database,
    rules: SegmentRules,
    campaigns: Mapping[str, Campaign],
    now: float,
    progress: Progress | None = None,
) -> Recomputed:
    """Read, score, write. `now`: wall seconds. Raises DatabaseFault."""
    began = time.perf_counter()
    tasks = {}
    if progress is not None:
        tasks = {name: progress.add_task(name, total=None) for name in ("read", "scored", "written")}

    def tell(name: str, done: int, total: int) -> None:
        if progress is not None:
            progress.update(tasks[name], completed=done, total=total)

    histories = read_histories(database, rules)
    tell("read", len(histories), len(histories))
    scores = scored(histories, rules, now)
    tell("scored", len(histories), len(histories))
    counts = write_scores(database, scores, campaigns, now, tell)
    seconds = time.perf_counter() - began
    return Recomputed(len(histories), _rows(scores, rules), counts, rules.currency, seconds)


def _rows(scores: Scores, rules: SegmentRules) -> tuple[SegmentRow, ...]:
    """In the order of the rules, whose customers have none at the end."""
    value, score, risk = (scores.columns[name] for name in ("value", "score", "retention_risk"))
    members: dict[str, list[int]] = {segment.id: [] for segment in rules.segments}
    for index, segment in enumerate(scores.segment):
        members.setdefault(segment, []).append(index)
    count = len(scores.customers)
    return tuple(
        SegmentRow(
            segment,
            len(those),
            len(those) / count if count else 0.0,
            sum(value[i] for i in those) / max(1, len(those)),
            sum(score[i] for i in those) / max(1, len(those)),
            sum(risk[i] >= AT_RISK for i in those),
        )
        for segment, those in members.items()
    )


def _told(found: Recomputed | dict[str, Any], console: Console, *, as_json: bool) -> None:
    if as_json:
        plain = asdict(found) if isinstance(found, Recomputed) else found
        json.dump(plain, sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")
    elif isinstance(found, dict):
        _show_one(found, console)
    else:
        _show(found, console)


def _show(found: Recomputed, console: Console) -> None:
    table = Table(header_style="bold", box=SIMPLE_HEAD, caption=_caption(found))
    table.add_column("segment")
    for name in ("customers", "share", f"value {found.currency}", "score", "at risk"):
        table.add_column(name, justify="right")
    for row in found.segments:
        table.add_row(
            row.segment or "as imported",
            str(row.customers),
            f"{row.share:.0%}",
            f"{row.mean_value:.2f}",
            f"{row.mean_score:.0f}",
            str(row.at_risk),
        )
    console.print(table)
    if found.campaigns:
        lists = Counter(dict(found.campaigns))
        console.print("Lists: " + ", ".join(f"{name} {count}" for name, count in lists.items()), markup=False)


def _caption(found: Recomputed) -> str:
    return f"{found.customers} customers in {found.seconds:.1f} s; at risk: {AT_RISK:g} and more"


def explained(database: Database, customer: str) -> dict[str, Any] | None:
    """The stored figures of one customer with their reasons, each with its `text`; None when there are none."""
    with database.reading() as db:
        row = db.row("SELECT segment, value, body, at FROM scores WHERE customer=?", (customer,))
    if row is None:
        return None
    segment, value, body, at = row
    scores = json.loads(body)
    why = [{**reason, "text": _text(reason)} for reason in scores.pop("why")]
    return {"customer": customer, "segment": segment, "at": at, "value": value, **scores, "why": why}


def _text(reason: dict[str, Any]) -> str:
    written = REASONS[f"{reason['figure']} {reason['code']}"]
    return written.format(**reason["values"])


def _show_one(found: dict[str, Any], console: Console) -> None:
    table = Table(title=f"{found['customer']}: {found['segment'] or 'as imported'}", box=SIMPLE_HEAD)
    table.add_column("figure")
    table.add_column("is", justify="right")
    table.add_column("points", justify="right")
    table.add_column("why")
    for figure in ("score", "value", "retention_risk", "growth"):
        table.add_row(figure.replace("_", " "), f"{found[figure]:g}", "", "", style="bold")
        for reason in found["why"]:
            if reason["figure"] == figure:
                table.add_row("", "", f"{reason['points']:g}", reason["text"])
    console.print(table)
