"""config/offers.yaml: what may be offered to whom, and when nothing is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cti_engine.core.customers.offer_rules import DAY, AbstainRules, Offer, OfferRules
from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.expressions.values import Scope
from cti_engine.core.ivr.names import CALL_NAMES, NOW_NAMES
from cti_engine.definitions.problems import WARNING, Path
from cti_engine.definitions.shapes import (
    IDENTIFIER,
    LANGUAGE,
    Duration,
    Flag,
    Key,
    Keys,
    Many,
    Number,
    Table,
    Text,
)
from cti_engine.definitions.yaml_source import Document

YEARS = 10 * 366 * DAY
PRODUCT = Text("a product as customers have it", r"\S(.{0,62}\S)?")
DATE = Text('a day of the year such as "11-15"', r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
LINES = Table(Text(), LANGUAGE, least=1)
_RULES, _ABSTAIN, _OFFER = OfferRules(), AbstainRules(), Offer("", "", {})

SEASON = Keys(
    (
        Key("from", DATE, "the first day"),
        Key("to", DATE, "the last day; earlier than from: of the next year"),
    )
)
OFFER = Keys(
    (
        Key("product", PRODUCT, "what is sold; who has it is not offered it"),
        Key("needs", Many(PRODUCT), "only to who has all of these products", ()),
        Key("excludes", Many(PRODUCT), "never to who has one of these", ()),
        Key("when", Text("a condition"), 'only for whom it holds: call.segment == "gold"', ""),
        Key("require", Text("a condition"), "only shown to agents for whom it holds: agent.sales == true", ""),
        Key("seasons", Many(SEASON), "only then", ()),
        Key("stock", Number(), "so many are left; each that is accepted counts, a new number counts anew", None),
        Key("margin", Number(0, 1_000_000, decimal=True), "what it is worth when it is accepted"),
        Key("rate", Number(0.001, 0.999, decimal=True), "how many accept, as long as nothing is known", _OFFER.rate),
        Key("reason", LINES, "one sentence why, for the agent, by language; without: as learned from purchases", {}),
        Key("line", LINES, "what the agent says, by the caller's language; in no other is it offered"),
        Key("repeatable", Flag(), "to who has the product too", False),
        Key("alone", Flag(), "to whom it may be offered, nothing else is", False),
        Key("again_after", Duration(0, YEARS), "who said yes or no to it is not asked sooner", _OFFER.again_after),
    )
)  # fmt: skip
ABSTAIN = Keys(
    (
        Key("open_tickets", Flag(), "with an open complaint or ticket", _ABSTAIN.open_tickets),
        Key("intents", Many(Text("an intent")), "calls with this call.intent", _ABSTAIN.intents),
        Key("queues", Many(IDENTIFIER), "calls out of these queues", ()),
        Key("consent", Text("given, not_refused or not_asked", choices=("given", "not_refused", "not_asked")),
            "consent to offers: it has to be given, may not be refused, or is not asked", _ABSTAIN.consent),
        Key("refused_within", Duration(0, YEARS), "who declined any offer less than this ago; 0s: never",
            _ABSTAIN.refused_within),
        Key("waited_over", Duration(0), "who waited longer; 0s: never", _ABSTAIN.waited_over),
        Key("again_within", Duration(0, YEARS), "who called into the same queue less than this ago; 0s: never",
            _ABSTAIN.again_within),
        Key("poor_line", Flag(), "where the line is known to be poor", _ABSTAIN.poor_line),
        Key("bad_survey", Table(Number(0, 10), Text("a scale such as 1-5", r"\d-\d{1,2}")),
            "by scale the best answer of the last survey that is bad", dict(_ABSTAIN.bad_survey)),
        Key("bad_survey_within", Duration(0, YEARS), "how long a bad answer counts", _ABSTAIN.bad_survey_within),
    )
)  # fmt: skip
OFFERS = Keys(
    (
        Key("abstain", ABSTAIN, "when nothing is offered; comes first", {}),
        Key("hold_out", Number(0, 0.5, decimal=True), "the share of calls without hints, to tell what hints gain",
            _RULES.hold_out),
        Key("at_most", Number(1, 3), "hints a call", _RULES.at_most),
        Key("currency", Text(), "of margin, as agents read it", ""),
        Key("prior", Number(1, 10_000, decimal=True), "how many answers `rate` is worth", _RULES.prior),
        Key("explore", Flag(), "little known offers come first now and then, so that they become known",
            _RULES.explore),
        Key("sold", Many(Text("a disposition")), "results of a call that are a sale, for `offers report`", ()),
        Key("within", Duration(0, YEARS), "a purchase so long after the call is a sale of it", _RULES.within),
        Key("offers", Table(OFFER), "what may be offered, by id", {}),
    )
)  # fmt: skip


def load_offers(
    document: Document,
    call_scope: Scope,
    agent_scope: Scope,
    dispositions: Collection[str] | None,
    queues: Collection[str] | None,
) -> OfferRules:
    """`dispositions`, `queues` None: their file could not be read, so none is looked for."""
    written = OFFERS.read(document, document.root, ())
    abstain = written["abstain"] or ABSTAIN.blank()
    scope: Scope = {**CALL_NAMES, **NOW_NAMES, **call_scope}
    _known(document, ("sold",), written["sold"], dispositions, "disposition")
    _known(document, ("abstain", "queues"), abstain["queues"], queues, "queue")
    return OfferRules(
        {
            id: _offer(document, ("offers", id), id, values, scope, agent_scope)
            for id, values in written["offers"].items()
        },
        AbstainRules(**abstain),
        **{key: value for key, value in written.items() if key not in ("offers", "abstain")},
    )


def _known(
    document: Document, path: Path, names: tuple[str, ...], known: Collection[str] | None, what: str
) -> None:
    for index, name in enumerate(names):
        if name and known is not None and name not in known:
            hint = did_you_mean(name, known) or f"one of {', '.join(known)}"
            document.problem((*path, index), f"there is no {what} {name}", hint)


def _offer(
    document: Document, path: Path, id: str, written: dict[str, Any], scope: Scope, agent_scope: Scope
) -> Offer:
    seasons = tuple((_date(season["from"]), _date(season["to"])) for season in written["seasons"])
    for product in sorted({*written["needs"]} & {*written["excludes"], written["product"]} - {""}):
        document.problem((*path, "needs"), f"who has {product} is excluded: nobody gets this offer")
    return Offer(
        **{
            **written,
            "id": id,
            "seasons": seasons,
            "when": _condition(document, (*path, "when"), written["when"], scope),
            "require": _condition(document, (*path, "require"), written["require"], {**scope, **agent_scope}),
        }
    )


def _date(text: str) -> tuple[int, int]:
    month, _, day = text.partition("-")
    return int(month or 1), int(day or 1)


def _condition(document: Document, path: Path, text: str, scope: Scope) -> Condition | None:
    condition, faults = read_condition(text, scope) if text else (None, [])
    for fault in faults:
        document.problem(path, fault.text, fault.hint, offset=fault.column - 1)
    return condition


def review_offers(
    document: Document, rules: OfferRules, languages: Mapping[str, str], call_scope: Scope
) -> None:
    """Offers without a line in a language that calls begin in (`languages`: each with a dialled number), and intents
    that no call has.
    """
    intents = call_scope.get("call.intent")
    for index, intent in enumerate(rules.abstain.intents):
        if intents is not None and intents.choices and intent not in intents.choices:
            hint = did_you_mean(intent, intents.choices) or f"one of {', '.join(intents.choices)}"
            text = f"no call has the intent {intent}"
            document.problem(("abstain", "intents", index), text, hint, severity=WARNING)
    for offer in rules.offers.values():
        for language, number in sorted(languages.items()):
            if language not in offer.line:
                text = f"not offered to callers who speak {language}, as on {number}"
                document.problem(
                    ("offers", offer.id, "line"), text, f"add a line {language}:", severity=WARNING
                )
