"""The lists of config/campaigns.yaml for supervisors: who is on them, and what to do for them."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from aiohttp import web

from agent_console.answers import RetentionLists
from agent_console.console import CONSOLE
from agent_console.guard import Refused, authenticate
from agent_console.operations import Operation, described
from cti_engine.adapters.campaign_lists import campaign_customers
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.sql_database import DatabaseFault
from cti_engine.definitions.campaign_loader import load_campaigns
from cti_engine.definitions.yaml_source import read_yaml
from cti_engine.wire.catalogue import Permission

MOST = 200
"""Customers of one list on the page, the most valuable first; the command line has all."""

_log = logging.getLogger("cti.console")
routes = web.RouteTableDef()


@described(
    Operation(
        "Who is to be called before they leave", RetentionLists, codes=("forbidden", "store_unavailable")
    )
)
@routes.get("/api/retention")
async def retention(request: web.Request) -> web.Response:
    """By campaign, as of the last time that figures were made. `CallCampaignCustomer` has one of them called."""
    console = request.app[CONSOLE]
    account, _ = await authenticate(request)
    if Permission.WATCH_CENTER not in account.permissions:
        raise Refused(403, "forbidden", "not permitted")
    if console.customers is None:
        return web.json_response({"campaigns": []})
    try:
        found = await asyncio.to_thread(lists, console.customers, console.config.home)
    except (DatabaseFault, OSError) as error:
        _log.warning("cannot read the lists: %s", error)
        raise Refused(503, "store_unavailable", "the records cannot be read now") from error
    return web.json_response({"campaigns": found})


def lists(customers: CustomerStore, home: Path) -> list[dict[str, Any]]:
    path = home / "config" / "campaigns.yaml"
    if not path.exists():
        return []
    campaigns = load_campaigns(read_yaml("config/campaigns.yaml", path.read_bytes()))
    rows = campaign_customers(customers.database)
    return [
        {
            "campaign": campaign.id,
            "name": dict(campaign.name),
            "action": dict(campaign.action),
            "queue": campaign.queue,
            "of": sum(row["campaign"] == campaign.id for row in rows),
            "customers": [row for row in rows if row["campaign"] == campaign.id][:MOST],
        }
        for campaign in campaigns.values()
    ]
