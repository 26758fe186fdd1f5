"""Who is on the list of a campaign: customers for whom its saved condition holds, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cti_engine.core.customers.segment_rules import Campaign
from cti_engine.core.customers.segments import Scores

FIGURES = ("value", "score", "retention_risk", "growth", "days_since_complaint", "days_to_contract_end")
"""What is told of each customer of a list."""


def chosen(scores: Scores, campaigns: Mapping[str, Campaign]) -> Iterator[tuple[str, int]]:
    """(campaign, place of the customer): of each campaign the most valuable customers first."""
    for campaign in campaigns.values():
        found = [i for i in range(len(scores.customers)) if campaign.when.holds(scores.names(i))]
        found.sort(key=lambda i: (-float(scores.columns["value"][i]), scores.customers[i]))
        for index in found:
            yield campaign.id, index


def figures(scores: Scores, index: int) -> dict[str, float]:
    """Those of FIGURES that there are."""
    named = scores.names(index)
    found = {name: named(f"customer.{name}") for name in FIGURES}
    return {name: round(value, 4) for name, value in found.items() if isinstance(value, int | float)}
