"""config/campaigns.yaml: saved conditions about customers, each with what to do and the queue whose agents call."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cti_engine.core.customers.segment_rules import AFTERWARDS, Campaign
from cti_engine.core.expressions.suggestion import closest_or_all
from cti_engine.definitions.problems import WARNING
from cti_engine.definitions.segment_loader import condition_of
from cti_engine.definitions.shapes import IDENTIFIER, LANGUAGE, Key, Keys, Table, Text
from cti_engine.definitions.yaml_source import Document

LABELS = Table(Text(), LANGUAGE, least=1)
CAMPAIGN = Keys(
    (
        Key("name", LABELS, "what supervisors read, by language"),
        Key("when", Text("a condition"), "whose customers these are, such as customer.value >= 2000"),
        Key("action", LABELS, "what to do for them, by language"),
        Key("queue", Text("the id of a queue", IDENTIFIER.pattern),
            "whose agents call them; without, nobody does", ""),
        Key("hours", Text("the name of a calendar", IDENTIFIER.pattern),
            "a calendar of config/business_hours.yaml: only while it is open; without, at any hour", ""),
    )
)  # fmt: skip
CAMPAIGNS = Keys((Key("campaigns", Table(CAMPAIGN), "lists of customers, by name", {}),))


def load_campaigns(document: Document) -> dict[str, Campaign]:
    written = CAMPAIGNS.read(document, document.root, ())
    found = {}
    for id_, values in written["campaigns"].items():
        condition = condition_of(document, ("campaigns", id_, "when"), values["when"], AFTERWARDS)
        if condition is not None:
            found[id_] = Campaign(
                id_, values["name"], condition, values["action"], values["queue"], values["hours"]
            )
    return found


def review_campaigns(
    document: Document, campaigns: Iterable[Campaign], queues: Collection[str], calendars: Collection[str]
) -> None:
    """Lists whose customers cannot be called, or at any hour where hours were meant."""
    for campaign in campaigns:
        path = ("campaigns", campaign.id)
        if campaign.queue and campaign.queue not in queues:
            text = f"there is no queue {campaign.queue}: nobody can be called"
            hint = closest_or_all(campaign.queue, queues)
            document.problem((*path, "queue"), text, hint, severity=WARNING)
        if campaign.hours and campaign.hours not in calendars:
            text = f"there is no calendar {campaign.hours}: they are called at any hour"
            hint = closest_or_all(campaign.hours, calendars) if calendars else "config/business_hours.yaml"
            document.problem((*path, "hours"), text, hint, severity=WARNING)
