"""`cti-engine offers`: learn what goes together, tell what hints gain, and why who is offered what."""

from __future__ import annotations

import json
import math
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from cti_engine.adapters import offer_records
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.adapters.sql_database import DatabaseFault
from cti_engine.core.customers.abstain import abstentions
from cti_engine.core.customers.next_best_offer import ranked, why_not
from cti_engine.core.customers.offer_facts import CallFacts, Holdings
from cti_engine.core.customers.offer_rules import DAY, OfferRules
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.settings import Settings
from cti_engine.learning.affinities import POPULARITY, learn
from cti_engine.learning.time_split import TimeSplit, split
from cti_engine.learning.uplift import Call, Difference, Uplift, uplift
from cti_engine.ports import Store, StoredEvent
from cti_engine.runtime.customers import open_customers

OK, PROBLEMS, ENVIRONMENT = 0, 1, 3
WEAKEST = 0.05  # log-odds: what speaks less for a product is not kept
JUDGED_ON = 90 * DAY
STORY = ("CallOffered", "HintsGiven", "HintAnswered", "HintsTakenBack")

OpenLog = Callable[[], AbstractContextManager[Store]]


def run(
    options: Namespace,
    settings: Settings,
    definitions: CenterDefinitions,
    log: OpenLog,
    console: Console,
    now: float,
) -> int:
    """`now`: wall seconds; `log` opens the event log, for `explain CONTACT`. The exit code."""
    rules = definitions.offer_rules
    try:
        with closing(open_customers(settings)) as store:
            if options.todo == "train":
                return train(store, console, now, dry=options.dry_run, as_json=options.json)
            if options.todo == "report":
                return report(store, rules, console, now - options.days * DAY, as_json=options.json)
            return explain(store, rules, log, console, options.who, now, as_json=options.json)
    except DatabaseFault as error:
        print(f"the customers cannot be reached: {error}", file=sys.stderr)
        return ENVIRONMENT


# --- train -------------------------------------------------------------------------------------


def train(store: CustomerStore, console: Console, now: float, *, dry: bool, as_json: bool) -> int:
    """Judged on the purchases of the last 90 days by what was bought before; then learned from all, and stored."""
    bought, segments = offer_records.purchases(store.database), offer_records.segments(store.database)
    if not bought:
        print(
            "There are no purchases to learn from: cti-engine customers import --purchases FILE",
            file=sys.stderr,
        )
        return PROBLEMS
    try:
        judged = split(bought, segments, max(at for _, at, _ in bought) - JUDGED_ON)
    except ValueError:
        judged = None
    learned = learn(bought, segments, penalty=judged.learned.penalty if judged else None)
    rows = [
        (name, product, round(weight, 4))
        for (name, product), weight in learned.weights.items()
        if abs(weight) >= WEAKEST
    ]
    if not dry:
        offer_records.put_affinities(store.database, rows)
        store.forget_cached()
    told = {
        "purchases": learned.purchases, "products": len(learned.base), "affinities": len(rows), "stored": not dry,
        "penalty": None if math.isinf(learned.penalty) else learned.penalty, "time_split": _judged(judged),
    }  # fmt: skip
    if as_json:
        return _write(told)
    console.print(
        f"{len(rows)} affinities from {learned.purchases} purchases of {len(learned.base)} products"
    )
    if learned.penalty == POPULARITY:
        console.print("Nothing that customers have tells more than popularity does: none is kept but that.")
    if judged is None:
        console.print("Not judged: all purchases are of one quarter.")
    else:
        console.print(
            f"Of {judged.customers} customers who bought in the last 90 days, {judged.hit_rate:.1%} bought one of three"
            f" guesses; {judged.popularity:.1%} one of the three most popular."
        )
    return OK


def _judged(judged: TimeSplit | None) -> dict[str, float] | None:
    if judged is None:
        return None
    return {
        "customers": judged.customers, "hit_rate_at_3": judged.hit_rate, "popularity": judged.popularity,
        "hit_rate_at_3_vs_popularity": judged.against_popularity,
    }  # fmt: skip


# --- report ------------------------------------------------------------------------------------


def report(store: CustomerStore, rules: OfferRules, console: Console, since: float, *, as_json: bool) -> int:
    """What hints gain against the calls held out, and how each offer is taken."""
    calls = offer_records.offered_calls(store.database, since)
    bought = _followed_by_a_purchase(calls, rules)
    gained = uplift(
        Call(
            call.held_out,
            call.contact in bought or call.disposition in rules.sold,
            call.handle_s,
            call.survey,
        )
        for call in calls
    )
    offers = _by_offer(calls)
    if as_json:
        return _write({**asdict(gained), "offers": offers})
    if not calls:
        console.print("No hints were given in this time.")
        return OK
    console.print(_uplift_table(gained))
    table = Table(
        "offer", "segment", "shown", "accepted", "declined", "not the moment", "no answer", title="Answers"
    )
    for row in offers:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)
    return OK


def _followed_by_a_purchase(calls: list[offer_records.OfferedCall], rules: OfferRules) -> set[str]:
    """Contacts after which what was (or would have been) offered was bought soon. A purchase counts for the last such
    call before it, shown or held out: else those that were held out would sell by the hints of the next call.
    """
    found: set[str] = set()
    by_customer: dict[str, list[offer_records.OfferedCall]] = {}
    for call in calls:  # in the order of time
        by_customer.setdefault(call.customer, []).append(call)
    for theirs in by_customer.values():
        for product, at in theirs[0].bought:
            for call in reversed(theirs):
                wanted = {rules.offers[offer].product for offer in call.answers if offer in rules.offers}
                if product in wanted and 0 <= at - call.at <= rules.within:
                    found.add(call.contact)
                    break
    return found


def _by_offer(calls: list[offer_records.OfferedCall]) -> list[dict[str, Any]]:
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for call in calls:
        for offer, answer in call.answers.items() if not call.held_out else ():
            row = counts.setdefault(
                (offer, call.segment), {"shown": 0, "accepted": 0, "declined": 0, "not_now": 0, "": 0}
            )
            row["shown"] += 1
            row[answer] = row.get(answer, 0) + 1
    return [
        {"offer": offer, "segment": segment, **{name or "no_answer": count for name, count in row.items()}}
        for (offer, segment), row in sorted(counts.items())
    ]


def _uplift_table(gained: Uplift) -> Table:
    title = f"{gained.shown} calls with hints, {gained.held_out} held out"
    table = Table("", "shown", "held out", "difference", "95 % interval", title=title)
    for name, difference, form in (
        ("sales", gained.sales, "{:.1%}"),
        ("handle time, s", gained.handle_s, "{:.0f}"),
        ("survey, share of the scale", gained.survey, "{:.2f}"),
    ):
        table.add_row(name, *_row(difference, form))
    return table


def _row(difference: Difference, form: str) -> list[str]:
    def said(value: float | None) -> str:
        return "–" if value is None else form.format(value)

    interval = (
        f"{said(difference.low)} to {said(difference.high)}" if difference.low is not None else "too few"
    )
    return [said(difference.shown), said(difference.held_out), said(difference.difference), interval]


# --- explain -----------------------------------------------------------------------------------


def explain(
    store: CustomerStore,
    rules: OfferRules,
    log: OpenLog,
    console: Console,
    who: str,
    now: float,
    *,
    as_json: bool,
) -> int:
    """Of a contact what its agents were shown, and why; of a customer (id or number) what would be offered now."""
    profile = store.customer(who) or store.profile(who)
    if profile is not None:
        told = of_customer(rules, profile, now)
    else:
        with log() as events:
            story = [event for event in events.events_of(who) if event.event in STORY]
        if not story:
            print(f"{who} is no customer, no number, and no contact with hints.", file=sys.stderr)
            return PROBLEMS
        told = of_contact(story)
    if as_json:
        return _write(told)
    _print(told, console)
    return OK


def of_customer(rules: OfferRules, profile: Mapping[str, Any], now: float) -> dict[str, Any]:
    """By what is known without a call: nothing waited, no intent, an agent trained for everything."""
    facts = facts_without_a_call(profile, now)
    holdings = Holdings.of(profile, now)
    kept = {offer.id: why_not(offer, holdings, facts, {}) for offer in rules.offers.values()}
    fitting = [offer for offer in rules.offers.values() if not kept[offer.id]]
    best = {
        offer.id: (round(chance, 4), round(chance * offer.margin, 2), round(affinity, 3))
        for offer, chance, affinity in ranked(replace(rules, explore=False), fitting, profile, b"explain")
    }
    forbidden = [each.told() for each in abstentions(rules.abstain, profile, facts)]
    offers = [
        {
            "offer": offer.id,
            "kept_by": kept[offer.id],
            **dict(
                zip(("chance", "expected_value", "affinity"), best.get(offer.id, (None,) * 3), strict=True)
            ),
            "require": str(offer.require) if offer.require is not None else "",
        }
        for offer in rules.offers.values()
    ]
    offers.sort(key=lambda row: -(row["expected_value"] or -1.0))  # type: ignore[operator]
    return {"customer": profile.get("customer", ""), "abstain": forbidden, "offers": offers}


def facts_without_a_call(profile: Mapping[str, Any], now: float) -> CallFacts:
    local = datetime.fromtimestamp(now, UTC)
    known = {
        f"call.{name}": profile.get(name) for name in ("customer", "name", "segment", "value", "language")
    }
    known |= {
        "call.known": bool(profile.get("customer")),
        "now.date": local.strftime("%Y-%m-%d"),
        "now.hour": local.hour,
    }
    return CallFacts(
        now, (local.month, local.day), known.get, {}, language=str(profile.get("language") or ""), queue=""
    )


def of_contact(story: list[StoredEvent]) -> dict[str, Any]:
    """Each offer of the call to an agent, what was given when they talked, and the answers."""
    shown = [
        {
            "agent": event.data["agent"],
            "offers": [each["offer"] for each in event.data.get("offers", ())],
            "abstain": list(event.data.get("no_offers", ())),
        }
        for event in story
        if event.event == "CallOffered"
    ]
    given = [
        {
            "agent": event.data["agent"],
            "offers": [each["offer"] for each in event.data["offers"]],
            "held_out": event.data["held_out"],
        }
        for event in story
        if event.event == "HintsGiven"
    ]
    back = [
        {"agent": event.data["agent"], "rules": list(event.data["rules"])}
        for event in story
        if event.event == "HintsTakenBack"
    ]
    answers = {event.data["offer"]: event.data["answer"] for event in story if event.event == "HintAnswered"}
    return {
        "contact": story[0].contact,
        "shown": shown,
        "given": given,
        "taken_back": back,
        "answers": answers,
    }


def _print(told: dict[str, Any], console: Console) -> None:
    for each in told.get("abstain", ()):
        console.print(f"Nothing is offered: {_said(each)}", markup=False)
    if "offers" in told:
        table = Table("offer", "kept by", "chance", "value", "affinity", "agents need")
        for row in told["offers"]:
            cells = (
                row["offer"],
                row["kept_by"],
                row["chance"],
                row["expected_value"],
                row["affinity"],
                row["require"],
            )
            table.add_row(*("" if cell is None else str(cell) for cell in cells))
        console.print(table)
        return
    for each in told["shown"]:
        why = "; ".join(_said(one) for one in each["abstain"])
        console.print(
            f"shown to {each['agent']}: {', '.join(each['offers']) or why or 'nothing'}", markup=False
        )
    for each in told["given"]:
        held = " (held out: nothing was shown)" if each["held_out"] else ""
        console.print(
            f"{each['agent']} talked with: {', '.join(each['offers']) or 'nothing'}{held}", markup=False
        )
    for each in told["taken_back"]:
        console.print(f"taken back from {each['agent']}: {', '.join(each['rules'])}", markup=False)
    for offer, answer in told["answers"].items():
        console.print(f"{offer}: {answer}", markup=False)


def _said(why: Mapping[str, Any]) -> str:
    values = ", ".join(f"{name} {value}" for name, value in why.items() if name != "rule" and value != "")
    return f"{why['rule']} ({values})" if values else str(why["rule"])


def _write(told: object) -> int:
    print(json.dumps(told, ensure_ascii=False, indent=1))
    return OK
