"""A customer of a campaign's list is called: by its queue, at permitted hours, and the agent is told what to do."""

from __future__ import annotations

from cti_engine.core import call_me, callbacks, intake, places
from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.commands import Reply
from cti_engine.core.contact import Callback, Contact, Handed
from cti_engine.core.customer_signals import CampaignCallRequested
from cti_engine.core.customers.segment_rules import Campaign
from cti_engine.core.dial_requests import LONGEST_NAME
from cti_engine.core.refusals import REFUSALS

SOURCE = "campaign"


def ask(center: Center, signal: CampaignCallRequested) -> None:
    """The reply's `result`: `contact`, `queue` and `already`: this number has a callback open. Refused as
    `unknown_campaign`, `unknown_queue`, `bad_number` or `closed`, with `opens_date` and `opens_time`.
    """
    campaign = center.definitions.campaigns.get(signal.campaign)
    number = callbacks.dialled(signal.number)
    if campaign is None:
        _refuse(center, signal, "unknown_campaign")
    elif campaign.queue not in center.definitions.queues:
        _refuse(center, signal, "unknown_queue")
    elif not callbacks.allowed(center, number):
        _refuse(center, signal, "bad_number")
    elif call_me.is_closed(center, campaign.hours):
        _refuse(center, signal, "closed", call_me.opens(center, campaign.hours))
    else:
        found = call_me.open_one(center, number)
        contact = found or _begin(center, signal, campaign, number)
        queue = contact.callback.queue if contact.callback is not None else contact.queue
        result = {"contact": contact.id, "queue": queue, "already": found is not None}
        center.command(Reply(signal.request, True, result=result))


def _refuse(
    center: Center, signal: CampaignCallRequested, code: str, result: dict[str, object] | None = None
) -> None:
    center.command(Reply(signal.request, False, code, REFUSALS[code], result or {}))


def _begin(center: Center, signal: CampaignCallRequested, campaign: Campaign, number: str) -> Contact:
    rules = center.definitions.callbacks
    action = campaign.action.get(signal.language) or next(iter(campaign.action.values()), "")
    contact = Contact(
        center.new_id("c"),
        "",
        "",
        number,
        "",
        signal.name[:LONGEST_NAME],
        SOURCE,
        signal.language,
        0,
        kind=callbacks.KIND,
        definitions=center.definitions.version,
        callback=Callback(center.at, number, rules.trunk, rules.tries, rules.retry_after),
        handed=Handed(signal.agent, SOURCE, action),
    )
    callbacks.begin(center, contact, campaign.queue, rules.within, None)
    facts: dict[str, object] = {**places.attributes_of(number, center.definitions), "campaign": campaign.id}
    contact.attributes.update(facts)
    center.emit(ev.CallAttributesSet(contact.id, facts))
    intake.look_up(center, contact)
    return contact
