"""config/segments.yaml: how customers are scored and put into segments, and what a segment means to their calls."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from cti_engine.core.customers.segment_rules import (
    AGENT_LEVEL,
    CUSTOMER_NAMES,
    DAY,
    IMPORTED,
    LARGER,
    LEVEL_NAMES,
    PURCHASES,
    GrowthRules,
    Level,
    RiskRules,
    Segment,
    SegmentRules,
    Variable,
)
from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.suggestion import closest_or_all, did_you_mean
from cti_engine.core.expressions.values import NUMBER, Scope, parse_duration
from cti_engine.definitions.place_loader import minutes_of
from cti_engine.definitions.problems import WARNING
from cti_engine.definitions.problems import Path as Place
from cti_engine.definitions.shapes import (
    IDENTIFIER,
    LANGUAGE,
    AnyValue,
    Duration,
    Key,
    Keys,
    Many,
    Number,
    Short,
    Table,
    Text,
)
from cti_engine.definitions.yaml_source import Document, read_yaml

LONG = Duration(DAY, 3650 * DAY)
WEIGHT = Number(0, 100, decimal=True)
SHARE = Number(0, 1, decimal=True)
MONEY = Number(0, 1_000_000_000, decimal=True)
CONDITION = Text("a condition")
MOST_GROUPS = 20
IN_TIME = ("recency", "tenure")  # bounds are durations


def _variable(bounds: str) -> Short:
    full = Keys(
        (
            Key("weight", WEIGHT, "how much it counts beside the others", 1.0),
            Key("bounds", Many(AnyValue()), f"where the groups begin, ascending: {bounds}", ()),
            Key(
                "groups",
                Number(2, MOST_GROUPS),
                "without bounds: so many groups of equally many customers",
                5,
            ),
        )
    )
    return Short(full, "weight")


_TIMES = "such as [30d, 90d, 365d]"
SCORE = Keys(
    (
        Key("recency", _variable(_TIMES), "time since the last purchase: the shorter the better", None),
        Key("frequency", _variable("such as [2, 5, 10]"), "purchases in the window", None),
        Key("monetary", _variable("such as [100, 1000]"), "money spent in the window", None),
        Key("tenure", _variable(_TIMES), "time since the first purchase that is known", None),
        Key("products", _variable("such as [2, 3]"), "products held now", None),
    )
)

_RISK = RiskRules()


def _sign(doc: str, *keys: Key) -> Key:
    name, _, text = doc.partition(": ")
    full = Keys((Key("weight", SHARE, "the most that it adds to the risk, 0 to 1", 0.0), *keys))
    return Key(name, Short(full, "weight"), text, full.blank())


RISK = Keys(
    (
        _sign(
            "overdue: longer without a purchase than their own rhythm lets expect",
            Key("from", Number(0, 100, decimal=True), "times the rhythm where it begins", _RISK.overdue_from),
            Key("full", Number(0, 100, decimal=True), "times the rhythm where it counts wholly",
                _RISK.overdue_full),
        ),
        _sign("complaint: a complaint that is open, or was lately",
              Key("within", LONG, "until it counts no more", _RISK.complaint_within)),
        _sign(
            "survey: the last answer to a survey was bad",
            Key("within", LONG, "older ones do not count", _RISK.survey_within),
            Key("below", SHARE, "bad is below this share of the scale", _RISK.survey_below),
        ),
        _sign("contract_end: a contract ends soon, or has just ended",
              Key("within", LONG, "so long before and after", _RISK.contract_end_within)),
        _sign("decline: less spent in the second half of the window than in the first"),
    )
)  # fmt: skip
GROWTH = Keys(
    (
        _sign("trend: more spent in the second half of the window than in the first"),
        _sign("products: holds fewer products than most of their kind"),
        _sign("spend: spends less than who buys as often"),
    )
)
GRANT = Text("the name of a level", IDENTIFIER.pattern)
SEGMENT = Keys(
    (
        Key("segment", IDENTIFIER, "its name, as conditions of flows and queues ask for it: call.segment"),
        Key("when", CONDITION, "whose it is, such as customer.value >= 2000", ""),
        Key("score_from", Number(0, 100, decimal=True), "the least score", None),
        Key("score_below", Number(0, 101, decimal=True), "below this score", None),
        Key("priority", Number(-1000, 1000), "points for each call of theirs", 0),
        Key("head_start", Duration(0, 3600), "their calls count as having waited so long already", 0.0),
        Key("vip_number", Text("a dialled number", r"\+?[0-9*#]{1,20}|[a-z][a-z0-9_.-]{0,63}"),
            "their calls are taken as if this number had been dialled", ""),
        Key("greeting", Table(Text(), LANGUAGE), "how the agent greets them, by language; {name} is theirs", {}),
        Key("grant", Table(MONEY, GRANT),
            "the most that an agent grants without asking, by level; agent: whoever has no other", {}),
    )
)  # fmt: skip
LEVEL = Keys(
    (
        Key("level", IDENTIFIER, "its name"),
        Key("when", CONDITION, "which agents have it, such as agent.sales == true"),
    )
)
_RULES = SegmentRules()
COMPLAINTS = Keys(
    (
        Key(
            "dispositions",
            Many(IDENTIFIER),
            "contacts that ended so are complaints",
            _RULES.complaint_dispositions,
        ),
        Key(
            "categories",
            Many(IDENTIFIER),
            "tickets of these categories are complaints",
            _RULES.complaint_categories,
        ),
    )
)
SEGMENTS = Keys(
    (
        Key("segments", Many(SEGMENT), "the first that holds is the customer's; none: the imported one stays", ()),
        Key("currency", Text("a currency such as EUR", "[A-Z]{3}"), "of purchases and grants", _RULES.currency),
        Key("window", LONG, "older purchases do not count for frequency, monetary and value", _RULES.window),
        Key("value", Text("where the value comes from", choices=(PURCHASES, IMPORTED, LARGER)),
            "what was spent in the window, the imported value, or the larger of both", _RULES.value_from),
        Key("score", SCORE, "what the score from 0 to 100 is made of, and how much each counts", {}),
        Key("retention_risk", RISK, "what raises the risk that they leave, 0 to 1", {}),
        Key("growth", GROWTH, "what says that they could buy more, 0 to 1", {}),
        Key("complaints", COMPLAINTS, "what counts as a complaint", COMPLAINTS.blank()),
        Key("levels", Many(LEVEL), "levels of agents for grants; the first that holds is theirs", ()),
        Key("grants_within", LONG, "what a customer was granted so lately counts against the limit",
            _RULES.grants_within),
        Key("recompute_at", Text("a time such as 03:30", r"([01]\d|2[0-3]):[0-5]\d"),
            "when the figures are made anew, each day", "03:30"),
    )
)  # fmt: skip


def load_segments(
    document: Document,
    agent_scope: Scope,
    numbers: Collection[str] | None,
    dispositions: Collection[str] | None,
) -> SegmentRules:
    """`numbers` and `dispositions` None: their file could not be read."""
    written = SEGMENTS.read(document, document.root, ())
    score = {}
    for name, values in (written["score"] or {}).items():
        if values is not None:
            score[name] = _scored_by(document, ("score", name), name, values)
    levels = _levels(document, written["levels"], {**agent_scope, **LEVEL_NAMES})
    segments = _segments(document, written["segments"], [level.id for level in levels], numbers)
    complaints = written["complaints"]
    for index, code in enumerate(complaints["dispositions"]):
        listed = isinstance(document.at(("complaints", "dispositions")).value, list | str)
        if listed and code and dispositions is not None and code not in dispositions:
            hint = closest_or_all(code, dispositions)
            document.problem(("complaints", "dispositions", index), f"there is no disposition {code}", hint)
    return SegmentRules(
        segments=segments,
        currency=written["currency"],
        window=written["window"],
        value_from=written["value"],
        score=score,
        risk=_risk(written["retention_risk"], document),
        growth=GrowthRules(**{name: sign["weight"] for name, sign in (written["growth"] or {}).items()}),
        levels=levels,
        grants_within=written["grants_within"],
        recompute_at=minutes_of(written["recompute_at"] or "00:00"),
        complaint_dispositions=complaints["dispositions"],
        complaint_categories=complaints["categories"],
    )


def recompute_at(home: Path) -> int | None:
    """Minutes after midnight; None where there is no such file. Raises OSError."""
    path = home / "config" / "segments.yaml"
    if not path.exists():
        return None
    document = read_yaml("config/segments.yaml", path.read_bytes())
    return minutes_of(SEGMENTS.read(document, document.root, ())["recompute_at"] or "00:00")


def _risk(written: dict[str, Any], document: Document) -> RiskRules:
    if not written:
        return RiskRules()
    overdue, survey = written["overdue"], written["survey"]
    if overdue["full"] <= overdue["from"]:
        path = ("retention_risk", "overdue")
        document.problem(path, "full has to be larger than from", "e.g. {from: 1.5, full: 3}")
    return RiskRules(
        overdue=overdue["weight"],
        overdue_from=overdue["from"],
        overdue_full=overdue["full"],
        complaint=written["complaint"]["weight"],
        complaint_within=written["complaint"]["within"],
        survey=survey["weight"],
        survey_within=survey["within"],
        survey_below=survey["below"],
        contract_end=written["contract_end"]["weight"],
        contract_end_within=written["contract_end"]["within"],
        decline=written["decline"]["weight"],
    )


def _scored_by(document: Document, path: Place, name: str, written: dict[str, Any]) -> Variable:
    bounds: list[float] = []
    for index, literal in enumerate(written["bounds"]):
        place = (*path, "bounds", index)
        if name in IN_TIME:
            value = parse_duration(document.at(place).raw)
            if value is None:
                document.problem(place, "expected a duration", "e.g. 30d")
        else:
            value = literal.value if literal.type == NUMBER else None
            if value is None:
                document.problem(place, "expected a number")
        if value is not None:
            if bounds and value <= bounds[-1]:
                document.problem(
                    place, f"{literal} does not come after the one before", "write them ascending"
                )
            bounds.append(float(value))
    return Variable(written["weight"], tuple(bounds), written["groups"])


def condition_of(document: Document, path: Place, text: str, scope: Scope) -> Condition | None:
    """Its faults become problems of the file."""
    condition, faults = read_condition(text, scope) if text else (None, [])
    for fault in faults:
        document.problem(path, fault.text, fault.hint, offset=fault.column - 1)
    return condition


def _levels(document: Document, written: tuple[dict[str, Any], ...], scope: Scope) -> tuple[Level, ...]:
    found: list[Level] = []
    for index, values in enumerate(written):
        condition = condition_of(document, ("levels", index, "when"), values["when"], scope)
        if values["level"] in [AGENT_LEVEL, *(level.id for level in found)]:
            document.problem(("levels", index, "level"), f"there is a level {values['level']} already")
        elif condition is not None:
            found.append(Level(values["level"], condition))
    return tuple(found)


def _segments(
    document: Document,
    written: tuple[dict[str, Any], ...],
    levels: list[str],
    numbers: Collection[str] | None,
) -> tuple[Segment, ...]:
    found: list[Segment] = []
    everybody = ""
    for index, values in enumerate(written):
        path: Place = ("segments", index)
        id_ = values["segment"]
        if everybody:
            text = f"nobody is left for {id_}: {everybody} takes everybody"
            document.problem(path, text, "put it before", severity=WARNING)
        least, below = values["score_from"], values["score_below"]
        if least is not None and below is not None and below <= least:
            document.problem((*path, "score_below"), "no score is from the one on and below the other")
        if not values["when"] and least is None and below is None:
            everybody = everybody or id_
        if id_ and id_ in [each.id for each in found]:
            document.problem((*path, "segment"), f"there is a segment {id_} already")
        number = values["vip_number"]
        if number and numbers is not None and number not in numbers:
            hint = closest_or_all(number, numbers)
            document.problem((*path, "vip_number"), f"{number} is not a dialled number", hint)
        for level in values["grant"]:
            if level and level not in (AGENT_LEVEL, *levels):
                hint = (
                    did_you_mean(level, [AGENT_LEVEL, *levels])
                    or f"one of {', '.join([AGENT_LEVEL, *levels])}"
                )
                document.key_problem((*path, "grant", level), f"there is no level {level}", hint)
        for language, text in values["greeting"].items():
            for brace in re.findall(r"\{[^}]*\}?|\}", text):
                if brace != "{name}":
                    document.problem(
                        (*path, "greeting", language), f"{brace} is not filled in", "only {name} is"
                    )
        found.append(
            Segment(
                id_,
                condition_of(document, (*path, "when"), values["when"], CUSTOMER_NAMES),
                least,
                below,
                values["priority"],
                values["head_start"],
                number,
                values["greeting"],
                values["grant"],
            )
        )
    return tuple(found)
