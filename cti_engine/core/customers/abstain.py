"""When to sell nothing, and why: every rule that holds, the gravest first. It comes before anything is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cti_engine.core.customers.offer_facts import CallFacts, hint_kinds, number, rows, since
from cti_engine.core.customers.offer_rules import AbstainRules

Profile = Mapping[str, Any]
Why = dict[str, object]
DECLINED = "declined"
AGAIN_WITHIN = 3 * 86_400.0
ONE_SURVEY = 3600.0
"""Seconds: answers that are not further apart are of one survey."""


@dataclass(frozen=True, slots=True)
class Abstention:
    """`rule` is a code, `values` what the page's sentence about it says."""

    rule: str
    values: Why = field(default_factory=dict)

    def told(self) -> dict[str, object]:
        return {"rule": self.rule, **self.values}


def abstentions(rules: AbstainRules, profile: Profile, call: CallFacts) -> tuple[Abstention, ...]:
    """Nothing may be offered when there is one."""
    found = ((rule, test(rules, profile, call)) for rule, test in RULES.items())
    return tuple(Abstention(rule, why) for rule, why in found if why is not None)


def _stranger(rules: AbstainRules, profile: Profile, call: CallFacts) -> Why | None:
    """Nobody can have agreed to anything whom we do not know."""
    return None if profile.get("customer") else {}


def _complaint(rules: AbstainRules, profile: Profile, call: CallFacts) -> Why | None:
    if not rules.open_tickets:
        return None
    for ticket in rows(profile, "tickets"):
        if str(ticket.get("category", "")) == "complaint":
            return {"ticket": str(ticket.get("ticket", ""))}
    return {"ticket": ""} if "complaint" in hint_kinds(profile) else None


def _ticket(rules: AbstainRules, profile: Profile, call: CallFacts) -> Why | None:
    if not rules.open_tickets or not profile.get("tickets"):
        return None
    tickets = rows(profile, "tickets")
    others = [ticket for ticket in tickets if str(ticket.get("category", "")) != "complaint"]
    if tickets and not others:
        return None  # told as a complaint
    return {"ticket": str(others[0].get("ticket", "")) if others else ""}  # unreadable ones are open too


def _reason(rules: AbstainRules, profile: Profile, call: CallFacts) -> Why | None:
    if call.intent and call.intent in rules.intents:
        return {"intent": call.intent}
    return {"intent": "", "queue": call.queue} if call.queue and call.queue in rules.queues else None


def _no_consent(rules: AbstainRules, profile: Profile, call: CallFacts) -> Why | None:
    if rules.consent == "not_asked":
        return None
    consent = profile.get("consent")
    given = consent.get("offers") if isinstance(consent, Mapping) else None
    if given is False or "no_consent" in hint_kinds(profile):
        return {"consent": "refused"}
    return {"consent": "unknown"} if rules.consent == "given" and given is not True else None


def _refused(rules: AbstainRules, profile: Profile, call: CallFacts) -> Why | None:
    if DECLINED in call.answers.values():
        return {"days": 0}
    ago = [since(row, call.now) for row in rows(profile, "offer_answers") if row.get("answer") == DECLINED]
    if rules.refused_within and ago and min(ago) < rules.refused_within:
        return {"days": int(min(ago) // 86_400)}
    return None


def _waited(rules: AbstainRules, profile: Profile, call: CallFacts) -> Why | None:
    if rules.waited_over and call.waited > rules.waited_over:
        return {"waited_s": call.waited, "limit_s": rules.waited_over}
    return None


def times_again(rules: AbstainRules, profile: Profile, call: CallFacts) -> int:
    """How often they have called into this queue lately (three days where no rule says how long that is)."""
    if not call.calls_us:
        return 0
    within = rules.again_within or AGAIN_WITHIN
    same = (row for row in rows(profile, "contacts") if call.queue and row.get("queue") == call.queue)
    return call.gave_up + sum(since(row, call.now) < within for row in same)


def _again(rules: AbstainRules, profile: Profile, call: CallFacts) -> Why | None:
    """Whoever calls into the same queue again has not been helped, or has hung up in line."""
    if not rules.again_within or not call.calls_us:
        return None
    return {} if "recaller" in hint_kinds(profile) or times_again(rules, profile, call) else None


def _poor_line(rules: AbstainRules, profile: Profile, call: CallFacts) -> Why | None:
    """A line of which nothing is known counts as good."""
    return {} if rules.poor_line and call.line_is_poor else None


def _bad_survey(rules: AbstainRules, profile: Profile, call: CallFacts) -> Why | None:
    """Of the last survey, which may have had several questions."""
    surveys = rows(profile, "surveys")
    last = min((since(row, call.now) for row in surveys), default=rules.bad_survey_within)
    if last >= rules.bad_survey_within:
        return None
    for row in surveys:
        answer, scale = number(row.get("answer")), str(row.get("scale", ""))
        worst = rules.bad_survey.get(scale)
        if (
            answer is not None
            and worst is not None
            and answer <= worst
            and since(row, call.now) <= last + ONE_SURVEY
        ):
            return {"answer": answer, "scale": scale}
    return None


RULES: Mapping[str, Callable[[AbstainRules, Profile, CallFacts], Why | None]] = {
    "open_complaint": _complaint,
    "call_reason": _reason,
    "no_consent": _no_consent,
    "stranger": _stranger,
    "open_ticket": _ticket,
    "called_again": _again,
    "waited_long": _waited,
    "refused_lately": _refused,
    "bad_survey": _bad_survey,
    "poor_line": _poor_line,
}
"""In the order in which they are told."""
OFFERS_ONLY = ("nothing_fits", "not_trained")
"""Told too where no rule forbids, but no offer fits, or none that this agent is trained for."""
