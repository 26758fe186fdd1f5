"""`cti-engine customers retention`: who is on the lists of config/campaigns.yaml, and what to do for them."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cti_engine.adapters.campaign_lists import campaign_customers
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.sql_database import Database
from cti_engine.core.customers.segment_rules import Campaign
from cti_engine.core.expressions.suggestion import closest_or_all
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.report import as_text
from cti_engine.definitions.settings import Settings

OK, PROBLEMS, USAGE = 0, 1, 2


def run(options: Namespace, store: CustomerStore, settings: Settings, console: Console, now: float) -> int:
    """The exit code. Raises DatabaseFault."""
    definitions, problems = load_definitions(settings.home)
    if definitions is None:
        print(as_text(problems), file=sys.stderr)
        return PROBLEMS
    campaigns = definitions.campaigns
    if options.campaign and options.campaign not in campaigns:
        hint = closest_or_all(options.campaign, campaigns)
        print(f"there is no campaign {options.campaign} ({hint})", file=sys.stderr)
        return USAGE
    found = listed(store.database, campaigns, options.campaign)
    if options.json:
        json.dump(found, sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")
    else:
        _show(found, console)
    return OK


def listed(database: Database, campaigns: Mapping[str, Campaign], campaign: str) -> list[dict[str, Any]]:
    """The lists as they were made last, each row with the campaign's recommended `action` by language. Rows of a
    campaign that is not written any more are left out.
    """
    return [
        {**row, "action": dict(campaigns[row["campaign"]].action)}
        for row in campaign_customers(database, campaign)
        if row["campaign"] in campaigns
    ]


def _show(found: Sequence[dict[str, Any]], console: Console) -> None:
    if not found:
        console.print("Nobody is on a list: cti-engine customers segments makes them anew.")
        return
    for campaign in dict.fromkeys(row["campaign"] for row in found):
        rows = [row for row in found if row["campaign"] == campaign]
        action = rows[0]["action"]
        caption = action.get("en") or next(iter(action.values()))
        table = Table(title=campaign, header_style="bold", box=SIMPLE_HEAD, caption=caption)
        for name in ("customer", "name", "segment", "numbers"):
            table.add_column(name)
        for name in ("value", "risk", "complained", "contract ends"):
            table.add_column(name, justify="right")
        for row in rows:
            table.add_row(
                row["customer"],
                row["name"],
                row["segment"],
                ", ".join(row["numbers"]),
                f"{row['value']:.2f}",
                f"{row['retention_risk']:.2f}",
                _days(row.get("days_since_complaint"), "{:.0f} d ago"),
                _days(row.get("days_to_contract_end"), "in {:.0f} d"),
            )
        console.print(table)


def _days(days: float | None, said: str) -> str:
    return "" if days is None else said.format(days)
