"""`callbacks:` of config/engine.yaml: who is called back, how, and when agents may promise it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from cti_engine.core.definitions import CallbackRules
from cti_engine.core.expressions.suggestion import closest_or_all
from cti_engine.core.hours import Zone
from cti_engine.definitions.calendar_loader import SPAN, spans_of
from cti_engine.definitions.problems import Path
from cti_engine.definitions.shapes import IDENTIFIER, Duration, Key, Keys, Many, Number, Text
from cti_engine.definitions.site_loader import BEGINNING
from cti_engine.definitions.yaml_source import Document

_RULES = CallbackRules()
CALLBACKS = Keys(
    (
        Key("numbers", Many(BEGINNING),
            "beginnings of the numbers that may be called beside the caller's own", ()),
        Key("trunk", Text("the name of a trunk", IDENTIFIER.pattern),
            "by which trunk, if not by the one the call came in on", ""),
        Key("ring_timeout", Duration(5, 120), "how long the caller's phone rings", _RULES.ring_timeout),
        Key("within", Duration(60, 86400),
            "asked for on the web, or promised by an agent for a time: not called after so long", _RULES.within),
        Key("tries", Number(1, 10), "of the same: calls at most", _RULES.tries),
        Key("retry_after", Duration(5, 86400), "of the same: the pause between them", _RULES.retry_after),
        Key("hours", Text("the name of a calendar", IDENTIFIER.pattern),
            "agents promise callbacks for times when this calendar of config/business_hours.yaml is open; "
            "without, for any hour", ""),
        Key("customer_hours", Many(SPAN),
            "and for these times where the customer is, e.g. 09:00-21:00, if the region of config/sites.yaml "
            "has a time_zone", ()),
        Key("ahead", Duration(3600, 366 * 86400), "and for so far ahead at most", _RULES.ahead),
        Key("grace", Duration(0, 86400),
            "a callback waits so long for the agent who has promised it, then anybody of its queue makes it",
            _RULES.grace),
    )
)  # fmt: skip
PLACE: Path = ("callbacks",)


def callback_rules(
    document: Document, written: dict[str, Any], zone: Zone, calendars: Collection[str] | None
) -> CallbackRules:
    """From the read `callbacks:` section of engine.yaml. `calendars` None: they could not be read."""
    hours = written["hours"]
    if hours and calendars is not None and hours not in calendars:
        document.problem((*PLACE, "hours"), f"there is no calendar {hours}", closest_or_all(hours, calendars))
    spans = spans_of(document, (*PLACE, "customer_hours"), written["customer_hours"])
    lists = {"numbers": tuple(written["numbers"]), "customer_hours": spans}
    return CallbackRules(**{**written, **lists}, zone=zone)
