"""`cti-engine surveys`: how satisfied callers were, by agent and by queue, and what they said."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cti_engine.adapters import survey_records
from cti_engine.adapters.sql_database import DatabaseFault
from cti_engine.adapters.survey_records import Comment
from cti_engine.commands.customer_rights import write
from cti_engine.commands.customers import ENVIRONMENT, OK
from cti_engine.core.reporting.intervals import Estimate
from cti_engine.core.reporting.surveys import SurveyFigures, SurveyReport
from cti_engine.definitions.settings import Settings
from cti_engine.runtime.customers import open_customers

LAST = 30 * 86_400.0


def run(options: Namespace, settings: Settings, console: Console, now: float) -> int:
    """`now`: wall seconds. The exit code."""
    since = now - LAST if options.since is None else options.since
    until = now if options.until is None else options.until
    try:
        with closing(open_customers(settings, read_only=True)) as customers:
            if options.comments:
                said = survey_records.comments(customers.database, since, until)
            else:
                found = survey_records.report(
                    customers.database, since, until, question=options.question, weighted=options.weighted
                )
    except DatabaseFault as error:
        print(f"the customers cannot be reached: {error}", file=sys.stderr)
        return ENVIRONMENT
    if options.comments:
        return write([asdict(each) for each in said]) if options.json else _show_comments(said, console)
    return write(asdict(found)) if options.json else _show(found, console)


def _show(found: SurveyReport, console: Console) -> int:
    if not (found.total.asked or found.total.csat_answers or found.total.nps_answers):
        console.print("Nobody has been asked in this time.")
        return OK
    weighted = ", weighted by what the customer is worth" if found.weighted else ""
    begin, end = (
        f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}" for at in (found.since, found.until)
    )
    table = Table(title=f"Surveys from {begin} to {end}{weighted}", header_style="bold", box=SIMPLE_HEAD)
    table.add_column("")
    for name in ("asked", "answered", "CSAT", "95 %", "n", "4 or 5", "95 %", "NPS", "95 %", "n"):
        table.add_column(name, justify="right")
    for kind, rows in (("", (found.total,)), ("queue ", found.queues), ("agent ", found.agents)):
        for each in rows:
            table.add_row(f"{kind}{each.name or 'all'}", *_cells(each))
    console.print(table)
    if found.total.left_out:
        text = f"Answers left out, of customers without a value: {found.total.left_out}."
        console.print(text, style="dim", highlight=False)
    return OK


def _cells(each: SurveyFigures) -> tuple[str, ...]:
    share = f"{each.answered} ({100 * each.response.value:.0f} %)" if each.response else str(each.answered)
    return (
        str(each.asked), share,
        *_estimate(each.csat, 1, 2), str(each.csat_answers), *_estimate(each.satisfied, 100, 0, " %"),
        *_estimate(each.nps, 1, 0), str(each.nps_answers),
    )  # fmt: skip


def _estimate(found: Estimate | None, times: int, digits: int, unit: str = "") -> tuple[str, str]:
    """The figure, and its interval."""
    if found is None:
        return "–", ""
    value = f"{times * found.value:.{digits}f}{unit}"
    if found.low is None or found.high is None:
        return value, "too few"
    return value, f"{times * found.low:.{digits}f} to {times * found.high:.{digits}f}"


def _show_comments(said: Sequence[Comment], console: Console) -> int:
    table = Table(
        "at", "contact", "customer", "agent", "queue", "answered", "s", "recording", box=SIMPLE_HEAD
    )
    for each in said:
        at = f"{datetime.fromtimestamp(each.at).astimezone():%Y-%m-%d %H:%M}"
        answers = ", ".join(f"{question} {answer:g}" for question, answer in each.answers.items())
        table.add_row(
            at, each.contact, each.name or each.customer or "–", each.agent, each.queue, answers,
            f"{each.seconds:.0f}", each.recording,
        )  # fmt: skip
    console.print(table if said else "Nobody has said anything in this time.", markup=False)
    return OK
